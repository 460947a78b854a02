"""Write unsaved changes of scenarios or fixtures to the window's state file, a short time after they were made.
A crash or a power failure then loses only the last seconds. ``scenario_edits`` and ``fixture_edits`` have the
changes, and convert them to JSON.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QSettings, QTimer

WRITE_MS = 1500
"""Changes are written at most this often."""
CHARACTERS_PER_MS = 500
"""The interval is 1 ms longer per this many characters of the last text: writing takes about 1 % of the time."""


class KeptDrafts(QObject):
    """Reads the unsaved changes under a key of the state file, and writes what ``to_json`` returns."""

    def __init__(self, memory: QSettings, key: str, to_json: Callable[[], str]) -> None:
        super().__init__()
        self._memory = memory
        self._key = key
        self._to_json = to_json
        self.written = str(memory.value(key, ""))
        """The changes as JSON, as they are in the state file; an empty text if none were ever written."""
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._write)

    def write_soon(self) -> None:
        """Write the changes at the end of the interval. Later changes do not restart it."""
        if not self._timer.isActive():
            self._timer.start(WRITE_MS + len(self.written) // CHARACTERS_PER_MS)

    def close_down(self) -> None:
        """Write the changes now, and stop the timer."""
        self._timer.stop()
        self._write()

    def _write(self) -> None:
        text = self._to_json()
        if text != self.written:
            self.written = text
            self._memory.setValue(self._key, text)
            self._memory.sync()
