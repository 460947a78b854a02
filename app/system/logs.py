"""Rotating log files. They never hold payload text: the journal shows that, in memory only."""

import logging
import logging.handlers
import sys
from pathlib import Path

FILE_BYTES = 1024 * 1024
FILES = 5


def start(folder: Path, *, console: bool = False) -> logging.Handler:
    """Log to ``folder/companion.log``, and warnings to standard error when ``console``.

    Returns the file's handler. Raises ``OSError``.
    """
    handler = logging.handlers.RotatingFileHandler(
        folder / "companion.log", maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"
    )
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
