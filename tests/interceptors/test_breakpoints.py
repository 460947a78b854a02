"""Breakpoints hold what matches, in order and within limits, and every decision about an item is carried out."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from app.hub.causes import ConnectionDropped, RestCall
from app.hub.clock import Clock
from app.hub.held_items import BreakpointOptions, Edit, HeldKind
from app.hub.journal import Verdict
from app.hub.origin import CONTROL, PANEL
from app.hub.outgoing import Effect
from app.hub.target import Target
from app.interceptors.cause_edits import MAX_EDITED_BYTES
from app.protocol import breakpoints as words
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, Invalid, NotFound, StorageError, TooLarge
from app.protocol.event_type import InvalidEvent
from tests.conftest import PATIENCE_S, until
from tests.interceptors.doubles import Workbench

TO_UI, FROM_UI, REST = BreakpointDirection.TO_UI, BreakpointDirection.FROM_UI, BreakpointDirection.REST
MESSAGE = {
    "msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "from": "alice", "to": "me", "text": "hi",
    "timestamp": "2026-01-02T03:04:05Z", "direction": "received", "delivered": True, "delivery_method": "direct",
}  # fmt: skip


# what is held


async def test_without_a_breakpoint_no_interceptor_is_armed(bench: Workbench) -> None:
    assert not bench.hub.interceptors
    first, second = bench.add(), bench.add()
    assert bench.hub.interceptors
    bench.breakpoints.remove(first.id)
    assert bench.hub.interceptors
    bench.breakpoints.remove(second.id)
    assert not bench.hub.interceptors


async def test_a_fired_event_is_held_before_it_is_stored_and_later_ones_are_not_delayed(bench: Workbench) -> None:
    client = bench.join()
    bench.add("event:friend_online")
    delivery = await bench.fire()
    assert delivery.held
    await bench.fire("friend_offline")
    assert [each.event for each in bench.state.events] == ["friend_offline"]
    (item,) = bench.held
    assert (item.kind, item.direction, item.event, item.client) == (HeldKind.EVENT, TO_UI, "friend_online", "all")
    assert (item.text, item.user) == ('{"event":"friend_online","data":{"username":"bob"}}', "")
    assert (item.since_wall, item.since_mono, item.deadline_mono) == (1_700_000_000.0, 50.0, 110.0)
    bench.breakpoints.resume([item.number])
    await bench.idle()
    assert [each.event for each in bench.state.events] == ["friend_offline", "friend_online"]
    assert b"friend_online" in bench.frames(client)[1]
    assert bench.held == []
    assert bench.log == [
        ("breakpoint added", "breakpoint 1: event:friend_online"),
        ("held", "item 1, friend_online to all, at breakpoint 1; continues by itself in 60 s"),
        ("continued", "item 1, friend_online to all, at breakpoint 1"),
    ]


async def test_the_frames_of_a_client_keep_their_order_behind_a_held_one(bench: Workbench) -> None:
    alice, carol = bench.join("alice"), bench.join("carol")
    bench.add("event:typing user:alice", once=True)
    for name in ("a", "b", "c"):
        bench.send(alice, name)
    bench.send(carol, "x")
    assert [json.loads(each)["data"]["to"] for each in bench.from_ui] == ["x"]
    (item,) = bench.held
    assert (item.kind, item.client, item.user, item.event) == (HeldKind.CLIENT_FRAME, "1", "alice", "typing")
    bench.breakpoints.resume()
    await bench.idle()
    assert [json.loads(each)["data"]["to"] for each in bench.from_ui] == ["x", "a", "b", "c"]
    assert bench.breakpoints.all == []


async def test_a_rest_call_is_held_before_it_is_processed(bench: Workbench) -> None:
    bench.add('event:"POST /messages" direction')  # the word "direction" is in no body
    assert isinstance(await bench.call(), RestCall)
    bench.add("event:/messages", direction=REST)
    call = bench.start_call(body=b'{"to":"alice","text":"hi"}')
    await until(lambda: bench.held)
    (item,) = bench.held
    assert (item.kind, item.event, item.client, item.text) == (
        HeldKind.REST_CALL, "POST /messages", "rest", '{"to":"alice","text":"hi"}',
    )  # fmt: skip
    assert not call.done()
    bench.breakpoints.resume()
    passed = await call
    assert isinstance(passed, RestCall)
    assert passed.body == b'{"to":"alice","text":"hi"}'


@pytest.mark.parametrize(
    ("filter_", "direction", "held"),
    [
        ("", "all", "event frame rest"),
        ("", "to_ui", "event"),
        ("", "from_ui", "frame"),
        ("", "rest", "rest"),
        ("dir:c2s", "all", "frame rest"),
        ("dir:s2c", "from_ui", ""),
        ("client:1", "all", "event frame"),
        ("user:me", "all", "frame rest"),
        ("origin:panel", "all", "event"),
        ("is:injected", "all", "event"),
        ("is:invalid", "all", ""),
        ("is:ok larger:10", "all", "event frame rest"),
        ("-event:typing", "all", "event rest"),
        ("/peer.*alice/", "all", "rest"),
        ("@mine", "all", "frame"),
    ],
)
async def test_the_filter_and_the_direction_decide(
    bench: Workbench, filter_: str, direction: str, held: str
) -> None:
    bench.saved_filters["mine"] = "event:typing"
    client = bench.join()
    bench.add(filter_, direction=BreakpointDirection(direction))
    await bench.fire()
    bench.send(client)
    call = bench.start_call("GET", "/messages", query="peer=alice&limit=50")
    await asyncio.sleep(0)
    names = {HeldKind.EVENT: "event", HeldKind.CLIENT_FRAME: "frame", HeldKind.REST_CALL: "rest"}
    assert " ".join(names[each.kind] for each in bench.held) == held
    bench.breakpoints.resume()
    await call
    await bench.idle()


async def test_invalid_frames_and_raw_frames_are_held_too(bench: Workbench) -> None:
    client = bench.join()
    bench.add("is:invalid")
    bench.router.receive(client, "{nope")
    await bench.pipeline.send_raw("{nope", origin=PANEL)
    await bench.pipeline.send_raw('{"event":"friend_online","data":{"username":"bob"}}', origin=PANEL)
    assert [(each.kind, each.text) for each in bench.held] == [
        (HeldKind.CLIENT_FRAME, "{nope"),
        (HeldKind.RAW_FRAME, "{nope"),
    ]
    bench.breakpoints.resume()
    await bench.idle()


async def test_hits_let_earlier_matches_pass(bench: Workbench) -> None:
    added = bench.add("event:friend_online", hits=3)
    for _ in range(2):
        assert not (await bench.fire()).held
    await bench.fire("friend_offline")
    assert [each.matches for each in bench.breakpoints.all] == [2]
    for _ in range(2):
        assert (await bench.fire()).held
    assert [each.breakpoint_id for each in bench.held] == [added.id, added.id]


async def test_once_removes_the_breakpoint_after_one_item(bench: Workbench) -> None:
    bench.add("event:friend_online", hits=2, once=True)
    assert [(await bench.fire()).held for _ in range(4)] == [False, True, False, False]
    assert bench.breakpoints.all == []
    assert len(bench.held) == 1
    assert not bench.hub.interceptors
    assert "which is removed" in bench.log[1][1]


async def test_the_first_of_several_breakpoints_holds_and_all_of_them_count(bench: Workbench) -> None:
    bench.add("event:friend_online", hits=2)
    bench.add("user:bob")
    for _ in range(2):
        await bench.fire()
    assert [each.breakpoint_id for each in bench.held] == [2, 1]
    assert [each.matches for each in bench.breakpoints.all] == [2, 2]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"filter": "is:odd"}, "Filter: invalid is:odd"),
        ({"filter": "event:"}, "The filter is not complete"),
        ({"filter": " @ "}, "The filter is not complete"),
        ({"filter": "@nothing"}, "there is no saved filter 'nothing'"),
        ({"filter": "is:pinned"}, "pins, annotations and findings of the lint"),
        ({"hits": 0}, "between 1 and"),
        ({"timeout_s": 0.0}, "between 0.001 s and 600 s"),
        ({"timeout_s": 601.0}, "and 600 s"),
        ({"timeout_s": float("nan")}, "and 600 s"),
    ],
)
async def test_invalid_options_are_rejected(bench: Workbench, options: dict[str, Any], error: str) -> None:
    with pytest.raises(Invalid, match=error):
        bench.breakpoints.add(BreakpointOptions(**options))
    assert bench.breakpoints.all == []
    assert bench.log == []


async def test_the_number_of_breakpoints_is_limited(bench: Workbench) -> None:
    for _ in range(words.MAX_BREAKPOINTS):
        bench.add("event:nothing")
    with pytest.raises(Conflict, match="Remove one first"):
        bench.add("event:nothing")
    assert len(bench.breakpoints.clear()) == words.MAX_BREAKPOINTS
    with pytest.raises(NotFound, match=r"no breakpoint 1\. Breakpoints: none"):
        bench.breakpoints.remove(1)


async def test_the_signal_reports_breakpoints_and_held_items(bench: Workbench) -> None:
    seen: list[tuple[int, int]] = []
    bench.breakpoints.changed.connect(lambda _: seen.append((len(bench.breakpoints.all), len(bench.held))))
    added = bench.add()
    await bench.fire()
    bench.breakpoints.remove(added.id)
    bench.breakpoints.resume()
    assert seen == [(1, 0), (1, 1), (0, 1), (0, 0)]


# limits and timeouts


async def test_a_held_item_continues_by_itself_after_the_timeout(bench: Workbench) -> None:
    bench.add("event:friend_online", timeout_s=5)
    bench.add("event:friend_offline", timeout_s=600)
    await bench.fire()
    await bench.fire("friend_offline")
    bench.time.passed += 4.9
    bench.breakpoints.expire()
    assert len(bench.held) == 2
    bench.time.passed += 0.2
    bench.breakpoints.expire()
    await until(lambda: bench.state.events)
    assert [each.event for each in bench.state.events] == ["friend_online"]
    assert bench.log[-1] == (
        "continued", "item 1, friend_online to all, at breakpoint 1: nothing was decided within 5 s",
    )  # fmt: skip


async def test_the_timer_fires_at_the_next_deadline() -> None:
    """With the real clock: an item with a later deadline is added before one with an earlier deadline."""
    bench = Workbench(Clock())
    bench.add("event:friend_offline", timeout_s=600)
    bench.add("event:friend_online", timeout_s=0.1)
    await bench.fire("friend_offline")
    for fired in (1, 2):  # the second time, the timer is set for the later deadline
        await bench.fire()
        await until(lambda fired=fired: len(bench.state.events) == fired)
    assert [each.event for each in bench.state.events] == ["friend_online"] * 2
    assert [each.event for each in bench.held] == ["friend_offline"]


async def test_more_items_than_the_limit_continue_at_once(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.interceptors.held_queue.MAX_HELD", 2)
    bench.add()
    for _ in range(3):
        await bench.fire()
    assert (len(bench.held), len(bench.state.events)) == (2, 1)
    assert bench.log[-1] == ("not held", "friend_online to all, at breakpoint 1: 2 items are held already")
    bench.breakpoints.drop([1])
    await bench.fire()
    assert [each.number for each in bench.held] == [2, 3]


async def test_held_bytes_are_limited(bench: Workbench) -> None:
    assert words.MAX_HELD_BYTES == 16 * 1024 * 1024
    bench.add()
    large = "x" * (6 * 1024 * 1024)
    for _ in range(3):
        await bench.pipeline.send_raw(large, origin=PANEL)
    assert len(bench.held) == 2
    assert "more than 16 MB" in bench.log[-1][1]
    bench.breakpoints.drop()
    await bench.pipeline.send_raw(large, origin=PANEL)
    assert len(bench.held) == 1


async def test_a_client_that_sends_too_much_behind_a_held_frame_is_released(bench: Workbench) -> None:
    client, other = bench.join("alice"), bench.join("bob")
    bench.add(once=True)
    bench.send(client)
    bench.add("user:bob", once=True)
    bench.send(other)
    large = "x" * (1024 * 1024)
    pending = [bench.router.receive(client, large) for _ in range(4)]
    assert [each.client for each in bench.held] == ["2"]
    assert pending[3]
    await pending[3]
    assert len(bench.from_ui) == 5
    assert ("too much waits behind held frames") in bench.log[-1][1]


async def test_a_client_that_sends_too_much_is_held_again_when_less_waits(bench: Workbench) -> None:
    """Regression: each frame behind was held in turn, and reading stayed paused until the last was released."""
    client = bench.join("alice")
    bench.add()
    large = "x" * (1024 * 1024)

    async def send_too_much(frame: str, handled: int) -> None:
        paused = bench.router.receive(client, frame)
        assert paused
        await asyncio.wait_for(paused, PATIENCE_S)
        await until(lambda: bench.held)
        assert (len(bench.from_ui), len(bench.held)) == (handled, 1)

    assert [bench.router.receive(client, large) for _ in range(4)] == [None] * 4
    await send_too_much(large, 1)  # the second one is held, and three wait behind it
    assert bench.router.receive(client, "y") is None
    await send_too_much(large * 3, 4)  # two of the three were not held
    bench.breakpoints.clear()
    bench.breakpoints.resume()
    await until(lambda: len(bench.from_ui) == 7)


async def test_a_client_that_disconnects_takes_its_held_frame_along(bench: Workbench) -> None:
    client = bench.join("alice")
    bench.add()
    await bench.fire()
    bench.send(client, "a")
    bench.send(client, "b")
    bench.hub.leave(client)
    assert [each.kind for each in bench.held] == [HeldKind.EVENT]
    await until(lambda: len(bench.rows("dropped")) == 2)
    assert bench.from_ui == []
    assert "item 2, typing from client 1, at breakpoint 1: the client has disconnected" in bench.log[-2][1]
    assert bench.rows("dropped")[0].client == "1"


async def test_a_rest_call_whose_client_has_disconnected_is_dropped(bench: Workbench) -> None:
    bench.add()
    call = bench.start_call()
    await until(lambda: bench.held)
    bench.breakpoints.expire()
    assert len(bench.held) == 1
    bench.connected = False
    bench.breakpoints.expire()
    assert "the client has disconnected" in str(await call)
    assert bench.log[-1][0] == "dropped"


async def test_an_item_whose_task_is_cancelled_is_not_held_any_more(bench: Workbench) -> None:
    bench.add()
    call = bench.start_call()
    await until(lambda: bench.held)
    call.cancel()
    await until(lambda: not bench.held)
    assert "its connection or its server was closed" in bench.log[-1][1]


# decisions


async def test_a_fired_event_is_modified(bench: Workbench) -> None:
    client = bench.join()
    bench.add()
    await bench.fire("new_message", MESSAGE)
    bench.breakpoints.modify(Edit(set={"text": "changed", "data.from": "bob"}), [1])
    await bench.idle()
    assert bench.state.events == [Envelope("new_message", {**MESSAGE, "text": "changed", "from": "bob"})]
    assert json.loads(bench.frames(client)[0])["data"]["text"] == "changed"
    assert bench.log[-1] == ("modified", "item 1, new_message to all, at breakpoint 1")


async def test_a_change_that_violates_the_contract_is_rejected_and_the_item_stays_held(bench: Workbench) -> None:
    bench.join()
    bench.add()
    await bench.fire()
    for edit in (Edit(data={"username": 1}), Edit(text='{"event":"friend_online","data":{}}')):
        with pytest.raises(InvalidEvent, match=r"data\.username"):
            bench.breakpoints.modify(edit)
    for edit, error in (
        (Edit(), "Nothing is changed"),
        (Edit(text="{", data={}), "not both"),
        (Edit(text="{"), "not valid"),
        (Edit(set={"data..x": 1}), "invalid path"),
        (Edit(data={"username": "\ud800"}), "lone surrogate"),
        (Edit(remove=["data"]), "data is missing"),
        (Edit(remove=["event"], loose=True), "event is missing"),
    ):
        with pytest.raises(Invalid, match=error):
            bench.breakpoints.modify(edit)
    with pytest.raises(InvalidEvent):
        bench.breakpoints.check(Edit(data={"username": 1}))
    bench.breakpoints.check(Edit(data={"username": "carol"}), [1])
    assert len(bench.held) == 1
    bench.breakpoints.modify(Edit(data={"username": 1}, loose=True))
    await bench.idle()
    assert bench.state.events == []  # sent, not stored
    assert [row.verdict for row in bench.rows("friend_online")] == ["invalid"]


async def test_all_items_are_changed_or_none(bench: Workbench) -> None:
    bench.add()
    await bench.fire()
    await bench.fire("new_message", MESSAGE)
    with pytest.raises(InvalidEvent):
        bench.breakpoints.modify(Edit(data={"username": "carol"}))
    assert len(bench.held) == 2


async def test_a_client_frame_is_modified(bench: Workbench) -> None:
    client = bench.join()
    bench.add()
    bench.send(client)
    with pytest.raises(Invalid, match="The changed frame violates the contract"):
        bench.breakpoints.modify(Edit(set={"typing": "yes"}))
    bench.breakpoints.modify(Edit(set={"to": "carol"}))
    await bench.idle()
    assert bench.from_ui == ['{"event":"typing","data":{"to":"carol","typing":true}}']
    bench.send(client)
    bench.breakpoints.modify(Edit(text="{nope", loose=True))
    await bench.idle()
    assert bench.from_ui[-1] == "{nope"


async def test_a_raw_frame_is_modified(bench: Workbench) -> None:
    client = bench.join()
    bench.add()
    await bench.pipeline.send_raw("{nope", origin=PANEL)
    with pytest.raises(Invalid, match="not valid JSON"):
        bench.breakpoints.modify(Edit(set={"x": 1}))
    bench.breakpoints.modify(Edit(text="{changed"))
    await bench.idle()
    assert bench.frames(client) == [b"{changed"]


async def test_a_large_text_is_not_changed(bench: Workbench) -> None:
    bench.add()
    await bench.pipeline.send_raw(json.dumps({"x": "y" * MAX_EDITED_BYTES}), origin=PANEL)
    await bench.fire()
    for edit in (Edit(set={"x": 1}), Edit(text="x" * (MAX_EDITED_BYTES + 1))):
        with pytest.raises(TooLarge, match="1,024 KiB"):
            bench.breakpoints.modify(edit, [1])
    with pytest.raises(TooLarge, match="1,024 KiB"):
        bench.breakpoints.modify(Edit(text="x" * (MAX_EDITED_BYTES + 1)), [2])
    assert len(bench.held) == 2


async def test_a_rest_body_is_modified(bench: Workbench) -> None:
    bench.add(direction=REST)
    for edit, expected in (
        (Edit(set={"text": "changed"}), b'{"to":"alice","text":"changed"}'),
        (Edit(data={"to": "bob"}), b'{"to":"bob"}'),
        (Edit(text="not JSON"), b"not JSON"),
        (Edit(remove=["text"]), b'{"to":"alice"}'),
    ):
        call = bench.start_call(body=b'{"to":"alice","text":"hi"}')
        await until(lambda: bench.held)
        bench.breakpoints.modify(edit)
        passed = await call
        assert isinstance(passed, RestCall)
        assert passed.body == expected
    call = bench.start_call("GET", "/friends")
    await until(lambda: bench.held)
    with pytest.raises(Invalid, match="GET request has no body"):
        bench.breakpoints.modify(Edit(text="{}"))
    bench.breakpoints.resume()
    await call


async def test_a_dropped_item_is_not_handled(bench: Workbench) -> None:
    client = bench.join()
    bench.add()
    await bench.fire()
    bench.send(client)
    call = bench.start_call()
    await until(lambda: len(bench.held) == 3)
    assert [each.number for each in bench.breakpoints.drop()] == [1, 2, 3]
    dropped = await call
    await bench.idle()
    assert not isinstance(dropped, ConnectionDropped)
    assert (bench.state.events, bench.from_ui) == ([], [])
    assert {note for event, note in bench.log if event == "dropped"} == {
        "item 1, friend_online to all, at breakpoint 1",
        "item 2, typing from client 1, at breakpoint 1",
        "item 3, POST /messages, at breakpoint 1",
    }
    assert len(bench.rows("dropped")) == 3
    with pytest.raises(NotFound, match=r"Item 1 is not held; it may have continued already\. Held now: nothing"):
        bench.breakpoints.resume([1])


async def test_an_event_is_injected_after_the_item_and_no_breakpoint_holds_it(bench: Workbench) -> None:
    client, other = bench.join("alice"), bench.join("bob")
    bench.add()
    await bench.fire(to=Target(user="alice"))
    with pytest.raises(InvalidEvent):
        bench.breakpoints.inject(Envelope("friend_offline", {}), origin=CONTROL)
    event = Envelope("friend_offline", {"username": "bob"})
    bench.breakpoints.inject(event, [1], origin=CONTROL)
    await bench.idle()
    assert [json.loads(each)["event"] for each in bench.frames(client)] == ["friend_online", "friend_offline"]
    assert bench.frames(other) == []
    assert [row.origin for row in bench.rows("friend_offline")] == ["control"]
    bench.send(client)
    bench.breakpoints.inject(event, origin=CONTROL, to=Target(user="bob"))
    await bench.idle()
    assert len(bench.frames(other)) == 1
    rows = [row.event for row in bench.journal]
    assert rows[-2:] == ["typing", "friend_offline"]
    assert bench.held == []
    with pytest.raises(Conflict, match="Nothing is held"):
        bench.breakpoints.inject(event, origin=CONTROL)


async def test_an_injected_event_that_cannot_be_stored_is_a_warning(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.join()
    bench.add()
    bench.send(bench.hub.clients[0])

    async def full_disk(event: Envelope) -> Sequence[Effect]:
        raise StorageError("No space left on device")

    monkeypatch.setattr(bench.state, "record", full_disk)
    bench.breakpoints.inject(Envelope("friend_offline", {"username": "bob"}), origin=CONTROL)
    await bench.idle()
    assert [(row.note, row.verdict) for row in bench.rows("not sent")] == [
        ("friend_offline: No space left on device", Verdict.WARNING)
    ]


async def test_close_drops_the_item_and_closes_its_connections(bench: Workbench) -> None:
    alice, bob, carol = bench.join("alice"), bench.join("bob"), bench.join("carol")
    bench.add()
    bench.send(alice, "a")
    bench.send(alice, "b")
    await bench.fire(to=Target(user="bob"))
    call = bench.start_call()
    await until(lambda: len(bench.held) == 3)
    bench.breakpoints.disconnect()
    assert isinstance(await call, ConnectionDropped)
    await bench.idle()
    closed = [bench.transports[each.id].closed for each in (alice, bob, carol)]
    assert closed == [[(1001, "closed at breakpoint 1")]] * 2 + [[]]
    assert (bench.state.events, bench.from_ui, bench.held) == ([], [], [])
    assert ("closed", "item 1, typing from client 1, at breakpoint 1: closing client 1") in bench.log


# release


async def test_stopping_the_event_server_releases_events_and_frames(bench: Workbench) -> None:
    client = bench.join()
    bench.add()
    await bench.fire()
    bench.send(client, "a")
    bench.send(client, "b")
    call = bench.start_call()
    await until(lambda: len(bench.held) == 3)
    bench.hub.listening_changed.emit(False)
    assert [each.kind for each in bench.held] == [HeldKind.REST_CALL]
    await until(lambda: len(bench.from_ui) == 2)
    assert len(bench.state.events) == 1
    bench.hub.rest_stopping.emit(None)
    assert bench.held == []
    assert isinstance(await call, RestCall)
    assert len(bench.breakpoints.all) == 1
    bench.hub.listening_changed.emit(True)
    bench.send(client)
    assert len(bench.held) == 1


async def test_close_releases_everything_and_waits_until_it_is_handled(bench: Workbench) -> None:
    client = bench.join()
    bench.add()
    await bench.fire()
    bench.send(client, "a")
    bench.send(client, "b")
    call = bench.start_call()
    await until(lambda: len(bench.held) == 3)
    await bench.breakpoints.close()
    assert len(bench.state.events) == 1
    assert not bench.hub.interceptors
    assert bench.held == []
    await call
    await bench.idle()
    assert len(bench.from_ui) == 2
    assert bench.log[-1][1].endswith("the companion quits")


# wait


async def test_waiting_ends_when_something_is_held(bench: Workbench) -> None:
    assert await bench.breakpoints.wait(0) == []
    waiting = asyncio.get_running_loop().create_task(bench.breakpoints.wait(20))
    await asyncio.sleep(0.01)
    bench.add()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await bench.fire()
    assert await waiting == bench.held
    assert len(await bench.breakpoints.wait(0)) == 1
