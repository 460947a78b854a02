"""Start without servers: change or save the chat state while no companion runs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.companion import Companion
from app.hub.pipeline import FIRE_ERRORS
from app.system.data_directory import AlreadyRunning, DataDirectory, DataDirectoryError, Overrides
from app.system.exit_codes import Exit
from app.system.terminal import say


def run(verb: str, file: Path | None, data_dir: Path | None) -> int:
    """``save`` the state to a file, ``load`` it from one, or ``reset`` it. Return the exit code."""
    try:
        home = DataDirectory.open(data_dir)
        home.start_log(console=True)
    except AlreadyRunning:
        say("A companion is starting or ending with this chat state: try again in a moment.")
        return Exit.BUSY
    except DataDirectoryError as error:
        say(str(error))
        return error.exit
    try:
        companion = Companion(home.load(Overrides()), chat_file=home.folders.chat_file)
        work: dict[str, Callable[[], Awaitable[None]]] = {"reset": companion.chat.reset}
        if file is not None:
            work |= {"save": lambda: companion.chat.store.save(file), "load": lambda: companion.chat.load(file)}
        return asyncio.run(_do(companion, work[verb]))
    finally:
        home.lock.release()


async def _do(companion: Companion, work: Callable[[], Awaitable[None]]) -> int:
    try:
        await companion.open()
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
