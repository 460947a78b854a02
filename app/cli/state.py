"""``companion state``: save, load and reset the chat state while no companion runs with it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.companion import NOT_DONE, Companion
from app.system.exits import Exit
from app.system.home import AlreadyRunning, Home, HomeError, Overrides

Work = Callable[[Companion], Awaitable[None]]


def save(file: Path, data_dir: Path | None) -> int:
    """Write the chat state to ``file``. Returns the exit code, as all of these do."""
    return _run(lambda companion: companion.chat.save(file), data_dir, f"saved the chat state to {file}")


def load(file: Path, data_dir: Path | None) -> int:
    """Replace the chat state by the one in ``file``."""
    return _run(lambda companion: companion.chat.load(file), data_dir, f"loaded the chat state from {file}")


def reset(data_dir: Path | None) -> int:
    """Go back to the cast and history of the first start."""
    return _run(lambda companion: companion.chat.reset(), data_dir, "the chat state is as at the first start")


def _run(work: Work, data_dir: Path | None, done: str) -> int:
    try:
        home = Home.open(data_dir, console=True)
    except AlreadyRunning:
        print(
            "A companion is running with this chat state. Use Manage in its Chats room, or quit it first.",
            file=sys.stderr,
        )
        return Exit.BUSY
    except HomeError as error:
        print(error, file=sys.stderr)
        return error.exit
    try:
        return asyncio.run(_work(work, Companion(home.load(Overrides()), chat_file=home.folders.chat_file), done))
    finally:
        home.lock.release()


async def _work(work: Work, companion: Companion, done: str) -> int:
    try:
        await companion.open()
        if companion.in_memory:
            print("\n".join(companion.complaints), file=sys.stderr)
            return Exit.FAILED
        await work(companion)
    except NOT_DONE as error:
        print(error, file=sys.stderr)
        return Exit.FAILED
    finally:
        await companion.close()
    print(done)
    return Exit.OK
