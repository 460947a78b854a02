"""Names of fields that contain secrets, such as ``password``, ``X-Api-Key`` or ``refreshToken``."""

import re

NAMES = (
    r"(?:token|jwt|api[_-]?key|secret|passwor[dt]|passwd|passphrase|pwd|authorization|credentials?|cookie|"
    r"session[_-]?id|(?:private|secret|service|role|anon|access)[_-]?key)(?:[_-]?(?:value|hash))?"
)
"""Endings of names of fields, as a regular expression. A plural and a number may follow."""
NUMBERS = "pin|otp|cvv|cvc|tan"
"""Whole names of fields with short secret numbers, which may be texts."""

_SECRET = re.compile(rf"(?i)(?:.*(?:{NAMES})s?[_-]?\d*|{NUMBERS})", re.DOTALL)


def is_secret(name: str) -> bool:
    """Return whether a field with this name contains a secret."""
    return _SECRET.fullmatch(name) is not None
