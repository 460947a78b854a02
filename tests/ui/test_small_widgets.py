"""Banner, sparkline, status line, details, empty states and JSON panes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QFont, QStandardItemModel
from PySide6.QtWidgets import QApplication, QPushButton, QTableView, QWidget

from app.companion import Companion
from app.hub.journal import Journal, Kind, Verdict
from app.hub.origin import PANEL, PEERS
from app.protocol.catalog import built_in
from app.protocol.envelope import MAX_FRAME_BYTES
from app.ui import theme
from app.ui.theme import DARK, LIGHT
from app.ui.widgets.banner import Banner
from app.ui.widgets.details import Details, pretty
from app.ui.widgets.eliding_box import ElidingBox
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.selection import show_model
from app.ui.widgets.sparkline import SECONDS, Sparkline
from app.ui.widgets.status import StatusBar, status_line
from tests.conftest import Connect, until

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton
Show = Callable[[QWidget], None]

# banner


def test_a_banner_is_hidden_until_it_has_a_notice(show: Show, qtbot: Any) -> None:
    frame = QWidget()
    banner = Banner()
    banner.setParent(frame)
    show(frame)
    assert not banner.isVisible()
    banner.show_notice("Port 8081 is busy.")
    assert banner.isVisible()
    assert banner.text.text() == "Port 8081 is busy."
    assert [button.text() for button in banner.buttons] == ["Dismiss"]
    qtbot.mouseClick(banner.buttons[0], LEFT)
    assert not banner.isVisible()


def test_a_banner_has_buttons_that_run_their_actions(show: Show, qtbot: Any) -> None:
    banner = Banner()
    show(banner)
    done: list[str] = []
    banner.show_notice(
        "Busy", (("Retry", lambda: done.append("retry")), ("Settings", lambda: done.append("settings")))
    )
    assert [button.text() for button in banner.buttons] == ["Retry", "Settings", "Dismiss"]
    assert [button.accessibleName() for button in banner.buttons] == ["Retry", "Settings", "Dismiss"]
    qtbot.mouseClick(banner.buttons[1], LEFT)
    qtbot.mouseClick(banner.buttons[0], LEFT)
    assert done == ["settings", "retry"]


def test_a_notice_replaces_the_previous_one_of_its_topic(show: Show) -> None:
    banner = Banner()
    show(banner)
    banner.show_notice("Busy", (("Retry", lambda: None),))
    banner.show_notice("Saved")
    assert banner.text.text() == "Saved"
    assert [button.text() for button in banner.buttons] == ["Dismiss"]


def test_notices_of_several_topics_are_shown_until_they_are_removed(show: Show) -> None:
    banner = Banner()
    show(banner)
    banner.show_notice("Busy", (("Retry", lambda: None),), topic="port")
    banner.show_notice("Saved")
    assert banner.text.text() == "Busy\nSaved"
    assert [button.text() for button in banner.buttons] == ["Retry", "Dismiss"]
    banner.remove_notice("port")
    banner.remove_notice("rest")
    assert banner.text.text() == "Saved"
    assert [button.text() for button in banner.buttons] == ["Dismiss"]
    banner.remove_notice()
    assert not banner.isVisible()


def test_dismissing_a_banner_dismisses_every_topic(show: Show, qtbot: Any) -> None:
    banner = Banner()
    show(banner)
    banner.show_notice("Busy", topic="port")
    banner.show_notice("Saved")
    qtbot.mouseClick(banner.buttons[-1], LEFT)
    assert not banner.isVisible()
    banner.show_notice("Busy", topic="port")
    assert banner.text.text() == "Busy"


def test_a_button_of_a_banner_can_show_another_notice(show: Show, qtbot: Any) -> None:
    banner = Banner()
    show(banner)
    banner.show_notice("Busy", (("Retry", lambda: banner.show_notice("Still busy", (("Retry", lambda: None),))),))
    qtbot.mouseClick(banner.buttons[0], LEFT)
    assert banner.text.text() == "Still busy"
    assert banner.isVisible()


# sparkline


def test_a_sparkline_counts_rows_per_tick(show: Show) -> None:
    journal = Journal()
    journal.append(Kind.SERVER, "before")
    line = Sparkline(journal)
    show(line)
    for number in (3, 0, 12):
        for _ in range(number):
            journal.append(Kind.SERVER, "x")
        line.tick()
    assert list(line.rates)[-4:] == [0, 3, 0, 12]
    assert len(line.rates) == SECONDS
    assert line.accessibleDescription() == "12 rows/s, maximum 12 in the last 30 s"
    line.grab()


def test_a_sparkline_discards_rates_older_than_its_range(qapp: Any) -> None:
    journal = Journal()
    line = Sparkline(journal)
    for _ in range(5):
        journal.append(Kind.SERVER, "x")
    for _ in range(SECONDS + 1):
        line.tick()
    assert set(line.rates) == {0}


# selection


def test_removing_the_current_row_keeps_the_other_selected_rows(show: Show) -> None:
    view, model = QTableView(), QStandardItemModel(6, 1)
    view.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
    show_model(view, model)
    show(view)
    flags = QItemSelectionModel.SelectionFlag
    for row in (5, 4, 0):
        view.selectionModel().setCurrentIndex(model.index(row, 0), flags.Select)
    for expected in ([3, 4], [2, 3]):
        model.removeRow(0)
        assert sorted(index.row() for index in view.selectedIndexes()) == expected
    view.selectionModel().setCurrentIndex(model.index(1, 0), flags.ClearAndSelect)
    model.removeRow(1)
    assert view.selectedIndexes() == []
    assert not view.currentIndex().isValid()


# status


async def test_the_status_bar_shows_state_address_and_client_count(
    companion: Companion, connect_client: Connect, show: Show, qtbot: Any
) -> None:
    bar = StatusBar(companion)
    show(bar)
    address = f"127.0.0.1:{companion.server.port}"
    assert bar.state.text() == f"● Listening · {address} · 0 clients"
    await connect_client()
    assert bar.state.text() == f"● Listening · {address} · 1 client"
    assert bar.state.property("tone") == "ok"
    qtbot.mouseClick(bar.pause, LEFT)
    assert companion.hub.paused
    assert bar.state.text() == f"● Paused · {address} · 1 client"
    assert bar.pause.text() == "Resume sending"
    qtbot.mouseClick(bar.pause, LEFT)
    assert bar.pause.text() == "Pause sending"
    bar.show_message("Copied")
    assert bar.message.text() == "Copied"
    bar.show_message("Copied " * 100)
    assert bar.message.toolTip()
    bar._expiry.timeout.emit()
    assert (bar.message.text(), bar.message.toolTip()) == ("", "")
    bar.close_down()


async def test_the_server_is_stopped_and_started_from_the_status_bar(
    companion: Companion, show: Show, qtbot: Any
) -> None:
    bar = StatusBar(companion)
    show(bar)
    qtbot.mouseClick(bar.power, LEFT)
    await until(lambda: not companion.server.listening)
    await until(lambda: bar.power.text() == "Start server")
    assert bar.state.text().startswith("● Stopped")
    assert not bar.pause.isEnabled()
    qtbot.mouseClick(bar.power, LEFT)
    await until(lambda: bar.power.text() == "Stop server")
    assert companion.server.listening
    bar.close_down()


def test_the_status_line_shows_a_busy_port(stopped_companion: Companion) -> None:
    stopped_companion.services["events"].error = "Port 8081 is busy."
    assert status_line(stopped_companion) == "Port busy · 127.0.0.1, any free port"


async def test_the_status_line_of_a_stopped_server_shows_the_port_that_it_will_use(companion: Companion) -> None:
    port = companion.server.port
    await companion.stop()
    assert status_line(companion) == f"Stopped · 127.0.0.1:{port}"
    await companion.start()
    assert companion.server.port == port


# details


@pytest.fixture
def details(show: Show) -> Details:
    frame = QWidget()
    details = Details(built_in())
    details.setParent(frame)
    show(frame)
    return details


def shown(details: Details, view: JsonView) -> str:
    details.tabs.setCurrentWidget(view)
    return view.toPlainText()


def test_the_details_show_a_row_formatted_raw_and_with_its_schema(details: Details) -> None:
    payload = '{"event":"friend_online","data":{"username":"älice"}}'
    row = Journal().append(
        Kind.TO_UI, "friend_online", payload=payload.encode(), client="all", origin=PANEL, note="delivered"
    )
    details.show_row(row)
    assert details.isVisible()
    assert details.header.title.text() == "friend_online · To UI ↓"
    facts = [part.strip() for part in details.header.facts.text().split("·")]
    assert [facts[0], *facts[2:]] == [
        "#1", "to everyone", "source: the window", f"{len(payload.encode())} B", "delivered",
    ]  # fmt: skip
    assert shown(details, details.raw) == payload
    assert shown(details, details.pretty) == json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    schema = json.loads(shown(details, details.schema))
    assert schema["description"] == "A friend came online."
    assert list(schema["properties"]) == ["username"]


def test_the_details_show_the_schema_for_the_direction_of_the_row(details: Details) -> None:
    journal = Journal()
    details.show_row(journal.append(Kind.TO_UI, "typing", payload=b"{}"))
    assert set(json.loads(shown(details, details.schema))["properties"]) == {"username", "typing"}
    details.show_row(journal.append(Kind.FROM_UI, "typing", payload=b"{}", client="2"))
    assert set(json.loads(shown(details, details.schema))["properties"]) == {"to", "typing"}
    assert "client 2" in details.header.facts.text()


def test_an_event_that_a_peer_caused_has_no_views_of_an_envelope(details: Details) -> None:
    details.show_row(Journal().append(Kind.TO_UI, "typing", payload=b"{}", origin=PEERS))
    assert not details.tabs.isTabVisible(details.tabs.indexOf(details.opened))
    assert not details.tabs.isTabVisible(details.tabs.indexOf(details.sealed))


def test_the_details_show_invalid_json_unchanged(details: Details) -> None:
    row = Journal().append(
        Kind.FROM_UI, "nonsense", payload=b'{"event": nonsense', verdict=Verdict.INVALID, note="not JSON"
    )
    details.show_row(row)
    assert shown(details, details.pretty) == shown(details, details.raw) == '{"event": nonsense'
    assert shown(details, details.schema) == "Event 'nonsense' is not defined in this direction"
    assert "not JSON" in details.header.facts.text()


def test_pretty_and_the_parts_of_an_envelope_only_indent_the_json(details: Details) -> None:
    frame = '{"n":[1e400,12345678901234567.0,1.10],"s":"\\ud800\\u0041","n":NaN,"empty":{}}'
    indented = (
        '{\n  "n": [\n    1e400,\n    12345678901234567.0,\n    1.10\n  ],\n  "s": "\\ud800\\u0041",\n'
        '  "n": NaN,\n  "empty": {}\n}'
    )
    assert pretty(frame) == indented
    payload = '{"sealed":{"n":1.10,"n":1e400},"opened":{"text":"\\u0041"}}'
    details.show_row(Journal().append(Kind.SERVER, "peer received", payload=payload.encode(), origin=PEERS))
    assert shown(details, details.sealed) == '{\n  "n": 1.10,\n  "n": 1e400\n}'
    assert shown(details, details.opened) == '{\n  "text": "\\u0041"\n}'


@pytest.mark.parametrize("payload", [b"\xff\xfe\x00", b"[" * 60_000, b'{"a": NaN}', b'{"a": "\\ud800"}'])
def test_the_details_show_any_payload(details: Details, payload: bytes) -> None:
    details.show_row(Journal().append(Kind.FROM_UI, "", payload=payload, verdict=Verdict.INVALID, note="bad"))
    assert details.isVisible()
    assert shown(details, details.raw)


def test_the_details_of_a_server_row_have_no_schema(details: Details) -> None:
    details.show_row(Journal().append(Kind.SERVER, "connected", client="1", note="acts as me"))
    assert shown(details, details.schema) == ""
    assert details.facts.note.text() == "acts as me"


@pytest.mark.usefixtures("styled")
def test_a_long_note_of_a_server_row_scrolls(details: Details, qtbot: Any) -> None:
    details.resize(600, 150)
    facts, bar = details.facts, details.facts.verticalScrollBar()
    details.show_row(Journal().append(Kind.SERVER, "mark", note="the chat was opened " * 25))
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    qtbot.waitUntil(lambda: facts.note.height() >= facts.note.heightForWidth(facts.note.width()))
    assert "the chat" not in details.header.facts.text(), "it is shown once"
    facts.setFocus()
    qtbot.keyClick(facts, Qt.Key.Key_Down)
    assert bar.value() > 0
    details.show_row(Journal().append(Kind.SERVER, "mark", note="short"))
    qtbot.waitUntil(lambda: bar.maximum() == 0)
    assert facts.focusPolicy() is Qt.FocusPolicy.NoFocus


def test_the_details_are_hidden_without_a_row_and_by_close(details: Details, qtbot: Any) -> None:
    row = Journal().append(Kind.SERVER, "connected")
    details.show_row(row)
    details.show_row(None)
    assert not details.isVisible()
    details.show_row(row)
    closed: list[bool] = []
    details.closed.connect(lambda: closed.append(True))
    close = details.header.close_button
    qtbot.mouseClick(close, LEFT)
    assert not details.isVisible()
    assert closed == [True]


# JSON panes


def highlights(view: JsonView) -> dict[str, str]:
    """Return the colour of each highlighted part of the first line."""
    block = view.document().firstBlock()
    return {
        block.text()[each.start : each.start + each.length]: each.format.foreground().color().name()
        for each in block.layout().formats()
    }


def test_json_is_coloured_by_type(show: Show) -> None:
    view = JsonView("Event")
    show(view)
    view.setPlainText('{"key": "text \\" quoted", "n": -1.5e3, "on": true, "off": null}')
    assert highlights(view) == {
        '"key"': LIGHT.accent, '"text \\" quoted"': LIGHT.ok, '"n"': LIGHT.accent, "-1.5e3": LIGHT.warning,
        '"on"': LIGHT.accent, "true": LIGHT.warning, '"off"': LIGHT.accent, "null": LIGHT.warning,
    }  # fmt: skip


def test_colours_change_with_the_theme(show: Show, qapp: QApplication) -> None:
    view = JsonView("Event")
    show(view)
    view.setPlainText('{"key": "text"}')
    theme.apply(qapp, "dark")
    try:
        view.highlighter.recolor()
        assert highlights(view) == {'"key"': DARK.accent, '"text"': DARK.ok}
    finally:
        theme.apply(qapp, "light")


@pytest.mark.parametrize("repeated", ['"', "x", '\\"', "\\", "[", "1", "-", '"a": 1, '])
def test_highlighting_of_a_very_long_line_is_limited(repeated: str, show: Show) -> None:
    line = f'{{"text": "{repeated * (MAX_FRAME_BYTES // len(repeated))}'
    view = JsonView("Raw")
    show(view)
    view.setPlainText(line)
    assert len(view.toPlainText()) == len(line)
    assert all(each.start < 20_000 for each in view.document().firstBlock().layout().formats())


def test_a_json_view_is_monospaced_and_the_tab_key_leaves_it(show: Show) -> None:
    view = JsonView("Event")
    show(view)
    assert view.font().styleHint() is QFont.StyleHint.Monospace
    assert view.tabChangesFocus()
    assert view.accessibleName() == "Event"


# empty states


def test_the_button_of_an_empty_state_runs_its_action(show: Show, qtbot: Any) -> None:
    done: list[bool] = []
    empty = EmptyState("clients", "No client is connected", ("Copy URL", lambda: done.append(True)))
    show(empty)
    assert empty.title.text() == "No client is connected"
    (button,) = empty.findChildren(QPushButton)
    qtbot.mouseClick(button, LEFT)
    assert done == [True]


def test_a_combo_box_ends_a_text_that_does_not_fit_with_an_ellipsis(show: Show) -> None:
    box = ElidingBox()
    box.addItem("2 · a client whose user has a long name")
    box.setPlaceholderText("Choose a browser")
    box.setFixedWidth(120)
    show(box)
    assert box.shown_text.endswith("…")
    assert box.fontMetrics().horizontalAdvance(box.shown_text) < 120
    box.setFixedWidth(600)
    assert box.shown_text == box.currentText()
    box.setCurrentIndex(-1)
    assert box.shown_text == "Choose a browser"


def test_a_combo_box_of_its_preferred_width_shows_its_whole_text(show: Show) -> None:
    """Regression: two pixels were missing."""
    box = ElidingBox()
    box.setSizeAdjustPolicy(ElidingBox.SizeAdjustPolicy.AdjustToContents)
    show(box)
    for text in ("1 · me · ready", "1 · me · disconnected", "W" * 20, "i" * 9):
        box.clear()
        box.addItem(text)
        box.resize(box.sizeHint())
        assert box.shown_text == text
