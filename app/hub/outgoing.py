"""A frame on its way to clients. ``Hub.send`` is the only way that it can take."""

from typing import NamedTuple, Self

from app.hub.origin import Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope


class Outgoing(NamedTuple):
    """What ``Hub.send`` needs to know of a frame: a value, so that it can be returned, kept, changed or dropped.

    ``payload`` is the frame's text in UTF-8. ``verdict`` and ``note`` are those of its row.
    """

    event: str
    payload: bytes
    to: Target
    origin: Origin
    verdict: Verdict = Verdict.OK
    note: str = ""

    @classmethod
    def of(cls, event: Envelope, *, to: Target = ALL, origin: Origin) -> Self:
        """Return the frame of an event."""
        return cls(event.event, event.encode(), to, origin)

    @classmethod
    def raw(cls, text: str, *, to: Target = ALL, origin: Origin, fault: str) -> Self:
        """Return any text as a frame. ``fault`` says how it violates the contract; empty if it does not."""
        verdict, note = (Verdict.INVALID, f"sent on purpose: {fault}") if fault else (Verdict.OK, "")
        return cls("(raw frame)", text.encode(), to, origin, verdict, note)

    @classmethod
    def again(cls, row: Row, *, origin: Origin) -> Self:
        """Return the frame of a row that went to the UI: same bytes, same target. Raises ``ValueError``."""
        if row.kind is not Kind.TO_UI:
            raise ValueError("only what was sent to the UI can be sent again")
        verdict = Verdict.INVALID if row.verdict is Verdict.INVALID else Verdict.OK
        return cls(row.event, row.payload, Target.parse(row.client), origin, verdict, f"#{row.seq} again")


class ServerNote(NamedTuple):
    """A row about something that happened although no frame was sent."""

    event: str
    note: str
    verdict: Verdict = Verdict.OK


Effect = Outgoing | ServerNote
"""What follows from a cause: returned as a value, journalled and sent after the cause was journalled."""
