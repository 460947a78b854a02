"""``companion quit``: end the companion that runs, as its own *Quit* does. Installers call it."""

import sys
import time
from typing import TYPE_CHECKING

from app.cli.options import DataDir, Json, done

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

PATIENCE_S = 5.0
"""Stopping takes the companion 2 s at most, whatever its clients do."""
POLL_S = 0.05


def quit_(json: Json = False, data_dir: DataDir = None) -> None:
    """End the running companion, and wait until it has ended. Exit code 4 when none runs."""
    import psutil

    from app.cli.control import NOT_RUNNING, fail
    from app.system import instance
    from app.system.exits import Exit
    from app.system.paths import Folders

    folders = Folders.of(data_dir)
    found = instance.find(folders.instance_file)
    if found is None:
        fail(NOT_RUNNING.format(where=f" with {data_dir}" if data_dir else ""), Exit.NOT_RUNNING)
    try:
        process = psutil.Process(found.pid)
        _ask(process, folders.runtime)
        ended = _wait(process)
    except psutil.NoSuchProcess:
        ended = True  # in between
    except psutil.AccessDenied:
        fail(f"The companion (process {found.pid}) belongs to somebody else.", Exit.FAILED)
    if not ended:
        fail(f"The companion (process {found.pid}) has not ended within {PATIENCE_S:g} s.", Exit.FAILED)
    done("the companion has ended", {"quit": True}, json)


def _ask(process: "psutil.Process", folder: "Path") -> None:
    """Send SIGTERM. On Windows that would end a process on the spot, so its window is asked first.

    ``serve`` has no window there, and is ended: its files are made to survive that.
    """
    if sys.platform == "win32":
        from app.ui.single_instance import hand_over

        if hand_over(folder, {"quit": True}):
            return
    process.terminate()


def _wait(process: "psutil.Process") -> bool:
    """Return whether the process ended in time. One that nobody has collected yet (a zombie) has ended."""
    import psutil

    deadline = time.monotonic() + PATIENCE_S
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
