"""The windows *Reconnect lab* and *Refuse connections*, with a real companion and clients that are refused."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QPushButton
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.companion import Companion
from app.hub.lab_run import LabRun
from app.hub.origin import CONTROL
from app.protocol.reconnect_lab import LabOptions, LabOutcome
from app.protocol.refusals import RefusalKind, parse_mode
from app.ui import theme
from app.ui.palette_commands import commands
from app.ui.reconnect_lab_window import ReconnectLabWindow
from app.ui.refuse_window import NOTHING, RefuseWindow
from app.ui.side_window import SideWindow
from app.ui.theme import LIGHT
from app.ui.window import CLIENTS, HELP, MainWindow
from tests.conftest import Connect, until
from tests.lab_runs import FIREFOX, shown_run
from tests.reconnecting_ui import CHROME
from tests.ui.test_accessibility import accessible_text, controls
from tests.ui.test_clipping import cut_texts

LEFT = Qt.MouseButton.LeftButton
PAGE = "http://localhost:1420"
PAGE_OPTIONS: dict[str, Any] = {"origin": PAGE, "user_agent_header": CHROME}


class EarlyUi:
    """A page that reconnects too early: 0.2 s after each failure, once it ``may_reconnect``."""

    def __init__(self, companion: Companion) -> None:
        self.url = companion.server.url
        self.opened = self.refused = 0
        self.may_reconnect = asyncio.Event()
        self.may_reconnect.set()
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while True:
            try:
                async with connect(self.url, proxy=None, **PAGE_OPTIONS) as socket:
                    self.opened += 1
                    async for _ in socket:
                        pass
            except ConnectionClosed:
                pass
            except InvalidStatus:
                self.refused += 1
                await self.may_reconnect.wait()
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
async def ui(companion: Companion) -> AsyncIterator[EarlyUi]:
    """Return a UI that is connected."""
    companion.reconnects.reports()  # measures from the start, as in the program
    ui = EarlyUi(companion)
    await until(lambda: companion.hub.connection_count)
    yield ui
    await ui.close()


@pytest.fixture
async def lab(window: MainWindow, companion: Companion) -> AsyncIterator[ReconnectLabWindow]:
    window.open_room(CLIENTS)
    window.clients.lab.click()
    lab = window.reconnect_windows.lab
    await until(lab.isVisible)
    yield lab
    await companion.reconnect_lab.stop()


@pytest.fixture
async def refuse(window: MainWindow, companion: Companion) -> AsyncIterator[RefuseWindow]:
    window.open_room(CLIENTS)
    window.clients.refuse.click()
    refuse = window.reconnect_windows.refuse
    await until(refuse.isVisible)
    yield refuse
    companion.refusals.disarm_all()


def click(button: QPushButton, qtbot: Any) -> None:
    assert button.isEnabled(), button.toolTip()
    qtbot.mouseClick(button, LEFT)


def run_of(companion: Companion) -> LabRun:
    run = companion.reconnect_lab.run
    assert run
    return run


async def test_a_run_is_plotted_and_judged_live(
    companion: Companion, ui: EarlyUi, lab: ReconnectLabWindow, qtbot: Any
) -> None:
    lab.attempts.setValue(2)
    await until(lambda: lab.browser.client == 1)
    assert lab.browser.currentText() == f"{PAGE} · Chromium (client 1 · me)"
    assert "refuses the next 2 attempts" in lab.intent.text()
    assert lab.intent.text().endswith("Takes about 8 s.")
    assert lab.plot.plot
    assert [column.mark for column in lab.plot.plot.columns] == [None, None]
    ui.may_reconnect.clear()
    click(lab.start, qtbot)
    assert (lab.start.text(), lab.start.accessibleName()) == ("Stop", "Stop")
    assert not any(each.isEnabled() for each in (lab.browser, lab.code, lab.mode, lab.attempts))
    await until(lambda: lab.title.text().startswith("Running for"))
    assert "attempt 1 of 2 is expected 3.0 s" in lab.title.text()
    await until(lambda: lab.verdict.text().startswith("1 of 10 attempts seen"))
    first = [bool(each.mark) for each in lab.plot.plot.columns]
    assert first == [True, False], "the plot is live"
    ui.may_reconnect.set()
    await until(lambda: run_of(companion).ended)
    await until(lambda: lab.start.text() == "Start")
    assert lab.title.text() == "At least one attempt does not fit the guide"
    assert lab.title.property("tone") == "error"
    assert lab.verdict.text() == run_of(companion).report.text
    assert re.search(r"attempt 2 after \S+ s \(4.5 s\) ✗ too early", lab.verdict.text())
    marks = [each.mark for each in lab.plot.plot.columns]
    assert [mark and mark.verdict for mark in marks] == ["early", "early"]
    assert ui.refused == 2
    await until(lambda: companion.hub.connection_count)
    assert companion.refusals.armed == ()


async def test_a_run_can_be_stopped(
    companion: Companion, lab: ReconnectLabWindow, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client(**PAGE_OPTIONS)
    await until(lambda: lab.start.isEnabled())
    lab.mode.choose(RefusalKind.CLOSE, 4000)
    click(lab.start, qtbot)
    run = run_of(companion)
    assert str(run.report.options.mode) == "close:4000"
    assert companion.refusals.armed
    click(lab.start, qtbot)
    await until(lambda: lab.start.text() == "Start")
    assert run.report.outcome is LabOutcome.STOPPED
    assert (lab.title.text(), companion.refusals.armed) == ("Stopped", ())
    assert lab.attempts.isEnabled()


async def test_a_run_of_a_script_is_shown(
    companion: Companion, lab: ReconnectLabWindow, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client(**PAGE_OPTIONS)
    run = companion.reconnect_lab.start(LabOptions(parse_mode("reset"), 3), CONTROL)
    await until(lambda: lab.start.text() == "Stop")
    assert lab.page.text() == f"{PAGE} · Chromium · refused with reset"
    lab.hide()
    await companion.reconnect_lab.stop()
    assert run.ended
    await asyncio.sleep(0.15)
    assert lab.start.text() == "Stop", "nothing is updated while the window is hidden"
    lab.present()
    assert lab.title.text() == "Stopped"


async def test_the_browser_has_to_be_chosen_if_several_are_connected(
    companion: Companion, lab: ReconnectLabWindow, connect_client: Connect, qtbot: Any
) -> None:
    assert not lab.start.isEnabled()
    assert lab.verdict.text() == "No client is connected. Open your UI."
    chrome = await connect_client("alice", **PAGE_OPTIONS)
    other = await connect_client("bob", origin=PAGE, user_agent_header=FIREFOX)
    await until(lambda: lab.browser.count() == 2)
    lab.browser.setCurrentIndex(1)
    lab.browser.activated.emit(1)
    assert lab.browser.client == 2
    assert lab.page.text() == f"{PAGE} · Firefox · refused with 503"
    click(lab.copy, qtbot)
    command = "companion reconnects lab --refuse 503 --attempts 5 --client 2"
    assert QGuiApplication.clipboard().text() == command
    lab.code.setValue(4005)
    click(lab.copy, qtbot)
    assert QGuiApplication.clipboard().text() == f"{command} --code 4005"
    click(lab.start, qtbot)
    assert run_of(companion).report.closed == (2,)
    await until(lambda: other.close_code == 4005)
    assert chrome.close_code is None
    await companion.reconnect_lab.stop()
    await until(lambda: lab.browser.currentText() == f"{PAGE} · Firefox (not connected)")
    assert not lab.start.isEnabled(), "another browser is never closed instead"
    assert not lab.copy.isEnabled(), "a command without a client would close the other browser"
    assert lab.copy.toolTip() == "This browser is not connected."
    await chrome.close()
    await until(lambda: lab.browser.count() == 1)
    assert lab.copy.isEnabled()


async def test_without_a_choice_nothing_is_closed(lab: ReconnectLabWindow, connect_client: Connect) -> None:
    lab.hide()
    await connect_client(**PAGE_OPTIONS)
    await connect_client(origin=PAGE, user_agent_header=FIREFOX)
    lab.present()
    assert (lab.browser.currentIndex(), lab.browser.why_not) == (-1, "Choose a browser.")
    assert not lab.start.isEnabled()
    assert not lab.copy.isEnabled()


async def test_the_lab_of_a_client_chooses_its_browser(window: MainWindow, connect_client: Connect) -> None:
    window.open_room(CLIENTS)
    await connect_client(**PAGE_OPTIONS)
    await connect_client(origin=PAGE, user_agent_header=FIREFOX)
    window.clients.table.selectRow(1)
    window.clients.lab.click()
    assert window.reconnect_windows.lab.browser.client == 2


async def test_a_start_that_is_not_possible_says_why(
    companion: Companion, lab: ReconnectLabWindow, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client(**PAGE_OPTIONS)
    await until(lambda: lab.start.isEnabled())
    client = companion.hub.client(1)
    assert client is not None
    client.transport.abort()
    lab._refresh.stop()
    await until(lambda: not companion.hub.connection_count)
    lab._refresh.stop()
    click(lab.start, qtbot)
    assert lab.title.text() == "Not started"
    assert "Client 1 is not connected" in lab.verdict.text()


async def test_an_invalid_close_code_disables_start(lab: ReconnectLabWindow, connect_client: Connect) -> None:
    await connect_client(**PAGE_OPTIONS)
    await until(lambda: lab.start.isEnabled())
    assert lab.mode.code.isHidden()
    lab.mode.choose(RefusalKind.CLOSE, 1005)
    assert not lab.mode.code.isHidden()
    assert not lab.start.isEnabled()
    assert not lab.copy.isEnabled()
    assert "1005 cannot be sent" in lab.intent.text()
    lab.mode.choose(RefusalKind.CLOSE, 1013)
    assert lab.start.isEnabled()
    lab.code.setValue(1006)
    assert "1006 cannot be sent" in lab.intent.text()
    assert not lab.start.isEnabled()
    lab.code.setValue(1001)
    assert lab.start.isEnabled()
    lab.attempts.setValue(10)
    assert lab.plot.plot
    assert {each.label for each in lab.plot.plot.columns} == {"1"}, "each attempt is the first one again"


async def test_every_mode_is_offered(lab: ReconnectLabWindow) -> None:
    box: QComboBox = lab.mode.kind
    found = []
    for index in range(box.count()):
        box.setCurrentIndex(index)
        found.append(str(lab.mode.mode))
        assert box.toolTip()
    assert found == ["503", "reset", "silence", "close:1013", "garbage"]


async def test_the_picture_and_the_json_are_saved(lab: ReconnectLabWindow, tmp_path: Path) -> None:
    run = shown_run(PAGE, CHROME)
    svg, png, data = (tmp_path / name for name in ("lab.svg", "lab.png", "lab.json"))
    lab.exports.save_picture(run, svg)
    lab.exports.save_picture(run, png)
    lab.exports.save_json(run, data)
    await until(lambda: all(each.exists() for each in (svg, png, data)))
    assert "too early" in "".join(ElementTree.fromstring(svg.read_text("utf-8")).itertext())
    image = QImage(str(png))
    assert (image.width(), image.height()) == (1440, 848)
    colours = {image.pixelColor(x, y).name() for x in range(0, 1440, 3) for y in range(100, 640, 3)}
    assert {LIGHT.surface, LIGHT.accent, LIGHT.error} <= colours, "the guide's band, and a cross"
    found = json.loads(data.read_bytes())
    assert (found["outcome"], found["text"], found["mode"]) == ("deviates", run.report.text, "503")
    await until(lambda: lab.message.text().startswith("Saved to"))


async def test_a_picture_that_cannot_be_saved_says_why(lab: ReconnectLabWindow, tmp_path: Path) -> None:
    run = shown_run(PAGE, CHROME)
    lab.exports.save_picture(run, tmp_path / "lab.gif")
    assert lab.message.text() == "The file name must end with .svg or .png, not .gif."
    lab.exports.save_picture(run, tmp_path / "missing" / "lab.svg")
    await until(lambda: "could not be written" in lab.message.text())


async def test_the_dialogs_suggest_a_file_with_the_chosen_format(
    lab: ReconnectLabWindow, tmp_path: Path, qtbot: Any
) -> None:
    assert not lab.save_picture.isEnabled()
    assert not lab.save_json.isEnabled()
    lab.show_run(shown_run(PAGE, CHROME))
    await until(lab.save_picture.isEnabled)
    click(lab.save_picture, qtbot)
    (dialog,) = lab.findChildren(QFileDialog)
    assert dialog.defaultSuffix() == "svg"
    dialog.filterSelected.emit("PNG picture (*.png)")
    assert dialog.defaultSuffix() == "png"
    dialog.fileSelected.emit(str(tmp_path / "a.png"))
    await until((tmp_path / "a.png").exists)
    dialog.close()
    click(lab.save_json, qtbot)
    dialog = lab.findChildren(QFileDialog)[-1]
    dialog.fileSelected.emit(str(tmp_path / "a.json"))
    await until((tmp_path / "a.json").exists)
    dialog.close()


async def test_the_plot_has_a_text_alternative_and_tooltips(
    lab: ReconnectLabWindow,
) -> None:
    run = shown_run(PAGE, CHROME)
    run.report = run.report._replace(attempts=run.report.attempts[:3])
    lab.plot.show_report(run.report)
    plot = lab.plot
    assert plot.accessibleName() == "Plot of the attempts to reconnect"
    assert plot.focusPolicy() & Qt.FocusPolicy.TabFocus
    described = plot.accessibleDescription()
    assert described.startswith("attempt 1 after 3.1 s (3 s) ✓. attempt 2 after 4.6 s (4.5 s) ✓. ")
    assert ". attempt 4 is expected after 10.1–" in described
    assert plot.text_at(plot.width() / 2) == "attempt 3 after 4.6 s (6.75 s) ✗ too early"
    assert plot.text_at(2) == ""


@pytest.fixture
def dark(qapp: QApplication) -> Iterator[None]:
    yield
    theme.apply(qapp, "light")


@pytest.mark.usefixtures("dark", "styled")
async def test_the_plot_has_the_colours_of_the_theme(
    lab: ReconnectLabWindow, qapp: QApplication, subtests: pytest.Subtests
) -> None:
    lab.plot.show_report(shown_run(PAGE, CHROME).report)
    for name, colors in (("light", theme.LIGHT), ("dark", theme.DARK)):
        with subtests.test(theme=name):
            theme.apply(qapp, name)
            image = lab.plot.grab().toImage()
            places = range(0, image.width() * image.height(), 3)
            found = {QColor(image.pixel(each % image.width(), each // image.width())).name() for each in places}
            assert {colors.surface, colors.accent, colors.muted} <= found
            assert lab.plot.plot
            marks = [each.mark for each in lab.plot.plot.columns if each.mark]
            middles = [image.pixelColor(round(each.x), round(each.y)).name() for each in marks[:3]]
            assert middles == [colors.ok, colors.ok, colors.error]


@pytest.mark.usefixtures("styled")
async def test_nothing_is_cut(lab: ReconnectLabWindow, subtests: pytest.Subtests) -> None:
    lab.mode.choose(RefusalKind.CLOSE)
    lab.show_run(shown_run(PAGE, CHROME))
    for size in ((640, 520), (760, 600), (1300, 860)):
        with subtests.test(size=size):
            lab.resize(*size)
            await asyncio.sleep(0.15)
            assert list(cut_texts(lab)) == []
            plot = lab.plot.plot
            assert plot
            assert plot.area.x + plot.area.width <= lab.plot.width()
            assert all(0 < each.guide.y < lab.plot.height() for each in plot.columns)


def tab_order(window: SideWindow) -> list[str]:
    """Return the accessible names of the controls that Tab reaches, from the first one."""
    found, widget = [], window.nextInFocusChain()
    while widget is not window:
        assert widget is not None
        if widget in controls(window):
            found.append(accessible_text(window, widget))
        widget = widget.nextInFocusChain()
    return found


async def test_every_control_has_a_name_and_tab_follows_the_layout(
    window: MainWindow, lab: ReconnectLabWindow, connect_client: Connect
) -> None:
    await connect_client(**PAGE_OPTIONS)
    lab.mode.choose(RefusalKind.CLOSE)
    lab.show_run(shown_run(PAGE, CHROME))
    await until(lambda: lab.start.isEnabled())
    assert tab_order(lab) == [
        "Browser", "Close with code", "Refuse with", "Close code", "Attempts",
        "Plot of the attempts to reconnect", "Save picture …", "Save JSON …", "Copy command", "Start",
    ]  # fmt: skip
    window.reconnect_windows.open_refuse()
    assert tab_order(window.reconnect_windows.refuse) == [
        "Refuse with", "Refuse a number of connections", "Number of connections",
        "Refuse all connections for some seconds", "Seconds", "Refuse connections", "Accept connections", "Times",
        "Seconds between two times", "Close code", "Close all clients",
    ]  # fmt: skip


async def test_enter_in_an_input_starts_nothing(
    window: MainWindow, companion: Companion, lab: ReconnectLabWindow, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client(**PAGE_OPTIONS)
    await until(lambda: lab.start.isEnabled())
    lab.attempts.setFocus()
    qtbot.keyClick(lab.attempts, Qt.Key.Key_Return)
    assert companion.reconnect_lab.run is None
    window.reconnect_windows.open_refuse()
    refuse = window.reconnect_windows.refuse
    qtbot.keyClick(refuse.number, Qt.Key.Key_Return)
    assert companion.refusals.armed == ()
    lab.start.setFocus()
    qtbot.keyClick(lab.start, Qt.Key.Key_Space)
    assert companion.reconnect_lab.run


async def test_f1_opens_the_page_and_esc_hides_the_window(
    window: MainWindow, lab: ReconnectLabWindow, qtbot: Any
) -> None:
    await until(lab.isActiveWindow)
    qtbot.keyClick(lab, Qt.Key.Key_F1)
    assert window.rooms.current == HELP
    assert "Reconnect lab" in window.help.browser.toPlainText()
    qtbot.keyClick(lab, Qt.Key.Key_Escape)
    assert not lab.isVisible()


# Refuse connections


async def is_refused(companion: Companion) -> bool:
    try:
        async with connect(companion.server.url, proxy=None):
            return False
    except InvalidStatus:
        return True


async def test_connections_are_refused_and_accepted_again(
    companion: Companion, refuse: RefuseWindow, qtbot: Any
) -> None:
    assert refuse.armed.text() == NOTHING
    assert not refuse.accept_button.isEnabled()
    refuse.number.setValue(2)
    click(refuse.refuse, qtbot)
    assert refuse.armed.text() == "Refusing the next 2 connections (503)"
    assert await is_refused(companion)
    await until(lambda: refuse.armed.text() == "Refusing the next connection (503)")
    click(refuse.accept_button, qtbot)
    await until(lambda: refuse.armed.text() == NOTHING)
    assert not await is_refused(companion)


async def test_connections_are_refused_for_some_seconds(
    companion: Companion, refuse: RefuseWindow, qtbot: Any
) -> None:
    refuse.seconds.setValue(7)
    assert refuse.by_time.isChecked(), "changing the number chooses its line"
    refuse.mode.choose(RefusalKind.CLOSE, 4001)
    click(refuse.refuse, qtbot)
    (armed,) = companion.refusals.armed
    assert armed.all
    assert refuse.armed.text() == "Refusing all connections for 7 s (close:4001)"
    await until(lambda: refuse.armed.text() == "Refusing all connections for 6 s (close:4001)")


async def test_many_refusals_are_listed_shortly_and_too_many_are_an_error(
    companion: Companion, refuse: RefuseWindow, qtbot: Any
) -> None:
    for _ in range(21):
        click(refuse.refuse, qtbot)
    assert refuse.armed.text().splitlines()[-1] == "and 14 more"
    assert "20 refusals are armed already" in refuse.message.text()
    await asyncio.sleep(0.02)
    assert list(cut_texts(refuse)) == []


async def test_the_list_is_not_updated_while_the_window_is_hidden(
    companion: Companion, refuse: RefuseWindow
) -> None:
    refuse.hide()
    companion.refusals.arm(parse_mode("503"), 4, origin=CONTROL)
    await asyncio.sleep(0.15)
    assert refuse.armed.text() == NOTHING
    refuse.present()
    assert refuse.armed.text() == "Refusing the next 4 connections (503)"


async def test_clients_are_closed_several_times(
    companion: Companion, refuse: RefuseWindow, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    refuse.times.setValue(2)
    refuse.pause.setValue(120)
    refuse.code.setValue(4002)
    click(refuse.flap, qtbot)
    assert refuse.flap.text() == "Stop"
    await until(lambda: client.close_code == 4002)
    assert refuse.flap_state.text() == "Closed 1 of 2 times; 1 client the last time."
    again = await connect_client()
    await until(lambda: not all(each.closing for each in companion.hub.clients))
    timer = refuse.flapping._timer
    assert timer.interval() == 120_000
    timer.setInterval(0)
    await until(lambda: again.close_code == 4002)
    await until(lambda: refuse.flap.text() == "Close all")
    assert refuse.flap_state.text() == "Closed 2 of 2 times; 1 client the last time."
    refuse.code.setValue(1005)
    assert not refuse.flap.isEnabled()
    assert "1005 cannot be sent" in refuse.flap_state.text()


async def test_closing_the_window_ends_the_series(
    companion: Companion, refuse: RefuseWindow, connect_client: Connect, qtbot: Any
) -> None:
    click(refuse.flap, qtbot)
    assert refuse.flapping.is_running
    refuse.close()
    assert not refuse.flapping.is_running
    assert refuse.flap.text() == "Close all"


async def test_the_palette_refuses_and_accepts(window: MainWindow, companion: Companion) -> None:
    found = {each.title: each for each in commands(window)}
    found["Refuse the next 3 connections (503)"].act()
    assert window.status.message.text() == "Refusing the next 3 connections (503)"
    assert [each.left for each in companion.refusals.armed] == [3]
    found["Accept connections"].act()
    assert window.status.message.text() == "Accepting connections again: 1 refusal removed"
    assert companion.refusals.armed == ()
    found["Accept connections"].act()
    assert window.status.message.text() == "All connections are accepted already"
    found["Reconnect lab …"].act()
    found["Refuse connections …"].act()
    assert window.reconnect_windows.lab.isVisible()
    assert window.reconnect_windows.refuse.isVisible()
