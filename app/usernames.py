"""Check the syntax of user names, with one rule for all: for example the local user, the users that clients act as,
personas (friends that the companion simulates), peers (friends with a companion of their own), and names in data
from outside. Whether a name exists or is taken is checked elsewhere.
"""

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
