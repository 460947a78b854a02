"""``companion quit``: end the companion that runs, as its own *Quit* does. Installers call it."""

import io
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import DataDir, Json, done

if TYPE_CHECKING:
    import psutil

    from app.system.instance import Instance

ANSWER_S = 3.0
"""Seconds that the control API may take to accept the request, before the process is stopped in another way."""
PATIENCE_S = 5.0
"""Stopping takes the companion 2 s at most, whatever its clients do."""
POLL_S = 0.05


def quit_companion(json: Json = False, data_dir: DataDir = None) -> None:
    """End the running companion, and wait until it has ended. Exit code 4 when none runs."""
    import psutil

    from app.cli.control import NOT_RUNNING, fail
    from app.system import instance
    from app.system.exit_codes import Exit
    from app.system.paths import Folders

    folders = Folders.of(data_dir)
    found = instance.find(folders.instance_file)
    if found is None:
        fail(NOT_RUNNING.format(where=f" with {data_dir}" if data_dir else ""), Exit.NOT_RUNNING)
    try:
        process = psutil.Process(found.pid)
        ended = _asked(found, data_dir, folders.runtime) and _wait(process)
        if not ended:
            process.terminate()  # SIGTERM, which is as good as Quit; on Windows, a hard end
            ended = _wait(process)
    except psutil.NoSuchProcess:
        ended = True  # in between
    except psutil.AccessDenied:
        fail(f"The companion (process {found.pid}) belongs to somebody else.", Exit.FAILED)
    if not ended:
        fail(f"The companion (process {found.pid}) has not ended within {PATIENCE_S:g} s.", Exit.FAILED)
    if instance.find(folders.instance_file) is None:  # no other one has started meanwhile
        instance.withdraw(folders.instance_file)  # a process that was terminated leaves it
    done("the companion has ended", {"quit": True}, json)


def _asked(found: "Instance", data_dir: Path | None, folder: Path) -> bool:
    """Ask the companion to quit. Return whether the request may have arrived: then the companion gets time to end.

    The control API is asked first. On Windows, where there is no SIGTERM, the companion's window is asked next.
    """
    answered = _ask_api(data_dir) if found.control else False
    if sys.platform == "win32" and not answered:
        return (found.window and _asked_by_window(folder)) or answered is None
    return bool(answered)


def _ask_api(data_dir: Path | None) -> bool | None:
    """Return whether the control API has accepted the request; None if it did not answer."""
    import typer

    from app.cli.control import Control
    from app.system.exit_codes import Exit

    try:
        with redirect_stderr(io.StringIO()):  # there are other ways, so why this one failed is of no interest
            Control(data_dir).call("POST", "/v1/quit", patience_s=ANSWER_S)
    except typer.Exit as failed:
        return None if failed.exit_code == Exit.NOT_RUNNING else False
    return True


def _asked_by_window(folder: Path) -> bool:
    try:
        from app.ui.single_instance import hand_over
    except ImportError:  # without Qt, there is no window to ask
        return False
    return hand_over(folder, {"quit": True})


def _wait(process: "psutil.Process") -> bool:
    """Return whether the process ended in time. One that nobody has collected yet (a zombie) has ended."""
    import psutil

    deadline = time.monotonic() + PATIENCE_S
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
