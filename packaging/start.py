"""Where the bundled program begins: the command ``companion``, with or without a console.

On Windows the tray's program has no console, so what the command line says to people would be lost, or would
end in an error of its own: there it is collected, and shown in a message box when the program fails.
"""

import io
import sys


def begin() -> None:
    """Run the command line. Ends with ``SystemExit``, as the command does."""
    if sys.stderr is None:
        without_console()
    else:
        command()


def command() -> None:
    """Run the command line."""
    from app.__main__ import run

    run()


def without_console() -> None:
    """Run the command line, and show in a box why it failed."""
    said = io.StringIO()
    sys.stdout = sys.stderr = said
    try:
        command()
    except SystemExit as end:
        if end.code and said.getvalue().strip():
            tell(said.getvalue().strip())
        raise


def tell(text: str) -> None:
    """Show a box until a person closes it."""
    import ctypes

    ctypes.windll.user32.MessageBoxW(None, text, "P2P Chat Companion", 0x10)  # type: ignore[attr-defined,unused-ignore]


if __name__ == "__main__":
    begin()
