"""Check that any bytes from a peer are rejected with an error of the package, or can be read and opened."""

import json
from typing import Any

from hypothesis import strategies as st

from app.protocol.peers import dialect_a, extension
from app.protocol.peers.base64_text import encode
from app.protocol.peers.envelopes import Sealed, open_message, open_notice, read
from app.protocol.peers.errors import InvalidKeys, PeerProtocolError
from app.protocol.peers.frames import FrameReader
from app.protocol.peers.keys import Identity
from tests.protocol.peers.vector import ALICE, BOB, ENVELOPE

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
fields = st.sampled_from(
    ["type", "msg_id", "from", "to", "timestamp", "nonce", "ciphertext", "signature", "text", "ack_msg_id"]
)
binaries = st.binary(max_size=80).map(encode)
values = (
    st.none() | st.integers() | anything | binaries | st.lists(anything, max_size=2)
    | st.sampled_from(["message", "chat", "ack", "ping", "companion", "key_exchange", "2026-02-11T16:00:00Z"])
    | st.sampled_from([encode(bytes(24)), encode(bytes(64)), "a1b2c3d4-e5f6-7890-abcd-ef1234567890"])
)  # fmt: skip
_vector: dict[str, Any] = json.loads(ENVELOPE)
envelopes = st.dictionaries(fields | anything, values, max_size=9).flatmap(
    lambda each: st.sampled_from([each, {**_vector, **each}])
)
notices = st.dictionaries(
    st.sampled_from(["kind", "id", "msg_id", "typing", "emoji", "present", "text"]),
    values | st.booleans() | st.sampled_from(["typing", "read", "reaction"]), max_size=6,
)  # fmt: skip
plaintexts = st.binary(max_size=60) | notices.map(lambda each: json.dumps(each).encode())
sealed = st.builds(
    lambda plaintext, type_: dialect_a.seal(
        plaintext, type_=type_, sender="alice", to="bob", at=0, me=ALICE, peer=BOB.public
    ),
    plaintexts,
    st.sampled_from([dialect_a.TYPE, extension.TYPE]),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The vector with a part removed or replaced."""
    at, end = sorted((draw(st.integers(0, len(ENVELOPE))), draw(st.integers(0, len(ENVELOPE)))))
    return ENVELOPE[:at] + draw(st.binary(max_size=20)) + ENVELOPE[end:]


bodies = st.binary(max_size=80) | damaged() | sealed | envelopes.map(lambda each: json.dumps(each).encode())


def check_body(body: bytes) -> bool:
    """Return whether a body is a valid envelope that bob can open. Any exception but ours is a bug."""
    try:
        found = read(body)
        if isinstance(found, Sealed):
            opened = (open_notice if found.is_notice else open_message)(found, BOB, ALICE.public)
            repr(opened).encode()
    except PeerProtocolError as bad:
        str(bad).encode()  # the error must be valid Unicode for the log
        return False
    repr(found).encode()
    return True


def check_stream(received: bytes) -> None:
    """Feed any bytes of a connection to a reader. Any exception but ours is a bug."""
    reader = FrameReader()
    try:
        for body in reader.feed(received):
            check_body(body)
    except PeerProtocolError as bad:
        str(bad).encode()


def check_keys_file(text: str) -> None:
    """Read any text as a file of keys. Any exception but ours is a bug."""
    try:
        identity = Identity.from_json(text)
    except InvalidKeys as bad:
        str(bad).encode()
    else:
        assert Identity.from_json(identity.to_json()).public == identity.public
