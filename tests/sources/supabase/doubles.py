"""Doubles of what the Supabase source needs: an inbox and contacts in memory, and a clock that a test advances."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.companion import Companion
from app.hub.clock import Clock
from app.protocol.directory.rows import DirectoryUser, QueuedRow, SealedText, content_of
from app.protocol.errors import StorageError
from app.sources.supabase.contracts import Contact, Identity, InboxResult, MessageStatus, Options
from app.sources.supabase.source import Dependencies, SupabaseSource
from tests.conftest import PATIENCE_S, MakeCompanion
from tests.postgrest_stand_in.server import PUBLISHABLE, StandIn
from tests.postgrest_stand_in.stores import Store

NAME = "supabase under test"
SHORT_S = 1.0
"""Shorter sleeps, of other parts of the companion, pass at once."""
ME = Identity("node-me", "public-me", "signing-me")


class MemoryInbox:
    """Accepts messages of ``known`` senders; the content is not sealed."""

    def __init__(self, known: Sequence[str] = ("bob",)) -> None:
        self.known = dict.fromkeys(known, "key 1")
        self.refused: dict[str, str] = {}
        self.stored: dict[str, QueuedRow] = {}
        self.taken: list[str] = []
        self.crash_after_commit = False

    def trust(self, sender: str) -> str:
        return self.known.get(sender, "")

    async def accept(self, row: QueuedRow) -> InboxResult:
        self.taken.append(row.id)
        if row.from_user not in self.known:
            return InboxResult(MessageStatus.UNKNOWN_SENDER)
        if row.id in self.refused:
            return InboxResult(MessageStatus.REFUSED, self.refused[row.id])
        content = content_of(row)
        msg_id = row.id if isinstance(content, SealedText) else content.envelope.decode()
        if msg_id in self.stored:
            return InboxResult(MessageStatus.KNOWN)
        self.stored[msg_id] = row
        if self.crash_after_commit:
            raise ConnectionAbortedError("killed")
        return InboxResult(MessageStatus.STORED)


class MemoryContacts:
    def __init__(self, *contacts: Contact) -> None:
        self.entries: list[DirectoryUser] = []
        self.each = {contact.username: contact for contact in contacts}

    async def contacts(self) -> list[Contact]:
        return list(self.each.values())

    def note_seen(self, username: str, at: float) -> None:
        contact = self.each[username]
        self.each[username] = contact._replace(last_seen=max(contact.last_seen, at))

    async def note_entry(self, user: DirectoryUser) -> None:
        self.entries.append(user)


class MemoryPeers(MemoryInbox, MemoryContacts):
    """Peers in memory: contacts, inbox, identity and personas."""

    def __init__(self) -> None:
        MemoryInbox.__init__(self)
        MemoryContacts.__init__(self)
        self.me = ME
        self.names: list[str] = []
        self.read: list[tuple[str, str]] = []
        self.newest: dict[str, str] = {}
        self.not_here: set[str] = set()
        self.in_session = False

    async def identity(self) -> Identity:
        return self.me

    async def node_id(self) -> str:
        return self.me.node_id

    async def personas(self) -> list[str]:
        return self.names

    async def apply_read_mark(self, peer: str, msg_id: str) -> int | None:
        if msg_id in self.not_here:
            return None
        self.read.append((peer, msg_id))
        return 1

    async def newest_read(self, peer: str) -> str | None:
        return self.newest.get(peer)


class Wired:
    """A source wired to a companion, with doubles for the peers."""

    def __init__(self, companion: Companion, stand_in: StandIn) -> None:
        self.companion = companion
        self.stand_in = stand_in
        self.peers = MemoryPeers()
        self.inbox = self.contacts = self.peers
        self.log_routine = False
        self.key = PUBLISHABLE
        self.keyring_locked = False
        self.address = "192.0.2.9"
        self.options: Options | None = Options(stand_in.url, "", "anna", "192.0.2.7", False, False)
        self.source = SupabaseSource(companion.hub, self.dependencies())
        self.source.name = NAME  # the companion has its own source
        companion.sources.add(self.source)

    def dependencies(self) -> Dependencies:
        async def key() -> str:
            if self.keyring_locked:
                raise StorageError("the keyring is locked")
            return self.key

        async def address() -> str:
            return self.address

        return Dependencies(
            options=lambda: self.options, load_key=key, peers=lambda: self.peers,
            log_routine=lambda: self.log_routine, find_proxy=lambda _: None, local_address=address,
        )  # fmt: skip

    def synchronize_read_marks(self) -> None:
        assert self.options
        self.options = self.options._replace(sync_read_marks=True)

    def start(self) -> None:
        self.companion.sources.start(NAME)


@asynccontextmanager
async def wired_to(store: Store, make_companion: MakeCompanion, time: "SteppedTime") -> AsyncIterator[Wired]:
    """Yield a source wired to a companion and to a stand-in for the project with these tables."""
    async with StandIn(store) as stand_in:
        stand_in.now = time.clock.wall
        wired = Wired(await make_companion(clock=time.clock, presence_decays=False), stand_in)
        try:
            yield wired
        finally:
            await wired.companion.sources.stop(NAME)


class SteppedTime:
    """A clock that stands still: ``sleep`` returns only after ``advance`` has passed its end."""

    def __init__(self, wall: float = 1_770_825_600.0) -> None:
        self.passed = 0.0
        self.began = wall
        self._settled = asyncio.Event()
        self._began = asyncio.Event()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.clock = Clock(wall=lambda: wall + self.passed, mono=lambda: 50.0 + self.passed, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        if seconds < SHORT_S:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.passed + seconds, future))
        self._settled.set()
        self._began.set()
        await future

    async def settle(self) -> None:
        """Wait until something sleeps."""
        async with asyncio.timeout(PATIENCE_S):
            await self._settled.wait()

    async def quiet(self, sleepers: int) -> None:
        """Wait until at least this many tasks sleep."""
        async with asyncio.timeout(PATIENCE_S):
            while sum(not future.done() for _, future in self._sleepers) < sleepers:
                self._began.clear()
                await self._began.wait()

    @property
    def asleep(self) -> bool:
        """Whether something sleeps."""
        return any(not future.done() for _, future in self._sleepers)

    def advance(self) -> float:
        """Advance to the end of the first sleep. Return the seconds."""
        self._sleepers = [each for each in self._sleepers if not each[1].done()]
        ends, future = min(self._sleepers, key=lambda each: each[0])
        seconds, self.passed = ends - self.passed, ends
        future.set_result(None)
        if not self.asleep:
            self._settled.clear()
        return seconds
