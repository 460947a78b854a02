"""An asyncio event loop inside Qt's event loop, with asyncio's own scheduling instead of qasync's.

Stock qasync creates a Qt timer for every callback, disables and enables a notifier for every readiness event, and
makes Qt poll every descriptor in each iteration. ``PumpedLoop`` keeps asyncio's ready queue, timer heap and
selector instead, which is many times faster. Executors, exception handlers and debug mode are qasync's.

States::

     Qt sleeps, or handles its own events, in QApplication.exec()
       │  ▲
       │  │ no callbacks are ready, or CALLBACK_BUDGET_S is used up (sets the Qt timer)
       ▼  │
     _pump() runs callbacks ◄───► waits in the selector, for SPIN_WAIT_S at most, if events arrive quickly

Three things start the pump: the selector's descriptor is readable (a ``QSocketNotifier`` watches it), the Qt timer
for asyncio's earliest deadline fires, or callbacks are ready when Qt is about to sleep (this sets the timer to 0).
All times are monotonic seconds, except Qt's intervals, which are milliseconds.
"""

import asyncio
import heapq
import math
import selectors
from asyncio.tasks import _enter_task, _leave_task
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QObject, QSocketNotifier, Qt, QTimer
from typing_extensions import override

import app.loop.stock  # noqa: F401  # before qasync, so that it finds PySide6

CALLBACK_BUDGET_S = 0.0005
"""How long the pump runs callbacks before it yields to Qt. Yielding takes about a twentieth of this."""
ACTIVE_WINDOW_S = 0.001
"""If the previous pump ended less than this ago, the pump waits in the selector itself, which is faster than
returning to Qt."""
SPIN_WAIT_S = 0.004
"""Limit of a single wait in the selector, and of a series of such waits. So Qt runs after at most twice this time.
Shorter waits would set the system's timer each time, which costs as much as they save."""
SELECTOR_STEP_S = 0.001
"""A selector waits for whole milliseconds; shorter waits are left to Qt's timer."""
IMMEDIATELY = 0.0
NEVER = math.inf
"""Values of a deadline, besides monotonic seconds."""
MAX_TIMER_MS = 24 * 3600 * 1000
"""A Qt timer's interval has 32 bits, so a longer wait is split into days."""
EARLY_EXIT_S, MAX_EARLY_EXITS = 0.005, 10
"""If ``QApplication.exec()`` returns within this time more than this many times in a row, the display is gone."""
READ_BYTES = 64 * 1024
"""How much is read from a socket at once. For asyncio's 256 KiB, glibc maps and unmaps memory at each read, which
takes half as long again, unless the heap has a hole of that size."""
CANCELLED_TIMERS_LIMIT = 100
"""If more timers than this are cancelled, and more than half of all, the heap is rebuilt without them."""

LOOP_MEMBERS = (
    "_run_once", "_process_events", "_add_callback", "_add_reader", "_remove_reader", "_add_writer",
    "_remove_writer", "_ready", "_scheduled", "_timer_cancelled_count", "_clock_resolution", "_stopping",
    "_selector", "_make_socket_transport",
)  # fmt: skip
TIMER_MEMBERS = ("_when", "_scheduled", "_cancelled", "_run")
"""Private members of asyncio that this module uses. ``self_test`` checks at start that they exist."""


class _Timer(asyncio.TimerHandle):
    """A handle in asyncio's timer heap, with members that the type stubs omit."""

    _when: float
    _scheduled: bool


if TYPE_CHECKING:  # qasync has no type hints

    class SelectorBase(asyncio.SelectorEventLoop):
        """The base class of qasync's loop."""

    class QasyncLoop(asyncio.SelectorEventLoop):
        """qasync's loop."""

        def __init__(self, app: QCoreApplication) -> None: ...

else:
    import qasync

    QasyncLoop = qasync.QSelectorEventLoop
    SelectorBase = qasync._unix._SelectorEventLoop


class _SystemSelector(SelectorBase):
    """Use the system's selector instead of qasync's, which has one Qt notifier per descriptor."""

    def __init__(self) -> None:
        asyncio.SelectorEventLoop.__init__(self, selectors.DefaultSelector())


class PumpedLoop(QasyncLoop, _SystemSelector):
    """A ``qasync.QEventLoop`` that schedules like asyncio's selector loop, inside ``QApplication.exec()``.

    All guarantees of asyncio hold: order of callbacks, signals, subprocesses, executors. In addition, the loop
    keeps running inside nested Qt loops, so an open menu or native dialog does not stop the server, even if a task
    opened it. Debug mode does not report slow callbacks. ``time()`` is ``time.monotonic()``.
    """

    description = "pumped qasync loop"
    """Shown in the About window."""

    # asyncio's attributes that the type stubs omit
    _ready: deque[asyncio.Handle]
    _scheduled: list[_Timer]
    _timer_cancelled_count: int
    _clock_resolution: float
    _stopping: bool
    _selector: selectors.BaseSelector
    _process_events: Callable[[list[tuple[selectors.SelectorKey, int]]], None]

    if not TYPE_CHECKING:
        # asyncio's scheduling instead of qasync's
        run_forever = asyncio.SelectorEventLoop.run_forever
        run_until_complete = asyncio.SelectorEventLoop.run_until_complete
        stop = asyncio.SelectorEventLoop.stop
        is_running = asyncio.SelectorEventLoop.is_running
        call_soon = asyncio.SelectorEventLoop.call_soon
        call_soon_threadsafe = asyncio.SelectorEventLoop.call_soon_threadsafe
        call_later = asyncio.SelectorEventLoop.call_later
        call_at = asyncio.SelectorEventLoop.call_at
        _add_callback = asyncio.SelectorEventLoop._add_callback
        _add_reader = asyncio.SelectorEventLoop._add_reader
        _remove_reader = asyncio.SelectorEventLoop._remove_reader
        _add_writer = asyncio.SelectorEventLoop._add_writer
        _remove_writer = asyncio.SelectorEventLoop._remove_writer

    def __init__(self, app: QCoreApplication) -> None:
        QasyncLoop.__init__(self, app)
        self._app = app
        self._qt = QObject()
        self._timer_deadline = NEVER
        """The deadline that the Qt timer is set for (monotonic seconds)."""
        self._timer_fires_at = NEVER
        """When the Qt timer fires (monotonic seconds): Qt rounds intervals up to whole milliseconds."""
        self._qt_timer = QTimer(self._qt, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._qt_timer.timeout.connect(self._on_timer)
        self._notifier = QSocketNotifier(_descriptor(self._selector), QSocketNotifier.Type.Read, self._qt)
        self._notifier.setEnabled(False)
        self._notifier.activated.connect(self._pump)
        self._failure: BaseException | None = None
        self._early_exits = 0
        self._remaining = 0
        """Number of callbacks of the current iteration that have not run yet."""
        self._budget_end = 0.0
        """When the pump yields to Qt at the latest (monotonic seconds)."""
        self._idle_since = -ACTIVE_WINDOW_S
        """When the pump last ran out of callbacks (monotonic seconds)."""

    def _make_socket_transport(self, *args: Any, **options: Any) -> asyncio.Transport:
        transport: Any = super()._make_socket_transport(*args, **options)  # type: ignore[misc]
        transport.max_size = READ_BYTES
        return cast(asyncio.Transport, transport)

    @override
    def close(self) -> None:
        """Release the descriptors and the Qt objects. May be called twice."""
        if not self.is_closed():
            self._notifier.setEnabled(False)
        super().close()

    def _run_once(self) -> None:
        """Run Qt's event loop until ``stop()``. asyncio's ``run_forever`` calls this in a loop until then."""
        dispatcher = QAbstractEventDispatcher.instance()
        dispatcher.aboutToBlock.connect(self._set_timer)
        self._notifier.setEnabled(True)
        self._set_timer()
        began = monotonic()
        try:
            self._app.exec()
        finally:
            self._notifier.setEnabled(False)
            self._qt_timer.stop()
            self._timer_deadline = NEVER
            dispatcher.aboutToBlock.disconnect(self._set_timer)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        too_early = not self._stopping and monotonic() - began < EARLY_EXIT_S
        self._early_exits = self._early_exits + 1 if too_early else 0
        if self._early_exits > MAX_EARLY_EXITS:
            raise SystemExit(1)

    def _set_timer(self) -> None:
        """Set the Qt timer for the earliest deadline. Called after each pump and whenever Qt is about to sleep."""
        if self._ready or self._stopping:
            due = IMMEDIATELY
        elif self._scheduled:
            due = self._scheduled[0]._when
        else:
            due = NEVER
        if due in (IMMEDIATELY, NEVER):
            if due != self._timer_deadline:
                self._timer_deadline = due
                self._qt_timer.start(0) if due == IMMEDIATELY else self._qt_timer.stop()
            return
        now = monotonic()
        wait_ms = min(max(0, math.ceil((due - now) * 1000)), MAX_TIMER_MS)
        # Do not set the timer again for the same deadline: its remaining time would be rounded up once more.
        if due == self._timer_deadline and math.ceil((self._timer_fires_at - now) * 1000) <= wait_ms:
            return
        self._timer_deadline, self._timer_fires_at = due, now + wait_ms / 1000
        self._qt_timer.start(wait_ms)

    def _on_timer(self) -> None:
        self._timer_deadline = NEVER
        self._pump()

    def _pump(self) -> None:
        """Run asyncio iterations until no callbacks are ready or the budget is used up."""
        outer = asyncio.current_task(self)
        if outer is not None:  # a task runs a nested Qt loop; other tasks must run meanwhile
            _leave_task(self, outer)
        now = monotonic()
        self._budget_end, spin_until, active = (
            now + CALLBACK_BUDGET_S,
            now + SPIN_WAIT_S,
            now < self._idle_since + ACTIVE_WINDOW_S,
        )
        try:
            ready = self._iterate(0)
            while not self._stopping and (now := monotonic()) < spin_until:
                # After several descriptors were ready, more are likely to be ready by now.
                if self._ready or ready > 1:
                    if now >= self._budget_end:
                        break
                    ready = self._iterate(0)
                elif active and (wait_s := self._wait_s(now)):
                    ready = self._iterate(wait_s)
                    active = ready > 0
                else:
                    break
            self._idle_since = now
        except BaseException as failure:  # in asyncio, SystemExit and KeyboardInterrupt end the loop
            self._failure = failure
            self.stop()
        finally:
            if outer is not None:
                _enter_task(self, outer)
        if self._stopping:
            self._app.exit()
        else:
            self._set_timer()

    def _wait_s(self, now: float) -> float:
        """Return for how many seconds the pump may wait in the selector; 0 if a timer is due."""
        if not self._scheduled:
            return SPIN_WAIT_S
        return max(0.0, min(SPIN_WAIT_S, (self._scheduled[0]._when - now) // SELECTOR_STEP_S * SELECTOR_STEP_S))

    def _iterate(self, wait_s: float) -> int:
        """Run one iteration of asyncio's loop, or the rest of an unfinished one, until the budget is used up.

        Wait for at most ``wait_s`` seconds for descriptors; after a wait, the budget starts again. Return the
        number of ready descriptors. An unfinished iteration is completed before the selector is polled again.
        Otherwise, a descriptor whose callback has not run yet would be reported again, and its callback would run
        twice.
        """
        ready, found = self._ready, 0
        if not (self._remaining and ready):
            events = self._selector.select(wait_s)
            if wait_s:
                self._budget_end = monotonic() + CALLBACK_BUDGET_S
            self._process_events(events)
            self._collect_timers()
            self._remaining, found = len(ready), len(events)
        while self._remaining and ready:
            handle = ready.popleft()
            self._remaining -= 1
            if not handle._cancelled:
                handle._run()
                if monotonic() > self._budget_end:
                    break
        return found

    def _collect_timers(self) -> None:
        """Move the callbacks of due timers to the ready queue, as asyncio's ``_run_once`` does."""
        scheduled = self._scheduled
        cancelled = self._timer_cancelled_count
        if cancelled > CANCELLED_TIMERS_LIMIT and cancelled * 2 > len(scheduled):
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
    """Return the selector's own descriptor, which is readable while any registered descriptor is ready.

    Raises ``AttributeError`` on a system whose selector has none.
    """
    descriptor: int = selector.fileno()  # type: ignore[attr-defined]
    return descriptor
