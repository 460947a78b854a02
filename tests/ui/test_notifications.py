"""Desktop notifications: each kind has a switch, they are merged, and suppressed while the window has the focus."""

from typing import Any

import pytest
from msgspec.structs import replace

from app.companion import Companion
from app.hub.expectation import Expectation
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from app.ui import notifications
from app.ui.notifications import MERGE_MS, Note, Notifications, merged
from app.ui.room_registry import CHATS, CLIENTS, EVENTS
from tests.conftest import Connect, until
from tests.ui.frames import wait_until_idle

ALL = {
    "notify_messages": True, "notify_refused": True, "notify_disconnects": True, "notify_expectations": True,
}  # fmt: skip
PAGE = "http://localhost:5173"


class Watched:
    """Notifications whose time is told by the test."""

    def __init__(self, companion: Companion) -> None:
        self.companion = companion
        self.focused = False
        self.shown: list[Note] = []
        self.notifications = Notifications(companion, self.shown.append, lambda: self.focused)

    async def use(self, **settings: bool) -> None:
        await self.companion.apply(replace(self.companion.settings, **settings))

    def flushed(self) -> list[tuple[str, str]]:
        self.notifications.flush()
        found = [(note.title, note.body) for note in self.shown]
        self.shown.clear()
        return found


@pytest.fixture
async def watched(companion: Companion) -> Any:
    watched = Watched(companion)
    yield watched
    watched.notifications.close_down()


async def say(companion: Companion, text: str, sender: str = "alice", **data: Any) -> None:
    event = companion.message_from(sender, text)
    await companion.fire(Envelope(event.event, {**event.data, **data}), origin="panel")


async def everything_happens(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client("bob")
    await say(companion, "hi")
    companion.rejection_log.add("events", "not allowed", PAGE)
    await companion.expect(Expectation("mark_read"), 0)
    await client.close()
    await until(lambda: companion.hub.connection_count == 0)


def test_all_are_off_by_default() -> None:
    assert not any(getattr(Settings(), name) for name in ALL)


async def test_nothing_is_shown_by_default(watched: Watched, connect_client: Connect) -> None:
    await everything_happens(watched.companion, connect_client)
    assert watched.flushed() == []
    assert not watched.companion.journal.appended  # nobody reads every row for nothing


@pytest.mark.parametrize(
    ("setting", "title", "body", "room"),
    [
        ("notify_messages", "alice", "hi", CHATS),
        ("notify_refused", "Web page refused", f"{PAGE} may not connect. Allow it in Clients.", CLIENTS),
        ("notify_disconnects", "Client disconnected", "1 · bob", CLIENTS),
        ("notify_expectations", "Expectation failed", "mark_read was not received within 0 s", EVENTS),
    ],
)
async def test_each_kind_has_a_switch(
    watched: Watched, connect_client: Connect, setting: str, title: str, body: str, room: str
) -> None:
    await watched.use(**{setting: True})
    await everything_happens(watched.companion, connect_client)
    watched.notifications.flush()
    assert watched.shown == [Note(title, body, room)]
    await watched.use(**{setting: False})
    watched.shown.clear()
    await everything_happens(watched.companion, connect_client)
    assert watched.flushed() == []


async def test_only_a_message_that_reached_the_ui_counts(watched: Watched, connect_client: Connect) -> None:
    await watched.use(notify_messages=True)
    await say(watched.companion, "nobody is connected")
    await connect_client()
    await wait_until_idle(watched.companion)
    await say(watched.companion, "from me", sender="me", to="alice", direction="sent")
    await watched.companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin="panel")
    assert watched.flushed() == []
    await say(watched.companion, "hi")
    assert watched.flushed() == [("alice", "hi")]


async def test_a_connection_that_the_companion_closes_is_not_reported(
    watched: Watched, connect_client: Connect
) -> None:
    await watched.use(notify_disconnects=True)
    await connect_client()
    await watched.companion.stop()
    assert watched.flushed() == []


async def test_a_page_that_keeps_trying_is_reported_once(watched: Watched) -> None:
    await watched.use(notify_refused=True)
    for _ in range(3):
        watched.companion.rejection_log.add("events", "not allowed", PAGE)
    watched.companion.rejection_log.add("events", "a port scanner")
    assert len(watched.flushed()) == 1
    watched.companion.rejection_log.add("events", "not allowed", PAGE)
    assert watched.flushed() == []


async def test_they_are_suppressed_while_the_window_has_the_focus(
    watched: Watched, connect_client: Connect
) -> None:
    await watched.use(**ALL)
    watched.focused = True
    await everything_happens(watched.companion, connect_client)
    watched.focused = False
    assert watched.flushed() == []


async def test_no_message_is_parsed_while_the_window_has_the_focus(
    watched: Watched, connect_client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(notifications, "_message", lambda row: parsed.append(row.event))
    await watched.use(notify_messages=True)
    await connect_client()
    watched.focused = True
    await say(watched.companion, "hi")
    assert parsed == []
    watched.focused = False
    await say(watched.companion, "hi")
    assert parsed == ["new_message"]


async def test_those_that_wait_are_dropped_when_the_window_gets_the_focus(
    watched: Watched, connect_client: Connect
) -> None:
    await watched.use(notify_messages=True)
    await connect_client()
    await say(watched.companion, "hi")
    watched.focused = True
    assert watched.flushed() == []
    watched.focused = False
    assert watched.flushed() == []


async def test_what_comes_together_is_shown_as_one_after_the_time(
    watched: Watched, connect_client: Connect
) -> None:
    assert MERGE_MS == 2000
    await watched.use(notify_messages=True)
    await connect_client()
    timer = watched.notifications._timer
    await say(watched.companion, "one")
    assert timer.isActive()
    assert watched.shown == []
    await say(watched.companion, "two")
    assert watched.shown == []
    timer.setInterval(0)  # two seconds are over
    await until(lambda: watched.shown)
    assert [(note.title, note.body) for note in watched.shown] == [("alice", "one\ntwo")]
    assert not timer.isActive()


async def test_a_flood_of_messages_is_counted(watched: Watched, connect_client: Connect) -> None:
    await watched.use(notify_messages=True)
    await connect_client()
    for number in range(50):
        await say(watched.companion, f"message {number}")
    (found,) = watched.flushed()
    assert found == (
        "50 notifications", "alice: message 0\nalice: message 1\nalice: message 2\nand 47 more"
    )  # fmt: skip


def test_different_ones_are_merged_with_their_titles() -> None:
    notes = [Note("alice", "hi\nthere", CHATS), Note("Client disconnected", "2 · bob", CLIENTS)]
    assert merged(notes) == Note(
        "2 notifications", "alice: hi there\nClient disconnected: 2 · bob", CLIENTS
    )  # fmt: skip


def test_a_long_text_is_cut() -> None:
    assert len(merged([Note("alice", "x" * 10_000, CHATS)]).body) < 200


async def test_after_the_end_nothing_is_shown(companion: Companion, connect_client: Connect) -> None:
    watched = Watched(companion)
    await watched.use(**ALL)
    watched.notifications.close_down()
    await everything_happens(companion, connect_client)
    assert watched.flushed() == []
    assert not companion.expectation_failed
