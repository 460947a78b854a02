"""The frames of clients, as they pass the faults and interceptors before the router decodes them.

If the settings name other keys of the envelope, a frame with these has been renamed already. One without them is
``OtherKeys``, which is not a ``str``, so that it is not decoded by mistake, as if it had the companion's own keys.
"""

from typing import NamedTuple

from app.protocol.envelope import BadFrame, Envelope, decode


class OtherKeys(NamedTuple):
    """A client's text frame that lacks the envelope's keys, as it was sent. ``bad`` says what is wrong."""

    text: str
    bad: BadFrame


AnyFrame = str | bytes | OtherKeys
"""A text frame, a binary frame, or a text frame that lacks the envelope's keys."""


def as_sent(frame: AnyFrame) -> str | bytes:
    """Return the text or the bytes of a frame."""
    return frame.text if isinstance(frame, OtherKeys) else frame


def payload_of(frame: AnyFrame) -> bytes:
    """Return the bytes of a frame."""
    sent = as_sent(frame)
    return sent.encode() if isinstance(sent, str) else bytes(sent)


def decode_frame(frame: AnyFrame) -> Envelope:
    """Return the event in a frame. Raises ``BadFrame`` for any invalid frame, and no other exception."""
    if isinstance(frame, OtherKeys):
        raise BadFrame(frame.bad.reason, frame.bad.where)
    return decode(frame)
