"""Rotating log files. They never hold payload text: the journal shows that, in memory only."""

import logging
import logging.handlers
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.system.crash import redacted
from app.system.terminal import one_line, say

FILE_BYTES = 1024 * 1024
FILES = 5


class CalmFileHandler(logging.handlers.RotatingFileHandler):
    """Says once that it cannot write (the disk is full, say), instead of a traceback for every line."""

    told = False

    def doRollover(self) -> None:
        """Rotate the files, or go on in the same one if another program has it open: Windows then forbids it."""
        if self.stream:
            self.stream.close()
        current = Path(self.baseFilename)
        newest = current.with_name(f"{current.name}.0")
        try:
            newest.unlink(missing_ok=True)
            current.replace(newest)  # first, so that a failure leaves the older files where they are
            self.maxBytes = FILE_BYTES
            for number in range(self.backupCount, 0, -1):
                with suppress(OSError):  # that file is lost, the log is not
                    older = current.with_name(f"{current.name}.{number - 1}")
                    older.replace(current.with_name(f"{current.name}.{number}"))
        except OSError:
            self.maxBytes += FILE_BYTES  # try again after as much again
        self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Logging tells that a record could not be written."""
        if not self.told and sys.stderr is not None:
            self.told = True
            say(f"The log file cannot be written: {sys.exc_info()[1]}")


class DiscreetFormatter(logging.Formatter):
    """Writes where an error came from, without its message: that may quote a chat."""

    def formatException(self, ei: Any) -> str:
        """Logging asks."""
        return redacted(ei[1]) if ei[1] else ""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return one line: whoever shows the log in a terminal shows its control characters too."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Logging asks: what another handler's formatter cached is not ours."""
        record.exc_text = None
        text = super().format(record)
        record.exc_text = None
        return text


class OneLineFormatter(DiscreetFormatter):
    """For a terminal: the error's kind, and where to read on."""

    def formatException(self, ei: Any) -> str:
        """Logging asks."""
        return f"({type(ei[1]).__name__}; more in the log files)" if ei[1] else ""


def start(folder: Path, *, console: bool = False) -> logging.Handler:
    """Log to ``folder/companion.log``, and warnings to standard error when ``console``.

    Returns the file's handler. Raises ``OSError``.
    """
    handler = CalmFileHandler(folder / "companion.log", maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    # At DEBUG the library would log every frame's text, and at INFO every connection twice.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    if console:
        warnings = logging.StreamHandler(sys.stderr)
        warnings.setLevel(logging.WARNING)
        warnings.setFormatter(OneLineFormatter("%(levelname)s: %(message)s"))
        root.addHandler(warnings)
    return handler
