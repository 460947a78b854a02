"""Priming, a setting: send each browser that connects one ``new_message`` per friend, without storing it.
Some UIs go blank when they open a chat that has had no message since the page was loaded.

The message is the newest one that the local user has sent to that friend, or a placeholder (``ChatStore.primers``
chooses it). It is sent 0.05 s after a browser connects. When friends are added, all browsers get the messages for
them; when the setting is turned on, for all friends. While sending is paused, it is postponed.
"""

from collections.abc import Callable, Iterable

from app.chat.service import ChatService
from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.origin import PRIMING
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError

PRIME_AFTER_S = 0.05
"""Delay after the connect. Connections that close before are not primed, such as those of development servers."""


class Priming:
    """Prime each browser that connects, and all browsers when friends are added.

    While sending is paused, priming is postponed until it resumes. Clients without an Origin header are not
    browsers and are not primed. ``enabled`` returns whether the setting ``prime_browsers`` is on.
    """

    def __init__(self, chat: ChatService, hub: Hub, tasks: Tasks, enabled: Callable[[], bool]) -> None:
        self._chat = chat
        self._hub = hub
        self._tasks = tasks
        self._enabled = enabled
        self._postponed = False
        hub.joined.connect(self._on_joined)
        hub.pause_changed.connect(self._on_pause_changed)
        chat.friends_added.connect(self.prime_all)

    def prime_all(self, friends: frozenset[str] | None = None) -> None:
        """Prime all browsers for all friends, or only for the given ones."""
        if self._enabled():
            self._tasks.spawn(self._prime(self._hub.clients, friends), "prime all browsers")

    def _on_pause_changed(self, paused: bool) -> None:
        if paused or not self._postponed:
            return
        self._postponed = False
        if self._enabled():
            self._tasks.spawn(self._prime(self._hub.clients), "prime after the pause")

    def _on_joined(self, client: Client) -> None:
        if self._enabled() and client.origin:
            self._tasks.spawn(self._prime_if_it_stays(client), f"prime {client}")

    async def _prime_if_it_stays(self, client: Client) -> None:
        await self._hub.clock.sleep(PRIME_AFTER_S)
        await self._prime([client])

    async def _prime(self, clients: Iterable[Client], friends: frozenset[str] | None = None) -> None:
        to = Target(clients=frozenset(client.id for client in clients if client.origin))
        if not to.select(self._hub.clients):
            return
        if self._hub.paused:
            self._postponed = True
            return
        try:
            primers = await self._chat.store.primers()
        except StorageError as error:
            self._hub.log_server_event("not primed", note=str(error), verdict=Verdict.WARNING)
            return
        for message in primers:
            if friends is None or message["to"] in friends:
                self._hub.publish(Envelope("new_message", message), to=to, origin=PRIMING)
