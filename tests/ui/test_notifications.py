"""Desktop notifications: each kind has a switch, they are merged, and suppressed while the window has the focus."""

from typing import Any

import pytest
from msgspec.structs import replace

from app.companion import Companion
from app.hub.expectation import Expectation
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from app.ui import notifications
from app.ui.notifications import MERGE_MS, Note, Notifications, merged
from app.ui.room_registry import CHATS, CLIENTS, EVENTS
from tests.conftest import Connect, until
from tests.ui.frames import wait_until_idle

ALL_ENABLED = {
    "notify_messages": True, "notify_refused": True, "notify_disconnects": True, "notify_expectations": True,
}  # fmt: skip
PAGE = "http://localhost:5173"


class NotificationRecorder:
    """Notifications that the test flushes and records."""

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
async def recorder(companion: Companion) -> Any:
    recorder = NotificationRecorder(companion)
    recorder.notifications._timer.setInterval(3_600_000)  # a test may need longer than MERGE_MS for what is merged
    yield recorder
    recorder.notifications.close_down()


async def fire_message(companion: Companion, text: str, sender: str = "alice", **data: Any) -> None:
    event = companion.message_from(sender, text)
    await companion.fire(Envelope(event.event, {**event.data, **data}), origin=PANEL)


async def cause_all_notifications(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client("bob")
    await fire_message(companion, "hi")
    companion.rejection_log.add("events", "not allowed", PAGE)
    await companion.expect(Expectation("mark_read"), 0)
    await client.close()
    await until(lambda: companion.hub.connection_count == 0)


def test_all_notifications_are_off_by_default() -> None:
    assert not any(getattr(Settings(), name) for name in ALL_ENABLED)


async def test_no_notification_is_shown_by_default(recorder: NotificationRecorder, connect_client: Connect) -> None:
    await cause_all_notifications(recorder.companion, connect_client)
    assert recorder.flushed() == []
    assert not recorder.companion.journal.appended  # no listener, because no kind is enabled


@pytest.mark.parametrize(
    ("setting", "title", "body", "room"),
    [
        ("notify_messages", "alice", "hi", CHATS),
        ("notify_refused", "Web page refused", f"{PAGE} may not connect. Allow it in Clients.", CLIENTS),
        ("notify_disconnects", "Client disconnected", "1 · bob", CLIENTS),
        ("notify_expectations", "Expectation failed", "mark_read was not received within 0 s", EVENTS),
    ],
)
async def test_each_kind_of_notification_has_a_setting(
    recorder: NotificationRecorder, connect_client: Connect, setting: str, title: str, body: str, room: str
) -> None:
    await recorder.use(**{setting: True})
    await cause_all_notifications(recorder.companion, connect_client)
    recorder.notifications.flush()
    assert recorder.shown == [Note(title, body, room)]
    await recorder.use(**{setting: False})
    recorder.shown.clear()
    await cause_all_notifications(recorder.companion, connect_client)
    assert recorder.flushed() == []


async def test_only_messages_delivered_to_the_ui_are_shown(
    recorder: NotificationRecorder, connect_client: Connect
) -> None:
    await recorder.use(notify_messages=True)
    await fire_message(recorder.companion, "no client is connected")
    await connect_client()
    await wait_until_idle(recorder.companion)
    await fire_message(recorder.companion, "from me", sender="me", to="alice", direction="sent")
    await recorder.companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)
    assert recorder.flushed() == []
    await fire_message(recorder.companion, "hi")
    assert recorder.flushed() == [("alice", "hi")]


async def test_a_connection_that_the_companion_closes_is_not_reported(
    recorder: NotificationRecorder, connect_client: Connect
) -> None:
    await recorder.use(notify_disconnects=True)
    await connect_client()
    await recorder.companion.stop()
    assert recorder.flushed() == []


async def test_a_rejected_page_is_reported_once(recorder: NotificationRecorder) -> None:
    await recorder.use(notify_refused=True)
    for _ in range(3):
        recorder.companion.rejection_log.add("events", "not allowed", PAGE)
    recorder.companion.rejection_log.add("events", "a port scanner")
    assert len(recorder.flushed()) == 1
    recorder.companion.rejection_log.add("events", "not allowed", PAGE)
    assert recorder.flushed() == []


async def test_a_page_is_reported_if_it_was_first_rejected_while_the_window_had_the_focus(
    recorder: NotificationRecorder,
) -> None:
    recorder.companion.rejection_log.add("events", "not allowed", PAGE)
    await recorder.use(notify_refused=True)
    recorder.focused = True
    recorder.companion.rejection_log.add("events", "not allowed", PAGE)
    recorder.focused = False
    recorder.companion.rejection_log.add("events", "not allowed", PAGE)
    assert len(recorder.flushed()) == 1
    recorder.companion.rejection_log.add("rest", "not allowed", PAGE)
    assert recorder.flushed() == []


async def test_notifications_are_suppressed_while_the_window_has_the_focus(
    recorder: NotificationRecorder, connect_client: Connect
) -> None:
    await recorder.use(**ALL_ENABLED)
    recorder.focused = True
    await cause_all_notifications(recorder.companion, connect_client)
    recorder.focused = False
    assert recorder.flushed() == []


async def test_no_message_is_parsed_while_the_window_has_the_focus(
    recorder: NotificationRecorder, connect_client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(notifications, "_message", lambda row: parsed.append(row.event))
    await recorder.use(notify_messages=True)
    await connect_client()
    recorder.focused = True
    await fire_message(recorder.companion, "hi")
    assert parsed == []
    recorder.focused = False
    await fire_message(recorder.companion, "hi")
    assert parsed == ["new_message"]


async def test_pending_notifications_are_dropped_when_the_window_gets_the_focus(
    recorder: NotificationRecorder, connect_client: Connect
) -> None:
    await recorder.use(notify_messages=True)
    await connect_client()
    await fire_message(recorder.companion, "hi")
    recorder.focused = True
    assert recorder.flushed() == []
    recorder.focused = False
    assert recorder.flushed() == []


async def test_notifications_within_two_seconds_are_merged(
    recorder: NotificationRecorder, connect_client: Connect
) -> None:
    assert MERGE_MS == 2000
    await recorder.use(notify_messages=True)
    await connect_client()
    timer = recorder.notifications._timer
    await fire_message(recorder.companion, "one")
    assert timer.isActive()
    assert recorder.shown == []
    await fire_message(recorder.companion, "two")
    assert recorder.shown == []
    timer.setInterval(0)  # as if two seconds had passed
    await until(lambda: recorder.shown)
    assert [(note.title, note.body) for note in recorder.shown] == [("alice", "one\ntwo")]
    assert not timer.isActive()


async def test_a_flood_of_messages_is_counted(recorder: NotificationRecorder, connect_client: Connect) -> None:
    await recorder.use(notify_messages=True)
    await connect_client(max_queue=None)  # it reads nothing, and must still see that it is closed
    for number in range(50):
        await fire_message(recorder.companion, f"message {number}")
        await fire_message(recorder.companion, "from me", sender="me", to="alice", direction="sent")
    (notification,) = recorder.flushed()
    assert notification == (
        "50 notifications", "alice: message 0\nalice: message 1\nalice: message 2\nand 47 more"
    )  # fmt: skip


def test_merged_notifications_contain_the_titles() -> None:
    notes = [Note("alice", "hi\nthere", CHATS), Note("Client disconnected", "2 · bob", CLIENTS)]
    assert merged(notes) == Note(
        "2 notifications", "alice: hi there\nClient disconnected: 2 · bob", CLIENTS
    )  # fmt: skip


def test_a_long_text_is_cut() -> None:
    assert len(merged([Note("alice", "x" * 10_000, CHATS)]).body) < 200


async def test_after_close_down_nothing_is_shown(companion: Companion, connect_client: Connect) -> None:
    recorder = NotificationRecorder(companion)
    await recorder.use(**ALL_ENABLED)
    recorder.notifications.close_down()
    await cause_all_notifications(companion, connect_client)
    assert recorder.flushed() == []
    assert not companion.expectation_failed
