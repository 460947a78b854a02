"""Measure the window: the CPU time for painting the log, and the delay of Qt's timers."""

import asyncio
from time import perf_counter_ns, thread_time_ns
from typing import Any

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication

from app.ui.rooms.events import EventsRoom
from app.ui.widgets.log_table import LogTable

EVERY_MS = 5
SETTLE_NS = 60_000_000
"""Time for the window to paint when a filter has finished."""

paints: list[int] = []
lags: list[int] = []


class LagTimer(QTimer):
    """A precise timer that restarts itself and records its delays in ns."""

    def __init__(self) -> None:
        super().__init__(singleShot=True, timerType=Qt.TimerType.PreciseTimer, interval=EVERY_MS)
        self._since = QElapsedTimer()
        self.timeout.connect(self._record)

    def begin(self) -> None:
        """Start the timer again."""
        self._since.start()
        self.start()

    def _record(self) -> None:
        lags.append(max(0, self._since.nsecsElapsed() - EVERY_MS * 1_000_000))
        self.begin()


_timer: LagTimer | None = None


def wrap_paint() -> None:
    """Record the CPU time of each paint event of the log. Call it before the log is created."""
    paint = LogTable.paintEvent

    def timed(table: LogTable, event: QPaintEvent) -> None:
        began = thread_time_ns()
        paint(table, event)
        paints.append(thread_time_ns() - began)

    setattr(LogTable, "paintEvent", timed)  # noqa: B010  mypy knows it as a method


def run_command(command: str) -> dict[str, Any]:
    """``watch`` clears the records; ``watched`` returns their statistics, in ns."""
    global _timer
    if _timer is None:
        _timer = LagTimer()
        _timer.begin()
    if command == "watch":
        paints.clear()
        lags.clear()
        return {}
    return {
        "paints": len(paints),
        "paint_p99": percentile(paints, 0.99),
        "lags": len(lags),
        "lag_p99": percentile(lags, 0.99),
        "lag_max": max(lags, default=0),
    }


async def filter_log(text: str) -> dict[str, int]:
    """Filter the log. Return the longest stall of the window (``still``) and the time it took (``done``), in ns.

    The stall is the longest time between two loop iterations, because the loop runs between any two steps of the
    window.
    """
    room = next(each for each in QApplication.allWidgets() if isinstance(each, EventsRoom))
    model = room.model
    began = last = perf_counter_ns()
    room.filter.setText(text)
    still, done = 0, 0
    while not done or perf_counter_ns() - began < done + SETTLE_NS:
        if not done and not room.filtering:
            done = perf_counter_ns() - began
        await asyncio.sleep(0)
        now = perf_counter_ns()
        still, last = max(still, now - last), now
    return {"still": still, "done": done, "rows": model.rowCount()}


def percentile(values: list[int], share: float) -> int:
    """Return the percentile ``share`` (0 to 1) of values; 0 if there are none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0
