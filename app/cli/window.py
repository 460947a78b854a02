"""The command without a verb: the window and its tray icon, or why there is none."""

import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.system import displays
from app.system.exit_codes import Exit
from app.system.terminal import say

if TYPE_CHECKING:
    from app.system.data_directory import Overrides


def open_window(
    overrides: "Overrides | None" = None,
    data_dir: Path | None = None,
    token_file: Path | None = None,
    *,
    hidden: bool = False,
) -> int:
    """Run until somebody quits. Returns the process's exit code."""
    if sys.platform == "linux" and not displays.named():
        say("There is no display to open a window on. `companion serve` runs without one.")
        return Exit.FAILED
    # Until a loop hears it, Ctrl+C ends the process as the system does: an exception could come up within Qt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # No module is garbage. The program collects in its own way when it runs.
    try:
        from app import desktop
        from app.system.data_directory import Overrides
    except ImportError as error:
        say(
            f"The window needs Qt, which this system cannot load: {error}",
            "On Debian and Ubuntu, README's apt-get line installs what is missing. "
            "`companion serve` runs without a window.",
        )
        return Exit.FAILED
    return desktop.run(overrides or Overrides(), data_dir, token_file, hidden=hidden)
