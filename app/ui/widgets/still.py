"""A place of its own for a label whose text changes all the time."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.ui.plain_text import PlainTextLabel


class Still(QWidget):
    """As high as its label and as wide as its layout makes it: a new text asks for no new layout of the window."""

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
