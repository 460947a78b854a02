"""Write unsaved changes of scenarios to the window's state file, a short time after they were made.
A crash or a power failure then loses only the last seconds. ``scenario_edits`` has the changes.
"""

from collections.abc import Mapping

from PySide6.QtCore import QObject, QSettings, QTimer

from app.protocol.session.saved import SavedSession
from app.ui.scenario_edits import ScenarioEdits

DRAFTS = "scenarios/drafts"
"""The key of unsaved changes in the window's state file."""
WRITE_MS = 1500
"""Changes are written at most this often."""
CHARACTERS_PER_MS = 500
"""The interval is 1 ms longer per this many characters of the last text: writing takes about 1 % of the time."""


class ScenarioDrafts(QObject):
    """Reads the unsaved changes from the state file, and writes them."""

    def __init__(self, memory: QSettings, edits: ScenarioEdits, files: Mapping[str, SavedSession]) -> None:
        super().__init__()
        self._memory = memory
        self._edits = edits
        self._written = str(memory.value(DRAFTS, ""))
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._write)
        edits.add_json(self._written, files)

    def write_soon(self) -> None:
        """Write the changes at the end of the interval. Later changes do not restart it."""
        if not self._timer.isActive():
            self._timer.start(WRITE_MS + len(self._written) // CHARACTERS_PER_MS)

    def close_down(self) -> None:
        """Write the changes now, and stop the timer."""
        self._timer.stop()
        self._write()

    def _write(self) -> None:
        text = self._edits.to_json()
        if text != self._written:
            self._written = text
            self._memory.setValue(DRAFTS, text)
            self._memory.sync()
