"""The hub: every event enters here, gets a number, goes out to clients and leaves one row in the journal."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from app.hub.clients import Client, Wire
from app.hub.clock import Clock
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.roster import Group, Roster
from app.hub.signal import Signal
from app.hub.target import ALL, Target
from app.hub.write_batcher import WriteBatcher
from app.protocol.envelope import Envelope

PRIMING = "priming"
"""Origin of the frames that only prepare a UI; see ``ChatService.prime``."""
LOST_S = 0.1
"""A client that disconnects this soon after a delivery may not have shown it."""
LOOK_BACK = 200
"""Number of rows that are searched for that delivery."""
NOT_SENT = "not sent: "

STALLED_S = 20.0
"""A client whose socket took nothing for this long is cut off, as a missed ping would."""


NOBODY = Group((), ())


class Delivery(NamedTuple):
    """What became of a published event: its number and the clients it was handed to."""

    seq: int
    clients: tuple[int, ...]
    note: str = ""
    warnings: tuple[str, ...] = ()
    """What a person should know: the UI will not show it, say."""
    offline: str = ""
    """The offline friend who sent the message; a caller can offer to switch that friend online first."""

    @property
    def delivered(self) -> int:
        """How many clients it was handed to."""
        return len(self.clients)


class Hub:
    """Knows the clients. The guide's ``WSEventServer`` (§4.2) less the socket.

    ``publish`` is synchronous: it encodes once, passes the same bytes to the write batcher and journals, so that
    order never depends on the scheduler and every client sees events in the order of their numbers.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock | None = None,
        local_user: str = "me",
        *,
        frame: Callable[[bytes], bytes] = bytes,
        batch: bool = False,
    ) -> None:
        """``frame`` turns a payload into wire bytes. ``batch`` needs a running loop; see ``WriteBatcher``."""
        self.journal = journal
        self.clock = clock or Clock()
        self.batcher = WriteBatcher(self.clock, wait=batch)
        self._frame = frame
        self.local_user = local_user
        """The user that a client acts as when its URL names none."""
        self.paused = False
        """While true, clients stay connected and nothing new is sent to them."""
        self.why_closed: Callable[[], str] = str
        """Returns why no client can connect, or an empty text."""
        self.clients_changed: Signal[None] = Signal()
        self.joined: Signal[Client] = Signal()
        self.left: Signal[Client] = Signal()
        self._roster = Roster()
        self._last_id = 0

    @property
    def clients(self) -> tuple[Client, ...]:
        """The connected clients, oldest first."""
        return tuple(self._roster)

    @property
    def connection_count(self) -> int:
        """Number of connected clients."""
        return len(self._roster)

    def client(self, id: int) -> Client | None:
        """Return the connected client with this number."""
        return self._roster.get(id)

    def join(self, wire: Wire, username: str | None = None, *, origin: str = "", user_agent: str = "") -> Client:
        """Add a connection that completed its handshake."""
        self._last_id += 1
        client = Client(
            self._last_id, wire, username or self.local_user,
            origin=origin, user_agent=user_agent, connected_at=self.clock.wall(), on_overflow=self._overflow,
            flush=self.batcher.flush_client,
        )  # fmt: skip
        self._roster.add(client)
        note = f"acts as {client.username}" + (f", from {origin}" if origin else "")
        self.tell("connected", client=client, note=note)
        self.clients_changed.emit(None)
        self.joined.emit(client)
        return client

    def leave(
        self, client: Client, note: str = "", verdict: Verdict = Verdict.OK, *, ended_here: bool = False
    ) -> None:
        """Remove a connection that has ended. May be called twice.

        ``ended_here``: the companion ended it. Otherwise, a delivery shortly before is reported.
        """
        if not self._roster.remove(client):
            return
        client.outbox.close()
        last = None if ended_here or client.closing else self._sent_just_before(client)
        self.tell("disconnected", client=client, note=note, verdict=verdict)
        if last:
            self.tell(
                "disconnected after delivery",
                client=client,
                note=f"client {client.id} disconnected within {LOST_S * 1000:.0f} ms of #{last.seq}, so its UI may "
                "not show that event",
                verdict=Verdict.WARNING,
            )
        self.left.emit(client)
        self.clients_changed.emit(None)

    def _sent_just_before(self, client: Client) -> Row | None:
        """Return the newest row that was delivered to ``client`` in the last ``LOST_S`` seconds, if any.

        Priming does not count: no test waits for it.
        """
        since = self.clock.mono() - LOST_S
        newest = self.journal.last_seq
        for seq in range(newest, max(0, newest - LOOK_BACK), -1):
            row = self.journal.row(seq)
            if row is None or row.mono < since or (row.event == "connected" and row.client == client.number):
                return None
            if row.kind is not Kind.TO_UI or row.origin in (PRIMING, client.name) or not _was_delivered(row.note):
                continue
            if Target.parse(row.client).select([client]):
                return row
        return None

    def identify(self, client: Client, username: str) -> None:
        """Make ``client`` act as ``username`` from now on."""
        if client.username != username:
            client.username = username
            self._roster.changed()
            self.tell("identity changed", client=client, note=f"acts as {username}")
            self.clients_changed.emit(None)

    def publish(self, event: Envelope, *, to: Target = ALL, origin: str) -> Delivery:
        """Send an event to the clients that ``to`` means, and journal it."""
        return self._send(event.event, event.encode(), to, origin, Verdict.OK, "")

    def broadcast(self, event: Envelope, *, origin: str = "server") -> Delivery:
        """Send an event to every client."""
        return self.publish(event, origin=origin)

    def send_to(self, client: Client, event: Envelope, *, origin: str = "server") -> Delivery:
        """Send an event to one client."""
        return self.publish(event, to=Target(clients=frozenset({client.id})), origin=origin)

    def publish_raw(self, text: str, *, to: Target = ALL, origin: str, why: str) -> Delivery:
        """Send a text frame as it is, contract or not. ``why`` says what is wrong with it, if anything."""
        verdict, note = (Verdict.INVALID, f"sent on purpose: {why}") if why else (Verdict.OK, "")
        return self._send("(raw frame)", text.encode(), to, origin, verdict, note)

    def resend(self, row: Row, *, origin: str) -> Delivery:
        """Send the very bytes of a row that went to the UI once more, to the same target."""
        if row.kind is not Kind.TO_UI:
            raise ValueError("only what was sent to the UI can be sent again")
        broken = row.verdict is Verdict.INVALID
        verdict = Verdict.INVALID if broken else Verdict.OK
        return self._send(row.event, row.payload, Target.parse(row.client), origin, verdict, f"#{row.seq} again")

    def reach(self, to: Target) -> Group:
        """Return whom an event with that target goes to."""
        return self._roster.group(to)

    def _send(self, event: str, payload: bytes, to: Target, origin: str, verdict: Verdict, note: str) -> Delivery:
        group = NOBODY if self.paused else self._roster.group(to)
        if group.clients:
            self.batcher.put(self._frame(payload), len(payload), group.clients, to_all=to == ALL)
            if self._roster.group(to) is not group:  # somebody had to be given up over it
                group = Group.of([client for client in group.clients if not client.outbox.closed])
        if group.clients:
            outcome = _delivered(len(group.clients))
        else:
            outcome = self._why_not_sent(to)
            if verdict is Verdict.OK:
                verdict = Verdict.WARNING
        row = self.journal.append(
            Kind.TO_UI, event, payload=payload, client=str(to), origin=origin,
            verdict=verdict, note=f"{note}; {outcome}" if note else outcome, recipients=group.ids,
        )  # fmt: skip
        return Delivery(row.seq, group.ids, outcome)

    def _why_not_sent(self, to: Target) -> str:
        """Return the reason that helps most: first the server, then the target."""
        return NOT_SENT + (self.why_closed() or self._why_no_recipient(to))

    def _why_no_recipient(self, to: Target) -> str:
        if self.paused:
            return "sending is paused. Resume sending"
        if to.clients is not None:
            return _missing_clients(sorted(to.clients), self._last_id)
        if not self._roster or to.user is None:
            return "no client is connected"
        return f"no client acts as {to.user}"

    def tell(
        self, event: str, *, client: Client | None = None, note: str = "", verdict: Verdict = Verdict.OK
    ) -> None:
        """Journal something that happened to the server or to a connection."""
        self.journal.append(Kind.SERVER, event, client=str(client.id) if client else "", note=note, verdict=verdict)

    def sweep(self) -> None:
        """Cut off clients whose socket has taken nothing for ``STALLED_S``. Called now and then."""
        now = self.clock.mono()
        for client in self.clients:
            outbox = client.outbox
            if outbox.closed:
                continue
            if not outbox.blocked or outbox.drained != client.drained_before:
                client.drained_before = outbox.drained
                client.blocked_since = now if outbox.blocked else None
            elif client.blocked_since is None:
                client.blocked_since = now
            elif now - client.blocked_since > STALLED_S:
                self._give_up(client, f"read nothing for {STALLED_S:.0f} s")

    def _overflow(self, client: Client) -> None:
        self._give_up(client, "does not read and too much is waiting for it")

    def _give_up(self, client: Client, why: str) -> None:
        self.tell("aborted", client=client, note=why, verdict=Verdict.WARNING)
        client.outbox.close()
        self._roster.changed()
        client.abort()


def _missing_clients(ids: list[int], last_id: int) -> str:
    """Say that clients are not connected; ``last_id`` is the newest client's number."""
    if len(ids) != 1:
        return f"clients {', '.join(map(str, ids))} are not connected" if ids else "no client is connected"
    gone = "has disconnected" if 0 < ids[0] <= last_id else "has never connected"
    return f"client {ids[0]} {gone}"


def _was_delivered(note: str) -> bool:
    """Return whether the row of a frame with this note says that clients received it."""
    return not note.rpartition("; ")[2].startswith(NOT_SENT)


@lru_cache(maxsize=256)
def _delivered(number: int) -> str:
    return f"delivered to {count(number, 'client')}"


def count(number: int, noun: str) -> str:
    """Return ``1 client``, ``2 clients``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
