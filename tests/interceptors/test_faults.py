"""Faults that are armed for clients: what the clients receive, when, and what the log says."""

import json
from typing import Literal

import pytest

from app.hub.causes import Cause
from app.hub.client_frames import AnyFrame
from app.hub.clients import Client
from app.hub.journal import Kind, Verdict
from app.hub.origin import FAULTS
from app.hub.router import Router
from app.hub.target import ALL, Target
from app.interceptors import delay_line
from app.interceptors.rest_faults import MAX_ROUTES
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.protocol.errors import Invalid
from app.protocol.faults.decisions import MAX_COPIES
from app.protocol.faults.kinds import (
    Bandwidth,
    Corrupt,
    Duplicate,
    Latency,
    Limit,
    Loss,
    Reorder,
    Stall,
    Truncate,
)
from app.protocol.faults.profiles import Profile, SavedProfile
from app.protocol.faults.rest import RestFault
from tests.interceptors.fault_stage import FaultStage


def fire(stage: FaultStage, *names: str, event: str = "friend_online", to: Target = ALL) -> None:
    for name in names:
        stage.hub.publish(Envelope(event, {"username": name}), to=to, origin=FAULTS)


def received(stage: FaultStage, client: Client) -> list[str]:
    return [json.loads(each)["data"]["username"] for each in stage.frames(client)]


async def test_only_the_clients_of_the_target_are_affected_now_and_later(stage: FaultStage) -> None:
    bob, carol = stage.join("bob"), stage.join("carol")
    stage.faults.arm(Target(user="bob"), [Loss(rate=1)])
    late = stage.join("bob")
    fire(stage, "a")
    assert (received(stage, bob), received(stage, carol), received(stage, late)) == ([], ["a"], [])
    stage.hub.identify(carol, "bob")
    fire(stage, "b")
    assert received(stage, carol) == ["a"]


async def test_each_loss_is_a_row_with_seed_and_draw_and_the_frame_names_no_recipient(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Loss(rate=1)], seed=7)
    fire(stage, "a", "b")
    frames = [row for row in stage.journal if row.kind is Kind.TO_UI]
    assert [row.recipients for row in frames] == [(), ()]
    assert {row.verdict for row in frames} == {Verdict.OK}
    notes = [row.note for row in stage.rows("fault")]
    assert notes == [
        f"#{frames[0].seq} friend_online: dropped by loss (seed 7, draw 1)",
        f"#{frames[1].seq} friend_online: dropped by loss (seed 7, draw 2)",
    ]
    assert {row.client for row in stage.rows("fault")} == {client.number}


async def test_a_reconnect_continues_the_draws(stage: FaultStage) -> None:
    armed = stage.faults.arm(ALL, [Loss(rate=0.5)], seed=3)
    steady = stage.join("bob")
    names = [str(number) for number in range(40)]
    fire(stage, *names, to=Target(clients=frozenset({steady.id})))
    stage.hub.leave(steady)
    stage.faults.arm(ALL, [Loss(rate=0.5)], seed=3)
    got = []
    for part in (names[:7], names[7:8], names[8:]):
        client = stage.join("bob")
        fire(stage, *part, to=Target(clients=frozenset({client.id})))
        got += received(stage, client)
        stage.hub.leave(client)
    assert got == received(stage, steady)
    assert 5 < len(got) < 35
    assert armed.seen == 40


async def test_two_pages_of_one_browser_are_counted_separately(stage: FaultStage) -> None:
    stage.faults.arm(ALL, [Loss(rate=0.5)], seed=3)
    first, second = stage.join("bob"), stage.join("bob")
    fire(stage, *"abcdefghij")
    assert received(stage, first) == received(stage, second) != list("abcdefghij")


async def test_latency_delays_and_keeps_the_order(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Latency(ms=200, jitter=150)], seed=1)
    fire(stage, *"abcdef")
    await stage.timeline.advance(0.04)
    assert received(stage, client) == []
    await stage.timeline.advance(0.4)
    assert received(stage, client) == list("abcdef")
    late = [row for row in stage.journal if row.origin == FAULTS and "after" in row.note]
    assert [row.recipients for row in late] == [(client.id,)] * 6


async def test_frames_that_no_fault_matches_wait_behind_delayed_ones(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Latency(ms=300, only="event:friend_online")])
    fire(stage, "a")
    fire(stage, "b", event="friend_offline")
    assert received(stage, client) == []
    await stage.timeline.advance(0.3)
    assert received(stage, client) == ["a", "b"]
    fire(stage, "c", event="friend_offline")
    assert received(stage, client) == ["a", "b", "c"]


async def test_a_filter_limits_a_fault_to_some_frames(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Loss(rate=1, only="event:friend_online alice")])
    fire(stage, "alice", "bob")
    fire(stage, "alice", event="friend_offline")
    assert received(stage, client) == ["bob", "alice"]


@pytest.mark.parametrize("only", ["event:", "@", '"'])
async def test_a_filter_that_is_not_complete_is_refused(stage: FaultStage, only: str) -> None:
    with pytest.raises(Invalid, match="is not complete"):
        stage.faults.arm(ALL, [Loss(rate=1, only=only)])


async def test_the_bandwidth_spaces_frames(stage: FaultStage) -> None:
    client = stage.join()
    size = len(Envelope("friend_online", {"username": "a"}).encode())
    stage.faults.arm(ALL, [Bandwidth(rate=size / 1000)])  # one frame per second
    fire(stage, *"abc")
    for expected in ([], ["a"], ["a", "b"], ["a", "b", "c"]):
        assert received(stage, client) == expected
        await stage.timeline.advance(1.0)


async def test_duplicates_are_sent_at_once_and_have_rows(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Duplicate()])
    fire(stage, "a")
    assert received(stage, client) == ["a", "a"]
    assert [row.note.partition(" ")[2] for row in stage.journal if "copy" in row.note] == [
        "after 0 ms, copy 1 of 2",
        "after 0 ms, copy 2 of 2",
    ]


async def test_frames_are_reordered_within_the_window(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Reorder(window=3, rate=0.5)], seed=2)
    names = [chr(ord("a") + number) for number in range(20)]
    fire(stage, *names)
    await stage.timeline.advance(delay_line.REORDER_S)
    got = received(stage, client)
    assert got != names
    assert sorted(got) == names
    assert all(abs(got.index(name) - number) <= 3 + 3 for number, name in enumerate(names))


async def test_frames_that_wait_for_later_ones_count_as_later_ones(stage: FaultStage) -> None:
    """Regression: if a fault reordered every frame, all waited for two seconds and kept their order."""
    client = stage.join()
    stage.faults.arm(ALL, [Reorder(window=3, rate=1)], seed=1)
    fire(stage, *"abcdefghijklmnopqrst")
    await stage.timeline.advance(0.1)
    got = received(stage, client)
    assert len(got) >= 17
    assert got != sorted(got)


async def test_only_the_first_route_that_acts_on_a_call_counts_it(
    stage: FaultStage,
) -> None:
    """Regression: each call used up the counts of all faults that match it."""
    stage.faults.rest.arm(RestFault(route="POST /messages", status=503, count=1))
    stage.faults.rest.arm(RestFault(route="POST /*", status=500, count=2))
    decisions = [stage.faults.rest.decide("POST", "/messages") for _ in range(4)]
    assert [each and each.fault.status for each in decisions] == [503, 500, 500, None]
    assert [(each.seen, each.acted) for each in stage.faults.rest.armed] == [(4, 1), (4, 2)]


@pytest.mark.parametrize(("frame", "changed"), [("abc", "a"), (b"abc", b"a")])
async def test_a_changed_frame_from_the_ui_stays_text_or_binary(
    stage: FaultStage, frame: str | bytes, changed: str | bytes
) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Truncate(bytes=1, direction="from_ui")])
    handled: list[AnyFrame] = []
    assert client.fault_plan is not None
    assert client.fault_plan.receive(frame, b"abc", handled.append)
    await stage.timeline.advance(0.1)
    assert handled == [changed]


async def test_the_row_of_a_fault_contains_the_frame_from_the_ui(stage: FaultStage) -> None:
    client = stage.join()
    router = Router(stage.hub, built_in(), stage.tasks)
    stage.faults.arm(ALL, [Duplicate(direction="from_ui", only="event:typing")], seed=7)
    typing = Envelope("typing", {"to": "bob", "typing": True}).encode()
    for frame in (typing.decode(), "[]", b"\xff"):
        router.receive(client, frame)
    assert [(row.note, row.payload) for row in stage.rows("fault")] == [
        ("typing from the UI: sent twice by duplicate (seed 7, draw 1)", typing),
        (
            "a frame from the UI: waits for earlier frames; "
            'it is not an event: not an object: expected {"event", "data"}, got an array',
            b"[]",
        ),
        (
            "a frame from the UI: waits for earlier frames; "
            "it is not an event: binary frame: send events as JSON in text frames",
            b"\xff",
        ),
    ]
    await stage.timeline.advance(0.1)
    router.receive(client, typing.replace(b"typing", b"mark_read", 1).decode())
    rows = [row for row in stage.journal if row.kind is Kind.FROM_UI]
    assert [(row.event, row.origin) for row in rows] == [
        *[("typing", FAULTS)] * 2,
        *[("", FAULTS)] * 2,
        ("mark_read", client.name),
    ]
    assert len(stage.rows("fault")) == 3


async def test_frames_from_the_ui_keep_the_origin_faults_while_a_breakpoint_holds_them(stage: FaultStage) -> None:
    client = stage.join()
    router = Router(stage.hub, built_in(), stage.tasks)
    held: list[Cause] = []

    def hold(cause: Cause) -> Cause | None:
        held.append(cause)
        return None if len(held) == 1 else cause

    stage.hub.interceptors.add(hold)
    stage.faults.arm(ALL, [Duplicate(direction="from_ui")])
    frame = Envelope("typing", {"to": "bob", "typing": True}).encode().decode()
    router.receive(client, frame)
    await stage.timeline.advance(0.1)
    stage.faults.clear_all()
    router.receive(client, frame)
    await stage.timeline.advance(0.1)
    assert not [row for row in stage.journal if row.kind is Kind.FROM_UI]
    held[0].resume(held[0].changed(frame="{}"))
    await stage.timeline.advance(0.1)
    rows = [row for row in stage.journal if row.kind is Kind.FROM_UI]
    assert [(row.event, row.origin) for row in rows] == [("", FAULTS), ("typing", FAULTS), ("typing", client.name)]


async def test_a_frame_that_cannot_wait_ends_the_connection_if_the_fault_says_so(
    stage: FaultStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the limit was ignored for a frame that was dropped."""
    client = stage.join()
    stage.faults.arm(ALL, [Latency(ms=1000), Limit(frames=1)])
    monkeypatch.setattr(delay_line, "MAX_HELD_BYTES", 0)
    fire(stage, "a")
    assert "16 MB are waiting already" in stage.rows("fault")[-1].note
    assert stage.transports[client.id].closed or stage.transports[client.id].aborted


async def test_an_overtaken_frame_is_sent_after_two_seconds_if_nothing_follows(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Reorder(rate=1)])
    fire(stage, "a")
    await stage.timeline.advance(1.9)
    assert received(stage, client) == []
    await stage.timeline.advance(0.2)
    assert received(stage, client) == ["a"]


async def test_a_stall_is_silent_and_then_sends_what_waited(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Stall(after=2, duration=3000)])
    fire(stage, *"ab")
    assert received(stage, client) == ["a", "b"]
    await stage.timeline.advance(1.0)
    fire(stage, "c")
    await stage.timeline.advance(1.9)
    assert received(stage, client) == ["a", "b"]
    await stage.timeline.advance(0.2)
    assert received(stage, client) == ["a", "b", "c"]


async def test_a_stall_follows_a_frame_that_is_lost_too(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Loss(rate=1, only="event:friend_offline"), Stall(after=1, duration=3000)])
    fire(stage, "a", event="friend_offline")
    await stage.timeline.advance(1.0)
    fire(stage, "b")
    assert received(stage, client) == []
    await stage.timeline.advance(2.1)
    assert received(stage, client) == ["b"]


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_limit_ends_the_connection_after_its_frame(
    stage: FaultStage, then: Literal["close", "reset"]
) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Limit(frames=2, then=then, code=1013)])
    fire(stage, *"ab")
    transport = stage.transports[client.id]
    assert received(stage, client) == ["a", "b"]
    assert (transport.closed, transport.aborted) == (([(1013, "fault")], 0) if then == "close" else ([], 1))


async def test_payloads_are_cut_and_corrupted(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Truncate(bytes=10), Corrupt()], seed=1)
    fire(stage, "a")
    (frame,) = stage.frames(client)
    assert len(frame) == 10
    assert not Envelope("friend_online", {"username": "a"}).encode().startswith(frame)


async def test_clearing_sends_what_waits_and_later_frames_unchanged(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Latency(ms=600_000)])
    fire(stage, *"ab")
    await stage.timeline.advance(0.1)
    assert stage.faults.clear_all() == 1
    await stage.timeline.advance(0.0)
    fire(stage, "c")
    await stage.timeline.advance(0.0)
    assert received(stage, client) == ["a", "b", "c"]
    assert [row.note for row in stage.rows("faults cleared")] == ["for all targets"]


async def test_a_client_that_leaves_takes_its_waiting_frames_along(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Latency(ms=1000)])
    fire(stage, "a")
    stage.hub.leave(client)
    await stage.timeline.advance(2.0)
    assert received(stage, client) == []


async def test_too_many_bytes_that_wait_are_dropped_with_a_row(
    stage: FaultStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delay_line, "MAX_HELD_BYTES", 1300)
    client = stage.join()
    stage.faults.arm(ALL, [Latency(ms=1000)])
    fire(stage, *"abcd")
    assert any("16 MB are waiting" in row.note for row in stage.rows("fault"))
    await stage.timeline.advance(1.0)
    assert 0 < len(received(stage, client)) < 4
    fire(stage, "e")
    await stage.timeline.advance(1.0)
    assert received(stage, client)[-1] == "e", "the bytes that were sent no longer count"


async def test_arming_again_replaces_the_faults_of_the_same_target(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Loss(rate=1)])
    stage.faults.arm(ALL, [Duplicate()])
    fire(stage, "a")
    assert received(stage, client) == ["a", "a"]
    assert len(stage.faults.armed) == 1


async def test_faults_of_several_targets_act_together(stage: FaultStage) -> None:
    client = stage.join("bob")
    stage.faults.arm(ALL, [Duplicate()])
    stage.faults.arm(Target(user="bob"), [Duplicate()])
    fire(stage, "a")
    assert received(stage, client) == ["a"] * 4


async def test_invalid_faults_are_refused(stage: FaultStage) -> None:
    with pytest.raises(Invalid, match="no faults"):
        stage.faults.arm(ALL, [])
    with pytest.raises(Invalid, match="filter"):
        stage.faults.arm(ALL, [Loss(rate=1, only="larger:much")])
    with pytest.raises(Invalid, match="regular expression"):
        stage.faults.arm(ALL, [Loss(rate=1, only="/(a+)+$/")])
    for only in ("is:pinned", "typing -is:lint", "annotation:check"):
        with pytest.raises(Invalid, match="a frame has no row yet"):
            stage.faults.arm(ALL, [Loss(rate=1, only=only)])
    with pytest.raises(Invalid, match="close code 1006"):
        stage.faults.arm(ALL, [Limit(frames=1, code=1006)])
    assert not stage.faults.armed


async def test_hostile_profiles_cannot_multiply_frames_or_delay_them_for_hours(stage: FaultStage) -> None:
    client = stage.join()
    stage.faults.arm(ALL, [Duplicate()] * 50)
    fire(stage, "a")
    assert len(received(stage, client)) == MAX_COPIES
    stage.faults.arm(ALL, [*[Latency(ms=600_000)] * 20, Bandwidth(rate=0.001)])
    fire(stage, *"bcd")
    await stage.timeline.advance(600.1)
    assert received(stage, client)[MAX_COPIES:] == ["b", "c", "d"]


async def test_a_profile_arms_frames_and_rest_calls_with_one_seed(stage: FaultStage) -> None:
    profile = Profile(faults=(Loss(rate=1),), rest=(RestFault(route="GET /friends", status=503),))
    stage.faults.arm_profile(ALL, SavedProfile("mine", profile, True))
    (armed,), (rest,) = stage.faults.armed, stage.faults.rest.armed
    assert armed.profile == "mine"
    assert rest.seed == armed.seed
    assert stage.faults.clear_all() == 2


async def test_a_profile_without_faults_of_frames_clears_those_of_its_target(stage: FaultStage) -> None:
    stage.faults.arm(ALL, [Loss(rate=1)])
    profile = Profile(rest=(RestFault(route="GET /friends", status=503),))
    stage.faults.arm_profile(ALL, SavedProfile("mine", profile, True))
    assert stage.faults.armed == ()
    assert len(stage.faults.rest.armed) == 1


async def test_a_profile_with_too_many_rest_routes_arms_nothing(stage: FaultStage) -> None:
    """Regression: the faults of frames were armed all the same, and a session did not clear them at its end."""
    rest = stage.faults.rest
    for number in range(MAX_ROUTES - 1):
        rest.arm(RestFault(route=f"GET /{number}", offline=True))
    armed, before = rest.armed, stage.faults.arm(ALL, [Latency(ms=5)])
    routes = tuple(RestFault(route=f"POST /{number}", hang=True) for number in range(2))
    profile = Profile(faults=(Loss(rate=1),), rest=routes)
    with pytest.raises(Invalid, match=f"at most {MAX_ROUTES} routes"):
        stage.faults.arm_profile(ALL, SavedProfile("mine", profile, True))
    assert rest.armed == armed
    assert stage.faults.armed == (before,)


async def test_without_faults_no_client_has_a_plan(stage: FaultStage) -> None:
    stage.join()
    assert stage.hub.recipients(ALL).faulty == ()
