"""Check the text in the editor of the Scenarios room in the background, soon after it has changed.
The result, which is emitted, says which lines are not valid or will not work. No step is run.
"""

from PySide6.QtCore import QObject, QTimer, Signal

from app.companion import Companion
from app.hub.session_run import CheckedText
from app.ui.room_tasks import RoomTasks
from app.ui.scenario_edits import ScenarioEdits

CHECK_MS = 200
"""The text is checked this long after it has changed, and at most that often."""


class ScenarioCheck(QObject):
    """The result of the last check. One check runs at a time."""

    checked = Signal(object)
    """Emitted with the ``CheckedText`` of the current text."""

    def __init__(self, companion: Companion, edits: ScenarioEdits, do: RoomTasks) -> None:
        super().__init__()
        self._companion = companion
        self.edits = edits
        self._do = do
        self._last: tuple[str, CheckedText] | None = None
        """The text that was checked last, and the result."""
        self._is_running = False
        self._forgotten = 0
        self._timer = QTimer(self, singleShot=True, interval=CHECK_MS)
        self._timer.timeout.connect(self.check)

    @property
    def problem(self) -> str:
        """Why the current text is not valid; empty if it is valid, or was not checked yet."""
        current = self.edits.current
        if not current or not self._last or self._last[0] != current.text:
            return ""
        return self._last[1].invalid

    def check_soon(self) -> None:
        """Check the current text after ``CHECK_MS``."""
        if not self._timer.isActive():
            self._timer.start()

    def check_again(self) -> None:
        """Check the current text, also if it has not changed: a fixture or the contract has."""
        self.forget()
        self.check()

    def forget(self) -> None:
        """Forget the last result, also of a check that is running: another scenario is shown."""
        self._last = None
        self._forgotten += 1

    def check(self) -> None:
        """Check the current text, unless a check is running: then again when it has ended."""
        current = self.edits.current
        if not current or not current.is_editable or self._is_running:
            return
        text = current.text
        if self._last and self._last[0] == text:
            return
        self._is_running = True
        forgotten = self._forgotten

        def checked(result: CheckedText) -> None:
            if self.edits.current and self.edits.current.text == text and self._forgotten == forgotten:
                self._last = text, result
                self.checked.emit(result)

        def ended() -> None:
            self._is_running = False
            self._timer.start()

        self._do(self._companion.sessions.check_text(text, current.notation), checked, ended=ended)

    def close_down(self) -> None:
        """Stop the timer."""
        self._timer.stop()
