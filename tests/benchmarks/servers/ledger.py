"""Read the progress of the slowest client from memory shared with the load client."""

import mmap
from pathlib import Path

NO_CONNECTION = 2**64 - 1
"""The value that the load client writes if no connection is left."""


class Ledger:
    """Reads the first 64 bits of a file that the load client writes."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._counter = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("Q")

    def behind(self, sent: int) -> int:
        """Return how many of ``sent`` events the slowest client has not received yet."""
        return sent - self._counter[0]
