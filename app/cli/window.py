"""``companion`` without a subcommand: open the window and tray icon, or print why that is not possible."""

import gc
import signal
import sys
from importlib.util import find_spec
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
    """Run the window until the user quits it. Return the exit code."""
    if sys.platform == "linux" and not displays.named():
        say("There is no display, so no window can be opened. `companion serve` runs without a window.")
        return Exit.FAILED
    # Until the event loop handles SIGINT, Ctrl+C kills the process: KeyboardInterrupt could be raised inside of Qt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # Imports create no garbage to collect, and are faster. Later, the window collects on Qt's thread.
    try:
        from app import desktop
        from app.system.data_directory import Overrides
    except ImportError as error:
        if find_spec("app.desktop") is None:  # the bundle of `serve`
            say("This build of the companion has no window. Run `companion serve`, or install the full program.")
            return Exit.FAILED
        say(
            f"Qt, which the window needs, cannot be loaded: {error}",
            "On Debian and Ubuntu, README's apt-get line installs what is missing. "
            "`companion serve` runs without a window.",
        )
        return Exit.FAILED
    return desktop.run(overrides or Overrides(), data_dir, token_file, hidden=hidden)
