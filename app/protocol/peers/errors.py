"""Exceptions for unusable keys (the user's own or a peer's), and for invalid frames and envelopes of peers.
A peer is a friend with a companion of their own; an envelope is the JSON object that carries a message or notice.
The texts never contain a secret key.
"""


class PeerProtocolError(ValueError):
    """Base of the errors of this package. ``reason`` is a phrase for users, without a full stop."""

    def __init__(self, reason: str) -> None:
        # The reason may quote what a peer has sent, and a lone surrogate cannot be written to a log.
        self.reason = reason.encode(errors="replace").decode()
        super().__init__(self.reason)


class InvalidKeys(PeerProtocolError):
    """Keys that cannot be used."""


class BadPeerFrame(PeerProtocolError):
    """Bytes that are not a frame with a JSON object. The connection must be closed."""


class BadPeerEnvelope(PeerProtocolError):
    """A JSON object that is not a valid envelope, or whose content cannot be verified or decrypted."""
