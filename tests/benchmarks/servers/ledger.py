"""How far the slowest client is, read from memory that it shares with the server."""

import mmap
from pathlib import Path

NOBODY = 2**64 - 1
"""What the load client writes when no connection is left."""


class Ledger:
    """Reads the first 64 bits of a file that the load client writes."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._counter = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("Q")

    def behind(self, sent: int) -> int:
        """Return how many of ``sent`` events the slowest client does not have yet."""
        return sent - self._counter[0]
