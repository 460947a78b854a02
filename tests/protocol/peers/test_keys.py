"""Keys and their files: both formats, every mistake in them, and no secret in any text."""

import copy
import json
import pickle

import pytest

from app.protocol.peers.base64_text import encode
from app.protocol.peers.errors import InvalidKeys
from app.protocol.peers.fingerprint import fingerprint, half
from app.protocol.peers.keys import Identity, PublicKeys
from tests.protocol.peers.vector import ALICE, ALICE_ED25519, ALICE_X25519, BOB

X_SECRET = encode(bytes(range(32)))
ED_SECRET = encode(bytes(range(0x40, 0x60)) + ALICE.public.signing)
FLAT = {
    "x25519_public": ALICE_X25519, "x25519_secret": X_SECRET,
    "ed25519_public": ALICE_ED25519, "ed25519_secret": ED_SECRET,
}  # fmt: skip
NESTED = {
    "encryption": {"public_key": ALICE_X25519, "secret_key": X_SECRET},
    "signing": {"public_key": ALICE_ED25519, "secret_key": ED_SECRET},
}


@pytest.mark.parametrize("document", [FLAT, NESTED, {**FLAT, "ed25519_secret": encode(bytes(range(0x40, 0x60)))}])
def test_both_formats_and_a_seed_alone(document: dict[str, object]) -> None:
    found = Identity.from_json(json.dumps(document), "f" * 32)
    assert (found.public, found.node_id) == (ALICE.public, "f" * 32)


def test_written_files_can_be_read() -> None:
    assert json.loads(ALICE.to_json()) == {**FLAT, "node_id": "a" * 32}
    assert json.loads(ALICE.to_json("nested")) == {**NESTED, "node_id": "a" * 32}
    for text in (ALICE.to_json(), ALICE.to_json("nested")):
        assert Identity.from_json(text, "f" * 32).node_id == "a" * 32


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ("{}", "neither x25519_secret"),
        ({**FLAT, "x25519_secret": None}, "X25519 secret key is missing"),
        ({**FLAT, "x25519_secret": X_SECRET[:-1]}, "not base64"),
        ({**FLAT, "ed25519_secret": encode(bytes(33))}, "33 bytes; 32 or 64"),
        ({**FLAT, "x25519_public": ALICE_ED25519}, "X25519 public key does not belong"),
        ({**FLAT, "ed25519_public": ALICE_X25519}, "Ed25519 public key does not belong"),
        ({**FLAT, "ed25519_secret": encode(bytes(64))}, "does not end with its public key"),
        ({**FLAT, "node_id": "x"}, "node_id"),
        ({**NESTED, "signing": 5}, "neither x25519_secret"),
        ("x" * 20_000, "larger than 16 KiB"),
    ],
)
def test_invalid_files(document: object, reason: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(InvalidKeys, match=reason) as caught:
        Identity.from_json(text)
    assert X_SECRET not in str(caught.value)


def test_new_keys_differ_and_rotation_keeps_the_node_id() -> None:
    first = Identity.generate()
    second = first.rotated()
    assert first.public != second.public
    assert first.node_id == second.node_id
    assert len(first.node_id) == 32


def test_no_text_of_an_identity_has_a_key() -> None:
    assert repr(ALICE) == str(ALICE) == f"Identity(node_id='{'a' * 32}')"
    for work in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="secret"):
            work(ALICE)


@pytest.mark.parametrize(
    ("encryption", "signing", "reason"),
    [
        ("", ALICE_ED25519, "public key has 0 bytes"),
        (ALICE_X25519, "é", "signing key is not base64"),
        (encode(bytes(32)), ALICE_ED25519, "not a usable"),
        (ALICE_X25519, ALICE_X25519, "are equal"),
    ],
)
def test_invalid_public_keys(encryption: str, signing: str, reason: str) -> None:
    with pytest.raises(InvalidKeys, match=reason):
        PublicKeys.parse(encryption, signing)


def test_both_sides_read_the_same_fingerprint() -> None:
    digits = fingerprint(ALICE.public, BOB.public)
    assert digits == fingerprint(BOB.public, ALICE.public)
    assert len(digits.replace(" ", "")) == 60
    assert digits.replace(" ", "").isdigit()
    assert [len(each) for each in digits.split()] == [5] * 12


def test_each_key_changes_the_fingerprint() -> None:
    known = half(ALICE.public)
    assert known != half(PublicKeys(BOB.public.encryption, ALICE.public.signing))
    assert known != half(PublicKeys(ALICE.public.encryption, BOB.public.signing))


def test_the_fingerprint_never_changes_between_versions() -> None:
    assert half(ALICE.public) == "67963 28552 13993 13044 69001 73904"
