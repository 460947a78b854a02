"""Connect to a Supabase project (find out its schema, register the user), and run one of its periodic jobs once.
The jobs are heartbeat, presence, queue (fetch messages) and read marks. While a session (a script of events, or a
recording) is played on a copy of the chat state, ``run`` skips all jobs except the heartbeat. ``source`` runs each
job when it is due, and handles failures.
"""

from collections.abc import Mapping
from typing import Self

from app.hub.hub import Hub
from app.protocol.counts import count_with
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.sources.source import Publisher
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.connection_check import conflict_warning, schema_warning, skew_warning
from app.sources.supabase.contracts import Identity, Options, Peers
from app.sources.supabase.presence import PresencePoll
from app.sources.supabase.queue_in import QueueIn
from app.sources.supabase.queue_out import QueueOut
from app.sources.supabase.read_marks import ReadMarks
from app.sources.supabase.registration import Registration
from app.sources.supabase.schema_probe import Schema, probe


class ProjectSession:
    """Runs the periodic jobs of one project. Create it with ``connect``."""

    def __init__(
        self, client: DirectoryClient, schema: Schema, options: Options, identity: Identity, hub: Hub,
        peers: Peers, conflicts: list[str], read_chats: set[str],
    ) -> None:  # fmt: skip
        self._client = client
        self._schema = schema
        self._options = options
        self._identity = identity
        self._peers = peers
        self._conflicts = conflicts
        self._kept_rows = 0
        self.registration = Registration(client, schema)
        self.queue_out = QueueOut(client, schema)
        self._queue_in = QueueIn(client, schema, hub, peers, options.username, peek_only=options.peek_only)
        self._read_marks = (
            ReadMarks(client, options.username, peers, read_chats)
            if options.sync_read_marks and schema.read_marks
            else None
        )
        self._presence = PresencePoll(client, self.registration, peers)

    @classmethod
    async def connect(
        cls, client: DirectoryClient, options: Options, hub: Hub, peers: Peers, read_chats: set[str]
    ) -> Self:
        """Find out the schema, and register the user. Raises ``DirectoryError``.

        ``read_chats``: see ``ReadMarks``.
        """
        schema = await probe(client, read_marks=options.sync_read_marks)
        identity = await peers.identity()
        personas = await peers.personas()
        registration = Registration(client, schema)
        await registration.register(options.username, identity, options.last_ip, personas)
        conflicts = sorted(each.username for each in await registration.look_up_all(personas))
        while (current := await peers.identity()) != identity:  # the keys were replaced meanwhile
            identity = current
            await registration.register(options.username, identity, options.last_ip, personas)
        return cls(client, schema, options, identity, hub, peers, conflicts, read_chats)

    @property
    def text(self) -> str:
        """The state of the connection, in one sentence."""
        peek = "; messages are read, but not deleted" if self._options.peek_only else ""
        return f"Connected as {self._options.username}: {self._schema.text}{peek}."

    @property
    def conflicting_personas(self) -> tuple[str, ...]:
        """The personas that had the name of a registered user when the connection was made."""
        return tuple(self._conflicts)

    @property
    def latency_s(self) -> float | None:
        """Duration of the latest call."""
        return self._client.latency_s

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what should be corrected."""
        found = [skew_warning(self._client.skew_s), schema_warning(self._schema)]
        if self._conflicts:
            found.append(conflict_warning(self._conflicts))
        if self._kept_rows and not self._options.peek_only:
            rows = count_with(self._kept_rows, "row", "stays", "stay")
            found.append(f"{rows} in the queue: the log says why.")
        if self._options.sync_read_marks and not self._schema.read_marks:
            found.append(
                "The project has no table read_marks with its columns, so read marks are not synchronized."
            )
        return tuple(each for each in found if each)

    def use_address(self, address: str) -> None:
        """Register this address with the next heartbeat. An empty one changes nothing."""
        self._options = self._options._replace(last_ip=address or self._options.last_ip)

    async def run(self, job: str, publisher: Publisher) -> Mapping[str, int]:
        """Run a job once. Return what it has done, by kind. Raises ``DirectoryError`` and ``StorageError``."""
        if job != "heartbeat" and self._peers.in_session:
            return {}  # what is stored now would be discarded when the session ends
        match job:
            case "heartbeat":
                await self._heartbeat()
                return {"heartbeats": 1}
            case "presence":
                return {"presence changes": await self._presence.poll(publisher)}
            case "read marks":
                return {"read marks in": await self._read_marks.synchronize() if self._read_marks else 0}
        fetched = await self._queue_in.poll()
        self._kept_rows = fetched.kept
        return {"messages in": fetched.new, "rows deleted": fetched.deleted}

    async def _heartbeat(self) -> None:
        username, last_ip, node_id = self._options.username, self._options.last_ip, self._identity.node_id
        if await self.registration.heartbeat(username, node_id, last_ip):
            return
        await self.registration.register(username, self._identity, last_ip, await self._peers.personas())
        if not await self.registration.heartbeat(username, node_id, last_ip):
            raise DirectoryError(
                FailureKind.ROW_SECURITY,
                "Row-level security does not let this program change its row of the table users. "
                "Add a policy that allows UPDATE for the role anon.",
            )
