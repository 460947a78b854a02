"""Show a label whose text changes often, without a new layout of the window."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.ui.plain_text import PlainTextLabel


class FixedSizeLabel(QWidget):
    """Take the label's height and the width that the layout gives: a new text changes no size hint."""

    def __init__(self, label: PlainTextLabel) -> None:
        super().__init__()
        self._label = label
        label.setParent(self)

    def sizeHint(self) -> QSize:
        """Qt asks."""
        return QSize(0, self._label.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Qt asks."""
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt tells."""
        super().resizeEvent(event)
        self._label.setGeometry(self.rect())
