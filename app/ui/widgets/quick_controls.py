"""Controls in Inject that fire at once.
Each persona has a presence switch, and a button that types while it is held. A persona is a friend whom the user
plays; peers, who have companions of their own, get no controls. The room passes the function that fires the events,
which are ``friend_online``, ``friend_offline`` and ``typing``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.ui.plain_text import PlainTextLabel, without_mnemonics
from app.ui.widgets.accessible_names import named
from app.ui.widgets.switch import Switch

Fire = Callable[[str, dict[str, Any]], object]

COLUMNS = 4
MIN_HEIGHT, MAX_HEIGHT = 60, 210
"""Limits of the height of all controls together. If they need more, they scroll."""
STILL_TYPING_MS = 3000
"""Interval of repeated typing events: the UI hides its indicator after 5 s without one."""


class PresenceGrid(QFrame):
    """A switch per persona: on fires ``friend_online``, off ``friend_offline``."""

    def __init__(self, presence: Mapping[str, bool], fire: Fire) -> None:
        super().__init__()
        self.switches: dict[str, Switch] = {}
        grid = _card(self, "Switch friends online or offline")
        for number, name in enumerate(sorted(presence)):
            switch = named(Switch(), f"{name} is online")
            switch.setChecked(presence[name])
            switch.toggled.connect(
                lambda on, name=name: fire("friend_online" if on else "friend_offline", {"username": name})
            )
            self.switches[name] = switch
            cell = QHBoxLayout()
            cell.setSpacing(10)
            cell.addWidget(switch)
            label = PlainTextLabel(without_mnemonics(name))
            label.setBuddy(switch)
            cell.addWidget(label, 1)
            grid.addLayout(cell, number // COLUMNS, number % COLUMNS)

    def show_presence(self, presence: Mapping[str, bool]) -> None:
        """Set the switches without firing events."""
        for name, switch in self.switches.items():
            with QSignalBlocker(switch):
                switch.setChecked(presence.get(name, False))


class TypingGrid(QFrame):
    """A button per persona. The persona types while the button is held."""

    def __init__(self, personas: Sequence[str], fire: Fire) -> None:
        super().__init__()
        self.buttons: dict[str, HoldToType] = {}
        grid = _card(self, "Hold a button, or the space bar on it. The friend types until you release it.")
        for number, name in enumerate(personas):
            button = HoldToType(name, fire)
            self.buttons[name] = button
            grid.addWidget(button, number // COLUMNS, number % COLUMNS)


class HoldToType(QPushButton):
    """Fire ``typing`` true when pressed and repeatedly while held, and false when released."""

    def __init__(self, name: str, fire: Fire) -> None:
        super().__init__(without_mnemonics(name))
        named(self, f"Hold to make {name} type")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._name = name
        self._fire = fire
        self._again = QTimer(self, interval=STILL_TYPING_MS)
        self._again.timeout.connect(lambda: self._type(True))
        self.pressed.connect(self._begin)
        self.released.connect(self._end)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        """Stop typing: a hidden button is not held."""
        super().hideEvent(event)
        self._end()

    def _begin(self) -> None:
        self._again.start()
        self.setText(without_mnemonics(f"{self._name} is typing …"))
        self._type(True)

    def _end(self) -> None:
        if self._again.isActive():
            self._again.stop()
            self.setText(without_mnemonics(self._name))
            self._type(False)

    def _type(self, typing: bool) -> None:
        self._fire("typing", {"username": self._name, "typing": typing})


def _card(frame: QFrame, title: str) -> QGridLayout:
    frame.setObjectName("card")
    column = QVBoxLayout(frame)
    column.setContentsMargins(16, 12, 16, 14)
    column.setSpacing(10)
    caption = PlainTextLabel(title)
    caption.setObjectName("muted")
    column.addWidget(caption)
    area = _ScrolledGrid()
    column.addWidget(area)
    grid = area.grid
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(10)
    for each in range(COLUMNS):
        grid.setColumnStretch(each, 1)
    return grid


class _ScrolledGrid(QScrollArea):
    """A grid that scrolls vertically if it is high, or if there is little room for it."""

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to the controls, and scrolls to them
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        inner = QWidget()
        self.grid = QGridLayout(inner)
        self.setWidget(inner)

    @override
    def sizeHint(self) -> QSize:
        return self._limited(self.grid.totalSizeHint(), MAX_HEIGHT)

    @override
    def minimumSizeHint(self) -> QSize:
        return self._limited(self.grid.totalMinimumSize(), MIN_HEIGHT)

    def _limited(self, size: QSize, height: int) -> QSize:
        bar = self.verticalScrollBar().sizeHint().width() if size.height() > height else 0
        return QSize(size.width() + bar, min(size.height(), height))

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice that a control needs more room, such as a button whose text has changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
