"""Asyncio's own loop, pumped by Qt.

qasync makes a Qt timer for every callback, switches a notifier off and on for every readiness, and lets Qt poll
every descriptor at every turn. Here CPython keeps its ready queue, its timers and its selector, and Qt watches
three things: the selector's own descriptor, one timer for the earliest deadline, and whether it is about to sleep.
"""

import asyncio
import heapq
import math
import selectors
from asyncio.tasks import _enter_task, _leave_task
from collections import deque
from collections.abc import Callable
from time import monotonic

from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QObject, QSocketNotifier, Qt, QTimer

BUDGET_S = 0.0005
"""So long the pump runs before Qt has its turn, which costs a twentieth of that."""
LIVELY_S = 0.001
"""While one thing follows another that fast, the pump itself waits for the next: the way through Qt costs more."""
PATIENCE_S = 0.004
"""So long it waits at a time, and so long it goes on with what comes one by one: Qt's turn comes after twice that
at the latest. For a shorter wait the system would program its clock anew, which costs as much."""
GRAIN_S = 0.001
"""A selector waits for whole milliseconds; Qt is exact."""
AT_ONCE = 0.0
NEVER = math.inf
LONGEST_MS = 24 * 3600 * 1000
"""A Qt timer's interval is 32 bits wide; whoever waits longer is looked at once a day."""
HASTY_S, HASTY = 0.005, 10
"""Qt's loop that ends by itself so soon, so often in a row, has lost its display."""
SPRING_CLEANING = 100
"""So many cancelled timers, and more than half of all, are thrown out before their time comes."""


class _Timer(asyncio.TimerHandle):
    """What the heap of timers holds, as CPython knows it and its types do not tell."""

    _when: float
    _scheduled: bool


class PumpedLoop(asyncio.SelectorEventLoop):
    """A selector loop whose ``run_forever`` is Qt's.

    All of asyncio's promises hold (order, signals, subprocesses, executors). Beyond them the loop also turns
    inside nested Qt loops: an open menu or a native dialog does not stop the server, even one that a task
    opened. Debug mode does not report slow callbacks. ``time()`` is ``time.monotonic()``, as in every loop.
    """

    # The same for its loops.
    _ready: deque[asyncio.Handle]
    _scheduled: list[_Timer]
    _timer_cancelled_count: int
    _clock_resolution: float
    _stopping: bool
    _selector: selectors.BaseSelector
    _process_events: Callable[[list[tuple[selectors.SelectorKey, int]]], None]

    def __init__(self, app: QCoreApplication) -> None:
        selector = selectors.DefaultSelector()
        super().__init__(selector)
        self._app = app
        self._qt = QObject()
        self._armed = NEVER
        """For when the timer was told to fire: monotonic seconds, or ``AT_ONCE``."""
        self._fires = NEVER
        """When it will, since Qt counts whole milliseconds from when it was told."""
        self._timer = QTimer(self._qt, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timer)
        self._notifier = QSocketNotifier(_descriptor(selector), QSocketNotifier.Type.Read, self._qt)
        self._notifier.setEnabled(False)
        self._notifier.activated.connect(self._pump)
        self._failure: BaseException | None = None
        self._hasty = 0
        self._todo = 0
        """So many handles are left of this turn."""
        self._deadline = 0.0
        """Until when the pump runs before Qt has its turn: monotonic seconds."""
        self._left_at = -LIVELY_S
        """When the pump had nothing more to do: monotonic seconds."""

    def close(self) -> None:
        """Release the descriptors, and what belongs to Qt. May be called twice."""
        if not self.is_closed():
            self._notifier.setEnabled(False)
        super().close()

    def _run_once(self) -> None:
        """Let Qt turn the wheel until ``stop``: asyncio's ``run_forever`` calls this until it is to end."""
        dispatcher = QAbstractEventDispatcher.instance()
        dispatcher.aboutToBlock.connect(self._arm)
        self._notifier.setEnabled(True)
        self._arm()
        began = monotonic()
        try:
            self._app.exec()
        finally:
            self._notifier.setEnabled(False)
            self._timer.stop()
            self._armed = NEVER
            dispatcher.aboutToBlock.disconnect(self._arm)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        self._hasty = self._hasty + 1 if not self._stopping and monotonic() - began < HASTY_S else 0
        if self._hasty > HASTY:
            raise SystemExit(1)

    def _arm(self) -> None:
        """Tell Qt when to come back: called whenever it is about to sleep, whoever has scheduled something."""
        if self._ready or self._stopping:
            due = AT_ONCE
        elif self._scheduled:
            due = self._scheduled[0]._when
        else:
            due = NEVER
        if due in (AT_ONCE, NEVER):
            if due != self._armed:
                self._armed = due
                self._timer.start(0) if due == AT_ONCE else self._timer.stop()
            return
        now = monotonic()
        wait_ms = min(max(0, math.ceil((due - now) * 1000)), LONGEST_MS)
        # Qt sleeps for whole milliseconds, too: a sleep that begins anew would be rounded up on top of that.
        if due == self._armed and math.ceil((self._fires - now) * 1000) <= wait_ms:
            return
        self._armed, self._fires = due, now + wait_ms / 1000
        self._timer.start(wait_ms)

    def _on_timer(self) -> None:
        self._armed = NEVER
        self._pump()

    def _pump(self) -> None:
        """Take turns until nothing is left to do or the budget is used up."""
        outer = asyncio.current_task(self)
        if outer is not None:  # a nested Qt loop within a task: the others go on meanwhile
            _leave_task(self, outer)
        now = monotonic()
        self._deadline, patience, lively = now + BUDGET_S, now + PATIENCE_S, now < self._left_at + LIVELY_S
        try:
            ready = self._turn(0)
            while not self._stopping and (now := monotonic()) < patience:
                # Where several descriptors were ready, others will be by now.
                if self._ready or ready > 1:
                    if now >= self._deadline:
                        break
                    ready = self._turn(0)
                elif lively and (wait_s := self._wait_s(now)):
                    ready = self._turn(wait_s)
                    lively = ready > 0
                else:
                    break
            self._left_at = now
        except BaseException as failure:  # asyncio lets SystemExit and KeyboardInterrupt end the loop
            self._failure = failure
            self.stop()
        finally:
            if outer is not None:
                _enter_task(self, outer)
        if self._stopping:
            self._app.exit()
        else:
            self._arm()

    def _wait_s(self, now: float) -> float:
        """Return how long the pump may wait itself; 0 where a timer is due."""
        if not self._scheduled:
            return PATIENCE_S
        return max(0.0, min(PATIENCE_S, (self._scheduled[0]._when - now) // GRAIN_S * GRAIN_S))

    def _turn(self, wait_s: float) -> int:
        """Do as one turn of asyncio's loop does, but wait ``wait_s`` at most and do not outlast the deadline.

        What it has waited for has a time of its own. Return how many descriptors were ready. What is left of a turn
        is done before the next begins: to select again would find those ready whose callbacks have not run yet, and
        let them run twice.
        """
        ready, found = self._ready, 0
        if not (self._todo and ready):
            events = self._selector.select(wait_s)
            if wait_s:
                self._deadline = monotonic() + BUDGET_S
            self._process_events(events)
            self._collect_timers()
            self._todo, found = len(ready), len(events)
        while self._todo and ready:
            handle = ready.popleft()
            self._todo -= 1
            if not handle._cancelled:
                handle._run()
                if monotonic() > self._deadline:
                    break
        return found

    def _collect_timers(self) -> None:
        scheduled = self._scheduled
        cancelled = self._timer_cancelled_count
        if cancelled > SPRING_CLEANING and cancelled * 2 > len(scheduled):
            for handle in scheduled:
                handle._scheduled = not handle._cancelled
            scheduled[:] = [handle for handle in scheduled if handle._scheduled]
            heapq.heapify(scheduled)
            self._timer_cancelled_count = 0
        now = monotonic() + self._clock_resolution
        while scheduled and (scheduled[0]._cancelled or scheduled[0]._when < now):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(handle)


def _descriptor(selector: selectors.BaseSelector) -> int:
    """Return what is readable while anything that is selected is ready. Raises ``AttributeError`` without one."""
    descriptor: int = selector.fileno()  # type: ignore[attr-defined]
    return descriptor
