"""Write rotating log files. Commands such as ``serve`` also write warnings and errors to standard error.
Tracebacks are logged without the texts of exceptions, because these may quote a chat. Text that a caller passes is
written, with control characters escaped: callers must not pass frames, messages, values of settings or texts of
errors (``files.kind`` describes an error). The ``websockets`` library,
which would log frames, may log only warnings and errors.
"""

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from typing_extensions import override

from app.system.crash import redacted
from app.system.files import require_regular
from app.system.terminal import one_line, say

FILE_BYTES = 1024 * 1024
FILES = 5


class LogFileHandler(logging.FileHandler):
    """A rotating log file. If it cannot be written (for example, disk full), it reports that once.

    ``logging.handlers`` has one too, but loads sockets, queues and pickle with it.
    """

    reported = False

    def __init__(self, file: Path) -> None:
        super().__init__(file, encoding="utf-8")
        self._limit = FILE_BYTES

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. If the file is full, rotate the files first."""
        try:
            if self.stream and self.stream.tell() >= self._limit:
                self.rotate()
            super().emit(record)  # opens the file again if that has failed before
        except (OSError, ValueError):
            self.handleError(record)

    def rotate(self) -> None:
        """Rotate the files. If another program has the file open (Windows), keep it and try again later."""
        if self.stream:
            self.stream.close()
            self.stream = None
        current = Path(self.baseFilename)
        newest = current.with_name(f"{current.name}.0")
        try:
            newest.unlink(missing_ok=True)
            current.replace(newest)  # first, so that a failure changes no other file
            self._limit = FILE_BYTES
            for number in range(FILES, 0, -1):
                with suppress(OSError):  # only that file is lost
                    older = current.with_name(f"{current.name}.{number - 1}")
                    older.replace(current.with_name(f"{current.name}.{number}"))
        except OSError:
            self._limit += FILE_BYTES  # try again when the file has grown by this much
        self.stream = self._open()

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        if not self.reported and sys.stderr is not None:
            self.reported = True
            say(f"The log file cannot be written: {sys.exc_info()[1]}")


class RedactingFormatter(logging.Formatter):
    """Format exceptions without their messages, which may quote a chat, and each record on one line."""

    @override
    def formatException(self, ei: Any) -> str:
        return redacted(ei[1]) if ei[1] else ""

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the record on one line, with control characters escaped: logs are shown in terminals."""
        return one_line(super().formatMessage(record))

    @override
    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # the text that another handler's formatter cached
        text = super().format(record)
        record.exc_text = None
        return text


class OneLineFormatter(RedactingFormatter):
    """Format exceptions for a terminal: only the type, and a hint at the log files."""

    @override
    def formatException(self, ei: Any) -> str:
        return f"({type(ei[1]).__name__}; see the log files)" if ei[1] else ""


def start(folder: Path, *, console: bool = False) -> logging.Handler:
    """Log to ``folder/companion.log``; if ``console``, log warnings to standard error too.

    Return the handler of the file. Raise ``OSError``.
    """
    require_regular(folder / "companion.log")  # opening a FIFO would wait for a reader
    handler = LogFileHandler(folder / "companion.log")
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    # At DEBUG, the library would log the text of every frame; at INFO, every connection twice.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    if console:
        warnings = logging.StreamHandler(sys.stderr)
        warnings.setLevel(logging.WARNING)
        warnings.setFormatter(OneLineFormatter("%(levelname)s: %(message)s"))
        root.addHandler(warnings)
    return handler
