"""Save, load or reset the chat state while no companion is running (``companion state``).

It locks the data directory and creates a ``Companion``, but opens only its chat state: no server and no source of
events is started. Event files are read only from a folder that the settings name; they do not change the result.
The chat state file is checked, repaired, migrated and backed up as usual.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.companion import Companion
from app.hub.pipeline import FIRE_ERRORS
from app.system.data_directory import AlreadyRunning, DataDirectory, DataDirectoryError, Overrides
from app.system.exit_codes import Exit
from app.system.terminal import say


def run(verb: str, file: Path | None, data_dir: Path | None) -> int:
    """Save the chat state to ``file``, load it from there, or reset it. Return the exit code.

    ``verb`` is ``save``, ``load`` or ``reset``.
    """
    try:
        data = DataDirectory.open(data_dir)
        data.start_log(console=True)
    except AlreadyRunning:
        say("A companion that uses this chat state is starting or ending. Try again in a moment.")
        return Exit.BUSY
    except DataDirectoryError as error:
        say(str(error))
        return error.exit
    try:
        companion = Companion(data.load(Overrides()), chat_file=data.folders.chat_file)
        work: dict[str, Callable[[], Awaitable[None]]] = {"reset": companion.chat.reset}
        if file is not None:
            work |= {"save": lambda: companion.chat.store.save(file), "load": lambda: companion.chat.load(file)}
        return asyncio.run(_run(companion, work[verb]))
    finally:
        data.lock.release()


async def _run(companion: Companion, work: Callable[[], Awaitable[None]]) -> int:
    try:
        await companion.open_chat_state()
        say(*companion.warnings)
        if companion.in_memory:
            return Exit.FAILED
        await work()
    except FIRE_ERRORS as error:
        say(str(error))
        return Exit.FAILED
    finally:
        await companion.close()
    return Exit.OK
