"""Peers in the control API: the user's own keys are known before peers are switched on, and changed keys."""

from pathlib import Path

import pytest

from app.protocol.peers.fingerprint import fingerprint
from app.protocol.peers.keys import Identity
from app.storage.peer_identity import PeerIdentity
from app.system.peer_keys import PeerKeysStore
from tests.endpoints.control_api import Control
from tests.protocol.peers.vector import ALICE, BOB
from tests.system.keyrings import MemoryKeyring, using


async def test_stored_keys_count_before_they_are_used(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the fingerprint was empty, and the user's own keys were accepted as those of a friend."""
    assert (await control.post("/v1/peers", {"username": "robin", **ALICE.public.as_json()})).status == 200
    assert (await control.get_json("/v1/peers"))["peers"][0]["fingerprint"] == ""
    with using(MemoryKeyring()):
        own = await PeerIdentity(tmp_path / "keys.json").obtain()
        monkeypatch.setattr(control.companion.identity, "_store", PeerKeysStore(tmp_path / "keys.json"))
        assert (await control.get_json("/v1/peers"))["peers"][0]["fingerprint"]
        control.companion.identity.current = None
        answer = await control.post("/v1/peers", {"username": "rachel", **own.public.as_json()})
        assert (answer.status, answer.detail) == (409, "These are your own keys. Add those of your friend.")


async def test_an_address_is_kept_if_it_is_omitted_and_removed_if_it_is_empty(control: Control) -> None:
    """Regression: an empty address was ignored, so only the window could remove it."""
    ben = {"username": "ben", **ALICE.public.as_json()}
    for given, expected in (
        ({"address": "10.0.0.2:9100"}, "10.0.0.2:9100"),
        ({}, "10.0.0.2:9100"),
        ({"address": None}, "10.0.0.2:9100"),
        ({"address": ""}, ""),
    ):
        answer = await control.post("/v1/peers", {**ben, **given})
        assert answer.status == 200
        assert (await control.get_json("/v1/peers"))["peers"][0]["address"] == expected


async def test_the_address_of_a_known_peer_is_changed_without_its_keys(control: Control) -> None:
    """Regression: the keys were required, and given again, they withdrew other keys that were offered."""
    companion = control.companion
    await companion.peers.add("ben", ALICE.public)
    await companion.peers.offer("ben", BOB.public)
    answer = await control.post("/v1/peers", {"username": "ben", "address": "10.0.0.2:9100"})
    assert (answer.status, answer.json["address"], answer.json["changed"]) == (200, "10.0.0.2:9100", True)
    peer = await companion.peers.get("ben")
    assert (peer.keys, peer.offered, peer.address) == (ALICE.public, BOB.public, "10.0.0.2:9100")
    answer = await control.post("/v1/peers", {"username": "eve", "address": "10.0.0.2:9100"})
    assert (answer.status, answer.detail) == (
        404, "There is no peer 'eve'. To add one, give its public key and signing key."
    )  # fmt: skip
    body = {"username": "ben", "public_key": ALICE.public.as_json()["public_key"]}
    answer = await control.post("/v1/peers", body)
    assert (answer.status, answer.detail) == (
        422, "One of the keys is missing. Give public_key and signing_key, or neither of them."
    )  # fmt: skip


async def test_only_the_offered_keys_with_the_compared_fingerprint_are_accepted(control: Control) -> None:
    companion = control.companion
    own = (await companion.identity.obtain()).public
    await companion.peers.add("ben", ALICE.public)
    compared = fingerprint(own, BOB.public)
    body = {"accept": True, "fingerprint": compared}
    answer = await control.put("/v1/peers/ben/keys", body)
    assert (answer.status, "have not changed" in answer.detail) == (409, True)
    await companion.peers.offer("ben", Identity.generate().public)
    answer = await control.put("/v1/peers/ben/keys", body)
    assert (answer.status, "is not the fingerprint of the new keys of ben" in answer.detail) == (422, True)
    assert companion.peers.pinned == {"ben": ALICE.public}
    await companion.peers.offer("ben", BOB.public)
    assert (await control.get_json("/v1/peers"))["peers"][0]["offered_fingerprint"] == compared
    assert (await control.put("/v1/peers/ben/keys", body)).status == 200
    assert companion.peers.pinned == {"ben": BOB.public}
