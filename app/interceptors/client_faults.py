"""The fault plan of one client: asks the faults that are armed for the client about each of its frames.
Faults disrupt frames on purpose. ``hub`` calls the plan for frames to the client, ``router`` for frames from it.
The plan merges and logs the decisions of the faults, and carries them out, for example with a delay, a changed
frame or a closed connection. A client gets a plan when faults are first armed for it, and keeps it until it
disconnects, even if they are cleared.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from app.hub.client_frames import AnyFrame, OtherKeys
from app.hub.clients import Client
from app.hub.fault_plan import FAULT, CarryOut, HandleFrame, RecipientFrame, event_in, why_not_an_event
from app.hub.hub import Hub
from app.hub.origin import Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.tasks import Tasks
from app.interceptors.armed_faults import ArmedFaults, Lineage, Side
from app.interceptors.delay_line import FRAME_BYTES, DelayLine, HeldBytes, Waiting
from app.protocol.faults.decisions import Decision
from app.protocol.faults.kinds import Limit
from app.protocol.raw_frames import disrupted_note

MAX_EVENT = 80


class ClientFaults:
    """Implements ``FaultPlan``. Each decision that changes what happens to a frame is journalled."""

    def __init__(
        self, client: Client, lineage: Lineage, hub: Hub, tasks: Tasks, held: HeldBytes, changed: Callable[[], None]
    ) -> None:
        """``changed`` is called after a decision."""
        self.armed: tuple[ArmedFaults, ...] = ()
        """The faults that are armed for the client, in the order in which they act."""
        self._client = client
        self._lineage = lineage
        self._hub = hub
        self._changed = changed
        self._down = DelayLine(hub.clock, tasks, held, f"to {client}")
        self._up = DelayLine(hub.clock, tasks, held, f"from {client}")

    def arm(self, armed: Sequence[ArmedFaults]) -> None:
        """Use these faults from now on. Frames that wait are sent now if there are none."""
        self.armed = tuple(armed)
        if not armed:
            self._down.release()
            self._up.release()

    @property
    def idle(self) -> bool:
        """Whether no frame is waiting."""
        return self._down.idle and self._up.idle

    async def flush_from_ui(self) -> None:
        """Handle the frames from the client that wait, and wait briefly until they were handled."""
        await self._up.flush()

    def close(self) -> None:
        """Forget the frames that wait, because the client has disconnected."""
        self._down.close()
        self._up.close()

    # to the client

    def decide(self, frame: RecipientFrame) -> CarryOut | None:
        """See ``FaultPlan``."""
        decision = self._decision("to_ui", Kind.TO_UI, frame.event, frame.payload, frame.origin)
        if not decision.reasons and self._down.idle:
            return None
        return partial(self._carry_out, frame, decision)

    def _carry_out(self, frame: RecipientFrame, decision: Decision, seq: int) -> int:
        what = f"#{seq} {frame.event}"
        self._log(what, decision)
        if decision.lost:
            self._lose(decision, self._down)
            return self._client.id
        began = self._hub.clock.mono()

        def send() -> None:
            late = 1000 * (self._hub.clock.mono() - began)
            for copy in range(decision.copies):
                times = f", copy {copy + 1} of {decision.copies}" if decision.copies > 1 else ""
                note = disrupted_note(seq, late) + times
                self._hub.deliver(self._client, frame.event, decision.payload, note, seq)
            self._end(decision.end)

        if self._down.idle and not (decision.delay_s or decision.transmission_s or decision.behind):
            send()
            if decision.stall_s:
                self._down.stall(decision.stall_s)
        elif not self._down.put(_waiting(send, seq, decision)):
            self._drop(what, self._down, decision)
        return self._client.id

    def delayed(self) -> list[int]:
        """See ``FaultPlan``."""
        return self._down.waiting()

    # from the client

    def receive(self, frame: AnyFrame, payload: bytes, handle: HandleFrame) -> bool:
        """See ``FaultPlan``."""
        event = event_in(payload)[:MAX_EVENT]
        decision = self._decision("from_ui", Kind.FROM_UI, event, payload, self._client.name)
        if not decision.reasons and self._up.idle:
            return False
        what = f"{event or 'a frame'} from the UI"
        self._log(what, decision, why_not_an_event(frame), payload)
        if decision.lost:
            self._lose(decision, self._up)
            return True
        changed = frame if decision.payload == payload else _changed(frame, decision.payload)

        async def process() -> None:
            for _ in range(decision.copies):
                if pending := handle(changed):
                    await pending
            self._end(decision.end)

        if not self._up.put(_waiting(process, 0, decision)):
            self._drop(what, self._up, decision)
        return True

    # both

    def _decision(self, side: Side, kind: Kind, event: str, payload: bytes, origin: Origin) -> Decision:
        clock, client = self._hub.clock, self._client
        row = Row(
            0, clock.wall(), clock.mono(), kind, client.number, event, payload, len(payload), Verdict.OK, "",
            origin, client.username, (client.id,),
        )  # fmt: skip
        decision = Decision(payload)
        for each in self.armed:
            decision = decision.merged(each.decide(self._lineage, side, row, decision.payload))
        self._changed()
        return decision

    def _log(self, what: str, decision: Decision, problem: str = "", payload: bytes = b"") -> None:
        """Log a decision. ``payload`` is that of a frame from the UI, and ``problem`` why it is not an event.

        If a frame from the UI only waits for others, this is logged too: it has no other row until it is handled.
        """
        if decision.reasons or payload:
            text = ", ".join(reason.text for reason in decision.reasons) or "waits for earlier frames"
            note = f"{what}: {text}{problem}"
            self._hub.log_server_event(FAULT, client=self._client, note=note, payload=payload)

    def _lose(self, decision: Decision, line: DelayLine) -> None:
        """Do what follows a frame that is lost."""
        if decision.stall_s:
            line.stall(decision.stall_s)
        self._end(decision.end)

    def _drop(self, what: str, line: DelayLine, decision: Decision) -> None:
        """Drop a frame that cannot wait, because the client has disconnected or too many bytes wait."""
        if line.closed:
            return
        note = f"{what}: dropped, because 16 MB are waiting already"
        self._hub.log_server_event(FAULT, client=self._client, note=note, verdict=Verdict.WARNING)
        self._end(decision.end)

    def _end(self, limit: Limit | None) -> None:
        if limit is None:
            return
        if limit.then == "close":
            self._client.close(limit.code, "fault")
        else:
            self._client.abort()


def _waiting(handle: Callable[[], Awaitable[None] | None], seq: int, decision: Decision) -> Waiting:
    return Waiting(
        handle, seq, len(decision.payload) + FRAME_BYTES,
        decision.delay_s, decision.transmission_s, decision.stall_s, behind=decision.behind,
    )  # fmt: skip


def _changed(frame: AnyFrame, payload: bytes) -> AnyFrame:
    """Return a frame with another payload. It still lacks the envelope's keys if it did before."""
    if not isinstance(frame, str | OtherKeys):
        return payload
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return payload
    return frame._replace(text=text) if isinstance(frame, OtherKeys) else text
