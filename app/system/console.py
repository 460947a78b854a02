"""Run the program with output streams that escape control characters and never fail to encode a text.
A missing standard input is empty. Without a console, recent output is kept in memory; on Windows, a dialog shows it
if the program exits with an error code, or an exception that ends the program.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from typing_extensions import override

from app.system.exit_codes import Exit
from app.system.terminal import EscapingStream, OutputError, discard_output, is_terminal, say

KEPT_CHARS = 8_000
"""Characters of output that are kept for the error dialog of a program without a console."""

SHOWN_FRAMES = 5
"""Calls that the error dialog shows for an exception."""


class RecentOutput(io.StringIO):
    """A text buffer that keeps only the most recent output, so that it does not grow in a long run."""

    @override
    def write(self, text: str) -> int:
        """Write, and drop the oldest output beyond the limit."""
        super().write(text)
        if self.tell() > 2 * KEPT_CHARS:
            kept = self.getvalue()[-KEPT_CHARS:]
            self.seek(0)
            self.truncate()
            super().write(kept)
        return len(text)


def run_with_streams(command: Callable[[], None]) -> None:
    """Run ``command`` with usable streams. It ends with ``SystemExit``.

    If standard output cannot be written, for example because the disk is full, say so and exit with 1.
    Under ``pythonw.exe``, and in a bundle without a console, there are no streams. Then the output is collected,
    and shown in a dialog if the command fails.
    """
    output = RecentOutput()
    if sys.stdin is None:  # closed by the caller
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open until the process ends
    sys.stdout = output if sys.stdout is None else prepared(sys.stdout)
    sys.stderr = output if sys.stderr is None else prepared(sys.stderr)
    try:
        command()
    except SystemExit as end:
        if end.code and (text := output.getvalue().strip()):
            show_error(text)
        raise
    except OutputError as error:
        discard_output(error.stream)
        if error.stream is not sys.stderr:
            say(f"Standard output cannot be written: {error.strerror or 'unknown error'}.")
        sys.exit(Exit.FAILED)
    except Exception:
        if sys.stderr is output:  # otherwise, Python prints the exception
            import traceback

            show_error(traceback.format_exc(limit=-SHOWN_FRAMES))
        raise


def is_shown_at_end() -> bool:
    """Return whether a dialog will show what is printed to standard error, if the program fails."""
    return sys.platform == "win32" and isinstance(sys.stderr, RecentOutput)


def prepared(stream: TextIO) -> TextIO:
    """Return ``stream`` with an encoding that fits, and with control characters escaped."""
    set_encoding(stream)
    return EscapingStream(stream) if type(stream) is io.TextIOWrapper else stream


def set_encoding(stream: TextIO) -> None:
    """Write UTF-8 to pipes and files on Windows, and never fail because a character cannot be encoded.

    On Windows, Python uses the ANSI code page for pipes and files. Most Unicode characters would be lost, and JSON
    would not be valid. ``PYTHONIOENCODING`` overrides this.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return  # replaced by a test or an embedding program
    if sys.platform == "win32" and not is_terminal(stream) and not os.environ.get("PYTHONIOENCODING"):
        stream.reconfigure(encoding="utf-8")
    stream.reconfigure(errors="replace")


def json_must_be_ascii() -> bool:
    """Return whether JSON on standard output has to escape all characters that are not ASCII.

    Windows PowerShell 5 decodes what it reads from a program as the OEM code page. JSON in ASCII survives that.
    """
    return sys.platform == "win32" and not is_terminal(sys.stdout)


def show_error(text: str) -> None:
    """On Windows, show a message box and wait until it is closed. It works without Qt, which may be missing."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, "P2P Chat Companion", 0x10)
