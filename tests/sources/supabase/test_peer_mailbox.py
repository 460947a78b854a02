"""Two companions exchange messages through the queue of the stand-in: nobody has an open port."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from app.companion import Companion
from app.protocol.backend import RestCaller
from app.protocol.errors import Conflict, NotFound
from app.protocol.peers import dialect_b, envelopes
from app.protocol.peers.extension import Typing, new_id
from app.sources.supabase.peer_mailbox import PeerMailbox
from tests.conftest import MakeCompanion, until
from tests.hub.doubles import RecordingTransport
from tests.postgrest_stand_in.query import Condition
from tests.postgrest_stand_in.server import PUBLISHABLE, Failure, StandIn
from tests.postgrest_stand_in.stores import SqliteStore
from tests.sources.supabase.doubles import SteppedTime

UI = RestCaller("", "")


class Pair:
    """Anna and Bob, each with a companion that uses the same project."""

    def __init__(self, project: StandIn, time: SteppedTime, anna: Companion, bob: Companion) -> None:
        self.project = project
        self.time = time
        self.anna = anna
        self.bob = bob
        self.sleepers = 4
        """Each companion has the source and the outbox of peers, which sleep between their jobs."""

    async def poll(self, seconds: float = 65.0) -> None:
        """Let the periodic jobs run for some time."""
        end = self.time.passed + seconds
        while self.time.passed < end:
            self.time.advance()
            await self.time.quiet(self.sleepers)


async def texts(companion: Companion, peer: str) -> list[tuple[str, str, bool]]:
    messages, _ = await companion.chat.store.page(peer, 100, 0)
    return [(each["text"], each["delivery_method"], each["delivered"]) for each in messages]


def shown(companion: Companion) -> list[str]:
    return [
        row.event for row in companion.journal if row.event in ("new_message", "friend_online", "friend_offline")
    ]


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime()


@pytest.fixture(params=[True, False], ids=["newer schema", "older schema"])
def new(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def pair(make_companion: MakeCompanion, time: SteppedTime, new: bool) -> AsyncIterator[Pair]:
    async with StandIn(SqliteStore(new=new, read_marks=True)) as project:
        project.now = time.clock.wall
        companions = {}
        for name, ip in (("anna", "192.0.2.1"), ("bob", "192.0.2.2")):
            companion = await make_companion(
                clock=time.clock, presence_decays=False, username=name, supabase_url=project.url,
                supabase_address=ip, supabase_read_marks=True,
            )  # fmt: skip
            for each in await companion.chat.store.people():
                await companion.chat.remove_person(each.username)
            await companion.supabase.set_key(PUBLISHABLE)
            companions[name] = companion
        pair = Pair(project, time, companions["anna"], companions["bob"])
        for companion in companions.values():
            await companion.supabase.switch(True)
            await until(lambda companion=companion: companion.supabase.source.is_connected)
        yield pair
        for companion in companions.values():
            await companion.sources.stop_all()


async def befriend(pair: Pair, *, new: bool) -> None:
    """Add each other: by name if the directory has signing keys, or else by the keys."""
    for one, other in ((pair.anna, pair.bob), (pair.bob, pair.anna)):
        if new:
            await one.chat.add_friend(other.local_user)
        else:
            with pytest.raises(NotFound, match="without a usable signing key"):
                await one.chat.add_friend(other.local_user)
            await one.peers.add(other.local_user, (await other.identity.obtain()).public)


async def test_testing_the_connection_and_deleting_data_create_no_keys(make_companion: MakeCompanion) -> None:
    async with StandIn(SqliteStore()) as project:
        companion = await make_companion(username="anna", supabase_url=project.url)
        await companion.supabase.set_key(PUBLISHABLE)
        assert (await companion.supabase.test()).ok
        text = await companion.supabase.delete_data(remote=True)
        assert text.startswith("Deleted: no registration (there was none), the API key")
        assert not await companion.identity.exist()


async def test_a_message_that_arrives_during_a_short_session_is_accepted_afterwards(
    pair: Pair, new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: if the session had ended before the result was looked at, the row was ignored until a restart."""
    await befriend(pair, new=new)
    receive = pair.bob.peers.receive

    async def receive_in_session(*_: Any) -> Any:
        monkeypatch.setattr(pair.bob.peers, "receive", receive)
        raise Conflict("a session is running")

    monkeypatch.setattr(pair.bob.peers, "receive", receive_in_session)
    await pair.anna.chat.post_message("bob", "Hi", UI, {})
    await pair.poll()
    await pair.poll()
    assert pair.bob.peers.receive == receive
    assert await texts(pair.bob, "anna") == [("Hi", "offline", True)]


async def test_a_message_waits_in_the_queue_and_arrives_once(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    posted = await pair.anna.chat.post_message("bob", "Hello, Bob! 😀", UI)
    assert (posted.accepted, posted.data["delivery_method"]) == (False, "offline")
    assert posted.note == "bob cannot be reached; the message waits in the offline queue."
    (row,) = await pair.project.rows("messages")
    assert (row["to_user"], row["from_user"], row["id"]) == ("bob", "anna", posted.data["msg_id"])
    assert "Hello" not in str(row)
    assert bool(row.get("signature")) is new
    await pair.poll()
    assert await texts(pair.bob, "anna") == [("Hello, Bob! 😀", "offline", True)]
    assert await pair.project.rows("messages") == []
    assert shown(pair.bob).count("new_message") == 1
    await pair.poll()
    assert len(await texts(pair.bob, "anna")) == 1


@pytest.mark.parametrize(
    ("created", "shown_as"), [("00.250", "00.250"), ("00.000", "00.000"), ("02.000", "00.999")]
)
async def test_a_queued_message_has_the_time_at_which_it_was_queued_within_its_second(
    pair: Pair, new: bool, created: str, shown_as: str
) -> None:
    """Regression: it was shown up to a second later, and could be sorted after an answer to it."""
    await befriend(pair, new=new)
    await pair.anna.chat.post_message("bob", "first", UI)
    pair.project.store.update("messages", {"created_at": f"2026-02-11T16:00:{created}000+00:00"}, Condition("", ()))
    await pair.poll()
    (message,), _ = await pair.bob.chat.store.page("anna", 100, 0)
    assert message["timestamp"] == f"2026-02-11T16:00:{created if new else shown_as}Z"


async def test_presence_comes_from_the_directory(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    await pair.poll()
    assert shown(pair.anna) == ["friend_online"]
    (bob,) = await pair.anna.peers.all()
    assert (bob.online, bob.last_ip) == (True, "192.0.2.2")
    await pair.bob.supabase.switch(False)
    pair.sleepers -= 1
    await pair.poll(330)
    assert shown(pair.anna) == ["friend_online", "friend_offline"]


@pytest.mark.parametrize("new", [True], indirect=True)
async def test_messages_of_strangers_and_forged_ones_stay_in_the_queue(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    sent = await pair.anna.chat.post_message("bob", "genuine", UI)
    (row,) = await pair.project.rows("messages")
    forged = {**row, "id": "00000000-0000-4000-8000-000000000001", "ciphertext": row["ciphertext"][::-1]}
    stranger = {**row, "id": "00000000-0000-4000-8000-000000000002", "from_user": "mallory"}
    await pair.project.add("messages", forged, stranger)
    await pair.poll()
    assert [text for text, *_ in await texts(pair.bob, "anna")] == ["genuine"]
    assert sorted(each["id"][-1] for each in await pair.project.rows("messages")) == ["1", "2"]
    notes = [row.note for row in pair.bob.journal if row.event == "queue"]
    assert len(notes) == 2
    assert sent.data["msg_id"] not in "".join(notes)


@pytest.mark.parametrize("new", [True], indirect=True)
async def test_an_own_message_that_comes_back_without_a_signature_is_refused(pair: Pair, new: bool) -> None:
    """A box opens in both directions, so that only the signature says who wrote it."""
    await befriend(pair, new=new)
    await pair.anna.chat.post_message("bob", "mine", UI)
    (row,) = await pair.project.rows("messages")
    back = {"id": "00000000-0000-4000-8000-000000000004", "from_user": "bob", "to_user": "anna", "signature": ""}
    await pair.project.add("messages", {**row, **back})
    await pair.poll()
    assert [text for text, *_ in await texts(pair.anna, "bob")].count("mine") == 1
    (note,) = [row.note for row in pair.anna.journal if row.event == "queue"]
    assert note.startswith("a message of bob stays in the queue: signature ")


def unsigned(envelope: bytes) -> str:
    """Return nonce and box of an envelope in dialect A as the content of a row without a signature."""
    parts = json.loads(envelope)
    return b64encode(b64decode(parts["nonce"]) + b64decode(parts["ciphertext"])).decode()


@pytest.mark.parametrize("new", [False], indirect=True)
async def test_a_message_without_a_signature_is_refused_unless_the_user_allows_it(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    before = await texts(pair.anna, "bob")
    await pair.anna.chat.post_message("bob", "mine", UI)
    (sent,) = await pair.project.rows("messages")
    anna, bob = await pair.anna.identity.obtain(), await pair.bob.identity.obtain()
    names: Any = {"sender": "bob", "to": "anna", "at": pair.time.clock.wall(), "me": bob, "peer": anna.public}
    contents = {
        "1": unsigned(b64decode(sent["ciphertext"])),  # an own message
        "2": unsigned(envelopes.seal_notice(Typing(id=new_id(), typing=True), **names)),
        "3": dialect_b.seal("of another program", bob, anna.public)[0],
    }
    for number, content in contents.items():
        row = {"id": f"00000000-0000-4000-8000-00000000000{number}", "from_user": "bob", "to_user": "anna"}
        await pair.project.add("messages", {**row, "ciphertext": content})
    await pair.poll()
    notes = [row.note for row in pair.anna.journal if row.event == "queue"]
    why = "a message from bob is not signed; Settings do not allow unverified messages"
    assert notes == [f"a message of bob stays in the queue: {why}."] * 3
    assert [text for text, *_ in await texts(pair.anna, "bob")][len(before) :] == ["mine"]
    await pair.anna.apply(replace(pair.anna.settings, peer_unverified=True))
    await pair.poll()
    assert [text for text, *_ in await texts(pair.anna, "bob")][len(before) :] == ["mine", "of another program"]
    assert [each["id"][-1] for each in await pair.project.rows("messages")] == ["1", "2"]


@pytest.mark.parametrize("new", [False], indirect=True)  # rows of the newer schema contain no envelope
async def test_an_envelope_that_names_another_sender_is_refused(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    await pair.anna.chat.post_message("bob", "mine", UI)
    (row,) = await pair.project.rows("messages")
    await pair.bob.peers.add("carol", (await pair.bob.identity.obtain()).rotated().public)
    await pair.project.add("messages", {**row, "id": "00000000-0000-4000-8000-000000000003", "from_user": "carol"})
    await pair.poll()
    assert len(await pair.project.rows("messages")) == 1
    (note,) = [row.note for row in pair.bob.journal if row.event == "queue"]
    assert note == "a message of carol stays in the queue: its sender 'anna' is not the one of the row."


@pytest.mark.parametrize("new", [True], indirect=True)  # the older schema has no signing keys to compare
async def test_changed_keys_are_offered_and_refused_until_they_are_accepted(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    await pair.anna.identity.rotate()
    await until(lambda: pair.anna.supabase.source.is_connected)
    await pair.anna.chat.post_message("bob", "with new keys", UI)
    await pair.poll()
    assert await texts(pair.bob, "anna") == []
    anna = await pair.bob.peers.get("anna")
    assert anna.offered == (await pair.anna.identity.obtain()).public
    assert len(await pair.project.rows("messages")) == 1
    await pair.bob.peers.decide("anna", accept=True)
    await pair.poll()
    assert [text for text, *_ in await texts(pair.bob, "anna")] == ["with new keys"]
    assert await pair.project.rows("messages") == []


@pytest.mark.parametrize("new", [True], indirect=True)
async def test_rejected_keys_do_not_block_the_queue_again(pair: Pair, new: bool) -> None:
    """Regression: they were offered again after a restart of the source, and with another address."""
    await befriend(pair, new=new)
    is_bob = Condition("username = ?", (("username", "bob"),))
    pair.project.store.update("users", (await pair.bob.identity.obtain()).rotated().public.as_json(), is_bob)
    await pair.poll()
    await pair.anna.peers.decide("bob", accept=False)
    await pair.anna.supabase.restart()
    await pair.bob.supabase.switch(False)  # its heartbeat would restore the address
    pair.sleepers -= 1
    pair.project.store.update("users", {"last_ip": "192.0.2.9"}, is_bob)
    await until(lambda: pair.anna.supabase.source.is_connected)
    await pair.poll()
    bob = await pair.anna.peers.get("bob")
    assert (bob.offered, bob.last_ip) == (None, "192.0.2.9")
    posted = await pair.anna.chat.post_message("bob", "Hi", UI)
    assert posted.note == "bob cannot be reached; the message waits in the offline queue."


@pytest.mark.parametrize("new", [True], indirect=True)
@pytest.mark.parametrize("method", ["note_address", "mark_read"])
async def test_what_a_poll_reads_while_a_session_begins_is_recorded_when_it_has_ended(
    pair: Pair, new: bool, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: changed keys and read marks were recorded only in the session's copy, and then not again."""
    await befriend(pair, new=new)
    posted = await pair.anna.chat.post_message("bob", "read me", UI)
    await pair.poll()
    mark = {"username": "bob", "peer": "anna", "msg_id": posted.data["msg_id"], "read_at": "2026-01-01T00:00:00Z"}
    await pair.project.add("read_marks", mark)
    await pair.anna.identity.rotate()
    await until(lambda: pair.anna.supabase.source.is_connected)
    changed: Any = pair.bob.peers if method == "note_address" else pair.bob.chat.store
    original = getattr(changed, method)

    async def begin_first(*given: str) -> Any:
        monkeypatch.undo()
        await pair.bob.chat.begin_scratch()
        return await original(*given)

    monkeypatch.setattr(changed, method, begin_first)
    await pair.poll()
    await pair.bob.chat.end_scratch(keep=False)
    await pair.poll()
    assert (await pair.bob.peers.get("anna")).offered == (await pair.anna.identity.obtain()).public
    assert [each.unread for each in await pair.bob.chat.conversations()] == [0]


async def test_a_message_is_kept_and_sent_later_if_the_queue_fails(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    pair.project.failures += [Failure(503, method="POST")]
    posted = await pair.anna.chat.post_message("bob", "later", UI)
    assert posted.note.startswith("The message is stored, and is sent again later: ")
    assert "the offline queue failed" in posted.note
    await pair.poll(10)
    await until(lambda: not pair.project.failures)
    await pair.poll(65)
    assert [text for text, *_ in await texts(pair.bob, "anna")] == ["later"]


async def test_a_crash_before_the_deletion_does_not_show_a_message_twice(
    pair: Pair, new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await befriend(pair, new=new)
    await pair.anna.chat.post_message("bob", "once", UI)
    accept = PeerMailbox.accept

    async def accept_and_stop(self: PeerMailbox, row: Any) -> Any:
        receipt = await accept(self, row)
        monkeypatch.setattr(PeerMailbox, "accept", accept)
        pair.project.failures += [Failure(503, method="DELETE")]
        return receipt

    monkeypatch.setattr(PeerMailbox, "accept", accept_and_stop)
    await pair.poll(6)
    await pair.poll(120)
    assert [text for text, *_ in await texts(pair.bob, "anna")] == ["once"]
    assert shown(pair.bob).count("new_message") == 1
    assert await pair.project.rows("messages") == []


async def test_nothing_is_sent_to_real_people_in_a_session(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    await pair.bob.chat.post_message("anna", "from bob", UI)
    await pair.anna.chat.begin_scratch()
    await pair.anna.chat.post_message("bob", "made up", UI)
    await pair.poll()
    assert [each["from_user"] for each in await pair.project.rows("messages")] == ["bob"]
    await pair.anna.chat.end_scratch(keep=False)
    await pair.poll()
    assert [text for text, *_ in await texts(pair.anna, "bob")][-1:] == ["from bob"]


@pytest.mark.parametrize("new", [True], indirect=True)
async def test_what_the_user_reads_in_the_ui_is_noted_for_the_users_other_companions(pair: Pair, new: bool) -> None:
    await befriend(pair, new=new)
    sent = [(await pair.anna.chat.post_message("bob", "read me", UI)).data["msg_id"] for _ in range(3)]
    await pair.poll()
    ui = pair.bob.hub.join(RecordingTransport(), "bob")

    async def marks_after(*read: str) -> list[tuple[str, str, str]]:
        for msg_id in read:
            frame = {"event": "mark_read", "data": {"peer": "anna", "msg_id": msg_id}}
            waiting = pair.bob.router.receive(ui, json.dumps(frame))
            assert waiting
            await waiting
        await pair.poll()
        return [(each["username"], each["peer"], each["msg_id"]) for each in await pair.project.rows("read_marks")]

    assert await marks_after(sent[1]) == [("bob", "anna", sent[1])]
    assert await marks_after("of no message", "x" * 5000, sent[0]) == [("bob", "anna", sent[1])]
    await pair.bob.chat.begin_scratch()
    await marks_after(sent[2])
    await pair.bob.chat.end_scratch(keep=False)
    assert await marks_after() == [("bob", "anna", sent[1])]
    assert await marks_after(sent[2], sent[1]) == [("bob", "anna", sent[2])]
