"""The log paints only new lines when rows are added and dropped, and the screen shows the current rows."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, QRect
from PySide6.QtGui import QGuiApplication, QImage, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.hub.clock import Clock
from app.hub.journal import Journal, Kind
from app.ui.models.event_log import EventLogModel, TimeStyle
from app.ui.widgets.log_refresh import BAND, LogRefresh
from app.ui.widgets.log_table import ROW_HEIGHT, SAMPLES, LogTable
from tests.conftest import LONG

pytestmark = pytest.mark.usefixtures("styled")

MAX_ROWS = 200


@pytest.fixture
def journal() -> Journal:
    """Return a journal whose rows are 0.137 s apart."""
    ticks = itertools.count()
    return Journal(Clock(wall=lambda: 0.137 * next(ticks), mono=lambda: 0.137 * next(ticks)), max_rows=MAX_ROWS)


@pytest.fixture
def model(journal: Journal, qapp: Any) -> Iterator[EventLogModel]:
    model = EventLogModel(journal)
    yield model
    model.close()


@pytest.fixture
def table(model: EventLogModel, show: Callable[[QWidget], None]) -> LogTable:
    table = LogTable(model)
    table.resize(900, 405)  # the last line is partly visible
    show(table)
    return table


@pytest.fixture
def own_screen(qapp: Any) -> None:
    if QGuiApplication.platformName() != "offscreen":
        pytest.skip("other programs may cover the window on a real screen")


class PaintRecorder(QObject):
    """Records which areas of a viewport are painted."""

    def __init__(self, table: LogTable) -> None:
        super().__init__()
        self.areas: list[QRect] = []
        table.viewport().installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Record the area of a paint event."""
        if isinstance(event, QPaintEvent):
            self.areas.append(event.rect())
        return False

    @property
    def lines(self) -> float:
        """The total height of the painted areas, in lines."""
        return sum(area.height() for area in self.areas) / ROW_HEIGHT


def append(journal: Journal, number: int) -> None:
    for _ in range(number):
        user = f"user{journal.last_seq}"
        payload = json.dumps({"event": "typing", "data": {"username": user, "typing": True}}).encode()
        journal.append(Kind.TO_UI, "typing", payload=payload, client=str(journal.last_seq % 7))


def process_all_events(table: LogTable, model: EventLogModel) -> None:
    """Process events until no search and no painting is pending."""
    for _ in range(3):
        QGuiApplication.processEvents()
        while model.searching or table._refresh.busy:
            QGuiApplication.processEvents()


def on_screen(table: LogTable) -> QImage:
    """Return the pixels on the screen, without painting again."""
    picture: QPixmap = table.screen().grabWindow(table.winId())
    return rgb_image(picture)


def repainted(table: LogTable) -> QImage:
    """Return a complete new painting of the table."""
    return rgb_image(table.grab())


def rgb_image(picture: QPixmap) -> QImage:
    return picture.toImage().convertToFormat(QImage.Format.Format_RGB32)


@pytest.mark.usefixtures("own_screen")
def test_the_frame_of_the_current_line_is_painted_completely(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, 5)
    model.flush()
    table.setFocus()
    process_all_events(table, model)
    for line in (1, 3):
        table.selectionModel().setCurrentIndex(model.index(line, 0), QItemSelectionModel.SelectionFlag.NoUpdate)
        process_all_events(table, model)
        assert on_screen(table) == repainted(table)


@pytest.mark.usefixtures("own_screen")
@pytest.mark.parametrize("seed", range(12 if LONG else 4))
def test_after_random_steps_the_screen_equals_a_complete_repaint(
    seed: int, journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    rng = random.Random(seed)
    append(journal, rng.choice([0, 5, MAX_ROWS]))
    model.flush()
    bar, horizontal_bar = table.verticalScrollBar(), table.horizontalScrollBar()

    def add_rows() -> None:
        append(journal, rng.choice([1, 1, 2, 5, 14, 16, 60, MAX_ROWS]))
        model.flush()

    def select_row() -> None:
        if model.rowCount():
            table.selectRow(rng.randrange(model.rowCount()))

    steps: list[Callable[[], object]] = [
        add_rows,
        add_rows,
        add_rows,
        add_rows,
        select_row,
        lambda: bar.setValue(rng.choice([0, rng.randint(0, bar.maximum())])),
        lambda: horizontal_bar.setValue(rng.choice([0, horizontal_bar.maximum()])),
        lambda: table.setColumnWidth(rng.choice(list(SAMPLES)), rng.randint(40, 200)),
        lambda: table.follow(True),
        lambda: model.set_filter(rng.choice(["", "", "client:3", "-client:3"])),
        lambda: model.set_time_style(rng.choice(list(TimeStyle))),
        lambda: model.set_frozen(rng.random() < 0.3),
        lambda: table.resize(rng.choice([400, 700, 900]), rng.choice([200, 405, 900])),
    ]
    for _ in range(40):
        for _ in range(rng.choice([1, 1, 2, 3])):  # several steps before Qt paints
            rng.choice(steps)()
        process_all_events(table, model)
        assert on_screen(table) == repainted(table)
        assert table.horizontalHeader().offset() == horizontal_bar.value()


@pytest.mark.usefixtures("own_screen")
@pytest.mark.parametrize("style", TimeStyle)
def test_lines_whose_time_changes_when_rows_are_dropped_are_repainted(
    style: TimeStyle, journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, MAX_ROWS)
    model.flush()
    model.set_time_style(style)
    table.verticalScrollBar().setValue(0)
    process_all_events(table, model)
    append(journal, 3)
    model.flush()
    process_all_events(table, model)
    assert on_screen(table) == repainted(table)


@pytest.mark.usefixtures("own_screen")
def test_scrolling_while_lines_are_repainted_in_bands_repaints_all_lines(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, MAX_ROWS)
    model.flush()
    model.set_time_style(TimeStyle.SINCE_START)
    model.set_filter("client:3")
    bar = table.verticalScrollBar()
    bar.setValue(5)
    process_all_events(table, model)
    for _ in range(20):  # no row is added, some are dropped, and the times of all others change
        journal.append(Kind.TO_UI, "typing", payload=b"{}", client="9")
    model.flush()
    bar.setValue(bar.value() + 2)
    process_all_events(table, model)
    assert on_screen(table) == repainted(table)


@pytest.mark.usefixtures("own_screen")
def test_the_jump_button_is_hidden_when_the_new_rows_are_dropped(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, MAX_ROWS)
    model.flush()
    model.set_filter("client:3")
    process_all_events(table, model)
    table.verticalScrollBar().setValue(2)
    append(journal, 7)
    model.flush()
    process_all_events(table, model)
    assert table.jump.isVisible()
    for _ in range(150):
        journal.append(Kind.TO_UI, "typing", payload=b"{}", client="9")
    model.flush()
    process_all_events(table, model)
    assert not table.jump.isVisible()
    assert on_screen(table) == repainted(table)


@pytest.mark.parametrize("height", [0, 1, 35, 60])
def test_a_table_without_space_for_a_line_works(
    height: int, journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    table.resize(900, height)
    append(journal, 5)
    model.flush()
    table.resize(900, 405)
    process_all_events(table, model)
    assert not table.jump.isVisible()
    assert table.viewport().updatesEnabled()


def test_a_failed_flush_does_not_stop_painting(
    journal: Journal, model: EventLogModel, table: LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(journal, MAX_ROWS)
    model.flush()
    with monkeypatch.context() as patch:
        patch.setattr(model, "_fresh", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.flush()
    process_all_events(table, model)
    paints = PaintRecorder(table)
    append(journal, 3)
    model.flush()
    process_all_events(table, model)
    assert paints.lines == 3


def test_on_painted_is_called_only_for_rows_of_a_flush(
    journal: Journal, model: EventLogModel, table: LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []
    monkeypatch.setattr(model, "on_painted", times.append)
    append(journal, MAX_ROWS)
    model.flush()
    process_all_events(table, model)
    assert len(times) > 1  # once for each band of lines
    assert times == sorted(times)
    times.clear()
    for _ in range(3):
        table.viewport().update()
        process_all_events(table, model)
    assert times == []


def test_lines_that_stay_visible_are_scrolled_and_not_repainted(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, MAX_ROWS)
    model.flush()
    process_all_events(table, model)
    paints = PaintRecorder(table)
    for _ in range(2):  # the second time, the view is already at the end
        append(journal, 3)
        model.flush()
        process_all_events(table, model)
    assert paints.lines == 6


def test_if_all_lines_are_new_they_are_painted_in_bands(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, MAX_ROWS)
    model.flush()
    process_all_events(table, model)
    paints = PaintRecorder(table)
    append(journal, 100)
    model.flush()
    process_all_events(table, model)
    assert max(area.height() for area in paints.areas) <= BAND * ROW_HEIGHT
    assert sum(area.height() for area in paints.areas) == table.viewport().height()


class Unpainted(QWidget):
    """A viewport that records the areas to paint, and paints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: list[QRect] = []

    @override
    def update(self, *area: QRect) -> None:  # type: ignore[override]
        self.requested += area


def test_the_next_band_is_requested_after_the_previous_one_is_painted(show: Callable[[QWidget], None]) -> None:
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


def test_rows_added_outside_of_the_visible_area_cause_no_painting(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, 100)
    model.flush()
    table.verticalScrollBar().setValue(50)
    append(journal, 1)
    model.flush()
    process_all_events(table, model)
    assert table.jump.isVisible()
    paints = PaintRecorder(table)
    append(journal, 20)
    model.flush()
    process_all_events(table, model)
    assert all(
        area.width() < table.viewport().width() / 4 for area in paints.areas
    )  # only the button with their number
