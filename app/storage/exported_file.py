"""Write the content of an export to a file, or create a folder, in a thread. The window uses both.
An export is, for example, a report of the reconnect lab, a document of the contract, or a test made from the log.
"""

import asyncio
from pathlib import Path

from app.protocol.errors import StorageError
from app.system.files import reason, write_output


async def export_file(file: Path, content: bytes) -> None:
    """Write ``file``, which the user has chosen. Raises ``StorageError``."""
    try:
        await asyncio.to_thread(write_output, file, content, private=True)
    except OSError as error:
        raise StorageError(f"{file} could not be written: {reason(error)}") from None


async def make_folder(folder: Path) -> None:
    """Create a folder if it does not exist, in a thread. Raises ``StorageError``."""
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} could not be created: {reason(error)}") from None
