"""The tray icon: it shows the state, and its menu fires events."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture, FixtureExpectation
from app.system.settings import Settings
from app.ui.tray import Tray, icon_name
from tests.conftest import Connect, until
from tests.ui.cast import set_friends
from tests.ui.frames import all_frames, frame, wait_until_idle
from tests.ui.parts import menu_of

ALL = "Show all fixtures"


@pytest.fixture
async def tray(companion: Companion) -> Any:
    tray = Tray(companion)
    yield tray
    tray.close_down()


@pytest.fixture
def busy_port() -> Iterator[socket.socket]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


def entries(tray: Tray) -> dict[str, QAction]:
    """Emit ``aboutToShow`` of the menu and return its actions by text."""
    tray.menu.aboutToShow.emit()
    return {action.text(): action for action in tray.menu.actions() if not action.isSeparator()}


def fire_entries(tray: Tray) -> dict[str, QAction]:
    return {
        action.text(): action for action in menu_of(entries(tray)["Fire"]).actions() if not action.isSeparator()
    }


def status(tray: Tray) -> QAction:
    return next(iter(entries(tray).values()))


async def test_the_icon_shows_the_server_state(companion: Companion, connect_client: Connect) -> None:
    assert icon_name(companion) == "tray/listening"
    client = await connect_client()
    assert icon_name(companion) == "tray/connected"
    companion.pause()
    assert icon_name(companion) == "tray/paused"
    companion.pause(False)
    await client.close()
    await until(lambda: icon_name(companion) == "tray/listening")
    await companion.stop()
    assert icon_name(companion) == "tray/stopped"
    companion.services["events"].error = "Port 8081 is busy."
    assert icon_name(companion) == "tray/busy"


async def test_the_icon_and_its_tooltip_follow_the_state(
    tray: Tray, companion: Companion, connect_client: Connect
) -> None:
    def picture() -> int:
        return tray.icon.icon().cacheKey()

    before = picture()
    assert tray.icon.toolTip() == f"P2P Chat Companion\nListening · 127.0.0.1:{companion.server.port} · 0 clients"
    await connect_client()
    connected = picture()
    assert connected != before
    assert tray.icon.toolTip().endswith("1 client")
    companion.pause()
    assert picture() not in (before, connected)
    assert "Paused" in tray.icon.toolTip()


async def test_the_menu_lists_all_actions_in_order(tray: Tray, companion: Companion) -> None:
    assert list(entries(tray)) == [
        f"Listening · 127.0.0.1:{companion.server.port} · 0 clients",
        "Open", "Fire", "Run", "Repeat last", "Show fire bar", "Pause sending", "Copy URL", "Open logs folder",
        "Settings", "Quit",
    ]  # fmt: skip
    assert tray.menu.defaultAction().text() == "Open"


async def test_an_opened_menu_leaves_no_submenus_behind(tray: Tray) -> None:
    for _ in range(5):
        entries(tray)
    assert len(tray.menu.findChildren(QMenu)) == 2


async def test_the_status_line_is_updated_when_the_menu_opens(
    tray: Tray, companion: Companion, connect_client: Connect
) -> None:
    assert not status(tray).isEnabled()
    await connect_client()
    await connect_client()
    assert status(tray).text() == f"Listening · 127.0.0.1:{companion.server.port} · 2 clients"


async def test_the_fire_menu_fires_events(tray: Tray, companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    messages: list[str] = []
    tray.status_message.connect(messages.append)
    expected = [
        ("A friend says hi", "new_message", {}),
        ("A friend comes online", "friend_online", {"username": "alice"}),
        ("A friend goes offline", "friend_offline", {"username": "alice"}),
        ("A friend is typing", "typing", {"username": "alice", "typing": True}),
        ("A friend stops typing", "typing", {"username": "alice", "typing": False}),
    ]
    assert list(fire_entries(tray)) == [*(title for title, _, _ in expected), ALL]
    for title, event, data in expected:
        fire_entries(tray)[title].trigger()
        arrived = await frame(client)
        assert arrived["event"] == event
        assert data == arrived["data"] or event == "new_message"
        assert companion.catalog.problems(Envelope(**arrived)) == []
    assert messages == ["delivered to 1 client"] * 5
    assert {row.origin for row in companion.journal if row.kind == "s2c"} == {"tray"}


async def test_the_run_menu_runs_scenarios_and_reports_their_verdict(
    tray: Tray, companion: Companion, connect_client: Connect, tmp_path: Path
) -> None:
    await companion.apply(replace(companion.settings, sessions=str(tmp_path)))
    await companion.saved_sessions.save("quick", "# Quick\nbob: hi\n", ".chat")
    await companion.saved_sessions.save("endless", "# Endless\nwhen typing\n    bob: hi\n", ".chat")
    client = await connect_client()
    reports: list[str] = []
    tray.fired.connect(reports.append)

    def run_entries() -> dict[str, QAction]:
        return {action.text(): action for action in menu_of(entries(tray)["Run"]).actions()}

    assert [text for text in run_entries() if text][:2] == ["Endless", "Quick"]
    assert not run_entries()["Stop all scenarios"].isEnabled()
    run_entries()["Quick"].trigger()
    assert (await frame(client))["data"]["text"] == "hi"
    await until(lambda: any(each.startswith("Quick: Passed after") for each in reports))
    run_entries()["Endless"].trigger()
    await until(lambda: "Running Endless" in reports)
    run_entries()["Stop all scenarios"].trigger()
    await until(lambda: any(each.startswith("Endless: Stopped after") for each in reports))


async def test_messages_from_the_tray_have_new_ids_and_go_to_the_local_user(
    tray: Tray, companion: Companion, connect_client: Connect
) -> None:
    companion.settings.username = "max"
    client = await connect_client()
    ids = set()
    for _ in range(2):
        fire_entries(tray)["A friend says hi"].trigger()
        data = (await frame(client))["data"]
        assert (data["from"], data["to"]) == ("alice", "max")
        ids.add(data["msg_id"])
    assert len(ids) == 2


async def test_the_tray_fires_events_as_the_first_persona(
    tray: Tray, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    for friends, sender in ((("zoe", "yan"), "yan"), ((), "alice")):
        await set_friends(companion, *friends)
        fire_entries(tray)["A friend says hi"].trigger()
        arrived = (await all_frames(companion, client))[-1]["data"]
        assert (arrived["from"], arrived["text"]) == (sender, f"Hi from {sender}!")


async def test_firing_without_clients_is_reported(tray: Tray) -> None:
    messages: list[str] = []
    tray.status_message.connect(messages.append)
    fire_entries(tray)["A friend is typing"].trigger()
    await until(lambda: messages)
    assert messages == ["not sent: no client is connected"]


async def test_an_event_that_cannot_be_fired_is_reported(tray: Tray, companion: Companion) -> None:
    results: list[str] = []
    tray.fired.connect(results.append)
    tray._fire(Fixture(event="typing", data={"username": 1, "typing": True}))
    await until(lambda: results)
    assert results[0].startswith("data.username: must be")


async def test_repeat_last_fires_the_last_event(tray: Tray, companion: Companion, connect_client: Connect) -> None:
    assert not entries(tray)["Repeat last"].isEnabled()
    first, second = await connect_client("alice"), await connect_client("bob")
    await companion.composer.fire_event(Envelope("friend_online", {"username": "carol"}), origin=PANEL)
    entries(tray)["Repeat last"].trigger()
    for client in (first, second):
        assert [each["data"]["username"] for each in await all_frames(companion, client)] == ["carol"] * 2


async def test_a_repeated_message_has_a_new_id(tray: Tray, companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    fire_entries(tray)["A friend says hi"].trigger()
    await wait_until_idle(companion)
    entries(tray)["Repeat last"].trigger()
    first, second = await all_frames(companion, client)
    assert first["data"]["text"] == second["data"]["text"]
    assert first["data"]["msg_id"] != second["data"]["msg_id"]


async def test_pause_and_resume(tray: Tray, companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    entries(tray)["Pause sending"].trigger()
    paused = companion.state
    assert paused is ServerState.PAUSED
    assert "Pause sending" not in entries(tray)
    fire_entries(tray)["A friend is typing"].trigger()
    await wait_until_idle(companion)
    entries(tray)["Resume sending"].trigger()
    assert companion.state is ServerState.LISTENING
    assert await all_frames(companion, client) == []


async def test_a_stopped_server_is_started_from_the_menu(tray: Tray, companion: Companion) -> None:
    await companion.stop()
    actions = entries(tray)
    assert "Pause sending" not in actions
    actions["Start server"].trigger()
    await until(lambda: companion.state is ServerState.LISTENING)


async def test_retry_is_offered_while_the_port_is_busy(busy_port: socket.socket) -> None:
    companion = Companion(Settings(port=busy_port.getsockname()[1]))
    tray = Tray(companion)
    await companion.start()
    assert status(tray).text().startswith("Port busy")
    entries(tray)["Retry"].trigger()
    await until(lambda: companion.state is ServerState.BLOCKED)
    busy_port.close()
    entries(tray)["Retry"].trigger()
    await until(lambda: companion.state is ServerState.LISTENING)
    assert "Retry" not in entries(tray)
    tray.close_down()
    await companion.close()


async def test_menu_actions_emit_requests(tray: Tray) -> None:
    requests: list[str] = []
    for name in ("open", "settings", "logs", "quit", "fixtures"):
        getattr(tray, f"{name}_requested").connect(lambda name=name: requests.append(name))
    for title in ("Open", "Settings", "Open logs folder", "Quit"):
        entries(tray)[title].trigger()
    fire_entries(tray)[ALL].trigger()
    assert requests == ["open", "settings", "logs", "quit", "fixtures"]


async def test_copy_url(tray: Tray, companion: Companion) -> None:
    entries(tray)["Copy URL"].trigger()
    assert QGuiApplication.clipboard().text() == companion.server.url


@pytest.mark.parametrize(
    ("reason", "opens"),
    [
        (QSystemTrayIcon.ActivationReason.Trigger, True),
        (QSystemTrayIcon.ActivationReason.DoubleClick, True),
        (QSystemTrayIcon.ActivationReason.Context, False),
        (QSystemTrayIcon.ActivationReason.MiddleClick, False),
    ],
)
async def test_a_click_on_the_icon_opens_the_window(
    tray: Tray, reason: QSystemTrayIcon.ActivationReason, opens: bool
) -> None:
    requests: list[bool] = []
    tray.open_requested.connect(lambda: requests.append(True))
    tray.icon.activated.emit(reason)
    assert requests == [True] * opens


async def test_a_closed_tray_ignores_later_changes(companion: Companion, connect_client: Connect) -> None:
    tray = Tray(companion)
    tip = tray.icon.toolTip()
    tray.close_down()
    await connect_client()
    companion.pause()
    assert tray.icon.toolTip() == tip
    assert not tray.icon.isVisible()


async def test_a_fixture_that_is_fired_from_the_tray_is_checked(
    tray: Tray, companion: Companion, connect_client: Connect
) -> None:
    await connect_client()
    failed: list[str] = []
    companion.expectation_failed.connect(lambda each: failed.append(str(each.expected)))
    data = {"username": "alice", "typing": True}
    tray._fire(Fixture(event="typing", data=data, expect=FixtureExpectation(event="mark_read", within=0.1)))
    await until(lambda: failed)
    assert failed == ["mark_read"]
