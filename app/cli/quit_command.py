"""``companion quit``: ask the companion to quit, terminate it if it does not, and wait for its process to end.
Each wait has a timeout (``EXIT_TIMEOUT_S``). Installers call it too. The request goes to the control API; on
Windows, to the window if that fails.
"""

import io
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import DataDir, Json, print_result

if TYPE_CHECKING:
    import psutil

    from app.system.instance import Instance

API_TIMEOUT_S = 3.0
"""Timeout of the request to the control API, in seconds. After it, the other ways to quit are tried."""
EXIT_TIMEOUT_S = 5.0
"""Seconds to wait until the process has ended. The companion itself needs at most 2 s."""
POLL_S = 0.05


def quit_companion(json: Json = False, data_dir: DataDir = None) -> None:
    """Quit the running companion and wait until it has ended. Exit code 4 if no companion is running."""
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
        ended = _request_quit(found, data_dir, instance.folder_of(found, folders.runtime)) and _wait_for_exit(
            process
        )
        if not ended:
            process.terminate()  # SIGTERM, which quits cleanly; on Windows, this kills the process
            ended = _wait_for_exit(process)
    except psutil.NoSuchProcess:
        ended = True  # it has already ended
    except psutil.AccessDenied:
        fail(f"The companion (process {found.pid}) belongs to another user.", Exit.FAILED)
    if not ended:
        fail(f"The companion (process {found.pid}) did not end within {EXIT_TIMEOUT_S:g} s.", Exit.FAILED)
    if instance.find(folders.instance_file) is None:  # no other companion has started meanwhile
        instance.remove(folders.instance_file)  # a terminated process does not remove its file
    print_result("the companion has quit", {"quit": True}, json)


def _request_quit(found: "Instance", data_dir: Path | None, folder: Path) -> bool:
    """Ask the companion to quit. Return whether the request may have arrived; then the caller waits for the exit.

    The control API is tried first. On Windows, which has no SIGTERM, the window is tried next.
    """
    answered = _request_by_api(data_dir) if found.control else False
    if sys.platform == "win32" and not answered:
        return (found.window and _request_by_window(folder)) or answered is None
    return bool(answered)


def _request_by_api(data_dir: Path | None) -> bool | None:
    """Return whether the control API accepted the request, or None if it did not answer."""
    import typer

    from app.cli.control import Control
    from app.system.exit_codes import Exit

    try:
        with redirect_stderr(io.StringIO()):  # there are other ways to quit, so do not print why this one failed
            Control(data_dir).call("POST", "/v1/quit", timeout_s=API_TIMEOUT_S)
    except typer.Exit as failed:
        return None if failed.exit_code == Exit.NOT_RUNNING else False
    return True


def _request_by_window(folder: Path) -> bool:
    try:
        from app.ui.single_instance import hand_over
    except ImportError:  # without Qt, there is no window
        return False
    return hand_over(folder, {"quit": True})


def _wait_for_exit(process: "psutil.Process") -> bool:
    """Return whether the process ended within the timeout. A zombie counts as ended."""
    import psutil

    deadline = time.monotonic() + EXIT_TIMEOUT_S
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
