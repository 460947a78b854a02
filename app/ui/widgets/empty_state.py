"""A placeholder for a list or page without content: an icon, a title, a hint and an optional button.
Commands for a terminal may be shown below the hint.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.focus_start import FocusStart

SIZE = 40
"""Width and height of the icon."""


class EmptyState(FocusStart):
    """Shown instead of a list or page without content. ``action`` is the button's title and its callback."""

    def __init__(self, icon: str, title: str, action: tuple[str, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._icon = icon
        self._picture = PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title = named(
            PlainTextLabel(title, alignment=Qt.AlignmentFlag.AlignCenter), title, style_id="emptyTitle"
        )
        self.hint = named(
            PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True),
            "Hint",
            style_id="muted",
        )
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.commands = named(PlainTextLabel(), "Commands", style_id="commands")
        self.commands.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.commands.setFont(theme.mono())
        self.commands.hide()
        self._column = column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        for widget in (self._picture, self.title, self.hint):
            column.addWidget(widget)
        column.addWidget(self.commands, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        self._button: QPushButton | None = None
        if action:
            self._button = named(QPushButton(action[0]), action[0], style_id="primary")
            self._button.clicked.connect(lambda: action[1]())
            self.start_at(self._button)
            column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.recolor()

    def add_below(self, widget: QWidget) -> None:
        """Add a widget below the button."""
        self._column.insertWidget(self._column.count() - 1, widget, 0, Qt.AlignmentFlag.AlignHCenter)

    def show_text(self, title: str, hint: str, *, button: bool = True) -> None:
        """Change the texts, and show or hide the button."""
        self.title.setText(title)
        self.hint.setText(hint)
        if self._button:
            self._button.setVisible(button)

    def show_commands(self, *commands: str) -> None:
        """Show commands for a terminal below the hint, one per line."""
        self.commands.setText("\n".join(commands))
        self.commands.show()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        pixmap: QPixmap = ui_icon(self._icon, theme.colors().faint, SIZE).pixmap(SIZE, SIZE)
        self._picture.setPixmap(pixmap)
