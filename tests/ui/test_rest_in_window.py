"""REST in the window: errors of its port, offers to add an unknown user, and warnings about non-friends."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.ui.window import SETTINGS, MainWindow
from tests.conftest import MakeCompanion, until
from tests.endpoints.http_client import Rest
from tests.ui.conftest import Windows
from tests.ui.test_chats_room import names, wait_until_updated

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def busy_sockets() -> Iterator[list[socket.socket]]:
    """Return two sockets that listen, so that their ports are busy."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
            each.listen()
        yield sockets


def port_of(busy: socket.socket) -> int:
    return int(busy.getsockname()[1])


@pytest.fixture
async def window_and_companion(make_companion: MakeCompanion, windows: Windows) -> tuple[MainWindow, Companion]:
    """Return a window whose companion serves events and REST."""
    companion = await make_companion()
    window = windows(companion)
    window.present()
    assert await companion.start()
    assert await companion.start_service("rest")
    return window, companion


@pytest.fixture
async def rest(window_and_companion: tuple[MainWindow, Companion]) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Rest(window_and_companion[1], session)


def press(window: MainWindow, title: str, qtbot: Any) -> None:
    buttons = [each for each in window.banner.buttons if each.text().startswith(title)]
    qtbot.mouseClick(buttons[0], LEFT)


def lines(window: MainWindow) -> list[str]:
    return window.banner.text.text().splitlines()


def buttons(window: MainWindow) -> list[str]:
    return [each.text() for each in window.banner.buttons]


async def rest_responds(companion: Companion) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{companion.rest.url}/status") as answer:
        return answer.status == HTTPStatus.OK and (await answer.json())["status"] == "ok"


# ports


async def test_a_busy_rest_port_is_shown_and_the_event_server_keeps_running(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket]
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    assert await companion.start()
    assert not await companion.start_service("rest")
    assert window.banner.isVisible()
    assert lines(window)[0].startswith(f"Port {port_of(busy_sockets[0])} is busy")
    assert "Events work" in lines(window)[0]
    assert buttons(window) == ["Retry", "Open Settings", "Dismiss"]
    assert companion.state is ServerState.LISTENING
    assert window.status.state.text().startswith("● Listening")


async def test_retry_starts_rest_once_the_port_is_free(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket], qtbot: Any
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    await companion.start()
    await companion.start_service("rest")
    errors: list[str] = []
    companion.changed.connect(lambda _: errors.append(companion.services["rest"].error))
    press(window, "Retry", qtbot)
    await until(lambda: errors)
    assert errors[-1].startswith("Port")
    assert window.banner.isVisible()
    busy_sockets[0].close()
    press(window, "Retry", qtbot)
    await until(lambda: companion.rest.listening)
    await until(lambda: not window.banner.isVisible())
    assert await rest_responds(companion)


async def test_the_banner_of_a_busy_rest_port_opens_settings(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket], qtbot: Any
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    await companion.start_service("rest")
    press(window, "Open Settings", qtbot)
    assert window.rooms.current == SETTINGS
    assert window.settings.fields.rest_port.value() == port_of(busy_sockets[0])


async def test_a_busy_control_port_is_shown_and_can_be_retried(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket], qtbot: Any
) -> None:
    companion = await make_companion(control_port=port_of(busy_sockets[0]))
    companion.control.token = "a-token-of-this-test"
    window = windows(companion)
    window.present()
    assert await companion.start()
    assert not await companion.start_service("control")
    assert lines(window)[0].startswith(f"Port {port_of(busy_sockets[0])} is busy")
    assert lines(window)[0].endswith("Scripts cannot reach this companion.")
    assert buttons(window) == ["Retry", "Open Settings", "Dismiss"]
    assert companion.state is ServerState.LISTENING
    busy_sockets[0].close()
    press(window, "Retry", qtbot)
    await until(lambda: companion.control.listening)
    await until(lambda: not window.banner.isVisible())


async def test_disabling_the_control_api_hides_its_port_error(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket]
) -> None:
    companion = await make_companion(control_port=port_of(busy_sockets[0]))
    companion.control.token = "a-token-of-this-test"
    window = windows(companion)
    window.present()
    await companion.start_service("control")
    assert window.banner.isVisible()
    await companion.apply(replace(companion.settings, control=False))
    assert not window.banner.isVisible()


async def test_two_busy_ports_are_shown_in_the_strip_and_the_banner(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket], qtbot: Any
) -> None:
    companion = await make_companion(port=port_of(busy_sockets[0]), rest_port=port_of(busy_sockets[1]))
    window = windows(companion)
    window.present()
    await companion.start()
    await companion.start_service("rest")
    assert window.strip.lines[0].text.text().startswith(f"Port {port_of(busy_sockets[0])} is busy")
    assert [line.split(" is busy")[0] for line in lines(window)] == [f"Port {port_of(busy_sockets[1])}"]
    assert buttons(window) == ["Retry", "Open Settings", "Dismiss"]
    busy_sockets[1].close()
    press(window, "Retry", qtbot)
    await until(lambda: companion.rest.listening)
    assert companion.state is ServerState.BLOCKED
    assert not window.banner.isVisible()
    assert window.strip.isVisible()
    busy_sockets[0].close()
    qtbot.mouseClick(window.strip.buttons[0], LEFT)
    await until(lambda: companion.state is ServerState.LISTENING)
    assert not window.strip.isVisible()


async def test_a_dismissed_notice_of_a_server_stays_dismissed_until_its_error_changes(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket], qtbot: Any
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[1]))
    window = windows(companion)
    window.present()
    await companion.start_service("rest")
    press(window, "Dismiss", qtbot)
    companion.pause()
    assert not window.banner.isVisible()
    await companion.apply(replace(companion.settings, rest_port=port_of(busy_sockets[0])))
    assert window.banner.isVisible()


async def test_a_busy_rest_port_is_ignored_if_rest_is_disabled(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket]
) -> None:
    companion = await make_companion(rest=False, rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    assert await companion.start()
    assert await companion.start_service("rest")
    assert not companion.rest.listening
    assert not window.banner.isVisible()


async def test_disabling_rest_hides_its_port_error(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket]
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    await companion.start_service("rest")
    assert window.banner.isVisible()
    await companion.apply(replace(companion.settings, rest=False))
    assert not window.banner.isVisible()


async def test_changing_the_rest_port_hides_its_port_error(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket], unused_tcp_port: int
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    await companion.start_service("rest")
    await companion.apply(replace(companion.settings, rest_port=unused_tcp_port))
    assert not window.banner.isVisible()
    assert await rest_responds(companion)


async def test_the_banner_shows_a_notice_and_a_port_error_together(
    make_companion: MakeCompanion, windows: Windows, busy_sockets: list[socket.socket]
) -> None:
    companion = await make_companion(rest_port=port_of(busy_sockets[0]))
    window = windows(companion)
    window.present()
    window.banner.show_notice("Something else", (("Do it", lambda: None),))
    await companion.start_service("rest")
    assert lines(window)[0] == "Something else"
    assert "is busy" in lines(window)[1]
    assert buttons(window) == ["Do it", "Retry", "Open Settings", "Dismiss"]
    busy_sockets[0].close()
    await companion.start_service("rest")
    assert lines(window) == ["Something else"]


# unknown users


async def test_an_unknown_user_can_be_added_as_a_persona_and_then_as_a_friend(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest, qtbot: Any
) -> None:
    window, _ = window_and_companion
    rejected = await rest.post("/friends", {"username": "zoe"})
    assert rejected.status == HTTPStatus.NOT_FOUND
    assert "zoe" in rejected.error
    await until(window.banner.isVisible)
    assert "'zoe'" in window.banner.text.text()
    assert buttons(window) == ["Add persona zoe", "Dismiss"]
    press(window, "Add persona", qtbot)
    assert not window.banner.isVisible()
    await wait_until_updated(window.chats)
    assert window.status.message.text() == "Added zoe"
    assert "zoe" not in names(window.chats)
    added = await rest.post("/friends", {"username": "zoe"})
    assert added.status == HTTPStatus.CREATED
    assert added.json["username"] == "zoe"
    await wait_until_updated(window.chats)
    assert "zoe" in names(window.chats)
    grid = window.inject.event_panel("friend_online")
    assert grid
    assert "zoe" in {label.text() for label in grid.findChildren(QLabel)}


async def test_only_the_latest_unknown_user_can_be_added(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest, qtbot: Any
) -> None:
    window, _ = window_and_companion
    for name in ("zoe", "yan"):
        await rest.post("/friends", {"username": name})
    await until(lambda: "Add persona yan" in buttons(window))
    assert buttons(window) == ["Add persona yan", "Dismiss"]
    press(window, "Dismiss", qtbot)
    assert not window.banner.isVisible()


async def test_no_button_to_add_a_known_or_empty_user_name_is_shown(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest, subtests: pytest.Subtests
) -> None:
    window, _ = window_and_companion
    for name in ("erin", "alice", ""):
        with subtests.test(name=name):
            await rest.post("/friends", {"username": name})
            await wait_until_updated(window.chats)
            assert not window.banner.isVisible()


@pytest.mark.parametrize("name", ["x" * 1000, "a/b", "two\nlines", "tab\there"])
async def test_an_unknown_user_with_an_invalid_name_cannot_be_added(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest, name: str
) -> None:
    window, _ = window_and_companion
    await rest.post("/friends", {"username": name})
    await until(window.banner.isVisible)
    assert len(lines(window)) == 1
    assert len(lines(window)[0]) < 250
    assert "no persona can have this name: it must not " in lines(window)[0]
    assert buttons(window) == ["Dismiss"]


async def test_the_name_of_an_unknown_user_is_shown_as_plain_text(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest
) -> None:
    window, _ = window_and_companion
    await rest.post("/friends", {"username": "<h1>zoe</h1>"})
    await until(window.banner.isVisible)
    assert "'<h1>zoe</h1>'" in window.banner.text.text()
    assert window.banner.text.textFormat() is Qt.TextFormat.PlainText


async def test_an_ampersand_in_an_unknown_user_name_does_not_create_a_shortcut(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest
) -> None:
    window, _ = window_and_companion
    await rest.post("/friends", {"username": "a&b"})
    await until(window.banner.isVisible)
    assert buttons(window)[0] == "Add persona a&&b"
    assert window.banner.buttons[0].accessibleName() == "Add persona a&b"


# events that the UI ignores


async def test_an_event_from_a_non_friend_shows_a_warning(
    window_and_companion: tuple[MainWindow, Companion],
) -> None:
    window, companion = window_and_companion
    await wait_until_updated(window.chats)
    panel = window.inject.event_panel("new_message")
    assert panel
    assert panel.warning.isHidden()
    panel.form().field("from").set_value("erin")
    assert not panel.warning.isHidden()
    assert panel.warning.text().startswith("erin is not a friend in this chat state")
    await companion.fire(Envelope("friend_online", {"username": "erin"}), origin=PANEL)
    panel.form().field("from").set_value("bob")
    assert panel.warning.isHidden()


async def test_the_warning_disappears_when_the_user_becomes_a_friend(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest
) -> None:
    window, _ = window_and_companion
    await wait_until_updated(window.chats)
    panel = window.inject.event_panel("typing")
    assert panel
    panel.form().field("username").set_value("erin")
    assert not panel.warning.isHidden()
    assert (await rest.post("/friends", {"username": "erin"})).status == HTTPStatus.CREATED
    await wait_until_updated(window.chats)
    panel = window.inject.event_panel("typing")
    assert panel
    assert panel.form().field("username").value() == "erin"
    assert panel.warning.isHidden()


async def test_a_new_friend_does_not_change_a_message_being_edited(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest
) -> None:
    window, _ = window_and_companion
    await wait_until_updated(window.chats)
    panel = window.inject.event_panel("new_message")
    assert panel
    panel.form().field("text").set_value("half written")
    assert (await rest.post("/friends", {"username": "erin"})).status == HTTPStatus.CREATED
    await wait_until_updated(window.chats)
    panel = window.inject.event_panel("new_message")
    assert panel
    assert panel.form().value()["text"] == "half written"


async def test_the_forms_list_the_current_friends(
    window_and_companion: tuple[MainWindow, Companion], rest: Rest
) -> None:
    window, companion = window_and_companion
    await wait_until_updated(window.chats)
    await rest.post("/friends", {"username": "frank"})
    await rest.delete("/friends/bob")
    await wait_until_updated(window.chats)
    assert companion.personas == ["alice", "carol", "dave", "frank"]
    panel = window.inject.event_panel("friend_online")
    assert panel
    assert {"alice", "carol", "dave", "frank"} <= {label.text() for label in panel.findChildren(QLabel)}
    assert "bob" not in {label.text() for label in panel.findChildren(QLabel)}


@pytest.fixture
def refresh_is_due(window_and_companion: tuple[MainWindow, Companion]) -> None:
    """Let the first refresh of the Chats room be due before the loop runs the test."""
    window_and_companion[0].chats._refresh.start(0)


@pytest.mark.usefixtures("refresh_is_due")
async def test_a_window_built_before_the_chat_state_is_open_shows_its_friends_later(
    window_and_companion: tuple[MainWindow, Companion],
) -> None:
    window, _ = window_and_companion
    await wait_until_updated(window.chats)
    assert names(window.chats) == ["alice", "carol", "bob", "dave"]
