"""Data types for a frame to send, ``Outgoing``, and for other effects of a cause: ``ServerNote``, ``CauseNote``.
``Outgoing`` is a frame with its target; ``Hub.send`` sends it. ``ServerNote`` is only a row of the journal, and
``CauseNote`` a note for the row of the cause. A *cause* is what led to the effects, such as a REST call: see
``causes``.
"""

import re
from typing import NamedTuple, Self

from app.hub.origin import SERVER, Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.wire_names import WireNames

RAW_EVENT = "(raw frame)"
"""The event of the row of a raw frame whose text has no event name. The log has its text as clients receive it."""
SENT_AS_IS, SENT_ON_PURPOSE = "sent as is", "sent on purpose"
"""How the notes of raw frames begin: of valid frames, and of frames that violate the contract."""
_RESENT = re.compile(r"#\d+ again\b")
"""The note of a frame that was sent again; see ``Outgoing.again``."""


def on_wire(event: str, payload: bytes, names: WireNames | None) -> bytes:
    """Return the payload that clients receive of a row with this event and payload. ``names``: see ``Hub``."""
    return names.to_wire(payload) if names and event != RAW_EVENT else payload


def is_raw(event: str, note: str) -> bool:
    """Return whether a row with this event and note is a raw frame."""
    return event == RAW_EVENT or note.startswith((SENT_AS_IS, SENT_ON_PURPOSE))


def is_sent_only(event: str, note: str) -> bool:
    """Return whether a row is a raw or a resent frame: it was sent without changing the chat state."""
    return is_raw(event, note) or _RESENT.match(note) is not None


def fault_in(note: str) -> str:
    """Return how a raw frame without an event name violates the contract, from the note of its row, or ""."""
    how, _, rest = note.partition(": ")
    return rest.partition("; ")[0] if how == SENT_ON_PURPOSE else ""


class Outgoing(NamedTuple):
    """A frame and its target. It is an immutable value: it can be returned, stored, replaced or dropped.

    ``payload`` is the frame's text in UTF-8, or the bytes of a raw frame. ``verdict`` and ``note`` are those of its
    journal row.
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
    def raw(cls, frame: str | bytes, *, to: Target = ALL, origin: Origin, fault: str, event: str = "") -> Self:
        """Return a frame of any text or bytes.

        ``fault`` says how the frame violates the contract; empty if it does not. ``event`` is the name of the event
        in the frame, if there is one.
        """
        verdict, note = (Verdict.INVALID, f"{SENT_ON_PURPOSE}: {fault}") if fault else (Verdict.OK, SENT_AS_IS)
        payload = frame.encode() if isinstance(frame, str) else frame
        return cls(event or RAW_EVENT, payload, to, origin, verdict, note)

    @classmethod
    def again(cls, row: Row, *, origin: Origin) -> Self:
        """Return the frame of a row again, with the same bytes and target.

        Raises ``ValueError`` unless the row is a frame to the UI.
        """
        if row.kind is not Kind.TO_UI:
            raise ValueError("only a frame to the UI can be resent")
        verdict = Verdict.INVALID if row.verdict is Verdict.INVALID else Verdict.OK
        note = f"#{row.seq} again"
        if row.event == RAW_EVENT and (fault := fault_in(row.note)):
            note = f"{SENT_ON_PURPOSE}: {fault}; {note}"
        elif is_raw(row.event, row.note):
            note = f"{SENT_AS_IS}: {note}"
        return cls(row.event, row.payload, Target.parse(row.client), origin, verdict, note)


class ServerNote(NamedTuple):
    """A journal row for an effect that sends no frame to a client."""

    event: str
    note: str
    verdict: Verdict = Verdict.OK
    origin: Origin = SERVER
    payload: bytes = b""
    user: str = ""


class CauseNote(NamedTuple):
    """A note for the row of the cause itself, for example that a message that it changes does not exist."""

    note: str


Effect = Outgoing | ServerNote | CauseNote
"""An effect of a cause. The caller journals the cause first, then passes the effects to ``Hub.carry_out``."""
