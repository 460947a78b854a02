"""Run the command line: entry point of the command ``companion`` and of ``python -m app``.
If there are no arguments, and no environment variables for the parser, it opens the window without loading the
parser, which would delay it.
"""

import os
import sys

from app.system.console import run_with_streams
from app.system.exit_codes import Exit

READ_FROM_ENVIRONMENT = ("COMPANION_DATA_DIR", "_COMPANION_COMPLETE")
"""Environment variables that the command-line parser reads."""


def run() -> None:
    """Run the command line. Always raises ``SystemExit``."""
    run_with_streams(_command)


def _command() -> None:
    if len(sys.argv) > 1 or any(name in os.environ for name in READ_FROM_ENVIRONMENT):
        from app.cli.main import app
        from app.system.paths import HomeFolderError

        try:
            app(prog_name="companion")
        except HomeFolderError as error:
            from app.system.terminal import say

            say(str(error))
            sys.exit(Exit.FAILED)
    else:  # a start by double click: loading the parser would add half to the time until the window appears
        try:
            from app.cli.window import open_window

            sys.exit(open_window())
        except KeyboardInterrupt:  # before the event loop handles SIGINT
            sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    run()
