"""What a row of the journal says."""

from enum import StrEnum
from typing import NamedTuple

from app.hub.origin import Origin


class Kind(StrEnum):
    """What a row tells of: an event's direction as stored, or what the server itself did."""

    TO_UI = "s2c"
    FROM_UI = "c2s"
    SERVER = "server"

    __hash__ = str.__hash__  # an enum's own is written in Python, and this one is in every row's key


class Verdict(StrEnum):
    """``ok``; ``warning``: kept the contract, but did less than one may expect; ``invalid``: broke it."""

    OK = "ok"
    WARNING = "warning"
    INVALID = "invalid"

    __hash__ = str.__hash__


class Row(NamedTuple):
    """One row. ``wall`` in seconds since the epoch, ``mono`` in monotonic seconds, ``size`` in bytes.

    ``client`` is the sender's number, or the target of what was sent. ``origin`` is who caused it:
    ``panel``, ``tray``, ``control``, ``client 3``, ``server``. ``note`` explains the verdict. ``user`` is the
    user that the sender acts as. ``recipients`` are the ids of the clients that a frame to the UI was sent to; rows
    with the same recipients share one tuple.
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
    """All that a row says but its moment and its payload. Rows that say the same share one head.

    Heads are compared by identity, so that whoever judges rows by their heads judges each head once.
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
        """Return the head of a row that came without one."""
        return cls(row.kind, row.client, row.event, row.verdict, row.note, row.origin, row.user, row.recipients)
