"""Client frames: decoding, invalid input, handlers and their results."""

import asyncio
import json
from typing import Any

import pytest

from app.hub.causes import Cause, ClientFrame, Dropped
from app.hub.clients import Client
from app.hub.journal import Kind, Row, Verdict
from app.hub.router import ClientEvent, Outcome, Router
from app.hub.target import ALL
from app.protocol.catalog import built_in
from app.protocol.envelope import MAX_FRAME_BYTES, Envelope
from app.protocol.events import MarkRead, TypingTo
from tests.conftest import until
from tests.hub.doubles import Stage

TYPING = '{"event":"typing","data":{"to":"bob","typing":true}}'


@pytest.fixture
def router(stage: Stage) -> Router:
    return Router(stage.hub, built_in())


def received(stage: Stage) -> list[Row]:
    return [row for row in stage.journal if row.kind is Kind.FROM_UI]


def test_a_valid_event_adds_one_row_and_is_emitted(stage: Stage, router: Router) -> None:
    emitted: list[ClientEvent] = []
    router.client_event.connect(emitted.append)
    client = stage.join("alice")
    router.receive(client, TYPING)
    assert emitted == [ClientEvent(client, "typing", TypingTo(to="bob", typing=True))]
    (row,) = received(stage)
    assert (row.event, row.client, row.origin, row.verdict) == ("typing", "1", "client 1", Verdict.OK)
    assert (row.payload, row.size) == (TYPING.encode(), len(TYPING))
    assert row.note == "no handler for this event"


def test_a_handler_receives_the_client_and_the_typed_payload(stage: Stage, router: Router) -> None:
    calls: list[tuple[Client, MarkRead]] = []

    def handler(client: Client, data: MarkRead) -> Outcome:
        calls.append((client, data))
        return Outcome("noted", Verdict.WARNING)

    router.on("mark_read", handler)
    client = stage.join()
    router.receive(client, '{"event":"mark_read","data":{"peer":"alice","msg_id":"test-id-123"}}')
    assert calls == [(client, MarkRead(peer="alice", msg_id="test-id-123"))]
    assert [(row.note, row.verdict) for row in received(stage)] == [("noted", Verdict.WARNING)]


def test_the_row_of_a_client_event_comes_before_the_row_of_its_follow_up(stage: Stage, router: Router) -> None:
    client = stage.join()
    router.on("typing", lambda client, data: Outcome("", Verdict.OK, (Envelope("x", {}), ALL)))
    router.receive(client, TYPING)
    rows = list(stage.journal)[-2:]
    assert [(row.kind, row.event, row.origin) for row in rows] == [
        (Kind.FROM_UI, "typing", "client 1"),
        (Kind.TO_UI, "x", "client 1"),
    ]
    assert stage.frames(client) == [b'{"event":"x","data":{}}']


BAD: dict[str, tuple[str | bytes, str, str]] = {
    "text": ("hello", "", "line 1 column 1: invalid JSON"),
    "empty": ("", "", "the frame is empty"),
    "array": ("[]", "", "not an object"),
    "nameless": ('{"data":{}}', "", "event: missing"),
    "dataless": ('{"event":"typing"}', "typing", "data: missing"),
    "unknown": ('{"event":"dance","data":{}}', "dance", "event: unknown client event 'dance'"),
    "server's": (
        '{"event":"friend_online","data":{"username":"a"}}',
        "friend_online",
        "event: unknown client event",
    ),
    "wrong type": (
        '{"event":"typing","data":{"to":"bob","typing":"yes"}}',
        "typing",
        "data.typing: must be true or",
    ),
    "missing field": ('{"event":"typing","data":{"to":"bob"}}', "typing", "data: "),
    "nan": ('{"event":"typing","data":{"to":"bob","typing":NaN}}', "", "NaN is not valid JSON"),
    "duplicate": ('{"event":"typing","data":{"to":"a","to":"b","typing":true}}', "", "to: duplicate key"),
    "surrogate": (
        '{"event":"typing","data":{"to":"\\ud800","typing":true}}',
        "",
        "data.to: contains a lone surrogate",
    ),
    "deep": ('{"event":"typing","data":{"to":' + "[" * 40 + "]" * 40 + "}}", "", "nested deeper than 32"),
    "deeper than Python's stack": ('{"event":' + "[" * 60_000, "", "nested deeper than 32"),
    "binary": (TYPING.encode(), "", "binary frame"),
    "binary, no text": (b"\xff\x00", "", "binary frame"),
}


@pytest.mark.parametrize("case", BAD)
def test_invalid_input_adds_one_row_and_has_no_other_effect(stage: Stage, router: Router, case: str) -> None:
    frame, event, note = BAD[case]
    emitted: list[ClientEvent] = []
    router.client_event.connect(emitted.append)
    client = stage.join("alice")
    router.receive(client, frame)
    (row,) = received(stage)
    assert (row.event, row.client, row.origin, row.verdict) == (event, "1", "client 1", Verdict.INVALID)
    assert row.note.startswith(note)
    assert row.payload == (frame if isinstance(frame, bytes) else frame.encode())
    assert emitted == []
    transport = stage.transports[client.id]
    assert (transport.frames, transport.closed, transport.aborted) == ([], [], 0)


def test_an_unknown_event_is_reported_with_the_known_events(stage: Stage, router: Router) -> None:
    router.receive(stage.join(), '{"event":"dance","data":{}}')
    assert "typing, mark_read" in received(stage)[0].note


def test_unknown_fields_are_ignored_and_noted(stage: Stage, router: Router) -> None:
    router.receive(stage.join(), '{"event":"typing","data":{"to":"bob","typing":true,"since":7}}')
    (row,) = received(stage)
    assert row.verdict is Verdict.OK
    assert row.note.endswith("unknown field since ignored")


STRICT = '{"event":"typing","data":{"to":"b\\u006fb","typing":true}}'
"""A frame that the fast decoder does not handle."""


def test_a_common_frame_is_handled_by_the_fast_decoder(
    stage: Stage, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(router.__class__, "_decode_strict")
    router.receive(stage.join(), TYPING)
    assert [row.event for row in received(stage)] == ["typing"]


def test_the_row_of_a_frame_without_unknown_fields_has_only_the_note_of_the_handler(
    stage: Stage, router: Router
) -> None:
    router.receive(stage.join(), STRICT)
    assert [row.note for row in received(stage)] == ["no handler for this event"]


@pytest.mark.parametrize(("note", "start"), [("noted", "noted; "), ("", "")])
def test_the_note_of_the_handler_comes_before_the_unknown_fields(
    stage: Stage, router: Router, note: str, start: str
) -> None:
    calls: list[TypingTo] = []

    def handler(client: Client, data: TypingTo) -> Outcome:
        calls.append(data)
        return Outcome(note)

    router.on("typing", handler)
    router.receive(stage.join(), '{"event":"typing","data":{"to":"bob","typing":true,"since":7,"until":8}}')
    assert [row.note for row in received(stage)] == [f"{start}unknown field since, until ignored"]
    assert calls == [TypingTo(to="bob", typing=True)]


def test_a_long_name_of_an_unknown_event_is_cut_in_the_note(stage: Stage, router: Router) -> None:
    router.receive(stage.join(), f'{{"event":"{"x" * 90}","data":{{}}}}')
    assert f"unknown client event '{'x' * 80}' (known" in received(stage)[0].note


def test_a_frame_passes_the_interceptors_before_it_is_decoded(stage: Stage, router: Router) -> None:
    causes: list[Cause] = []

    def change(cause: Cause) -> Cause:
        causes.append(cause.changed(continuation=None))
        return cause.changed(frame=TYPING)

    async def scenario() -> None:
        stage.hub.interceptors.add(change)
        assert router.receive(client, b"\0") is None

    client = stage.join("alice")
    asyncio.run(scenario())
    assert causes == [ClientFrame(client=client, frame=b"\0", origin=client.name)]
    (row,) = received(stage)
    assert (row.event, row.client, row.payload, row.user) == ("typing", "1", TYPING.encode(), "alice")


def test_a_binary_frame_that_passes_the_interceptors_is_invalid(stage: Stage, router: Router) -> None:
    async def scenario() -> None:
        stage.hub.interceptors.add(lambda cause: cause)
        router.receive(stage.join(), bytearray(b"\0\1"))  # type: ignore[arg-type]

    asyncio.run(scenario())
    (row,) = received(stage)
    assert (row.payload, row.verdict) == (b"\0\1", Verdict.INVALID)


async def test_a_held_frame_is_handled_when_it_is_resumed(stage: Stage, router: Router) -> None:
    async def handler(client: Client, data: TypingTo) -> Outcome:
        return Outcome(f"handled for {client.username}")

    held: list[Cause] = []
    router.on("typing", handler)
    stage.hub.interceptors.add(held.append)
    assert router.receive(stage.join("alice"), TYPING) is None
    assert received(stage) == []
    held[0].resume()
    await until(lambda: received(stage))
    assert [(row.note, row.payload) for row in received(stage)] == [("handled for alice", TYPING.encode())]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_dropped_frame_is_logged_with_the_reason(stage: Stage, router: Router, at_once: bool) -> None:
    def drop(cause: Cause) -> None:
        if at_once:
            raise Dropped("dropped by fault 1")
        cause.drop("dropped by fault 1")

    stage.hub.interceptors.add(drop)
    assert router.receive(stage.join("alice"), TYPING) is None
    await until(lambda: stage.rows("dropped"))
    assert received(stage) == []
    (row,) = stage.rows("dropped")
    assert (row.client, row.user, row.note, row.verdict) == ("1", "alice", "dropped by fault 1", Verdict.WARNING)


async def test_an_interceptor_that_raises_loses_one_frame_and_no_others(
    stage: Stage, router: Router, expected_warnings: list[str]
) -> None:
    """Regression: the frames behind it were lost, and without a held frame, the connection was cut."""
    expected_warnings.append("a frame of client 1 could not be handled")
    held: list[Cause] = []

    def intercept(cause: Cause) -> Cause | None:
        assert isinstance(cause, ClientFrame)
        if cause.frame == "wrong":
            raise ValueError("of an interceptor")
        if cause.frame != "first":
            return cause
        held.append(cause)
        return None

    stage.hub.interceptors.add(intercept)
    sender = stage.join("alice")
    for frame in ("wrong", "first", "wrong", TYPING):
        assert router.receive(sender, frame) is None
    held[0].resume()
    await until(lambda: len(received(stage)) == 2)
    assert [row.payload for row in received(stage)] == [b"first", TYPING.encode()]
    assert [row.note for row in stage.rows("dropped")] == ["handling this frame failed; see the log files"] * 2


async def test_a_held_frame_that_was_handled_is_not_reported_as_dropped(
    stage: Stage, router: Router, expected_warnings: list[str]
) -> None:
    """Regression: it was, if what follows it, such as an injected event, raised an unexpected error."""
    expected_warnings.append("what follows a held frame of client 1 failed")
    held: list[Cause] = []

    async def fail() -> None:
        raise ValueError("of an injected event")

    def intercept(cause: Cause) -> Cause | None:
        if held:
            return cause
        held.append(cause)
        return None

    stage.hub.interceptors.add(intercept)
    sender = stage.join("alice")
    for number in range(2):
        router.receive(sender, typing_to(number))
    held[0].resume(held[0].changed(then=fail))
    await until(lambda: len(received(stage)) == 2)
    assert targets(stage) == ["user-0", "user-1"]
    assert stage.rows("dropped") == []


def typing_to(number: int) -> str:
    return TYPING.replace("bob", f"user-{number}")


def targets(stage: Stage) -> list[str]:
    return [json.loads(row.payload)["data"]["to"] for row in received(stage)]


async def test_the_frames_behind_a_held_one_are_queued_without_pausing_the_connection(
    stage: Stage, router: Router
) -> None:
    held: list[Cause] = []
    registration = stage.hub.interceptors.add(held.append)
    sender, other = stage.join("alice"), stage.join("bob")
    router.receive(sender, typing_to(0))
    registration.remove()
    assert [router.receive(sender, typing_to(number)) for number in range(1, 200)] == [None] * 199
    router.receive(other, TYPING)
    assert targets(stage) == ["bob"]
    held[0].resume()
    await until(lambda: len(received(stage)) == 201)
    assert targets(stage)[1:] == [f"user-{number}" for number in range(200)]
    assert router.receive(sender, typing_to(200)) is None
    assert targets(stage)[-1] == "user-200"


async def test_a_frame_behind_a_held_one_can_be_held_too(stage: Stage, router: Router) -> None:
    held: list[Cause] = []
    stage.hub.interceptors.add(held.append)
    sender = stage.join("alice")
    for number in range(3):
        router.receive(sender, typing_to(number))
    await asyncio.sleep(0.01)
    assert len(held) == 1
    held[0].resume()
    await until(lambda: len(held) == 2)
    assert targets(stage) == ["user-0"]
    held[1].resume()
    await until(lambda: len(held) == 3)
    held[2].resume()
    await until(lambda: len(received(stage)) == 3)
    assert targets(stage) == ["user-0", "user-1", "user-2"]


@pytest.mark.parametrize("large", ["x" * 1024 * 1024, "🎉" * 256 * 1024], ids=["ASCII", "four bytes each"])
async def test_reading_is_paused_if_too_much_waits_behind_held_frames(
    stage: Stage, router: Router, large: str
) -> None:
    held: list[Cause] = []
    full: list[Client] = []
    router.waiting_full.connect(full.append)
    registration = stage.hub.interceptors.add(held.append)
    sender = stage.join("alice")
    router.receive(sender, TYPING)
    registration.remove()
    assert [router.receive(sender, large) for _ in range(3)] == [None] * 3
    paused = router.receive(sender, large)
    assert paused
    assert full == [sender]
    held[0].resume()
    await paused
    assert len(received(stage)) == 5
    held.clear()
    stage.hub.interceptors.add(held.append)
    router.receive(sender, TYPING)
    assert [router.receive(sender, large) for _ in range(3)] == [None] * 3  # the queues are empty again
    held[0].drop("dropped")
    for _ in range(3):
        await until(lambda: len(held) == 2)
        held.pop().resume()


async def test_the_frames_behind_a_dropped_one_are_dropped_if_the_client_has_left(
    stage: Stage, router: Router
) -> None:
    held: list[Cause] = []
    stage.hub.interceptors.add(held.append)
    sender = stage.join("alice")
    for number in range(3):
        router.receive(sender, typing_to(number))
    stage.hub.leave(sender)
    held[0].drop("the client has disconnected")
    await until(lambda: len(stage.rows("dropped")) == 2)
    assert received(stage) == []
    assert "2 frames that it had sent behind a held one" in stage.rows("dropped")[1].note


async def test_what_follows_a_held_frame_is_done_after_it(stage: Stage, router: Router) -> None:
    held: list[Cause] = []
    seen: list[int] = []

    async def count_rows() -> None:
        seen.append(len(received(stage)))

    stage.hub.interceptors.add(held.append)
    router.receive(stage.join("alice"), TYPING)
    held[0].resume(held[0].changed(then=count_rows))
    await until(lambda: seen)
    assert seen == [1]


def test_a_handler_that_raises_causes_a_warning_and_no_disconnect(
    stage: Stage, router: Router, expected_warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    expected_warnings.append("the handler of typing failed")

    def fail(client: Client, data: TypingTo) -> Outcome:
        raise RuntimeError("out of paper")

    router.on("typing", fail)
    client = stage.join()
    router.receive(client, TYPING)
    (row,) = received(stage)
    assert (row.verdict, row.note) == (Verdict.WARNING, "handling this event failed; see the log files")
    assert stage.transports[client.id].aborted == 0
    assert "out of paper" in caplog.text  # with the traceback


def test_frames_and_bytes_from_a_client_are_counted_including_invalid_frames(stage: Stage, router: Router) -> None:
    client = stage.join()
    router.receive(client, "ü")
    router.receive(client, TYPING)
    assert (client.frames_in, client.bytes_in) == (2, 2 + len(TYPING))


LONG = "n" * (MAX_FRAME_BYTES - 200)


@pytest.mark.parametrize(
    "frame",
    [
        json.dumps({"event": LONG, "data": {}}),
        json.dumps({"event": "typing", "data": {"to": "bob", "typing": True, LONG: 1}}),
        json.dumps({"event": "typing", "data": {LONG: "\ud800"}}),
        f'{{"{LONG[:9_000]}":1,"{LONG[:9_000]}":2}}',
    ],
    ids=["event name", "unknown field", "path", "duplicate key"],
)
def test_the_note_and_event_of_a_row_are_short_even_if_names_in_the_frame_are_long(
    stage: Stage, router: Router, frame: str
) -> None:
    """Notes do not count towards the journal's bytes, so a client must not be able to fill them."""
    router.receive(stage.join(), frame)
    (row,) = received(stage)
    assert len(row.event) <= 80
    assert len(row.note) <= 1_000


@pytest.mark.parametrize("frame", ['{"\\ud800":1,"\\ud800":2}', '{"event":"typing","data":{"\\ud800":1}}'])
def test_the_note_of_a_row_is_always_valid_unicode(stage: Stage, router: Router, frame: str) -> None:
    router.receive(stage.join(), frame)
    assert received(stage)[0].note.encode()


@pytest.mark.parametrize("value", [None, 0, [], {}, 1e300, 10**400])
def test_no_field_value_raises_an_error(stage: Stage, router: Router, value: Any) -> None:
    for data in ({"to": value, "typing": True}, {"to": "bob", "typing": value}):
        router.receive(stage.join(), json.dumps({"event": "typing", "data": data}))
    assert [row.verdict for row in received(stage)] == [Verdict.INVALID] * 2


async def test_the_row_of_an_asynchronous_handler_is_added_when_it_has_finished(
    stage: Stage, router: Router
) -> None:
    async def handler(client: Client, data: TypingTo) -> Outcome:
        return Outcome("handled later", Verdict.OK, (Envelope("x", {}), ALL))

    router.on("typing", handler)
    pending = router.receive(stage.join(), TYPING)
    assert pending is not None
    assert received(stage) == []
    await pending
    assert [row.note for row in received(stage)] == ["handled later"]
    assert [row.event for row in stage.journal][-2:] == ["typing", "x"]


async def test_an_asynchronous_handler_that_raises_causes_a_warning_and_no_disconnect(
    stage: Stage, router: Router, expected_warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    expected_warnings.append("the handler of typing failed")

    async def fail(client: Client, data: TypingTo) -> Outcome:
        raise RuntimeError("out of paper")

    router.on("typing", fail)
    pending = router.receive(stage.join(), TYPING)
    assert pending is not None
    await pending
    (row,) = received(stage)
    assert (row.verdict, row.note) == (Verdict.WARNING, "handling this event failed; see the log files")
    assert "out of paper" in caplog.text  # with the traceback


def test_a_synchronous_handler_runs_immediately(stage: Stage, router: Router) -> None:
    router.on("typing", lambda client, data: Outcome("noted"))
    assert router.receive(stage.join(), TYPING) is None
    assert router.receive(stage.join(), "{nope") is None


def test_a_row_records_the_user_at_the_time_of_the_frame(stage: Stage, router: Router) -> None:
    client = stage.join("alice")
    router.receive(client, TYPING)
    stage.hub.identify(client, "zoe")
    router.receive(client, "{nope")
    assert [row.user for row in received(stage)] == ["alice", "zoe"]
