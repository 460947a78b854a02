"""The chat store: errors that name what is missing, activity that is stored later, snapshots and their files."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from app.chat import service
from app.chat.snapshot import parse_snapshot
from app.chat.store import ChatStore
from app.hub.clock import Clock
from app.protocol.backend import MAX_TEXT
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, Malformed, NotFound, RequestError, StorageError
from app.protocol.event_files.effects import SetPresence
from app.protocol.templates import iso
from app.storage import peers
from app.storage.chat import Connection
from tests.chat.doubles import ChatStage
from tests.conftest import until

LONG = "n" * 90
CUT = "n" * 79 + "…"
EXACT = "n" * 80


@pytest.fixture
def store(chat: ChatStage) -> ChatStore:
    return chat.service.store


@pytest.fixture
def clock(chat: ChatStage) -> Clock:
    return chat.time.clock


def message(sender: str = "alice", **changes: Any) -> Envelope:
    data = {
        "msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "from": sender, "to": "me", "text": "hi",
        "timestamp": "2026-01-01T12:00:00Z", "direction": "received", "delivered": True,
        "delivery_method": "direct",
    }  # fmt: skip
    return Envelope("new_message", {**data, **changes})


async def last_seen(store: ChatStore, username: str) -> float:
    (person,) = [each for each in await store.people() if each.username == username]
    return person.last_seen


async def error_of(call: Any) -> tuple[type[Exception], str]:
    with pytest.raises(RequestError) as raised:
        await call
    return type(raised.value), str(raised.value)


async def test_an_unknown_or_existing_friend_is_named(store: ChatStore) -> None:
    assert await error_of(store.add_friend("me")) == (
        Malformed, "me is the local user, who cannot be added as a friend."
    )  # fmt: skip
    assert await error_of(store.add_friend(LONG)) == (NotFound, f"There is no user {CUT!r}.")
    assert await error_of(store.add_friend("n" * 81)) == (NotFound, f"There is no user {CUT!r}.")
    assert await error_of(store.add_friend(EXACT)) == (NotFound, f"There is no user {EXACT!r}.")
    assert await error_of(store.add_friend("alice")) == (Conflict, "alice is already a friend.")
    assert await error_of(store.remove_friend("nobody")) == (NotFound, "'nobody' is not a friend.")
    await store.remove_friend("alice")
    assert await error_of(store.remove_friend("alice")) == (NotFound, "'alice' is not a friend.")
    (alice,) = [each for each in await store.people() if each.username == "alice"]
    assert (alice.is_friend, alice.online) == (False, False)


async def test_an_unknown_message_is_named(store: ChatStore) -> None:
    missing = (NotFound, f"There is no message {CUT!r}.")
    assert await error_of(store.delete_message(LONG)) == missing
    assert await error_of(store.set_delivered(LONG)) == missing
    assert await error_of(store.react(LONG, "👍", "me")) == missing


async def test_the_error_of_a_rejected_message_says_why(store: ChatStore) -> None:
    assert await error_of(store.send("", "hi")) == (Malformed, "The recipient is empty.")
    assert await error_of(store.send("alice", "")) == (Malformed, "The message is empty.")
    assert await error_of(store.send("alice", "x" * (MAX_TEXT + 1))) == (
        Malformed, f"The message has {MAX_TEXT + 1:,} characters; at most {MAX_TEXT:,} are allowed."
    )  # fmt: skip


async def test_a_deleted_message_can_be_restored(store: ChatStore) -> None:
    await store.record(message())
    before = await store.page("alice", 50, 0)
    deleted = await store.delete_message(message().data["msg_id"])
    assert await store.page("alice", 50, 0) != before
    await store.restore_message(deleted)
    assert await store.page("alice", 50, 0) == before


async def test_a_waiting_message_is_delivered_directly(store: ChatStore) -> None:
    await store.record(message(delivered=False, delivery_method="offline"))
    changed = await store.set_delivered(message().data["msg_id"])
    assert (changed["delivered"], changed["delivery_method"]) == (True, "direct")


async def test_a_reaction_is_added_removed_or_toggled(store: ChatStore) -> None:
    await store.record(message())
    reaction = [{"emoji": "👍", "from": "me"}]

    async def react(present: bool | None) -> Any:
        return (await store.react(message().data["msg_id"], "👍", "me", present=present)).get("reactions", [])

    assert [await react(present) for present in (False, True, True, False, None, None)] == [
        [], reaction, reaction, [], reaction, []
    ]  # fmt: skip


async def test_an_event_that_changes_nothing_waits_for_earlier_changes(store: ChatStore) -> None:
    first = asyncio.create_task(store.record(message()))
    await asyncio.sleep(0)
    await store.record(Envelope("something_else", {}))
    assert first.done()


# activity


async def test_activity_that_is_not_stored_yet_is_shown_everywhere(store: ChatStore, chat: ChatStage) -> None:
    await store.record(message())
    chat.time.passed += 30
    await store.record(Envelope("typing", {"username": "alice", "typing": True}))
    now = chat.time.clock.wall()
    assert await last_seen(store, "alice") == now
    (talk,) = [each for each in await store.conversations() if each.person.username == "alice"]
    assert talk.person.last_seen == now
    snapshot = await store.snapshot()
    (saved,) = [each for each in snapshot["people"] if each["username"] == "alice"]
    assert saved["last_seen"] == now
    assert await last_seen(store, "bob") != now
    await store.replace(parse_snapshot(snapshot))


async def test_activity_is_stored_once_and_none_is_lost(store: ChatStore, chat: ChatStage) -> None:
    chat.time.passed += 30
    store.note_activity("alice")
    await store.expire_presence()
    assert store._seen == {}
    chat.time.passed += 1
    store.note_activity("alice")
    storing = asyncio.create_task(store.expire_presence())
    await asyncio.sleep(0)
    chat.time.passed += 1
    store.note_activity("alice")
    await storing
    assert store._seen == {"alice": chat.time.clock.wall()}
    assert await last_seen(store, "alice") == chat.time.clock.wall()


@pytest.mark.parametrize("decays", [False, True])
async def test_activity_is_stored_regardless_of_the_setting(
    chat: ChatStage, monkeypatch: pytest.MonkeyPatch, decays: bool
) -> None:
    monkeypatch.setattr(service, "PRESENCE_CHECK_S", 0.0)
    chat.service.store.note_activity("bob")
    checks = asyncio.create_task(service.expire_presence_periodically(chat.service, chat.hub, lambda: decays))
    await until(lambda: not chat.service.store._seen)
    checks.cancel()


async def test_only_a_new_received_message_is_activity(store: ChatStore, chat: ChatStage) -> None:
    chat.time.passed += 30
    await store.record(message())
    then = chat.time.clock.wall()
    assert await last_seen(store, "alice") == then
    chat.time.passed += 30
    await store.record(message())
    other = "b1b2c3d4-e5f6-7890-abcd-ef1234567890"
    await store.record(message(msg_id=other, direction="sent"))
    assert await last_seen(store, "alice") == then


async def test_messages_of_two_sessions_with_the_same_seed_are_both_stored(
    store: ChatStore, chat: ChatStage
) -> None:
    """Regression: the second message got the id of the first, and was not stored."""
    sent = []
    for text in ("first", "second"):
        chat.values.fix(1, chat.time.clock.wall)
        sent.append((await store.send("alice", text))[0])
        chat.values.release()
    stored, _ = await store.page("alice", 50, 0)
    assert stored[-2:] == sent
    assert sent[0]["msg_id"] != sent[1]["msg_id"]


@pytest.mark.parametrize("copy", [False, True])
async def test_the_virtual_time_of_a_session_counts_for_presence_only_in_a_copy_of_the_state(
    store: ChatStore, chat: ChatStage, copy: bool
) -> None:
    """Regression: a session with a start time set the user's friends offline, and their ``last_seen``."""
    real, virtual = chat.time.clock.wall(), chat.time.clock.wall() + 1e8
    if copy:
        await store.begin_scratch()
    chat.values.fix(1, lambda: virtual)
    assert bool(await store.expire_presence()) is copy
    await store.record(message())
    await store.record(Envelope("friend_online", {"username": "dave"}))
    await store.apply([SetPresence(username="carol", online=True)])
    store.note_activity("bob")
    sent, _ = await store.send("alice", "hi")
    assert sent["timestamp"] == iso(virtual)
    for name in ("alice", "bob", "carol", "dave"):
        assert await last_seen(store, name) == (virtual if copy else real)
    chat.values.release()


async def test_a_message_to_a_peer_is_due_at_once_whatever_the_virtual_time(
    store: ChatStore, chat: ChatStage
) -> None:
    """Regression: it waited until the start time of the session."""
    now = chat.time.clock.wall()
    chat.values.fix(1, lambda: now + 100)
    keys = ("=", "=")

    def add_peer(db: Connection) -> None:
        db.execute("INSERT INTO peers (username, public_key, signing_key) VALUES ('alice', ?, ?)", keys)

    await chat.database.submit(add_peer)
    await store.send("alice", "hi")
    assert await chat.database.submit(lambda db: peers.due(db, now, 1)) == ["alice"]


@pytest.mark.parametrize("keep", [False, True])
async def test_activity_in_a_copy_of_the_state_is_kept_or_dropped_with_it(
    store: ChatStore, chat: ChatStage, keep: bool
) -> None:
    store.note_activity("alice")
    first = chat.time.clock.wall()
    await store.begin_scratch()
    chat.time.passed += 10
    store.note_activity("alice")
    store.note_activity("bob")
    await store.record(message())
    await store.end_scratch(keep=keep)
    stored, _ = await store.page("alice", 50, 0)
    assert (stored[-1]["text"] == "hi") is keep
    assert await last_seen(store, "alice") == (chat.time.clock.wall() if keep else first)
    assert (await last_seen(store, "bob") == chat.time.clock.wall()) is keep


async def test_activity_in_a_copy_is_dropped_if_the_copy_cannot_be_kept(
    store: ChatStore, chat: ChatStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*, keep: bool) -> None:
        await end_scratch(keep=False)
        raise StorageError("the disk is full")

    store.note_activity("alice")
    first = chat.time.clock.wall()
    await store.begin_scratch()
    end_scratch = chat.database.end_scratch
    monkeypatch.setattr(chat.database, "end_scratch", fail)
    chat.time.passed += 10
    store.note_activity("alice")
    with pytest.raises(StorageError, match="the disk is full"):
        await chat.service.end_scratch(keep=True)
    assert await last_seen(store, "alice") == first
    row = chat.journal.row(chat.journal.last_seq)
    assert row is not None
    assert row.note == "the one before the session; reload your UI to see it"


async def test_activity_follows_a_renamed_persona_and_is_dropped_with_a_removed_one(
    store: ChatStore, chat: ChatStage
) -> None:
    stored = await last_seen(store, "bob")
    chat.time.passed += 30
    now = chat.time.clock.wall()
    store.note_activity("alice")
    store.note_activity("bob")
    await store.rename_person("alice", "anna")
    await store.remove_person("bob")
    assert await last_seen(store, "anna") == now
    for name in ("alice", "bob"):
        await store.add_person(name, is_friend=True)
        assert await last_seen(store, name) < min(now, stored + 1)


# files


async def test_a_saved_state_is_readable(store: ChatStore, tmp_path: Path) -> None:
    await store.record(message(text="Grüße 👋"))
    await store.save(tmp_path / "state.json")
    text = (tmp_path / "state.json").read_text("utf-8")
    assert "Grüße 👋" in text
    assert text == json.dumps(await store.snapshot(), indent=1, ensure_ascii=False) + "\n"


async def test_the_error_of_a_file_that_cannot_be_read_has_the_reason(store: ChatStore, tmp_path: Path) -> None:
    file = tmp_path / "missing.json"
    with pytest.raises(FileNotFoundError) as missing:
        file.stat()
    with pytest.raises(StorageError) as raised:
        await store.read(file)
    assert str(raised.value) == f"{file} could not be read: {missing.value.strerror}"
