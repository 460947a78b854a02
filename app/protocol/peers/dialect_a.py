"""Encrypt and sign messages in dialect A, and verify and decrypt them. A dialect is a format of messages of peers.
A is the only one that we send on a connection. Nonce, box (the encrypted text) and signature are separate fields.
``envelopes`` calls this module for messages and notices. Dialects B and C use its functions, too.

The signature covers only the box, not ``from``, ``to``, ``timestamp`` and ``nonce``. Only the two peers can make or
decrypt a box.
"""

import os
from typing import Any

from app.protocol.envelope import BadFrame, parse_json
from app.protocol.peers import base64_text, wire
from app.protocol.peers.errors import BadPeerEnvelope
from app.protocol.peers.keys import Identity, PublicKeys, verifier
from app.protocol.peers.wire import WireEnvelope

TYPE = "message"
MAX_PLAINTEXT_BYTES = 128 * 1024
"""Room for 10,000 characters, each escaped as a surrogate pair."""


def seal(
    plaintext: bytes, *, type_: str, sender: str, to: str, at: float, me: Identity, peer: PublicKeys,
    nonce: bytes | None = None,
) -> bytes:  # fmt: skip
    """Return an envelope with an encrypted and signed plaintext.

    ``at`` is its time in seconds since the epoch. ``nonce`` (24 bytes) is random unless it is given. Raises
    ``InvalidKeys`` if the peer's key is not usable.
    """
    nonce = os.urandom(wire.NONCE_BYTES) if nonce is None else nonce
    box = me.box(peer).encrypt(plaintext, nonce).ciphertext
    return wire.encode(
        WireEnvelope(
            type=type_, from_=sender, to=to, timestamp=wire.stamp(at), nonce=base64_text.encode(nonce),
            ciphertext=base64_text.encode(box), signature=base64_text.encode(me.signer.sign(box).signature),
        )
    )  # fmt: skip


def plaintext(text: str, msg_id: str) -> bytes:
    """Return the plaintext of a message. Raises ``BadPeerEnvelope`` for text that is not valid Unicode."""
    return wire.encode_json({"text": text, "msg_id": msg_id})


def is_signed(box: bytes, signature: bytes, peer: PublicKeys) -> bool:
    """Return whether a peer has signed a box, or other bytes."""
    from nacl.exceptions import CryptoError

    try:
        verifier(peer).verify(box, signature)
    except CryptoError:
        return False
    return True


def decrypt(box: bytes, nonce: bytes, me: Identity, peer: PublicKeys) -> bytes:
    """Return the plaintext of a box. Raises ``BadPeerEnvelope``, and ``InvalidKeys`` for an unusable key."""
    from nacl.exceptions import CryptoError

    try:
        return me.box(peer).decrypt(box, nonce)
    except CryptoError:
        raise BadPeerEnvelope("it cannot be decrypted: it was changed, or encrypted for other keys") from None


def parse_object(content: bytes) -> dict[str, Any]:
    """Return a plaintext that is a JSON object. Raises ``BadPeerEnvelope``."""
    if len(content) > MAX_PLAINTEXT_BYTES:
        raise BadPeerEnvelope(f"the decrypted content is larger than {MAX_PLAINTEXT_BYTES // 1024} KiB")
    try:
        value = parse_json(content.decode())
    except UnicodeDecodeError:
        raise BadPeerEnvelope("the decrypted content is not UTF-8") from None
    except BadFrame as error:
        raise BadPeerEnvelope(f"the decrypted content is not valid: {error}") from None
    if not isinstance(value, dict):
        raise BadPeerEnvelope("the decrypted content is not a JSON object")
    return value


def parse_plaintext(content: bytes) -> tuple[str, str]:
    """Return text and id of a message. Raises ``BadPeerEnvelope``."""
    value = parse_object(content)
    return wire.text(value.get("text")), wire.message_id(value.get("msg_id"))
