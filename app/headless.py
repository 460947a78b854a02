"""Composition root without Qt: the same server on plain asyncio (uvloop when installed)."""

import asyncio
import sys
from pathlib import Path

from app.companion import Companion
from app.system.exits import Exit
from app.system.home import Home, HomeError, Overrides
from app.system.signals import ignore_more, on_stop


def serve(overrides: Overrides, data_dir: Path | None) -> int:
    """Run the event server until a signal ends it. Returns the process's exit code."""
    try:
        home = Home.open(data_dir, console=True)
    except HomeError as error:
        print(error, file=sys.stderr)
        return error.exit
    settings = home.load(overrides)
    for complaint in home.settings_file.complaints:
        print(complaint, file=sys.stderr)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(Companion(settings, chat_file=home.folders.chat_file)))
    finally:
        home.lock.release()


async def _serve(companion: Companion) -> int:
    stopped = asyncio.Event()
    on_stop(asyncio.get_running_loop(), stopped.set)
    if not await companion.start():
        print(f"{companion.trouble} Stop it, or choose another port with --port.", file=sys.stderr)
        return Exit.BUSY
    print(f"listening {companion.server.url}", flush=True)
    if not await companion.start_rest():
        print(f"{companion.rest_trouble} Events work; the UI's REST calls are not answered.", file=sys.stderr)
    elif companion.rest.listening:
        print(f"answering {companion.rest.url}", flush=True)
    for complaint in companion.complaints:
        print(complaint, file=sys.stderr)
    await stopped.wait()
    await companion.close()
    ignore_more(asyncio.get_running_loop())
    return Exit.OK


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        from uvloop import Loop
    except ImportError:
        return None
    return Loop
