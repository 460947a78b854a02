"""Write a recording while it happens: its lines are appended to a private file in a thread.
A recording contains the rows of the log and the REST calls, of a run of the program or from a start by the user on.
``recording_store`` chooses the file, and ``observers.recordings`` starts and ends it.
"""

import logging
import os
import threading
from pathlib import Path
from queue import SimpleQueue

from app.protocol.errors import StorageError
from app.protocol.session.saved import END_LINE
from app.system.files import kind, reason

log = logging.getLogger(__name__)


class RecordingFile:
    """A recording that is being written. ``error`` says why writing has failed, or is empty.

    A program that is killed loses at most the lines that the thread has not received yet.
    """

    def __init__(self, file: Path, header: bytes) -> None:
        """Create the file (mode 0600), which must not exist, and write its first line. Blocks.

        Raises ``OSError`` if that fails; there is no file then. A later error in writing is in ``error``.
        """
        self.file = file
        self.size = len(header) + 1
        self.error = ""
        file.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(file, flags, 0o600)
        try:
            self._write([header])
        except OSError:
            os.close(self._descriptor)
            file.unlink(missing_ok=True)
            raise
        self._start()

    def _start(self) -> None:
        self._queue: SimpleQueue[list[bytes] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"recording {self.file.name}", daemon=True)
        self._thread.start()

    def write(self, lines: list[bytes]) -> None:
        """Append lines, given without line breaks. Does not block."""
        self.size += sum(map(len, lines)) + len(lines)
        self._queue.put(lines)

    def close(self) -> None:
        """Write what is left, and close the file. Blocks; may be called twice."""
        self._queue.put(None)
        self._thread.join()

    def reopen(self) -> None:
        """Continue after ``close``, in place of the last line: the end. Blocks. Raises ``StorageError``."""
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            self._descriptor = os.open(self.file, flags)
            self.size -= len(END_LINE) + 1
            os.ftruncate(self._descriptor, self.size)
        except OSError as error:
            raise StorageError(f"{self.file} could not be opened: {reason(error)}") from None
        self._start()

    def _run(self) -> None:
        while (lines := self._queue.get()) is not None:
            self._append(lines)
        os.close(self._descriptor)

    def _append(self, lines: list[bytes]) -> None:
        """Write lines, unless writing has failed."""
        if self.error:
            return
        try:
            self._write(lines)
        except OSError as error:
            self.error = f"The recording {self.file} is incomplete: {reason(error)}."
            log.info("a recording is incomplete: %s", kind(error))

    def _write(self, lines: list[bytes]) -> None:
        left = memoryview(b"\n".join([*lines, b""]))
        while left:
            left = left[os.write(self._descriptor, left) :]
