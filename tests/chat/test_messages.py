"""Messages are stored once, before they are sent, in the order of the calls, and are unread at first."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.target import ALL
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError
from app.protocol.faults.words import parse_fault
from app.storage import chat_file as storage
from app.storage import migrations
from tests.chat.windows import frames_so_far, friend, sent_rows, unread
from tests.conftest import PATIENCE_S, Connect, MakeCompanion, until
from tests.storage.stored import other_connection


async def chat_of(companion: Companion, peer: str) -> list[dict[str, Any]]:
    return (await companion.chat.store.page(peer, 1_000, 0))[0]


async def test_a_fired_message_is_stored_unchanged(companion: Companion) -> None:
    event = companion.message_from("bob", "Grüße 👋\n\0 end")
    event.data["reactions"] = [{"emoji": "👍", "from": "me"}]
    await companion.fire(event, origin=PANEL)
    assert (await chat_of(companion, "bob"))[-1] == event.data


@pytest.mark.parametrize("direction", ["received", "sent"])
async def test_a_message_is_stored_in_the_chat_with_the_peer(companion: Companion, direction: str) -> None:
    event = companion.message_from("zoe", "Hi")
    event.data["direction"] = direction
    await companion.fire(event, origin=PANEL)
    assert await chat_of(companion, "zoe" if direction == "received" else "me") == [event.data]


async def test_the_same_id_is_stored_once_and_sent_every_time(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    event = companion.message_from("bob", "Hi")
    before = len(await chat_of(companion, "bob"))
    for text in ("Hi", "Hi", "something else"):
        await companion.fire(Envelope("new_message", {**event.data, "text": text}), origin=PANEL)
    assert len(await chat_of(companion, "bob")) == before + 1
    assert (await chat_of(companion, "bob"))[-1]["text"] == "Hi"
    assert (await unread(companion))["bob"] == 1
    assert [len(frames) for frames in await frames_so_far(companion, socket)] == [3]


async def test_a_message_is_stored_before_a_client_receives_it(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    firing = asyncio.create_task(companion.fire(companion.message_from("bob", "Hi"), origin=PANEL))
    frame = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))
    assert (await chat_of(companion, "bob"))[-1] == frame["data"]
    await firing


async def test_marking_messages_as_read_reduces_the_unread_count(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    for text in ("one", "two", "three"):
        await companion.fire(companion.message_from("bob", text), origin=PANEL)
    assert (await unread(companion))["bob"] == 3
    ids = [message["msg_id"] for message in (await chat_of(companion, "bob"))[-3:]]
    for msg_id, unread_left in zip(ids, (2, 1, 0), strict=True):
        await socket.send(json.dumps({"event": "mark_read", "data": {"peer": "bob", "msg_id": msg_id}}))
        rows = len([row for row in companion.journal if row.event == "mark_read"])
        await until(lambda rows=rows: len([r for r in companion.journal if r.event == "mark_read"]) > rows)
        assert (await unread(companion))["bob"] == unread_left
    assert [row.note for row in companion.journal if row.event == "mark_read"] == ["1 message from bob read"] * 3


async def test_a_delayed_frame_of_the_ui_is_handled_before_a_session_uses_a_copy_of_the_chat_state(
    companion: Companion, connect_client: Connect
) -> None:
    """Regression: the messages became read in the copy, and were unread again after the session."""
    socket = await connect_client()
    msg_id = (await chat_of(companion, "alice"))[-1]["msg_id"]
    companion.faults.arm(ALL, [parse_fault("latency=600000", "from_ui")])
    await socket.send(json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": msg_id}}))
    await until(lambda: any(row.event == "fault" for row in companion.journal))
    assert (await unread(companion))["alice"] == 2
    await companion.chat.begin_scratch()
    await companion.chat.end_scratch(keep=False)
    assert (await unread(companion))["alice"] == 0


async def test_read_marks_survive_a_restart(make_companion: MakeCompanion, tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    first = await make_companion(chat_file=file)
    newest = (await chat_of(first, "alice"))[-1]["msg_id"]
    assert await first.chat.mark_read("alice", newest) == 2
    await first.close()
    assert (await unread(await make_companion(chat_file=file)))["alice"] == 0


async def test_events_are_sent_in_the_order_of_the_calls(companion: Companion, connect_client: Connect) -> None:
    """An event that stores nothing does not overtake one that does."""
    socket = await connect_client()
    events: list[Envelope] = []
    for number in range(30):
        events += [
            companion.message_from("bob", str(number)),
            Envelope("typing", {"username": "bob", "typing": number % 2 == 0}),
            Envelope("friend_online" if number % 3 else "friend_offline", {"username": "bob"}),
        ]
    await asyncio.gather(*(companion.fire(event, origin=PANEL) for event in events))
    (frames,) = await frames_so_far(companion, socket)
    assert frames == [{"event": event.event, "data": event.data} for event in events]


async def test_raw_and_resent_frames_are_sent_in_the_order_of_the_calls(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    await companion.fire(Envelope("typing", {"username": "bob", "typing": True}), origin=PANEL)
    (row,) = sent_rows(companion)
    await asyncio.gather(
        companion.fire(companion.message_from("bob", "1"), origin=PANEL),
        companion.send_raw('{"event":"raw","data":{}}', origin=PANEL),
        companion.fire(companion.message_from("bob", "2"), origin=PANEL),
        companion.resend(row, origin=PANEL),
    )
    (frames,) = await frames_so_far(companion, socket)
    assert [frame["event"] for frame in frames] == ["typing", "new_message", "raw", "new_message", "typing"]


@pytest.mark.parametrize("event", ["new_message", "friend_online", "friend_offline"])
async def test_an_event_that_cannot_be_stored_is_not_sent(
    make_companion: MakeCompanion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 20)
    companion = await make_companion(chat_file=tmp_path / "chat.db")
    before = await companion.chat.store.snapshot()
    fired = companion.message_from("bob", "Hi") if event == "new_message" else Envelope(event, {"username": "bob"})
    emitted: list[None] = []
    companion.chat.changed.connect(emitted.append)
    with other_connection(tmp_path / "chat.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"another program has locked chat\.db"):
            await companion.fire(fired, origin=PANEL)
        other.execute("ROLLBACK")
    assert (len(companion.journal), emitted) == (0, [])
    assert await companion.chat.store.snapshot() == before
    await companion.fire(fired, origin=PANEL)
    assert len(sent_rows(companion)) == 1


async def test_a_read_mark_that_cannot_be_stored_is_logged_as_a_warning(
    make_companion: MakeCompanion,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 20)
    companion = await make_companion(chat_file=tmp_path / "chat.db")
    client = companion.hub.join(_NullTransport())
    with other_connection(tmp_path / "chat.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        pending = companion.router.receive(client, '{"event":"mark_read","data":{"peer":"bob","msg_id":"1"}}')
        assert pending is not None
        await pending
    (row,) = [row for row in companion.journal if row.event == "mark_read"]
    assert row.verdict == "warning"


class _NullTransport:
    def write(self, frame: bytes) -> None: ...

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...

    def latency(self) -> float:
        return 0.0


async def test_a_timestamp_in_lower_case_is_the_same_time(companion: Companion) -> None:
    """RFC 3339 allows ``z`` for ``Z``, and so does the contract."""
    event = companion.message_from("bob", "newest of all")
    event.data["timestamp"] = "2090-01-15T10:30:00z"
    await companion.fire(event, origin=PANEL)
    assert (await chat_of(companion, "bob"))[-1]["text"] == "newest of all"


async def test_a_full_disk_at_the_first_start_adds_a_warning_and_the_companion_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_companion: MakeCompanion
) -> None:
    """The disk has room for the schema, but not for the cast."""
    monkeypatch.setattr(
        migrations, "STEPS", (*migrations.STEPS, "PRAGMA max_page_count = 1;")
    )  # the number of pages in use
    with other_connection(tmp_path / "chat.db") as other:
        other.execute("PRAGMA page_size = 512")
        other.execute("PRAGMA application_id = 1")
    companion = await make_companion(chat_file=tmp_path / "chat.db")
    assert await companion.start(), companion.services["events"].error
    assert any("full" in warning for warning in companion.warnings)


async def test_a_message_from_a_non_friend_is_stored_and_the_sender_is_not_listed(companion: Companion) -> None:
    await companion.fire(companion.message_from("erin", "Hi"), origin=PANEL)
    assert "erin" not in await unread(companion)
    await companion.chat.add_friend("erin")
    assert (await unread(companion))["erin"] == 1
    assert not (await friend(companion, "erin")).online
