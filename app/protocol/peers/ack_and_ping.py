"""Read and build envelopes without content: ``ack`` confirms a message, a read receipt or a reaction; ``ping`` asks
whether a peer is reachable, and is answered by a ping. We send pings only as answers. ``busy``, our extension, says
that something could not be stored now and must be sent again. Envelopes are the JSON objects that companions
(peers) send each other; these three are neither encrypted nor signed.
"""

from msgspec import Struct

from app.protocol.peers import wire
from app.protocol.peers.wire import WireEnvelope

ACK, PING, KEY_EXCHANGE, BUSY = "ack", "ping", "key_exchange", "busy"


class Ack(Struct, frozen=True, kw_only=True):
    """A confirmation that a message or a notice has arrived. It is not signed."""

    sender: str
    to: str
    msg_id: str


class Ping(Struct, frozen=True, kw_only=True):
    """A check whether a peer is reachable, or the answer to it."""

    sender: str
    to: str


class Busy(Struct, frozen=True, kw_only=True):
    """An answer of a peer that cannot store anything at the moment. Programs that do not know it ignore it."""

    sender: str
    to: str


def read_ack(envelope: WireEnvelope) -> Ack:
    """Check the fields of an ``ack``. Raises ``BadPeerEnvelope``."""
    return Ack(
        sender=wire.user(envelope.from_, "from"),
        to=wire.user(envelope.to, "to"),
        msg_id=wire.message_id(envelope.ack_msg_id, "ack_msg_id"),
    )


def read_ping(envelope: WireEnvelope) -> Ping:
    """Check the fields of a ``ping``. Raises ``BadPeerEnvelope``."""
    return Ping(sender=wire.user(envelope.from_, "from"), to=wire.user(envelope.to, "to"))


def read_busy(envelope: WireEnvelope) -> Busy:
    """Check the fields of a ``busy``. Raises ``BadPeerEnvelope``."""
    return Busy(sender=wire.user(envelope.from_, "from"), to=wire.user(envelope.to, "to"))


def ack(sender: str, to: str, msg_id: str, at: float) -> bytes:
    """Return the JSON of an ``ack``. ``at`` is its time in seconds since the epoch."""
    return wire.encode(WireEnvelope(type=ACK, from_=sender, to=to, timestamp=wire.stamp(at), ack_msg_id=msg_id))


def ping(sender: str, to: str, at: float) -> bytes:
    """Return the JSON of a ``ping``. ``at`` is its time in seconds since the epoch."""
    return wire.encode(WireEnvelope(type=PING, from_=sender, to=to, timestamp=wire.stamp(at)))


def busy(sender: str, to: str, at: float) -> bytes:
    """Return the JSON of a ``busy``. ``at`` is its time in seconds since the epoch."""
    return wire.encode(WireEnvelope(type=BUSY, from_=sender, to=to, timestamp=wire.stamp(at)))
