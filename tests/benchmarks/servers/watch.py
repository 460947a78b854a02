"""How the window fares: how long the log's painting takes, and how late Qt's timers come."""

import asyncio
from time import perf_counter_ns, thread_time_ns
from typing import Any

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication

from app.ui.rooms.events import EventsRoom
from app.ui.widgets.log_table import LogTable

EVERY_MS = 5
CALM_NS = 60_000_000
"""When a filter has found all, the window has this long to paint it."""

paints: list[int] = []
lags: list[int] = []


class LagTimer(QTimer):
    """A precise timer that notes by how much it came late, again and again; in ns."""

    def __init__(self) -> None:
        super().__init__(singleShot=True, timerType=Qt.TimerType.PreciseTimer, interval=EVERY_MS)
        self._since = QElapsedTimer()
        self.timeout.connect(self._note)

    def begin(self) -> None:
        """Wait for the next time."""
        self._since.start()
        self.start()

    def _note(self) -> None:
        lags.append(max(0, self._since.nsecsElapsed() - EVERY_MS * 1_000_000))
        self.begin()


_timer: LagTimer | None = None


def wrap_paint() -> None:
    """Time each paint event of the log, in CPU time: painting waits for nothing. Called before there is a log."""
    paint = LogTable.paintEvent

    def timed(table: LogTable, event: QPaintEvent) -> None:
        began = thread_time_ns()
        paint(table, event)
        paints.append(thread_time_ns() - began)

    setattr(LogTable, "paintEvent", timed)  # noqa: B010  mypy knows it as a method


def obey(verb: str) -> dict[str, Any]:
    """``watch`` forgets what was seen and goes on; ``watched`` tells it, in ns."""
    global _timer
    if _timer is None:
        _timer = LagTimer()
        _timer.begin()
    if verb == "watch":
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
    """Filter the log; return how long nothing else could run at most (``still``), and how long it took (``done``).

    In ns. The loop comes round between any two things that the window does, so the longest time between two
    turns is how long the window stood still.
    """
    room = next(each for each in QApplication.allWidgets() if isinstance(each, EventsRoom))
    model = room.model
    began = last = perf_counter_ns()
    room.filter.setText(text)
    still, done = 0, 0
    while not done or perf_counter_ns() - began < done + CALM_NS:
        if not done and not room.filtering:
            done = perf_counter_ns() - began
        await asyncio.sleep(0)
        now = perf_counter_ns()
        still, last = max(still, now - last), now
    return {"still": still, "done": done, "rows": model.rowCount()}


def percentile(values: list[int], share: float) -> int:
    """Return the value that ``share`` of them do not exceed; 0 for none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0
