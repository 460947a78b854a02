"""A container for a label that takes the width which the layout gives it, whatever the text is: for counters that
change often.
"""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.ui.plain_text import PlainTextLabel


class FixedSizeLabel(QWidget):
    """Wrap a label. Its size hint has no width, so the layout determines the width, whatever the text is."""

    def __init__(self, label: PlainTextLabel) -> None:
        super().__init__()
        self._label = label
        label.setParent(self)

    @override
    def sizeHint(self) -> QSize:
        return QSize(0, self._label.sizeHint().height())

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._label.setGeometry(self.rect())
