"""Store the items that breakpoints hold, and run the timer for their timeouts. ``breakpoints`` owns the queue.
The timer only calls back: the owner releases the items that are ``due``. While a REST call is held, it also calls
back every second, to find out whether the client still waits. Before ``add``, the owner asks ``why_full`` whether a
limit is reached. When the program quits, the queue waits, up to a timeout, until released items were handled.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from app.hub.clock import Clock
from app.hub.held_items import HeldItem, HeldKind
from app.protocol.breakpoints import MAX_HELD, MAX_HELD_BYTES
from app.protocol.errors import NotFound

CHECK_S = 1.0
"""While a REST call is held, this is how often it is checked whether its client has disconnected."""
MIN_WAIT_S = 0.01
"""A timer may fire a little too early; it is then set again for this time."""


class HeldQueue:
    """The held items, oldest first.

    ``on_timer`` is called when a timeout may have passed, and every second while a REST call is held.
    """

    def __init__(self, clock: Clock, on_timer: Callable[[], object]) -> None:
        self._clock = clock
        self._on_timer = on_timer
        self._items: dict[int, HeldItem] = {}
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        """When the timer fires, in monotonic seconds."""
        self._unfinished: set[int] = set()
        """The items that continue, but are not handled yet."""
        self._finished = asyncio.Event()

    def __iter__(self) -> Iterator[HeldItem]:
        return iter(tuple(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def why_full(self, size: int) -> str:
        """Return why an item with a payload of ``size`` bytes cannot be held; empty if it can."""
        if len(self._items) >= MAX_HELD:
            return f"{MAX_HELD} items are held already"
        if self._bytes + size > MAX_HELD_BYTES:
            return f"the held items would need more than {MAX_HELD_BYTES // 1024 // 1024} MB"
        return ""

    def add(self, item: HeldItem) -> None:
        """Add an item."""
        self._items[item.number] = item
        self._bytes += len(item.payload)
        self._schedule()

    def remove(self, item: HeldItem) -> bool:
        """Remove an item. Return False if it was not held any more."""
        if self._items.pop(item.number, None) is None:
            return False
        self._bytes -= len(item.payload)
        return True

    def find(self, numbers: Iterable[int] | None) -> list[HeldItem]:
        """Return the items with these numbers; None: all. Raises ``NotFound``."""
        if numbers is None:
            return list(self)
        wanted = list(dict.fromkeys(numbers))
        missing = next((number for number in wanted if number not in self._items), None)
        if missing is not None:
            held = ", ".join(map(str, self._items)) or "nothing"
            raise NotFound(f"Item {missing} is not held; it may have continued already. Held now: {held}.")
        return [self._items[number] for number in wanted]

    def due(self) -> list[HeldItem]:
        """Return the items whose timeout has passed, and set the timer for the others."""
        now = self._clock.mono()
        found = [each for each in self if each.deadline_mono <= now]
        self._schedule()
        return found

    def continues(self, item: HeldItem) -> None:
        """Note that a removed item continues. Call ``finished`` when it was handled."""
        self._unfinished.add(item.number)

    def finished(self, item: HeldItem) -> None:
        """Note that an item that continued was handled."""
        self._unfinished.discard(item.number)
        if not self._unfinished:
            self._finished.set()

    async def wait_until_finished(self, within_s: float) -> None:
        """Wait until all items that continue were handled, at most ``within_s`` seconds."""
        self._finished.clear()
        if self._unfinished:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), within_s)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        """Set the timer for the next deadline, unless it fires before it. One that is not needed does nothing."""
        if not self._items:
            return
        now = self._clock.mono()
        due = min((each.deadline_mono for each in self if each.deadline_mono > now), default=now)
        if any(each.kind is HeldKind.REST_CALL for each in self):
            due = min(due, now + CHECK_S)
        if self._timer and self._due <= due:
            return
        self.close()
        self._due = due
        delay = max(due - now, MIN_WAIT_S)
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._items:
            self._on_timer()
            self._schedule()
