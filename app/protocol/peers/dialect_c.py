"""Verify and decrypt messages in dialect C, a format of messages between peers that we receive, but never send.
The fields are those of dialect A, but the plaintext is the text alone, and the signature is of the plaintext.
A message has no id: ``id_of`` computes one, and the message cannot be acknowledged.
"""

from hashlib import sha256
from uuid import UUID

from app.protocol.peers.dialect_a import decrypt, is_signed
from app.protocol.peers.dialect_b import raw_text
from app.protocol.peers.errors import BadPeerEnvelope
from app.protocol.peers.keys import Identity, PublicKeys


def open_text(box: bytes, nonce: bytes, signature: bytes, me: Identity, peer: PublicKeys) -> str:
    """Return the text of a message. Raises ``BadPeerEnvelope``, and ``InvalidKeys`` for an unusable key."""
    content = decrypt(box, nonce, me, peer)
    if not is_signed(content, signature, peer):
        raise BadPeerEnvelope("the signature is wrong: the message was changed, or signed with another key")
    return raw_text(content)


def id_of(content: bytes) -> str:
    """Return an id for a message that has none. A replay gets the same id."""
    return str(UUID(bytes=sha256(content).digest()[:16], version=4))
