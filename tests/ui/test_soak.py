"""Soak test of the log. ``COMPANION_SOAK_S=600`` runs it for 600 s."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.companion import Companion
from app.hub.filter import parse
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from app.ui.rooms.events import EventsRoom
from tests.conftest import LONG

SOAK_S = float(os.environ.get("COMPANION_SOAK_S", "12" if LONG else "2.5"))
"""Every test run includes the short soak test; the nightly run sets 600."""
RATE = 2_000
TICK_MS = 5
ACT_MS = 80
CHECK_S = 2.0
FILTERS = (
    "event:typing",
    "number 1",
    "number 12",
    "-alice",
    "is:warning bob",
    "zzz",
    "/number 1[0-4]+/",
    "larger:200",
)


class Sender(QObject):
    """Publishes ``RATE`` events per second."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._began = time.perf_counter()
        self.sent = 0
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._send)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _send(self) -> None:
        due = min(int((time.perf_counter() - self._began) * RATE), self.sent + RATE // 10)
        while self.sent < due:
            self.sent += 1
            sender_name = ("alice", "bob", "carol 🎉")[self.sent % 3]
            if self.sent % 5:
                text = f"Hey there, this is number {self.sent}, and it is as long as most messages are"
                data = {
                    "msg_id": f"{self.sent:032}",
                    "from": sender_name,
                    "to": "me",
                    "text": text,
                    "direction": "received",
                }
                self._companion.hub.broadcast(Envelope("new_message", data), origin=PANEL)
            else:
                self._companion.hub.broadcast(Envelope("typing", {"username": sender_name, "typing": True}))


class Lag(QObject):
    """Measures the delay of a Qt timer and the CPU time of the thread since the last timeout, in milliseconds.

    On a busy machine, the CPU time is the more reliable value.
    """

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self.busy: list[float] = []
        self._due = self._cpu = 0.0
        timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._on_timeout)
        timer.start()

    def skip(self) -> None:
        """Ignore the delay that the test itself caused."""
        self._due = 0.0

    def _on_timeout(self) -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        if self._due:
            self.late.append(max(0.0, (now - self._due) * 1e3))
            self.busy.append((cpu - self._cpu) * 1e3)
        self._due, self._cpu = now + TICK_MS / 1e3, cpu


class SimulatedUser:
    """Filters, selects, scrolls and pauses, and checks the view after each action."""

    def __init__(self, room: EventsRoom, companion: Companion, qtbot: Any) -> None:
        self._room, self._companion, self._qtbot = room, companion, qtbot
        self._choose = random.Random(7)
        self._selected_seq = 0
        self._top = 0
        self._at_end = False
        self.last = ""
        self.actions: Counter[str] = Counter()
        room.model.modelReset.connect(self._reset)

    def act(self) -> None:
        self.check_view()
        action = self._choose.choice((self.type, self.type, self.scroll, self.select, self.follow, self.pause))
        action()
        self.actions[action.__name__] += 1
        self.last = action.__name__
        self._remember()

    def type(self) -> None:
        text = self._room.filter.text()
        next_filter = next((each for each in FILTERS if each.startswith(text) and each != text), "") if text else ""
        if next_filter and self._choose.random() < 0.9:
            self._qtbot.keyClicks(self._room.filter, next_filter[len(text)])
        else:
            self._room.filter.clear()
            self._qtbot.keyClicks(self._room.filter, self._choose.choice(FILTERS)[:3])

    def scroll(self) -> None:
        bar = self._room.table.verticalScrollBar()
        bar.setValue(self._choose.randint(0, max(bar.maximum(), 1)))

    def select(self) -> None:
        line = self._room.table.rowAt(self._room.table.viewport().height() // 2)
        if line >= 0:
            self._room.table.selectRow(line)
            QApplication.processEvents()  # the details open, and the log scrolls to keep the row in view
            self._qtbot.waitUntil(lambda: not self._room.table._select_at_resize)

    def follow(self) -> None:
        self._room.table.follow(True)

    def pause(self) -> None:
        self._room.freeze.toggle()

    def check_view(self) -> None:
        """Check that the selection is unchanged, and that the same rows are visible if the log does not follow."""
        selected = self._room.selected
        if self._selected_seq:
            dropped = self._selected_seq < self._room.model.seq(0) if self._room.model.rowCount() else True
            assert dropped if selected is None else selected.seq == self._selected_seq
        # With a selection, the log may go back to it when the details change its size.
        if self._top and not selected and not self._room.table.following:
            model, table = self._room.model, self._room.table
            table.executeDelayedItemsLayout()  # otherwise lines are those before the last rows were removed
            top, bottom = table.rowAt(0), table.rowAt(table.viewport().height() - 1)
            # At the end of the log, older rows that a search finds move the row down: nothing below fills the view.
            visible = range(top, bottom + 1 if bottom >= 0 else model.rowCount())
            kept = self._top in map(model.seq, visible if self._at_end else [top]) or self._top < model.seq(0)
            assert kept, f"{self._top} → {model.seq(top)} after {self.last}, first row {model.seq(0)}"

    def check(self) -> None:
        """Check that the view shows exactly the rows that match its filter."""
        room, journal = self._room, self._companion.journal
        room.freeze.setChecked(False)
        room.model.set_filter(room.filter.text())
        self._qtbot.waitUntil(lambda: not room.model.searching, timeout=30_000)
        room.model.flush()
        while room.model._seen < journal.last_seq:  # a flush stops after a few milliseconds
            room.model.flush()
        shown = [room.model.seq(line) for line in range(room.model.rowCount())]
        row_filter = parse(room.filter.text())
        expected = [row.seq for row in journal if row_filter.matches(row)]
        assert shown[: len(expected)] == expected
        assert all(seq > journal.last_seq - RATE for seq in shown[len(expected) :])

    def _remember(self) -> None:
        selected, table = self._room.selected, self._room.table
        table.executeDelayedItemsLayout()
        self._selected_seq = selected.seq if selected else 0
        top = table.rowAt(0)
        self._top = self._room.model.seq(top) if top >= 0 and not table.following else 0
        self._at_end = table.verticalScrollBar().value() == table.verticalScrollBar().maximum()

    def _reset(self) -> None:
        self._selected_seq = self._top = 0


@pytest.mark.timeout(int(SOAK_S) + 110)
def test_the_log_keeps_up_with_events_while_the_user_works_in_it(
    qtbot: Any, show: Callable[[QWidget], None], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = 100_000 if SOAK_S > 60 else int(SOAK_S * RATE * 0.6)  # the rest is dropped
    companion = Companion(Settings(port=0, rest_port=0, journal_rows=rows))
    room = EventsRoom(companion)
    room.resize(1120, 720)
    show(room)
    user, sender, lag = SimulatedUser(room, companion, qtbot), Sender(companion), Lag()
    memory = psutil.Process().memory_info().rss
    end, check = time.perf_counter() + SOAK_S, time.perf_counter() + CHECK_S
    while time.perf_counter() < end:
        qtbot.wait(ACT_MS)
        user.act()
        if time.perf_counter() > check:
            user.check()
            check = time.perf_counter() + CHECK_S
            lag.skip()
    sender.stop()
    room.filter.clear()
    user.check()
    assert companion.journal.last_seq == sender.sent
    assert companion.journal.dropped == max(0, sender.sent - rows)
    assert [room.model.seq(0), room.model.rowCount()] == [max(1, sender.sent - rows + 1), min(rows, sender.sent)]
    assert sender.sent > SOAK_S * RATE / 10  # otherwise nothing was tested
    room.close_down()
    late, busy = sorted(lag.late), sorted(lag.busy)
    memory_growth = (psutil.Process().memory_info().rss - memory) / 1024 / 1024
    with capsys.disabled():
        print(
            f"\nsoak: {SOAK_S:.0f} s, {sender.sent:,} events, {sum(user.actions.values())} actions; timer late by "
            f"p50 {late[len(late) // 2]:.1f}, p99 {late[len(late) * 99 // 100]:.1f}, max {late[-1]:.1f} ms, "
            f"thread busy for p99 {busy[len(busy) * 99 // 100]:.1f}, max {busy[-1]:.1f} ms in between; "
            f"memory +{memory_growth:.0f} MB"
        )
