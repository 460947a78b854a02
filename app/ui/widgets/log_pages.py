"""The log of Events, or why it shows no rows: nothing has happened yet, the view was cleared, or the filter matches
no row. Each of these pages says what to do, and has a button for it. A recording without rows has a page, too.
"""

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.protocol.counts import count
from app.ui.models.event_log import EventLogModel
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.lazy_stack import LazyStack

LOG, EMPTY, CLEARED, NO_MATCH = "log", "empty", "cleared", "no match"
SHOW_EARLIER = "Show earlier rows"
CLEAR_FILTER = "Clear the filter"
NOTHING_YET, NO_ROW = "Nothing has happened yet", "No row matches the filter"


class LogPages(LazyStack):
    """The page ``LOG`` and those that are shown instead, which are built on first use."""

    inject_requested = Signal()
    """Open Inject to fire an event."""
    earlier_requested = Signal()
    """Show the rows again that were cleared."""
    all_requested = Signal()
    """Clear the filter."""

    def __init__(self, log: Callable[[], QWidget], model: EventLogModel, address: Callable[[], str] | None) -> None:
        """``log`` builds the page ``LOG``. ``address`` returns that of the event server; None for a recording."""
        super().__init__(
            {
                LOG: log,
                EMPTY: self._make_empty,
                CLEARED: lambda: EmptyState("clear", "View cleared", (SHOW_EARLIER, self.earlier_requested.emit)),
                NO_MATCH: lambda: EmptyState("filter", NO_ROW, (CLEAR_FILTER, self.all_requested.emit)),
            }
        )
        self._model = model
        self._address = address
        self.cleared_at = ""
        """Local time of the last *Clear view*."""

    def _make_empty(self) -> EmptyState:
        fire = ("Fire an event", self.inject_requested.emit) if self._address else None
        return EmptyState("events", NOTHING_YET, fire)

    def choose_page(self, *, filtered: bool, is_new: bool) -> None:
        """Show the log, or why there is nothing to show. ``is_new``: no row is of interest to the user yet."""
        shown, cleared = self._model.rowCount(), self._model.cleared
        page = LOG
        if filtered:
            page = NO_MATCH if shown == 0 and not self._model.searching else LOG
        elif shown == 0 and cleared:
            page = CLEARED
        elif shown == 0 or is_new:
            page = EMPTY
        if page == NO_MATCH:
            self.reason(page).show_text(NO_ROW, "Change the filter, or clear it to see all rows.")
        elif page == CLEARED:
            rows = count(cleared, "earlier row")
            title = f"View cleared at {self.cleared_at}"
            self.reason(page).show_text(title, f"New rows appear here. The log still has {rows}.")
        elif page == EMPTY and self._address is None:
            self.reason(page).show_text("No rows", "The recording contains no frames and no REST calls.")
        elif page == EMPTY and self._address:
            self.reason(page).show_text(
                NOTHING_YET,
                f"Connect your UI to {self._address()}, or fire an event. Frames in both directions appear here.",
            )
        self.show_page(page)

    def reason(self, page: str) -> EmptyState:
        """Return one of the pages that are shown instead of the log."""
        return cast(EmptyState, self.page(page))

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for page in self.built:
            if isinstance(page, EmptyState):
                page.recolor()
