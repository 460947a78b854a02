"""The command ``companion``, which ``python -m app`` is as well."""

import os
import sys

from app.system.console import run_with_streams

READ_FROM_ENVIRONMENT = ("COMPANION_DATA_DIR", "_COMPANION_COMPLETE")
"""What the command line's parser takes from there."""
INTERRUPTED = 130
"""As the parser says it."""


def run() -> None:
    """Entry point. Ends with ``SystemExit``."""
    run_with_streams(_command)


def _command() -> None:
    if len(sys.argv) > 1 or any(name in os.environ for name in READ_FROM_ENVIRONMENT):
        from app.cli.main import app

        app(prog_name="companion")
    else:  # as a double click starts it: the parser would take a third of the time until there is a window
        try:
            from app.cli.window import open_window

            sys.exit(open_window())
        except KeyboardInterrupt:  # before there is a loop that hears it
            sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
