"""The palette: find and run any command by a few letters. Ctrl+R repeats the last event in any room."""

import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QLabel

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.journal import Kind
from app.hub.origin import PANEL
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture
from app.system.settings import Settings
from app.ui.friend_commands import find_friend, friend_commands
from app.ui.palette import MAX_RECENT, Command, Palette, Section, arrange, matching
from app.ui.palette_commands import RecentCommands
from app.ui.palette_commands import commands as commands_of
from app.ui.setting_titles import SETTING_TITLES
from app.ui.window import EVENTS, INJECT, ROOMS, SETTINGS, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.frames import all_frames, frame, wait_until_idle
from tests.ui.test_accessibility import accessible_text, controls

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
async def companion(make_companion: MakeCompanion, tmp_path: Path) -> Companion:
    companion = await make_companion(fixtures_folder=tmp_path / "own")
    assert await companion.start(), companion.services["events"].error
    return companion


@pytest.fixture
async def palette(window: MainWindow, qtbot: Any) -> Palette:
    return open_palette(window, qtbot)


def open_palette(window: MainWindow, qtbot: Any) -> Palette:
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_K, CONTROL)
    (palette,) = open_palettes()
    return palette


def open_palettes() -> list[Palette]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, Palette) and each.isVisible()]


def titles(palette: Palette) -> list[str]:
    return [each.title for each in palette.found]


def selected(palette: Palette) -> str:
    return palette.list.currentItem().text()


def headings(palette: Palette) -> list[str]:
    items = [palette.list.item(row) for row in range(palette.list.count())]
    return [item.text() for item in items if not item.flags() & Qt.ItemFlag.ItemIsSelectable]


async def activate(window: MainWindow) -> None:
    """Activate the window again, because the offscreen platform has no window manager."""
    window.activateWindow()
    await until(window.isActiveWindow)


async def run_command(window: MainWindow, words: str, qtbot: Any) -> None:
    palette = open_palette(window, qtbot)
    qtbot.keyClicks(palette.search, words)
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    await wait_until_idle(window.companion)
    if QApplication.activeModalWidget() is None:
        await activate(window)


# matching


def commands(*texts: str) -> list[Command]:
    return [Command(title, lambda: None, hint) for title, _, hint in (each.partition("|") for each in texts)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["Open Events", "Fire: open bug", "Quit"]),
        ("open", ["Open Events", "Fire: open bug"]),
        ("BUG fire", ["Fire: open bug"]),
        ("ctrl+q", ["Quit"]),
        ("  quit ", ["Quit"]),
        ("bug events", []),
    ],
)
def test_commands_that_contain_every_word_are_found(words: str, expected: list[str]) -> None:
    all_commands = commands("Open Events|Ctrl+1", "Fire: open bug|bugs/open", "Quit|Ctrl+Q")
    assert [each.title for each in matching(all_commands, words)] == expected


def test_commands_with_a_word_that_begins_with_the_text_are_listed_first() -> None:
    all_commands = commands("Fire: open bug", "Reopen", "Open Events")
    assert [each.title for each in matching(all_commands, "open")] == ["Open Events", "Fire: open bug", "Reopen"]


@pytest.mark.usefixtures("styled")
async def test_a_button_at_the_top_of_the_navigation_opens_the_palette(window: MainWindow, qtbot: Any) -> None:
    button = window.palette_button
    assert "Ctrl+K" in button.toolTip()
    assert all(label.width() >= label.sizeHint().width() for label in button.findChildren(QLabel)), "nothing is cut"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    palette = next(each for each in window.findChildren(Palette) if each.isVisible())
    palette.close()


async def test_the_palette_lists_fixtures_rooms_and_actions(palette: Palette, companion: Companion) -> None:
    all_titles = titles(palette)
    assert headings(palette) == ["Friends", "Actions", "Fixtures", "Scenarios", "Help"]
    assert [each for each in all_titles if each.startswith("Fire: ")] == [
        f"Fire: {each.title}" for each in companion.fixtures.all
    ]
    opened = [each for each in all_titles if each.startswith("Open ") and not each.endswith("…")]
    assert opened == [f"Open {room.title}" for room in ROOMS]
    assert {"Pause sending", "Stop server", "Copy URL", "Keyboard shortcuts", "Quit"} <= set(all_titles)
    assert palette.search.hasFocus()
    assert selected(palette) == all_titles[0]


async def test_typing_filters_the_list_and_enter_without_a_match_does_nothing(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "friend typing")
    assert titles(palette)[:2] == ["Fire: A friend is typing", "Fire: A friend stops typing"]
    qtbot.keyClicks(palette.search, " zzz")
    assert titles(palette) == []
    assert palette.empty.isVisible()
    assert palette.empty.title.text() == "Nothing found for “friend typing zzz”"
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.isVisible()
    palette.search.clear()
    assert len(titles(palette)) > 40


async def test_a_command_does_what_it_says_if_the_state_has_changed_meanwhile(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    freeze = window.events.freeze
    companion.pause()
    listed = {each.title: each.act for each in commands_of(window)}
    companion.pause(False)
    listed["Resume sending"]()
    assert not companion.hub.paused
    freeze.setChecked(True)
    listed["Freeze log"]()
    assert freeze.isChecked()
    freeze.setChecked(False)
    await companion.stop()
    listed["Stop server"]()
    await wait_until_idle(companion)
    assert not companion.server.listening
    stopped = {each.title: each.act for each in commands_of(window)}
    assert not {"Pause sending", "Resume sending"} & stopped.keys(), "nothing is sent while the server is stopped"
    stopped["Start server"]()
    await until(lambda: companion.server.listening)
    stopped["Start server"]()
    await wait_until_idle(companion)
    assert companion.server.listening


# keys


async def test_arrow_keys_in_the_search_move_the_selection(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "open")
    first, second, third, *_ = titles(palette)
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    assert selected(palette) == third
    qtbot.keyClick(palette.search, Qt.Key.Key_Up)
    assert selected(palette) == second
    assert palette.search.hasFocus()
    for _ in range(2):
        qtbot.keyClick(palette.search, Qt.Key.Key_PageDown)
    assert selected(palette) == titles(palette)[-1]
    for _ in range(2):  # the list is longer than a page
        qtbot.keyClick(palette.search, Qt.Key.Key_PageUp)
    assert selected(palette) == first


async def test_enter_runs_the_selected_command_and_closes_the_palette(
    window: MainWindow, palette: Palette, qtbot: Any
) -> None:
    qtbot.keyClicks(palette.search, "open set")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.rooms.current == SETTINGS
    assert open_palettes() == []


async def test_enter_in_the_list_runs_the_command_once(
    window: MainWindow, palette: Palette, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(palette.search, "fire: a friend comes")
    palette.list.setFocus()
    qtbot.keyClick(palette.list, Qt.Key.Key_Return)
    assert [each["event"] for each in await all_frames(companion, client)] == ["friend_online"]
    assert open_palettes() == []


async def test_escape_closes_the_palette_without_running_a_command(
    window: MainWindow, palette: Palette, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(palette.search, "fire")
    qtbot.keyClick(palette.search, Qt.Key.Key_Escape)
    assert open_palettes() == []
    assert await all_frames(companion, client) == []


async def test_ctrl_k_opens_one_palette_in_every_room(
    window: MainWindow, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for room in ROOMS:
        with subtests.test(room=room.name):
            window.open_room(room.name)
            palette = open_palette(window, qtbot)
            qtbot.keyClick(palette.search, Qt.Key.Key_K, CONTROL)
            assert open_palettes() == [palette]
            palette.close()
            await activate(window)


async def test_every_control_of_the_palette_has_a_name(palette: Palette) -> None:
    found = list(controls(palette))
    assert set(found) == {palette.search, palette.list}
    assert all(accessible_text(palette, each) for each in found)


# sections


def test_the_section_with_a_title_that_begins_with_the_first_word_is_first() -> None:
    all_commands = [
        Command("Open Help", print, "", Section.ACTIONS),
        Command("Help: Tray icon", print, "", Section.HELP),
    ]
    assert [section for section, _ in arrange(all_commands, "help")] == [Section.HELP, Section.ACTIONS]
    assert [section for section, _ in arrange(all_commands, "")] == [Section.ACTIONS, Section.HELP]


def test_recent_commands_are_listed_first_and_only_once() -> None:
    all_commands = commands(*"abcdefgh")
    shown = arrange(all_commands, "", ["h", "removed", "c", "a", "b", "d", "e"])
    assert [(section, [each.title for each in section_commands]) for section, section_commands in shown] == [
        (Section.RECENT, ["h", "c", "a", "b", "d"]),
        (Section.ACTIONS, ["e", "f", "g"]),
    ]
    assert MAX_RECENT == 5
    assert [section for section, _ in arrange(all_commands, "c", ["c"])] == [Section.ACTIONS]


async def test_recent_commands_are_saved(window: MainWindow, companion: Companion, qtbot: Any) -> None:
    await run_command(window, "open set", qtbot)
    await run_command(window, "alice says hello", qtbot)
    palette = open_palette(window, qtbot)
    assert headings(palette)[0] == "Recent"
    assert titles(palette)[:2] == ["alice says hello", "Open Settings"]
    palette.close()
    assert RecentCommands(window.memory).keys == ["alice says hello", "Open Settings"]


def test_a_recent_command_is_the_one_that_was_used_even_if_another_has_its_title() -> None:
    one, other = (Command("Fire: Hello", lambda: None, name, Section.FIXTURES, name=name) for name in ("a", "b"))
    assert arrange([one, other], "", [one.key]) == [
        (Section.RECENT, [one._replace(section=Section.RECENT)]),
        (Section.FIXTURES, [other]),
    ]


async def test_a_damaged_list_of_recent_commands_is_ignored(
    window: MainWindow, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for text in ("", "{", "3", "[1, [2]]"):
        with subtests.test(text=text):
            window.memory.setValue("palette/recent", text)
            palette = open_palette(window, qtbot)
            assert "Recent" not in headings(palette)
            palette.close()


async def test_the_arrow_keys_skip_the_headings(palette: Palette, qtbot: Any) -> None:
    for title in titles(palette)[:20]:
        assert selected(palette) == title
        qtbot.keyClick(palette.search, Qt.Key.Key_Down)


async def test_a_click_runs_a_command_once_and_a_heading_does_nothing(
    palette: Palette, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(palette.search, "fire: a friend comes")
    view = palette.list
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualItemRect(view.item(0)).center())
    assert palette.isVisible()
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualItemRect(view.item(1)).center())
    assert [each["event"] for each in await all_frames(companion, client)] == ["friend_online"]


async def test_the_palette_closes_when_another_window_becomes_active(window: MainWindow, palette: Palette) -> None:
    await until(palette.isActiveWindow)
    window.activateWindow()
    await until(lambda: open_palettes() == [])


async def test_the_palette_is_at_the_top_centre_of_the_window(window: MainWindow, palette: Palette) -> None:
    middle = palette.frameGeometry().center().x() - window.mapToGlobal(window.rect().center()).x()
    assert abs(middle) <= 1
    assert window.mapFromGlobal(palette.pos()).y() == 56
    assert palette.windowFlags() & Qt.WindowType.FramelessWindowHint


# friends


async def test_an_action_of_a_friend_can_be_typed(
    window: MainWindow, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    for words, event, data in (
        ("bob online", "friend_online", {"username": "bob"}),
        ("bob offline", "friend_offline", {"username": "bob"}),
        ("type as carol", "typing", {"username": "carol", "typing": True}),
        ("carol types", "typing", {"username": "carol", "typing": True}),
        ("stop typing as carol", "typing", {"username": "carol", "typing": False}),
    ):
        with subtests.test(words=words):
            await run_command(window, words, qtbot)
            assert await frame(client) == {"event": event, "data": data}
            assert window.status.message.text().startswith("Delivered to 1 client · #")
            window.status.show_message("")


async def test_a_message_of_a_friend_can_be_typed(
    window: MainWindow, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    for words in ("alice says Hi there!", "ALICE  say: Hi there!", "ali says Hi there!"):
        with subtests.test(words=words):
            await run_command(window, words, qtbot)
            data = (await frame(client))["data"]
            assert (data["from"], data["text"], data["direction"]) == ("alice", "Hi there!", "received")
            qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
            repeated = (await frame(client))["data"]
            assert repeated["text"] == "Hi there!"
            assert repeated["msg_id"] != data["msg_id"]


async def test_enter_completes_the_command_for_a_message(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "alice says")
    assert selected(palette) == "alice says …"
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.search.text() == "alice says "
    assert palette.isVisible()
    assert palette.search.hasFocus()


async def test_a_message_of_an_unknown_user_is_not_listed(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "unknown says hi")
    assert titles(palette) == []


async def test_an_empty_search_lists_the_opposite_presence_of_each_friend(
    palette: Palette, companion: Companion
) -> None:
    shown = [each.title for each in palette.found if each.section is Section.FRIENDS]
    assert shown == [
        f"Switch {name} {'offline' if online else 'online'}"
        for name, online in sorted(companion.chat.presence.items())
    ]


def test_a_friend_is_found_by_name_or_by_an_unambiguous_beginning() -> None:
    friends = ["al", "alice", "Alba", "Bob"]
    assert find_friend("AL", friends) == "al"
    assert find_friend("ali", friends) == "alice"
    assert find_friend("alb", friends) == "Alba"
    assert find_friend("a", friends) == ""
    assert find_friend("zoe", friends) == ""


# settings


async def test_the_palette_opens_a_single_setting(window: MainWindow, qtbot: Any) -> None:
    await run_command(window, "rest_port", qtbot)
    assert window.rooms.current == SETTINGS
    assert window.settings.fields.rest_port.hasFocus()
    await run_command(window, "settings event port", qtbot)
    assert window.settings.fields.port.hasFocus()


async def test_every_setting_can_be_opened(window: MainWindow, subtests: pytest.Subtests) -> None:
    for name in SETTING_TITLES:
        with subtests.test(name=name):
            window.open_room(EVENTS)
            window.open_setting(name)
            row = next(each for each in window.settings.form.rows if name in each.names)
            assert row.control.hasFocus()


def test_every_setting_of_the_window_has_a_title() -> None:
    assert set(SETTING_TITLES) == set(Settings.__struct_fields__) - {"pinned", "saved_filters", "lint_off"}


# commands


async def test_firing_a_fixture_shows_its_delivery_in_the_status_bar(
    window: MainWindow, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await run_command(window, "fire: a friend says", qtbot)
    assert (await frame(client))["data"]["text"] == "Hi from alice!"
    assert window.status.message.text().startswith("Delivered to 1 client · #")


async def test_a_new_fixture_is_listed(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fixtures.save("bugs/late", Fixture(event="typing", data={"username": "zoe", "typing": True}))
    await run_command(window, "bugs/late", qtbot)
    assert (await frame(client))["data"]["username"] == "zoe"


async def test_a_fixture_that_cannot_be_fired_is_reported(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    await companion.fixtures.save("bugs/wrong", Fixture(event="typing", data={}))
    await run_command(window, "bugs/wrong", qtbot)
    assert "data.username" in window.status.message.text()


async def test_the_commands_for_pause_and_stop_match_the_state_of_the_server(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    await run_command(window, "pause sending", qtbot)
    paused = companion.state
    assert paused is ServerState.PAUSED
    await run_command(window, "resume sending", qtbot)
    assert companion.state is ServerState.LISTENING
    await run_command(window, "stop server", qtbot)
    await until(lambda: companion.state is ServerState.STOPPED)
    await run_command(window, "start server", qtbot)
    await until(lambda: companion.state is ServerState.LISTENING)


async def test_the_log_can_be_frozen_and_filtered(window: MainWindow, companion: Companion, qtbot: Any) -> None:
    await run_command(window, "freeze log", qtbot)
    assert window.events.freeze.isChecked()
    window.open_room(SETTINGS)
    await run_command(window, "filter", qtbot)
    assert window.rooms.current == EVENTS
    await until(window.events.filter.hasFocus)


async def test_commands_copy_the_url_show_the_shortcuts_and_quit(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    await run_command(window, "copy url", qtbot)
    assert QGuiApplication.clipboard().text() == companion.server.url
    await run_command(window, "keyboard", qtbot)
    box = QApplication.activeModalWidget()
    assert isinstance(box, QDialog)
    box.close()
    await activate(window)
    requests: list[bool] = []
    window.quit_requested.connect(lambda: requests.append(True))
    await run_command(window, "quit", qtbot)
    assert requests == [True]


# repeat last


async def test_repeat_sends_the_event_to_the_same_target_with_a_new_id(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    window.open_room(INJECT)
    window.inject.bar.target_box.setCurrentText("All clients of bob")
    qtbot.mouseClick(window.inject.bar.now, LEFT)
    first = await frame(bob)
    window.inject.bar.target_box.setCurrentText("Everyone")
    await run_command(window, "repeat", qtbot)
    second = await frame(bob)
    assert first["data"]["text"] == second["data"]["text"]
    assert first["data"]["msg_id"] != second["data"]["msg_id"]
    assert await all_frames(companion, alice) == []


async def test_ctrl_r_repeats_the_last_event_in_every_room(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    for room in ROOMS:
        with subtests.test(room=room.name):
            await companion.composer.fire_event(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
            window.open_room(room.name)
            qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_R, CONTROL)
            await wait_until_idle(companion)
            newest = [row.seq for row in companion.journal if row.kind is Kind.TO_UI][-1]
            frames = await all_frames(companion, client)
            assert [each["data"]["username"] for each in frames] == ["bob", "bob"]
            assert window.status.message.text() == f"Delivered to 1 client · #{newest}"


async def test_a_fixture_for_one_user_is_repeated_to_that_user(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    event = Fixture(event="typing", data={"username": "carol", "typing": True}, to="user:bob")
    await companion.fixtures.save("mine/for bob", event)
    await run_command(window, "mine/for bob", qtbot)
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    assert len(await all_frames(companion, bob)) == 2
    assert await all_frames(companion, alice) == []


async def test_ctrl_r_after_a_failed_fire_repeats_the_event_before(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fixtures.save("mine/wrong", Fixture(event="typing", data={}))
    await run_command(window, "fire: a friend comes", qtbot)
    await run_command(window, "mine/wrong", qtbot)
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    assert [each["event"] for each in await all_frames(companion, client)] == ["friend_online"] * 2


async def test_ctrl_r_before_any_event_shows_a_message(window: MainWindow, qtbot: Any) -> None:
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    await until(window.status.message.text)
    assert window.status.message.text() == "Nothing has been fired yet."


async def test_the_commands_of_a_friend_expand_no_template_in_its_name(companion: Companion) -> None:
    name = "{{seq}}"
    await companion.chat.add_person(name, is_friend=True)
    fired: list[Coroutine[Any, Any, Delivery]] = []
    (command,) = (
        each for each in friend_commands(companion, fired.append) if each.title == f"Switch {name} online"
    )
    command.act()
    await fired[0]
    (row,) = (each for each in companion.journal if each.event == "friend_online")
    assert json.loads(row.payload)["data"] == {"username": name}
