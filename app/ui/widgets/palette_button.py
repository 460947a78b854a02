"""The button at the top of the navigation that opens the command palette. It looks like a search field."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QPushButton
from typing_extensions import override

from app.ui import theme
from app.ui.icons import CONTROL_SIZE, ui_icon
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named

TEXT = "Find or run"


class PaletteButton(QPushButton):
    """A search icon, what the palette does, and its shortcut."""

    def __init__(self) -> None:
        super().__init__()
        keys = QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText)
        tip = f"Search all actions, friends, fixtures, settings and pages of the manual, and run one ({keys})"
        named(self, "Open the command palette", style_id="paletteButton", tip=tip)
        self._picture = PlainTextLabel()
        text, hint = PlainTextLabel(TEXT), PlainTextLabel(keys)
        text.setObjectName("paletteButtonText")
        hint.setObjectName("paletteButtonKeys")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 4, 8, 4)
        self._row.setSpacing(6)
        self._row.addWidget(self._picture)
        self._row.addWidget(text, 1)
        self._row.addWidget(hint)
        for label in (self._picture, text, hint):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self._picture.setPixmap(ui_icon("search", theme.colors().muted).pixmap(CONTROL_SIZE, CONTROL_SIZE))

    @override
    def sizeHint(self) -> QSize:
        return self._row.sizeHint()

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self._row.minimumSize().height())
