"""The exception for failures with the user's Supabase project, such as a failed call or a user name that is taken.
A ``DirectoryError`` has a kind, which is the cause and determines whether the failure is temporary, and a text for
users, which says what is wrong and usually what to correct. ``explain`` makes it from an error response: from the
status, and from ``code`` and ``message`` in PostgREST's JSON body. Other modules raise it, for example, for network
errors.
"""

import json
from enum import StrEnum

from app.protocol.summary import summarize

MAX_QUOTED = 120


class FailureKind(StrEnum):
    """Why a call failed. The values are public."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    TIMEOUT = "timeout"
    NETWORK = "network"
    KEY = "key"
    ROW_SECURITY = "row_security"
    MISSING_TABLE = "missing_table"
    MISSING_COLUMN = "missing_column"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    DUPLICATE = "duplicate"
    ASLEEP = "asleep"
    RATE_LIMIT = "rate_limit"
    SERVER = "server"
    TOO_LARGE = "too_large"
    RESPONSE = "response"
    NAME_TAKEN = "name_taken"
    NAME_REFUSED = "name_refused"
    SETTINGS = "settings"


TRANSIENT = frozenset(
    {
        FailureKind.DNS, FailureKind.REFUSED, FailureKind.TIMEOUT, FailureKind.NETWORK, FailureKind.ASLEEP,
        FailureKind.RATE_LIMIT, FailureKind.SERVER,
    }
)  # fmt: skip
"""Temporary failures. The user has to correct the others."""


class DirectoryError(Exception):
    """A failure with the project. The text is for users, and contains no key.

    ``retry_after_s``: how many seconds the server asks to wait; None if it does not say.
    """

    def __init__(self, kind: FailureKind, sentence: str, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.retry_after_s = retry_after_s

    @property
    def is_transient(self) -> bool:
        """Whether the failure is temporary."""
        return self.kind in TRANSIENT


def explain(status: int, body: bytes, table: str) -> DirectoryError:
    """Return the error for a response with an error status. ``table`` is the table of the call."""
    code, message = _parse(body)
    match status, code:
        case 540, _:
            return DirectoryError(
                FailureKind.ASLEEP,
                "The project is paused, as free projects are after 7 days without use. Resume it on its dashboard.",
            )
        case 429, _:
            return DirectoryError(
                FailureKind.RATE_LIMIT, "The project has received too many calls (429). Try again later."
            )
        case _, "42501" if "permission denied" in message:
            return DirectoryError(
                FailureKind.ROW_SECURITY,
                f"The role anon has no permission for this call on the table {table}. Add it with GRANT.",
            )
        case _, "42501":
            return DirectoryError(
                FailureKind.ROW_SECURITY,
                f"Row-level security forbids this call on the table {table}. Add a policy for the role anon.",
            )
        case _, "PGRST205" | "42P01":
            return DirectoryError(
                FailureKind.MISSING_TABLE, f"The project has no table {table}. Create it as the manual shows."
            )
        case _, "42703" | "PGRST204":
            return DirectoryError(
                FailureKind.MISSING_COLUMN, f"A column of the table {table} is missing: {message}."
            )
        case _, "23503":
            return DirectoryError(
                FailureKind.UNKNOWN_RECIPIENT, "The recipient is not registered in the directory."
            )
        case _, "23505":
            return DirectoryError(FailureKind.DUPLICATE, f"The table {table} already contains this row.")
        case 401 | 403, _:
            return DirectoryError(
                FailureKind.KEY,
                "The project rejects the API key. Copy its publishable key again from its settings.",
            )
        case 404, _:
            return DirectoryError(
                FailureKind.RESPONSE, "The address has no REST interface. Check the address of the project."
            )
    if status >= 500:
        return DirectoryError(
            FailureKind.SERVER, f"The project answers with the status {status}{_quoted(message)}."
        )
    return DirectoryError(
        FailureKind.RESPONSE, f"The project rejects the call on {table} with the status {status}{_quoted(message)}."
    )


def _parse(body: bytes) -> tuple[str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    code, message = value.get("code"), value.get("message")
    text = summarize(message)[:MAX_QUOTED] if isinstance(message, str) else ""
    return code if isinstance(code, str) else "", text.encode(errors="replace").decode()


def _quoted(message: str) -> str:
    return f": {message.rstrip('.')}" if message else ""
