"""The navigation at the left edge of the window: the rooms, in groups that can be collapsed, with badges.
A badge is a short text, such as a number of clients. Settings and Help are at the bottom and cannot be collapsed.
A fixture or log rows that are dragged and held over a room's entry open the room.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget
from typing_extensions import override

from app.ui import theme
from app.ui.drags import is_ours
from app.ui.icons import ui_icon
from app.ui.plain_text import set_tooltip
from app.ui.room_registry import Group, Room
from app.ui.widgets.accessible_names import named

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent

ROOM_ICON, HEADING_ICON = 20, 12
HOVER_MS = 500
"""A room opens after something was held over its entry for this time."""
BADGE_HEIGHT = 18
BADGE_MARGIN = 8


class Badge(Struct, frozen=True):
    """A short text at the right end of a room's entry, at most a number such as ``99+``.

    ``meaning`` says the same in words, for the tooltip and screen readers: "2 clients connected". ``tone`` is
    ``muted``, ``warning`` or ``error``.
    """

    text: str
    meaning: str
    tone: str = "muted"


class RoomButton(QPushButton):
    """The entry of one room."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.title)
        named(self, room.title, style_id="nav", tip=room.tooltip)
        self.setCheckable(True)
        self.setAutoExclusive(True)  # a radio button for screen readers; the group does the rest
        self._let_tab_reach(False)
        self.toggled.connect(self._let_tab_reach)
        self.setIconSize(QSize(ROOM_ICON, ROOM_ICON))
        self.setAcceptDrops(True)
        self._open_soon = QTimer(self, singleShot=True, interval=HOVER_MS)
        self._open_soon.timeout.connect(self.click)
        self.room = room
        self.badge: Badge | None = None

    def _let_tab_reach(self, selected: bool) -> None:
        """Let Tab focus only the selected entry, as in a group of radio buttons. Arrow keys go on from there."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if selected else Qt.FocusPolicy.ClickFocus)

    def set_badge(self, badge: Badge | None) -> None:
        """Show a badge, or none."""
        if badge == self.badge:
            return
        self.badge = badge
        meaning = f", {badge.meaning}" if badge else ""
        self.setAccessibleName(f"{self.room.title}{meaning}")
        set_tooltip(self, f"{self.room.tooltip}{meaning}")
        self.update()

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Open the room while something is held over its entry."""
        if is_ours(event.mimeData()):
            event.accept()
            self._open_soon.start()

    @override
    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._open_soon.stop()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        self._open_soon.stop()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.badge:
            return
        scheme = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(11)
        font.setBold(self.badge.tone != "muted")
        painter.setFont(font)
        width = max(painter.fontMetrics().horizontalAdvance(self.badge.text) + 12, BADGE_HEIGHT)
        box = QRectF(self.width() - width - BADGE_MARGIN, (self.height() - BADGE_HEIGHT) / 2, width, BADGE_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.warning_soft if self.badge.tone == "warning" else scheme.hover))
        painter.drawRoundedRect(box, BADGE_HEIGHT / 2, BADGE_HEIGHT / 2)
        painter.setPen(QColor(getattr(scheme, self.badge.tone)))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.badge.text)
        painter.end()


class Navigation(QScrollArea):
    """The entries of all rooms. Settings and Help are at the bottom, in a group without a title."""

    room_chosen = Signal(str)

    def __init__(self, rooms: Sequence[Room]) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._buttons: dict[str, RoomButton] = {}
        self._headings: dict[Group, QPushButton] = {}
        self._collapsed: set[Group] = set()
        self._selecting = False
        self._group = QButtonGroup(self)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(10, 0, 10, 0)
        self._column.setSpacing(0)  # all rooms fit into the smallest window without scrolling
        for group, members in groupby(rooms, key=lambda room: room.group):
            self._add_group(Group(group), tuple(members))
        self.setWidget(inner)
        self.recolor()

    def _add_group(self, group: Group, rooms: Sequence[Room]) -> None:
        if group is Group.PROGRAM:
            self._column.addStretch(1)
        elif group not in self._headings:
            heading = QPushButton(group.value)
            heading.setObjectName("navGroup")
            heading.setIconSize(QSize(HEADING_ICON, HEADING_ICON))
            heading.clicked.connect(lambda: self._toggle(group))
            self._headings[group] = heading
            self._column.addWidget(heading)
        for room in rooms:
            button = RoomButton(room)
            button.toggled.connect(lambda on, name=room.name: self._on_toggled(name) if on else None)
            self._buttons[room.name] = button
            self._group.addButton(button)
            self._column.addWidget(button)
        if group in self._headings:
            self._show_group(group)

    @property
    def current(self) -> str:
        """The name of the selected room; empty before ``select``."""
        return next((name for name, button in self._buttons.items() if button.isChecked()), "")

    @property
    def collapsed(self) -> list[str]:
        """The titles of the collapsed groups."""
        return [group.value for group in self._headings if group in self._collapsed]

    def collapse(self, groups: Collection[str]) -> None:
        """Collapse the groups with these titles, and expand the others."""
        self._collapsed = {group for group in self._headings if group.value in groups}
        for group in self._headings:
            self._show_group(group)

    def _toggle(self, group: Group) -> None:
        self._collapsed ^= {group}
        self._show_group(group)

    def has(self, name: str) -> bool:
        """Return whether there is a room of this name."""
        return name in self._buttons

    def select(self, name: str) -> None:
        """Select a room, and expand its group so that it can be seen."""
        button = self._buttons[name]
        if button.room.group in self._collapsed:
            self._toggle(button.room.group)
        self._selecting = True  # not the user
        button.setChecked(True)
        self._selecting = False
        self.ensureWidgetVisible(button, 0, 0)

    def focus_current(self) -> None:
        """Give the selected entry the keyboard focus."""
        self._buttons[self.current].setFocus()

    def _on_toggled(self, name: str) -> None:
        """Report the choice of the user. A screen reader toggles the entry, without a click."""
        if not self._selecting:
            self.room_chosen.emit(name)

    def set_badge(self, name: str, badge: Badge | None) -> None:
        """Show a badge at a room's entry, or none."""
        self._buttons[name].set_badge(badge)

    def badge(self, name: str) -> Badge | None:
        """Return the badge of a room's entry."""
        return self._buttons[name].badge

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for button in self._buttons.values():
            button.setIcon(ui_icon(button.room.icon, theme.colors().muted, ROOM_ICON))
        for group in self._headings:
            self._show_heading(group)

    def _show_group(self, group: Group) -> None:
        """Show or hide the rooms of a group."""
        collapsed = group in self._collapsed
        for button in self._buttons.values():
            if button.room.group is group:
                button.setVisible(not collapsed)
        self._show_heading(group)

    def _show_heading(self, group: Group) -> None:
        heading = self._headings[group]
        collapsed = group in self._collapsed
        heading.setIcon(
            ui_icon("chevron-right" if collapsed else "chevron-down", theme.colors().muted, HEADING_ICON)
        )
        heading.setAccessibleName(f"{group.value} rooms, {'collapsed' if collapsed else 'expanded'}")
        set_tooltip(heading, f"{'Show' if collapsed else 'Hide'} the rooms of {group.value}")
