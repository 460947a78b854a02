"""Build the bytes of a WebSocket text frame from a payload, without masking and compression.
The companion gives a function of this module to ``Hub``, which sends the same bytes to all recipients of a frame.
"""

from collections.abc import Callable

from app.protocol.wire_names import WireNames


def text_frame(payload: bytes) -> bytes:
    """Return a text frame with a UTF-8 payload. Nothing is compressed, so all clients can get the same bytes."""
    size = len(payload)
    if size < 126:
        return b"\x81%c" % size + payload
    if size < 0x10000:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def text_frame_with(names: WireNames | None) -> Callable[[bytes], bytes]:
    """Return a function like ``text_frame`` that also renames the keys of the envelope, if ``names`` has others."""
    return text_frame if names is None else lambda payload: text_frame(names.to_wire(payload))
