"""Scenarios are played by a companion without servers; the test plays the UI and controls the clock."""

import asyncio
import json
from datetime import datetime

import msgspec
import pytest

from app.hub.held_items import BreakpointOptions
from app.hub.journal import Verdict
from app.hub.origin import PANEL
from app.hub.rest_log import Call
from app.hub.row import Kind, Row
from app.hub.session_run import AS_FAST_AS_POSSIBLE, RunState
from app.hub.target import ALL, Target
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, Invalid
from app.protocol.event_files.event_set import EventSet
from app.protocol.event_files.parse import parse_event_file
from app.protocol.faults.rest import parse_rest_fault
from app.protocol.faults.words import parse_fault
from app.protocol.fixture import SavedFixture
from app.protocol.refusals import parse_mode
from app.protocol.session import actions
from app.protocol.session.durations import MAX_RECORDED_SECONDS
from app.protocol.session.steps import Header, Session, Step
from app.protocol.times import seconds_of
from app.sources.sessions import player as player_module
from app.sources.sessions.local_user import LocalUser
from app.sources.sessions.runs import END_S, FIRST_S
from tests.conftest import until
from tests.sources.theatre import START, Theatre

CONVERSATION = """\
# A morning
alice comes online
alice (types 2s): hi
wait 500ms
bob: see you
"""


async def test_steps_are_played_with_their_pauses(theatre: Theatre) -> None:
    run = await theatre.play(CONVERSATION)
    assert theatre.events() == [
        ("friend_online", 0), ("typing", 0), ("typing", 2), ("new_message", 2), ("new_message", 2.5),
    ]  # fmt: skip
    assert (run.state, run.title, run.totals.steps, run.totals.events) == (RunState.PASSED, "A morning", 3, 5)


async def test_fields_that_a_file_requires_get_new_values(theatre: Theatre) -> None:
    """Regression: presence and typing were rejected, because only messages had these values."""
    parsed, data = {}, {"required": ["since"], "properties": {"since": {"type": "string", "format": "date-time"}}}
    for name in ("friend_online", "typing", "new_message"):
        file = {"extends": name, "direction": "to_ui", "data": data}
        parsed[f"{name}.json"] = parse_event_file(f"{name}.json", json.dumps(file), built_in())
    events = EventSet(built_in())
    events.update(parsed)
    theatre.companion.use_events(events.types)
    run = await theatre.play(CONVERSATION, start=START)
    assert (run.state, len(theatre.sent())) == (RunState.PASSED, 5)
    assert [json.loads(row.payload)["data"]["since"] for row in theatre.sent()[:2]] == [
        "2026-01-01T00:00:00.000Z"
    ] * 2


@pytest.mark.parametrize(("speed", "end"), [(0.5, 5), (2, 1.25), (AS_FAST_AS_POSSIBLE, 0)])
async def test_the_speed_divides_every_pause(theatre: Theatre, speed: float, end: float) -> None:
    await theatre.play(CONVERSATION, speed=speed)
    assert theatre.events()[-1] == ("new_message", end)


async def test_max_idle_limits_every_pause(theatre: Theatre) -> None:
    await theatre.play("wait 10s\nalice (types 3s): hi", max_idle_s=1)
    assert [at for _, at in theatre.events()] == [1, 2, 2]


async def test_every_event_names_the_session_and_the_line(theatre: Theatre) -> None:
    await theatre.play(CONVERSATION)
    assert [str(row.origin) for row in theatre.sent()] == [f"scenario morning:{line}" for line in (2, 3, 3, 3, 5)]


async def test_one_seed_and_start_time_give_the_same_bytes_at_any_speed(theatre: Theatre) -> None:
    text = "seed 7\nfire new_message with text={{faker.sentence}} as bob\n" + CONVERSATION.partition("\n")[2]
    frames = []
    for speed in (1, 8, AS_FAST_AS_POSSIBLE):
        before = len(theatre.sent())
        await theatre.play(text, start=START, speed=speed)
        frames.append([row.payload for row in theatre.sent()[before:]])
    assert frames[0] == frames[1] == frames[2]
    last = json.loads(frames[0][-1])["data"]
    assert last["timestamp"] == "2026-01-01T00:00:02.500Z"


@pytest.mark.parametrize(
    "text", ["expect typing within 30s\nalice: hi", "when typing\n    alice: hi\nwait for nobody within 60s"]
)
async def test_without_a_start_time_messages_are_not_dated_before_what_the_ui_sent(
    theatre: Theatre, text: str
) -> None:
    """Regression: time passed in pauses only, so that chats had answers before what they answer."""
    began = theatre.time.clock.wall()
    run = theatre.start(text)
    await until(lambda: run.current)
    theatre.time.passed += 6
    theatre.send("typing", to="alice", typing=True)
    await until(lambda: theatre.sent())
    data = json.loads(theatre.sent()[0].payload)["data"]
    assert seconds_of(datetime.fromisoformat(data["timestamp"])) >= began + 6
    await theatre.companion.sessions.stop(run.number)


@pytest.mark.parametrize("start", [FIRST_S - 1, END_S, seconds_of(datetime.fromisoformat("0001-01-01T00+14"))])
async def test_a_start_time_from_which_times_cannot_be_counted_is_refused(theatre: Theatre, start: float) -> None:
    """Regression: when a pause had passed the year 9999, the session ended with an internal error."""
    with pytest.raises(Invalid, match="Use one in the years 2 to 8999"):
        theatre.start("wait 2s\nalice: hi", start=start)


@pytest.mark.parametrize("start", [FIRST_S, END_S - 1])
async def test_sessions_play_from_the_first_and_the_last_start_time(theatre: Theatre, start: float) -> None:
    run = await theatre.play("state reset\nwait 2s\nalice: hi", start=start)
    assert run.passed, run.error


async def test_a_session_whose_pauses_pass_the_year_9999_stays_there(theatre: Theatre) -> None:
    """Regression: it ended with an internal error. Recordings can have pauses of decades, which are shortened."""
    pauses = [Step(actions.Note(note="later", after=MAX_RECORDED_SECONDS)) for _ in range(40)]
    hi = Step(actions.Say(say="{{now}}", as_user="alice"))
    run = theatre.start_session(Session(Header(), (*pauses, hi)), start=END_S - 1, max_idle_s=0)
    await theatre.companion.sessions.wait(run)
    assert run.passed, run.error
    data = json.loads(theatre.sent()[-1].payload)["data"]
    assert data["text"] == data["timestamp"] == "9999-12-31T23:59:59.000Z"


async def test_another_seed_gives_other_ids(theatre: Theatre) -> None:
    for seed in (1, 2):
        await theatre.play("alice: hi", start=START, seed=seed)
    one, other = (json.loads(row.payload)["data"] for row in theatre.sent())
    assert one.pop("msg_id") != other.pop("msg_id")
    assert one == other


async def test_a_run_without_a_seed_reports_the_one_that_it_chose(theatre: Theatre) -> None:
    first = await theatre.play("alice: hi", start=START)
    await theatre.play("alice: hi", start=START, seed=first.seed)
    assert len({row.payload for row in theatre.sent()}) == 1


async def test_an_expectation_is_met_by_an_event_since_the_last_firing_step(theatre: Theatre) -> None:
    run = theatre.start("alice: hi\nnote look\nexpect typing from me where typing=true within 5s\nbob: done")
    await until(lambda: len(theatre.sent()) == 1)
    theatre.send("typing", peer="alice", typing=True)
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [(each.line, each.text, each.met) for each in run.results] == [
        (3, "expect typing from me where typing=true", True)
    ]


async def test_what_the_ui_sent_before_the_session_does_not_meet_an_expectation(theatre: Theatre) -> None:
    """Regression: without a step that fires, events from before the start counted."""
    theatre.send("typing", peer="alice", typing=True)
    run = await theatre.play("expect typing within 50ms")
    assert [each.met for each in run.results] == [False]


async def test_an_event_meets_only_one_of_two_equal_expectations(theatre: Theatre) -> None:
    theatre.at_next_frame(lambda: theatre.send("typing", peer="alice", typing=True))
    run = await theatre.play("alice: hi\nexpect typing within 50ms\nexpect typing within 50ms")
    assert [each.met for each in run.results] == [True, False]


async def test_an_unmet_expectation_fails_the_run_and_says_what_came_instead(theatre: Theatre) -> None:
    theatre.at_next_frame(lambda: theatre.send("typing", peer="alice", typing=True))
    run = await theatre.play("alice: hi\nexpect mark_read within 50ms\nbob: later")
    assert run.state is RunState.FAILED
    assert run.results[0].detail == "not met within 0.05 s; received instead: typing from me"
    assert len(theatre.sent()) == 2, "the session goes on"


async def test_an_expected_rest_call_fails_at_once_while_the_rest_stand_in_is_off(theatre: Theatre) -> None:
    """Regression: the session waited for a call that no client could make."""
    theatre.companion.services["rest"].started = False
    run = await theatre.play("alice: hi\nexpect POST /messages within 60s\nexpect GET /friends within 60s")
    why = "the REST stand-in is stopped"
    assert [each.detail for each in run.results] == [
        f"No client can make the call POST /messages: {why}", f"No client can make the call GET /friends: {why}",
    ]  # fmt: skip
    assert run.state is RunState.FAILED


async def test_a_rest_call_that_the_backend_does_not_have_fails_at_once(theatre: Theatre) -> None:
    """Regression: a mistyped path was waited for."""
    run = await theatre.play("expect GET /frends within 60s")
    assert run.results[0].detail.startswith("The REST API has no 'GET /frends'; did you mean GET /friends?")
    assert run.state is RunState.FAILED


async def test_an_event_that_the_contract_does_not_have_fails_at_once_with_a_similar_one(theatre: Theatre) -> None:
    """Regression: it was waited for, and the result said that the UI had sent nothing."""
    run = await theatre.play("expect typin within 60s\nexpect typing where tos=alice within 60s")
    assert [each.detail.partition("?")[0] for each in run.results] == [
        "There is no client event 'typin'; did you mean typing",
        "typing has no field 'tos'; did you mean to",
    ]
    assert (run.state, run.note) == (RunState.FAILED, "")


async def test_the_result_warns_of_what_the_ui_does_not_show_and_of_rules_that_never_act(theatre: Theatre) -> None:
    """Regression: a mistyped friend or event of a rule passed without a word."""
    run = await theatre.play(
        "when typin\n    alice: hi\nalise: hi\nalise (types 1s): you\nzoe comes online\nfire nasty/markup"
    )
    assert run.passed
    rule, alise, zoe = run.note.split(" Line ")
    assert rule.startswith("Line 1: There is no client event 'typin'; did you mean typing? Use ")
    assert alise == (
        "3: alise is not a friend in this chat state, so the UI will not show this; did you mean alice?"
    )
    assert zoe == (
        "5: zoe is not a friend in this chat state, so the UI will not show this: add the persona in Chats."
    )


async def test_the_result_has_a_few_warnings_and_counts_the_others(theatre: Theatre) -> None:
    run = await theatre.play("\n".join(f"stranger{number}: hi" for number in range(8)))
    assert run.note.count("Line ") == 5
    assert run.note.endswith(" 3 more warnings.")


async def test_a_rest_call_that_arrived_before_the_rest_stand_in_was_stopped_meets_an_expectation(
    theatre: Theatre,
) -> None:
    def call_and_stop() -> None:
        theatre.post({"to": "alice"})
        theatre.companion.services["rest"].started = False

    theatre.at_next_frame(call_and_stop)
    run = await theatre.play("alice: hi\nexpect POST /messages\nexpect POST /messages within 60s")
    assert [each.met for each in run.results] == [True, False]


async def test_a_rule_runs_whenever_the_ui_sends_an_event(theatre: Theatre) -> None:
    run = theatre.start("when typing where peer=alice 2 times\n    alice: I see you\nexpect mark_read within 60s")
    await until(lambda: run.current is not None and run.current.line == 3)
    for peer in ("bob", "alice", "alice", "alice"):
        theatre.send("typing", peer=peer, typing=True)
    theatre.send("mark_read", peer="alice")
    await theatre.companion.sessions.wait(run)
    rows = theatre.sent()
    assert [str(row.origin) for row in rows] == ["scenario morning:2"] * 2
    assert len({json.loads(row.payload)["data"]["msg_id"] for row in rows}) == 2


async def test_an_expectation_of_a_rule_is_met_by_what_arrives_with_the_trigger(theatre: Theatre) -> None:
    """Regression: what the client sent in the same write came before the steps of the rule began."""
    run = theatre.start(
        "when typing 1 times\n    expect typing where typing=false within 20ms\nexpect mark_read within 60s"
    )
    await until(lambda: run.current is not None and run.current.line == 3)
    for typing in (True, False):
        theatre.send("typing", peer="alice", typing=typing)
    theatre.send("mark_read", peer="alice")
    await theatre.companion.sessions.wait(run)
    assert {result.line: result.met for result in run.results} == {2: True, 3: True}


async def test_a_request_that_activates_a_rule_does_not_meet_its_expectation(theatre: Theatre) -> None:
    run = theatre.start(
        "when GET /friends 1 times\n    expect GET /friends within 20ms\nexpect mark_read within 60s"
    )
    await until(lambda: run.current is not None and run.current.line == 3)
    theatre.companion.rest_log.add(Call("GET /friends", b"", "200", Verdict.OK, "me"))
    theatre.send("mark_read", peer="alice")
    await theatre.companion.sessions.wait(run)
    assert {result.line: result.met for result in run.results} == {2: False, 3: True}


async def test_a_session_of_rules_runs_until_it_is_stopped(theatre: Theatre) -> None:
    run = theatre.start("when POST /messages\n    alice: got it")
    await until(lambda: run.totals.steps == 1)
    assert run.state is RunState.RUNNING
    theatre.companion.journal.append(Kind.FROM_UI, "POST /messages", payload=b'{"to":"alice"}', client="rest")
    await until(lambda: len(theatre.sent()) == 1)
    assert (await theatre.companion.sessions.stop(run.number)).state is RunState.STOPPED
    theatre.companion.journal.append(Kind.FROM_UI, "POST /messages", payload=b"{}", client="rest")
    assert len(theatre.sent()) == 1


async def test_a_rule_that_activates_itself_is_switched_off(theatre: Theatre) -> None:
    def echo(row: Row) -> None:
        if row.kind is Kind.TO_UI:
            theatre.send("typing", peer="alice", typing=True)

    disconnect = theatre.companion.journal.appended.connect(echo)
    run = theatre.start("when typing\n    alice: again\nalice: start\nexpect mark_read within 60s")
    await until(lambda: any("activated over 100 times within 10 s" in each.detail for each in run.results))
    theatre.send("mark_read", peer="alice")
    await theatre.companion.sessions.wait(run)
    disconnect()
    assert run.state is RunState.FAILED
    assert (run.totals.failed, run.totals.unmet) == (1, 0)
    assert len(theatre.sent()) < 120


async def test_rules_that_trigger_each_other_are_switched_off(theatre: Theatre) -> None:
    def answer(row: Row) -> None:
        if row.kind is Kind.TO_UI:
            theatre.send("typing" if row.event == "new_message" else "mark_read", peer="alice")

    disconnect = theatre.companion.journal.appended.connect(answer)
    rules = "when typing\n    alice comes online\nwhen mark_read\n    alice: again\n"
    run = theatre.start(f"{rules}alice: start\nexpect POST /messages within 60s")
    await until(lambda: run.totals.failed)
    theatre.post({"to": "alice"})
    await theatre.companion.sessions.wait(run)
    disconnect()
    assert run.state is RunState.FAILED
    assert [each.line for each in run.results if "It is switched off." in each.detail] == [1]
    assert len(theatre.sent()) < 240


async def test_a_client_that_leaves_in_the_middle_ends_nothing(theatre: Theatre) -> None:
    client = theatre.join("me")
    run = theatre.start(
        "alice: one\nwait for nobody within 50ms\n"
        "alice: two\nexpect typing within 50ms\nclose user:me\nalice: three"
    )

    def leave_after_the_first_step(_: object) -> None:
        if run.totals.steps == 1:
            theatre.companion.hub.leave(client)

    run.changed.connect(leave_after_the_first_step)
    await theatre.companion.sessions.wait(run)
    assert run.state is RunState.FAILED
    assert [(each.line, each.detail) for each in run.results] == [
        (2, "no client for user:nobody was ready within 0.05 s"),
        (4, "not met within 0.05 s; the UI sent nothing"),
    ]
    assert run.totals.steps == 6
    assert [row.recipients for row in theatre.sent()] == [(client.id,), (), ()]


async def test_a_repeat_plays_its_steps_again_with_new_ids(theatre: Theatre) -> None:
    await theatre.play("repeat 3 every 200ms\n    carol: ping")
    assert [at for _, at in theatre.events()] == [0.2, 0.4, 0.6]
    assert len({row.payload for row in theatre.sent()}) == 3


async def test_a_paused_run_waits_before_the_next_step(theatre: Theatre) -> None:
    run = theatre.start("alice: one\nexpect typing within 60s\nalice: two")
    await until(lambda: run.totals.steps == 1)
    run.pause()
    theatre.send("typing", peer="alice", typing=True)
    await until(lambda: run.totals.steps == 2)
    assert run.state is RunState.PAUSED
    run.resume()
    await theatre.companion.sessions.wait(run)
    assert len(theatre.sent()) == 2


async def test_a_run_that_is_resumed_and_paused_at_once_stays_paused(theatre: Theatre) -> None:
    """Regression: the step was played, and the next one never, because the run was said to be running."""
    run = theatre.start("alice: one\nexpect typing within 60s\nalice: two\nalice: three")
    await until(lambda: run.totals.steps == 1)
    run.pause()
    theatre.send("typing", peer="alice", typing=True)
    await until(lambda: run.totals.steps == 2)
    for _ in range(5):
        await asyncio.sleep(0)
    run.resume()
    run.pause()
    for _ in range(20):
        await asyncio.sleep(0)
    assert (run.state, run.totals.steps) == (RunState.PAUSED, 2)
    run.resume()
    await theatre.companion.sessions.wait(run)
    assert len(theatre.sent()) == 3


async def test_a_run_can_be_played_step_by_step(theatre: Theatre) -> None:
    run = theatre.start("alice: one\nalice: two", stepwise=True)
    for steps in (1, 2):
        assert len(theatre.sent()) == steps - 1
        run.next_step()
        await until(lambda steps=steps: run.totals.steps == steps)
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_a_step_of_a_run_that_is_not_paused_does_not_stop_it(theatre: Theatre) -> None:
    """Regression: the run stopped with the state *running*, and could not be resumed."""
    run = theatre.start("alice: one\nwait 20ms\nalice: two\nwait 20ms\nalice: three")
    run.next_step()
    await theatre.companion.sessions.wait(run)
    assert run.passed


async def test_each_expectation_of_a_get_request_needs_a_request_of_its_own(theatre: Theatre) -> None:
    """Regression: the first request, which has no row, met both."""
    run = theatre.start("expect GET /friends within 50ms\nexpect GET /friends within 50ms")
    theatre.companion.rest_log.add(Call("GET /friends", b"", "200", Verdict.OK, "me"))
    await theatre.companion.sessions.wait(run)
    assert [result.met for result in run.results] == [True, False]


@pytest.mark.parametrize("before", ["", "alice: hi\n"])
async def test_a_get_request_before_the_step_that_fires_does_not_meet_an_expectation(
    theatre: Theatre, before: str
) -> None:
    """Regression: all requests since the newest row counted, because they have no row."""
    await theatre.companion.fire(Envelope("friend_online", {"username": "carol"}), origin=PANEL)
    theatre.companion.rest_log.add(Call("GET /messages", b'{"peer":"carol"}', "200", Verdict.OK, "me"))
    theatre.time.passed += 5
    run = await theatre.play(f"{before}expect GET /messages where peer=carol within 20ms")
    assert [result.met for result in run.results] == [False]
    theatre.at_next_frame(
        lambda: theatre.companion.rest_log.add(Call("GET /messages", b'{"peer":"carol"}', "200", Verdict.OK, "me"))
    )
    run = await theatre.play("alice: hi\nexpect GET /messages where peer=carol within 20ms")
    assert [result.detail for result in run.results] == ["after 0.00 s"]


async def test_pauses_after_a_paused_run_count_from_when_it_continues(theatre: Theatre) -> None:
    run = theatre.start("alice: one\nexpect typing within 60s\nalice: two\nwait 2s\nalice: three")
    await until(lambda: run.totals.steps == 1)
    run.pause()
    theatre.send("typing", peer="alice", typing=True)
    await until(lambda: run.totals.steps == 2)
    theatre.time.passed += 30
    run.resume()
    await theatre.companion.sessions.wait(run)
    times = [at for _, at in theatre.events()]
    assert round(times[2] - times[1], 3) == 2


async def test_the_last_row_counts_the_steps_of_the_session_alone(theatre: Theatre) -> None:
    await theatre.play("repeat 10\n    carol: ping")
    assert list(theatre.companion.journal)[-1].note == "morning: passed, 1 of 1 step"


async def test_progress_counts_the_steps_of_the_session_alone(theatre: Theatre) -> None:
    """Regression: *3 of 2 steps*, because steps inside others were counted, but not in the total."""
    text = "repeat 3\n    alice: one\n    bob: two\nnote look\ncarol: three"
    run = theatre.start(text)
    seen = []
    run.changed.connect(lambda _: seen.append((run.totals.outermost, run.position)))
    await theatre.companion.sessions.wait(run)
    assert list(dict.fromkeys(seen)) == [(0, 1), (1, 2), (2, 3), (3, 3), (3, 0)]
    assert (run.totals.steps, run.totals.outermost, run.total_steps) == (9, 3, 3)


async def test_the_position_of_a_session_that_begins_at_a_mark_counts_the_steps_before_it(theatre: Theatre) -> None:
    run = theatre.start("alice: one\nmark here\nwait for nobody within 60s", from_mark="here")
    await until(lambda: run.position == 3)
    assert run.totals.outermost == 1


async def test_an_internal_error_ends_the_run(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(player_module, "perform", fail)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    run = await theatre.play("alice: one")
    assert run.state is RunState.ERROR
    assert run.error == "The session ended because of an internal error. 0 of 1 step was played."


async def test_a_session_can_be_played_from_a_mark(theatre: Theatre) -> None:
    await theatre.play("alice: one\nmark here\nalice: two", from_mark="here")
    assert [json.loads(row.payload)["data"]["text"] for row in theatre.sent()] == ["two"]


async def test_a_recording_can_be_played_from_a_row(theatre: Theatre) -> None:
    steps = [
        actions.Sent(
            after=3600.0, s2c="friend_online", seq=seq, origin="panel",
            payload=json.dumps({"event": "friend_online", "data": {"username": name}}),
        )
        for seq, name in ((5, "alice"), (9, "bob"))
    ]  # fmt: skip
    session = Session(Header(kind="recording"), tuple(Step(each) for each in steps))
    run = theatre.start_session(session, from_row=6)
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [json.loads(row.payload)["data"]["username"] for row in theatre.sent()] == ["bob"]
    assert run.elapsed_s < 3600, "the pause before the first step is left out"
    run = theatre.start_session(session, from_row=10)
    await theatre.companion.sessions.wait(run)
    assert run.error.startswith("The recording has no row 10 and none after it.")


async def test_fixtures_frames_and_targets_are_played(theatre: Theatre) -> None:
    await theatre.play('fire nasty/markup as bob to me\n! {"frame": "no json", "to": "client:9"}')
    first, second = theatre.sent()
    assert (first.client, json.loads(first.payload)["data"]["from"]) == ("user:me", "bob")
    assert (second.client, second.payload) == ("client:9", b"no json")


async def test_a_fixture_with_times_sends_the_same_frame_repeatedly(theatre: Theatre) -> None:
    await theatre.play('fire "nasty/duplicate id"')
    sent = [row.payload for row in theatre.sent()]
    assert len(sent) > 1
    assert set(sent) == {sent[0]}


async def test_the_recipients_of_the_run_replace_all(theatre: Theatre) -> None:
    """Regression: presence was sent to all."""
    await theatre.play("alice: hi\nalice (to bob): hi\nalice goes offline", to=Target(user="erin"))
    assert [row.client for row in theatre.sent()] == ["user:erin", "user:bob", "user:erin"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("fire no/such", "Line 1: There is no fixture"),
        ("alice: hi\nfire nonsense", "Line 2: "),
        ("fire new_message with text=3", "Line 1: "),
        ('! {"frame": "x", "to": "nobody"}', "Line 1: invalid target 'nobody'"),
        ("close all 1005", "Line 1: The close code 1005 cannot be sent"),
    ],
)
async def test_a_step_that_cannot_be_played_ends_the_run_with_its_line(
    theatre: Theatre, text: str, error: str
) -> None:
    run = await theatre.play(text)
    assert run.state is RunState.ERROR
    assert run.error.startswith(error)


async def test_an_error_and_how_far_the_run_got_are_two_sentences(theatre: Theatre) -> None:
    run = await theatre.play("fire friend_online with foo=3")
    assert run.error == "Line 1: data.foo: unknown field; known fields: username. 0 of 1 step was played."


async def test_a_run_that_takes_too_long_fails(theatre: Theatre) -> None:
    run = await theatre.play("wait for nobody within 60s", timeout_s=0.05)
    assert (run.state, run.error) == (
        RunState.FAILED,
        "The session did not end within 0.05 s. 0 of 1 step was played. "
        "The current step was line 1 (wait for nobody within 60s). No client is connected.",
    )


async def test_a_run_that_is_stopped_names_the_step_and_a_page_that_was_refused(theatre: Theatre) -> None:
    """Regression: it only said how many steps had been played."""
    theatre.companion.rejection_log.add("events", "origin", "http://localhost:5173")
    run = theatre.start("wait 2s\nwait for all\nalice: hi")
    await until(lambda: run.waits_for == "wait for all")
    await theatre.companion.sessions.stop(run.number)
    assert run.error.startswith(
        "The session was stopped. 0 of 2 steps were played. The current step was line 2 (wait for all). "
        "No client is connected. A page of http://localhost:5173 was refused"
    )
    assert run.waits_for == ""


@pytest.mark.parametrize("step", ["wait for all", "expect typing within 20s"])
async def test_a_step_that_begins_to_wait_after_a_pause_is_a_change(theatre: Theatre, step: str) -> None:
    """Regression: `session run` did not print it: its request was answered only by the result."""
    run, seen = theatre.start(f"alice: hi\nwait 5s\n{step}"), list[tuple[int, str]]()
    run.changed.connect(lambda _: seen.append((run.version, run.waits_for)))
    await until(lambda: run.waits_for)
    (before, _), last = seen[-2:]
    assert last == (before + 1, step)
    await theatre.companion.sessions.stop(run.number)


async def test_a_run_of_rules_that_takes_too_long_names_no_step(theatre: Theatre) -> None:
    run = await theatre.play("when typing\n    alice: hi", timeout_s=0.05)
    assert run.error == "The session did not end within 0.05 s. 1 of 1 step was played."


async def test_a_wait_for_a_client_of_anybody_that_expires_is_a_sentence(theatre: Theatre) -> None:
    """Regression: *wait* · *no client for all was ready*."""
    run = await theatre.play("wait for all within 50ms")
    (result,) = run.results
    assert (result.text, result.detail) == ("wait for all within 50ms", "no client was ready within 0.05 s")


async def test_the_end_of_a_run_is_logged(theatre: Theatre) -> None:
    await theatre.play("alice: hi")
    assert list(theatre.companion.journal)[-1].note == "morning: passed, 1 of 1 step"


async def test_closing_the_companion_stops_its_sessions(theatre: Theatre) -> None:
    run = theatre.start("wait for nobody within 60s")
    await until(lambda: run.current is not None)
    await theatre.companion.close()
    assert run.state is RunState.STOPPED


async def test_refuse_arms_refusals_and_the_end_of_the_session_removes_the_rest(theatre: Theatre) -> None:
    refusals = theatre.companion.refusals
    others = refusals.arm(parse_mode("reset"), origin=PANEL)
    text = 'refuse 2 with close:1013\n! {"refuse": 3}\nwait 5s\nrefuse 1 with garbage\nrefuse 9'
    run = theatre.start(text, stepwise=True)
    for number in range(3):
        await until(lambda: run.state is RunState.PAUSED)
        run.next_step()
        await until(lambda number=number: run.totals.steps > number)
    assert [refusals.describe(each) for each in refusals.armed[1:]] == [
        "the next 2 connections (close:1013)",
        "the next 3 connections (503)",
        "the next connection (garbage)",
    ]
    assert {each.origin for each in refusals.armed[1:]} == {
        "scenario morning:1",
        "scenario morning:2",
        "scenario morning:4",
    }
    await theatre.companion.sessions.stop(run.number)
    assert refusals.armed == (others,)


async def test_refusals_end_with_a_session_that_has_passed(theatre: Theatre) -> None:
    run = await theatre.play("refuse 5 with silence")
    assert run.state is RunState.PASSED
    assert theatre.companion.refusals.armed == ()
    assert [row.event for row in theatre.companion.journal][-3:] == ["refusing", "accepting again", "scenario"]


async def test_refuse_with_a_code_that_cannot_be_sent_ends_the_session(theatre: Theatre) -> None:
    run = await theatre.play("refuse 1 with close:1006")
    assert run.state is RunState.ERROR
    assert "The close code 1006 cannot be sent" in run.error


def event_of(frame: bytes) -> str:
    return str(json.loads(frame[2:])["event"])  # after the head of a short text frame


async def test_a_session_arms_faults_and_clears_them_at_its_end(theatre: Theatre) -> None:
    client = theatre.join("bob")
    run = await theatre.play(
        "faults all loss=1 only event:friend_online\nrest_fault GET /friends status=503 seed 9\n"
        "alice comes online\nalice goes offline\n"
    )
    assert run.state is RunState.PASSED
    assert [event_of(each) for each in theatre.frames(client)] == ["friend_offline"]
    notes = {row.event: row.note for row in theatre.companion.journal}
    assert notes["faults armed"] == f"loss=1 only event:friend_online; for all, seed {run.seed}"
    assert notes["REST faults armed"] == "GET /friends: status=503, seed 9"
    assert f"dropped by loss (seed {run.seed}, draw 1)" in notes["fault"]
    assert not theatre.companion.faults.armed
    assert not theatre.companion.faults.rest


async def test_a_rest_fault_with_its_method_in_lower_case_is_cleared_at_the_end(theatre: Theatre) -> None:
    """Regression: it stayed armed after the session."""
    run = await theatre.play("rest_fault post /messages status=503\nrest_fault get /friends offline\nalice: hi")
    assert run.passed
    assert theatre.companion.faults.rest.armed == ()


async def test_the_result_says_what_breakpoints_and_faults_have_kept_back(theatre: Theatre) -> None:
    """Regression: the run had *passed*, and nothing said that its events had not been sent."""
    theatre.join("me")
    companion = theatre.companion
    companion.breakpoints.add(BreakpointOptions(filter="event:new_message"))
    companion.faults.arm(ALL, [parse_fault("latency=60000")])
    await companion.fire(companion.message_from("bob", "not of the run"), origin=PANEL)
    run = await theatre.play("alice: hi\nalice goes offline")
    assert run.state is RunState.PASSED
    assert run.note == "Not sent yet: 1 event held by a breakpoint, 1 frame delayed by faults."
    (row,) = [row for row in companion.journal if row.event == "scenario"]
    assert row.note == f"morning: passed, 2 of 2 steps. {run.note}"
    companion.breakpoints.resume()
    companion.faults.clear()
    await until(lambda: not companion.pipeline.held)
    assert (await theatre.play("alice comes online")).note == ""


async def test_the_result_does_not_count_what_is_kept_back_of_an_earlier_run(theatre: Theatre) -> None:
    """Regression: an earlier run of the same name counted, too."""
    theatre.join("me")
    theatre.companion.breakpoints.add(BreakpointOptions(filter="event:new_message"))
    theatre.companion.faults.arm(ALL, [parse_fault("latency=60000")])
    for _ in range(2):
        run = await theatre.play("alice: hi\nalice goes offline")
        assert run.note == "Not sent yet: 1 event held by a breakpoint, 1 frame delayed by faults."
    assert (await theatre.play("note nothing is sent")).note == ""


async def test_a_session_leaves_faults_alone_that_others_have_armed_meanwhile(theatre: Theatre) -> None:
    faults = theatre.companion.faults
    text = "faults all loss=1\nfaults bob loss=1\nrest_fault GET /friends status=503\nnote the end\n"
    run = theatre.start(text, stepwise=True)
    for number in range(3):
        await until(lambda: run.state is RunState.PAUSED)
        run.next_step()
        await until(lambda number=number: run.totals.steps > number)
    armed = faults.arm(ALL, [parse_fault("latency=50")])
    rest = faults.rest.arm(parse_rest_fault("GET /friends", ["offline"]))
    await theatre.companion.sessions.stop(run.number)
    assert faults.armed == (armed,)
    assert faults.rest.armed == (rest,)


async def test_two_sessions_with_a_start_time_do_not_play_together(theatre: Theatre) -> None:
    """Regression: the second one used the times of the first, and both took ids from one sequence."""
    run = theatre.start("alice: one\nalice: two", start=START, stepwise=True)
    with pytest.raises(Conflict, match=f"start time is running: morning, number {run.number}"):
        theatre.start("bob: three", start=START + 60)
    assert (await theatre.play("bob: now")).passed
    await theatre.companion.sessions.stop(run.number)
    assert (await theatre.play("bob: three", start=START + 60)).passed
    assert json.loads(theatre.sent()[-1].payload)["data"]["timestamp"] == "2026-01-01T00:01:00.000Z"


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
async def test_an_exact_replay_plays_alone(theatre: Theatre, first: bool, second: bool) -> None:
    """Regression: the frames of the other session were sent too, and its end let everything be sent."""
    run = theatre.start("alice: one\nalice: two", stepwise=True, exact=first)
    with pytest.raises(Conflict, match=f"morning, number {run.number}, is running. Stop it first."):
        theatre.start("bob: three", exact=second)
    await theatre.companion.sessions.stop(run.number)
    assert (await theatre.play("bob: three", exact=second)).passed


async def test_a_session_may_use_a_profile_and_clear_it(theatre: Theatre) -> None:
    client = theatre.join("bob")
    await theatre.companion.profiles.read()
    run = await theatre.play("faults bob profile twice\nalice comes online\nfaults bob clear\nalice goes offline\n")
    assert run.state is RunState.PASSED
    events = [event_of(each) for each in theatre.frames(client)]
    assert events == ["friend_online", "friend_online", "friend_offline"]


async def test_a_friend_in_a_scenario_may_have_the_name_of_the_local_user_here(theatre: Theatre) -> None:
    theatre.companion.settings.username = "bob"
    run = await theatre.play(
        "me dan\n\n"
        "bob: hi\n"
        "bob starts typing\n"
        "fire new_message as bob with to={{me}}\n"
        "bob goes offline\n"
        '! {"frame": "{{persona}} to {{me}}", "to": "user:bob"}\n'
    )
    assert run.passed, run.error
    *events, raw = theatre.sent()
    data = [json.loads(row.payload)["data"] for row in events]
    assert {each.get("from") or each["username"] for each in data} == {"dan"}
    assert {each["to"] for each in data if "to" in each} == {"bob"}
    assert (raw.client, raw.payload) == ("user:dan", b"alice to bob")


def test_users_in_lists_are_exchanged() -> None:
    exchanged = LocalUser("alex", "me").where({"calls[0].to[1]": "alex", "user": ["me"], "text[0]": "alex"})
    assert exchanged == {"calls[0].to[1]": "me", "user": ["alex"], "text[0]": "alex"}


async def test_me_names_the_local_user(theatre: Theatre) -> None:
    """Regression: ``me`` was ignored when a scenario was played."""
    client = theatre.join("me")
    theatre.join("bob")
    run = theatre.start(
        "me alex\n\n"
        "alice (to alex): hi\n"
        "fire new_message with from=alice to=alex to alex\n"
        "when typing from alex where to=alex\n"
        "    bob (to alex): hi\n"
        "expect mark_read from alex where peer=alex within 5s\n"
    )
    await until(lambda: run.current is not None and run.current.line == 7)
    theatre.send("typing", to="me", typing=True)
    theatre.send("mark_read", peer="me")
    await theatre.companion.sessions.wait(run)
    assert run.passed
    assert [row.recipients for row in theatre.sent()] == [(client.id,)] * 3
    assert [json.loads(row.payload)["data"]["to"] for row in theatre.sent()] == ["me"] * 3


async def test_a_fixture_of_this_companion_is_for_its_local_user(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a fixture for ``me``, fired by a scenario of another user, was sent to the scenario's user."""
    client = theatre.join("me")
    known = theatre.companion.composer.fixture_for_event("new_message")
    fixture = msgspec.structs.replace(known.with_changes({"from": "bob", "to": "me"}, []), to="user:me")
    monkeypatch.setattr(theatre.companion.fixtures, "find", lambda name: SavedFixture(name, fixture, own=True))
    run = await theatre.play("me alex\n\nfire mine/hello\nfire mine/hello with from=me\nfire mine/hello to alex\n")
    assert run.passed, run.error
    assert [row.recipients for row in theatre.sent()] == [(client.id,)] * 3
    data = [json.loads(row.payload)["data"] for row in theatre.sent()]
    assert [(each["from"], each["to"]) for each in data] == [("bob", "me"), ("alex", "me"), ("bob", "me")]
