"""The hub: every event enters here, gets a number, goes out to clients and leaves one row in the journal."""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple

from app.hub.causes import Interceptors
from app.hub.client_registry import NO_RECIPIENTS, ClientRegistry, Recipients
from app.hub.clients import Client, Transport
from app.hub.clock import Clock
from app.hub.fault_plan import FaultPlan, RecipientFrame
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import PRIMING, SERVER, Origin
from app.hub.outgoing import Effect, Outgoing
from app.hub.rest_exchange import RestExchange
from app.hub.signals import Signal
from app.hub.target import ALL, Target
from app.hub.write_batcher import WriteBatcher
from app.protocol.envelope import Envelope

LOST_S = 0.1
"""A client that disconnects this soon after a delivery may not have shown it."""
LOOK_BACK = 200
"""Number of rows that are searched for that delivery."""

STALLED_S = 20.0
"""A client whose socket took nothing for this long is cut off, as a missed ping would."""


class Delivery(NamedTuple):
    """What became of a published event: its number and the clients it was handed to."""

    seq: int
    clients: tuple[int, ...]
    note: str = ""
    warnings: tuple[str, ...] = ()
    """What a person should know: the UI will not show it, say."""
    offline: str = ""
    """The offline friend who sent the message; a caller can offer to switch that friend online first."""
    held: bool = False
    """An interceptor holds the event. It may be sent later, changed or not; ``seq`` is the newest row so far."""

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
        self.interceptors = Interceptors()
        """What may hold, change or drop a cause; see ``hub.causes``."""
        self.rest_exchanges: Signal[RestExchange] = Signal()
        """Every REST request of the UI with its answer, for observers. Rows: ``journal.appended``."""
        self.paused = False
        """While true, clients stay connected and nothing new is sent to them."""
        self.pause_changed: Signal[bool] = Signal()
        """Emitted when ``pause`` has stopped (True) or resumed sending."""
        self.why_closed: Callable[[], str] = str
        """Returns why no client can connect, or an empty text."""
        self.clients_changed: Signal[None] = Signal()
        self.joined: Signal[Client] = Signal()
        self.left: Signal[Client] = Signal()
        self._registry = ClientRegistry()
        self._last_id = 0

    @property
    def clients(self) -> tuple[Client, ...]:
        """The connected clients, oldest first."""
        return tuple(self._registry)

    @property
    def connection_count(self) -> int:
        """Number of connected clients."""
        return len(self._registry)

    def client(self, client_id: int) -> Client | None:
        """Return the connected client with this number."""
        return self._registry.get(client_id)

    def pause(self, paused: bool) -> None:
        """Stop sending, or resume it. Clients stay connected."""
        if paused != self.paused:
            self.paused = paused
            self.log_server_event("paused" if paused else "resumed")
            self.pause_changed.emit(paused)

    def use_local_user(self, username: str) -> None:
        """Set the user that clients act as from now on when their URL names none."""
        self.local_user = username

    def join(
        self, transport: Transport, username: str | None = None, *, origin: str = "", user_agent: str = ""
    ) -> Client:
        """Add a connection that completed its handshake."""
        self._last_id += 1
        client = Client(
            self._last_id, transport, username or self.local_user,
            origin=origin, user_agent=user_agent, connected_at=self.clock.wall(), on_overflow=self._overflow,
            flush=self.batcher.flush_client,
        )  # fmt: skip
        self._registry.add(client)
        note = f"acts as {client.username}" + (f", from {origin}" if origin else "")
        self.log_server_event("connected", client=client, note=note)
        self.clients_changed.emit(None)
        self.joined.emit(client)
        return client

    def leave(
        self, client: Client, note: str = "", verdict: Verdict = Verdict.OK, *, ended_here: bool = False
    ) -> None:
        """Remove a connection that has ended. May be called twice.

        ``ended_here``: the companion ended it. Otherwise, a delivery shortly before is reported.
        """
        if not self._registry.remove(client):
            return
        client.outbox.close()
        last = None if ended_here or client.closing else self._sent_just_before(client)
        self.log_server_event("disconnected", client=client, note=note, verdict=verdict)
        if last:
            self.log_server_event(
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
            if client.id in row.recipients and row.origin not in (PRIMING, client.name):
                return row
        return None

    def identify(self, client: Client, username: str) -> None:
        """Make ``client`` act as ``username`` from now on."""
        if client.username != username:
            client.username = username
            self._registry.invalidate()
            self.log_server_event("identity changed", client=client, note=f"acts as {username}")
            self.clients_changed.emit(None)

    def publish(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send an event to the clients that ``to`` selects."""
        return self.send(Outgoing(event.event, event.encode(), to, origin))

    def broadcast(self, event: Envelope, *, origin: Origin = SERVER) -> Delivery:
        """Send an event to every client (guide §4.2)."""
        return self.publish(event, origin=origin)

    def send_to(self, client: Client, event: Envelope, *, origin: Origin = SERVER) -> Delivery:
        """Send an event to one client (guide §4.2)."""
        return self.publish(event, to=Target(clients=frozenset({client.id})), origin=origin)

    def recipients(self, to: Target) -> Recipients:
        """Return the clients that an event with that target goes to."""
        return self._registry.recipients(to)

    def set_fault_plan(self, client: Client, plan: FaultPlan | None) -> None:
        """Let ``plan`` decide what ``client`` gets from now on; None restores the normal path."""
        client.fault_plan = plan
        self._registry.invalidate()

    def send(self, outgoing: Outgoing) -> Delivery:
        """Send a frame to its recipients and journal it: the only way to a client's socket.

        Synchronous: assigns the sequence number, builds the frame once and passes the same bytes to all recipients.
        """
        event, payload, to, origin, verdict, note = outgoing
        recipients = NO_RECIPIENTS if self.paused else self._registry.recipients(to)
        if recipients.clients:
            frame = self._frame(payload)
            if recipients.plain:
                self.batcher.put(frame, len(payload), recipients.plain, to_all=to == ALL)
            if recipients.faulty:
                self._send_by_plan(RecipientFrame(event, frame, len(payload)), recipients.faulty)
            if self._registry.recipients(to) is not recipients:  # a client was aborted, because its outbox is full
                recipients = Recipients.of(client for client in recipients.clients if not client.outbox.closed)
        if recipients.clients:
            outcome = _delivered(len(recipients.clients))
        else:
            outcome = self._why_not_sent(to)
            if verdict is Verdict.OK:
                verdict = Verdict.WARNING
        row = self.journal.append(
            Kind.TO_UI, event, payload=payload, client=str(to), origin=origin,
            verdict=verdict, note=f"{note}; {outcome}" if note else outcome, recipients=recipients.ids,
        )  # fmt: skip
        return Delivery(row.seq, recipients.ids, outcome)

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Send and journal what follows from a cause. Call it after the cause was journalled."""
        for effect in effects:
            if isinstance(effect, Outgoing):
                self.send(effect)
            else:
                self.log_server_event(effect.event, note=effect.note, verdict=effect.verdict)

    def _send_by_plan(self, frame: RecipientFrame, clients: tuple[Client, ...]) -> None:
        for client in clients:
            plan = client.fault_plan
            assert plan is not None
            plan.pass_on(frame, partial(self._deliver, client))

    def _deliver(self, client: Client, frame: RecipientFrame) -> None:
        """Hand one client a frame that its fault plan lets through; it may come late."""
        if not client.outbox.closed:
            self.batcher.put(frame.data, frame.size, (client,), to_all=False)

    def _why_not_sent(self, to: Target) -> str:
        """Return the reason that helps most: first the server, then the target."""
        return f"not sent: {self.why_closed() or self._why_no_recipient(to)}"

    def _why_no_recipient(self, to: Target) -> str:
        if self.paused:
            return "sending is paused. Resume sending"
        if to.clients is not None:
            return _missing_clients(sorted(to.clients), self._last_id)
        if not self._registry or to.user is None:
            return "no client is connected"
        return f"no client acts as {to.user}"

    def log_server_event(
        self, event: str, *, client: Client | None = None, note: str = "", verdict: Verdict = Verdict.OK
    ) -> None:
        """Journal something that happened to the server or to a connection."""
        self.journal.append(Kind.SERVER, event, client=str(client.id) if client else "", note=note, verdict=verdict)

    def sweep(self) -> None:
        """Abort clients whose socket has taken nothing for ``STALLED_S``. Called now and then."""
        now = self.clock.mono()
        for client in self.clients:
            if client.stalled_for(now) > STALLED_S:
                self._give_up(client, f"read nothing for {STALLED_S:.0f} s")

    def _overflow(self, client: Client) -> None:
        self._give_up(client, "does not read and too much is waiting for it")

    def _give_up(self, client: Client, why: str) -> None:
        self.log_server_event("aborted", client=client, note=why, verdict=Verdict.WARNING)
        client.outbox.close()
        self._registry.invalidate()
        client.abort()


def _missing_clients(ids: list[int], last_id: int) -> str:
    """Say that clients are not connected; ``last_id`` is the newest client's number."""
    if len(ids) != 1:
        return f"clients {', '.join(map(str, ids))} are not connected" if ids else "no client is connected"
    gone = "has disconnected" if 0 < ids[0] <= last_id else "has never connected"
    return f"client {ids[0]} {gone}"


@lru_cache(maxsize=256)
def _delivered(number: int) -> str:
    return f"delivered to {count(number, 'client')}"


def count(number: int, noun: str) -> str:
    """Return ``1 client``, ``2 clients``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
