"""Change the entries of a combo box, but not while its list is open.
The user would choose another entry than the one under the pointer.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QComboBox
from typing_extensions import override


class OpenList(QObject):
    """Postpones changes of the entries of ``box`` until its list is closed."""

    def __init__(self, box: QComboBox) -> None:
        super().__init__(box)
        self._box = box
        self._change: Callable[[], object] | None = None

    def when_closed(self, change: Callable[[], object]) -> None:
        """Call ``change`` now, or when the list is closed. It then replaces a change that is already waiting."""
        popup = QApplication.activePopupWidget()
        if popup is None or popup.parent() is not self._box:
            self._change = None
            change()
            return
        popup.installEventFilter(self)  # Qt keeps one entry per filter
        self._change = change

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice that the list closes. Qt reads the chosen entry afterwards, so the change waits for that, too."""
        if event.type() == QEvent.Type.Hide:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._change_now)
        return False

    def _change_now(self) -> None:
        change, self._change = self._change, None
        if change:
            self.when_closed(change)  # the list may be open again
