"""The peer link as an entry in the list of sources: switch it on and off, show its state, test it, delete its data.
The peer link exchanges encrypted messages over TCP with friends who have a companion of their own. Its state is
that of its server. The test opens no connection: it says whether the server listens, and for which machines. Its
data are all peers, their queued messages, and the user's keys; they cannot be deleted while Supabase, the other
source, is on, because it uses them, or while a session plays on a copy of the chat state.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from app.endpoints.peer_server import PeerServer
from app.endpoints.service import Services
from app.hub.switchable import Condition, ConnectionResult, SourceStatus
from app.protocol.errors import Conflict
from app.system.settings import Settings

NAME = "peers"
TITLE = "Peers over TCP"
USED = "Directory and queue in Supabase use your keys and peers. Switch supabase off first."


class Erasable(Protocol):
    """Stored data that can be deleted."""

    async def erase(self) -> None:
        """Delete it. May raise ``StorageError``."""


class ErasablePeers(Erasable, Protocol):
    """The stored peers."""

    def require_no_session(self) -> None:
        """Raise ``Conflict`` while they cannot be deleted, because a session plays on a copy of them."""


class Host(Protocol):
    """The part of the companion that this module uses."""

    services: Services
    peer_server: PeerServer

    @property
    def settings(self) -> Settings:
        """The settings in use."""

    async def change_settings(self, change: Callable[[Settings], Settings]) -> None:
        """Change settings, save them and apply them."""

    async def start_service(self, name: str) -> bool:
        """Start a service, and return whether that worked."""


class SwitchablePeers:
    """The peer link, for the list of sources."""

    name = NAME
    title = TITLE

    def __init__(self, host: Host, peers: ErasablePeers, keys: Erasable) -> None:
        """``peers`` and ``keys`` are what ``delete_data`` deletes."""
        self._host = host
        self._peers = peers
        self._keys = keys

    @property
    def is_on(self) -> bool:
        """Whether the settings switch it on."""
        return self._host.settings.peers

    @property
    def status(self) -> SourceStatus:
        """Its state: that of its server."""
        service, server = self._host.services[NAME], self._host.peer_server
        if service.error:
            return SourceStatus(condition=Condition.FAILED, text=service.error)
        if server.listening:
            return SourceStatus(
                condition=Condition.OK,
                text=f"Listening at {server.url}.",
                counts={"connections": server.connections},
            )
        if self.is_on:
            return SourceStatus(condition=Condition.STARTING, text="Not listening yet.")
        return SourceStatus()

    async def switch(self, on: bool) -> None:
        """Switch it on or off, and save that. Raises ``InvalidSettings`` and ``StorageError``.

        If it is on and could not start, switching it on tries again: the port may be free now.
        """
        has_failed = self.is_on and bool(self._host.services[NAME].error)
        await self._host.change_settings(lambda before: replace(before, peers=on))
        if on and has_failed:
            await self._host.start_service(NAME)

    async def test(self) -> ConnectionResult:
        """Say whether peers can connect, and from where."""
        if not self.is_on:
            return ConnectionResult(
                False,
                "Peers are switched off, so the companion does not listen for connections. Switch them on first.",
            )
        status = self.status
        if status.condition is not Condition.OK:
            return ConnectionResult(False, status.text)
        reach = "other machines in your network" if self._host.settings.peer_lan else "this machine only"
        return ConnectionResult(True, f"{status.text.removesuffix('.')}, for {reach}.")

    async def delete_data(self, *, remote: bool) -> str:
        """Switch it off, and delete all peers, their queued messages, and the user's keys.

        ``companion peers erase`` does the same. Raises ``Conflict`` while Supabase uses the keys and peers, or a
        session plays on a copy of the chat state.
        """
        if self._host.settings.supabase:
            raise Conflict(USED)
        self._peers.require_no_session()
        await self.switch(False)
        await self._peers.erase()
        await self._keys.erase()
        return "Deleted: all peers, their queued messages, and your keys. Chats stay."
