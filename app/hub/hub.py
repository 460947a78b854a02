"""The hub: keeps the connected clients, sends frames to them and writes a journal row per frame, not per recipient.
It also logs events such as a new connection, pauses sending, says why a frame had no recipients, and aborts clients
that do not read. The rows of frames from clients are written by ``router``.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from app.hub.causes import Interceptors
from app.hub.client_registry import NO_RECIPIENTS, ClientRegistry, Recipients
from app.hub.clients import Client, Handshake, Transport
from app.hub.clock import Clock
from app.hub.fault_plan import FAULTS_ACT, CarryOut, FaultPlan, RecipientFrame
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import FAULTS, PRIMING, SERVER, Origin
from app.hub.outgoing import CauseNote, Effect, Outgoing, on_wire, wire_text
from app.hub.rest_exchange import RestExchange
from app.hub.signals import Signal
from app.hub.target import ALL, Target
from app.hub.write_batcher import WriteBatcher
from app.protocol.counts import count
from app.protocol.envelope import Envelope
from app.protocol.wire_names import WireNames

LOSS_WINDOW_S = 0.1
"""If a client disconnects within this time after a delivery, its UI may not have shown the event."""
MAX_ROWS_SEARCHED = 200
"""How many of the newest rows are searched for that delivery."""

EXACT_REPLAY = "not sent: an exact replay is running, so only its own frames are sent"
STALLED_S = 20.0
"""A client whose socket has accepted no data for this long is aborted, as after a missed ping."""


class Delivery(NamedTuple):
    """The result of sending an event: the number of its row, its recipients, and warnings.

    ``note`` is a text with the number of clients that it was sent to, or the reason why it was not sent.
    """

    seq: int
    clients: tuple[int, ...]
    note: str = ""
    warnings: tuple[str, ...] = ()
    """Problems that do not prevent sending, for example that the UI will not show the event."""
    offline: str = ""
    """The sender of the message if that friend is offline. The caller can offer to switch them online first."""
    held: bool = False
    """Whether an interceptor holds the event and may send it later or change it. Then ``seq`` is the newest row."""

    @property
    def delivered(self) -> int:
        """Number of recipients."""
        return len(self.clients)


class Hub:
    """Keep the connected clients and send events to them: the guide's ``WSEventServer`` (§4.2) without sockets.

    Sending is synchronous: an event is encoded once, given to the write batcher and journalled before the call
    returns. So the order of events does not depend on the scheduler, and every client sees events in the order of
    their sequence numbers.
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
        """``frame`` encodes a payload as a WebSocket frame. ``batch`` needs a running loop; see ``WriteBatcher``.

        ``local_user`` is the user that a client acts as if its URL names none.
        """
        self.journal = journal
        self.clock = clock or Clock()
        self.batcher = WriteBatcher(self.clock, batch=batch)
        self._frame = frame
        self.wire_names: WireNames | None = None
        """The names of the envelope's keys in frames, if they are not the companion's."""
        self.local_user = local_user
        self.interceptors = Interceptors()
        """The interceptors, which can hold, change or drop causes; see ``hub.causes``."""
        self.rest_begun: Signal[RestExchange] = Signal()
        """Emitted when a ``GET /messages`` has arrived, which opens a chat in the UI at once; it may be held."""
        self.rest_exchanges: Signal[RestExchange] = Signal()
        """Emitted for every REST request of the UI, with its response. Journal rows: ``journal.appended``."""
        self.only_from = ""
        """If set, only frames with an origin of this kind are sent, for an exact replay. See ``send_only``."""
        self._only_after = 0
        self.paused = False
        """While True, clients stay connected, but nothing is sent to them."""
        self.pause_changed: Signal[bool] = Signal()
        """Emitted after ``pause`` has stopped sending (True) or resumed it (False)."""
        self.why_closed: Callable[[], str] = str
        """Returns why no client can connect; empty if clients can."""
        self.clients_changed: Signal[None] = Signal()
        self.joined: Signal[Client] = Signal()
        self.left: Signal[Client] = Signal()
        self.refused: Signal[Handshake] = Signal()
        """Emitted when the event server has answered a handshake with an error."""
        self.origin_refused: Signal[Handshake] = Signal()
        """Emitted instead of ``refused`` if the page's origin is not allowed."""
        self.closed_at_once: Signal[Handshake] = Signal()
        """Emitted when it has accepted a handshake and closed the connection at once, without a client."""
        self.unanswered: Signal[tuple[Handshake, int]] = Signal()
        """Emitted when it leaves a handshake without an answer, which gets a number."""
        self.unanswered_ended: Signal[tuple[Handshake, int]] = Signal()
        """Emitted when the connection of such a handshake has ended."""
        self.listening_changed: Signal[bool] = Signal()
        """Emitted when the event server has started or stopped listening."""
        self.rest_stopping: Signal[None] = Signal()
        """Emitted when the REST stand-in is about to stop, while its requests can still be answered."""
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
        """Return the client with this number, or None if it is not connected."""
        return self._registry.get(client_id)

    def pause(self, paused: bool) -> None:
        """Stop sending, or resume it. Clients stay connected."""
        if paused != self.paused:
            self.paused = paused
            self.log_server_event("paused" if paused else "resumed")
            self.pause_changed.emit(paused)

    def send_only(self, kind: str) -> None:
        """Send only frames with an origin of this kind from now on; all again if it is empty.

        Frames that were fired before, and that faults delay, are not sent meanwhile.
        """
        self.only_from, self._only_after = kind, self.journal.last_seq

    def use_local_user(self, username: str) -> None:
        """Set the user that clients act as from now on if their URL names none."""
        self.local_user = username

    def join(
        self, transport: Transport, username: str | None = None, *, origin: str = "", user_agent: str = ""
    ) -> Client:
        """Add a connection after its handshake. Emit ``joined`` and ``clients_changed``."""
        self._last_id += 1
        client = Client(
            self._last_id, transport, username or self.local_user,
            origin=origin, user_agent=user_agent, connected_at=self.clock.wall(), on_overflow=self._overflow,
            flush=self.batcher.flush_client, on_closing=self._registry.invalidate,
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
        """Remove a connection that has ended. Emit ``left`` and ``clients_changed``. May be called twice.

        ``ended_here``: the companion closed it. Otherwise, an event that was sent shortly before is reported as
        possibly lost.
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
                note=f"client {client.id} disconnected within {LOSS_WINDOW_S * 1000:.0f} ms of #{last.seq}, "
                "so its UI may not show that event",
                verdict=Verdict.WARNING,
            )
        self.left.emit(client)
        self.clients_changed.emit(None)

    def _sent_just_before(self, client: Client) -> Row | None:
        """Return the newest row that was sent to ``client`` within ``LOSS_WINDOW_S``, or None.

        Priming frames do not count, because no test expects them.
        """
        since = self.clock.mono() - LOSS_WINDOW_S
        newest = self.journal.last_seq
        for seq in range(newest, max(0, newest - MAX_ROWS_SEARCHED), -1):
            row = self.journal.row(seq)
            if row is None or row.mono < since:
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

    def publish(self, event: Envelope, *, to: Target = ALL, origin: Origin, warning: str = "") -> Delivery:
        """Send an event to the clients that ``to`` selects. ``warning`` is a note for its row."""
        verdict = Verdict.WARNING if warning else Verdict.OK
        return self.send(Outgoing(event.event, event.encode(), to, origin, verdict, warning))

    def broadcast(self, event: Envelope, *, origin: Origin = SERVER) -> Delivery:
        """Send an event to every client (guide §4.2)."""
        return self.publish(event, origin=origin)

    def send_to(self, client: Client, event: Envelope, *, origin: Origin = SERVER) -> Delivery:
        """Send an event to one client (guide §4.2)."""
        return self.publish(event, to=Target(clients=frozenset({client.id})), origin=origin)

    def on_wire(self, event: str, payload: bytes) -> bytes:
        """Return the payload that clients receive of a row with this event and payload."""
        return on_wire(event, payload, self.wire_names)

    def wire_text(self, row: Row) -> str:
        """Return the text of a frame to the UI as clients received it."""
        return wire_text(row, self.wire_names)

    def recipients(self, to: Target) -> Recipients:
        """Return the current recipients of a target."""
        return self._registry.recipients(to)

    def set_fault_plan(self, client: Client, plan: FaultPlan | None) -> None:
        """Pass all further frames to and from ``client`` through ``plan``; None sends them normally again."""
        client.fault_plan = plan
        self._registry.invalidate()

    def send(self, outgoing: Outgoing) -> Delivery:
        """Send a frame to its recipients and journal it. Every frame to a client passes this method.

        Synchronous: assigns the sequence number, builds the frame once and passes the same bytes to all recipients.
        """
        event, payload, to, origin, verdict, note = outgoing
        held_back = self.paused or (self.only_from and origin.kind != self.only_from)
        recipients = NO_RECIPIENTS if held_back else self._registry.recipients(to)
        faults: Sequence[CarryOut] = ()
        if recipients.clients:
            frame = self._frame(self.on_wire(event, payload))
            if recipients.plain:
                self.batcher.put(frame, len(payload), recipients.plain, to_all=to == ALL)
            if recipients.faulty:
                recipients, faults = self._send_with_faults(outgoing, frame, recipients)
            elif self._registry.recipients(to) is not recipients:  # an outbox overflowed: its client was aborted
                recipients = _open(recipients.clients)
        if recipients.clients or faults:
            outcome = _delivered(len(recipients.clients))
            if faults:
                outcome += f"{FAULTS_ACT}{count(len(faults), 'client')}"
        else:
            outcome = self._why_not_sent(to, origin)
            if verdict is Verdict.OK:
                verdict = Verdict.WARNING
        single = to.clients is not None and len(to.clients) == len(recipients.clients) == 1
        row = self.journal.append(
            Kind.TO_UI, event, payload=payload, client=str(to), origin=origin,
            verdict=verdict, note=f"{note}; {outcome}" if note else outcome, recipients=recipients.ids,
            user=recipients.clients[0].username if single else "",
        )  # fmt: skip
        if faults:
            return self._carry_out_faults(row.seq, recipients, faults, outcome)
        return Delivery(row.seq, recipients.ids, outcome)

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Send and journal the effects of a cause. Call it after the cause was journalled."""
        for effect in effects:
            if isinstance(effect, Outgoing):
                self.send(effect)
            elif not isinstance(effect, CauseNote):
                self.journal.append(
                    Kind.SERVER, effect.event, payload=effect.payload, verdict=effect.verdict, note=effect.note,
                    origin=effect.origin, user=effect.user,
                )  # fmt: skip

    def _send_with_faults(
        self, outgoing: Outgoing, frame: bytes, recipients: Recipients
    ) -> tuple[Recipients, list[CarryOut]]:
        """Send a frame to the clients with a fault plan that let it pass unchanged.

        Return all recipients that got it unchanged, and what the plans do with it for the other clients.
        """
        for_one = RecipientFrame(outgoing.event, outgoing.payload, outgoing.origin)
        unchanged, faults = set(recipients.plain), []
        for client in recipients.faulty:
            assert client.fault_plan is not None
            if instead := client.fault_plan.decide(for_one):
                faults.append(instead)
            else:
                self.batcher.put(frame, len(outgoing.payload), (client,), to_all=False)
                unchanged.add(client)
        return _open(client for client in recipients.clients if client in unchanged), faults

    def _carry_out_faults(
        self, seq: int, recipients: Recipients, faults: Sequence[CarryOut], outcome: str
    ) -> Delivery:
        affected = [instead(seq) for instead in faults]
        return Delivery(seq, tuple(sorted((*recipients.ids, *affected))), outcome)

    def deliver(self, client: Client, event: str, payload: bytes, note: str, seq: int) -> None:
        """Send a frame that a fault plan has delayed, repeated or changed to its client, and journal it.

        ``seq`` is the number of its first row.
        """
        if not client.accepts_frames:
            return
        held_back = self.paused
        if self.paused:
            note += "; not sent: sending is paused"
        elif self.only_from and seq <= self._only_after:
            held_back = True
            note += f"; {EXACT_REPLAY}"
        else:
            self.batcher.put(self._frame(self.on_wire(event, payload)), len(payload), (client,), to_all=False)
        self.journal.append(
            Kind.TO_UI, event, payload=payload, client=f"client:{client.id}", origin=FAULTS,
            verdict=Verdict.WARNING if held_back else Verdict.OK, note=note,
            recipients=() if held_back else (client.id,), user=client.username,
        )  # fmt: skip

    def _why_not_sent(self, to: Target, origin: Origin) -> str:
        """Return why there are no recipients. A problem of the server takes precedence over one of the target."""
        if self.only_from and origin.kind != self.only_from:
            return EXACT_REPLAY
        return f"not sent: {self.why_closed() or self._why_no_recipient(to)}"

    def _why_no_recipient(self, to: Target) -> str:
        if self.paused:
            return (
                "sending is paused, and events fired meanwhile are not sent later. Resume sending, then fire again"
            )
        if to.clients is not None:
            if to.clients == {to.excluded}:
                return f"client {to.excluded} is excluded"
            return _missing_clients(sorted(to.clients - {to.excluded}), self._last_id)
        no_client = "no other client" if to.excluded in {client.id for client in self.clients} else "no client"
        if not self._registry or to.user is None:
            return f"{no_client} is connected"
        return f"{no_client} acts as {to.user}"

    def log_server_event(
        self,
        event: str,
        *,
        client: Client | None = None,
        note: str = "",
        verdict: Verdict = Verdict.OK,
        origin: Origin = SERVER,
        payload: bytes = b"",
    ) -> None:
        """Journal an event of the server or of a connection, for example ``connected``."""
        number, user = (client.number, client.username) if client else ("", "")
        self.journal.append(
            Kind.SERVER, event, payload=payload, client=number, note=note, verdict=verdict, user=user, origin=origin
        )  # fmt: skip

    def sweep(self) -> None:
        """Abort clients whose socket has accepted no data for ``STALLED_S``. Call it every few seconds."""
        now = self.clock.mono()
        for client in self.clients:
            if client.stalled_for(now) > STALLED_S:
                self._abort_client(client, f"the client has read nothing for {STALLED_S:.0f} s")

    def _overflow(self, client: Client) -> None:
        self._abort_client(client, "the client does not read, and its send queue is full")

    def _abort_client(self, client: Client, why: str) -> None:
        self.log_server_event("aborted", client=client, note=why, verdict=Verdict.WARNING)
        client.outbox.close()
        client.abort()


def _open(clients: Iterable[Client]) -> Recipients:
    """Return the clients that accept frames, as recipients."""
    return Recipients.of(client for client in clients if client.accepts_frames)


def _missing_clients(ids: list[int], last_id: int) -> str:
    """Return a note that these clients are not connected. ``last_id`` is the highest number assigned so far."""
    if len(ids) != 1:
        return f"clients {', '.join(map(str, ids))} are not connected" if ids else "no client is connected"
    gone = "has disconnected" if 0 < ids[0] <= last_id else "has never connected"
    return f"client {ids[0]} {gone}"


@lru_cache(maxsize=256)
def _delivered(number: int) -> str:
    return f"delivered to {count(number, 'client')}"
