"""A button that can hide its text and show only its icon where there is little room."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStyleOptionButton
from typing_extensions import override


class ShortButton(QPushButton):
    """A button with icon, tooltip and accessible name. ``text()`` is always the whole text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.is_short = False

    def shorten(self, short: bool) -> None:
        """Hide or show the text."""
        if short != self.is_short:
            self.is_short = short
            self.updateGeometry()
            self.update()

    @property
    def hidden_width(self) -> int:
        """The width of the text if it is hidden, or 0."""
        text = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic.value, self.text())
        return text.width() if self.is_short else 0

    @override
    def initStyleOption(self, option: QStyleOptionButton) -> None:
        super().initStyleOption(option)
        if self.is_short:
            option.text = ""

    @override
    def sizeHint(self) -> QSize:
        return super().sizeHint() - QSize(self.hidden_width, 0)


def shorten_to_fit(buttons: Sequence[ShortButton], line: QHBoxLayout, width: int) -> None:
    """Hide the texts of buttons if ``line``, which contains them, prefers to be wider than ``width`` with them."""
    short = line.sizeHint().width() + sum(each.hidden_width for each in buttons) > width
    for each in buttons:
        each.shorten(short)
