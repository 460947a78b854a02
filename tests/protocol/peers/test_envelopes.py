"""Envelopes in all dialects: the specification's vector, and everything that must be refused."""

import json
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace
from nacl.public import Box, PublicKey
from nacl.public import PrivateKey as XKey
from nacl.signing import SigningKey

from app.protocol.peers import ack_and_ping, extension
from app.protocol.peers.ack_and_ping import Ack, Ping
from app.protocol.peers.base64_text import decode, encode
from app.protocol.peers.envelopes import (
    OpenedMessage,
    Sealed,
    Unknown,
    open_message,
    open_notice,
    read,
    seal_message,
    seal_notice,
)
from app.protocol.peers.errors import BadPeerEnvelope, BadPeerFrame, InvalidKeys
from app.protocol.peers.frames import frame
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.plain import PlainMessage
from tests.protocol.peers.vector import (
    ALICE,
    ALICE_ED25519,
    ALICE_X25519,
    AT,
    BOB,
    BOB_X25519,
    ENVELOPE,
    MSG_ID,
    NONCE,
    PLAINTEXT,
)

MALLORY = Identity(bytes(range(1, 33)), bytes(range(2, 34)), "c" * 32)


def sealed(body: bytes | dict[str, Any]) -> Sealed:
    found = read(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert isinstance(found, Sealed)
    return found


def changed(**fields: Any) -> dict[str, Any]:
    return {**json.loads(ENVELOPE), **fields}


def raw_box(text: bytes) -> bytes:
    """A box of alice for bob with PyNaCl alone."""
    return Box(XKey(bytes(range(0x20))), PublicKey(BOB.public.encryption)).encrypt(text, NONCE).ciphertext


def signed(content: bytes) -> str:
    return encode(SigningKey(bytes(range(0x40, 0x60))).sign(content).signature)


def b(text: bytes = "Grüße 👋".encode(), **fields: Any) -> dict[str, Any]:
    ciphertext = encode(NONCE + raw_box(text))
    return {
        "type": "chat", "msg_id": MSG_ID, "from": "alice", "to": "bob", "ciphertext": ciphertext,
        "signature": signed(ciphertext.encode()), "timestamp": "2026-02-11T16:00:00Z", **fields,
    }  # fmt: skip


def c(text: bytes = b"Hello, Bob!", **fields: Any) -> dict[str, Any]:
    return {
        "ciphertext": encode(raw_box(text)), "nonce": encode(NONCE), "signature": signed(text),
        "from": "alice", "to": "bob", **fields,
    }  # fmt: skip


def test_the_public_keys_of_the_vector() -> None:
    assert ALICE.public.as_json() == {"public_key": ALICE_X25519, "signing_key": ALICE_ED25519}
    assert BOB.public.as_json()["public_key"] == BOB_X25519


def test_sealing_gives_the_bytes_of_the_vector() -> None:
    body = seal_message(
        "Hello, Bob!", MSG_ID, sender="alice", to="bob", at=AT, me=ALICE, peer=BOB.public, nonce=NONCE
    )
    assert body == ENVELOPE
    assert (len(body), frame(body)[:4]) == (357, bytes([0, 0, 1, 0x65]))


def test_opening_the_vector() -> None:
    found = sealed(ENVELOPE)
    assert (found.sender, found.to, found.at) == ("alice", "bob", AT)
    assert open_message(found, BOB, ALICE.public) == OpenedMessage(dialect="A", text="Hello, Bob!", msg_id=MSG_ID)


def test_the_plaintext_of_the_vector() -> None:
    assert raw_box(PLAINTEXT) in [__import__("base64").b64decode(json.loads(ENVELOPE)["ciphertext"])]


def test_dialect_b() -> None:
    assert open_message(sealed(b()), BOB, ALICE.public) == OpenedMessage(
        dialect="B", text="Grüße 👋", msg_id=MSG_ID
    )


def test_dialect_c_has_an_id_that_a_replay_repeats() -> None:
    first, replay = (open_message(sealed(body), BOB, ALICE.public) for body in (c(), c(timestamp="2030-01-01")))
    assert (first.dialect, first.text, first.can_ack) == ("C", "Hello, Bob!", False)
    assert first == replay


def test_dialect_p() -> None:
    plain = {"type": "chat", "msg_id": MSG_ID, "from": "alice", "to": "bob", "text": "hi",
             "timestamp": "2026-02-11T16:00:00Z"}  # fmt: skip
    assert read(json.dumps(plain).encode()) == PlainMessage(
        sender="alice", to="bob", at=AT, msg_id=MSG_ID, text="hi"
    )


@pytest.mark.parametrize("make", [lambda: changed(), b, c], ids="ABC")
def test_another_signer_is_refused(make: Any) -> None:
    with pytest.raises(BadPeerEnvelope, match="signature is wrong"):
        open_message(sealed(make()), BOB, PublicKeys(ALICE.public.encryption, MALLORY.public.signing))


@pytest.mark.parametrize("make", [lambda: changed(), b, c], ids="ABC")
def test_another_recipient_cannot_decrypt(make: Any) -> None:
    with pytest.raises(BadPeerEnvelope, match="cannot be decrypted"):
        open_message(sealed(make()), MALLORY, ALICE.public)


def test_a_reflected_message_is_refused() -> None:
    """The shared key of both sides is the same: only the signature shows who sent it."""
    with pytest.raises(BadPeerEnvelope, match="signature is wrong"):
        open_message(sealed(changed(**{"from": "bob", "to": "alice"})), ALICE, BOB.public)


def test_a_changed_time_is_read_and_not_detected() -> None:
    """The format does not protect it, so the receiver compares it with its own time."""
    found = sealed(changed(timestamp="2020-01-01T00:00:00Z"))
    assert found.at == 1_577_836_800
    assert open_message(found, BOB, ALICE.public).text == "Hello, Bob!"
    assert found.digest == sealed(ENVELOPE).digest


def test_a_box_is_recognized_in_another_dialect() -> None:
    """Nothing signs the dialect of a message from a queue that has no signature."""
    found = sealed(ENVELOPE)
    nonce_and_box = encode(found.nonce + decode(found.ciphertext))
    unsigned = replace(found, type="chat", nonce=b"", ciphertext=nonce_and_box, signature="")
    assert unsigned.digest == found.digest
    assert found.digests == (found.digest,)
    assert unsigned.digests[1] == sha256(decode(nonce_and_box)).hexdigest()
    with pytest.raises(BadPeerEnvelope, match="content of another envelope"):
        open_message(unsigned, BOB, ALICE.public)


def test_a_changed_nonce_cannot_be_decrypted() -> None:
    with pytest.raises(BadPeerEnvelope, match="cannot be decrypted"):
        open_message(sealed(changed(nonce=encode(bytes(24)))), BOB, ALICE.public)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (changed(nonce="AAAA"), "nonce has 3 bytes"),
        (changed(nonce="ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7="), "nonce is not base64"),
        (changed(ciphertext="_-=="), "ciphertext is not base64"),
        (changed(ciphertext=""), "ciphertext has 0 bytes"),
        (changed(signature="AAAA"), "signature has 3 bytes"),
        (changed(timestamp="yesterday"), "not an ISO 8601 time"),
        (changed(timestamp=5), "timestamp must be text"),
        (changed(to=""), "to must not be empty"),
        (changed(**{"from": "a/b"}), "from must not contain"),
        ({"type": "message", "from": "alice", "to": "bob"}, "ciphertext is missing"),
        ({}, "ciphertext is missing"),
        (b(msg_id="1"), "msg_id is missing or not a UUID"),
        ({"type": "ack", "from": "a", "to": "b", "ack_msg_id": 1}, "ack_msg_id must be text"),
        ({"type": "ack", "from": "a", "to": "b"}, "ack_msg_id is missing"),
        ({"text": ""}, "from is missing"),
    ],
)
def test_invalid_fields(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadPeerEnvelope, match=reason):
        read(json.dumps(body).encode())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"5", b"{", b'{"a":NaN}', b"\xff", b"[" * 100_000, b'{"from":"\\ud800"}']
)
def test_what_is_not_a_json_object(body: bytes) -> None:
    with pytest.raises(BadPeerFrame):
        read(body)


@pytest.mark.parametrize("text", [b"", b"\xff", b"x" * 10_001])
def test_invalid_texts_in_valid_envelopes(text: bytes) -> None:
    for make in (b, c):
        with pytest.raises(BadPeerEnvelope, match=r"text|UTF-8"):
            open_message(sealed(make(text)), BOB, ALICE.public)


@pytest.mark.parametrize("text", [b"[]", b"{}", b'{"text":"x"}', b'{"text":5,"msg_id":"x"}', b"{" * 1000])
def test_invalid_plaintexts_in_dialect_a(text: bytes) -> None:
    box = raw_box(text)
    body = changed(ciphertext=encode(box), signature=signed(box))
    with pytest.raises(BadPeerEnvelope):
        open_message(sealed(body), BOB, ALICE.public)


def test_unknown_types_are_named() -> None:
    assert read(b'{"type":"typing"}') == Unknown(type="typing")
    assert read(b'{"type":"key_exchange","from":"alice"}') == Unknown(type="key_exchange")


def test_ack_and_ping() -> None:
    assert read(ack_and_ping.ack("bob", "alice", MSG_ID, AT)) == Ack(sender="bob", to="alice", msg_id=MSG_ID)
    assert read(ack_and_ping.ping("bob", "alice", AT)) == Ping(sender="bob", to="alice")
    assert ack_and_ping.ack("bob", "alice", MSG_ID, AT) == (
        b'{"type":"ack","from":"bob","to":"alice","timestamp":"2026-02-11T16:00:00Z","ack_msg_id":"'
        + MSG_ID.encode()
        + b'"}'
    )


def test_long_texts_are_not_escaped() -> None:
    body = seal_message("👋" * 10_000, MSG_ID, sender="alice", to="bob", at=AT, me=ALICE, peer=BOB.public)
    assert 53_000 < len(body) < 55_000
    assert open_message(sealed(body), BOB, ALICE.public).text == "👋" * 10_000


def test_a_lone_surrogate_cannot_be_sent() -> None:
    with pytest.raises(BadPeerEnvelope, match="surrogate"):
        seal_message("\ud800", MSG_ID, sender="alice", to="bob", at=AT, me=ALICE, peer=BOB.public)


def test_an_unusable_key_is_refused() -> None:
    with pytest.raises(InvalidKeys, match="not a usable"):
        seal_message("x", MSG_ID, sender="a", to="b", at=AT, me=ALICE, peer=PublicKeys(bytes(32), bytes(32)))


NOTICES = (
    extension.Typing(id=MSG_ID, typing=True),
    extension.Receipt(id=MSG_ID, msg_id=MSG_ID),
    extension.PeerReaction(id=MSG_ID, msg_id=MSG_ID, emoji="👍", present=False),
)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda each: type(each).__name__)
def test_notices_of_our_extension(notice: extension.Notice) -> None:
    body = seal_notice(notice, sender="alice", to="bob", at=AT, me=ALICE, peer=BOB.public)
    found = sealed(body)
    assert found.is_notice
    assert open_notice(found, BOB, ALICE.public) == notice
    with pytest.raises(BadPeerEnvelope, match="signature"):
        open_notice(found, BOB, MALLORY.public)
    as_message = sealed({**json.loads(body), "type": "message"})
    with pytest.raises(BadPeerEnvelope, match="text is missing"):
        open_message(as_message, BOB, ALICE.public)


def test_a_message_is_no_notice() -> None:
    with pytest.raises(BadPeerEnvelope, match="notice"):
        open_notice(sealed(changed(type="companion")), BOB, ALICE.public)


@pytest.mark.parametrize(
    "plaintext",
    [
        {"kind": "typing"}, {"kind": "read", "id": MSG_ID, "msg_id": "x"}, {"kind": "x", "id": MSG_ID},
        {"kind": "reaction", "id": MSG_ID, "msg_id": MSG_ID, "emoji": "", "present": True},
    ],
)  # fmt: skip
def test_invalid_notices(plaintext: dict[str, Any]) -> None:
    with pytest.raises(BadPeerEnvelope):
        extension.parse(json.dumps(plaintext).encode())
