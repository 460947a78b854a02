"""Write and split frames between peers: a 4-byte unsigned big-endian length, and a JSON object of that many bytes.
The objects are bytes here: ``envelopes`` parses them. They are limited to 1 MiB.
"""

from collections.abc import Iterator

from app.protocol.peers.errors import BadPeerFrame

HEADER_BYTES = 4
MAX_BYTES = 1024 * 1024
"""Maximum length of a JSON object. A connection with a larger frame is closed."""
LARGE_BYTES = 64 * 1024
"""A larger object is valid, but unusual: a warning is logged."""


def frame(body: bytes) -> bytes:
    """Return an object as a frame. Raises ``BadPeerFrame`` if it is larger than ``MAX_BYTES``."""
    if len(body) > MAX_BYTES:
        raise BadPeerFrame(f"The frame has {len(body):,} bytes; at most {MAX_BYTES:,} are allowed")
    return len(body).to_bytes(HEADER_BYTES, "big") + body


class FrameReader:
    """Splits the bytes of a connection into frames. Buffers at most one frame and what was fed last."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """Number of bytes of the incomplete frame."""
        return len(self._buffer)

    def feed(self, received: bytes) -> Iterator[bytes]:
        """Add bytes, and yield the objects that are complete. Raises ``BadPeerFrame`` for too large a length.

        Use the iterator up before the next call.
        """
        self._buffer += received
        while len(self._buffer) >= HEADER_BYTES:
            length = int.from_bytes(self._buffer[:HEADER_BYTES], "big")
            if length > MAX_BYTES:
                raise BadPeerFrame(f"The frame has {length:,} bytes; at most {MAX_BYTES:,} are allowed")
            end = HEADER_BYTES + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER_BYTES:end])
            del self._buffer[:end]
            yield body
