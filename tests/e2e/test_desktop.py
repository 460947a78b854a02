"""The tray program on a virtual desktop, operated with mouse and keyboard, with clients in their own processes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage

from . import processes
from .conftest import Start
from .desktop import PANEL, SCREEN, TRAYS, Box, Desktop, difference
from .person import Person, icon, icons, open_menu
from .processes import STOP_SIGNALS, Program, listen, tray, wait_until
from .tools import linux_only
from .wscat import Wscat

pytestmark = [linux_only, pytest.mark.timeout(180)]

EACH_TRAY = [TRAYS[0], *(pytest.param(each, marks=pytest.mark.long) for each in TRAYS[1:])]
with_each_tray = pytest.mark.parametrize("tray_name", EACH_TRAY, indirect=True)
with_trayer = pytest.mark.parametrize("tray_name", ["trayer"], indirect=True)


def frames(client: Program) -> list[Any]:
    return [json.loads(line) for line in client.out]


@with_each_tray
def test_a_person_fires_and_a_client_receives(
    desktop: Desktop, tray_name: str, running: Start, data_dir: Path
) -> None:
    """Start the program, connect a client and click *Fire*. The tray icon is visible."""
    before = desktop.screenshot()
    program = running(tray(data_dir, env=desktop.env))
    person = Person(desktop, program)
    icon(desktop, before)
    client = running(listen("--port", str(program.port), "--json"))
    client.wait_for_line("^connected", among="err")

    person.open_inject()
    person.fire()
    client.wait_for_line("new_message")
    desktop.screenshot(f"fired-{tray_name}.png")
    (fired,) = frames(client)
    assert list(fired) == ["event", "data"]
    assert fired["event"] == "new_message"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fired["data"].pop("msg_id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", fired["data"].pop("timestamp"))
    assert fired["data"].pop("text")
    assert fired["data"] == {
        "from": "alice", "to": "me", "direction": "received", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip
    person.fire()
    wait_until(lambda: len(client.out) == 2, "a second event")
    assert len({each["data"]["msg_id"] for each in frames(client)}) == 2, "a new id each time"


@pytest.mark.long
@with_trayer
def test_two_terminals_see_every_event_fired(desktop: Desktop, running: Start, data_dir: Path) -> None:
    """The guide's §5.4 and §5.5 with the window: each form of Inject, with two wscats connected."""
    program = running(tray(data_dir, env=desktop.env))
    person = Person(desktop, program)
    terminals = [running(Wscat(program.url)), running(Wscat(program.url + "?username=bob"))]
    client = running(listen("--port", str(program.port), "--as", "carol", "--json"))
    client.wait_for_line("^connected", among="err")
    for terminal in terminals:
        terminal.wait_for_line("Connected (press CTRL+C to quit)")
    person.open_inject()
    for count, event in enumerate(("new_message", "friend_online", "typing"), start=1):
        if count > 1:
            desktop.press("ctrl+4", "Right")  # select the next tab
        person.fire()
        wait_until(lambda n=count: len(client.out) == n, f"frame {count}")
        assert frames(client)[-1]["event"] == event
        for terminal in terminals:
            terminal.wait_for_line(f"< {client.out[-1]}")
    assert client.out[1] == '{"event":"friend_online","data":{"username":"alice"}}'
    assert client.out[2] == '{"event":"typing","data":{"username":"alice","typing":true}}'
    desktop.screenshot("fired-to-three-clients.png")


@with_each_tray
def test_closing_hides_the_window_and_a_click_on_the_tray_icon_shows_it(
    desktop: Desktop, running: Start, data_dir: Path
) -> None:
    before = desktop.screenshot()
    program = running(tray(data_dir, env=desktop.env))
    where = icon(desktop, before)
    window = desktop.window()
    desktop.focus(window)
    desktop.press("ctrl+w")
    wait_until(lambda: not desktop.windows(), "the window to hide")
    assert program.process.poll() is None
    assert processes.answers(program.port), "the event server keeps listening"
    desktop.click(where.centre)
    desktop.window()
    program.send(STOP_SIGNALS[0])
    assert program.wait() == 0, program
    wait_until(lambda: icons(desktop) == 0, "the icon to disappear")
    assert program.err == []


@pytest.mark.long
@with_each_tray
def test_the_icon_changes_with_the_state(desktop: Desktop, running: Start, data_dir: Path) -> None:
    before = desktop.screenshot()
    program = running(tray(data_dir, env=desktop.env))
    where = icon(desktop, before)
    listening = desktop.screenshot()
    client = running(listen("--port", str(program.port)))
    client.wait_for_line("^connected", among="err")
    wait_until(
        lambda: difference(listening, desktop.screenshot(), where), "another icon while a client is connected"
    )
    client.end()
    wait_until(lambda: not difference(listening, desktop.screenshot(), where), "the first icon again")


def test_without_a_tray_closing_the_window_quits(desktop: Desktop, running: Start, data_dir: Path) -> None:
    program = running(tray(data_dir, env=desktop.env))
    desktop.focus(desktop.window())
    desktop.press("ctrl+w")
    assert program.wait() == 0
    assert program.err == []


@pytest.mark.parametrize("late", EACH_TRAY[::-1])
def test_started_hidden_it_waits_for_a_tray_that_starts_later(
    desktop: Desktop, running: Start, data_dir: Path, late: str
) -> None:
    """At login, the companion may start before the tray."""
    running(tray(data_dir, "--hidden", env=desktop.env))
    assert not desktop.windows()
    desktop.start_tray(late)
    wait_until(lambda: icons(desktop) == 1, "the tray icon")
    assert not desktop.windows()
    desktop.screenshot(f"tray-started-later-{late}.png")


def test_started_hidden_without_a_tray_it_shows_its_window(
    desktop: Desktop, running: Start, data_dir: Path
) -> None:
    running(tray(data_dir, "--hidden", env=desktop.env))
    assert not desktop.windows()
    wait_until(desktop.windows, "the window")


@with_trayer
def test_a_second_start_shows_the_window_of_the_first(desktop: Desktop, running: Start, data_dir: Path) -> None:
    first = running(tray(data_dir, "--hidden", env=desktop.env))
    wait_until(lambda: icons(desktop) == 1, "the tray icon")
    assert not desktop.windows()
    second = running(Program("second start", *processes.COMPANION, "--data-dir", data_dir, env=desktop.env))
    assert second.wait() == 0, second
    desktop.window()
    assert icons(desktop) == 1
    assert first.process.poll() is None


@with_each_tray
def test_the_icons_menu_fires_and_quits(desktop: Desktop, tray_name: str, running: Start, data_dir: Path) -> None:
    """Without the window: right click, *Fire*, *alice goes offline*; then *Quit*, the last entry."""

    def desktop_changed(since: QImage) -> bool:
        return difference(since, desktop.screenshot(), Box(0, 0, SCREEN[0], PANEL.top)) is not None

    before = desktop.screenshot()
    program = running(tray(data_dir, "--hidden", env=desktop.env))
    where = icon(desktop, before)
    client = running(listen("--port", str(program.port), "--json"))
    client.wait_for_line("^connected", among="err")
    calm = desktop.screenshot()
    open_menu(desktop, where)
    desktop.press("Down", "Down", "Right", "Down", "Down")
    desktop.screenshot(f"tray-menu-{tray_name}.png")
    desktop.press("Return")
    client.wait_for_line('^{"event":"friend_offline","data":{"username":"alice"}}$')
    if tray_name == "trayer":  # there Qt shows it; with D-Bus, this desktop has no server for notifications
        wait_until(lambda: desktop_changed(calm), "the notification about it")
    wait_until(lambda: not desktop_changed(calm), "the notification to go")
    client.end()
    open_menu(desktop, where)
    desktop.press("Up", "Return")
    assert program.wait() == 0, program
    assert program.err == []
