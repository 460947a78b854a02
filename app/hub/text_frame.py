"""Build the bytes of a WebSocket text frame from a payload, without masking and compression.
The companion passes ``text_frame`` to ``Hub``, which sends the same bytes to all recipients of a frame.
"""


def text_frame(payload: bytes) -> bytes:
    """Return a text frame with a UTF-8 payload. Nothing is compressed, so all clients can get the same bytes."""
    size = len(payload)
    if size < 126:
        return b"\x81%c" % size + payload
    if size < 0x10000:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
