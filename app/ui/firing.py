"""Fire events for the command palette, *Repeat last* and the *First steps* panel; show each result as a message.
The result (recipients, expectation or error) appears in the status bar of the window. The signal ``fired`` passes
the delivery on, for example to the tray icon. Rooms, tray menu and fire bar fire their own events.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.protocol.fixture import Fixture
from app.ui.room_tasks import RoomTasks

if TYPE_CHECKING:
    from app.hub.expectation import ExpectationResult

FIRST_TEXT = "Hi from {{persona}}!"
"""The message that the first steps fire."""


class Firing(QObject):
    """Fires events from outside the rooms. ``show_message`` gets the results and errors as text."""

    fired = Signal(object)
    """Emitted with the ``Delivery`` of each event."""
    failed = Signal(str)
    """Emitted with the reason if an event could not be fired."""

    def __init__(self, companion: Companion, show_message: Callable[[str], object]) -> None:
        super().__init__()
        self._companion = companion
        self._show = show_message
        self._do = RoomTasks(companion.tasks, self._on_failed)

    def _on_failed(self, why: str) -> None:
        self._show(why)
        self.failed.emit(why)

    def close_down(self) -> None:
        """Show no more results. Events that are being fired are still sent."""
        self._do.close()

    def fire(self, firing: Coroutine[Any, Any, Delivery]) -> None:
        """Run a coroutine that fires an event."""
        self._do(firing, self._show_delivery)

    def repeat(self) -> None:
        """Fire the last event again."""
        self.fire(self._companion.composer.fire_again(origin=PANEL))

    def fire_first_event(self) -> None:
        """Fire a message of a friend, as the first steps offer."""
        self.fire(self._companion.composer.fire_message("", FIRST_TEXT, origin=PANEL))

    def fire_fixture(self, fixture: Fixture) -> None:
        """Fire a fixture, and show the result of its expectation too."""
        self._do(self._companion.composer.fire(fixture, origin=PANEL), partial(self._show_fixture, fixture))

    def _show_delivery(self, delivery: Delivery) -> None:
        parts = [f"{delivery.note[:1].upper()}{delivery.note[1:]}", f"#{delivery.seq}", *delivery.warnings]
        self._show(" · ".join(parts))
        self.fired.emit(delivery)

    def _show_fixture(self, fixture: Fixture, delivery: Delivery) -> None:
        self._show_delivery(delivery)
        self._do(self._companion.check_fixture(fixture, delivery), partial(self._show_expectation, fixture))

    def _show_expectation(self, fixture: Fixture, result: ExpectationResult | None) -> None:
        from app.ui.widgets.expect_row import fixture_result_text

        if result:
            self._show(fixture_result_text(fixture, result))
