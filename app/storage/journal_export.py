"""Write rows that were chosen in the window, of the log or of an opened recording, to a file of JSON lines.
The lines have the format of ``companion journal --json``.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from app.hub.row_codec import encode_lines
from app.hub.row_store import RowStore
from app.protocol.errors import StorageError
from app.system.files import reason, write_output

ROWS_AT_ONCE = 1_000


async def export_rows(
    rows: RowStore, seqs: Sequence[int], file: Path, number_of: Callable[[int], int] = int
) -> int:
    """Write the rows with these numbers to a file, and return how many. Discarded rows are left out.

    ``rows`` must be a copy, which does not change while a thread reads it. ``number_of`` returns the number to
    write for a row. Raises ``StorageError``.
    """
    try:
        return await asyncio.to_thread(_write, rows, seqs, file, number_of)
    except OSError as error:
        raise StorageError(f"{file} could not be written: {reason(error)}") from None


def _write(rows: RowStore, seqs: Sequence[int], file: Path, number_of: Callable[[int], int]) -> int:
    written = 0

    def parts() -> Iterator[bytes]:
        nonlocal written
        for start in range(0, len(seqs), ROWS_AT_ONCE):
            lines = list(encode_lines(rows, seqs[start : start + ROWS_AT_ONCE], number_of))
            written += len(lines)
            yield b"".join(line + b"\n" for line in lines)

    write_output(file, parts(), private=True)
    return written
