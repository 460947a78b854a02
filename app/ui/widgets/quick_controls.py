"""Controls in Inject that fire at once.
Each persona has a presence switch, and a button that types while it is held. A persona is a friend whom the user
plays; peers, who have companions of their own, get no controls. The room passes the function that fires the events,
which are ``friend_online``, ``friend_offline`` and ``typing``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.ui.plain_text import PlainTextLabel, set_tooltip, without_mnemonics
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.switch import Switch

Fire = Callable[[str, dict[str, Any]], object]

COLUMNS = 4
"""Maximum number of columns."""
SPACING = 12
MIN_WIDTH, MAX_WIDTH = 60, 240
"""Limits of the width that a control requires. A name that needs more gets it only if there is room."""
MIN_HEIGHT, MAX_HEIGHT = 60, 210
"""Limits of the height of all controls together. If they need more, they scroll."""
STILL_TYPING_MS = 3000
"""Interval of repeated typing events: the UI hides its indicator after 5 s without one."""


class PresenceGrid(QFrame):
    """A switch per persona: on fires ``friend_online``, off ``friend_offline``."""

    def __init__(self, presence: Mapping[str, bool], fire: Fire) -> None:
        super().__init__()
        self.switches: dict[str, Switch] = {}
        self.area = _card(self, "Switch friends online or offline")
        for name in sorted(presence):
            switch = named(Switch(), f"{name} is online")
            switch.setChecked(presence[name])
            switch.toggled.connect(
                lambda on, name=name: fire("friend_online" if on else "friend_offline", {"username": name})
            )
            self.switches[name] = switch
            cell = QWidget()
            row = QHBoxLayout(cell)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(10)
            row.addWidget(switch)
            label = ElidedLabel()
            label.setText(name)
            row.addWidget(label, 1)
            self.area.add(cell)

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
        self.area = _card(self, "Hold a button, or the space bar on it. The friend types until you release it.")
        for name in personas:
            self.buttons[name] = HoldToType(name, fire)
            self.area.add(self.buttons[name])


class HoldToType(QPushButton):
    """Fire ``typing`` true when pressed and repeatedly while held, and false when released.

    A name that does not fit ends with an ellipsis, and is in the tooltip.
    """

    def __init__(self, name: str, fire: Fire) -> None:
        super().__init__()
        self._show(f"{name} is typing …")
        self._width = super().sizeHint().width()
        self._show(name)
        named(self, f"Hold to make {name} type")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._name = name
        self._fire = fire
        self._again = QTimer(self, interval=STILL_TYPING_MS)
        self._again.timeout.connect(lambda: self._type(True))
        self.pressed.connect(self._begin)
        self.released.connect(self._end)

    @property
    def shown_text(self) -> str:
        """The text as it is painted."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        return option.text

    @override
    def initStyleOption(self, option: QStyleOptionButton) -> None:
        super().initStyleOption(option)
        room = self.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self).width()
        text = option.fontMetrics.elidedText(option.text.replace("&&", "&"), Qt.TextElideMode.ElideRight, room)
        option.text = without_mnemonics(text)

    @override
    def sizeHint(self) -> QSize:
        """Leave room for the text that is shown while the button is held."""
        return super().sizeHint().expandedTo(QSize(self._width, 0))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(MIN_WIDTH, super().minimumSizeHint().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        set_tooltip(self, self._name if self.shown_text != self.text() else "")

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        """Stop typing: a hidden button is not held."""
        super().hideEvent(event)
        self._end()

    def _begin(self) -> None:
        self._again.start()
        self._show(f"{self._name} is typing …")
        self._type(True)

    def _end(self) -> None:
        if self._again.isActive():
            self._again.stop()
            self._show(self._name)
            self._type(False)

    def _show(self, text: str) -> None:
        self.setText(without_mnemonics(text))

    def _type(self, typing: bool) -> None:
        self._fire("typing", {"username": self._name, "typing": typing})


def _card(frame: QFrame, title: str) -> "_ScrolledGrid":
    frame.setObjectName("card")
    column = QVBoxLayout(frame)
    column.setContentsMargins(16, 12, 16, 14)
    column.setSpacing(10)
    caption = PlainTextLabel(title)
    caption.setObjectName("muted")
    column.addWidget(caption)
    area = _ScrolledGrid()
    column.addWidget(area)
    return area


class _ScrolledGrid(QScrollArea):
    """A grid with as many columns as fit. It scrolls vertically if it is high or has little room."""

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to the controls, and scrolls to them
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        inner = QWidget()
        self.grid = QGridLayout(inner)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(SPACING)
        self.grid.setVerticalSpacing(10)
        self.setWidget(inner)
        self._cells: list[QWidget] = []
        self._columns = COLUMNS
        self.verticalScrollBar().rangeChanged.connect(
            lambda _, end: self.grid.setContentsMargins(0, 0, SPACING if end else 0, 0)
        )

    def add(self, cell: QWidget) -> None:
        """Add a cell at the end."""
        self._place(len(self._cells), cell)
        self._cells.append(cell)

    def _place(self, number: int, cell: QWidget) -> None:
        self.grid.addWidget(cell, number // self._columns, number % self._columns)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - self.verticalScrollBar().sizeHint().width()  # also if it is hidden now
        widest = min(MAX_WIDTH, max((each.sizeHint().width() for each in self._cells), default=0))
        columns = max(1, min(COLUMNS, (room + SPACING) // (widest + SPACING)))
        if columns != self._columns:
            self._columns = columns
            for number, cell in enumerate(self._cells):
                self._place(number, cell)
        for each in range(COLUMNS):
            self.grid.setColumnStretch(each, int(each < columns))

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
