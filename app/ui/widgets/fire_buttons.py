"""The buttons of the floating fire bar (``fire_bar_window``): one per pinned fixture and per recently fired event.
A fixture is a saved event or raw frame. The buttons keep their places, as far as possible, while the bar is shown.
A click emits what to fire.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.hub.hub import Delivery
from app.protocol.fixture import Fixture
from app.ui import theme
from app.ui.icons import CONTROL_SIZE, ui_icon
from app.ui.models.log_text import recipients
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel

EMPTY = "Nothing has been fired yet, and no fixture is pinned."
DIGITS = 9
"""The first buttons can be pressed with the keys 1 to 9 while the bar has the keyboard focus."""


class Entry(NamedTuple):
    """What a button fires. ``to`` has the recipients (empty: all clients). ``fixture`` is set for a pinned one."""

    title: str
    to: str
    friend: str
    """The friend that the event comes from; empty if it names none."""
    fire: Callable[[], Coroutine[Any, Any, Delivery]]
    fixture: Fixture | None = None
    name: str = ""
    """The name of the pinned fixture."""

    @property
    def key(self) -> tuple[str, ...]:
        """What tells this entry from the others of its group."""
        return (self.name,) if self.name else (self.title, self.to)

    @property
    def direction(self) -> str:
        """Return ``As alice · to everyone``."""
        to = recipients(self.to or "all")
        return f"As {self.friend} · to {to}" if self.friend else f"To {to}"


class FireButton(QPushButton):
    """A button with what it fires, and below it as which friend and to whom. Texts are elided to its width."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        named(self, "", style_id="fireBarButton")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the focus, even on Wayland
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._picture = PlainTextLabel()
        self._picture.setFixedWidth(CONTROL_SIZE)
        self.title = ElidedLabel()
        self.direction = ElidedLabel()
        self.direction.setObjectName("fireBarDirection")
        self.digit = PlainTextLabel()
        self.digit.setObjectName("fireBarDirection")
        for label in (self._picture, self.title, self.direction, self.digit):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(self.title)
        texts.addWidget(self.direction)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(10)
        row.addWidget(self._picture)
        row.addLayout(texts, 1)
        row.addWidget(self.digit)
        self.show_entry(entry)
        self.recolor()

    def show_entry(self, entry: Entry) -> None:
        """Show and fire this entry from now on."""
        self.entry = entry
        self.title.setText(entry.title)
        self.direction.setText(entry.direction)
        self.setAccessibleName(f"Fire: {entry.title}")
        self.setAccessibleDescription(entry.direction)
        set_tooltip(self, f"{entry.title}\n{entry.direction}")

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self._picture.setPixmap(ui_icon("send", theme.colors().accent).pixmap(CONTROL_SIZE, CONTROL_SIZE))

    @override
    def sizeHint(self) -> QSize:
        return self._row.sizeHint()

    @override
    def minimumSizeHint(self) -> QSize:
        return self._row.minimumSize()


class FireGroup(QWidget):
    """A heading and its buttons. Hidden while it has no buttons."""

    pressed = Signal(object)
    """Emitted with the ``Entry`` of a button that was pressed."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = _heading(title)
        self.buttons: list[FireButton] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addWidget(self.heading)
        self.setVisible(False)

    def show_entries(self, entries: Sequence[Entry], *, keep_places: bool) -> None:
        """Show entries. With ``keep_places``, each stays where it is, and a new one replaces one that has gone."""
        if keep_places:
            entries = in_place([button.entry for button in self.buttons], entries)
        for entry in entries[len(self.buttons) :]:
            button = FireButton(entry)
            button.clicked.connect(partial(self._press, button))
            self.buttons.append(button)
            self._column.addWidget(button)
        for button in self.buttons[len(entries) :]:
            self._column.removeWidget(button)
            button.hide()
            button.deleteLater()
        del self.buttons[len(entries) :]
        for button, entry in zip(self.buttons, entries, strict=True):
            button.show_entry(entry)
        self.setVisible(bool(entries))
        for button in self.buttons:
            button.show()  # the layout would show it later, after the height was computed
        self._column.activate()

    def update_entries(self, entries: Sequence[Entry]) -> None:
        """Update what the buttons fire, but add, remove and move none."""
        current = {entry.key: entry for entry in entries}
        for button in self.buttons:
            button.show_entry(current.get(button.entry.key, button.entry))

    def _press(self, button: FireButton) -> None:
        self.pressed.emit(button.entry)


def in_place(before: Sequence[Entry], now: Sequence[Entry]) -> list[Entry]:
    """Return the entries of ``now`` in the places of ``before``; new ones are in free places or at the end."""
    waiting = {entry.key: entry for entry in now}
    placed = [waiting.pop(entry.key, None) for entry in before]
    new: Iterator[Entry] = iter([entry for entry in now if entry.key in waiting])
    filled = [entry or next(new, None) for entry in placed]
    return [entry for entry in (*filled, *new) if entry]


class FireButtons(QScrollArea):
    """The groups *Pinned* and *Last fired*. It is as high as its content, up to ``limit_height``, and then scrolls.

    The pinned fixtures come first: they change rarely, so the buttons below stay where they are.
    """

    pressed = Signal(object)
    """Emitted with the ``Entry`` of a button that was pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        named(self, "Events to fire")
        self.pinned, self.recent = FireGroup("Pinned"), FireGroup("Last fired")
        self.empty = _heading(EMPTY)
        self._limit = 0
        inner = QWidget()
        self._column = column = QVBoxLayout(inner)
        column.setContentsMargins(6, 0, 6, 0)
        column.setSpacing(2)
        for part in (self.empty, self.pinned, self.recent):
            column.addWidget(part)
        column.addStretch(1)
        self.setWidget(inner)
        for group in (self.pinned, self.recent):
            group.pressed.connect(self.pressed)

    @property
    def buttons(self) -> list[FireButton]:
        """All buttons, from top to bottom."""
        return [*self.pinned.buttons, *self.recent.buttons]

    def show_entries(self, pinned: Sequence[Entry], recent: Sequence[Entry], *, keep_places: bool) -> None:
        """Show the entries of both groups. See ``FireGroup.show_entries``."""
        self.pinned.show_entries(pinned, keep_places=keep_places)
        self.recent.show_entries(recent, keep_places=keep_places)
        self.empty.setVisible(not pinned and not recent)

    def update_entries(self, pinned: Sequence[Entry], recent: Sequence[Entry]) -> None:
        """Update what the buttons fire. See ``FireGroup.update_entries``."""
        self.pinned.update_entries(pinned)
        self.recent.update_entries(recent)

    def show_focused(self) -> None:
        """Scroll to the button that has the keyboard focus."""
        focused = self.window().focusWidget()
        if focused in self.buttons:
            self.ensureWidgetVisible(focused, 0, 0)

    def show_digits(self, shown: bool) -> None:
        """Show or hide the keys that press the first buttons."""
        for number, button in enumerate(self.buttons, 1):
            button.digit.setText(str(number) if shown and number <= DIGITS else "")

    def limit_height(self, pixels: int) -> None:
        """Take at most this height."""
        self._limit = pixels
        self.setFixedHeight(self.sizeHint().height())

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for button in self.buttons:
            button.recolor()

    @override
    def sizeHint(self) -> QSize:
        height = height_for(self._column, self.viewport().width())
        return QSize(super().sizeHint().width(), min(height, self._limit) if self._limit else height)


def height_for(layout: QLayout, width: int) -> int:
    """Return the height that a layout needs at a width."""
    wraps = layout.hasHeightForWidth()
    return layout.totalHeightForWidth(width) if wraps else layout.totalSizeHint().height()


def _heading(text: str) -> PlainTextLabel:
    label = PlainTextLabel(text, wordWrap=True)
    label.setObjectName("fireBarHeading")
    return label
