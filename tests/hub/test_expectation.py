"""Expectations: which rows match, how long they wait, and which can never match."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.hub import slices
from app.hub.expectation import MAX_RECEIVED_INSTEAD, Expectation, ExpectationResult, wait_for, why_impossible
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import REST, client_origin
from app.hub.rest_log import MAX_UNLOGGED, Call, LogPosition, RestLog
from app.hub.router import Router
from app.protocol.catalog import Catalog, built_in
from app.protocol.event_files.parse import parse_event_file
from tests.hub.doubles import FakeTime, Stage

LONG = 10.0
SHORT = 0.02


class Desk:
    """A journal that the test writes to, and expectations that wait for its rows."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.journal = Journal(self.time.clock)
        self.calls = RestLog(self.journal, self.time.clock, lambda: False)

    def typing(self, *, data: Any = None, user: str = "zoe", client: str = "1", **options: Any) -> Row:
        data = {"to": "alice", "typing": True} if data is None else data
        payload = json.dumps({"event": "typing", "data": data}).encode()
        return self.journal.append(
            Kind.FROM_UI,
            "typing",
            payload=payload,
            user=user,
            client=client,
            origin=client_origin(client),
            **options,
        )

    def call(self, name: str, body: bytes = b"", verdict: Verdict = Verdict.OK) -> Row:
        return self.journal.append(Kind.FROM_UI, name, payload=body, client="rest", origin=REST, verdict=verdict)

    async def wait(
        self, expected: Expectation, within_s: float = SHORT, after: int | LogPosition | None = None
    ) -> ExpectationResult:
        return await wait_for(self.journal, self.calls, self.time.clock, expected, within_s, after)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_expectation_without_conditions_matches_any_valid_client_event(desk: Desk) -> None:
    assert Expectation().met_by(desk.typing())
    assert Expectation().met_by(desk.typing(verdict=Verdict.WARNING))
    assert Expectation().met_by(desk.call("DELETE /friends/bob"))


def test_rows_of_sent_frames_and_of_the_server_match_no_expectation(desk: Desk) -> None:
    for kind in (Kind.TO_UI, Kind.SERVER):
        assert not Expectation().met_by(desk.journal.append(kind, "typing", payload=b"{}"))


@pytest.mark.parametrize("expected", [Expectation(), Expectation("typing"), Expectation(sender="zoe")])
def test_an_invalid_row_matches_no_expectation(desk: Desk, expected: Expectation) -> None:
    assert not expected.met_by(desk.typing(verdict=Verdict.INVALID))


def test_the_event_name_must_be_equal(desk: Desk) -> None:
    assert Expectation("typing").met_by(desk.typing())
    assert not Expectation("mark_read").met_by(desk.typing())
    assert not Expectation("typ").met_by(desk.typing())


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("zoe", True),
        ("client:3", True),
        ("", True),
        ("alice", False),
        ("client:1", False),
        ("client 3", False),
        ("3", False),
    ],
)
def test_the_sender_is_a_user_or_a_client(desk: Desk, sender: str, expected: bool) -> None:
    assert Expectation(sender=sender).met_by(desk.typing(user="zoe", client="3")) == expected


DATA = {"to": "alice", "typing": True, "n": 1, "list": [{"a": None}, [1]], "text": "Hi", "zero": 0}


@pytest.mark.parametrize(
    "where",
    [
        {"data.typing": True},
        {"typing": True},
        {"to": "alice", "typing": True},
        {"event": "typing"},
        {"n": 1},
        {"n": 1.0},
        {"list[0].a": None},
        {"list[0]": {"a": None}},
        {"list[1]": [1]},
        {"data": DATA},
        {},
    ],
)
def test_values_are_compared_by_their_paths(desk: Desk, where: Mapping[str, Any]) -> None:
    assert Expectation(where=where).met_by(desk.typing(data=DATA))


@pytest.mark.parametrize(
    "where",
    [
        {"typing": False},
        {"typing": 1},
        {"n": True},
        {"zero": False},
        {"n": "1"},
        {"text": "hi"},
        {"to": "alice", "typing": False},
        {"nothing": None},
        {"list[2]": None},
        {"text.length": 2},
        {"event": "mark_read"},
        {"not a path[": 1},
        {"": 1},
        {"list[1]": [True]},
        {"list[0]": {"a": False}},
        {"data": {**DATA, "typing": 1}},
    ],
)
def test_a_different_value_or_a_missing_path_does_not_match(desk: Desk, where: Mapping[str, Any]) -> None:
    assert not Expectation(where=where).met_by(desk.typing(data=DATA))


def test_a_rest_call_is_an_event_whose_data_is_its_body(desk: Desk) -> None:
    row = desk.call("POST /messages", b'{"to":"alice","text":"Hi"}')
    assert Expectation("POST /messages").met_by(row)
    assert Expectation("POST /messages", where={"text": "Hi", "data.to": "alice"}).met_by(row)
    assert Expectation(where={"event": "POST /messages"}).met_by(row)
    assert not Expectation("POST /friends").met_by(row)
    assert not Expectation("POST /messages", where={"text": "Ho"}).met_by(row)


def test_a_rest_call_without_a_body_has_no_data(desk: Desk) -> None:
    row = desk.call("DELETE /friends/bob")
    assert Expectation("DELETE /friends/bob").met_by(row)
    assert not Expectation(where={"text": "Hi"}).met_by(row)


@pytest.mark.parametrize("body", [b"\xff", b"{nope", b'{"a":1,"a":2}', b"[" * 100])
def test_an_invalid_json_body_does_not_match(desk: Desk, body: bytes) -> None:
    assert not Expectation(where={"a": 1}).met_by(desk.call("POST /messages", body))


def test_a_rejected_rest_call_matches_no_expectation(desk: Desk) -> None:
    assert not Expectation("POST /messages").met_by(desk.call("POST /messages", b"{}", Verdict.INVALID))


def test_the_text_of_an_expectation_lists_its_conditions() -> None:
    assert str(Expectation()) == "any event"
    assert str(Expectation("typing", "zoe")) == "typing from zoe"
    assert str(Expectation("typing", where={"to": "alice"})) == "typing with to=alice"


async def test_wait_for_returns_the_first_matching_client_event(stage: Stage) -> None:
    router = Router(stage.hub, built_in())
    zoe, bob = stage.join("zoe"), stage.join("bob")
    expected = Expectation("typing", sender="bob", where={"typing": True})
    calls = RestLog(stage.journal, stage.time.clock, lambda: False)
    waiting = asyncio.create_task(wait_for(stage.journal, calls, stage.time.clock, expected, LONG))
    await asyncio.sleep(0)
    frames = [
        (zoe, '{"event":"typing","data":{"to":"alice","typing":true}}'),
        (bob, '{"event":"typing","data":{"to":"alice","typing":"yes"}}'),
        (bob, "{nope"),
        (bob, '{"event":"typing","data":{"to":"alice","typing":false}}'),
        (bob, '{"event":"typing","data":{"to":"alice","typing":true}}'),
    ]
    for client, frame in frames:
        stage.time.passed += 1.0
        router.receive(client, frame)
    result = await waiting
    assert result.row is not None
    assert (result.row.user, result.row.payload.decode()) == ("bob", frames[-1][1])
    assert [row.payload.decode() for row in result.received_instead] == [frame for _, frame in frames[:-1]]
    assert result.after_s == 5.0


async def test_earlier_rows_are_ignored_without_after(desk: Desk) -> None:
    desk.typing()
    result = await desk.wait(Expectation("typing"))
    assert (result.row, result.received_instead) == (None, [])
    assert result.earlier is not None
    assert result.earlier.event == "typing"
    assert (await desk.wait(Expectation("mark_read"))).earlier is None


async def test_with_after_rows_since_that_row_are_searched(desk: Desk) -> None:
    desk.typing(user="too early")
    mark = desk.journal.append(Kind.TO_UI, "friend_online")
    desk.time.passed += 1.5
    other = desk.call("POST /friends")
    matching_row = desk.typing()
    desk.time.passed += 60
    result = await desk.wait(Expectation("typing"), 0, after=mark.seq)
    assert result == ExpectationResult(matching_row, 1.5, [other])
    assert (await desk.wait(Expectation("typing"), after=matching_row.seq)).row is None


async def test_other_callbacks_run_while_the_rows_so_far_are_searched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_S", 0.0)
    desk.typing(user="alice")
    matching_row = desk.typing()
    run_meanwhile: list[int] = []
    asyncio.get_running_loop().call_soon(run_meanwhile.append, 1)
    result = await desk.wait(Expectation("typing", sender="zoe"), 0, after=0)
    assert result.row == matching_row
    assert run_meanwhile


async def test_a_row_that_is_dropped_during_the_search_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_S", 0.0)
    journal = Journal(desk.time.clock, max_rows=2)
    for user in ("alice", "zoe"):
        journal.append(Kind.FROM_UI, "typing", payload=b'{"data":{}}', user=user)
    for _ in range(2):
        asyncio.get_running_loop().call_soon(journal.append, Kind.SERVER, "x")
    result = await wait_for(journal, desk.calls, desk.time.clock, Expectation(sender="zoe"), SHORT, after=0)
    assert result.row is not None


@pytest.mark.parametrize("after", [0, -7])
async def test_after_below_the_first_row_searches_all_rows_and_no_delay_is_negative(desk: Desk, after: int) -> None:
    matching_row = desk.typing()
    desk.time.passed += 60
    result = await desk.wait(Expectation("typing"), after=after)
    assert result.row == matching_row
    assert result.after_s >= 0


async def test_after_a_dropped_row_searches_the_kept_rows(desk: Desk) -> None:
    journal = Journal(desk.time.clock, max_rows=2)
    for _ in range(5):
        desk.time.passed += 1
        journal.append(Kind.FROM_UI, "typing", payload=b'{"data":{}}')
    result = await wait_for(journal, desk.calls, desk.time.clock, Expectation("typing"), SHORT, after=1)
    assert result.row is not None
    assert result.row.seq == 4
    assert result.after_s >= 0


async def test_rows_since_after_and_new_rows_are_searched_in_order(desk: Desk) -> None:
    mark = desk.journal.append(Kind.TO_UI, "friend_online")
    past = desk.typing()
    waiting = asyncio.create_task(desk.wait(Expectation("mark_read"), LONG, after=mark.seq))
    await asyncio.sleep(0)
    matching_row = desk.journal.append(Kind.FROM_UI, "mark_read", payload=b'{"event":"mark_read","data":{}}')
    assert await waiting == ExpectationResult(matching_row, 0.0, [past])


async def test_a_timeout_returns_the_rows_received_instead(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.wait(Expectation("mark_read"), 0.1))
    await asyncio.sleep(0)
    rows = [desk.typing(), desk.typing(verdict=Verdict.INVALID), desk.call("POST /messages", b"{}")]
    desk.journal.append(Kind.TO_UI, "friend_online")
    desk.journal.append(Kind.SERVER, "connected")
    desk.time.passed += 0.1
    result = await waiting
    assert (result.row, result.received_instead) == (None, rows)
    assert result.after_s == pytest.approx(0.1)


async def test_only_the_newest_rows_received_instead_are_returned(desk: Desk) -> None:
    mark = desk.journal.append(Kind.SERVER, "x")
    past = [desk.typing() for _ in range(MAX_RECEIVED_INSTEAD)]
    waiting = asyncio.create_task(desk.wait(Expectation("mark_read"), 0.1, after=mark.seq))
    await asyncio.sleep(0)
    new = [desk.typing() for _ in range(3)]
    assert (await waiting).received_instead == [*past[3:], *new]


async def test_an_event_that_arrives_just_before_the_timeout_matches(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.wait(Expectation("typing"), 0))
    asyncio.get_running_loop().call_soon(desk.typing)
    assert (await waiting).row is not None


async def test_concurrent_waits_work_and_leave_no_journal_listeners(desk: Desk) -> None:
    expected = [Expectation("typing", sender=name) for name in ("a", "b", "unknown")]
    waiting = [asyncio.create_task(desk.wait(each, 0.2)) for each in expected]
    cancelled = asyncio.create_task(desk.wait(Expectation(), LONG))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    desk.typing(user="b")
    desk.typing(user="a")
    results = await asyncio.gather(*waiting)
    assert [each.row.user if each.row else None for each in results] == ["a", "b", None]
    assert [len(each.received_instead) for each in results] == [1, 0, 2]
    assert desk.journal.appended._listeners == []


# GET requests, which usually have no row


def get(name: str, query: Any = None) -> Call:
    return Call(name, json.dumps(query).encode() if query else b"", "200", Verdict.OK, "me")


async def test_a_get_request_without_a_row_is_found_by_its_name_and_query(desk: Desk) -> None:
    waiting = asyncio.create_task(
        desk.wait(Expectation("GET /messages", where={"peer": "bob", "offset": 50}), LONG)
    )
    await asyncio.sleep(0)
    for peer, offset in (("bob", 0), ("alice", 50), ("bob", 50)):
        desk.calls.add(get("GET /messages", {"peer": peer, "offset": offset}))
    result = await waiting
    assert result.row is not None
    assert (result.row.seq, json.loads(result.row.payload)) == (0, {"peer": "bob", "offset": 50})
    assert [json.loads(row.payload)["peer"] for row in result.received_instead] == ["bob", "alice"]
    assert len(desk.journal) == 0


async def test_a_get_request_since_a_row_counts_and_an_earlier_one_does_not(desk: Desk) -> None:
    desk.calls.add(get("GET /friends"))
    fired = desk.typing()
    assert (await desk.wait(Expectation("GET /friends"), after=fired.seq)).row is None
    desk.calls.add(get("GET /friends"))
    assert (await desk.wait(Expectation("GET /friends"), after=fired.seq)).row


async def test_an_expectation_after_a_get_request_needs_a_later_one(desk: Desk) -> None:
    """Regression: the second expectation was met by the first request, which has no row number."""
    desk.calls.add(get("GET /friends"))
    met = (await desk.wait(Expectation("GET /friends"), after=0)).row
    assert met is not None
    first = desk.calls.position(met)
    assert (await desk.wait(Expectation("GET /friends"), after=first)).row is None
    desk.calls.add(get("GET /friends"))
    second = (await desk.wait(Expectation("GET /friends"), after=first)).row
    assert second is not None
    assert second is not met
    desk.typing()
    for _ in range(MAX_UNLOGGED):
        desk.calls.add(get("GET /status"))
    assert (await desk.wait(Expectation("GET /status"), after=first)).row, "the call is not kept any more"
    assert (await desk.wait(Expectation("typing"), after=first)).row, "its position still is"


async def test_a_row_that_counts_repeats_does_not_meet_an_expectation(desk: Desk) -> None:
    """Regression: the repeats had met it, or had come before it."""
    desk.calls = RestLog(desk.journal, desk.time.clock, lambda: True)
    desk.calls.add(get("GET /friends"))
    desk.calls.add(get("GET /friends"))
    waiting = asyncio.create_task(desk.wait(Expectation("GET /friends")))
    await asyncio.sleep(0)
    desk.calls.close()
    assert [row.note for row in desk.journal] == ["200", "200 · ×1 in 0 s"]
    assert (await waiting).row is None


async def test_polls_neither_match_an_expectation_without_a_name_nor_are_reported(desk: Desk) -> None:
    desk.call("GET /friends")
    result = await desk.wait(Expectation(), after=0)
    assert (result.row, result.received_instead) == (None, [])


def test_a_query_in_the_name_is_explained() -> None:
    assert why_impossible(Expectation("GET /messages"), built_in()) == ""
    assert "--where peer=bob" in why_impossible(Expectation("GET /messages?peer=bob"), built_in())


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("{type: object, additionalProperties: {type: integer}}", ""),
        ("{type: object, patternProperties: {'^v': {type: integer}}}", ""),
        ("{type: object, additionalProperties: false}", "vote has no field 'votes'."),
        (
            "{type: object, properties: {votes: false, vote: {type: integer}}}",
            "vote has no field 'votes'; did you mean vote? It has vote",
        ),
        (
            "{type: object, additionalProperties: false, properties: {vote: {type: integer}}}",
            "vote has no field 'votes'; did you mean vote? It has vote",
        ),
    ],
)
def test_only_a_field_that_the_event_cannot_have_is_impossible(data: str, error: str) -> None:
    """Regression: it was refused if it is not among ``properties``, and accepted if the file forbids it."""
    vote = parse_event_file("vote.yaml", f"event: vote\ndirection: from_ui\ndata: {data}\n", built_in())
    assert why_impossible(Expectation("vote", where={"votes": 1}), Catalog([*built_in(), vote])) == error
