"""What arrives from an independent peer: four dialects, and everything that must be refused, each with a row."""

import asyncio
import json
import sqlite3
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from app.hub.held_items import BreakpointOptions
from app.hub.journal import Verdict
from app.hub.origin import Origin
from app.protocol.backend import ONLINE_FOR_S, RestCaller
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError
from app.protocol.peers.envelopes import REPLAY_S
from app.protocol.peers.peer import Peer
from tests.conftest import until
from tests.independent_peer import IndependentPeer, frame, new_id, now
from tests.sources.peers.pair import Pair


async def test_a_message_of_dialect_a_is_stored_confirmed_and_fired(pair: Pair) -> None:
    msg_id = new_id()
    ack = await pair.exchange(pair.ben.a("Grüße 👋", msg_id))
    assert {**ack, "timestamp": ""} == {
        "type": "ack", "from": "anna", "to": "ben", "timestamp": "", "ack_msg_id": msg_id,
    }  # fmt: skip
    (message,) = await pair.messages()
    assert {name: message[name] for name in message if name != "timestamp"} == {
        "msg_id": msg_id, "from": "ben", "to": "anna", "text": "Grüße 👋", "direction": "received",
        "delivered": True, "delivery_method": "direct",
    }  # fmt: skip
    (row,) = pair.rows("peer received")
    shown = json.loads(row.payload)
    assert (shown["opened"], shown["sealed"]["type"]) == ({"text": "Grüße 👋", "msg_id": msg_id}, "message")
    await until(lambda: pair.rows("new_message"))
    assert [each.event for each in pair.companion.journal][-3:] == ["peer received", "friend_online", "new_message"]
    assert (await pair.companion.peers.get("ben")).online


@pytest.mark.parametrize("dialect", ["b", "c"])
async def test_other_dialects(pair: Pair, dialect: str) -> None:
    envelope = getattr(pair.ben, dialect)("Hello, Anna!", new_id())
    line = await pair.line()
    await line.send(envelope, envelope)
    await until(lambda: pair.rows("duplicate"))
    assert "is a duplicate" in pair.rows("duplicate")[0].note
    assert not pair.refusals
    assert [each["text"] for each in await pair.messages()] == ["Hello, Anna!"]
    assert pair.rows("peer received")[0].note == f"dialect {dialect.upper()}"


async def test_plain_messages_are_refused_unless_the_user_allows_them(pair: Pair) -> None:
    line = await pair.line()
    await line.send(pair.ben.p("psst", new_id()))
    await until(lambda: pair.refusals)
    assert "is not encrypted" in pair.refusals[0]
    assert await pair.messages() == []
    await pair.companion.apply(replace(pair.companion.settings, peer_unverified=True))
    await pair.exchange(pair.ben.p("psst", new_id()))
    assert [each["text"] for each in await pair.messages()] == ["psst"]
    (row,) = pair.rows("peer received")
    assert (row.verdict, "unverified" in row.note) == (Verdict.WARNING, True)
    assert not (await pair.companion.peers.get("ben")).online


async def test_a_duplicate_is_confirmed_again_and_not_stored_twice(pair: Pair) -> None:
    envelope = pair.ben.a("once", new_id())
    first, second = await pair.exchange(envelope), await pair.exchange(envelope)
    assert first["ack_msg_id"] == second["ack_msg_id"]
    assert len(await pair.messages()) == 1
    assert len(pair.rows("duplicate")) == 1
    assert not pair.refusals


async def test_an_unusually_large_message_is_marked_and_not_counted_as_refused(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sources.peers.receiver.LARGE_BYTES", 100)
    await pair.exchange(pair.ben.a("Hello, Anna!", new_id()))
    (row,) = pair.rows("peer received")
    assert "is unusually large" in row.note
    assert row.verdict is Verdict.WARNING
    assert not pair.refusals


async def test_a_replay_after_the_message_was_deleted_is_recognized(pair: Pair) -> None:
    envelope = pair.ben.b("once", new_id())
    msg_id = (await pair.exchange(envelope))["ack_msg_id"]
    await pair.companion.chat.delete_message(msg_id)
    await pair.exchange({**envelope, "msg_id": new_id()})  # dialect B does not protect the id
    assert await pair.messages() == []


def by_mallory(pair: Pair) -> dict[str, Any]:
    mallory = IndependentPeer("ben", "anna")
    mallory.other_box_key, mallory.other_sign_key = pair.ben.other_box_key, pair.ben.other_sign_key
    return mallory.a("I am ben", new_id())


def by_a_stranger(pair: Pair) -> dict[str, Any]:
    return {**pair.ben.a("hi", new_id()), "from": "zoe"}


def by_a_persona(pair: Pair) -> dict[str, Any]:
    return {**pair.ben.a("hi", new_id()), "from": "alice"}


def for_another(pair: Pair) -> dict[str, Any]:
    return {**pair.ben.a("hi", new_id()), "to": "zoe"}


def changed_box(pair: Pair) -> dict[str, Any]:
    envelope = pair.ben.a("hi", new_id())
    return {**envelope, "ciphertext": pair.ben.a("ho", new_id())["ciphertext"]}


def invalid_time(pair: Pair) -> dict[str, Any]:
    return {**pair.ben.a("hi", new_id()), "timestamp": "soon"}


def unknown_type(pair: Pair) -> dict[str, Any]:
    return {"type": "telepathy", **pair.ben.address()}


def too_long(pair: Pair) -> dict[str, Any]:
    return pair.ben.a("x" * 10_001, new_id())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (by_mallory, "signature is wrong"),
        (by_a_stranger, "'zoe' is unknown"),
        (by_a_persona, "'alice' is unknown"),
        (for_another, "'zoe', who is not the user"),
        (changed_box, "cannot be decrypted|signature is wrong"),
        (invalid_time, "not an ISO 8601 time"),
        (unknown_type, "'telepathy' is unknown and was ignored"),
        (too_long, "10,001 characters"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_what_is_refused_has_a_row_and_the_connection_stays_open(pair: Pair, make: Any, reason: str) -> None:
    import re

    line = await pair.line()
    await line.send(make(pair))
    await line.send(pair.ben.a("still open", new_id()))
    await line.answer()
    assert [each["text"] for each in await pair.messages()] == ["still open"]
    assert re.search(reason, pair.refusals[0])
    assert any(re.search(reason, row.note) for row in pair.rows("refused"))


async def test_a_changed_time_is_accepted_with_a_warning(pair: Pair) -> None:
    await pair.exchange({**pair.ben.a("old", new_id()), "timestamp": "2020-01-01T00:00:00Z"})
    (row,) = pair.rows("peer received")
    assert row.verdict is Verdict.WARNING
    assert "may be a replay" in row.note
    assert (await pair.messages())[0]["timestamp"] == "2020-01-01T00:00:00.999Z"


@pytest.mark.parametrize("claimed", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
async def test_a_wrong_time_of_a_peer_does_not_put_a_message_below_later_ones(pair: Pair, claimed: str) -> None:
    """Regression: a message from the future stayed the newest one for ever."""
    await pair.exchange({**pair.ben.a("at a wrong time", new_id()), "timestamp": claimed})
    pair.time.passed += 1
    await pair.companion.chat.store.send("ben", "later")
    assert [each["text"] for each in await pair.messages()] == ["at a wrong time", "later"]
    (row,) = pair.rows("peer received")
    assert (row.verdict, f"its time {claimed} differs" in row.note) == (Verdict.WARNING, True)


async def test_messages_of_one_second_keep_their_order_if_some_arrive_later(pair: Pair) -> None:
    """Regression: those that arrived more than a minute later were sorted before the others."""
    pair.time.began = int(pair.time.began) + 0.2
    stamp = datetime.fromtimestamp(pair.time.began - 0.2, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for text, passed in [("first", 0.1), ("second", 70.0), ("third", 400.0)]:
        pair.time.passed += passed
        await pair.exchange({**pair.ben.a(text, new_id()), "timestamp": stamp})
    assert [each["text"] for each in await pair.messages()] == ["first", "second", "third"]


async def test_an_answer_in_the_same_second_is_sorted_after_the_message(pair: Pair) -> None:
    pair.time.began = int(pair.time.began) + 0.7
    await pair.companion.chat.store.send("ben", "question")
    pair.time.passed += 0.1
    envelope = pair.ben.a("answer", new_id())
    second = pair.time.began - 0.7
    stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    await pair.exchange({**envelope, "timestamp": stamp})
    assert [each["text"] for each in await pair.messages()] == ["question", "answer"]


async def test_changed_keys_are_refused_until_they_are_accepted(pair: Pair) -> None:
    from app.protocol.peers.keys import PublicKeys
    from tests.sources.peers.pair import _parsed

    offered: list[Peer] = []
    pair.companion.peers.offered.connect(offered.append)
    new = IndependentPeer("ben", "anna")
    new.other_box_key, new.other_sign_key = pair.ben.other_box_key, pair.ben.other_sign_key
    peer = await pair.companion.peers.add("ben", PublicKeys.parse(**_parsed(new.keys)))
    assert peer.offered is not None
    assert len(offered) == 1
    (warning,) = pair.rows("peer keys changed")
    assert "companion peers verify ben" in warning.note
    line = await pair.line()
    await line.send(new.a("with the new keys", new_id()), pair.ben.a("with the old keys", new_id()))
    await line.answer()
    assert [each["text"] for each in await pair.messages()] == ["with the old keys"]
    await pair.companion.peers.decide("ben", accept=True)
    await pair.exchange(new.a("with the new keys", new_id()))
    assert len(await pair.messages()) == 2


async def test_a_ping_is_answered_once_in_ten_seconds(pair: Pair) -> None:
    line = await pair.line()
    await line.send(pair.ben.ping(), pair.ben.ping(), pair.ben.a("hi", new_id()))
    assert [(await line.answer())["type"] for _ in range(2)] == ["ping", "ack"]
    pair.time.advance(9.5)
    await line.send(pair.ben.ping(), pair.ben.a("hi again", new_id()))
    assert (await line.answer())["type"] == "ack"
    pair.time.advance(0.5)
    await line.send(pair.ben.ping())
    assert (await line.answer())["type"] == "ping"


async def test_pings_do_not_tell_quickly_who_the_peers_are(pair: Pair) -> None:
    """Regression: pings with unknown names were not limited, so that thousands of names could be tried."""
    lines = [await pair.line() for _ in range(2)]
    await lines[0].send({**pair.ben.ping(), "from": "zoe"}, pair.ben.ping())
    await until(lambda: pair.refusals)
    for line in lines:
        await line.send(pair.ben.ping(), pair.ben.a("hi", new_id()))
        assert (await line.answer())["type"] == "ack"
    assert len(pair.refusals) == 1
    pair.time.passed += 10
    for line in lines:
        await line.send(pair.ben.ping())
        assert (await line.answer())["type"] == "ping"


async def test_nothing_is_accepted_while_a_session_plays_on_a_copy(pair: Pair) -> None:
    await pair.companion.chat.begin_scratch()
    line = await pair.line()
    envelope = pair.ben.a("during the session", new_id())
    await line.send(envelope)
    answer = await line.answer()
    assert {**answer, "timestamp": ""} == {"type": "busy", "from": "anna", "to": "ben", "timestamp": ""}
    assert "a session plays" in pair.refusals[0]
    await pair.companion.chat.end_scratch(keep=False)
    await pair.exchange(envelope)
    assert len(await pair.messages()) == 1


@pytest.mark.parametrize("kind", ["message", "receipt"])
async def test_what_cannot_be_stored_is_answered_so_that_it_is_sent_again(
    pair: Pair, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    envelope = pair.ben.a("hi", new_id()) if kind == "message" else notice(pair, kind="read", msg_id=new_id())
    with monkeypatch.context() as patched:
        patched.setattr(pair.companion.peers, "receive" if kind == "message" else "note_notice", fail)
        assert (await pair.exchange(envelope))["type"] == "busy"
    assert "the disk is full" in pair.refusals[0]
    assert (await pair.exchange(envelope))["type"] == "ack"


@pytest.mark.parametrize("kind", ["message", "receipt"])
async def test_what_arrives_just_before_a_session_begins_is_not_lost(
    pair: Pair, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was stored only in the session's copy of the chat state, and acknowledged."""
    find = pair.companion.peers.find

    async def find_and_begin(username: str) -> Peer | None:
        monkeypatch.undo()
        found = await find(username)
        await pair.companion.chat.begin_scratch()
        return found

    sent, _ = await pair.companion.chat.store.send("ben", "read me")
    msg_id = sent["msg_id"]
    envelope = pair.ben.a("hi", new_id()) if kind == "message" else notice(pair, kind="read", msg_id=msg_id)
    monkeypatch.setattr(pair.companion.peers, "find", find_and_begin)
    line = await pair.line()
    await line.send(envelope)
    assert (await line.answer())["type"] == "busy"
    assert "a session plays" in pair.refusals[0]
    await pair.companion.chat.end_scratch(keep=False)
    assert (await pair.exchange(envelope))["type"] == "ack"
    messages = await pair.messages()
    assert len(messages) == 2 if kind == "message" else messages[0]["delivered"]


async def test_friend_online_that_a_breakpoint_holds_is_not_fired_again(pair: Pair) -> None:
    """Regression: each frame of the peer added another one."""
    breakpoints, line = pair.companion.breakpoints, await pair.line()

    async def message(after_s: float = 0.0) -> None:
        pair.time.passed += after_s
        await line.send(pair.ben.a("hi", new_id()))
        await line.answer()

    breakpoints.add(BreakpointOptions(filter="event:friend_online"))
    for _ in range(3):
        await message()
    assert len(breakpoints.held) == 1
    breakpoints.drop()
    await message(ONLINE_FOR_S - 1)
    assert not breakpoints.held
    await message(1)
    assert len(breakpoints.held) == 1, "the peer stays offline as long as it sends something in between"
    breakpoints.clear()
    breakpoints.resume()
    await until(lambda: pair.rows("friend_online"))
    await message()
    await pair.companion.fire(Envelope("friend_offline", {"username": "ben"}), origin=Origin("test"))
    await message()
    assert (await pair.companion.peers.get("ben")).online


@pytest.mark.parametrize("kind", ["message", "receipt"])
async def test_what_is_being_stored_while_the_server_stops_is_shown(
    pair: Pair, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was stored and not fired, and recognized as a duplicate when it came again."""
    sent, _ = await pair.companion.chat.store.send("ben", "read me")
    is_message = kind == "message"
    envelope = pair.ben.a("hi", new_id()) if is_message else notice(pair, kind="read", msg_id=sent["msg_id"])
    storing, may_store = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        storing.set()
        may_store.wait(30)

    name = "receive" if is_message else "note_notice"
    real = getattr(pair.companion.peers, name)

    def slowly(*args: Any) -> Any:
        _ = pair.companion._database.submit(wait)
        return real(*args)

    monkeypatch.setattr(pair.companion.peers, name, slowly)
    line = await pair.line()
    await line.send(envelope)
    await until(storing.is_set)
    stopping = asyncio.create_task(pair.companion.apply(replace(pair.companion.settings, peers=False)))
    await until(lambda: not pair.companion.peer_server.connections or pair.companion.peer_server._lock.locked())
    may_store.set()
    await stopping
    assert len(pair.rows("peer received")) == len(pair.rows("friend_online")) == 1
    assert len(pair.rows("new_message")) == is_message


async def test_a_removed_friend_is_refused_until_added_again(pair: Pair) -> None:
    await pair.companion.chat.remove_friend("ben")
    line = await pair.line()
    await line.send(pair.ben.a("hi", new_id()))
    await until(lambda: pair.refusals)
    assert "is unknown" in pair.refusals[0]
    await pair.companion.chat.add_friend("ben")
    await pair.exchange(pair.ben.a("hi", new_id()))


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xff\xff\xff", b"\x00\x10\x00\x01", frame(b"[]"), frame(b"{"), frame(b""), b"GET / HTTP/1.1\r\n"],
)
async def test_what_is_not_a_frame_closes_the_connection(pair: Pair, garbage: bytes) -> None:
    line = await pair.line()
    line.writer.write(garbage)
    assert await line.closed()
    assert len(pair.refusals) == 1


def notice(pair: Pair, **fields: Any) -> dict[str, Any]:
    content = {"id": new_id(), **fields}
    return pair.ben.a("", "", "companion", json.dumps(content).encode())


async def test_typing_fires_an_event(pair: Pair) -> None:
    line = await pair.line()
    await line.send(notice(pair, kind="typing", typing=True))
    await until(lambda: pair.rows("typing"))
    assert json.loads(pair.rows("typing")[0].payload)["data"] == {"username": "ben", "typing": True}


async def test_a_replay_of_typing_is_refused(pair: Pair) -> None:
    """Regression: the time that was checked is not signed, so that a captured notice could be sent forever."""
    line, typing = await pair.line(), notice(pair, kind="typing", typing=True)
    await line.send(typing, {**typing, "timestamp": now()})
    await until(lambda: pair.refusals)
    assert "typing of ben that has arrived before" in pair.refusals[0]
    assert len(pair.rows("typing")) == 1


async def test_the_time_that_is_signed_with_typing_shows_that_it_is_a_replay(pair: Pair) -> None:
    line, at = await pair.line(), pair.time.began - REPLAY_S
    await line.send(
        notice(pair, kind="typing", typing=True, at=at - 1), notice(pair, kind="typing", typing=False, at=at)
    )
    await until(lambda: pair.rows("typing"))
    assert json.loads(pair.rows("typing")[0].payload)["data"]["typing"] is False
    assert "it may be a replay" in pair.refusals[0]


async def test_typing_that_was_overtaken_is_ignored(pair: Pair) -> None:
    """Regression: a delayed connection let a friend type after the message, or after typing had ended."""
    pair.time.began = second = float(int(pair.time.began))
    message = {**pair.ben.a("hi", new_id()), "timestamp": datetime.fromtimestamp(second, UTC).isoformat()}
    line = await pair.line()
    for typing, at in [(False, -0.2), (True, -0.4), (True, -0.1), (False, -0.3)]:
        await line.send(notice(pair, kind="typing", typing=typing, at=second + at))
    await line.send(message)
    for typing, at in [
        (True, 0.5),
        (False, 0.5),
        (True, 1.0),
        (False, 0.9),
        (True, -30.0),
    ]:  # its clock was set back
        await line.send(notice(pair, kind="typing", typing=typing, at=second + at))
    await until(lambda: len(pair.rows("typing")) == 5)
    shown = [json.loads(row.payload)["data"]["typing"] for row in pair.rows("typing")]
    assert shown == [False, True, False, True, True]
    assert "typing of ben that was overtaken" in pair.refusals[0]


async def test_a_receipt_confirms_what_was_sent(pair: Pair) -> None:
    pair.ben.acknowledges = False
    data, _ = await pair.companion.chat.store.send("ben", "read me")
    ack = await pair.exchange(notice(pair, kind="read", msg_id=data["msg_id"]))
    assert ack["type"] == "ack"
    assert (await pair.messages())[0]["delivered"]
    assert (await pair.companion.peers.get("ben")).waiting == 0


@pytest.mark.parametrize("sign", ["message", "notice", "acknowledgement"])
async def test_a_sign_of_life_keeps_a_peer_online(pair: Pair, sign: str) -> None:
    """Regression: a peer was switched offline after 5 minutes, however much it sent meanwhile."""
    await pair.exchange(pair.ben.a("hi", new_id()))
    for _ in range(3):
        pair.time.passed += 200
        if sign == "acknowledgement":
            await pair.companion.chat.post_message("ben", "hi", RestCaller("", ""))
        elif sign == "notice":
            await pair.exchange(notice(pair, kind="read", msg_id=new_id()))
        else:
            await pair.exchange(pair.ben.a("hi", new_id()))
        await pair.companion.chat.expire_presence()
        assert (await pair.companion.peers.get("ben")).online
    pair.time.passed += 400
    await pair.companion.chat.expire_presence()
    assert not (await pair.companion.peers.get("ben")).online


async def test_a_reaction_is_stored_and_a_replay_changes_nothing(pair: Pair) -> None:
    msg_id = (await pair.exchange(pair.ben.a("hi", new_id())))["ack_msg_id"]
    added = notice(pair, kind="reaction", msg_id=msg_id, emoji="👍", present=True)
    removed = notice(pair, kind="reaction", msg_id=msg_id, emoji="👍", present=False)
    await pair.exchange(added)
    assert (await pair.messages())[0]["reactions"] == [{"emoji": "👍", "from": "ben"}]
    await pair.exchange(removed)
    await pair.exchange(added)
    assert "reactions" not in (await pair.messages())[0]


async def test_a_reaction_that_overtakes_its_message_is_kept_until_the_message_arrives(pair: Pair) -> None:
    """Regression: it was confirmed and dropped, while the message was still in the offline queue."""
    line, msg_id = await pair.line(), new_id()
    for emoji, present in [("👍", True), ("🎉", True), ("👍", True), ("😀", True), ("🎉", False)]:
        await line.send(notice(pair, kind="reaction", msg_id=msg_id, emoji=emoji, present=present))
        await line.answer()
    first, *_, removed = [each.note for each in pair.rows("peer received")]
    assert first.endswith("which is not here; it is kept in case the message arrives")
    assert removed.endswith("which is not here; it was removed again")
    await pair.exchange(pair.ben.a("hi", msg_id))
    (message,) = await pair.messages()
    assert message["reactions"] == [{"emoji": "👍", "from": "ben"}, {"emoji": "😀", "from": "ben"}]
    await pair.companion.chat.delete_message(msg_id)
    await pair.exchange(notice(pair, kind="reaction", msg_id=msg_id, emoji="👍", present=True))
    assert pair.rows("peer received")[-1].note.endswith("which is not in this chat")


async def test_a_reaction_to_a_deleted_message_of_the_user_is_not_said_to_come_before_it(pair: Pair) -> None:
    """Regression: the row said that the message has not arrived."""
    sent, _ = await pair.companion.chat.store.send("ben", "hi")
    await pair.companion.chat.delete_message(sent["msg_id"])
    await pair.exchange(notice(pair, kind="reaction", msg_id=sent["msg_id"], emoji="👍", present=True))
    assert "not arrived" not in pair.rows("peer received")[-1].note


async def test_notices_can_be_switched_off(pair: Pair) -> None:
    await pair.companion.apply(replace(pair.companion.settings, peer_notices=False))
    line = await pair.line()
    await line.send(notice(pair, kind="typing", typing=True))
    await until(lambda: pair.refusals)
    assert "switched off" in pair.refusals[0]
    assert not pair.rows("typing")


@pytest.mark.parametrize("kind", ["read", "reaction"])
async def test_a_notice_that_could_not_be_carried_out_is_not_recognized_as_a_duplicate(
    pair: Pair, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: its arrival was stored first, so that it was confirmed the next time, and lost."""
    sent, _ = await pair.companion.chat.store.send("ben", "read me")
    fields = {"emoji": "👍", "present": True} if kind == "reaction" else {}
    envelope = notice(pair, kind=kind, msg_id=sent["msg_id"], **fields)

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        for name in ("chat.set_reactions", "peers.confirm_until"):
            patched.setattr(f"app.storage.{name}", fail)
        line = await pair.line()
        await line.send(envelope)
        await until(lambda: pair.refusals)
        assert "it could not be stored" in pair.refusals[0]
    assert (await pair.exchange(envelope))["type"] == "ack"
    (message,) = await pair.messages()
    assert message["delivered"] if kind == "read" else message["reactions"] == [{"emoji": "👍", "from": "ben"}]


async def test_a_reaction_beyond_the_limit_is_confirmed_and_not_stored(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.chat.state_changes.MAX_REACTIONS", 1)
    sent, _ = await pair.companion.chat.store.send("ben", "hi")
    for emoji in "👍🎉":
        await pair.exchange(notice(pair, kind="reaction", msg_id=sent["msg_id"], emoji=emoji, present=True))
    assert (await pair.messages())[0]["reactions"] == [{"emoji": "👍", "from": "ben"}]
    assert "ben already has" in pair.rows("peer received")[-1].note
