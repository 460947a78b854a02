"""Show counts in the navigation: held items (else new invalid frames) at Events, new rejections (else the clients)
at Clients, new errors of the lint at Contract. Rejections are, for example, connections that violate access rules.
Connections refused on purpose do not count. A count of new things is reset when the user opens its room. Badges of
other rooms are set by those rooms, ``fault_watch`` and ``source_watch``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.hub.filter import parse
from app.protocol.counts import count
from app.protocol.lint.rules import Severity
from app.ui.breakpoint_follower import BreakpointFollower
from app.ui.room_registry import CLIENTS, CONTRACT, EVENTS
from app.ui.widgets.navigation import Badge

if TYPE_CHECKING:
    from app.ui.window import MainWindow

DELAY_MS = 500
"""New rows are counted at most this often."""
MAX_ROWS = 20_000
"""If more rows come within ``DELAY_MS``, only the newest ones are counted."""
MOST = 99
INVALID = parse("is:invalid")


class RoomBadges(QObject):
    """Counts what has come since a room was last open, and shows it in the navigation of a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._companion = window.companion
        self._invalid = self._refused = 0
        self._errors: dict[str, int] = {}
        """The violations with the severity error, by their rule."""
        self._seen_errors: dict[str, int] = {}
        self._counted = self._companion.journal.last_seq
        self._timer = QTimer(self, interval=DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self.count_rows)
        self._closed = False
        self._breakpoints = BreakpointFollower(self, self._companion)
        self._breakpoints.changed.connect(self._show_events)
        self._disconnects = [
            self._companion.hub.clients_changed.connect(lambda _: self._show_clients()),
            self._companion.rejection_log.added.connect(lambda _: self._add_refusal()),
            self._companion.contract_lint.changed.connect(lambda _: self._count_errors()),
        ]
        window.rooms.currentChanged.connect(lambda _: self._mark_seen())
        self._wait()
        self._show_events()
        self._show_clients()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._closed = True
        self._timer.stop()
        self._breakpoints.close_down()
        for disconnect in self._disconnects:
            disconnect()

    def _wait(self) -> None:
        """Start the timer when the next row comes."""
        self._companion.journal.once(lambda: None if self._closed else self._timer.start())

    def count_rows(self) -> None:
        """Count the invalid frames among the new rows."""
        rows = self._companion.journal.rows
        first = max(self._counted + 1, rows.first, rows.last - MAX_ROWS + 1)
        if first <= rows.last:
            self._invalid += len(INVALID.matching(rows.columns(first, rows.last)))
        self._counted = rows.last
        self._mark_seen()
        self._wait()

    def _add_refusal(self) -> None:
        self._refused += 1
        self._mark_seen()

    def _count_errors(self) -> None:
        """Count the violations of the rules with the severity error that are on."""
        lint = self._companion.contract_lint
        rules = (each for each in lint.tally if each.rule.severity is Severity.ERROR)
        self._errors = {each.rule.id: each.count for each in rules if each.rule.id not in lint.off}
        self._mark_seen()

    def _mark_seen(self) -> None:
        """Reset the count of the room that is open, and show the badges."""
        current = self._window.rooms.current if self._window.isVisible() else ""
        if current == EVENTS:
            self._invalid = 0
        if current == CLIENTS:
            self._refused = 0
        for rule, number in self._errors.items():
            if current == CONTRACT or number < self._seen_errors.get(rule, 0):
                self._seen_errors[rule] = number
        self._show_events()
        self._show_clients()
        self._show_contract()

    def _show_events(self) -> None:
        invalid = count(self._invalid, "new invalid frame")
        badge = Badge(limited(self._invalid), invalid, "error") if self._invalid else None
        if held := len(self._breakpoints.held):
            meaning = f"{count(held, 'item')} held at breakpoints"
            badge = Badge(limited(held), f"{meaning}, {invalid}" if badge else meaning, "warning")
        self._window.navigation.set_badge(EVENTS, badge)

    def _show_clients(self) -> None:
        clients = self._companion.hub.connection_count
        connected = f"{count(clients, 'client')} connected"
        if self._refused:
            badge = Badge(limited(self._refused), f"{connected}, {self._refused} refused", "warning")
        else:
            badge = Badge(limited(clients), connected)
        self._window.navigation.set_badge(CLIENTS, badge if clients or self._refused else None)

    def _show_contract(self) -> None:
        new = sum(number - self._seen_errors.get(rule, 0) for rule, number in self._errors.items())
        meaning = f"{count(new, 'new violation')} of the contract"
        self._window.navigation.set_badge(CONTRACT, Badge(limited(new), meaning, "error") if new else None)


def limited(number: int) -> str:
    """Return a number as the text of a badge."""
    return str(number) if number <= MOST else f"{MOST}+"
