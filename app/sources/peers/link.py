"""The peer link: creates the parts that send messages to peers and handle received ones, and connects them."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from app.hub.hub import Hub
from app.hub.rejection_log import RejectionLog
from app.hub.router import Router
from app.hub.tasks import Tasks
from app.sources.peers.dialer import exchange
from app.sources.peers.notices import PeerNotices
from app.sources.peers.outbox import PeerOutbox
from app.sources.peers.parts import IdentityInUse, PeerBook, PeerOptions
from app.sources.peers.receiver import PeerConnection, PeerReceiver
from app.sources.source import Publisher


class Companion(Publisher, Protocol):
    """The part of the companion that the link uses."""

    hub: Hub
    router: Router
    tasks: Tasks
    rejection_log: RejectionLog


class PeerLink:
    """Exchanges messages with peers. ``outbox`` is a ``Source`` that sends items again that could not be sent."""

    def __init__(
        self, companion: Companion, book: PeerBook, identity: IdentityInUse,
        options: Callable[[], PeerOptions],
    ) -> None:  # fmt: skip
        self.outbox = PeerOutbox(book, companion.hub, identity, options)
        self.receiver = PeerReceiver(
            book, companion.hub, companion, companion.rejection_log, identity, options, self.outbox
        )
        self.notices = PeerNotices(
            book, companion.hub, self.outbox, identity, options, companion.tasks, partial(exchange, ack_s=0.0)
        )
        self.outbox.on_alive = self.receiver.switch_online
        companion.router.client_event.connect(self.notices.on_client_event)

    async def handle(self, body: bytes, connection: PeerConnection) -> bytes | None:
        """Handle the JSON of a frame from a peer. See ``PeerReceiver.handle``."""
        return await self.receiver.handle(body, connection)
