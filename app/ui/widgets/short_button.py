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
        self.is_short = short
        self.updateGeometry()
        self.update()

    @override
    def initStyleOption(self, option: QStyleOptionButton) -> None:
        super().initStyleOption(option)
        if self.is_short:
            option.text = ""

    @override
    def sizeHint(self) -> QSize:
        text = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic.value, self.text()).width()
        return super().sizeHint() - QSize(text if self.is_short else 0, 0)


def shorten_to_fit(buttons: Sequence[ShortButton], line: QHBoxLayout, width: int) -> None:
    """Hide the texts of buttons if ``line``, which contains them, prefers to be wider than ``width``."""
    for short in (False, True):
        for button in buttons:
            button.shorten(short)
        line.invalidate()
        if line.sizeHint().width() <= width:
            break
