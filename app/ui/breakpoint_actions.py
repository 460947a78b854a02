"""Add a breakpoint, remove all breakpoints, or let held items continue, and report the result as a message.
The row actions, the breakpoints button, the command palette and the breakpoint dialog use this class; the strip of
held items (with F8) does not. A breakpoint holds events, client frames and REST calls that match its filter, until
the user decides or a timeout ends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from app.companion import Companion
from app.hub.filter_text import EXACT, can_be_value, event_value, format_term
from app.hub.journal import Kind, Row
from app.hub.origin import REST
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.counts import count
from app.protocol.errors import RequestError

if TYPE_CHECKING:  # loaded with the first breakpoint
    from app.hub.held_items import Breakpoint, BreakpointOptions

EVERYTHING = "everything"
NOTHING_HELD = "Nothing is held at a breakpoint"
MAX_FILTER_CHARS = 60
"""A longer filter is cut in a message."""


class BreakpointActions:
    """Carry out actions on a companion's breakpoints. ``say`` gets the results."""

    def __init__(self, companion: Companion, say: Callable[[str], object]) -> None:
        self._companion = companion
        self._say = say

    def add(self, options: BreakpointOptions) -> Breakpoint | None:
        """Add a breakpoint. Return None if that is not possible, or if there is the same one already."""
        if self._companion.has_breakpoints and (why := _why_redundant(options, self._companion.breakpoints.all)):
            self._say(why)
            return None
        try:
            added = self._companion.breakpoints.add(options)
        except RequestError as error:
            self._say(error.reason)
            return None
        self._say(f"Added breakpoint {added.id}: {short_filter(options.filter)}")
        return added

    def break_on(self, text: str) -> None:
        """Add a breakpoint with this filter, and the usual options."""
        from app.hub.held_items import BreakpointOptions

        self.add(BreakpointOptions(filter=text.strip()))

    def break_on_row(self, row: Row, events: Collection[str]) -> None:
        """Add a breakpoint for the event of a row, in its direction. ``events`` are the names of the catalog."""
        from app.hub.held_items import BreakpointOptions

        if why := why_no_breakpoint(row):
            self._say(why)
            return
        is_rest = row.origin == REST
        name = f"{EXACT}{row.event}" if is_rest else event_value(row.event, events)
        to_ui, from_ui = BreakpointDirection.TO_UI, BreakpointDirection.FROM_UI
        direction = BreakpointDirection.REST if is_rest else to_ui if row.kind is Kind.TO_UI else from_ui
        self.add(BreakpointOptions(filter=format_term("event", [name]), direction=direction))

    def remove_all(self) -> None:
        """Remove all breakpoints. What is held stays held."""
        removed = self._companion.breakpoints.clear()
        self._say(f"Removed {count(len(removed), 'breakpoint')}" if removed else "There is no breakpoint")

    def resume(self, numbers: Iterable[int] | None = None) -> None:
        """Let held items continue; None: all of them."""
        try:
            resumed = self._companion.breakpoints.resume(numbers)
        except RequestError as error:
            self._say(error.reason)
        else:
            self._say(f"Continued {count(len(resumed), 'item')}" if resumed else NOTHING_HELD)


def short_filter(text: str) -> str:
    """Return a breakpoint's filter for a message or a table cell: ``everything`` if it is empty."""
    text = text.strip() or EVERYTHING
    return text if len(text) <= MAX_FILTER_CHARS else f"{text[: MAX_FILTER_CHARS - 1]}…"


def _why_redundant(options: BreakpointOptions, existing: Iterable[Breakpoint]) -> str:
    """Return why a breakpoint would hold nothing more than the existing ones, or an empty text if it may.

    The same breakpoint can be added again if it is removed after one item: each holds one.
    """
    same = next((each for each in existing if each.options == options and not options.once), None)
    return f"Breakpoint {same.id} is the same: {short_filter(options.filter)}" if same else ""


def why_no_breakpoint(row: Row | None) -> str:
    """Return why there can be no breakpoint for the event of a row, or an empty text if there can."""
    if row is None or row.kind is Kind.SERVER:
        return "Select a frame or a REST call. Nothing else can be held."
    if not can_be_value(row.event) or not row.event.isprintable():
        return "The frame has no event name. Write a filter, and break on that."
    return ""
