"""A part of a window that gives the keyboard focus to one of its controls, for example a room to its list.
With Qt's focus proxy, Tab would enter the part at that control, and never reach those before it.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from typing_extensions import override


class FocusStart(QWidget):
    """``setFocus`` focuses the control that was passed to ``start_at`` last."""

    _start: QWidget | None = None

    def start_at(self, control: QWidget) -> None:
        """Choose the control that gets the keyboard focus."""
        self._start = control

    @override
    def setFocus(self, reason: Qt.FocusReason = Qt.FocusReason.OtherFocusReason) -> None:
        if self._start:
            self._start.setFocus(reason)
        else:
            super().setFocus(reason)
