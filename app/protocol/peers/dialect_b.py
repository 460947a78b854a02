"""Verify and decrypt messages in dialect B, a format of messages between peers; encrypt them for the offline queue,
a table of a Supabase project. On a connection, messages in dialect B are received, but never sent. Nonce and box
(the encrypted text) are in one field, and the signature is of that field's text.

A queue with the older schema, which has no signatures, gets whole envelopes in dialect A instead. A row in
dialect B without a signature is only decrypted.
"""

import os

from app.protocol.peers import base64_text, wire
from app.protocol.peers.dialect_a import decrypt, is_signed, parse_object
from app.protocol.peers.errors import BadPeerEnvelope
from app.protocol.peers.keys import Identity, PublicKeys


def open_text(ciphertext: str, signature: str, me: Identity, peer: PublicKeys) -> str:
    """Return the text of a message. Raises ``BadPeerEnvelope``, and ``InvalidKeys`` for an unusable key."""
    content = wire.binary(ciphertext, "ciphertext", at_least=wire.NONCE_BYTES + wire.MAC_BYTES)
    if not is_signed(ciphertext.encode(), wire.binary(signature, "signature", length=wire.SIGNATURE_BYTES), peer):
        raise BadPeerEnvelope("the signature is wrong: the message was changed, or signed with another key")
    return raw_text(decrypt(content[wire.NONCE_BYTES :], content[: wire.NONCE_BYTES], me, peer))


def open_unsigned(ciphertext: str, me: Identity, peer: PublicKeys) -> str:
    """Return the text of a message from a queue without its signature. The sender or this user has made the box.

    Raises like ``open_text``, also for the content of a message or notice in dialect A.
    """
    content = wire.binary(ciphertext, "ciphertext", at_least=wire.NONCE_BYTES + wire.MAC_BYTES)
    plaintext = decrypt(content[wire.NONCE_BYTES :], content[: wire.NONCE_BYTES], me, peer)
    try:
        value = parse_object(plaintext)
    except BadPeerEnvelope:
        return raw_text(plaintext)
    if "msg_id" in value or "kind" in value:
        raise BadPeerEnvelope("it is the content of another envelope, without its signature")
    return raw_text(plaintext)


def seal(text: str, me: Identity, peer: PublicKeys) -> tuple[str, str]:
    """Return ciphertext and signature of a text, as the newer schema of the directory's queue has them."""
    nonce = os.urandom(wire.NONCE_BYTES)
    ciphertext = base64_text.encode(nonce + me.box(peer).encrypt(text.encode(), nonce).ciphertext)
    return ciphertext, base64_text.encode(me.signer.sign(ciphertext.encode()).signature)


def raw_text(content: bytes) -> str:
    """Return a plaintext that is the text itself. Raises ``BadPeerEnvelope``."""
    try:
        return wire.text(content.decode())
    except UnicodeDecodeError:
        raise BadPeerEnvelope("the decrypted content is not UTF-8") from None
