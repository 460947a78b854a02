"""Check user names: one rule for the local user, the users that clients act as, and the personas of the cast."""

MAX_LENGTH = 64


def problem(name: str) -> str:
    """Return why a user name is invalid, such as "must not be empty"; an empty text if it is valid."""
    if not name.strip():
        return "must not be empty"
    if len(name) > MAX_LENGTH:
        return f"must not be longer than {MAX_LENGTH} characters"
    if not name.isprintable() or "/" in name:
        return "must not contain control characters or a slash"
    if name != name.strip():
        return "must not begin or end with a space"
    return ""
