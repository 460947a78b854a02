"""Write the content of an export, such as the report or the plot of the reconnect lab, to a file in a thread."""

import asyncio
from pathlib import Path

from app.protocol.errors import StorageError
from app.system.files import reason, write_file


async def export_file(file: Path, content: bytes) -> None:
    """Replace ``file`` by one with this content. Raises ``StorageError``."""
    try:
        await asyncio.to_thread(write_file, file, content)
    except OSError as error:
        raise StorageError(f"{file} could not be written: {reason(error)}") from None
