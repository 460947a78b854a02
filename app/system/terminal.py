"""Print text to the terminal, with control characters escaped, because the text may come from a client.

A terminal acts on control characters: they move the cursor, rewrite earlier lines, set the title or fill the
clipboard, and bidirectional controls reorder what follows. Print with ``print_lines`` and ``say``, one argument per
line. In GitHub Actions, they also escape commands to the runner. ``print_document`` prints a text that is meant for
a file or another program, and escapes it only for a terminal or the runner. ``EscapingStream`` is the safety net
below them: it also covers the argument parser, log lines and libraries. If a stream cannot be written, for example
because the disk is full, they raise ``OutputError``; if its reader has ended, they raise ``BrokenPipeError``.
"""

import errno
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TextIO

from typing_extensions import override

CONTROLS = (
    "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks, embeddings, overrides and isolates
    "\u2028\u2029"  # separators of lines and paragraphs
    "\ud800-\udfff"  # lone surrogates, which no encoding can represent
)
_IN_TEXT = re.compile(f"[{CONTROLS}]")
_IN_LINE = re.compile(f"[{CONTROLS}\t\n]")

_RUNNER_COMMAND = re.compile(r"^(?P<space>\s*)(?P<sign>:)(?=:)|#(?=#\[)")
"""The first character of a command to the runner of GitHub Actions: ``::error::`` at the beginning of a line, and
``##[error]`` anywhere in it."""


class OutputError(OSError):
    """Standard output or standard error cannot be written."""

    def __init__(self, stream: TextIO, why: OSError) -> None:
        super().__init__(why.errno, why.strerror)
        self.stream = stream


def escape_controls(text: str) -> str:
    r"""Return ``text`` with control characters as JSON escapes (``\u001b``), except tab and newline.

    JSON stays valid and keeps its value: this is how JSON escapes them, and they occur only within its strings.
    """
    return _IN_TEXT.sub(_escape, text)


def one_line(text: str) -> str:
    """Return ``text`` as ``escape_controls`` does, with tab and newline escaped too."""
    return _IN_LINE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def error_lines(text: str) -> list[str]:
    """Split an error message into its sentence and the indented lines below it, which show the invalid text.

    Other line breaks are kept, so that ``say`` escapes them: they may come from another program.
    """
    return re.split(r"\n(?=    )", text)


def print_lines(*lines: str) -> None:
    """Print each text as one line to standard output."""
    _print(lines, sys.stdout)


def say(*lines: str) -> None:
    """Print each text as one line to standard error: for people, not for pipes."""
    _print(lines, sys.stderr)


def print_document(text: str) -> None:
    """Print the text of a document, such as a session. In a file or for another program, it is not changed."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None or _is_shown(sys.stdout):
        _print(text.removesuffix("\n").split("\n"), sys.stdout, escape_controls)
        return
    sys.stdout.flush()
    try:
        buffer.write(text.encode(sys.stdout.encoding or "utf-8", "replace"))
        buffer.flush()
    except OSError as error:
        raise _output_error(sys.stdout, error) from None


def _is_shown(stream: TextIO) -> bool:
    """Return whether a terminal or the runner of GitHub Actions may read ``stream``."""
    if is_terminal(stream) or not in_github_actions():
        return is_terminal(stream)
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:
        return True


def is_terminal(stream: TextIO) -> bool:
    """Return whether ``stream`` is a terminal. On Windows, ``isatty`` is also true for ``NUL``."""
    if sys.platform == "win32" and stream.isatty():
        with suppress(OSError):  # a replaced stream without a descriptor
            return _is_console(stream.fileno())
    return stream.isatty()


def _is_console(descriptor: int) -> bool:
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        return bool(ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(ctypes.c_ulong())))
    return False


def print_runner_command(line: str, *, to_errors: bool = False) -> None:
    """Print a line that the runner of GitHub Actions executes, to standard output or standard error."""
    print(one_line(line), file=sys.stderr if to_errors else sys.stdout, flush=True)


def in_github_actions() -> bool:
    """Return whether this process runs in a job of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _print(lines: Iterable[str], stream: TextIO, escape: Callable[[str], str] = one_line) -> None:
    is_read_by_runner = in_github_actions()
    for line in lines:
        shown = escape(line)
        print(_RUNNER_COMMAND.sub(_escape_first, shown) if is_read_by_runner else shown, file=stream, flush=True)


def _escape_first(found: re.Match[str]) -> str:
    return f"{found['space'] or ''}\\u{ord(found['sign'] or '#'):04x}"


def _output_error(stream: TextIO, error: OSError) -> OSError:
    if isinstance(error, OutputError):
        return error
    if reader_has_ended(stream, error):
        return BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    return OutputError(stream, error)


def reader_has_ended(stream: TextIO, error: BaseException) -> bool:
    """Return whether ``error`` of a write says that the reader of ``stream`` has ended. Windows may say EINVAL."""
    if isinstance(error, BrokenPipeError):
        return True
    if sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL:
        with suppress(OSError, ValueError):  # no descriptor, or closed
            return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    return False


def discard_output(stream: TextIO | None = None) -> None:
    """Discard further output after its reader has ended: Python's last flush would fail otherwise.

    ``stream`` is standard output if it is None.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (stream or sys.stdout).fileno())
    os.close(nowhere)


class EscapingStream(io.TextIOWrapper):
    """A text stream on the buffer of another one, which escapes control characters."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )

    @override
    def write(self, text: str) -> int:
        """Write ``text`` with its control characters escaped. Returns the length of ``text``."""
        try:
            super().write(escape_controls(text))
        except OSError as error:
            raise _output_error(self, error) from None
        return len(text)

    @override
    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError as error:
            raise _output_error(self, error) from None

    @override
    def close(self) -> None:
        """Flush only: the buffer belongs to the other stream."""
        if not self.closed:
            self.flush()
