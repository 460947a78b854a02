"""The event pipeline: firing with and without validation, raw frames, and interceptors."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from app.hub.causes import Cause, Dropped, FiredEvent, FiredFrame
from app.hub.hub import Delivery
from app.hub.journal import Row, Verdict
from app.hub.origin import PANEL, SERVER
from app.hub.outgoing import Effect
from app.hub.pipeline import HELD, NO_UNICODE, Advice, CheckedFrame, EventPipeline
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.protocol.catalog import built_in
from app.protocol.envelope import MAX_CHECKED_CHARS, MAX_FRAME_BYTES, Envelope
from app.protocol.errors import Invalid, StorageError
from app.protocol.event_type import EventProblem, InvalidEvent
from tests.conftest import until
from tests.hub.doubles import Stage, Stored

ONLINE = Envelope("friend_online", {"username": "bob"})
ONLINE_FRAME = b'{"event":"friend_online","data":{"username":"bob"}}'
TYPING = Envelope("typing", {"username": "bob", "typing": True})
INVALID = Envelope("typing", {"username": "", "typing": "yes"})
BOB = Target(user="bob")


class RecordingState:
    """A chat state that records its calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.advice = Advice()

    def advise(self, event: Envelope) -> Advice:
        return self.advice

    async def record(self, event: Envelope) -> list[Effect]:
        self.calls.append(event)
        return []

    async def drain(self) -> None:
        self.calls.append("drain")


class SlowState(RecordingState):
    """A chat state that stores presence when the test says so, and typing at once."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = Stored()

    @override
    async def record(self, event: Envelope) -> list[Effect]:
        if event == ONLINE:
            self.calls.append(event)
            await self.stored
        return []


@pytest.fixture
def state() -> RecordingState:
    return RecordingState()


@pytest.fixture
def pipeline(stage: Stage, state: RecordingState) -> EventPipeline:
    return EventPipeline(stage.hub, built_in(), state, Tasks())


class Recorder:
    """An interceptor that records the causes, and does with them what the test wants."""

    def __init__(self, stage: Stage, do: Callable[[Cause], Cause | None]) -> None:
        self.causes: list[Any] = []
        self._do = do
        self.registration = stage.hub.interceptors.add(self._intercept)

    def _intercept(self, cause: Cause) -> Cause | None:
        self.causes.append(cause)
        return self._do(cause)


def let_pass(cause: Cause) -> Cause:
    return cause


def hold(cause: Cause) -> None:
    return None


def newest(stage: Stage) -> Row:
    return list(stage.journal)[-1]


# without interceptors


async def test_an_event_that_violates_the_contract_is_rejected(
    stage: Stage, state: RecordingState, pipeline: EventPipeline
) -> None:
    stage.join()
    with pytest.raises(InvalidEvent, match=r"data\.username"):
        await pipeline.fire(INVALID, origin=PANEL)
    assert (state.calls, newest(stage).event) == ([], "connected")


async def test_without_strict_it_is_sent_with_a_warning_and_not_stored(
    stage: Stage, state: RecordingState, pipeline: EventPipeline
) -> None:
    other, bob = stage.join(), stage.join("bob")
    delivery = await pipeline.fire(INVALID, to=BOB, origin=PANEL, strict=False)
    problems = "; ".join(map(str, built_in().problems(INVALID)))
    assert "; " in problems
    assert delivery.warnings == (f"sent, not stored: {problems}",)
    assert delivery.clients == (bob.id,)
    assert (stage.frames(bob), stage.frames(other)) == ([INVALID.encode()], [])
    assert (newest(stage).origin, newest(stage).verdict) == (PANEL, Verdict.INVALID)
    assert state.calls == ["drain"]


async def test_without_strict_a_valid_event_is_stored(state: RecordingState, pipeline: EventPipeline) -> None:
    delivery = await pipeline.fire(ONLINE, origin=PANEL, strict=False)
    assert (state.calls, delivery.warnings) == ([ONLINE], ())


async def test_an_event_with_a_lone_surrogate_is_rejected(state: RecordingState, pipeline: EventPipeline) -> None:
    with pytest.raises(Invalid) as raised:
        await pipeline.fire(Envelope("friend_online", {"username": "\ud800"}), origin=PANEL, strict=False)
    assert str(raised.value) == NO_UNICODE
    assert state.calls == []


@pytest.mark.parametrize("kind", ["event", "raw frame"])
async def test_it_is_sent_only_to_its_target(stage: Stage, pipeline: EventPipeline, kind: str) -> None:
    other, bob = stage.join(), stage.join("bob")
    if kind == "event":
        await pipeline.fire(ONLINE, to=BOB, origin=PANEL)
    else:
        await pipeline.send_raw(ONLINE_FRAME.decode(), to=BOB, origin=PANEL)
    assert (stage.frames(bob), stage.frames(other)) == ([ONLINE_FRAME], [])


async def test_the_warnings_of_the_chat_state_are_returned(state: RecordingState, pipeline: EventPipeline) -> None:
    state.advice = Advice(("bob is offline",), "bob")
    delivery = await pipeline.fire(ONLINE, origin=PANEL)
    assert (delivery.warnings, delivery.offline) == (("bob is offline",), "bob")


async def test_a_resent_row_has_the_origin_of_the_call(stage: Stage, pipeline: EventPipeline) -> None:
    await pipeline.fire(ONLINE, origin=SERVER)
    await pipeline.resend(newest(stage), origin=PANEL)
    assert (newest(stage).origin, newest(stage).payload) == (PANEL, ONLINE_FRAME)


def test_a_text_that_is_too_long_is_not_checked(pipeline: EventPipeline) -> None:
    text = "x" * (MAX_CHECKED_CHARS + 1)
    assert pipeline.check(text) == CheckedFrame(
        "", (EventProblem("", "not checked, because it is larger than 1,024 KiB"),), text
    )


@pytest.mark.parametrize(("size", "elsewhere"), [(10, False), (MAX_FRAME_BYTES + 1, True)])
async def test_a_large_raw_frame_is_checked_in_another_thread(
    pipeline: EventPipeline, monkeypatch: pytest.MonkeyPatch, size: int, elsewhere: bool
) -> None:
    threads: list[threading.Thread] = []

    def check(text: str) -> CheckedFrame:
        threads.append(threading.current_thread())
        return CheckedFrame("", (), text)

    monkeypatch.setattr(pipeline, "check", check)
    await pipeline.send_raw("x" * size, origin=PANEL)
    assert [each is not threading.current_thread() for each in threads] == [elsewhere]


async def test_an_event_that_is_being_stored_is_sent_even_if_the_caller_is_cancelled(stage: Stage) -> None:
    state, bob = SlowState(), stage.join("bob")
    pipeline = EventPipeline(stage.hub, built_in(), state, Tasks())
    fired = asyncio.create_task(pipeline.fire(ONLINE, origin=PANEL))
    await until(lambda: state.calls)
    fired.cancel()
    await asyncio.sleep(0)
    assert not fired.done(), "the caller ends when the event was sent"
    state.stored.set_result(1)
    with pytest.raises(asyncio.CancelledError):
        await fired
    assert stage.frames(bob) == [ONLINE_FRAME]
    assert newest(stage).event == "friend_online"


async def test_events_are_sent_in_the_order_of_the_calls_while_one_is_being_stored(stage: Stage) -> None:
    state, bob = SlowState(), stage.join("bob")
    pipeline = EventPipeline(stage.hub, built_in(), state, Tasks())
    state.stored.set_result(1)
    fired = (pipeline.fire(ONLINE, origin=PANEL), pipeline.fire(TYPING, origin=PANEL))
    raw = pipeline.send_raw("{}", origin=PANEL)
    await asyncio.gather(*(asyncio.create_task(each) for each in (*fired, raw)))
    assert stage.frames(bob) == [ONLINE_FRAME, TYPING.encode(), b"{}"]


async def test_an_error_of_the_chat_state_is_raised_to_the_caller_and_not_reported(stage: Stage) -> None:
    class FullDisk(SlowState):
        @override
        async def record(self, event: Envelope) -> list[Effect]:
            raise StorageError("the disk is full")

    pipeline = EventPipeline(stage.hub, built_in(), FullDisk(), Tasks())
    with pytest.raises(StorageError, match="the disk is full"):
        await pipeline.fire(ONLINE, origin=PANEL)


# with interceptors


@pytest.mark.parametrize("strict", [True, False])
async def test_an_interceptor_sees_the_whole_cause_of_an_event(
    stage: Stage, pipeline: EventPipeline, strict: bool
) -> None:
    bob = stage.join("bob")
    recorder = Recorder(stage, let_pass)
    delivery = await pipeline.fire(ONLINE, to=BOB, origin=PANEL, strict=strict)
    (cause,) = recorder.causes
    assert cause.changed(continuation=None) == FiredEvent(event=ONLINE, to=BOB, origin=PANEL, strict=strict)
    assert (delivery.clients, delivery.held) == ((bob.id,), False)
    assert stage.frames(bob) == [ONLINE_FRAME]


async def test_what_an_interceptor_changed_is_stored_and_sent(
    stage: Stage, state: RecordingState, pipeline: EventPipeline
) -> None:
    other, bob = stage.join(), stage.join("bob")
    Recorder(stage, lambda cause: cause.changed(event=TYPING, to=BOB, origin=SERVER))
    await pipeline.fire(ONLINE, origin=PANEL)
    assert state.calls == [TYPING]
    assert (stage.frames(bob), stage.frames(other)) == ([TYPING.encode()], [])
    assert newest(stage).origin == SERVER


async def test_an_event_that_an_interceptor_made_invalid_is_rejected_unless_it_is_not_strict(
    stage: Stage, state: RecordingState, pipeline: EventPipeline
) -> None:
    Recorder(stage, lambda cause: cause.changed(event=INVALID))
    with pytest.raises(InvalidEvent, match=r"data\.username"):
        await pipeline.fire(ONLINE, origin=PANEL)
    assert state.calls == []
    delivery = await pipeline.fire(ONLINE, origin=PANEL, strict=False)
    assert delivery.warnings[0].startswith("sent, not stored: ")


@pytest.mark.parametrize("again", [False, True], ids=["raw", "resent"])
async def test_an_interceptor_sees_and_changes_raw_and_resent_frames(
    stage: Stage, state: RecordingState, pipeline: EventPipeline, again: bool
) -> None:
    bob = stage.join("bob")
    delivery = await pipeline.send_raw("{nope", to=BOB, origin=SERVER)
    row = newest(stage)

    def change(cause: Cause) -> Cause:
        assert isinstance(cause, FiredFrame)
        return cause.changed(outgoing=cause.outgoing._replace(payload=b"changed"))

    recorder = Recorder(stage, change)
    if again:
        delivery = await pipeline.resend(row, origin=PANEL)
    else:
        delivery = await pipeline.send_raw("{nope", to=BOB, origin=PANEL)
    (cause,) = recorder.causes
    assert isinstance(cause, FiredFrame)
    assert (cause.outgoing.payload, cause.outgoing.to, cause.outgoing.origin) == (b"{nope", BOB, PANEL)
    assert delivery == Delivery(newest(stage).seq, (bob.id,), "delivered to 1 client")
    assert stage.frames(bob) == [b"{nope", b"changed"]
    assert state.calls == ["drain", "drain"]


async def test_a_held_event_is_sent_when_it_is_resumed(
    stage: Stage, state: RecordingState, pipeline: EventPipeline
) -> None:
    bob = stage.join("bob")
    recorder = Recorder(stage, hold)
    delivery = await pipeline.fire(ONLINE, to=BOB, origin=PANEL)
    assert delivery == Delivery(1, (), HELD, held=True)
    assert (state.calls, stage.frames(bob)) == ([], [])
    recorder.causes[0].resume()
    await until(lambda: stage.frames(bob))
    assert (state.calls, newest(stage).origin) == ([ONLINE], PANEL)


@pytest.mark.parametrize("held", [True, False], ids=["later", "at once"])
async def test_a_dropped_event_is_logged_with_the_reason(
    stage: Stage, state: RecordingState, pipeline: EventPipeline, held: bool
) -> None:
    def drop(cause: Cause) -> None:
        if not held:
            raise Dropped("dropped by fault 1")

    stage.join()
    recorder = Recorder(stage, drop)
    delivery = await pipeline.fire(ONLINE, origin=PANEL)
    if held:
        recorder.causes[0].drop("dropped by fault 1")
        await until(lambda: stage.rows("dropped"))
    else:
        assert delivery == Delivery(2, (), "not sent: dropped by fault 1")
    (row,) = stage.rows("dropped")
    assert (row.note, row.verdict, row.client) == ("dropped by fault 1", Verdict.WARNING, "")
    assert state.calls == []


async def test_a_held_event_that_can_no_longer_be_sent_is_logged_with_the_reason(
    stage: Stage, pipeline: EventPipeline
) -> None:
    recorder = Recorder(stage, hold)
    await pipeline.fire(ONLINE, origin=PANEL)
    recorder.causes[0].resume(recorder.causes[0].changed(event=INVALID))
    await until(lambda: stage.rows("not sent"))
    (row,) = stage.rows("not sent")
    assert (row.note, row.verdict) == (str(InvalidEvent(built_in().problems(INVALID))), Verdict.WARNING)


async def test_without_a_target_an_event_goes_to_all_clients(stage: Stage, pipeline: EventPipeline) -> None:
    recorder = Recorder(stage, let_pass)
    await pipeline.fire(ONLINE, origin=PANEL)
    assert recorder.causes[0].to == ALL
