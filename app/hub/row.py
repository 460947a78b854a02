"""A row of the journal: a frame, a REST call or an event of the companion itself, such as a new connection.
Its verdict (ok, warning or invalid) is the result of handling it, not only of validating it: a valid event without
recipients has the verdict ``warning``.

A ``RowKey`` has the fields that many rows have in common, so that ``row_store`` usually stores equal ones once.
"""

from enum import StrEnum
from typing import NamedTuple

from app.hub.origin import Origin

UI_STATE = "ui-state"
"""The event of rows that warn of a wrong state of the UI; see ``observers.ui_checks``."""
STATE_LOADED, STATE_RESET, PERSONA_RENAMED = "chat state loaded", "chat state reset", "persona renamed"
STATE_CHANGES = (STATE_LOADED, STATE_RESET, PERSONA_RENAMED)
"""The events of rows that say that the companion has changed the chat state: a page of the UI must be reloaded."""


class Kind(StrEnum):
    """The direction of a frame, or ``SERVER`` for an event of the server itself. A REST call is ``FROM_UI``.

    The values are stored.
    """

    TO_UI = "s2c"
    FROM_UI = "c2s"
    SERVER = "server"

    __hash__ = str.__hash__  # faster than Enum's, which is written in Python; every row's key contains it


class Verdict(StrEnum):
    """The result of handling a frame or REST call, or of an event of the server.

    ``ok``; ``warning``: valid, but with less effect than expected (not delivered, for example); ``invalid``: it
    violates the contract, or is a REST call that was rejected.
    """

    OK = "ok"
    WARNING = "warning"
    INVALID = "invalid"

    __hash__ = str.__hash__


class Row(NamedTuple):
    """One row of the journal.

    ``seq`` is its sequence number, ``wall`` its time in seconds since the epoch, ``mono`` in monotonic seconds, and
    ``size`` the size of the payload in bytes. ``client`` is the number of the client that sent the frame or that
    the event of the server is about, the target of a frame to the UI, or ``rest`` for a REST call. ``origin`` is
    what caused it (see ``Origin``), ``note`` explains the verdict, and ``user`` is the user that the sending client
    acts as, or the one client that the row is addressed to or about. ``recipients`` are the ids of the clients that
    a frame to the UI was sent to; rows with the same ones share one tuple.
    """

    seq: int
    wall: float
    mono: float
    kind: Kind
    client: str
    event: str
    payload: bytes
    size: int
    verdict: Verdict
    note: str
    origin: Origin
    user: str = ""
    recipients: tuple[int, ...] = ()


class RowKey:
    """The fields of a row other than its number, times and payload. Rows with equal fields usually share one key.

    Keys are compared by identity, so a result that depends only on the key can be cached per key.
    """

    __slots__ = ("client", "event", "kind", "note", "origin", "recipients", "user", "verdict")

    def __init__(
        self,
        kind: Kind,
        client: str,
        event: str,
        verdict: Verdict,
        note: str,
        origin: Origin,
        user: str,
        recipients: tuple[int, ...],
    ) -> None:
        self.kind = kind
        self.client = client
        self.event = event
        self.verdict = verdict
        self.note = note
        self.origin = origin
        self.user = user
        self.recipients = recipients

    @classmethod
    def of(cls, row: Row) -> "RowKey":
        """Return a new key with the fields of a row."""
        return cls(row.kind, row.client, row.event, row.verdict, row.note, row.origin, row.user, row.recipients)
