"""Data types of our extension of the peer protocol: typing, read receipts and reactions, together called notices.
Functions convert a notice to the JSON that is encrypted, and back.

Their envelopes have the type ``companion``, which other programs ignore. ``envelopes`` encrypts and signs them like
messages, with ``dialect_a``.
"""

from typing import Literal
from uuid import uuid4

import msgspec
from msgspec import Struct

from app.protocol.peers import dialect_a, wire
from app.protocol.peers.errors import BadPeerEnvelope
from app.validation_messages import fault

TYPE = "companion"
MAX_EMOJI_CHARS = 32


class Typing(Struct, frozen=True, kw_only=True, tag="typing", tag_field="kind"):
    """The sender has begun or stopped typing.

    ``at`` is the time in seconds since the epoch; 0 in those of earlier versions. The time of the envelope is not
    signed, so it does not show whether this is a replay. Messages have whole seconds: if the sender has just sent
    one, ``at`` is not before the end of that second, so that the recipient knows which of them is later. For the
    same reason, it is after the time of the typing before, also in that second.
    """

    id: str
    typing: bool
    at: float = 0.0


class Receipt(Struct, frozen=True, kw_only=True, tag="read", tag_field="kind"):
    """The sender has read the messages up to ``msg_id``."""

    id: str
    msg_id: str


class PeerReaction(Struct, frozen=True, kw_only=True, tag="reaction", tag_field="kind"):
    """The sender has added a reaction to a message, or removed it if ``present`` is False."""

    id: str
    msg_id: str
    emoji: str
    present: bool


StoredNotice = Receipt | PeerReaction
Notice = Typing | StoredNotice
NoticeKind = Literal["typing", "read", "reaction"]


def new_id() -> str:
    """Return an id for a notice, by which a replay is recognized."""
    return str(uuid4())


def plaintext(notice: Notice) -> bytes:
    """Return the plaintext of a notice."""
    return wire.encode_json(notice)


def parse(content: bytes) -> Notice:
    """Return a decrypted notice. Raises ``BadPeerEnvelope``."""
    try:
        notice: Notice = msgspec.convert(dialect_a.parse_object(content), Typing | Receipt | PeerReaction)
    except msgspec.ValidationError as error:
        raise BadPeerEnvelope(f"the decrypted notice is not valid: {fault(error)}") from None
    wire.message_id(notice.id, "id")
    if not isinstance(notice, Typing):
        wire.message_id(notice.msg_id)
    if isinstance(notice, PeerReaction) and not 0 < len(notice.emoji) <= MAX_EMOJI_CHARS:
        raise BadPeerEnvelope(f"emoji must have 1 to {MAX_EMOJI_CHARS} characters")
    return notice
