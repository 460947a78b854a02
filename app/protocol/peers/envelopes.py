"""Read the envelopes that peers send: messages in any of four dialects (formats), notices, ``ack`` and others.
Write our messages and notices in dialect A. Notices are typing, read receipts and reactions.

``read`` needs no keys: it parses the JSON, and the sender in the result is only a claim. ``open_message`` and
``open_notice`` verify and decrypt with the keys that are pinned for that sender; only then is it known whether a
message is in dialect A or C. A message from a queue without a signature is only decrypted. A message in dialect P
(``plain``) is not encrypted, so ``read`` returns its text.
"""

from hashlib import sha256
from typing import Literal

from msgspec import UNSET, Struct

from app.protocol.peers import ack_and_ping, base64_text, dialect_a, dialect_b, dialect_c, extension, plain, wire
from app.protocol.peers.ack_and_ping import Ack, Busy, Ping
from app.protocol.peers.errors import BadPeerEnvelope
from app.protocol.peers.extension import Notice
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.plain import PlainMessage

Dialect = Literal["A", "B", "C", "P"]
REPLAY_S = 300.0
"""A message may be a replay if its time differs by more than this from the local time."""


class Sealed(Struct, frozen=True, kw_only=True):
    """An envelope with encrypted content. ``nonce`` is empty in dialect B, which has it in ``ciphertext``.

    ``sender`` is only claimed until the envelope is opened. ``at`` is the time in seconds since the epoch, which
    the signature does not cover. ``msg_id`` is the one of dialect B, or empty.
    """

    type: str
    sender: str
    to: str
    at: float
    nonce: bytes
    ciphertext: str
    signature: str
    msg_id: str = ""

    @property
    def is_notice(self) -> bool:
        """Whether it is typing, a receipt or a reaction, not a message."""
        return self.type == extension.TYPE

    @property
    def digest(self) -> str:
        """A hash of the box. It depends neither on unsigned fields nor on the dialect in which the box is sent."""
        return self.digests[0]

    @property
    def digests(self) -> tuple[str, ...]:
        """``digest``, and the hash by which earlier versions recognized the content in dialect B."""
        content = base64_text.decode(self.ciphertext)
        if self.nonce:
            return (sha256(content).hexdigest(),)
        return sha256(content[wire.NONCE_BYTES :]).hexdigest(), sha256(content).hexdigest()


class Unknown(Struct, frozen=True, kw_only=True):
    """An envelope of a type that we do not know, or the reserved ``key_exchange``."""

    type: str


class OpenedMessage(Struct, frozen=True, kw_only=True):
    """A message with its text, decrypted or plain. ``can_ack`` is False in dialect C, whose messages have no id.

    ``verified`` is False for a message from a queue without a signature. In dialect P, it has no meaning.
    """

    dialect: Dialect
    text: str
    msg_id: str
    can_ack: bool = True
    verified: bool = True


Incoming = Sealed | PlainMessage | Ack | Ping | Busy | Unknown


def read(body: bytes) -> Incoming:
    """Read the JSON of a frame, without keys.

    Raises ``BadPeerFrame`` if it is not a JSON object, and ``BadPeerEnvelope`` if its fields are not valid.
    """
    envelope = wire.parse(body)
    match envelope.type:
        case ack_and_ping.ACK:
            return ack_and_ping.read_ack(envelope)
        case ack_and_ping.PING:
            return ack_and_ping.read_ping(envelope)
        case ack_and_ping.BUSY:
            return ack_and_ping.read_busy(envelope)
        case dialect_a.TYPE | extension.TYPE | "chat":
            pass
        case kind if kind is not UNSET:
            return Unknown(type=kind)
    if envelope.text is not UNSET:
        return plain.read(envelope)
    kind = "" if envelope.type is UNSET else envelope.type
    nonce = b""
    at_least = wire.MAC_BYTES
    if envelope.nonce is not UNSET:
        nonce = wire.binary(envelope.nonce, "nonce", length=wire.NONCE_BYTES)
    elif kind == extension.TYPE:
        raise BadPeerEnvelope("nonce is missing")
    else:
        at_least += wire.NONCE_BYTES
    wire.binary(envelope.ciphertext, "ciphertext", at_least=at_least)
    wire.binary(envelope.signature, "signature", length=wire.SIGNATURE_BYTES)
    # Dialect C need not have a time: its messages are as old as their arrival.
    at = wire.seconds(envelope.timestamp) if kind or envelope.timestamp is not UNSET else 0.0
    return Sealed(
        type=kind,
        sender=wire.user(envelope.from_, "from"),
        to=wire.user(envelope.to, "to"),
        at=at,
        nonce=nonce,
        ciphertext=wire.required(envelope.ciphertext, "ciphertext"),
        signature=wire.required(envelope.signature, "signature"),
        msg_id="" if nonce else wire.message_id(envelope.msg_id),
    )


def open_message(sealed: Sealed, me: Identity, peer: PublicKeys) -> OpenedMessage:
    """Verify and decrypt a message with the sender's keys.

    Raises ``BadPeerEnvelope`` if that is not possible, and ``InvalidKeys`` if the sender's keys are not usable.
    """
    if not sealed.nonce and not sealed.signature:  # only from a queue: `read` requires a signature
        text = dialect_b.open_unsigned(sealed.ciphertext, me, peer)
        return OpenedMessage(dialect="B", text=text, msg_id=sealed.msg_id, verified=False)
    if not sealed.nonce:
        text = dialect_b.open_text(sealed.ciphertext, sealed.signature, me, peer)
        return OpenedMessage(dialect="B", text=text, msg_id=sealed.msg_id)
    box, signature = base64_text.decode(sealed.ciphertext), base64_text.decode(sealed.signature)
    if dialect_a.is_signed(box, signature, peer):
        text, msg_id = dialect_a.parse_plaintext(dialect_a.decrypt(box, sealed.nonce, me, peer))
        return OpenedMessage(dialect="A", text=text, msg_id=msg_id)
    try:
        text = dialect_c.open_text(box, sealed.nonce, signature, me, peer)
    except BadPeerEnvelope:
        if sealed.type != dialect_a.TYPE:
            raise
        raise BadPeerEnvelope("the signature is wrong: it was changed, or signed with another key") from None
    return OpenedMessage(dialect="C", text=text, msg_id=dialect_c.id_of(box), can_ack=False)


def open_notice(sealed: Sealed, me: Identity, peer: PublicKeys) -> Notice:
    """Verify and decrypt typing, a receipt or a reaction. Raises like ``open_message``."""
    box, signature = base64_text.decode(sealed.ciphertext), base64_text.decode(sealed.signature)
    if not dialect_a.is_signed(box, signature, peer):
        raise BadPeerEnvelope("the signature is wrong: the notice was changed, or signed with another key")
    return extension.parse(dialect_a.decrypt(box, sealed.nonce, me, peer))


def seal_message(
    text: str, msg_id: str, *, sender: str, to: str, at: float, me: Identity, peer: PublicKeys,
    nonce: bytes | None = None,
) -> bytes:  # fmt: skip
    """Return the JSON of a message in dialect A. Raises ``InvalidKeys`` and ``BadPeerEnvelope``."""
    return dialect_a.seal(
        dialect_a.plaintext(text, msg_id),
        type_=dialect_a.TYPE, sender=sender, to=to, at=at, me=me, peer=peer, nonce=nonce,
    )  # fmt: skip


def seal_notice(notice: Notice, *, sender: str, to: str, at: float, me: Identity, peer: PublicKeys) -> bytes:
    """Return the JSON of typing, a receipt or a reaction. Raises ``InvalidKeys`` and ``BadPeerEnvelope``."""
    return dialect_a.seal(
        extension.plaintext(notice), type_=extension.TYPE, sender=sender, to=to, at=at, me=me, peer=peer
    )
