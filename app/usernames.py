"""What a user name may look like, the same for the local user, friends and personas."""

MAX_LENGTH = 64


def problem(name: str) -> str:
    """Return what is wrong with a user name ("must not be empty"), or an empty text."""
    if not name.strip():
        return "must not be empty"
    if len(name) > MAX_LENGTH:
        return f"must not be longer than {MAX_LENGTH} characters"
    if not name.isprintable() or "/" in name:
        return "must not contain control characters or a slash"
    if name != name.strip():
        return "must not begin or end with a space"
    return ""
