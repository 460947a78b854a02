"""Data types for a frame to send, ``Outgoing``, and for other effects of a cause: ``ServerNote``, ``CauseNote``.
``Outgoing`` is a frame with its target; ``Hub.send`` sends it. ``ServerNote`` is only a row of the journal, and
``CauseNote`` a note for the row of the cause. A *cause* is what led to the effects, such as a REST call: see
``causes``.
"""

from typing import NamedTuple, Self

from app.hub.origin import SERVER, Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.raw_frames import RAW_EVENT, SENT_AS_IS, SENT_ON_PURPOSE, fault_in, is_raw, resent_note
from app.protocol.wire_names import WireNames


def on_wire(event: str, payload: bytes, names: WireNames | None) -> bytes:
    """Return the payload that clients receive of a row with this event and payload. ``names``: see ``Hub``."""
    return names.to_wire(payload) if names and event != RAW_EVENT else payload


def wire_text(row: Row, names: WireNames | None) -> str:
    """Return the text of a frame to the UI as clients received it. ``names``: see ``Hub``."""
    return on_wire(row.event, row.payload, names).decode("utf-8", "replace")


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
        note = resent_note(row.seq)
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
