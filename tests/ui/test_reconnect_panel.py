"""The reconnect panel of the Clients room: the last verdict in a line, and a table of the attempts."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from app.hub.clients import Handshake
from app.observers.reconnects import ReconnectWatch
from app.protocol.constants import reconnect_delay_ms
from app.ui import theme
from app.ui.models.reconnects import Col, Line, ReconnectsModel
from app.ui.widgets.reconnect_panel import ReconnectPanel
from app.ui.window import CLIENTS, MainWindow
from tests.conftest import until
from tests.hub.doubles import RecordingTransport, Stage

PAGE = "http://localhost:1420"
CHROME = Handshake(PAGE, "Chrome/140")


class Watched:
    """The panel of a hub with a fake clock."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.watch = ReconnectWatch(self.stage.hub)
        self.panel = ReconnectPanel(self.watch)

    def join(self, agent: str = CHROME.user_agent) -> int:
        return self.stage.hub.join(RecordingTransport(), origin=PAGE, user_agent=agent).id

    def leave(self, client: int) -> None:
        found = self.stage.hub.client(client)
        assert found
        found.ending = found.ending._replace(by_client=False)
        self.stage.hub.leave(found)

    def refuse(self, number: int, late_s: float = 0.01) -> None:
        self.stage.time.passed += reconnect_delay_ms(number) / 1000 + late_s
        self.stage.hub.refused.emit(CHROME)

    def lines(self) -> list[list[str]]:
        self.panel.refresh(None)
        return [self.panel.line(row) for row in range(self.panel.model.rowCount())]


@pytest.fixture
def watched(qtbot: Any) -> Watched:
    watched = Watched()
    qtbot.addWidget(watched.panel)
    return watched


def test_the_panel_is_hidden_until_a_reconnect_is_expected(watched: Watched) -> None:
    client = watched.join()
    watched.panel.refresh(None)
    assert watched.panel.isHidden()
    watched.leave(client)
    watched.panel.refresh(None)
    assert not watched.panel.isHidden()
    assert watched.panel.verdict.text() == f"{PAGE} · Chromium: attempt 1 is expected after 3.0–3.5 s"


def test_the_table_lists_the_attempts_newest_first(watched: Watched, qtbot: Any) -> None:
    watched.leave(watched.join())
    watched.refuse(1)
    watched.refuse(2, late_s=1)
    watched.panel.show()
    assert watched.panel.table.isHidden()
    qtbot.mouseClick(watched.panel.toggle, Qt.MouseButton.LeftButton)
    assert watched.panel.toggle.text() == watched.panel.toggle.accessibleName() == "Hide attempts"
    lines = watched.lines()
    assert [line[Col.TIME] == "now" for line in lines] == [True, False, False]
    assert lines[1][Col.VERDICT].startswith("attempt 2 after 5.5 s (expected 4.5–5.0 s) ✗ too late")
    assert lines[2][Col.VERDICT] == "attempt 1 after 3.0 s (expected 3.0–3.5 s) ✓, refused"
    assert [line[Col.CLIENT] for line in lines] == ["–", "refused", "refused"]
    color = watched.panel.model.index(1, Col.VERDICT).data(Qt.ItemDataRole.ForegroundRole)
    assert color == QColor(theme.colors().error)
    assert watched.panel.model.index(2, Col.VERDICT).data(Qt.ItemDataRole.ForegroundRole) is None


def test_an_attempt_that_did_not_come_has_no_client(watched: Watched, qtbot: Any) -> None:
    closing = watched.join()
    watched.join()
    watched.leave(closing)
    watched.stage.time.passed += 100
    watched.panel.show()
    watched.panel.refresh(None)
    qtbot.mouseClick(watched.panel.toggle, Qt.MouseButton.LeftButton)
    (line,) = watched.lines()
    assert (line[Col.CLIENT], line[Col.VERDICT].partition(" ✗")[0]) == ("–", "did not reconnect")


def test_the_selected_attempt_stays_selected_when_another_comes(watched: Watched, qtbot: Any) -> None:
    watched.leave(watched.join())
    watched.refuse(1)
    watched.panel.show()
    qtbot.mouseClick(watched.panel.toggle, Qt.MouseButton.LeftButton)
    watched.panel.table.selectRow(1)
    chosen = watched.panel.line(1)
    watched.refuse(2)
    watched.lines()
    (index,) = watched.panel.table.selectionModel().selectedRows()
    assert watched.panel.line(index.row()) == chosen


def test_the_line_is_about_the_selected_client(watched: Watched) -> None:
    first = watched.join("Firefox/140")
    watched.leave(first)
    watched.stage.time.passed += 3.1
    first = watched.join("Firefox/140")
    watched.leave(watched.join())
    watched.panel.refresh(first)
    assert watched.panel.verdict.text().startswith(f"{PAGE} · Firefox: attempt 1 after 3.1 s")
    watched.panel.refresh(None)
    assert watched.panel.verdict.text().startswith(f"{PAGE} · Chromium: attempt 1 is expected")


def test_every_cell_has_a_name_and_its_whole_text_as_a_tooltip(watched: Watched, qtbot: Any) -> None:
    watched.leave(watched.join())
    watched.panel.show()
    qtbot.mouseClick(watched.panel.toggle, Qt.MouseButton.LeftButton)
    index = watched.panel.model.index(0, Col.VERDICT)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole).startswith("Reconnect: attempt 1")
    assert "attempt 1" in index.data(Qt.ItemDataRole.ToolTipRole)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "abc"), ("abc", ""), ("abc", "xabc"), ("abc", "abcx"), ("abc", "axc"), ("aaa", "aa"), ("aa", "aaaa")],
)
def test_the_model_changes_to_any_other_lines(before: str, after: str) -> None:
    def lines(texts: str) -> list[Line]:
        return [Line("12:00:00", PAGE, "1", text, bad=False) for text in texts]

    model = ReconnectsModel()
    model.show(lines(before))
    model.show(lines(after))
    assert "".join(model.index(row, Col.VERDICT).data() for row in range(model.rowCount())) == after


async def test_the_clients_room_shows_the_panel(window: MainWindow) -> None:
    window.open_room(CLIENTS)
    room = window.clients
    assert room.reconnects.isHidden()
    window.companion.hub.refused.emit(CHROME)
    window.companion.hub.refused.emit(CHROME)
    await until(lambda: room.reconnects.isVisible())
    assert room.reconnects.verdict.text().startswith(f"{PAGE} · Chromium: attempt 2 is expected")
