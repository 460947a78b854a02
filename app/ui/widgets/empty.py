"""What an empty room says: what to do next."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.naming import named


class EmptyState(QWidget):
    """An icon, a title, a hint and perhaps a button, in the middle."""

    def __init__(self, icon: str, title: str, action: tuple[str, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._icon = icon
        self._picture = PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title = named(
            PlainTextLabel(title, alignment=Qt.AlignmentFlag.AlignCenter), title, style_id="emptyTitle"
        )
        self.hint = named(
            PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True),
            "What to do next",
            style_id="muted",
        )
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        for widget in (self._picture, self.title, self.hint):
            column.addWidget(widget)
        self._button: QPushButton | None = None
        if action:
            self._button = named(QPushButton(action[0]), action[0], style_id="primary")
            self._button.clicked.connect(lambda: action[1]())
            self.setFocusProxy(self._button)
            column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.recolor()

    def say(self, title: str, hint: str, *, button: bool = True) -> None:
        """Change what is said, and whether the button helps."""
        self.title.setText(title)
        self.hint.setText(hint)
        if self._button:
            self._button.setVisible(button)

    def recolor(self) -> None:
        """Take the colours of the scheme in force."""
        pixmap: QPixmap = ui_icon(self._icon, theme.colors().faint).pixmap(40, 40)
        self._picture.setPixmap(pixmap)
