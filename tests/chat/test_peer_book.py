"""Peers in the chat state: a friend is a persona or a peer, keys are pinned, changed keys wait for a decision."""

import pytest

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.backend import MessageData
from app.protocol.errors import Conflict, Invalid, Malformed, NotFound
from app.protocol.peers.extension import Receipt
from app.protocol.peers.fingerprint import fingerprint
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.peer import parse_address
from tests.protocol.peers.vector import ALICE, BOB

KEYS, OTHER = ALICE.public, BOB.public
MESSAGE: MessageData = {
    "msg_id": "a1b2c3d4-e5f6-4890-abcd-ef1234567890", "from": "ben", "to": "me", "text": "hi",
    "timestamp": "2026-01-01T00:00:00Z", "direction": "received", "delivered": True, "delivery_method": "direct",
}  # fmt: skip


async def test_a_peer_is_a_friend_with_its_keys(companion: Companion) -> None:
    await companion.peers.add("ben", KEYS, "10.0.0.2:9100")
    friend = next(each for each in await companion.chat.store.friends() if each.username == "ben")
    assert friend.friend()["public_key"] == KEYS.as_json()["public_key"]
    assert (friend.is_peer, friend.online, "ben" in companion.chat.presence) == (True, False, True)
    assert (await companion.peers.get("ben")).endpoint == ("10.0.0.2", 9100)


@pytest.mark.parametrize("text", ["192.168.1.20", "fe80::1", "anna.example", "anna-pc", "a.example."])
async def test_an_address_from_the_directory_is_used(companion: Companion, text: str) -> None:
    await companion.peers.add("ben", KEYS)
    await companion.peers.note_address("ben", text)
    assert (await companion.peers.get("ben")).last_ip == text


@pytest.mark.parametrize(
    "text", ["", "a b", "x\0", "\ud800", "a" * 64, "a..b", "10.0.0.2:9100", "fe80::1%\n", "x/y"]
)
async def test_what_is_no_address_in_the_directory_is_ignored(companion: Companion, text: str) -> None:
    await companion.peers.add("ben", KEYS)
    await companion.peers.note_address("ben", "10.0.0.2")
    await companion.peers.note_address("ben", text)
    assert (await companion.peers.get("ben")).last_ip == "10.0.0.2"


async def test_a_peer_is_no_persona_that_the_user_plays(companion: Companion) -> None:
    """Regression: the first friend by name, a peer, was the default sender of events and scenarios."""
    await companion.peers.add("aaron", KEYS)
    assert companion.friends == ["aaron", "alice", "bob", "carol", "dave"]
    assert companion.personas == ["alice", "bob", "carol", "dave"]
    assert companion.composer.context().persona == "alice"
    await companion.peers.forget("aaron")
    assert companion.friends == companion.personas


async def test_the_name_of_a_persona_is_refused(companion: Companion) -> None:
    with pytest.raises(Conflict, match="alice is a persona"):
        await companion.peers.add("alice", KEYS)
    await companion.peers.add("ben", KEYS)
    with pytest.raises(Conflict, match="There is already a peer named ben"):
        await companion.chat.add_person("ben", is_friend=True)
    with pytest.raises(Conflict, match="There is already a peer named ben"):
        await companion.chat.rename_person("alice", "ben")
    with pytest.raises(Conflict, match="There is already a persona named bob"):
        await companion.chat.rename_person("alice", "bob")


@pytest.mark.parametrize("name", ["me", "", "a/b"])
async def test_invalid_names(companion: Companion, name: str) -> None:
    with pytest.raises(Malformed):
        await companion.peers.add(name, KEYS)


async def test_a_peer_has_no_behaviour_of_a_persona(companion: Companion) -> None:
    await companion.peers.add("ben", KEYS)
    for change in (
        companion.chat.rename_person("ben", "benny"),
        companion.chat.remove_person("ben"),
        companion.chat.change_person("ben", auto_reply=True),
    ):
        with pytest.raises(Conflict, match="ben is a peer"):
            await change


async def test_other_keys_are_offered_and_not_used(companion: Companion) -> None:
    await companion.peers.add("ben", KEYS)
    await companion.peers.verify("ben", OTHER, "")
    peer = await companion.peers.add("ben", OTHER)
    assert (peer.keys, peer.offered, peer.verified) == (KEYS, OTHER, True)
    peer = await companion.peers.decide("ben", accept=False)
    assert (peer.keys, peer.offered, peer.verified) == (KEYS, None, True)
    with pytest.raises(Conflict, match="have not changed"):
        await companion.peers.decide("ben", accept=True)
    await companion.peers.add("ben", OTHER)
    peer = await companion.peers.decide("ben", accept=True)
    assert (peer.keys, peer.offered, peer.verified) == (OTHER, None, False)
    assert companion.peers.pinned == {"ben": OTHER}


async def test_keys_that_the_user_has_not_seen_are_neither_accepted_nor_rejected(companion: Companion) -> None:
    """Regression: keys that were offered while the user compared others on the phone were accepted."""
    seen, third = OTHER, Identity.generate().public
    await companion.peers.add("ben", KEYS)
    await companion.peers.offer("ben", seen)
    await companion.peers.offer("ben", third)
    for accept in (True, False):
        with pytest.raises(Conflict, match="have just changed, so nothing was accepted or rejected"):
            await companion.peers.decide("ben", accept=accept, shown=seen)
    peer = await companion.peers.get("ben")
    assert (peer.keys, peer.offered) == (KEYS, third)
    peer = await companion.peers.decide("ben", accept=True, shown=third)
    assert (peer.keys, peer.offered) == (third, None)


async def test_offered_keys_are_reported_once_and_withdrawn(companion: Companion) -> None:
    reported: list[object] = []
    companion.peers.offered.connect(reported.append)
    await companion.peers.add("ben", KEYS)
    for _ in range(3):
        await companion.peers.offer("ben", OTHER)
    assert len(reported) == 1
    assert (await companion.peers.offer("ben", KEYS)).offered is None


async def test_rejected_keys_are_not_offered_again_until_others_are(companion: Companion) -> None:
    """Regression: after a restart, the directory offered them again."""
    peers, third = companion.peers, Identity.generate().public
    await peers.add("ben", KEYS)
    await peers.offer("ben", OTHER)
    await peers.decide("ben", accept=False)
    for keys in (OTHER, KEYS, OTHER):
        assert (await peers.offer("ben", keys)).offered is None
    assert (await peers.add("ben", OTHER)).offered == OTHER, "the user may change their mind"
    assert (await peers.offer("ben", OTHER)).offered == OTHER
    await peers.decide("ben", accept=False)
    assert (await peers.offer("ben", third)).offered == third
    assert (await peers.offer("ben", OTHER)).offered == OTHER
    await peers.offer("ben", third)
    await peers.decide("ben", accept=False)
    assert (await peers.offer("ben", OTHER)).offered == OTHER
    peer = await peers.decide("ben", accept=True)
    assert (peer.keys, peer.offered, peer.rejected) == (OTHER, None, None)


async def test_adding_a_peer_with_its_pinned_keys_withdraws_other_keys(companion: Companion) -> None:
    await companion.peers.add("ben", KEYS)
    await companion.peers.offer("ben", OTHER)
    peer = await companion.peers.add("ben", KEYS)
    assert (peer.keys, peer.offered) == (KEYS, None)


async def test_the_digits_are_compared(companion: Companion) -> None:
    await companion.peers.add("ben", KEYS)
    digits = fingerprint(KEYS, OTHER)
    for wrong in (digits[:-1] + str(9 - int(digits[-1])), " ", "-"):
        with pytest.raises(Invalid, match="not the fingerprint"):
            await companion.peers.verify("ben", OTHER, wrong)
    assert not (await companion.peers.get("ben")).verified
    assert (await companion.peers.verify("ben", OTHER, digits.replace(" ", "-"))).verified


async def test_unusable_keys_are_refused(companion: Companion) -> None:
    with pytest.raises(Invalid, match="not a usable"):
        await companion.peers.add("ben", PublicKeys(bytes(32), KEYS.signing))


async def test_a_message_that_an_earlier_version_received_is_recognized(companion: Companion) -> None:
    await companion.peers.add("ben", KEYS)
    assert await companion.peers.receive(MESSAGE, ("earlier",), "")
    again: MessageData = {**MESSAGE, "msg_id": "a1b2c3d4-e5f6-4890-abcd-000000000000"}
    assert await companion.peers.receive(again, ("box", "earlier"), "") is None


async def test_forgetting_and_erasing(companion: Companion) -> None:
    for name in ("ben", "cleo"):
        await companion.peers.add(name, KEYS)
        await companion.chat.store.send(name, "hi")
    await companion.peers.forget("ben")
    with pytest.raises(NotFound):
        await companion.peers.get("ben")
    assert await companion.peers.due(8) == ["cleo"]
    await companion.peers.erase()
    assert (await companion.peers.all(), await companion.peers.due(8)) == ([], [])
    assert "cleo" not in companion.chat.presence
    assert (await companion.chat.store.page("ben", 10, 0))[1] == 1


async def test_changes_are_refused_while_a_session_plays_on_a_copy(companion: Companion) -> None:
    """Regression: they succeeded, and were undone when the session ended; own keys were really deleted."""
    await companion.peers.add("ben", KEYS)
    await companion.peers.offer("ben", OTHER)
    erased: list[None] = []
    companion.identity.changed.connect(erased.append)
    await companion.chat.begin_scratch()
    for change in (
        companion.peers.add("cleo", KEYS),
        companion.peers.decide("ben", accept=True),
        companion.peers.verify("ben", OTHER, ""),
        companion.peers.forget("ben"),
        companion.peers.erase(),
        companion.peers.offer("ben", KEYS),
        companion.peers.note_address("ben", "10.0.0.2"),
        companion.peers.receive(MESSAGE, ("digest",), ""),
        companion.peers.note_notice("ben", Receipt(id="id", msg_id="id"), "digest", ""),
        companion.peers.waiting("ben", 1),
        companion.switchable_sources.look_up("peers").delete_data(remote=False),
    ):
        with pytest.raises(Conflict, match="A session plays on a copy"):
            await change
    await companion.chat.end_scratch(keep=False)
    assert companion.peers.pinned == {"ben": KEYS}
    assert not erased
    await companion.peers.forget("ben")


async def test_a_saved_state_has_no_peers_and_loading_one_keeps_them(companion: Companion) -> None:
    snapshot = await companion.chat.snapshot()
    await companion.chat.remove_person("alice")
    await companion.peers.add("alice", KEYS)
    assert "alice" not in {each["username"] for each in (await companion.chat.snapshot())["people"]}
    await companion.chat.restore(snapshot)
    assert (await companion.peers.get("alice")).keys == KEYS
    alice = next(each for each in await companion.chat.store.people() if each.username == "alice")
    assert alice.is_peer
    await companion.chat.reset()
    assert (await companion.peers.get("alice")).is_friend


async def test_switching_a_peer_online_by_hand_delivers_nothing(companion: Companion) -> None:
    from app.protocol.envelope import Envelope

    await companion.peers.add("ben", KEYS)
    await companion.chat.store.send("ben", "hi")
    await companion.fire(Envelope("friend_online", {"username": "ben"}), origin=PANEL)
    assert [each["delivered"] for each in (await companion.chat.store.page("ben", 10, 0))[0]] == [False]
    assert (await companion.peers.get("ben")).waiting == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.2:9100", ("10.0.0.2", 9100)), ("host", ("host", 9100)), ("[::1]:9", ("::1", 9)),
        ("[fe80::1]", ("fe80::1", 9100)), ("a.example:65535", ("a.example", 65535)),
    ],
)  # fmt: skip
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert parse_address(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":9100",
        "host:",
        "host:0",
        "host:65536",
        "host:19999999",
        "host:0000019999999",
        "host:x",
        "::1",
        "a b:1",
        "[x]:1",
        "ä:1",
    ],
)
def test_invalid_addresses(text: str) -> None:
    with pytest.raises(Malformed, match="not an address"):
        parse_address(text)
