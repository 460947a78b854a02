"""The table of the log: it follows new rows at the bottom, and does not move when scrolled up."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QAccessible, QFontMetricsF, QImage
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.row_marks import Mark
from app.protocol.envelope import MAX_FRAME_BYTES
from app.ui import theme
from app.ui.models import event_log
from app.ui.models.event_log import Col, EventLogModel
from app.ui.models.log_text import Texts, texts
from app.ui.widgets import log_painter
from app.ui.widgets.kept_row import KeptRow
from app.ui.widgets.log_painter import PADDING
from app.ui.widgets.log_table import NARROW, OLD_CLIENT_WIDTH, LogTable

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
MAX_ROWS = 200


@pytest.fixture
def journal() -> Journal:
    return Journal(max_rows=MAX_ROWS)


@pytest.fixture
def model(journal: Journal, qapp: Any) -> Any:
    model = EventLogModel(journal)
    yield model
    model.close()


@pytest.fixture
def table(model: EventLogModel, show: Callable[[QWidget], None]) -> LogTable:
    table = LogTable(model)
    table.resize(1000, 400)
    show(table)
    return table


def append(journal: Journal, model: EventLogModel, number: int) -> None:
    for _ in range(number):
        journal.append(Kind.TO_UI, "typing", payload=b'{"event":"typing","data":{}}')
    model.flush()


def top(table: LogTable, model: EventLogModel) -> int:
    """Return the number of the row at the top."""
    return model.row(table.rowAt(0)).seq


def last_row_is_visible(table: LogTable, model: EventLogModel) -> bool:
    area = table.visualRect(model.index(model.rowCount() - 1, 0))
    return 0 < area.bottom() <= table.viewport().height()


def scroll(table: LogTable, to: int) -> None:
    table.verticalScrollBar().setValue(to)


def test_the_newest_row_stays_visible(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    for _ in range(6):
        append(journal, model, 30)
        assert table.following
        assert last_row_is_visible(table, model)
        assert not table.jump.isVisible()


def test_scrolling_up_stops_following_and_shows_the_number_of_new_rows(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    before = top(table, model)
    assert not table.following
    assert not table.jump.isVisible()
    append(journal, model, 3)
    assert top(table, model) == before
    assert table.jump.isVisible()
    assert table.jump.text() == "3 new ↓"
    append(journal, model, 4)
    assert table.jump.text() == "7 new ↓"
    assert top(table, model) == before


def test_scrolling_emits_following_changed(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    emitted: list[bool] = []
    table.following_changed.connect(emitted.append)
    append(journal, model, 100)
    scroll(table, 20)
    scroll(table, 10)
    scroll(table, table.verticalScrollBar().maximum())
    assert emitted == [False, True]


def test_home_and_end_change_following(journal: Journal, model: EventLogModel, table: LogTable, qtbot: Any) -> None:
    append(journal, model, 100)
    table.setFocus()
    table.selectRow(99)
    qtbot.keyClick(table, Qt.Key.Key_Home, CONTROL)
    assert not table.following
    qtbot.keyClick(table, Qt.Key.Key_End, CONTROL)
    assert table.following


def test_the_jump_button_resumes_following(
    journal: Journal, model: EventLogModel, table: LogTable, qtbot: Any
) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    append(journal, model, 5)
    qtbot.mouseClick(table.jump, LEFT)
    assert table.following
    assert not table.jump.isVisible()
    assert last_row_is_visible(table, model)
    append(journal, model, 5)
    assert last_row_is_visible(table, model)


def test_scrolling_to_the_end_resumes_following(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    append(journal, model, 5)
    scroll(table, table.verticalScrollBar().maximum())
    assert table.following
    assert not table.jump.isVisible()
    scroll(table, 20)
    append(journal, model, 2)
    assert table.jump.text() == "2 new ↓"


def test_the_visible_rows_do_not_move_when_old_rows_are_dropped(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, MAX_ROWS)
    scroll(table, 120)
    before = top(table, model)
    append(journal, model, 50)
    assert model.row(0).seq == 51
    assert top(table, model) == before
    assert not table.following


def test_following_continues_when_old_rows_are_dropped(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, MAX_ROWS)
    for _ in range(5):
        append(journal, model, 30)
        assert table.following
        assert last_row_is_visible(table, model)


def test_the_selection_stays_on_its_row_when_rows_are_added_and_dropped(
    journal: Journal, model: EventLogModel, table: LogTable, qtbot: Any
) -> None:
    append(journal, model, MAX_ROWS)
    scroll(table, 150)
    position = table.visualRect(model.index(155, Col.SUMMARY)).center()
    qtbot.mouseClick(table.viewport(), LEFT, pos=QPoint(position))

    def selected() -> list[int]:
        return [model.row(index.row()).seq for index in table.selectionModel().selectedRows()]

    assert selected() == [156]
    append(journal, model, 20)
    assert selected() == [156]
    append(journal, model, 100)
    assert selected() == [156]
    assert model.row(table.currentIndex().row()).seq == 156


def test_dropping_the_selected_row_clears_the_selection(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, MAX_ROWS)
    table.selectRow(3)
    append(journal, model, 10)
    assert table.selectionModel().selectedRows() == []
    assert not table.currentIndex().isValid()


class CountingModel(EventLogModel):
    """Counts how often Qt asks for the number of columns, which it does for each row that it looks at."""

    asked = 0

    @override
    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        self.asked += 1
        return super().columnCount(parent)


def test_the_header_does_not_look_at_the_selected_rows(
    journal: Journal, qapp: Any, show: Callable[[QWidget], None]
) -> None:
    """Regression: with all rows of a full log selected, each painting of the header took seconds."""
    model = CountingModel(journal)
    table = LogTable(model)
    show(table)
    append(journal, model, MAX_ROWS)
    table.selectAll()
    before = model.asked
    table.horizontalHeader().viewport().grab()
    assert model.asked - before < MAX_ROWS
    assert table.selected_count == MAX_ROWS
    model.close()


def test_setting_a_filter_resumes_following(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    model.set_filter("event:typing")
    assert table.following
    assert last_row_is_visible(table, model)


def test_rows_added_while_the_table_is_hidden_are_counted_as_new(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    table.hide()
    append(journal, model, 5)
    table.show()
    assert table.jump.isVisible()
    assert table.jump.text() == "5 new ↓"


def test_the_jump_button_stays_inside_when_the_table_shrinks(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    append(journal, model, 5)
    table.resize(600, 200)
    table.grab()
    assert table.rect().contains(table.jump.geometry())


def test_a_following_table_keeps_the_newest_row_visible_when_it_shrinks(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 100)
    table.resize(1000, 200)
    table.grab()
    assert table.following
    assert last_row_is_visible(table, model)
    append(journal, model, 1)
    assert last_row_is_visible(table, model)


def test_a_table_that_does_not_follow_keeps_its_first_row_when_it_shrinks(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 100)
    scroll(table, 20)
    before = top(table, model)
    table.resize(1000, 200)
    table.grab()
    assert not table.following
    assert top(table, model) == before


def test_the_selected_row_stays_visible_when_the_details_are_shown(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 100)
    line = table.rowAt(0) + 2
    table.selectRow(line)
    table.show_selection_after_resize()
    table.resize(1000, 200)
    table.grab()
    assert table.viewport().rect().contains(table.visualRect(model.index(line, Col.TIME)))
    assert not table.following


def test_a_saved_layout_with_the_old_width_of_a_column_gets_the_new_one(
    model: EventLogModel, show: Callable[[QWidget], None]
) -> None:
    table = LogTable(model)
    table.setColumnWidth(Col.CLIENT, OLD_CLIENT_WIDTH)
    table.setColumnWidth(Col.EVENT, 200)
    show(table)
    assert table.columnWidth(Col.CLIENT) == table.usual_width(Col.CLIENT)
    assert table.columnWidth(Col.EVENT) == 200


@pytest.mark.parametrize("client", ["all", "user:bob", "client:12"])
def test_common_clients_are_not_truncated(
    journal: Journal, model: EventLogModel, table: LogTable, client: str
) -> None:
    journal.append(
        Kind.TO_UI, "typing", client=client, user="alice" if client == "client:12" else "", payload=b"{}"
    )
    model.flush()
    shown = model.data(model.index(0, Col.CLIENT), Qt.ItemDataRole.DisplayRole)
    table._painter.restyle(table.font())
    assert table._painter._fitted(False, table.columnWidth(Col.CLIENT) - 2 * PADDING, shown) == shown


@pytest.mark.parametrize("column", [Col.CLIENT, Col.SUMMARY, Col.RESULT])
def test_a_cell_has_a_tooltip_with_its_full_text(
    journal: Journal, model: EventLogModel, table: LogTable, column: Col
) -> None:
    name = "a-very-long-name" * 10
    frame = json.dumps({"event": "typing", "data": {"username": name, "typing": True}}).encode()
    journal.append(Kind.TO_UI, "typing", client=f"user:{name}", payload=frame, note=f"no client acts as {name}")
    model.flush()
    assert name in model.data(model.index(0, column), Qt.ItemDataRole.ToolTipRole)


def test_the_visible_rows_do_not_move_when_a_filter_finds_older_rows(
    table: LogTable, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "SLICE_S", 0.0)
    monkeypatch.setattr(event_log, "SHOW_S", 0.0)
    large_journal = Journal()
    model = EventLogModel(large_journal)
    large_table = LogTable(model)
    large_table.resize(1000, 400)
    large_table.show()
    qtbot.addWidget(large_table)
    append(large_journal, model, 5_000)
    model.set_filter("event:typing")
    assert model.searching
    scroll(large_table, 20)
    before = top(large_table, model)
    qtbot.waitUntil(lambda: not model.searching)
    assert model.rowCount() == 5_000
    assert top(large_table, model) == before
    assert not large_table.following
    model.close()


def pixels(table: LogTable, line: int, column: Col) -> set[str]:
    """Return the colours in a cell."""
    area = table.visualRect(table.model().index(line, column))
    image = table.viewport().grab(area).toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_cells_are_painted_in_the_colours_of_the_theme(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    journal.append(Kind.TO_UI, "typing", payload=b"{}")
    journal.append(Kind.FROM_UI, "typing", payload=b"{nope", verdict=Verdict.INVALID, note="not JSON")
    journal.append(Kind.SERVER, "connected", verdict=Verdict.WARNING)
    model.flush()
    scheme = theme.colors()
    for line, column, color in (
        (0, Col.DIRECTION, scheme.accent),
        (0, Col.TIME, scheme.muted),
        (0, Col.EVENT, scheme.text),
        (1, Col.DIRECTION, scheme.ok),
        (1, Col.EVENT, scheme.error),
        (1, Col.RESULT, scheme.error),
        (2, Col.RESULT, scheme.warning),
        (2, Col.DIRECTION, scheme.muted),
    ):
        colors = pixels(table, line, column)
        assert color in colors, (line, column)
        assert scheme.surface in colors
    assert pixels(table, 0, Col.CLIENT) == {scheme.surface}


def test_the_selected_line_is_highlighted(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    append(journal, model, 3)
    table.selectRow(1)
    soft = theme.colors().accent_soft
    assert [soft in pixels(table, line, Col.SUMMARY) for line in range(3)] == [False, True, False]
    assert theme.colors().accent not in pixels(table, 1, Col.DIRECTION)


def test_all_selected_lines_are_highlighted_and_errors_stay_red(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 3)
    journal.append(Kind.FROM_UI, "typing", payload=b"{}", verdict=Verdict.INVALID, note="not JSON")
    journal.append(Kind.TO_UI, "typing", payload=b"{}", verdict=Verdict.WARNING, note="not delivered")
    model.flush()
    scheme = theme.colors()
    table.selectAll()
    assert table.selected_count == 5
    assert all(scheme.accent_soft in pixels(table, line, Col.SUMMARY) for line in range(5))
    for column in (Col.EVENT, Col.RESULT):
        assert scheme.error in pixels(table, 3, column)
    assert scheme.warning in pixels(table, 4, Col.RESULT)
    assert scheme.muted not in pixels(table, 0, Col.TIME)


def test_the_current_line_has_a_frame_if_it_is_not_selected(
    journal: Journal, model: EventLogModel, table: LogTable, qtbot: Any
) -> None:
    append(journal, model, 3)
    table.activateWindow()
    table.setFocus()
    qtbot.waitUntil(table.hasFocus)
    table.selectRow(0)
    qtbot.keyClick(table, Qt.Key.Key_Down, CONTROL)
    assert table.selected_seqs == [1]
    assert theme.colors().accent in pixels(table, 1, Col.SUMMARY)
    qtbot.keyClick(table, Qt.Key.Key_Space, CONTROL)
    assert table.selected_seqs == [1, 2]


def test_a_pin_and_an_annotation_are_painted_immediately(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 2)
    surface = {theme.colors().surface}
    assert pixels(table, 1, Col.SUMMARY) == surface
    journal.mark(2, pinned=True)
    pinned = pixels_of_line(table, 1)
    assert pixels(table, 1, Col.SUMMARY) > surface
    journal.mark(2, annotation="a note")
    assert pixels_of_line(table, 1) != pinned
    journal.mark(2, pinned=False, annotation="")
    assert pixels(table, 1, Col.SUMMARY) == surface


def test_a_pin_that_changes_while_its_row_is_hidden_is_painted(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    """Regression: the texts of a row were formatted again only if the row was shown when its mark changed."""
    append(journal, model, 3)
    plain = pixels_of_line(table, 1)
    journal.mark(2, pinned=True)
    assert pixels_of_line(table, 1) != plain
    model.set_filter("is:pinned")
    journal.mark(2, pinned=False)
    assert model.rowCount() == 0
    model.set_filter("")
    assert pixels_of_line(table, 1) == plain


def test_the_selected_row_is_selected_again_while_shift_is_held(
    journal: Journal, model: EventLogModel, table: LogTable, qtbot: Any
) -> None:
    """Regression: a filter with capitals or a colon was applied while Shift was held, and nothing was selected."""
    append(journal, model, 20)
    KeptRow(table, model)
    table.selectRow(11)
    qtbot.keyPress(table, Qt.Key.Key_Shift, Qt.KeyboardModifier.ShiftModifier)
    model.set_filter("event:typing")
    assert table.selected_seqs == [12]
    qtbot.keyRelease(table, Qt.Key.Key_Shift)


def test_the_visible_rows_do_not_move_when_another_one_is_pinned_or_unpinned(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 150)
    for seq in range(1, 151, 2):
        journal.mark(seq, pinned=True)
    model.set_filter("is:pinned")
    scroll(table, 20)
    before = top(table, model)
    for seq, pinned in ((before + 8, False), (3, False), (4, True), (6, True), (before + 3, True)):
        journal.mark(seq, pinned=pinned)
        assert top(table, model) == before, seq


def pixels_of_line(table: LogTable, line: int) -> QImage:
    return table.viewport().grab(table.visualRect(table.model().index(line, Col.SUMMARY))).toImage()


def test_a_changed_theme_is_painted_immediately(
    journal: Journal, model: EventLogModel, table: LogTable, qapp: Any
) -> None:
    append(journal, model, 1)
    assert theme.LIGHT.accent in pixels(table, 0, Col.DIRECTION)
    theme.apply(qapp, "dark")
    try:
        assert theme.DARK.accent in pixels(table, 0, Col.DIRECTION)
    finally:
        theme.apply(qapp, "light")


@pytest.mark.parametrize(
    "text", ["a target with a very long name", "W" * 30, "i" * 60, "fi fl AV To " * 5, "🎉é" * 20]
)
def test_a_text_too_long_for_its_cell_is_truncated(
    journal: Journal, model: EventLogModel, table: LogTable, text: str
) -> None:
    journal.append(Kind.TO_UI, "typing", client=text, payload=b"{}")
    model.flush()
    area = table.visualRect(model.index(0, Col.CLIENT))
    edge = table.viewport().grab(area.adjusted(area.width() - PADDING + 1, 0, 0, 0)).toImage()
    end = table.viewport().grab(area.adjusted(area.width() - 3 * PADDING, 0, -PADDING, 0)).toImage()

    def colors(image: QImage) -> set[str]:
        return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}

    assert colors(edge) == {theme.colors().surface}
    assert len(colors(end)) > 1


@pytest.mark.parametrize(
    "text", ["short", "A longer one that is cut → somewhere · here", "Ünïcödé: ÿ as well, and more of it"]
)
def test_a_text_is_truncated_where_qt_would_truncate_it(model: EventLogModel, table: LogTable, text: str) -> None:
    metrics = QFontMetricsF(table.font())
    for width in range(30, 300, 7):
        table._painter.restyle(table.font())
        cut = table._painter._fitted(False, width, text)
        expected = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
        assert abs(len(cut) - len(expected)) <= 1
        assert metrics.horizontalAdvance(cut) <= width + 1


def test_stacked_combining_marks_do_not_cover_other_rows(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    append(journal, model, 8)
    above = table.visualRect(model.index(0, 0)).united(table.visualRect(model.index(6, len(Col) - 1)))

    def image_above() -> QImage:
        return table.viewport().grab().toImage().copy(above)

    before = image_above()
    stacked = "a\u0301" * 20 + "\u0300" * 500
    frame = json.dumps({"event": "typing", "data": {"to": stacked, "typing": True}}, ensure_ascii=False).encode()
    journal.append(Kind.FROM_UI, "typing", payload=frame, client="1", note=stacked)
    model.flush()
    assert model.rowCount() == 9
    assert image_above() == before


def test_home_and_end_select_the_first_and_the_last_row(
    journal: Journal, model: EventLogModel, table: LogTable, qtbot: Any
) -> None:
    append(journal, model, 100)
    qtbot.keyClick(table, Qt.Key.Key_Home)
    assert (table.currentIndex().row(), top(table, model)) == (0, 1)
    assert not table.following
    qtbot.keyClick(table, Qt.Key.Key_End)
    assert table.currentIndex().row() == 99
    assert table.following


def test_the_size_column_is_wide_enough_for_the_largest_frame(table: LogTable) -> None:
    needed = QFontMetricsF(theme.mono()).horizontalAdvance(f"{MAX_FRAME_BYTES:,} B") + 2 * PADDING
    assert table.columnWidth(Col.SIZE) >= needed


def test_only_visible_rows_are_formatted(
    journal: Journal, model: EventLogModel, table: LogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted: list[int] = []

    def texts_and_record(row: Row, mark: Mark) -> Texts:
        formatted.append(row.seq)
        return texts(row, mark)

    monkeypatch.setattr(log_painter, "texts", texts_and_record)
    append(journal, model, MAX_ROWS)
    table.viewport().repaint()
    assert 10 < len(formatted) < 20
    assert min(formatted) > MAX_ROWS - 20


def test_a_table_that_becomes_high_enough_for_all_rows_follows_again(
    journal: Journal, model: EventLogModel, table: LogTable
) -> None:
    table.resize(1000, 120)
    append(journal, model, 10)
    scroll(table, 0)
    assert not table.following
    table.resize(1000, 600)
    assert table.following
    append(journal, model, 1)
    assert not table.jump.isVisible()


@pytest.mark.parametrize(("width", "shown"), [(NARROW, True), (NARROW - 1, False)])
def test_a_narrow_table_hides_the_sizes(
    journal: Journal,
    model: EventLogModel,
    table: LogTable,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    shown: bool,
) -> None:
    journal.append(Kind.TO_UI, "typing", client="all", payload=b'{"event":"typing"}', note="delivered to 2 clients")
    model.flush()
    table.resize(width, 300)
    assert table.isColumnHidden(Col.SIZE) is not shown
    assert table.horizontalHeader().length() <= table.viewport().width()
    size = model.data(model.index(0, Col.SIZE), Qt.ItemDataRole.DisplayRole)
    painted: list[str] = []
    fitted = table._painter._fitted

    def fitted_and_record(mono: bool, width: int, text: str) -> str:
        painted.append(text)
        return fitted(mono, width, text)

    monkeypatch.setattr(table._painter, "_fitted", fitted_and_record)
    table._painter.restyle(table.font())
    table.grab()
    assert (size in painted) is shown
    assert "delivered to 2 clients" in painted


def test_results_of_a_small_window_are_not_cut(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    table.resize(820, 300)  # in a window of 1000 pixels, with a scroll bar
    text = "delivered to 2 clients"
    table._painter.restyle(table.font())
    assert table._painter._fitted(False, table.columnWidth(Col.RESULT) - 2 * PADDING, text) == text


def test_summary_and_result_share_the_remaining_width(table: LogTable) -> None:
    def widths() -> list[int]:
        return [table.columnWidth(column) for column in Col]

    assert sum(widths()) == table.viewport().width()
    table.setColumnWidth(Col.EVENT, 300)
    assert sum(widths()) == table.viewport().width()
    assert widths()[Col.EVENT] == 300
    table.resize(800, 400)
    assert sum(widths()) == table.viewport().width()
    assert widths()[Col.SUMMARY] == pytest.approx(11 / 9 * widths()[Col.RESULT], abs=2)
    table.resize(1200, 400)
    assert widths()[Col.SUMMARY] == pytest.approx(1.5 * widths()[Col.RESULT], abs=2)


def test_the_lines_have_accessible_texts(journal: Journal, model: EventLogModel, table: LogTable) -> None:
    append(journal, model, 3)
    reader = QAccessible.queryAccessibleInterface(table)
    names = [reader.child(number).text(QAccessible.Text.Name) for number in range(reader.childCount())]
    assert names.count("Event: typing") == 3
    assert names.count("Direction: To UI ↓") == 3


def test_a_hundred_thousand_rows_can_be_added_at_once(model: EventLogModel, table: LogTable) -> None:
    large_journal = Journal()
    large_model = EventLogModel(large_journal)
    table.setModel(large_model)
    append(large_journal, large_model, 100_000)
    assert large_model.rowCount() == 100_000
    assert theme.colors().accent in pixels(table, 0, Col.DIRECTION)
    table.setModel(model)
    large_model.close()
