"""A recording is played: its causes with new ids and times, or exactly as it was, alone or in step with the UI."""

import asyncio
import json
from base64 import b64encode
from typing import Any
from uuid import UUID

import pytest

from app.hub.origin import AUTO_REPLY, FAULTS, PANEL, REST, client_origin
from app.hub.row import Kind, Verdict
from app.hub.session_run import AS_FAST_AS_POSSIBLE, RunState
from app.hub.target import ALL, Target
from app.protocol.faults.words import parse_fault
from app.protocol.session.actions import ServerEvent
from app.protocol.session.lines import parse_lines
from app.protocol.wire_names import WireNames
from app.sources.sessions import recorded_performer as module
from app.sources.sessions.in_step import happening
from app.sources.sessions.local_user import LocalUser
from app.sources.sessions.replay import Renewal
from app.sources.sessions.timeline import Timeline
from tests.conftest import until
from tests.hub.doubles import FakeTime
from tests.sources.theatre import START, Theatre

ID = "a1b2c3d4-e5f6-4890-abcd-ef1234567890"
OTHER_ID = "b1b2c3d4-e5f6-4890-abcd-ef1234567890"


def frame(event: str, **data: Any) -> str:
    return json.dumps({"event": event, "data": data})


def message(text: str = "hi", msg_id: str = ID, timestamp: str = "2025-06-01T00:00:05.000Z") -> str:
    return frame(
        "new_message", msg_id=msg_id, **{"from": "alice"}, to="me", text=text, timestamp=timestamp,
        direction="received", delivered=True, delivery_method="direct",
    )  # fmt: skip


def recording(*steps: dict[str, Any], **header: Any) -> str:
    lines = [{"session": 1, "kind": "recording", "started": "2025-06-01T00:00:00.000Z", **header}, *steps]
    return "\n".join(map(json.dumps, lines)) + "\n"


def sent(payload: str, origin: str = "control", **more: Any) -> dict[str, Any]:
    return {"s2c": json.loads(payload)["event"], "payload": payload, "origin": origin, **more}


async def play(theatre: Theatre, text: str, **options: Any) -> Any:
    run = theatre.start_session(parse_lines(text).session, **options)
    await theatre.companion.sessions.wait(run)
    return run


def data_of(theatre: Theatre) -> list[Any]:
    return [json.loads(row.payload)["data"] for row in theatre.sent()]


async def test_frames_that_faults_delayed_are_not_causes(theatre: Theatre) -> None:
    await play(theatre, recording(sent(message()), sent(message(), origin="faults")), sync=True)
    assert len(theatre.sent()) == 1


async def test_the_row_of_a_rest_call_without_its_response_is_not_awaited(theatre: Theatre) -> None:
    """Such as one that counts repeated polls."""
    row = {"c2s": "GET /friends", "client": "rest", "origin": "rest", "comment": "200 · ×9 in 60 s"}
    run = await play(theatre, recording(row, sent(message())), sync=True)
    assert run.state is RunState.PASSED
    assert not [each for each in theatre.companion.journal if "GET /friends" in each.note]


async def test_causes_are_fired_again_with_new_ids_and_moved_times(theatre: Theatre) -> None:
    text = recording(sent(message()), sent(message("again"), after=1.5))
    run = await play(theatre, text, start=START, seed=7)
    assert run.state is RunState.PASSED
    one, two = data_of(theatre)
    assert one["msg_id"] == two["msg_id"] != ID, "one old id becomes one new id"
    assert one["timestamp"] == "2026-01-01T00:00:05.000Z"
    assert [at for _, at in theatre.events()] == [0, 1.5]
    assert {str(row.origin) for row in theatre.sent()} == {"scenario morning:2", "scenario morning:3"}


@pytest.mark.parametrize(
    ("recorded", "moved"),
    [
        ("2025-06-01T00:00:05Z", "2026-01-01T00:00:05Z"),
        ("2025-06-01T05:30:00+05:30", "2026-01-01T05:30:00+05:30"),
        ("2025-05-31T19:00:00.5-05:00", "2025-12-31T19:00:00.5-05:00"),
        ("2025-06-01T00:00:05.000000+00:00", "2026-01-01T00:00:05.000000+00:00"),
        ("2025-06-01T00:00:05.123456789Z", "2026-01-01T00:00:05.123456789Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2025-13-01T00:00:05.123Z", "2025-13-01T00:00:05.123Z"),
    ],
)
def test_times_move_and_keep_their_spelling(recorded: str, moved: str) -> None:
    session = parse_lines(recording(sent(message()))).session
    assert Renewal(session, 1, START, "me").value({"timestamp": recorded}) == {"timestamp": moved}


async def test_a_pause_of_a_month_is_awaited_in_parts() -> None:
    time = FakeTime()
    await Timeline(time.clock, 0.0, 1.0, None, fixed=True).pause(30 * 86_400)
    assert time.passed == 30 * 86_400
    assert max(time.slept) * 1000 < 2**31, "the longest time of a QTimer"


async def test_a_recording_with_a_pause_of_days_is_played(theatre: Theatre) -> None:
    days = 3 * 86_400
    run = await play(theatre, recording(sent(message()), sent(message("again"), after=days)))
    assert run.state is RunState.PASSED
    assert [at for _, at in theatre.events()] == [0, days]


async def test_times_of_a_replay_from_a_row_count_from_that_row(theatre: Theatre) -> None:
    late = message("late", timestamp="2025-06-01T01:00:00.000Z")
    await play(theatre, recording(sent(message(), seq=1), sent(late, after=3600, seq=2)), start=START, from_row=2)
    (data,) = data_of(theatre)
    assert data["timestamp"] == "2026-01-01T00:00:00.000Z"


async def test_events_about_messages_from_before_the_recording_keep_their_ids(theatre: Theatre) -> None:
    await theatre.play("alice: before")
    state = await theatre.companion.chat.store.snapshot()
    known = state["messages"][-1]["msg_id"]
    text = recording(
        sent(message(msg_id=known)), sent(message("new", timestamp="2025-06-01T00:00:06.000Z")), state=state
    )
    before = len(theatre.sent())
    await play(theatre, text)
    old, new = data_of(theatre)[before:]
    assert (old["msg_id"], new["msg_id"] != ID) == (known, True)


async def test_one_seed_and_start_give_the_same_bytes_and_another_seed_other_ids(theatre: Theatre) -> None:
    text = recording(sent(message()))
    for seed in (7, 7, 8):
        await play(theatre, text, start=START, seed=seed)
    one, two, three = (row.payload for row in theatre.sent())
    assert one == two != three


@pytest.mark.parametrize("origin", ["backend", "priming", "auto-reply", "client 2", "rest", "server"])
async def test_effects_are_left_to_the_companion(theatre: Theatre, origin: str) -> None:
    run = await play(theatre, recording(sent(message(), origin)))
    assert theatre.sent() == []
    assert run.totals.events == 0


async def test_an_exact_replay_sends_every_frame_as_it_was_and_nothing_else(theatre: Theatre) -> None:
    steps = [sent(message(), "backend"), sent(frame("typing", username="alice", typing=True), "client 2")]
    run = theatre.start_session(
        parse_lines(recording(*steps, {"mark": "x"}, {"wait": {"client": "user:nobody", "within": 0.2}})).session,
        exact=True,
    )
    await until(lambda: len(theatre.sent()) == 2)
    assert [row.payload.decode() for row in theatre.sent()] == [each["payload"] for each in steps]
    client = theatre.join("bob")
    theatre.companion.hub.broadcast(theatre.companion.message_from("alice", "an effect"))
    assert "only its own frames are sent" in list(theatre.companion.journal)[-1].note
    assert theatre.frames(client) == []
    await theatre.companion.sessions.wait(run)
    theatre.companion.hub.broadcast(theatre.companion.message_from("alice", "afterwards"))
    assert len(theatre.frames(client)) == 1


async def test_an_exact_replay_does_not_send_frames_that_faults_delay_since_before_it(theatre: Theatre) -> None:
    client, companion = theatre.join("bob"), theatre.companion
    companion.faults.arm(ALL, [parse_fault("latency=1000")])
    await companion.fire(companion.message_from("alice", "before"), origin=PANEL)
    step = sent(message("of the replay"))
    await play(theatre, recording(step, {"after": 10, "mark": "late"}), exact=True)
    (frame_,) = theatre.frames(client)
    assert b"of the replay" in frame_, "its own frames are delayed, too"
    late = [row.note for row in theatre.sent() if row.origin == FAULTS]
    assert [note.endswith("an exact replay is running, so only its own frames are sent") for note in late] == [
        True, False,
    ]  # fmt: skip
    await companion.fire(companion.message_from("alice", "afterwards"), origin=PANEL)
    await until(lambda: len(theatre.frames(client)) == 2)


async def test_an_exact_replay_renames_the_keys_of_events_and_leaves_raw_frames(theatre: Theatre) -> None:
    theatre.companion.hub.wire_names = WireNames("type", "payload")
    client = theatre.join("bob")
    raw = '{"event": "typing", "data": {}}'
    steps = [sent(frame("typing", username="alice", typing=True)), {**sent(raw), "s2c": "(raw frame)"}]
    await play(theatre, recording(*steps), exact=True)
    event, unchanged = theatre.frames(client)
    assert event.endswith(b'{"type": "typing", "payload": {"username": "alice", "typing": true}}')
    assert unchanged.endswith(raw.encode())
    assert [row.payload.decode() for row in theatre.sent()] == [each["payload"] for each in steps]


async def test_an_exact_replay_leaves_out_frames_that_no_client_received(theatre: Theatre) -> None:
    client = theatre.join("bob")
    steps = [
        sent(frame("typing", username="alice", typing=True), recipients=[1]),
        sent(frame("typing", username="carol", typing=True), comment="0 clients; faults act on it for 1 client"),
        sent(frame("typing", username="carol", typing=True), origin="faults", to="client:1", recipients=[1]),
        sent(frame("typing", username="dave", typing=True), comment="not sent: sending is paused"),
    ]
    await play(theatre, recording(*steps), exact=True)
    assert [json.loads(each[each.index(b"{"):])["data"]["username"] for each in theatre.frames(client)] == [
        "alice", "carol",
    ]  # fmt: skip


async def test_an_exact_replay_sends_bytes_that_are_not_utf_8(theatre: Theatre) -> None:
    client = theatre.join("bob")
    step = {"s2c": "typing", "base64": b64encode(b"\xff{\xfe}").decode(), "recipients": [1]}
    await play(theatre, recording(step), exact=True)
    (received,) = theatre.frames(client)
    assert received.endswith(b"\xff{\xfe}")
    (row,) = theatre.sent()
    assert "not UTF-8" in row.note


async def test_a_recording_begins_with_its_own_chat_state_and_the_users_is_back_afterwards(
    theatre: Theatre,
) -> None:
    await theatre.play("alice: mine")
    before = await theatre.companion.chat.snapshot()
    state = {"version": 1, "people": [person("zoe", last_seen=1748735990.0)], "messages": []}
    text = recording(sent(message()), {"wait": {"client": "user:nobody", "within": 0.2}}, state=state)
    run = theatre.start_session(parse_lines(text).session, start=START)
    await until(lambda: run.totals.steps == 1)
    played = await theatre.companion.chat.snapshot()
    assert [each["username"] for each in played["people"]] == ["zoe"]
    assert played["people"][0]["last_seen"] == pytest.approx(START - 10), "times move with the start of the run"
    await theatre.companion.sessions.wait(run)
    assert await theatre.companion.chat.snapshot() == before


def person(username: str, last_seen: float) -> dict[str, Any]:
    return {
        "username": username, "public_key": "", "signing_key": "", "online": True, "last_seen": last_seen,
        "added_at": last_seen, "is_friend": True,
    }  # fmt: skip


async def test_in_step_with_the_ui_the_replay_waits_for_what_it_sent(theatre: Theatre) -> None:
    text = recording(
        sent(message("one")),
        {"c2s": "typing", "payload": frame("typing", to="alice", typing=True), "client": 1, "user": "me"},
        {"rest": "GET /friends", "status": 200},
        {"rest": "POST /messages", "status": 200, "seq": 5},
        sent(message("two")),
    )
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: len(theatre.sent()) == 1)
    theatre.send("typing", to="alice", typing=True)
    await asyncio.sleep(0)
    assert len(theatre.sent()) == 1
    theatre.post({"to": "alice", "text": "x"})
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [each["text"] for each in data_of(theatre)] == ["one", "two"]


async def test_in_step_a_call_is_not_awaited_while_the_rest_stand_in_is_off(theatre: Theatre) -> None:
    theatre.companion.services["rest"].started = False
    text = recording(sent(message()), {"rest": "POST /messages", "status": 200}, sent(message("two")))
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await theatre.companion.sessions.wait(run)
    why = "No client can make the call POST /messages: the REST stand-in is stopped"
    assert [each.detail for each in run.results] == [why]


async def test_in_step_a_call_that_the_rest_stand_in_does_not_have_is_awaited(theatre: Theatre) -> None:
    """Regression: such a call failed at once. The UI makes it again, and gets 404 again."""
    text = recording(sent(message()), {"rest": "POST /profile", "status": 404}, sent(message("two")))
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: len(theatre.sent()) == 1)
    theatre.post({}, "POST /profile")
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_in_step_events_about_a_message_that_the_ui_posts_have_its_new_id(theatre: Theatre) -> None:
    post = {"rest": "POST /messages", "status": 201}
    text = recording(
        {**post, "request": {"text": "one"}, "response": {"msg_id": ID, "text": "one"}},
        {**post, "request": {"text": "two"}, "response": {"msg_id": OTHER_ID.upper(), "text": "two"}},
        sent(message("about one", ID)), sent(message("about two", OTHER_ID)),
    )  # fmt: skip
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: run.current)
    rows = [theatre.post({"text": each}) for each in ("one", "two")]
    ids = [str(UUID(int=each, version=4)) for each in (1, 2)]
    for row, msg_id in reversed(list(zip(rows, ids, strict=True))):
        theatre.respond(row, {"msg_id": msg_id})
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [each["msg_id"] for each in data_of(theatre)] == ids


async def test_in_step_events_about_an_auto_reply_have_its_new_id(theatre: Theatre) -> None:
    text = recording(
        sent(message("one", ID), "auto-reply"), sent(message("two", OTHER_ID), "auto-reply"),
        sent(message("about two", OTHER_ID)), sent(message("about one", ID)),
    )  # fmt: skip
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: run.current)
    ids = [str(UUID(int=each, version=4)) for each in (1, 2)]
    for each in ids:
        frame = message("reply", each).encode()
        theatre.companion.journal.append(
            Kind.TO_UI, "new_message", payload=frame, client="user:me", origin=AUTO_REPLY
        )
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [each["msg_id"] for each in data_of(theatre)] == [*ids, *reversed(ids)]


@pytest.mark.parametrize("response", [{"detail": "no"}, "no JSON"])
async def test_in_step_a_message_that_the_ui_could_not_post_again_has_no_new_id(
    theatre: Theatre, response: object
) -> None:
    post = {"rest": "POST /messages", "status": 201, "response": {"msg_id": ID}}
    text = recording(post, sent(message()))
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: run.current)
    theatre.respond(theatre.post({}), response)
    await theatre.companion.sessions.wait(run)
    assert [each["msg_id"] == ID for each in data_of(theatre)] == [False]


async def test_in_step_a_call_may_have_another_id_in_its_path(theatre: Theatre) -> None:
    """The replay gives a message a new id, and the UI deletes the message with that one."""
    text = recording(sent(message()), {"rest": f"DELETE /messages/{ID}", "status": 204}, sent(message("two")))
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: len(theatre.sent()) == 1)
    call = f"DELETE /messages/{data_of(theatre)[0]['msg_id']}"
    theatre.companion.journal.append(Kind.FROM_UI, call, payload=b"", client="rest", origin=REST)
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_what_the_ui_does_not_send_again_fails_the_replay(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SYNC_S", 0.05)
    text = recording({"c2s": "mark_read", "payload": "{}", "user": "me"}, sent(message("two")))
    run = await play(theatre, text, sync=True)
    assert run.state is RunState.FAILED
    assert run.results[0][1:5] == ("mark_read from me", False, 0.0, "the UI did not send it within 0.05 s")
    assert len(theatre.sent()) == 1, "the replay goes on"


async def test_without_sync_the_replay_does_not_wait(theatre: Theatre) -> None:
    run = await play(
        theatre, recording({"c2s": "mark_read", "payload": "{}"}, {"server": "connected", "user": "me"})
    )
    assert run.passed


@pytest.mark.parametrize("exact", [False, True])
async def test_the_recipients_of_the_run_replace_all(theatre: Theatre, exact: bool) -> None:
    """Regression: they had no effect on a recording."""
    text = recording(sent(message(), to="all"), sent(message(), to="user:bob"))
    await play(theatre, text, to=Target(user="erin"), exact=exact)
    assert [row.client for row in theatre.sent()] == ["user:erin", "user:bob"]


async def test_clients_of_the_recording_are_found_by_their_user(theatre: Theatre) -> None:
    text = recording(
        {"server": "connected", "client": 3, "user": "bob"},
        sent(message(), to="client:3"),
        sent(message(), to="client:9"),
        sent(message(), to="user:erin"),
    )
    await play(theatre, text)
    assert [row.client for row in theatre.sent()] == ["user:bob", "all", "user:erin"]
    clients = [{"client": 2, "user": "bob"}, {"client": 3, "user": "carol"}]
    await play(theatre, recording(sent(message(), to="client:3"), clients=clients))
    assert theatre.sent()[-1].client == "user:carol"


async def test_a_recorded_frame_that_is_no_event_is_sent_as_it_was(theatre: Theatre) -> None:
    await play(theatre, recording({"s2c": "(raw frame)", "payload": "no json", "origin": "panel"}))
    assert [row.payload for row in theatre.sent()] == [b"no json"]


@pytest.mark.parametrize("comment", ["sent as is; delivered to 1 client", "#4 again; no client is connected"])
async def test_a_raw_or_resent_frame_does_not_change_the_chat_state(theatre: Theatre, comment: str) -> None:
    before = await theatre.companion.chat.store.snapshot()
    spaced = '{ "event": "typing", "data": {"username": "alice", "typing": true} }'
    steps = [{**sent(each), "comment": comment} for each in (message("raw"), spaced)]
    run = await play(theatre, recording(*steps), start=START, keep=True)
    assert run.state is RunState.PASSED
    (data, _) = data_of(theatre)
    assert (data["text"], data["timestamp"]) == ("raw", "2026-01-01T00:00:05.000Z")
    assert data["msg_id"] != ID, "it belongs to the other new ids"
    assert theatre.sent()[1].payload.decode() == spaced
    assert await theatre.companion.chat.store.snapshot() == before


async def test_ids_of_posted_messages_and_auto_replies_depend_on_the_seed_only(theatre: Theatre) -> None:
    text = recording(sent(message()), {"wait": {"client": "user:nobody", "within": 0.05}})
    found = []
    for _ in range(2):
        run = theatre.start_session(parse_lines(text).session, start=START, seed=7)
        await until(lambda run=run: run.totals.steps == 1)
        posted, _to_peer = await theatre.companion.chat.store.send("alice", "hello")
        reply = theatre.companion.message_from("alice", "reply")
        found.append((posted["msg_id"], posted["timestamp"], reply.data["msg_id"], reply.data["timestamp"]))
        await theatre.companion.sessions.wait(run)
    assert found[0] == found[1]
    assert found[0][1] == "2026-01-01T00:00:00.000Z"
    other, _to_peer = await theatre.companion.chat.store.send("alice", "hello")
    assert other["msg_id"] != found[0][0], "after the run, ids are random again"


async def test_in_step_the_replay_waits_for_effects_and_counts_what_came_early(theatre: Theatre) -> None:
    effect = frame("typing", username="bob", typing=True)
    text = recording(
        {"c2s": "mark_read", "payload": "{}", "user": "me"},
        sent(effect, "client 2", to="user:me"),
        {"c2s": "mark_read", "payload": "{}", "user": "me"},
        sent(message("two")),
    )
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE)
    await until(lambda: run.current)
    theatre.send("mark_read", peer="alice")
    theatre.send("mark_read", peer="alice")
    await until(lambda: run.totals.steps == 1)
    assert theatre.sent() == []
    theatre.companion.journal.append(
        Kind.TO_UI, "typing", payload=effect.encode(), client="user:me", origin=client_origin(2)
    )
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [each["text"] for each in data_of(theatre) if "text" in each] == ["two"]


async def test_in_step_times_do_not_depend_on_how_early_the_ui_and_effects_are(theatre: Theatre) -> None:
    effect = frame("typing", username="alice", typing=True)
    text = recording(
        {"rest": "POST /messages", "status": 200, "after": 4},
        sent(effect, "auto-reply", after=2),
        sent(message("reply"), "auto-reply", after=1),
        sent(message("two"), after=3),
    )
    run = theatre.start_session(parse_lines(text).session, sync=True, start=START)
    now = theatre.companion.values.wall
    await until(lambda: now() == START + 4)
    theatre.post({"to": "alice", "text": "x"})
    await until(lambda: now() == START + 6)
    theatre.companion.journal.append(Kind.TO_UI, "typing", payload=effect.encode(), origin=AUTO_REPLY)
    await until(lambda: now() == START + 7)
    assert theatre.time.slept == []
    reply = message("reply").encode()
    theatre.companion.journal.append(Kind.TO_UI, "new_message", payload=reply, origin=AUTO_REPLY)
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert theatre.events()[-1] == ("new_message", 10), "what is fired has its recorded distance nevertheless"


async def test_in_step_a_run_that_is_paused_before_a_step_is_due_does_not_fail_at_it(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the wait for the step ended, and the step failed, while the run was paused."""
    monkeypatch.setattr(module, "SYNC_S", 0.01)
    text = recording({"rest": "POST /messages", "status": 200, "after": 0.05}, {"note": "the end"})
    run = theatre.start_session(parse_lines(text).session, sync=True)
    await until(lambda: run.current)
    run.pause()
    theatre.time.passed += 1
    await asyncio.sleep(0.2)
    assert run.results == []
    theatre.post({"to": "alice", "text": "x"})
    run.resume()
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_in_step_what_the_ui_sends_while_the_copy_of_the_chat_state_is_made_counts(theatre: Theatre) -> None:
    text = recording({"c2s": "typing", "payload": frame("typing", to="alice", typing=True), "user": "me"})
    run = theatre.start_session(parse_lines(text).session, sync=True)
    await asyncio.sleep(0)
    assert run.current is None
    theatre.send("typing", to="alice", typing=True)
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_polls_and_repeated_typing_do_not_take_part(theatre: Theatre) -> None:
    typing = {"c2s": "typing", "payload": frame("typing", to="alice", typing=True), "client": 1, "user": "me"}
    poll = {"after": 1, "rest": "GET /friends", "status": 200}
    text = recording(typing, typing, poll, poll, sent(message("two"), after=1))
    run = theatre.start_session(parse_lines(text).session, sync=True, speed=AS_FAST_AS_POSSIBLE, start=START)
    await until(lambda: run.current)
    theatre.send("typing", to="alice", typing=True)
    await theatre.companion.sessions.wait(run)
    assert [each.text for each in run.results] == ["typing from me"]
    assert run.totals.steps == 5


@pytest.mark.parametrize(("ends", "expected"), [(0.2, 0), (20.0, 1)])
async def test_a_connection_that_ended_at_once_is_not_awaited(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch, ends: float, expected: int
) -> None:
    monkeypatch.setattr(module, "CONNECT_S", 0.05)
    text = recording(
        {"server": "connected", "client": 1, "user": "me"},
        {"after": ends, "server": "disconnected", "client": 1, "user": "me"},
    )
    run = await play(theatre, text, sync=True)
    assert [each.detail for each in run.results] == ["no client of me connected within 0.05 s"] * expected


async def test_in_step_a_connection_that_ends_at_once_is_no_reconnect(theatre: Theatre) -> None:
    """Regression: React's StrictMode connects twice, and the second connection counted as the recorded reload."""
    connected = {"server": "connected", "user": "me"}
    text = recording(
        {**connected, "client": 1}, {"server": "disconnected", "client": 1}, {**connected, "client": 2},
        {"after": 5, "server": "disconnected", "client": 2}, {**connected, "client": 3},
    )  # fmt: skip
    run = theatre.start_session(parse_lines(text).session, sync=True)
    await until(lambda: run.current)
    theatre.companion.hub.leave(theatre.join("me"))
    theatre.join("me").ready = True
    await until(lambda: run.results)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(run.results) == 1
    theatre.join("me")
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_in_step_a_page_that_was_ready_and_is_reloaded_soon_is_the_recorded_reload(theatre: Theatre) -> None:
    """Regression: the first connection did not count any more, so that the replay waited for a third one."""
    connected = {"server": "connected", "user": "me"}
    text = recording(
        {**connected, "client": 1}, {"after": 5, "server": "disconnected", "client": 1}, {**connected, "client": 2}
    )
    run = theatre.start_session(parse_lines(text).session, sync=True)
    await until(lambda: run.current)
    first = theatre.join("me")
    first.ready = True
    await until(lambda: run.results)
    theatre.companion.hub.leave(first)
    theatre.join("me").ready = True
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_in_step_an_invalid_frame_is_not_the_recorded_one(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it counted. A call that is rejected counts: it may have been rejected in the recording, too."""
    monkeypatch.setattr(module, "SYNC_S", 0.05)
    typing = {"c2s": "typing", "payload": frame("typing", peer="alice", typing=True), "user": "me"}
    text = recording(typing, {"rest": "POST /messages", "status": 400})
    run = theatre.start_session(parse_lines(text).session, sync=True)
    await until(lambda: run.current)
    for event, origin in (("typing", client_origin(1)), ("POST /messages", REST)):
        theatre.companion.journal.append(
            Kind.FROM_UI, event, payload=typing["payload"].encode(), origin=origin, user="me",
            verdict=Verdict.INVALID,
        )  # fmt: skip
    await theatre.companion.sessions.wait(run)
    assert [each.met for each in run.results] == [False, True]


@pytest.mark.parametrize(
    ("began_connected", "from_row"),
    [(True, None), (False, 2)],
    ids=["before the recording", "before the row"],
)
async def test_in_step_a_recorded_reconnect_needs_a_client_that_connects(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch, began_connected: bool, from_row: int | None
) -> None:
    """Regression: the client that was connected already counted."""
    client = {"client": 1, "user": "alex"}
    header = {"me": "alex", "clients": [client]} if began_connected else {"me": "alex"}
    first = [] if began_connected else [{"server": "connected", **client, "seq": 1}]
    text = recording(
        *first,
        {"server": "disconnected", **client, "seq": 2},
        {"server": "connected", "client": 2, "user": "alex", "seq": 3},
        sent(message(), seq=4),
        **header,
    )
    page = theatre.join("me")
    run = theatre.start_session(parse_lines(text).session, sync=True, from_row=from_row)
    await until(lambda: run.position == 2 + len(first))
    theatre.companion.hub.leave(page)
    theatre.join("me").ready = True
    await theatre.companion.sessions.wait(run)
    assert run.passed
    monkeypatch.setattr(module, "CONNECT_S", 0.05)
    run = await play(theatre, text, sync=True, from_row=from_row)
    assert [each.detail for each in run.results] == ["no client of me connected within 0.05 s"]


async def test_a_partly_played_recording_says_how_many_steps_were_played(theatre: Theatre) -> None:
    text = recording(*[sent(message())] * 3, {"wait": {"client": "user:nobody", "within": 60}}, sent(message()))
    run = theatre.start_session(parse_lines(text).session)
    await until(lambda: run.totals.steps == 3)
    await theatre.companion.sessions.stop(run.number)
    assert run.error == (
        "The session was stopped. 3 of 5 steps were played. "
        "The current step was line 5 (wait for nobody within 60s). No client is connected."
    )


async def test_the_begin_and_the_end_of_typing_are_awaited_separately(theatre: Theatre) -> None:
    def typing(on: bool) -> dict[str, Any]:
        return {"c2s": "typing", "payload": frame("typing", to="alice", typing=on), "client": 1, "user": "me"}

    text = recording(typing(True), typing(False), sent(message("two")))
    run = theatre.start_session(parse_lines(text).session, sync=True)
    await until(lambda: bool(run.current))
    for on in (True, True, False):
        theatre.send("typing", to="alice", typing=on)
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_an_effect_that_the_companion_does_not_send_again_is_a_warning_in_the_log(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SYNC_S", 0.05)
    run = await play(theatre, recording(sent(message(), "auto-reply")), sync=True)
    assert run.passed
    notes = [row.note for row in theatre.companion.journal if row.origin == "scenario morning:2"]
    assert notes == ["the recorded new_message (auto-reply) was not sent again within 0.05 s"]


def other_message() -> str:
    """A message to the local user of another companion."""
    return message("to me").replace('"to": "me"', '"to": "alex"')


@pytest.mark.parametrize("exact", [False, True])
async def test_the_local_user_of_a_recording_is_the_one_here(theatre: Theatre, exact: bool) -> None:
    """Regression: a recording of a companion with another user name was sent to no client, and passed."""
    client = theatre.join("me")
    theatre.join("bob")
    steps = [sent(other_message(), to=to, recipients=[1]) for to in ("user:alex", "client:1")]
    run = await play(theatre, recording(*steps, me="alex", clients=[{"client": 1, "user": "alex"}]), exact=exact)
    assert run.state is RunState.PASSED
    assert [row.recipients for row in theatre.sent()] == [(client.id,)] * 2
    assert [each["to"] for each in data_of(theatre)] == (["alex"] if exact else ["me"]) * 2


async def test_a_replay_in_step_waits_for_the_local_user_here(theatre: Theatre) -> None:
    typing = {"c2s": "typing", "payload": frame("typing", to="alice", typing=True), "client": 1, "user": "alex"}
    run = theatre.start_session(parse_lines(recording(typing, me="alex")).session, sync=True)
    await until(lambda: run.current is not None)
    theatre.send("typing", to="alice", typing=True)
    await theatre.companion.sessions.wait(run)
    assert run.passed


def test_a_client_of_the_local_user_of_a_recording_is_one_of_the_local_user_here() -> None:
    step = ServerEvent(server="connected", client=1, user="alex")
    assert happening(step, LocalUser("alex", "me")) == ("server", "connected", "me")


def test_the_messages_of_a_recorded_state_are_those_of_the_local_user_here() -> None:
    session = parse_lines(recording(me="alex")).session
    state = {"messages": [json.loads(other_message())["data"]]}
    (found,) = Renewal(session, 1, START, "me").state(state)["messages"]
    assert (found["from"], found["to"], found["text"]) == ("alice", "me", "to me")


async def test_a_friend_in_a_recording_may_have_the_name_of_the_local_user_here(theatre: Theatre) -> None:
    """Regression: the friend and the local user became one person."""
    theatre.companion.settings.username = "alice"
    earlier = {
        **json.loads(other_message())["data"], "msg_id": ID.replace("a", "b"), "read": False,
    }  # fmt: skip
    state = {"version": 1, "people": [person("alice", 1748735990.0)], "messages": [earlier]}
    text = recording(sent(other_message(), to="user:alex"), me="alex", state=state)
    run = theatre.start_session(parse_lines(text).session, keep=True, speed=AS_FAST_AS_POSSIBLE)
    await theatre.companion.sessions.wait(run)
    assert run.passed, run.error
    assert [(each["from"], each["to"]) for each in data_of(theatre)] == [("alex", "alice")]
    kept = await theatre.companion.chat.snapshot()
    assert [each["username"] for each in kept["people"]] == ["alex"]
    assert [(each["from"], each["to"]) for each in kept["messages"]] == [("alex", "alice")] * 2
