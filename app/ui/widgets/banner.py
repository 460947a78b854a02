"""A line across the top of the window: what is wrong and what to do about it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.ui.widgets.naming import named

Action = tuple[str, Callable[[], object]]


class Banner(QWidget):
    """Hidden until there is something to say."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setVisible(False)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.text = named(QLabel(wordWrap=True), "Notice")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 8, 12, 8)
        self._row.addWidget(self.text, 1)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.buttons: list[QPushButton] = []

    def say(self, text: str, actions: Sequence[Action] = ()) -> None:
        """Show ``text`` with a button per action and one that dismisses it."""
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        for title, action in (*actions, ("Dismiss", self.hide)):
            button = named(QPushButton(title), title)
            button.clicked.connect(lambda _=False, action=action: action())
            self._row.addWidget(button)
            self.buttons.append(button)
        self.text.setText(text)
        self.setVisible(True)
