"""Rotating log files. They never hold payload text: the journal shows that, in memory only."""

import logging
import logging.handlers
import sys
from pathlib import Path

FILE_BYTES = 1024 * 1024
FILES = 5


class CalmFileHandler(logging.handlers.RotatingFileHandler):
    """Says once that it cannot write (the disk is full, say), instead of a traceback for every line."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Logging tells that a record could not be written."""
        if not self.told and sys.stderr is not None:
            self.told = True
            sys.stderr.write(f"The log file cannot be written: {sys.exc_info()[1]}\n")


def start(folder: Path, *, console: bool = False) -> logging.Handler:
    """Log to ``folder/companion.log``, and warnings to standard error when ``console``.

    Returns the file's handler. Raises ``OSError``.
    """
    handler = CalmFileHandler(folder / "companion.log", maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    # At DEBUG the library would log every frame's text, and at INFO every connection twice.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    if console:
        warnings = logging.StreamHandler(sys.stderr)
        warnings.setLevel(logging.WARNING)
        warnings.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        root.addHandler(warnings)
    return handler
