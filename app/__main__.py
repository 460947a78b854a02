"""Run the command line: entry point of the command ``companion`` and of ``python -m app``.
If there are no arguments, and no environment variables for the parser, it opens the window without loading the
parser, which would delay it. ``run`` imports nearly all modules, and handles Ctrl+C meanwhile.
"""

import os
import sys

READ_FROM_ENVIRONMENT = ("COMPANION_DATA_DIR", "_COMPANION_COMPLETE")
"""Environment variables that the command-line parser reads."""


def run() -> None:
    """Run the command line. Always raises ``SystemExit``."""
    try:
        from app.system.console import run_with_streams

        run_with_streams(_command)
    except KeyboardInterrupt:  # before the command handles it, or the event loop of the window
        from app.system.exit_codes import Exit

        sys.exit(Exit.INTERRUPTED)


def _command() -> None:
    if len(sys.argv) > 1 or any(name in os.environ for name in READ_FROM_ENVIRONMENT):
        from app.cli.main import app
        from app.system.paths import HomeFolderError

        try:
            app(prog_name="companion")
        except HomeFolderError as error:
            from app.system.exit_codes import Exit
            from app.system.terminal import say

            say(str(error))
            sys.exit(Exit.FAILED)
    else:  # a start by double click: loading the parser would add half to the time until the window appears
        from app.cli.window import open_window

        sys.exit(open_window())


if __name__ == "__main__":
    run()
