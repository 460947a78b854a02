"""The table model of the items that breakpoints hold, with the seconds until each continues by itself.
An item is an event or raw frame to the UI, a client frame or a REST call that matched the filter of a breakpoint,
and waits for a decision. Also functions that return its title and a summary of its content.
"""

import math
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.hub.held_items import HeldItem
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.envelope import BadFrame, decode, parse_json
from app.protocol.summary import summarize
from app.ui import theme
from app.ui.breakpoint_actions import short_filter
from app.ui.models.log_text import recipients
from app.ui.models.titled_table import TitledTable

MAX_NAME_CHARS = 60
MAX_SUMMARY_BYTES = 16_384
"""A longer payload is not summarized."""
SOON_S = 10
"""The remaining time is highlighted from here on."""


class Col(IntEnum):
    """Columns, left to right."""

    ITEM = 0
    CONTENT = 1
    BREAKPOINT = 2
    LEFT = 3


TITLES = ("Held", "Content", "Breakpoint", "Continues in")


def title_of(item: HeldItem) -> str:
    """Return what is held, for example ``typing from bob (client 2)`` or ``POST /messages``."""
    name = item.event if item.event.isprintable() else ascii(item.event)
    name = name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"
    match item.direction:
        case BreakpointDirection.TO_UI:
            return f"{name or 'Frame without an event name'} to {recipients(item.client)}"
        case BreakpointDirection.FROM_UI:
            client = f"{item.user} (client {item.client})" if item.user else f"client {item.client}"
            return f"{name or 'Frame without an event name'} from {client}"
        case _:
            return name


def summary_of(item: HeldItem) -> str:
    """Return the content of an item in a few words, as in the log."""
    if len(item.payload) > MAX_SUMMARY_BYTES:
        return f"{len(item.payload):,} B"
    try:
        is_rest = item.direction is BreakpointDirection.REST
        return summarize(parse_json(item.text) if is_rest else decode(item.text).data)
    except BadFrame:
        return summarize(item.text)


class HeldItemsModel(TitledTable[HeldItem]):
    """One line per held item, oldest first. ``refresh_times`` updates the remaining seconds."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._texts: dict[int, tuple[str, str, str]] = {}
        """The texts of an item that do not change, by its number."""
        self._now = 0.0

    def show(self, items: Sequence[HeldItem], filters: Mapping[int, str], now: float) -> bool:
        """Show these items. ``filters`` has those of the breakpoints. Return False if these are shown already."""
        self._now = now
        if [each.number for each in items] == [each.number for each in self._lines]:
            return False
        self.beginResetModel()
        self._lines = list(items)
        self._texts = {
            each.number: self._texts.get(each.number) or _texts(each, filters.get(each.breakpoint_id))
            for each in items
        }
        self.endResetModel()
        return True

    def refresh_times(self, now: float) -> None:
        """Show the remaining seconds at ``now``, on the monotonic clock."""
        self._now = now
        if self._lines:
            self.dataChanged.emit(self.index(0, Col.LEFT), self.index(len(self._lines) - 1, Col.LEFT))

    def seconds_left(self, item: HeldItem) -> int:
        """Return the seconds until an item continues by itself, rounded up."""
        return max(0, math.ceil(item.deadline_mono - self._now))

    @override
    def text(self, line: HeldItem, column: int) -> str:
        return f"{self.seconds_left(line)} s" if column == Col.LEFT else self._texts[line.number][column]

    @override
    def other_data(self, line: HeldItem, column: int, role: int) -> Any:
        match role:
            case Qt.ItemDataRole.TextAlignmentRole if column == Col.LEFT:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole if column == Col.LEFT and self.seconds_left(line) <= SOON_S:
                return QColor(theme.colors().warning)
            case Qt.ItemDataRole.ForegroundRole if column != Col.ITEM:
                return QColor(theme.colors().muted)
        return None


def _texts(item: HeldItem, wanted: str | None) -> tuple[str, str, str]:
    arrow = "↓" if item.direction is BreakpointDirection.TO_UI else "↑"
    holder = (
        f"breakpoint {item.breakpoint_id}" if wanted is None else f"{item.breakpoint_id}: {short_filter(wanted)}"
    )
    return f"{arrow} {title_of(item)}", summary_of(item), holder
