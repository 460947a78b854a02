# ruff: noqa: E501
"""Event files in a running companion: what they change for connected clients, and in the chat state."""

import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.companion import Companion
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import Origin
from app.hub.rest_exchange import RestExchange
from app.hub.row_codec import to_json
from app.hub.target import Target
from app.protocol.backend import MAX_REACTIONS, RestCaller
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.errors import Malformed
from app.protocol.event_type import InvalidEvent
from app.protocol.ui_stores import Flavour
from app.storage import event_folder, migrations
from app.storage.event_folder import EventFolder
from app.system.settings import Settings
from app.ui.models.log_text import summary
from resources import FOLDER as RESOURCES
from tests.conftest import Connect, make_link, until
from tests.protocol.event_files.test_parse import DELIVERED, MSG_ID, REACTION
from tests.protocol.peers.vector import ALICE

REACTED = {
    "event": "reaction",
    "direction": "to_ui",
    "data": {
        "type": "object",
        "required": ["username", "msg_id", "emoji"],
        "properties": {
            "username": {"type": "string", "format": "username"},
            "msg_id": {"type": "string", "format": "uuid"},
            "emoji": {"type": "string"},
        },
    },
}
OTHER_ID = MSG_ID[:-1] + "f"
Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
def write(folder: Path) -> Write:
    """Write an event file; anything but a text is written as JSON."""

    def write_file(name: str, content: Any) -> Path:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        file.write_text(text, encoding="utf-8", newline="\n")
        return file

    return write_file


@pytest.fixture
async def companion(folder: Path) -> AsyncIterator[Companion]:
    companion = Companion(Settings(port=0), events_folder=folder, chat_file=folder.parent / "chat.db")
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


def names(companion: Companion) -> list[str]:
    return companion.catalog.names(Direction.TO_UI)


def rows(companion: Companion, event: str) -> list[Row]:
    return [row for row in companion.journal if row.event == event]


def notes(companion: Companion) -> list[str]:
    return [row.note for row in rows(companion, "event files")]


async def send(client: Any, event: str, **data: Any) -> None:
    await client.send(json.dumps({"event": event, "data": data}))


def sample_message(companion: Companion) -> dict[str, Any]:
    event = companion.catalog.get(Direction.TO_UI, "new_message")
    assert event is not None
    return event.sample


async def add_message(companion: Companion, msg_id: str = MSG_ID, **changes: Any) -> None:
    data = {**sample_message(companion), "msg_id": msg_id, **changes}
    await companion.fire(Envelope("new_message", data), origin=Origin("test"))


async def stored(companion: Companion, msg_id: str = MSG_ID) -> dict[str, Any]:
    state = await companion.chat.snapshot()
    return next((each for each in state["messages"] if each["msg_id"] == msg_id), {})


async def test_a_file_that_is_saved_while_a_client_is_connected_can_be_fired(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    client = await connect_client()
    event = Envelope("message_delivered", {"msg_id": MSG_ID, "peer": "alice"})
    with pytest.raises(InvalidEvent, match="unknown server event"):
        await companion.fire(event, origin=Origin("test"))
    write("message_delivered.json", DELIVERED)
    await until(lambda: "message_delivered" in names(companion))
    assert (await companion.fire(event, origin=Origin("test"))).delivered == 1
    assert json.loads(await client.recv()) == {"event": "message_delivered", "data": event.data}
    assert notes(companion) == ["added message_delivered (to_ui)"]


async def test_an_internal_error_while_a_file_is_checked_is_a_problem_of_the_file(
    companion: Companion, write: Write, monkeypatch: pytest.MonkeyPatch, expected_warnings: list[str]
) -> None:
    expected_warnings.append("the event file delivered.json could not be checked")

    def fail(*_: object) -> None:
        raise KeyError("nope")

    with monkeypatch.context() as patched:
        patched.setattr("app.protocol.event_files.parse.parse_event_file", fail)
        write("delivered.json", DELIVERED)
        await companion.event_files.read()
        assert companion.event_files.warnings == [
            "delivered.json: cannot be checked, because of an internal error."
        ]
    write("delivered.json", {**DELIVERED, "event": "arrived"})
    await until(lambda: "arrived" in names(companion))  # the folder is still watched
    assert companion.event_files.warnings == []


async def test_a_broken_file_keeps_its_last_version_a_corrected_one_is_used_and_a_deleted_one_is_removed(
    companion: Companion, write: Write
) -> None:
    write("delivered.json", DELIVERED)
    await companion.event_files.read()
    write("delivered.json", {**DELIVERED, "data": {"type": "objekt"}})
    await companion.event_files.read()
    assert "message_delivered" in names(companion)
    (broken,) = companion.event_files.warnings
    assert broken.startswith("delivered.json, line 8 column 5: data.type: ")
    assert rows(companion, "event files")[-1].verdict is Verdict.WARNING
    await companion.event_files.read()
    assert len(notes(companion)) == 2, "an error is reported once"
    file = write("delivered.json", {**DELIVERED, "event": "arrived"})
    await companion.event_files.read()
    assert companion.event_files.warnings == []
    assert "arrived" in names(companion)
    assert "message_delivered" not in names(companion)
    assert notes(companion)[-1] == (
        "added arrived (to_ui); removed message_delivered (to_ui); delivered.json is valid again"
    )
    file.unlink()
    await companion.event_files.read()
    assert "arrived" not in names(companion)
    assert notes(companion)[-1] == "removed arrived (to_ui)"


async def test_an_effect_is_committed_before_the_event_is_sent(
    companion: Companion, connect_client: Connect, write: Write, folder: Path
) -> None:
    write("delivered.json", DELIVERED)
    await companion.event_files.read()
    await add_message(companion, direction="sent", to="alice", **{"from": "me"}, delivered=False)
    client = await connect_client()
    found: list[Any] = []
    publish = companion.hub.publish

    def look(*arguments: Any, **options: Any) -> Any:
        with closing(sqlite3.connect(folder.parent / "chat.db")) as other:  # sees only what is committed
            found.append(other.execute("SELECT delivered FROM messages WHERE msg_id = ?", (MSG_ID,)).fetchone())
        return publish(*arguments, **options)

    companion.hub.publish = look  # type: ignore[method-assign]
    event = Envelope("message_delivered", {"msg_id": MSG_ID, "peer": "alice"})
    delivery = await companion.fire(event, origin=Origin("test"))
    await client.recv()
    assert found == [(1,)]
    assert (await stored(companion))["delivered"] is True
    row = companion.journal.row(delivery.seq)
    assert row is not None
    assert row.verdict is Verdict.OK


async def test_an_unknown_message_is_a_note_and_the_event_is_sent(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("delivered.json", DELIVERED)
    await companion.event_files.read()
    await connect_client()
    other = MSG_ID.replace("a", "b")
    delivery = await companion.fire(
        Envelope("message_delivered", {"msg_id": other, "peer": "x"}), origin=Origin("test")
    )
    assert delivery.delivered == 1
    assert delivery.warnings == (f"chat state: there is no message {other}",)
    row = rows(companion, "message_delivered")[-1]
    assert row.note == f"chat state: there is no message {other}; delivered to 1 client"
    assert row.verdict is Verdict.WARNING


async def test_a_client_event_changes_the_chat_state_and_is_forwarded(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("reaction.yaml", REACTION)
    write("reacted.json", REACTED)
    await companion.event_files.read()
    await add_message(companion)
    ui, alice, bob = await connect_client("me"), await connect_client("alice"), await connect_client("bob")
    await send(ui, "reaction", to="alice", msg_id=MSG_ID, emoji="👍")
    assert json.loads(await alice.recv()) == {
        "event": "reaction", "data": {"username": "me", "emoji": "👍", "msg_id": MSG_ID},
    }  # fmt: skip
    assert (await stored(companion))["reactions"] == [{"emoji": "👍", "from": "me"}]
    sent, forwarded = rows(companion, "reaction")
    assert (sent.note, sent.verdict) == ("forwarded to 1 client of alice", Verdict.OK)
    assert forwarded.client == "user:alice except:1"
    await companion.fire(
        Envelope("friend_online", {"username": "alice"}), to=Target(user="bob"), origin=Origin("test")
    )
    assert "friend_online" in await bob.recv(), "bob got no reaction before that"


async def test_a_client_event_for_nobody_has_a_note(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("reaction.yaml", REACTION)
    await companion.event_files.read()
    ui = await connect_client("me")
    await send(ui, "reaction", to="alice", msg_id=MSG_ID, emoji="👍")
    await until(lambda: rows(companion, "reaction"))
    await until(lambda: len(rows(companion, "reaction")) == 1)
    (row,) = rows(companion, "reaction")
    assert row.note == (
        f"chat state: there is no message {MSG_ID}; reaction not forwarded: event: unknown server event 'reaction'."
        " Use new_message, friend_online, friend_offline, typing"
    )
    assert row.verdict is Verdict.WARNING


async def test_a_client_event_without_forward_has_a_plain_row(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("pinned.json", {"event": "pinned", "direction": "from_ui", "data": {"required": ["id"]}})
    await companion.event_files.read()
    ui = await connect_client()
    await send(ui, "pinned", id=1, x=1)
    await send(ui, "pinned")
    await until(lambda: len(rows(companion, "pinned")) == 2)
    first, second = rows(companion, "pinned")
    assert (first.note, first.verdict) == ("unknown field x ignored", Verdict.OK)
    assert (second.note, second.verdict) == ("data.id: is missing", Verdict.INVALID)


async def test_an_event_without_recipient_goes_to_all_other_clients(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write(
        "wave.json",
        {"event": "wave", "direction": "from_ui", "data": {"properties": {"n": {}}}, "forward": {"event": "waved"}},
    )
    write("waved.json", {"event": "waved", "direction": "to_ui", "data": {}})
    await companion.event_files.read()
    ui, other = await connect_client("me"), await connect_client("me")
    await send(ui, "wave", n=1)
    assert json.loads(await other.recv()) == {"event": "waved", "data": {"n": 1}}
    await until(lambda: rows(companion, "wave"))
    assert rows(companion, "wave")[0].note == "forwarded to 1 other client"


async def test_an_extended_client_event_is_still_handled(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("mark_read.json", {
        "extends": "mark_read", "data": {"properties": {"device": {"type": "string"}}},
        "effect": {"add_reaction": {"msg_id": "/msg_id", "emoji": {"value": "👀"}, "by": {"sender": True}}},
    })  # fmt: skip
    write("typing.json", {
        "extends": "typing", "direction": "from_ui", "data": {"properties": {"draft": {"type": "string"}}},
        "forward": {"event": "typing", "to": "/to", "data": {"username": {"sender": True}, "typing": "/typing"}},
    })  # fmt: skip
    await companion.event_files.read()
    await add_message(companion)
    ui, alice = await connect_client("me"), await connect_client("alice")
    await send(ui, "mark_read", peer="alice", msg_id=MSG_ID, device="phone")
    await until(lambda: rows(companion, "mark_read"))
    assert rows(companion, "mark_read")[0].note.endswith("from alice read")
    message = await stored(companion)
    assert (message["read"], message["reactions"]) == (True, [{"emoji": "👀", "from": "me"}])
    await send(ui, "typing", to="alice", typing=True, draft="H")
    assert json.loads(await alice.recv()) == {"event": "typing", "data": {"username": "me", "typing": True}}
    await send(ui, "typing", to="alice", typing=True, draft=1)
    await until(lambda: rows(companion, "typing")[-1].verdict is Verdict.INVALID)
    assert rows(companion, "typing")[-1].note == "data.draft: must be text, not a number"


EFFECTS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({"edit_message": {"msg_id": "/id", "text": "/text"}}, {"id": MSG_ID, "text": "New"}, {"text": "New"}, ""),
    ({"edit_message": {"msg_id": "/id", "text": "/text"}}, {"id": MSG_ID, "text": "x" * 10_001}, {"text": "Hey there!"},
     "the text has 10,001 characters; at most 10,000 are allowed"),
    ({"edit_message": {"msg_id": "/id", "text": "/text"}}, {"id": MSG_ID}, {"text": "Hey there!"},
     "edit_message: lacks the field text"),
    ({"edit_message": {"msg_id": "/id", "text": "/text"}}, {"id": MSG_ID, "text": 1}, {"text": "Hey there!"},
     "edit_message: text must be text, not a number"),
    ({"delete_message": {"msg_id": "/id"}}, {"id": MSG_ID}, {}, ""),
    ({"delete_message": {"msg_id": "/id"}}, {"id": "none"}, {"text": "Hey there!"}, "there is no message none"),
    ({"add_reaction": {"msg_id": "/id", "emoji": "/text", "by": {"value": "bob"}}}, {"id": MSG_ID, "text": "👍"},
     {"reactions": [{"emoji": "👍", "from": "bob"}]}, ""),
    ({"remove_reaction": {"msg_id": "/id", "emoji": {"value": "👍"}, "by": {"value": "bob"}}}, {"id": MSG_ID}, {"text": "Hey there!"}, ""),
    ({"mark_read": {"peer": {"value": "alice"}, "msg_id": "/id"}}, {"id": MSG_ID}, {"read": True}, ""),
    ({"mark_read": {"peer": {"value": "bob"}, "msg_id": "/id"}}, {"id": MSG_ID}, {"read": False},
     f"there is no message {MSG_ID} from bob"),
    ({"set_presence": {"username": {"value": "nobody"}, "online": {"value": True}}}, {}, {}, "there is no persona nobody"),
    ({"add_message": {"msg_id": "/id", "from": {"value": "alice"}, "to": {"value": "me"}, "text": "/text"}},
     {"id": MSG_ID, "text": "Again"}, {"text": "Hey there!"}, f"the message {MSG_ID} is stored already"),
    ({"add_message": {"msg_id": {"value": MSG_ID.replace("a", "b")}, "from": {"value": "alice"}, "to": {"value": "me"}, "text": "/text"}},
     {"text": "x" * 10_001}, {}, "the text has 10,001 characters; at most 10,000 are allowed"),
    ({"add_message": ""}, {"id": MSG_ID}, {}, "add_message: msg_id: is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("effect", "data", "expected", "note"), EFFECTS)
async def test_each_effect_changes_the_chat_state(
    companion: Companion, write: Write, effect: Any, data: Any, expected: dict[str, Any], note: str
) -> None:
    write(
        "e.json",
        {"event": "e", "direction": "to_ui", "data": {"properties": {"id": {}, "text": {}}}, "effect": effect},
    )
    await companion.event_files.read()
    await add_message(companion)
    await companion.fire(Envelope("e", data), origin=Origin("test"))
    message = await stored(companion)
    assert {key: message.get(key) for key in expected} == expected
    (row,) = rows(companion, "e")
    assert row.note.startswith(f"chat state: {note}; " if note else "not sent: no client")


async def test_a_reaction_beyond_the_limit_is_not_added(companion: Companion, write: Write) -> None:
    effect = {"add_reaction": {"msg_id": {"value": MSG_ID}, "emoji": {"value": "🎉"}, "by": {"value": "bob"}}}
    write("e.json", {"event": "e", "direction": "to_ui", "data": {}, "effect": effect})
    await companion.event_files.read()
    full = [{"emoji": str(number), "from": "bob"} for number in range(MAX_REACTIONS)]
    await add_message(companion, reactions=full)
    await companion.fire(Envelope("e", {}), origin=Origin("test"))
    assert (await stored(companion))["reactions"] == full
    assert "bob already has 50 reactions to this message" in rows(companion, "e")[0].note


async def test_a_message_that_waits_for_a_peer_is_not_edited(companion: Companion, write: Write) -> None:
    """Regression: an agent could fire an event that changed what the companion signed and sent to a peer."""
    effect = {"edit_message": {"msg_id": "/id", "text": {"value": "not mine"}}}
    write("e.json", {"event": "e", "direction": "to_ui", "data": {"properties": {"id": {}}}, "effect": effect})
    await companion.event_files.read()
    await companion.peers.add("ben", ALICE.public)
    sent, _ = await companion.chat.store.send("ben", "mine")
    await companion.fire(Envelope("e", {"id": sent["msg_id"]}), origin=Origin("test"))
    assert [each.message for each in await companion.peers.waiting("ben", 9)] == [sent]
    assert "waits to be sent to a peer, so it is not edited" in rows(companion, "e")[0].note


async def test_a_user_who_is_no_longer_a_persona_receives_no_waiting_messages(
    companion: Companion, write: Write
) -> None:
    write("woke.json", {
        "event": "woke", "direction": "to_ui", "data": {},
        "effect": {"set_presence": {"username": {"value": "dave"}, "online": {"value": True}}},
    })  # fmt: skip
    await companion.event_files.read()
    message, _ = await companion.chat.store.send("dave", "Hi")
    await companion.chat.remove_person("dave")
    await companion.fire(Envelope("woke", {}), origin=Origin("test"))
    assert rows(companion, "woke")[0].note.startswith("chat state: there is no persona dave; ")
    assert (await stored(companion, message["msg_id"]))["delivered"] is False


async def test_a_forward_replaces_the_forwarding_of_the_built_in_event(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("typing.json", {
        "extends": "typing", "direction": "from_ui", "data": {"type": "object"},
        "forward": {
            "event": "typing", "to": {"value": "bob"}, "data": {"username": {"sender": True}, "typing": "/typing"},
        },
    })  # fmt: skip
    await companion.event_files.read()
    ui, alice = await connect_client("me"), await connect_client("alice")
    await send(ui, "typing", to="alice", typing=True)
    await until(lambda: rows(companion, "typing"))
    bob = await connect_client("bob")
    await send(ui, "typing", to="alice", typing=True)
    assert "typing" in await bob.recv()
    by_file = [row for row in rows(companion, "typing") if row.kind is Kind.FROM_UI]
    assert [row.note for row in by_file] == ["no client acts as bob", "forwarded to 1 client of bob"]
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=Origin("test"))
    assert "friend_online" in await alice.recv(), "alice got no typing before that"


async def test_a_message_can_come_from_a_client_event(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("say.yaml", """
event: say
direction: from_ui
data:
  required: [id, to, text]
  properties:
    id: {type: string, format: uuid}
    to: {type: string, format: username}
    text: {type: string}
effect:
  add_message: {msg_id: /id, from: {sender: true}, to: /to, text: /text}
""")  # fmt: skip
    await companion.event_files.read()
    ui = await connect_client("me")
    await send(ui, "say", id=MSG_ID, to="alice", text="Hi")
    await until(lambda: rows(companion, "say"))
    message = await stored(companion)
    assert (message["from"], message["direction"], message["text"]) == ("me", "sent", "Hi")


async def test_presence_from_a_file_delivers_what_waited(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("back.json", {
        "event": "back", "direction": "to_ui", "data": {"properties": {"who": {}}},
        "effect": {"set_presence": {"username": "/who", "online": {"value": True}}},
    })  # fmt: skip
    await companion.event_files.read()
    friend = next(iter(companion.chat.presence))
    await companion.fire(Envelope("friend_offline", {"username": friend}), origin=Origin("test"))
    await companion.chat.store.send(friend, "Waiting")
    client = await connect_client(friend)
    await companion.fire(Envelope("back", {"who": friend}), origin=Origin("test"))
    assert json.loads(await client.recv())["event"] == "back"
    assert json.loads(await client.recv())["data"]["text"] == "Waiting"
    assert companion.chat.presence[friend] is True


async def test_an_extended_message_can_be_fired_with_its_field(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("threads.json", {"extends": "new_message", "data": {"properties": {"thread_id": {"type": "string"}}}})
    await companion.event_files.read()
    client = await connect_client()
    await add_message(companion, thread_id="t1")
    assert json.loads(await client.recv())["data"]["thread_id"] == "t1"
    with pytest.raises(InvalidEvent, match="thread_id: must be text"):
        await add_message(companion, thread_id=1)


async def test_fields_of_an_extended_message_are_stored_returned_saved_and_restored(
    companion: Companion, write: Write, folder: Path, tmp_path: Path
) -> None:
    write("threads.json", {
        "extends": "new_message",
        "data": {"properties": {"thread_id": {"type": "string"}, "read": {}, "meta": {"type": "object"}}},
    })  # fmt: skip
    await companion.event_files.read()
    more: dict[str, Any] = {"thread_id": "t1", "read": "twice", "meta": {"a": [1, None]}}
    await add_message(companion, **more)

    async def as_rest_returns_it() -> dict[str, Any]:
        messages, _ = await companion.chat.store.page("alice", 1_000, 0)
        return next(each for each in messages if each["msg_id"] == MSG_ID)

    before = await as_rest_returns_it()
    assert {name: before[name] for name in more} == more
    deleted = await companion.chat.delete_message(MSG_ID)
    await companion.chat.restore_message(deleted)
    assert await as_rest_returns_it() == before
    await companion.chat.store.save(tmp_path / "state.json")
    (folder / "threads.json").unlink()
    await companion.event_files.read()
    await companion.chat.reset()
    await companion.chat.load(tmp_path / "state.json")
    assert await as_rest_returns_it() == before
    assert (await stored(companion))["read"] is False, "read by the user"


@pytest.mark.parametrize(
    ("extra", "reason"),
    [(1, "messages[0].extra must be an object"), ({"text": "x"}, "messages[0].extra must not contain text")],
)
async def test_a_saved_state_with_invalid_fields_is_refused(companion: Companion, extra: Any, reason: str) -> None:
    state = await companion.chat.snapshot()
    state["messages"] = [{**state["messages"][0], "extra": extra}]
    with pytest.raises(Malformed, match=re.escape(reason)):
        await companion.chat.restore(state)


async def test_a_chat_file_of_the_version_before_opens_with_its_messages(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as old:
        for step in migrations.STEPS[:2]:
            old.executescript(step)
        old.execute(
            "INSERT INTO messages (msg_id, peer, sender, recipient, text, timestamp, at, direction, delivered, delivery_method)"
            " VALUES (?, 'alice', 'alice', 'me', 'Hi', '2024-01-15T10:30:00Z', 1, 'received', 1, 'direct')",
            (MSG_ID,),
        )
        old.execute("PRAGMA user_version = 2")
        old.commit()
    companion = Companion(Settings(port=0), chat_file=file)
    await companion.open()
    assert companion.warnings == []
    assert (await stored(companion))["text"] == "Hi"
    await companion.close()


async def test_the_log_shows_the_text_of_the_file(companion: Companion, write: Write, folder: Path) -> None:
    file = write("delivered.json", DELIVERED)
    await companion.event_files.read()
    await companion.fire(Envelope("message_delivered", {"msg_id": MSG_ID, "peer": "al"}), origin=Origin("test"))
    (row,) = rows(companion, "message_delivered")
    assert summary(row) == f"al received {MSG_ID}"
    assert to_json(row).summary == f"al received {MSG_ID}"
    file.unlink()
    await companion.event_files.read()
    assert summary(row) == f"msg_id: {MSG_ID}, peer: al"
    assert to_json(row).summary == ""


async def test_another_folder_replaces_the_events(companion: Companion, write: Write, tmp_path: Path) -> None:
    write("delivered.json", DELIVERED)
    await companion.event_files.read()
    other = tmp_path / "other"
    other.mkdir()
    (other / "wave.yml").write_text("event: wave\ndirection: to_ui\ndata: {}", encoding="utf-8")
    companion.current_settings.values.events_folder = ""
    await companion.event_files.use(EventFolder(other))
    assert names(companion)[-1] == "wave"
    assert "message_delivered" not in names(companion)
    assert notes(companion)[-1] == "added wave (to_ui); removed message_delivered (to_ui)"
    await companion.event_files.use(EventFolder(tmp_path / "missing", chosen=True))
    assert notes(companion)[-2] == "removed wave (to_ui)"
    assert companion.event_files.warnings == [f"The folder of event files {tmp_path / 'missing'} does not exist."]
    assert "wave" not in names(companion)


async def test_what_cannot_be_read_gets_a_sentence(
    companion: Companion, write: Write, folder: Path, tmp_path: Path
) -> None:
    write("big.json", "x" * (64 * 1024 + 1))
    write("latin.json", "").write_bytes(b"\xff\xfe")
    write("schemas/event.schema.json", "not an event")
    write(".hidden.json", "not an event")
    write("notes.txt", "not an event")
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    make_link(folder / "link.json", tmp_path / "secret.json")
    await companion.event_files.read()
    found = companion.event_files.warnings
    assert found[:2] == [
        "big.json: cannot be read: the file is larger than 64 KiB.",
        "latin.json: cannot be read: it is not UTF-8 text.",
    ]
    assert found[2].startswith("link.json: cannot be read: a link leads to ")
    assert len(found) == 3


async def test_a_file_that_changes_while_it_is_read_is_not_used(
    companion: Companion, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("delivered.json", DELIVERED)

    def change(path: Path, limit: int) -> bytes:
        content = path.read_bytes()
        path.write_bytes(content + b" ")
        return content

    monkeypatch.setattr(event_folder, "read_file", change)
    await companion.event_files.read()
    assert companion.event_files.warnings == [
        "delivered.json: cannot be read: it changed while it was read; save it again."
    ]
    monkeypatch.undo()
    await companion.event_files.read()
    assert companion.event_files.warnings == []
    assert "message_delivered" in names(companion)
    file.unlink()


async def test_a_file_that_could_not_be_read_once_is_read_again(
    companion: Companion, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: not on Windows, where permissions and other programs do not change the stamp of the file."""
    os.utime(write("delivered.json", DELIVERED), (1_700_000_000, 1_700_000_000))
    folder = companion.event_files._folder

    def forbidden(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(event_folder, "read_file", forbidden)
        await companion.event_files.read()
        assert companion.event_files.warnings == ["delivered.json: cannot be read: permission denied."]
    assert folder.changed()
    await companion.event_files.read()
    assert companion.event_files.warnings == []
    assert not folder.changed()


async def test_too_many_files_get_a_sentence(
    companion: Companion, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_folder, "MAX_FILES", 2)
    for number in range(3):
        write(f"{number}.json", {"event": f"e{number}", "direction": "to_ui", "data": {}})
    await companion.event_files.read()
    (warning,) = companion.event_files.warnings
    assert warning.endswith("has 3 event files; the first 2 are used.")
    assert names(companion)[-2:] == ["e0", "e1"]


@pytest.mark.parametrize(
    ("effect", "check"),
    [
        ({"set_delivered": {"msg_id": "/id"}}, lambda one, _: (one["delivered"], one["delivery_method"]) == (True, "direct")),
        ({"edit_message": {"msg_id": "/id", "text": "/text"}}, lambda one, _: one["text"] == "👍"),
        ({"delete_message": {"msg_id": "/id"}}, lambda one, _: one is None),
        ({"add_reaction": {"msg_id": "/id", "emoji": "/text", "by": {"value": "bob"}}},
         lambda one, _: one.get("reactions") == [{"emoji": "👍", "from": "bob"}]),
        ({"remove_reaction": {"msg_id": "/id", "emoji": {"value": "🎉"}, "by": {"value": "bob"}}},
         lambda one, _: "reactions" not in one),
        ({"set_presence": {"username": {"value": "alice"}, "online": {"value": False}}},
         lambda _, contact: contact["online"] is False),
        ({"mark_read": {"peer": {"value": "alice"}, "msg_id": "/id"}}, lambda _, contact: contact["unreadCount"] == 0),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
async def test_a_correct_ui_shows_what_an_event_of_a_file_changes_and_the_released_ui_ignores_it(
    companion: Companion, connect_client: Connect, write: Write, effect: Any, check: Callable[[Any, Any], bool]
) -> None:
    write(
        "e.json",
        {"event": "e", "direction": "to_ui", "data": {"properties": {"id": {}, "text": {}}}, "effect": effect},
    )
    await companion.event_files.read()
    await connect_client()
    (client,) = companion.hub.clients
    friend = {"username": "alice", "online": True}
    clock = companion.clock
    companion.hub.rest_exchanges.emit(
        RestExchange("GET", "/friends", "", b"", 200, json.dumps([friend]).encode(), client.origin,
                     client.user_agent, clock.mono(), clock.mono())
    )  # fmt: skip
    reactions = {"reactions": [{"emoji": "🎉", "from": "bob"}]} if "remove_reaction" in effect else {}
    data = {**sample_message(companion), "msg_id": MSG_ID, "delivered": False}
    companion.hub.broadcast(Envelope("new_message", {**data, "delivery_method": "offline", **reactions}))

    async def shown(flavour: Flavour) -> tuple[Any, Any]:
        stores = (await companion.ui_states.expected(client.id, flavour)).stores.to_json()
        (contact,) = stores["contactStore"]["contacts"]
        messages = stores["chatStore"]["messages"]["alice"]
        return next(iter(messages), None), contact

    before = {flavour: await shown(flavour) for flavour in Flavour}
    assert not check(*before[Flavour.GUIDE])
    companion.hub.broadcast(Envelope("e", {"id": MSG_ID, "text": "👍"}))
    assert check(*await shown(Flavour.GUIDE))
    assert await shown(Flavour.SHIPPED) == before[Flavour.SHIPPED]


async def test_a_message_of_an_event_of_a_file_makes_its_chat_a_guess(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("e.json", {"event": "e", "direction": "to_ui", "data": {}, "effect": {"add_message": ""}})
    await companion.event_files.read()
    await connect_client()
    (client,) = companion.hub.clients
    companion.hub.broadcast(Envelope("e", {"msg_id": MSG_ID, "from": "alice", "to": "me", "text": "hi"}))
    stores = (await companion.ui_states.expected(client.id, Flavour.GUIDE)).stores
    assert stores.uncertain_chats == {"alice"}
    assert [each["text"] for each in stores.messages["alice"]] == ["hi"]
    assert (await companion.ui_states.expected(client.id, Flavour.SHIPPED)).stores.messages == {}


async def test_the_expected_state_uses_the_files_as_they_were_when_an_event_was_sent(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    """Regression: it used those of the time when the state was first read."""
    await connect_client()
    (client,) = companion.hub.clients
    file = write("delivered.json", DELIVERED)
    await companion.event_files.read()
    data = {**sample_message(companion), "delivered": False}
    for msg_id in (MSG_ID, OTHER_ID):
        companion.hub.broadcast(Envelope("new_message", {**data, "msg_id": msg_id}))
    companion.hub.broadcast(Envelope("message_delivered", {"msg_id": MSG_ID, "peer": "alice"}))
    file.unlink()
    await companion.event_files.read()
    companion.hub.broadcast(Envelope("message_delivered", {"msg_id": OTHER_ID, "peer": "alice"}))
    write("delivered.json", DELIVERED)
    await companion.event_files.read()
    stores = (await companion.ui_states.expected(client.id, Flavour.GUIDE)).stores
    assert [each["delivered"] for each in stores.messages["alice"]] == [True, False]


async def test_an_event_whose_name_a_fault_has_changed_has_no_effect_on_the_ui(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    """Regression: the expected state had the effect of the event's file, although a UI ignores such a frame."""
    await connect_client()
    (client,) = companion.hub.clients
    write("delivered.json", DELIVERED)
    await companion.event_files.read()
    data = {**sample_message(companion), "delivered": False}
    for msg_id in (MSG_ID, OTHER_ID):
        companion.hub.broadcast(Envelope("new_message", {**data, "msg_id": msg_id}))
    for msg_id, name in ((MSG_ID, b"mes#age_delivered"), (OTHER_ID, b"message_delivered")):
        payload = Envelope("message_delivered", {"msg_id": msg_id, "peer": "alice"}).encode()
        changed = payload.replace(b"message_delivered", name)
        companion.hub.deliver(client, "message_delivered", changed, "#1 after 0 ms", 1)
    stores = (await companion.ui_states.expected(client.id, Flavour.GUIDE)).stores
    assert [each["delivered"] for each in stores.messages["alice"]] == [False, True]


async def test_an_event_that_the_companion_makes_has_new_values_of_the_fields_that_a_file_requires(
    companion: Companion, write: Write
) -> None:
    fields = {"by": {"type": "string", "format": "username"}, "id": {"type": "string", "format": "uuid"},
              "note": {"type": "string"}}  # fmt: skip
    write("e.json", {"extends": "friend_online", "data": {"required": ["by", "id"], "properties": fields}})
    await companion.event_files.read()
    first, second = (companion.composer.completed(Envelope("friend_online", {"username": "bob"})) for _ in range(2))
    assert first.data.keys() == {"username", "by", "id"}
    assert (first.data["username"], first.data["by"]) == ("bob", "bob")
    assert first.data["id"] != second.data["id"]
    await companion.fire(first, origin=Origin("test"))
    given = Envelope("friend_online", {"username": "bob", "by": "me", "id": MSG_ID})
    offline = Envelope("friend_offline", {"username": "bob"})
    assert (companion.composer.completed(given), companion.composer.completed(offline)) == (given, offline)


async def test_the_event_of_an_inactive_friend_has_the_fields_that_a_file_requires(
    companion: Companion, connect_client: Connect, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was sent without them."""
    data = {"required": ["since"], "properties": {"since": {"type": "string", "format": "date-time"}}}
    write("e.json", {"extends": "friend_offline", "data": data})
    await companion.event_files.read()
    client = await connect_client()
    monkeypatch.setattr("app.chat.store.ONLINE_FOR_S", -1)
    companion.hub.carry_out(await companion.chat.expire_presence())
    frame = json.loads(await client.recv())
    assert (frame["event"], frame["data"].keys()) == ("friend_offline", {"username", "since"})


async def test_fields_that_the_ui_posts_are_checked_stored_and_passed_on(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    thread = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    more = {"thread": thread, "a.b": {"type": "integer"}}
    write("t.json", {"extends": "new_message", "data": {"required": ["thread"], "properties": more}})
    await companion.event_files.read()
    alice = await connect_client("alice")
    ui = RestCaller("", "")
    more = {"thread": {"id": "t1"}, "other": 1}
    posted = await companion.chat.post_message("alice", "hi", ui, more)
    assert (posted.data["thread"], "other" in posted.data) == ({"id": "t1"}, False)
    messages, _ = await companion.chat.store.page("alice", 1, 0)
    assert messages[-1]["thread"] == {"id": "t1"}
    companion.hub.carry_out(posted.effects)
    assert json.loads(await alice.recv())["data"]["thread"] == {"id": "t1"}
    assert rows(companion, "new_message")[-1].verdict is Verdict.OK
    with pytest.raises(Malformed, match=re.escape("thread.id: must be text, not a number.")):
        await companion.chat.post_message("alice", "hi", ui, {"thread": {"id": 1}})
    with pytest.raises(Malformed, match=re.escape("a.b: must be a whole number, not text.")):
        await companion.chat.post_message("alice", "hi", ui, {"a.b": "x"})
    posted = await companion.chat.post_message("alice", "without a thread", ui, {})
    companion.hub.carry_out(posted.effects)
    await alice.recv()
    row = rows(companion, "new_message")[-1]
    assert (row.verdict, row.note) == (
        Verdict.WARNING, "violates the event file: thread: is missing; delivered to 1 client",
    )  # fmt: skip


async def test_without_a_file_other_posted_fields_are_ignored(companion: Companion) -> None:
    posted = await companion.chat.post_message("alice", "hi", RestCaller("", ""), {"thread": 1, "delivered": "no"})
    assert ("thread" in posted.data, posted.data["delivered"]) == (False, True)


async def test_the_expected_state_of_the_ui_does_not_change_with_events_it_does_not_know(
    companion: Companion, connect_client: Connect, write: Write
) -> None:
    write("delivered.json", DELIVERED)
    write("threads.json", {"extends": "new_message", "data": {"properties": {"thread_id": {"type": "string"}}}})
    await companion.event_files.read()
    client = await connect_client()
    await add_message(companion, thread_id="t1")
    await client.recv()
    number = companion.hub.clients[0].id
    before = await companion.ui_states.expected(number, Flavour.GUIDE)
    await companion.fire(Envelope("message_delivered", {"msg_id": MSG_ID, "peer": "alice"}), origin=Origin("test"))
    await client.recv()
    after = await companion.ui_states.expected(number, Flavour.GUIDE)
    assert after.stores.to_json() == before.stores.to_json()
    assert "t1" in str(after.stores.to_json())


FENCE = re.compile(r"^```(json|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("language", "text"), FENCE.findall((RESOURCES / "help" / "event-files.md").read_text("utf-8"))
)
async def test_the_examples_of_the_manual_can_be_pasted(
    companion: Companion, write: Write, language: str, text: str
) -> None:
    write(f"example.{language}", text)
    await companion.event_files.read()
    (file,) = companion.event_files.files
    assert file.event
    assert file.current
    assert file.event.problems(file.event.sample) == []


async def test_the_examples_of_the_manual_can_be_used_together(companion: Companion, write: Write) -> None:
    text = (RESOURCES / "help" / "event-files.md").read_text("utf-8")
    for number, (language, content) in enumerate(FENCE.findall(text)):
        write(f"{number}.{language}", content)
    await companion.event_files.read()
    assert companion.event_files.warnings == []


async def test_a_file_that_forwards_a_missing_event_is_reported_until_that_event_is_added(
    companion: Companion, write: Write
) -> None:
    write("react.yaml", REACTION)
    await companion.event_files.read()
    (warning,) = companion.event_files.warnings
    assert warning.startswith("react.yaml, line 13 column 3: forward.event: reaction exists only")
    assert notes(companion) == ["added reaction (from_ui)", warning]
    write("reacted.json", REACTED)
    await companion.event_files.read()
    assert companion.event_files.warnings == []
    assert notes(companion)[2:] == ["added reaction (to_ui); react.yaml is valid again"]
