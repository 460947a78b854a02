"""Accept messages of peers from the Supabase queue: ``QueueInbox`` passes them to the receiver, which verifies,
decrypts and stores them. ``PeerContacts`` lists the friends who are peers, and records when one was last active.

The Supabase source uses both through ``sources.supabase.peer_mailbox``.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from app.hub.hub import Hub
from app.protocol.directory.rows import QueuedRow, SealedEnvelope, content_of
from app.protocol.peers import wire
from app.protocol.peers.envelopes import Sealed, read
from app.protocol.peers.errors import BadPeerEnvelope, PeerProtocolError
from app.protocol.peers.fingerprint import half
from app.protocol.peers.keys import PublicKeys
from app.protocol.peers.peer import Peer
from app.protocol.peers.wire import encode_json
from app.sources.peers.receiver import NotNow, PeerReceiver, Refusal, UnknownSender
from app.sources.supabase.contracts import Contact, InboxResult, MessageStatus


class QueueInbox:
    """Passes rows of the queue to the receiver, as if they had arrived on a connection."""

    def __init__(
        self, receiver: PeerReceiver, hub: Hub, pinned: Callable[[], Mapping[str, PublicKeys]],
        friends: Callable[[], Sequence[str]],
    ) -> None:  # fmt: skip
        """``pinned`` returns the keys of all peers by name; ``friends`` the names of all friends."""
        self._receiver = receiver
        self._hub = hub
        self._pinned = pinned
        self._friends = friends

    def trust(self, sender: str) -> str:
        """Return a text that changes when messages of a sender may be accepted; empty if it is not a peer.

        That depends on the pinned keys, and on whether messages without a signature are accepted.
        """
        keys = self._pinned().get(sender)
        return f"{half(keys)} {self._receiver.accepts_unverified}" if keys and sender in self._friends() else ""

    async def accept(self, row: QueuedRow) -> InboxResult:
        """Verify, decrypt and store a message. Raises ``StorageError``; it is not stored then."""
        try:
            sealed, body = self._sealed(row)
            received = await self._receiver.receive(sealed, body, queued_at=row.at)
        except UnknownSender as error:
            return InboxResult(MessageStatus.UNKNOWN_SENDER, str(error))
        except NotNow as error:
            return InboxResult(MessageStatus.LATER, str(error))
        except (Refusal, PeerProtocolError) as error:
            return InboxResult(MessageStatus.REFUSED, str(error))
        return InboxResult(MessageStatus.STORED if received.new else MessageStatus.KNOWN)

    def _sealed(self, row: QueuedRow) -> tuple[Sealed, bytes]:
        """Return the envelope of a row, and the JSON to show of it. Raises ``PeerProtocolError``."""
        content = content_of(row)
        if isinstance(content, SealedEnvelope):
            found = read(content.envelope)
            if not isinstance(found, Sealed) or found.is_notice:
                raise BadPeerEnvelope("it is not an encrypted message")
            if found.sender != row.from_user:
                raise BadPeerEnvelope(f"its sender {found.sender[:64]!r} is not the one of the row")
            return found, content.envelope
        wire.binary(content.ciphertext, "ciphertext", at_least=wire.NONCE_BYTES + wire.MAC_BYTES)
        try:
            msg_id = str(UUID(row.id))
        except ValueError:
            raise BadPeerEnvelope("its id is not a UUID") from None
        # An empty signature is refused: a box that this user made for the sender also opens as the sender's.
        if content.signature is not None:
            wire.binary(content.signature, "signature", length=wire.SIGNATURE_BYTES)
        sealed = Sealed(
            type="chat", sender=row.from_user, to=self._hub.local_user, at=row.at, nonce=b"",
            ciphertext=content.ciphertext, signature=content.signature or "", msg_id=msg_id,
        )  # fmt: skip
        shown = {"id": row.id, "from_user": row.from_user, "ciphertext": row.ciphertext, "signature": row.signature}
        return sealed, encode_json(shown)


class PeerContacts:
    """The friends who are peers, for the presence that the directory reports."""

    def __init__(
        self, peers: Callable[[], Awaitable[Sequence[Peer]]], note_seen: Callable[[str, float], None]
    ) -> None:
        """``peers`` returns all peers; ``note_seen`` records when one was last active (seconds since the epoch)."""
        self._peers = peers
        self.note_seen = note_seen

    async def contacts(self) -> list[Contact]:
        """Return the peers that are friends. May raise ``StorageError``."""
        return [
            Contact(each.username, each.online, each.last_seen) for each in await self._peers() if each.is_friend
        ]
