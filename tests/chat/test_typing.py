"""Typing events are forwarded to the clients that act as the recipient."""

from app.hub.journal import Kind, Verdict
from tests.chat.doubles import ChatStage

ALICE_TYPES = b'{"event":"typing","data":{"username":"alice","typing":true}}'
ALICE_STOPS = b'{"event":"typing","data":{"username":"alice","typing":false}}'


async def test_typing_is_forwarded_with_the_senders_name_for_to(chat: ChatStage) -> None:
    alice, bob = chat.join("alice"), chat.join("bob")
    row = await chat.send_event(alice, "typing", to="bob", typing=True)
    await chat.send_event(alice, "typing", to="bob", typing=False)
    assert chat.frames(bob) == [ALICE_TYPES, ALICE_STOPS]
    assert chat.frames(alice) == []
    assert (row.note, row.verdict) == ("forwarded to 1 client of bob", Verdict.OK)


async def test_typing_is_forwarded_only_to_the_clients_of_the_peer(chat: ChatStage) -> None:
    alice, bob, bob_again, carol = chat.join("alice"), chat.join("bob"), chat.join("bob"), chat.join("carol")
    row = await chat.send_event(alice, "typing", to="bob", typing=True)
    assert chat.frames(bob) == chat.frames(bob_again) == [ALICE_TYPES]
    assert chat.frames(alice) == chat.frames(carol) == []
    assert row.note == "forwarded to 2 clients of bob"


async def test_typing_is_not_returned_to_a_sender_that_acts_as_the_recipient(chat: ChatStage) -> None:
    one, other = chat.join("alice"), chat.join("alice")
    await chat.send_event(one, "typing", to="alice", typing=True)
    assert chat.frames(one) == []
    assert chat.frames(other) == [ALICE_TYPES]


async def test_typing_to_a_peer_without_clients_is_noted_and_not_forwarded(chat: ChatStage) -> None:
    alice = chat.join("alice")
    row = await chat.send_event(alice, "typing", to="bob", typing=True)
    assert (row.note, row.verdict) == ("no client acts as bob", Verdict.OK)
    assert [row for row in chat.journal if row.kind is Kind.TO_UI] == []
    assert chat.frames(alice) == []


async def test_typing_to_oneself_with_a_single_client_has_no_recipient(chat: ChatStage) -> None:
    row = await chat.send_event(chat.join("alice"), "typing", to="alice", typing=True)
    assert row.note == "no client acts as alice"


async def test_repeated_typing_events_are_all_forwarded(chat: ChatStage) -> None:
    alice, bob = chat.join("alice"), chat.join("bob")
    for _ in range(3):
        await chat.send_event(alice, "typing", to="bob", typing=True)
    assert chat.frames(bob) == [ALICE_TYPES] * 3


async def test_the_row_of_the_forwarded_event_follows_the_row_of_the_client_event(chat: ChatStage) -> None:
    alice, _ = chat.join("alice"), chat.join("bob")
    sent = await chat.send_event(alice, "typing", to="bob", typing=True)
    (forwarded,) = [row for row in chat.journal if row.kind is Kind.TO_UI]
    assert forwarded.seq == sent.seq + 1
    assert (forwarded.event, forwarded.client, forwarded.origin) == ("typing", "user:bob except:1", "client 1")
    assert forwarded.payload == ALICE_TYPES


async def test_a_changed_username_applies_to_later_typing_events(chat: ChatStage) -> None:
    alice, other = chat.join("alice"), chat.join("bob")
    chat.hub.identify(other, "carol")
    assert (await chat.send_event(alice, "typing", to="bob", typing=True)).note == "no client acts as bob"
    chat.hub.identify(alice, "dave")
    await chat.send_event(alice, "typing", to="carol", typing=True)
    assert chat.frames(other) == [b'{"event":"typing","data":{"username":"dave","typing":true}}']


async def test_the_note_about_a_peer_with_a_very_long_name_is_short(chat: ChatStage) -> None:
    alice = chat.join("alice")
    assert len((await chat.send_event(alice, "typing", to="b" * 60_000, typing=True)).note) <= 1_000
    assert len((await chat.send_event(alice, "mark_read", peer="b" * 60_000, msg_id="x")).note) <= 1_000
