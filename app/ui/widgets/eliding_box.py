"""A combo box that ends a text with an ellipsis if it does not fit. Qt's cuts it within a letter.
It is used for texts that can be long, such as names of users and clients. A tooltip must show the whole
text.
"""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent, QPalette
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter
from typing_extensions import override

PADDING = 2
"""The style paints the text this far from the edge of its part of the box."""


class ElidingBox(QComboBox):
    """A combo box that is not editable."""

    @property
    def shown_text(self) -> str:
        """The text as it is painted."""
        return self._option().currentText

    @override
    def sizeHint(self) -> QSize:
        return super().sizeHint() + QSize(PADDING, 0)  # Qt's has no room for the padding

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = self._option()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        if self.currentIndex() < 0:
            option.palette.setBrush(QPalette.ColorRole.ButtonText, option.palette.placeholderText())
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0:
            option.currentText = self.placeholderText()
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, part, self).width() - PADDING
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        return option
