"""The banner at the top of the window: notices such as a failed server or an update, and buttons for all of them.
Each topic has one notice, which stays until it is removed, replaced or dismissed. *Dismiss* removes all notices.
Actions with the same title share a button. ``notices``, ``updates`` and the tray program show notices.
``condition_strip`` is another widget: it shows why frames or REST calls are not handled normally.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.ui.plain_text import PlainTextLabel, without_mnemonics
from app.ui.widgets.accessible_names import named

Action = tuple[str, Callable[[], object]]


class Banner(QWidget):
    """Show one notice per topic, and one button per distinct action title. Hidden while there is no notice."""

    focus_released = Signal()
    """Emitted when the button that has the keyboard focus is removed. Qt would give it to any other widget."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setVisible(False)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.text = named(PlainTextLabel(wordWrap=True), "Notice")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 8, 12, 8)
        self._row.addWidget(self.text, 1)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.buttons: list[QPushButton] = []
        self._topics: dict[str, tuple[str, tuple[Action, ...]]] = {}

    def show_notice(self, text: str, actions: Sequence[Action] = (), topic: str = "notice") -> None:
        """Show ``text`` with a button per action. It replaces the previous notice of the same topic."""
        self._topics[topic] = (text, tuple(actions))
        self._show()

    def has_notice(self, topic: str) -> bool:
        """Return whether a notice of a topic is shown."""
        return topic in self._topics

    def remove_notice(self, topic: str = "notice") -> None:
        """Remove the notice of a topic, if there is one."""
        if self._topics.pop(topic, None):
            self._show()

    def _dismiss(self) -> None:
        self._topics.clear()
        self._show()

    def _show(self) -> None:
        if QApplication.focusWidget() in self.buttons:
            self.focus_released.emit()
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        offered: dict[str, list[Callable[[], object]]] = {}
        for _, actions in self._topics.values():
            for title, act in actions:
                offered.setdefault(title, []).append(act)  # e.g. one Retry for all servers
        for title, acts in {**offered, "Dismiss": [self._dismiss]}.items():
            button = named(QPushButton(without_mnemonics(title)), title)
            button.clicked.connect(lambda _=False, acts=acts: [act() for act in acts])
            self._row.addWidget(button)
            self.buttons.append(button)
        self.text.setText("\n".join(text for text, _ in self._topics.values()))
        self.setVisible(bool(self._topics))
