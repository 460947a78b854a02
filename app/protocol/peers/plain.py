"""Read messages in dialect P, a format of messages between peers that is neither encrypted nor signed.
We never send it. ``sources.peers.receiver`` accepts such messages only if the user allows that in Settings.
"""

from msgspec import Struct

from app.protocol.peers import wire
from app.protocol.peers.wire import WireEnvelope


class PlainMessage(Struct, frozen=True, kw_only=True):
    """A message without a signature, so anyone could have sent it.

    ``at`` is its time in seconds since the epoch.
    """

    sender: str
    to: str
    at: float
    msg_id: str
    text: str


def read(envelope: WireEnvelope) -> PlainMessage:
    """Check the fields of a plain message. Raises ``BadPeerEnvelope``."""
    return PlainMessage(
        sender=wire.user(envelope.from_, "from"),
        to=wire.user(envelope.to, "to"),
        at=wire.seconds(envelope.timestamp),
        msg_id=wire.message_id(envelope.msg_id),
        text=wire.text(envelope.text),
    )
