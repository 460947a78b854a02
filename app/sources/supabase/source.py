"""Use a Supabase project as a directory of users, and as a queue of messages for peers that are offline.
The source connects, registers the user, and runs the periodic jobs one after the other until it is switched off.
After a failure it waits, longer each time up to a limit. Then it continues with the job that failed. It connects
again if connecting failed, or if the user has to correct something. The delay is short again when everything that
failed has succeeded. Other modules call the source, for example to test a connection, queue a message or look up a
user.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from app.hub.hub import Hub
from app.hub.switchable import Condition, ConnectionResult, SourceStatus, StatusHolder
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.errors import Conflict, Invalid, StorageError, Unreachable
from app.sources.source import Publisher
from app.sources.supabase.agenda import Agenda
from app.sources.supabase.back_off import BackOff
from app.sources.supabase.contracts import Options, Peers

if TYPE_CHECKING:
    from app.protocol.directory.rows import DirectoryUser
    from app.sources.peers.parts import QueuedMessage
    from app.sources.supabase.client import DirectoryClient
    from app.sources.supabase.session import ProjectSession

PERIODS = {"heartbeat": 60.0, "presence": 30.0, "queue": 60.0, "read marks": 30.0}
"""Seconds between two runs of each job."""
CONNECT = "connect"
"""What the source does before the jobs."""
SECOND_QUEUE_S = 5.0
"""The queue is read at the start, and again after this time: senders may learn later that this user is online."""
MAX_READ_CHATS = 1000
"""At most this many chats wait until their read marks are sent: the UI chooses the names."""
NOT_CONNECTED = "The source supabase is not connected: {}"


class Dependencies(NamedTuple):
    """The parts of the program that the source uses."""

    options: Callable[[], Options | None]
    """Returns the settings; None if the source is switched off."""
    load_key: Callable[[], Awaitable[str]]
    """Returns the API key, empty if there is none."""
    peers: Callable[[], Peers]
    """Returns the peers of the chat state. It is called when the source is used: it may load modules."""
    log_routine: Callable[[], bool]
    find_proxy: Callable[[str], str | None]
    local_address: Callable[[], Awaitable[str]]
    """Returns the address of this computer in its local network."""


class SupabaseSource:
    """Directory and queue in a Supabase project. It is a ``Source``; ``status`` is its state."""

    name = "supabase"

    def __init__(self, hub: Hub, dependencies: Dependencies) -> None:
        self._hub = hub
        self._needs = dependencies
        self._holder = StatusHolder()
        self._session: ProjectSession | None = None
        self._read_chats: set[str] = set()
        """The peers of the chats whose read marks are to be sent. They survive failures and restarts."""
        self._agenda = Agenda(PERIODS)
        self._read_queue_again = True
        self._doing = CONNECT
        self._failed: set[str] = set()
        """The jobs, or ``CONNECT``, that have not succeeded since they failed."""
        self.changed = self._holder.changed
        """Emitted when the state has changed."""

    @property
    def status(self) -> SourceStatus:
        """The state of the source."""
        return self._holder.value

    @property
    def conflicting_personas(self) -> tuple[str, ...]:
        """The personas that have the name of a registered user, as found when the source connected."""
        return self._session.conflicting_personas if self._session else ()

    @property
    def is_connected(self) -> bool:
        """Whether the latest call of a periodic job succeeded."""
        return self.status.condition is Condition.OK

    async def run(self, publisher: Publisher) -> None:
        """Run until it is cancelled. Ends at once if the settings switch the source off."""
        options = self._needs.options()
        self._holder.reset()
        if options is None:
            return
        self._holder.set(Condition.STARTING, "Connecting …")
        back_off = BackOff(options.username)
        self._failed.clear()
        client = None
        try:
            while True:
                try:
                    self._doing = CONNECT
                    if client is None:
                        options = options._replace(key=await self._needs.load_key())
                        client = await self._open_client(options)
                    await self._work(client, options, publisher, back_off)
                except (DirectoryError, StorageError) as error:
                    if client and isinstance(error, DirectoryError) and not error.is_transient:
                        await client.close()
                        client = None
                    await self._wait(error, back_off, publisher)
        except asyncio.CancelledError:
            self._holder.reset()
            raise
        except Exception:  # reported by ``Sources``
            self._holder.set(
                Condition.FAILED,
                "It ended because of an internal error. See the log files, then switch it off and on again.",
            )
            raise
        finally:
            self._session = None
            if client:
                await client.close()

    async def _work(
        self, client: "DirectoryClient", options: Options, publisher: Publisher, back_off: BackOff
    ) -> None:
        """Connect unless that is done, and run the jobs. Raises ``DirectoryError`` and ``StorageError``."""
        from app.sources.supabase.session import ProjectSession

        clock = publisher.clock
        if self._session is None:
            address = options.last_ip or await self._needs.local_address()
            self._session = await ProjectSession.connect(
                client, options._replace(last_ip=address), self._hub, self._needs.peers(), self._read_chats
            )
            self._agenda.start(clock.mono(), {"presence": 0.0, "queue": 0.0, "read marks": 0.0})
            self._read_queue_again = True
            self._show_success(publisher)
        self._succeeded(CONNECT, back_off)
        while True:
            job, due = self._agenda.next()
            if (pause := due - clock.mono()) > 0:
                await clock.sleep(pause)
            self._doing = job
            if job == "heartbeat" and not options.last_ip:
                self._session.use_address(await self._needs.local_address())
            counts = await self._session.run(job, publisher)
            for kind, number in counts.items():
                self._holder.count(kind, number)
            soon = job == "queue" and self._read_queue_again
            self._agenda.done(job, clock.mono(), SECOND_QUEUE_S if soon else None)
            if soon:
                self._read_queue_again = False
            self._succeeded(job, back_off)
            self._show_success(publisher)

    def _succeeded(self, what: str, back_off: BackOff) -> None:
        """Begin again with the first delay, unless something else failed: it may fail again after each connect."""
        self._failed.discard(what)
        if not self._failed:
            back_off.succeeded()

    def _show_success(self, publisher: Publisher) -> None:
        assert self._session
        _, due = self._agenda.next()
        self._holder.update(
            condition=Condition.OK, text=self._session.text, last_success=publisher.clock.wall(),
            latency_s=self._session.latency_s, warnings=self._session.warnings,
            next_try=publisher.clock.wall() + max(0.0, due - publisher.clock.mono()),
        )  # fmt: skip

    async def _wait(self, error: Exception, back_off: BackOff, publisher: Publisher) -> None:
        """Report a failure, and wait before the next attempt."""
        transient, retry_after = True, None
        if isinstance(error, DirectoryError):
            transient, retry_after = error.is_transient, error.retry_after_s
        if not transient:
            self._session = None  # what was found out about the project may be different after a correction
        self._failed.add(self._doing)
        pause = back_off.failed(retry_after)
        condition = Condition.WAITING if transient else Condition.FAILED
        self._holder.count("failures")
        self._holder.set(condition, str(error), next_try=publisher.clock.wall() + pause)
        await publisher.clock.sleep(pause)

    async def _open_client(self, options: Options) -> "DirectoryClient":
        from app.sources.supabase.connection_check import settings_problem

        if wrong := settings_problem(options):
            raise DirectoryError(FailureKind.SETTINGS, wrong)
        client_module = await asyncio.to_thread(_load_client)
        from app.sources.supabase.call_log import CallLog

        log = CallLog(self._hub.journal, self._hub.clock, self._needs.log_routine)
        return client_module(options.url, options.key, self._hub.clock, log.add, self._needs.find_proxy)

    # for the rest of the program

    async def test(self, options: Options) -> ConnectionResult:
        """Test the connection with some settings. The source may be off."""
        from app.sources.supabase.connection_check import run_test, settings_problem

        options = options._replace(key=options.key or await self._needs.load_key())
        if wrong := settings_problem(options):
            return ConnectionResult(False, wrong)
        client = await self._open_client(options)
        try:
            peers = self._needs.peers()
            return await run_test(client, options, await peers.personas(), await peers.node_id())
        finally:
            await client.close()

    async def put(self, message: "QueuedMessage") -> None:
        """Put a message into the queue of a peer.

        Raises ``Unreachable`` if that fails temporarily, and ``Invalid`` if the project rejects the message.
        """
        session = self._connected()
        try:
            await session.queue_out.put(message)
        except DirectoryError as error:
            raise (Unreachable if error.is_transient else Invalid)(str(error)) from None
        self._holder.count("messages out")

    def note_read(self, peer: str) -> None:
        """Record that the user may have read messages of a peer, for the user's other companions.

        The read mark is taken from the chat state when it is sent. Those of a UI may be invalid or older than the
        one before, and a session has a state of its own.
        """
        options = self._needs.options()
        if options and options.sync_read_marks and len(self._read_chats) < MAX_READ_CHATS:
            self._read_chats.add(peer)

    async def look_up(self, username: str) -> "DirectoryUser | None":
        """Return a user of the directory, or None. Raises ``Unreachable``."""
        session = self._connected()
        try:
            return await session.registration.look_up(username)
        except DirectoryError as error:
            raise Unreachable(str(error)) from None

    async def unregister(self, options: Options) -> str:
        """Delete the user's registration. Return its name, empty if there was none.

        Raises ``Conflict`` if the settings are not complete, and ``Unreachable``.
        """
        from app.sources.supabase.registration import Registration
        from app.sources.supabase.schema_probe import Schema

        options = options._replace(key=await self._needs.load_key())
        try:
            client = await self._open_client(options)
        except DirectoryError as error:
            raise Conflict(str(error)) from None
        try:
            node_id = await self._needs.peers().node_id()
            registration = Registration(client, Schema(False, False, False))
            return await registration.unregister(node_id) if node_id else ""
        except DirectoryError as error:
            waiting = "Messages for this user wait in the queue, so the registration cannot be deleted."
            raise Unreachable(waiting if error.kind is FailureKind.UNKNOWN_RECIPIENT else str(error)) from None
        finally:
            await client.close()

    def _connected(self) -> "ProjectSession":
        if self._session is None:
            raise Unreachable(NOT_CONNECTED.format(self.status.text))
        return self._session


def _load_client() -> "type[DirectoryClient]":
    from app.sources.supabase.client import DirectoryClient  # loads aiohttp, which takes long

    return DirectoryClient
