"""Recognize raw, resent and disrupted frames by the event and the note of their row in the log or a recording.
A raw frame is any text that the user sends as a frame. A resent frame is one that is sent again. Neither changes
the chat state, in contrast to an event that is fired. A disrupted frame is one that faults have delayed, repeated
or changed: it has a row of its own, whose note has the number of the row of the frame that was sent.
"""

import re

RAW_EVENT = "(raw frame)"
"""The event of the row of a raw frame whose text has no event name. The log has its text as clients receive it."""
SENT_AS_IS, SENT_ON_PURPOSE = "sent as is", "sent on purpose"
"""How the notes of raw frames begin: of valid frames, and of frames that violate the contract."""
_RESENT = re.compile(r"#\d+ again\b")
_DISRUPTED = re.compile(r"#(\d+) after \d+ ms\b")


def resent_note(seq: int) -> str:
    """Return the note of a frame that is sent again, from the number of its row."""
    return f"#{seq} again"


def disrupted_note(seq: int, late_ms: float) -> str:
    """Return how the note of a frame begins that faults deliver late, from the number of the row of that frame."""
    return f"#{seq} after {late_ms:.0f} ms"


def disrupted_row(note: str) -> int:
    """Return the number of the row of the frame that faults delivered, from the note of its delivery, or 0."""
    found = _DISRUPTED.match(note)
    return int(found[1]) if found else 0


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
