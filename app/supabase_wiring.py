"""Switch the Supabase source on and off, test it, and store its API key, for the window and the control API.
The source is a background task that uses a project in Supabase, a database service on the Internet, as a directory
of users and a queue of messages. ``SwitchableSupabase`` connects it with the settings, the user's keys, and the
peers (friends who have companions of their own) of the chat state.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from msgspec.structs import replace

from app import usernames
from app.hub.hub import Hub
from app.hub.router import ClientEvent
from app.hub.switchable import Condition, ConnectionResult, SourceStatus
from app.hub.tasks import Tasks
from app.protocol.backend import Person
from app.protocol.errors import Invalid, StorageError, Unreachable
from app.protocol.events import MarkRead
from app.sources.source import Sources
from app.sources.supabase.contracts import Options
from app.sources.supabase.source import Dependencies, SupabaseSource
from app.supabase_project import key_problem
from app.system.files import reason
from app.system.proxy import system_proxy
from app.system.settings import Settings
from app.system.supabase_key import SupabaseKey, SupabaseKeyError, project_url, variables_in_use

if TYPE_CHECKING:
    from app.sources.peers.parts import QueuedMessage
    from app.sources.supabase.peer_mailbox import PeerMailbox

NAME = "supabase"
TITLE = "Directory and queue (Supabase)"
SUPABASE_SETTINGS = (
    "supabase", "supabase_url", "supabase_address", "supabase_peek_only", "supabase_read_marks", "username",
)  # fmt: skip
"""Settings that restart the source when they change."""


class Host(Protocol):
    """The part of the companion that this module uses."""

    hub: Hub
    sources: Sources
    tasks: Tasks

    @property
    def settings(self) -> Settings:
        """The settings in use."""

    async def change_settings(self, change: Callable[[Settings], Settings]) -> None:
        """Change settings, save them and apply them."""


class SwitchableSupabase:
    """The Supabase source, its settings and its API key. ``source`` is the source itself."""

    name = NAME
    title = TITLE

    def __init__(self, host: Host, mailbox: Callable[[], "PeerMailbox"], key_file: Path | None) -> None:
        self._host = host
        self._mailbox = mailbox
        self._key = SupabaseKey(key_file)
        self.source = SupabaseSource(
            host.hub,
            Dependencies(
                options=self._options_if_on, load_key=self._load_key, peers=mailbox,
                log_routine=lambda: host.settings.log_get_requests, find_proxy=system_proxy,
                local_address=local_address,
            ),
        )  # fmt: skip

    @property
    def is_on(self) -> bool:
        """Whether the settings switch it on."""
        return self._host.settings.supabase

    @property
    def status(self) -> SourceStatus:
        """Its state."""
        return self.source.status

    async def switch(self, on: bool) -> None:
        """Switch it on or off, and save that. Raises ``InvalidSettings`` and ``StorageError``.

        If it is on and has failed, switching it on connects again at once.
        """
        has_failed = self.is_on and self.status.condition is Condition.FAILED
        await self._host.change_settings(lambda before: replace(before, supabase=on))
        if on and has_failed:
            await self.restart()

    async def restart(self) -> None:
        """Stop it, and start it again if the settings switch it on. Call this after a change of the settings."""
        await self._host.sources.stop(NAME)
        self._host.sources.start(NAME)
        await asyncio.sleep(0)  # it has begun then, and its state says so

    def on_keys_changed(self) -> None:
        """Register new keys of the user. While the source connects, it finds out itself that they have changed."""
        if self.is_on and self.status.condition not in (Condition.OFF, Condition.STARTING):
            self._host.tasks.spawn(self.restart(), "register new keys")

    async def test(self) -> ConnectionResult:
        """Test the connection, whether the source is on or off. Nothing is changed."""
        return await self.source.test(self._options())

    async def set_key(self, key: str) -> str:
        """Check and store the API key, and return where it is stored. Raises ``Invalid`` and ``StorageError``."""
        key = key.strip()
        if wrong := key_problem(key):
            raise Invalid(f"The API key {wrong}.")
        kept = await _stored(self._key.store(key))
        if self.is_on:
            await self.restart()
        return kept

    async def key_place(self) -> str:
        """Return where the API key is kept, as a phrase; empty if there is none. Raises ``StorageError``."""
        return await _stored(self._key.place())

    async def remove_key(self) -> str:
        """Delete the stored API key. Return where another one is (the environment), or an empty text.

        Raises ``StorageError``.
        """
        await _stored(self._key.delete())
        if self.is_on:
            await self.restart()
        return await self.key_place()

    @property
    def conflicting_personas(self) -> tuple[str, ...]:
        """The personas that have the name of a registered user, as far as is known."""
        return self.source.conflicting_personas

    async def delete_data(self, *, remote: bool) -> str:
        """Switch it off; delete the API key, the address and, if ``remote``, the registration in the project."""
        deleted = []
        options = self._options()
        await self._host.change_settings(lambda before: replace(before, supabase=False))
        if remote:
            try:
                username = await self.source.unregister(options)
            except Unreachable as error:
                raise Unreachable(f"{error} The source is switched off, and nothing was deleted.") from None
            deleted.append(f"the registration of {username}" if username else "no registration (there was none)")
        await _stored(self._key.delete())
        defaults = Settings()
        await self._host.change_settings(
            lambda before: replace(
                before, supabase_url=defaults.supabase_url, supabase_address=defaults.supabase_address
            )
        )
        text = f"Deleted: {', '.join([*deleted, 'the API key, the address of the project'])}."
        return f"{text} Still set: {', '.join(left)}." if (left := variables_in_use()) else text

    def on_client_event(self, event: ClientEvent) -> None:
        """Synchronize the user's read mark in a chat with a peer, if the setting is on."""
        read = event.data
        if not isinstance(read, MarkRead) or usernames.problem(read.peer):
            return
        if event.client.username == self._host.hub.local_user:
            self.source.note_read(read.peer)

    # for the peers

    @property
    def available(self) -> bool:
        """Whether messages can be put into the queue, as ``sources.peers.parts.OfflineQueue`` asks."""
        return self.is_on

    async def put(self, message: "QueuedMessage") -> None:
        """Put a message into the queue of a peer. Raises ``Unreachable`` and ``Invalid``, as the source does."""
        await self.source.put(message)

    async def find_peer(self, username: str) -> Person | None:
        """Make a user of the directory a friend. Return None if the source is off, or there is no such user.

        Raises ``RequestError`` and ``StorageError``.
        """
        if not self.is_on or (found := await self.source.look_up(username)) is None:
            return None
        return await self._mailbox().add_friend(found)

    def _options_if_on(self) -> Options | None:
        return self._options() if self.is_on else None

    def _options(self) -> Options:
        settings = self._host.settings
        return Options(
            url=project_url(settings.supabase_url), key="", username=settings.username,
            last_ip=settings.supabase_address, peek_only=settings.supabase_peek_only,
            sync_read_marks=settings.supabase_read_marks,
        )  # fmt: skip

    async def secrets(self) -> list[str]:
        """Return the API key and the name of the project's host, if there are any."""
        key, host = "", None
        with suppress(ValueError):
            host = urlsplit(project_url(self._host.settings.supabase_url)).hostname
        with suppress(StorageError):
            key = await self._load_key()
        return [each for each in (key, host) if each]

    async def _load_key(self) -> str:
        return await _stored(self._key.load())


async def saved(work: Awaitable[None]) -> None:
    """Wait for a change of the settings. Raises ``StorageError`` if the file cannot be written."""
    try:
        await work
    except OSError as error:
        raise StorageError(f"The settings could not be saved: {reason(error)}") from None


async def _stored(work: Awaitable[str | None]) -> str:
    try:
        return await work or ""
    except SupabaseKeyError as error:
        raise StorageError(str(error).removesuffix(".")) from None


async def local_address() -> str:
    """Return the address of this computer in its local network; empty if there is none. Sends nothing."""
    return await asyncio.to_thread(_local_address)


def _local_address() -> str:
    # Connecting a UDP socket sends no packet: the system only chooses the interface, and thus the address.
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""
