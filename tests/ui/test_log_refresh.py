"""What is on the screen after rows have come and gone, where only what is new is painted."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtGui import QGuiApplication, QImage, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from app.hub.clock import Clock
from app.hub.journal import Journal, Kind
from app.ui.models.event_log import EventLogModel, TimeStyle
from app.ui.widgets.log_refresh import BAND, LogRefresh
from app.ui.widgets.log_table import ROW_HEIGHT, SAMPLES, LogTable

RING = 200


@pytest.fixture
def journal() -> Journal:
    """Return one whose rows come 0.137 s after each other."""
    ticks = itertools.count()
    return Journal(Clock(wall=lambda: 0.137 * next(ticks), mono=lambda: 0.137 * next(ticks)), max_rows=RING)


@pytest.fixture
def model(journal: Journal, qapp: Any) -> Iterator[EventLogModel]:
    model = EventLogModel(journal)
    yield model
    model.close()


@pytest.fixture
def table(model: EventLogModel, show: Callable[[QWidget], None]) -> LogTable:
    table = LogTable(model)
    table.resize(900, 405)  # the last line is cut
    show(table)
    return table


@pytest.fixture
def own_screen(qapp: Any) -> None:
    if QGuiApplication.platformName() != "offscreen":
        pytest.skip("what is on a real screen belongs to all programs")


class Paints(QObject):
    """Notes which lines of a viewport were painted."""

    def __init__(self, table: LogTable) -> None:
        super().__init__()
        self.areas: list[QRect] = []
        table.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt asks."""
        if isinstance(event, QPaintEvent):
            self.areas.append(event.rect())
        return False

    @property
    def lines(self) -> float:
        """How many lines high that was in all."""
        return sum(area.height() for area in self.areas) / ROW_HEIGHT


def append(journal: Journal, number: int) -> None:
    for _ in range(number):
        user = f"user{journal.last_seq}"
        payload = json.dumps({"event": "typing", "data": {"username": user, "typing": True}}).encode()
        journal.append(Kind.TO_UI, "typing", payload=payload, client=str(journal.last_seq % 7))


def settle(table: LogTable, model: EventLogModel) -> None:
    """Let Qt do all that it has to do."""
    for _ in range(3):
        QGuiApplication.processEvents()
        while model.searching or table._refresh.busy:
            QGuiApplication.processEvents()


def on_screen(table: LogTable) -> QImage:
    """Return what Qt shows: not what it would paint now."""
    picture: QPixmap = table.screen().grabWindow(table.winId())
    return plain(picture)


def anew(table: LogTable) -> QImage:
    """Return the same painted from nothing."""
    return plain(table.grab())


def plain(picture: QPixmap) -> QImage:
    return picture.toImage().convertToFormat(QImage.Format.Format_RGB32)


@pytest.mark.usefixtures("own_screen")
@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_the_screen_shows_what_painting_anew_would(
    seed: int, journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    chance = random.Random(seed)
    append(journal, chance.choice([0, 5, RING]))
    model.flush()
    bar, sideways = table.verticalScrollBar(), table.horizontalScrollBar()

    def come() -> None:
        append(journal, chance.choice([1, 1, 2, 5, 14, 16, 60, RING]))
        model.flush()

    def choose() -> None:
        if model.rowCount():
            table.selectRow(chance.randrange(model.rowCount()))

    steps: list[Callable[[], object]] = [
        come,
        come,
        come,
        come,
        choose,
        lambda: bar.setValue(chance.choice([0, chance.randint(0, bar.maximum())])),
        lambda: sideways.setValue(chance.choice([0, sideways.maximum()])),
        lambda: table.setColumnWidth(chance.choice(list(SAMPLES)), chance.randint(40, 200)),
        lambda: table.follow(True),
        lambda: model.set_filter(chance.choice(["", "", "client:3", "-client:3"])),
        lambda: model.set_time_style(chance.choice(list(TimeStyle))),
        lambda: model.set_frozen(chance.random() < 0.3),
        lambda: table.resize(chance.choice([400, 700, 900]), chance.choice([200, 405, 900])),
    ]
    for _ in range(40):
        for _ in range(chance.choice([1, 1, 2, 3])):  # several before Qt has painted
            chance.choice(steps)()
        settle(table, model)
        assert on_screen(table) == anew(table)
        assert table.horizontalHeader().offset() == sideways.value()


@pytest.mark.usefixtures("own_screen")
@pytest.mark.parametrize("style", TimeStyle)
def test_lines_that_say_something_else_as_others_go_are_painted_again(
    style: TimeStyle, journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, RING)
    model.flush()
    model.set_time_style(style)
    table.verticalScrollBar().setValue(0)
    settle(table, model)
    append(journal, 3)
    model.flush()
    settle(table, model)
    assert on_screen(table) == anew(table)


@pytest.mark.usefixtures("own_screen")
def test_scrolling_while_lines_are_painted_in_turns_leaves_none_out(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, RING)
    model.flush()
    model.set_time_style(TimeStyle.SINCE_START)
    model.set_filter("client:3")
    bar = table.verticalScrollBar()
    bar.setValue(5)
    settle(table, model)
    for _ in range(20):  # no row comes, but some go, and all others say something else
        journal.append(Kind.TO_UI, "typing", payload=b"{}", client="9")
    model.flush()
    bar.setValue(bar.value() + 2)
    settle(table, model)
    assert on_screen(table) == anew(table)


@pytest.mark.usefixtures("own_screen")
def test_the_button_goes_with_the_rows_that_it_counted(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, RING)
    model.flush()
    model.set_filter("client:3")
    settle(table, model)
    table.verticalScrollBar().setValue(2)
    append(journal, 7)
    model.flush()
    settle(table, model)
    assert table.jump.isVisible()
    for _ in range(150):
        journal.append(Kind.TO_UI, "typing", payload=b"{}", client="9")
    model.flush()
    settle(table, model)
    assert not table.jump.isVisible()
    assert on_screen(table) == anew(table)


@pytest.mark.parametrize("height", [0, 1, 35, 60])
def test_there_may_be_no_room_for_a_line(
    height: int, journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    table.resize(900, height)
    append(journal, 5)
    model.flush()
    table.resize(900, 405)
    settle(table, model)
    assert not table.jump.isVisible()
    assert table.viewport().updatesEnabled()


def test_a_flush_that_fails_does_not_stop_the_painting(
    journal: Journal, model: EventLogModel, table: LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(journal, RING)
    model.flush()
    with monkeypatch.context() as patch:
        patch.setattr(model, "_fresh", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.flush()
    settle(table, model)
    paints = Paints(table)
    append(journal, 3)
    model.flush()
    settle(table, model)
    assert paints.lines == 3


def test_only_what_a_flush_brought_counts_as_its_painting(
    journal: Journal, model: EventLogModel, table: LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    monkeypatch.setattr(model, "on_painted", told.append)
    append(journal, RING)
    model.flush()
    settle(table, model)
    assert len(told) > 1  # band by band
    assert told == sorted(told)
    told.clear()
    for _ in range(3):
        table.viewport().update()
        settle(table, model)
    assert told == []


def test_lines_that_stay_in_sight_are_moved_and_not_painted_again(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, RING)
    model.flush()
    settle(table, model)
    paints = Paints(table)
    for _ in range(2):  # the second time nothing more has to be scrolled
        append(journal, 3)
        model.flush()
        settle(table, model)
    assert paints.lines == 6


def test_where_all_lines_are_new_they_are_painted_a_few_at_a_time(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, RING)
    model.flush()
    settle(table, model)
    paints = Paints(table)
    append(journal, 100)
    model.flush()
    settle(table, model)
    assert max(area.height() for area in paints.areas) <= BAND * ROW_HEIGHT
    assert sum(area.height() for area in paints.areas) == table.viewport().height()


class Unpainted(QWidget):
    """A viewport that notes what is to be painted, and paints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: list[QRect] = []

    def update(self, *area: QRect) -> None:  # type: ignore[override]
        self.requested += area


def test_the_next_lines_wait_until_the_ones_before_are_painted(show: Callable[[QWidget], None]) -> None:
    """On Windows, timers without an interval fire before paint events are delivered."""
    viewport = Unpainted()
    viewport.resize(100, 4 * BAND * ROW_HEIGHT)
    show(viewport)
    refresh = LogRefresh(viewport, ROW_HEIGHT)
    refresh.hold()
    refresh.release(None)
    for painted in range(1, 5):
        for _ in range(5):
            QGuiApplication.processEvents()
        assert len(viewport.requested) == painted
        refresh.painted()
    assert not refresh.busy
    assert sum(area.height() for area in viewport.requested) == viewport.height()


def test_what_comes_out_of_sight_costs_no_painting(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    append(journal, 100)
    model.flush()
    table.verticalScrollBar().setValue(50)
    append(journal, 1)
    model.flush()
    settle(table, model)
    assert table.jump.isVisible()
    paints = Paints(table)
    append(journal, 20)
    model.flush()
    settle(table, model)
    assert all(area.width() < table.viewport().width() / 4 for area in paints.areas)  # the button that counts them
