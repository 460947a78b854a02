"""Exceptions for unusable keys, frames and envelopes of peers. Their texts never contain a secret."""


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
