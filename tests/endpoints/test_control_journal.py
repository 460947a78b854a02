"""The journal in pages and as a stream: no row is lost or repeated."""

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.endpoints.control import journal as journal_operations
from app.hub.filter import parse
from app.hub.journal import Journal, Kind, Verdict
from app.hub.origin import PANEL
from app.hub.row_codec import encode_lines
from app.hub.row_marks import UNMARKED
from app.system.instance import MAX_TARGET
from tests.conftest import PATIENCE_S, examples, until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control, frame, online, typing

FILTERS = [
    "",
    "event:typing",
    "dir:c2s",
    "-dir:c2s",
    "is:invalid",
    "tick",
    "larger:50",
    "user:bob",
    "/t[iy]/",
    "none",
]


def log_rows(control: Control, count: int, event: str = "tick") -> None:
    """Append ``count`` server rows to the journal."""
    for number in range(count):
        control.companion.hub.log_server_event(event, note=f"number {number}")


def append_mixed_rows(journal: Journal, count: int) -> None:
    """Append ``count`` rows of all kinds to the journal."""
    for number in range(count):
        kind = list(Kind)[number % 3]
        verdict = list(Verdict)[number % 7 % 3]
        name = ("typing", "friend_online", "tick")[number % 5 % 3]
        payload = json.dumps(
            {"event": name, "data": {"username": ("bob", "alice")[number % 2], "n": "x" * (number % 60)}}
        )
        journal.append(kind, name, payload=payload.encode(), verdict=verdict, note=f"n {number}", client="1")


async def test_a_url_of_the_length_that_commands_send_is_accepted(control: Control) -> None:
    path = "/v1/journal?filter="
    answer = await control.get(path + "x" * (MAX_TARGET - len(path)))
    assert (answer.status, answer.detail) == (422, "The query at filter must not be longer than 500 characters.")


async def test_logging_of_get_requests_can_be_switched_on_and_off(control: Control) -> None:
    answer = await control.patch("/v1/journal", {"log_get_requests": True})
    assert (answer.status, answer.json["log_get_requests"]) == (200, True)
    assert (await control.get_json("/v1/status"))["journal"]["log_get_requests"] is True
    assert control.companion.settings.log_get_requests
    await control.patch("/v1/journal", {"log_get_requests": False})
    assert not control.companion.settings.log_get_requests


async def test_a_row_contains_every_field(control: Control) -> None:
    client = await control.connect("bob")
    await client.send(typing())
    await until(lambda: control.companion.journal.last_seq > 2)
    (row,) = await control.rows("dir:c2s")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row.pop("time"))
    assert row.pop("seq") > 0
    assert isinstance(row.pop("note"), str)
    assert row.pop("mono") > 0
    assert row == {
        "direction": "c2s", "client": "1", "user": "bob", "event": "typing", "frame": typing(),
        "size": len(typing()), "verdict": "ok", "origin": "client 1",
        "base64": "", "recipients": [], "pinned": False, "annotation": "", "lint": [], "summary": "",
    }  # fmt: skip


async def test_a_binary_frame_is_returned_as_base64(control: Control) -> None:
    client = await control.connect()
    await client.send(b"\xff\xfe\x00")
    await until(lambda: any(row.kind is Kind.FROM_UI for row in control.companion.journal))
    (row,) = await control.rows("dir:c2s")
    assert (row["size"], row["verdict"], row["base64"]) == (3, "invalid", "//4A")


@pytest.mark.parametrize(
    "text", [r'{"event":"\ud800","data":{}}', r'{"event":"a","data":{"\udc00":1}}', '{"\ufffe":1}']
)
async def test_a_frame_with_a_lone_surrogate_is_returned_unchanged(control: Control, text: str) -> None:
    client = await control.connect()
    await client.send(text)
    await until(lambda: any(row.kind is Kind.FROM_UI for row in control.companion.journal))
    (row,) = await control.rows("dir:c2s")
    assert (row["frame"], row["verdict"]) == (text, "invalid")


async def test_an_export_contains_the_same_rows(control: Control) -> None:
    journal = control.companion.journal
    append_mixed_rows(journal, 20)
    journal.mark(5, pinned=True, annotation="Ä")
    await control.companion.contract_lint.catch_up()  # it marks rows later
    lines = encode_lines(journal.rows.copy(), range(journal.first_seq, journal.last_seq + 1))
    assert [json.loads(line) for line in lines] == await control.rows("")


# pins and annotations


async def test_pinned_and_annotated_rows_are_found_by_filters(control: Control) -> None:
    log_rows(control, 3)
    seq = control.companion.journal.last_seq - 1
    changed = await control.patch(f"/v1/journal/{seq}", {"pinned": True, "annotation": " too\nlate "})
    assert (changed.status, changed.json["seq"]) == (200, seq)
    assert (changed.json["pinned"], changed.json["annotation"]) == (True, "too late")
    for expression in ("is:pinned", "is:annotated", "annotation:LATE"):
        assert [row["seq"] for row in await control.rows(expression)] == [seq]
    await control.patch(f"/v1/journal/{seq}", {"pinned": False})
    assert await control.rows("is:pinned") == []
    assert [row["annotation"] for row in await control.rows("is:annotated")] == ["too late"]
    await control.patch(f"/v1/journal/{seq}", {"annotation": ""})
    assert await control.rows("is:annotated") == []


async def test_a_wrong_mark_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for seq, body, status, reason in [
        ("99", {"pinned": True}, 404, "Row 99 is not in the log."),
        ("x", {"pinned": True}, 404, "Row x is not in the log."),
        ("1", {"pinned": 1}, 422, "pinned"),
        ("1", {"annotation": "x" * 501}, 422, "annotation"),
        ("1", {"note": "x"}, 422, "note"),
    ]:
        with subtests.test(seq=seq, body=body):
            answer = await control.patch(f"/v1/journal/{seq}", body)
            assert answer.status == status
            assert reason in answer.json["detail"]
            assert control.companion.journal.rows.marks[1] == UNMARKED


# pages


async def test_without_after_a_page_contains_the_newest_rows_in_order(control: Control) -> None:
    log_rows(control, 250)
    page = await control.get_json("/v1/journal")
    assert [row["note"] for row in page["rows"]] == [f"number {number}" for number in range(150, 250)]
    last = control.companion.journal.last_seq
    assert (page["next_after"], page["last_seq"], page["dropped"]) == (last, last, 0)
    log_rows(control, 1, "new")
    page = await control.get_json("/v1/journal", after=page["next_after"])
    assert [row["event"] for row in page["rows"]] == ["new"]


async def test_next_after_of_an_empty_page_is_the_requested_row(control: Control) -> None:
    last = control.companion.journal.last_seq
    page = await control.get_json("/v1/journal", after=last)
    run = control.companion.journal.run_id
    assert page == {"rows": [], "next_after": last, "last_seq": last, "dropped": 0, "run": run}


async def test_a_page_without_matches_continues_after_the_examined_rows(control: Control) -> None:
    log_rows(control, 20)
    page = await control.get_json("/v1/journal", after=0, filter="none", limit=1)
    assert (page["rows"], page["next_after"]) == ([], control.companion.journal.last_seq)


async def test_a_page_reports_the_number_of_dropped_rows(make_control: MakeControl) -> None:
    control = await make_control(journal_rows=100)
    log_rows(control, 250)
    page = await control.get_json("/v1/journal", after=0, limit=10_000)
    assert len(page["rows"]) == 100
    assert page["dropped"] == page["last_seq"] - 100
    assert page["rows"][0]["seq"] == page["dropped"] + 1


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), expression=st.sampled_from(FILTERS), limit=st.integers(1, 40) | st.just(10_000))
async def test_no_row_is_lost_or_repeated_while_rows_are_appended_during_paging(
    control: Control, data: st.DataObject, expression: str, limit: int
) -> None:
    journal = control.companion.journal
    start = after = journal.last_seq
    append_mixed_rows(journal, data.draw(st.integers(0, 80), label="rows before"))
    rows: list[dict[str, Any]] = []
    while True:
        page = await control.get_json("/v1/journal", after=after, filter=expression, limit=limit)
        assert len(page["rows"]) <= limit
        assert page["next_after"] >= after
        rows += page["rows"]
        if page["next_after"] == after or len(rows) > 2_000:
            break
        after = page["next_after"]
        if len(rows) < 200:
            append_mixed_rows(journal, data.draw(st.integers(0, 9), label="rows between pages"))
    matches = parse(expression).matches
    assert [row["seq"] for row in rows] == [row.seq for row in journal.after(start) if matches(row)]


async def test_paging_with_a_filter_finds_rows_appended_meanwhile(control: Control) -> None:
    append_mixed_rows(control.companion.journal, 20_000)

    async def write() -> None:
        for _ in range(200):
            append_mixed_rows(control.companion.journal, 5)
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    received, after = [], 0
    while True:
        page = await control.get_json("/v1/journal", after=after, limit=10_000, filter="is:invalid")
        received += [row["seq"] for row in page["rows"]]
        if page["next_after"] == after and writing.done():
            break
        after = page["next_after"]
    assert received == [row.seq for row in control.companion.journal if row.verdict is Verdict.INVALID]


async def test_a_request_beyond_the_last_row_continues_at_the_last_row(control: Control) -> None:
    """Row numbers start at 1 after a restart. A caller that continues with an old number must not miss rows."""
    page = await control.get_json("/v1/journal", after=10_000)
    assert (page["rows"], page["next_after"]) == ([], control.companion.journal.last_seq)


async def test_after_a_restart_a_page_has_all_rows_of_the_new_run(control: Control) -> None:
    """Regression: rows of the new run were skipped, and no answer told that the companion had been restarted."""
    log_rows(control, 10)
    page = await control.get_json("/v1/journal", after=5)
    assert page["run"] == (await control.get_json("/v1/status"))["journal"]["run"]
    same = await control.get_json("/v1/journal", after=5, run=page["run"])
    assert same["rows"] == page["rows"]
    other = await control.get_json("/v1/journal", after=5, run="19ad0f1c2b3")
    assert [row["seq"] for row in other["rows"]] == list(range(1, control.companion.journal.last_seq + 1))


# the stream


async def test_a_stream_starts_with_the_next_row_and_is_in_order(control: Control) -> None:
    log_rows(control, 5, "before")
    async with control.stream() as stream:
        log_rows(control, 300)
        rows = [await stream.row() for _ in range(300)]
    assert [row["note"] for row in rows] == [f"number {number}" for number in range(300)]
    assert rows == await control.rows("tick")


async def test_a_stream_sends_each_row_without_delay(control: Control) -> None:
    client = await control.connect()
    async with control.stream(filter="event:friend_online") as stream:
        for _ in range(5):
            sent = (await control.post("/v1/events", online())).json["seq"]
            row = await asyncio.wait_for(stream.row(), PATIENCE_S)
            assert row["seq"] == sent
            assert row["frame"] == await frame(client)


async def test_a_stream_can_start_after_a_given_row(control: Control) -> None:
    log_rows(control, 10)
    last = control.companion.journal.last_seq
    async with control.stream(after=last - 3) as stream:
        log_rows(control, 1)
        assert [(await stream.row())["seq"] for _ in range(4)] == [last - 2, last - 1, last, last + 1]


async def test_a_reconnected_stream_continues_after_its_last_row(control: Control) -> None:
    log_rows(control, 10)
    async with control.stream(after=0, filter="tick") as stream:
        received = [(await stream.row())["seq"] for _ in range(4)]
        last_id = stream.last_id
    log_rows(control, 3, "tock")
    log_rows(control, 2)
    headers = {"Last-Event-ID": last_id}
    async with control.stream(headers=headers, after=0, filter="tick") as stream:
        received += [(await stream.row())["seq"] for _ in range(8)]
    assert received == [row["seq"] for row in await control.rows("tick")]


async def test_a_stream_continues_after_the_number_that_older_versions_sent(control: Control) -> None:
    log_rows(control, 10)
    async with control.stream(headers={"Last-Event-ID": "5"}) as stream:
        assert (await stream.row())["seq"] == 6


async def test_an_invalid_last_event_id_is_ignored(control: Control, subtests: pytest.Subtests) -> None:
    for last_id in ["x", "-1", "1.5", "9" * 400, "", "²", ":", "x:5"]:
        with subtests.test(last_id=last_id):
            async with control.stream(headers={"Last-Event-ID": last_id}, after=0) as stream:
                assert (await stream.row())["seq"] == 1


@pytest.mark.parametrize("last_id", ["10000", "999999999999999", "5:19ad0f1c2b3"])
async def test_after_a_restart_a_stream_sends_all_rows_of_the_new_run(control: Control, last_id: str) -> None:
    """Regression: if the new run had more rows than the last one that a client had seen, some were skipped."""
    log_rows(control, 10)
    async with control.stream(headers={"Last-Event-ID": last_id}) as stream:
        assert (await stream.row())["seq"] == 1


@pytest.mark.parametrize("after", [10_000, 999_999_999_999_999])
async def test_a_stream_after_a_number_of_an_earlier_run_sends_all_rows(control: Control, after: int) -> None:
    async with control.stream(after=after) as stream:
        assert (await stream.row())["seq"] == 1


async def test_a_stream_contains_only_rows_that_match_the_filter(control: Control) -> None:
    async with control.stream(filter="event:tick -note -3") as stream:
        for _ in range(5):
            log_rows(control, 5)
            log_rows(control, 50, "other")
        rows = [await stream.row() for _ in range(20)]
    assert {row["event"] for row in rows} == {"tick"}
    assert "number 3" not in {row["note"] for row in rows}


async def test_a_frame_with_line_breaks_is_one_event_of_the_stream(control: Control) -> None:
    text = "one\n\ndata: two\r\nid: 7\r\u2028event: dropped\0"
    async with control.stream(filter="dir:s2c") as stream:
        await control.post("/v1/frames", text.encode())
        assert (await stream.row())["frame"] == text


async def test_a_stream_reports_the_number_of_dropped_rows(make_control: MakeControl) -> None:
    control = await make_control(journal_rows=100)
    log_rows(control, 250)
    first = control.companion.journal.first_seq
    async with control.stream(after=5) as stream:
        dropped = await stream.next()
        assert dropped["event"] == "dropped"
        assert json.loads(dropped["data"]) == {"rows": first - 1 - 5}
        assert "id" not in dropped
        assert [(await stream.row())["seq"] for _ in range(100)] == list(range(first, first + 100))


async def test_rows_faster_than_the_stream_are_sent_or_counted_as_dropped(make_control: MakeControl) -> None:
    control = await make_control(journal_rows=100)
    start = control.companion.journal.last_seq
    async with control.stream() as stream:

        async def write() -> None:
            for number in range(60):
                log_rows(control, 20 + number * 3)
                await asyncio.sleep(0.01)
            log_rows(control, 1, "end")

        writing = asyncio.create_task(write())
        dropped, received, last, name = 0, 0, start, ""
        while name != "end":
            fields = await stream.next()
            if fields.get("event") == "dropped":
                dropped += json.loads(fields["data"])["rows"]
                last += json.loads(fields["data"])["rows"]
                continue
            row = json.loads(fields["data"])
            assert row["seq"] == last + 1
            received, last, name = received + 1, row["seq"], row["event"]
        await writing
    assert dropped > 0
    assert dropped + received == control.companion.journal.last_seq - start


async def test_a_slow_reader_receives_every_row_without_delaying_clients(control: Control) -> None:
    client = await control.connect()
    async with control.stream(filter="dir:s2c") as stream:
        for _ in range(300):
            await control.post("/v1/frames", b"x" * 30_000)  # far more than the socket buffers hold
            assert len(await frame(client)) == 30_000
        numbers = [(await stream.row())["seq"] for _ in range(300)]
    assert numbers == [row["seq"] for row in await control.rows("dir:s2c")]


async def test_a_closed_stream_removes_its_listener(control: Control) -> None:
    before = len(control.companion.journal.appended._listeners)
    async with control.stream():
        assert len(control.companion.journal.appended._listeners) == before + 1

    def removed() -> bool:
        log_rows(control, 1)
        return len(control.companion.journal.appended._listeners) == before

    await until(removed)


async def test_concurrent_streams_receive_the_same_rows(control: Control) -> None:
    async def follow() -> list[int]:
        async with control.stream(after=0) as stream:
            return [(await stream.row())["seq"] for _ in range(100)]

    following = [asyncio.create_task(follow()) for _ in range(10)]
    while not all(each.done() for each in following):
        log_rows(control, 3)
        await asyncio.sleep(0.01)
    assert [await each for each in following] == [list(range(1, 101))] * 10


async def test_rows_become_a_scenario(control: Control) -> None:
    companion = control.companion
    for user in ("alice", "bob"):
        await companion.fire(companion.message_from(user, f"I am {user}"), origin=PANEL)
    answer = await control.post("/v1/journal/scenario", {"filter": "event:new_message", "title": "Both"})
    assert answer.json["text"].splitlines()[:2] == ["# Both", "alice: I am alice"]
    seq = next(row.seq for row in companion.journal if b"I am bob" in row.payload)
    answer = await control.post("/v1/journal/scenario", {"rows": [seq]})
    assert answer.json == {"text": "bob: I am bob\n", "notes": []}
    answer = await control.post("/v1/journal/scenario", {"rows": [9999]})
    assert answer.status == 404
    assert "Row 9999 is not in the log." in str(answer.json)


async def test_a_scenario_that_is_too_long_says_which_rows_are_missing(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_operations, "MAX_ROWS", 5)
    log_rows(control, 10)
    answer = await control.post("/v1/journal/scenario", {"filter": "tick", "limit": 6})
    assert answer.json["notes"][0].startswith("Only the newest 5 rows are exported")


async def test_a_scenario_says_that_more_rows_match_than_the_limit(control: Control) -> None:
    """Regression: without a limit, only the newest 100 rows became a scenario, without a note."""
    log_rows(control, 101)
    limited = {"limit": 20, "after": 0}
    for body, rows in (
        ({}, ["newest 100 rows are"]), (limited, ["first 20 rows are"]), ({"limit": 1}, ["newest 1 row is"]),
        ({"limit": 101}, []),
    ):  # fmt: skip
        answer = await control.post("/v1/journal/scenario", {"filter": "tick", **body})
        assert answer.json["notes"] == [
            f"Only the {each} exported, because more match. Set a higher limit, or the row to begin after."
            for each in rows
        ]


async def test_rows_are_exported(control: Control) -> None:
    companion = control.companion
    for user in ("alice", "bob"):
        await companion.fire(companion.message_from(user, f"I am {user}"), origin=PANEL)
    seq = next(row.seq for row in companion.journal if b"I am bob" in row.payload)
    answer = await control.post("/v1/journal/export", {"rows": [seq], "as": "markdown", "title": "What bob says"})
    assert answer.json["suffix"] == "md"
    assert answer.json["text"].startswith("# What bob says\n")
    assert "I am alice" not in answer.json["text"]
    answer = await control.post("/v1/journal/export", {"filter": "event:new_message", "as": "ndjson"})
    assert [json.loads(line)["event"] for line in answer.json["text"].splitlines()] == ["new_message"] * 2
    answer = await control.post("/v1/journal/export", {"filter": "event:typing", "as": "msw"})
    assert answer.status == 422
    assert answer.json["detail"] == "No rows of the log match. Change the filter or the row numbers."
    answer = await control.post("/v1/journal/export", {"as": "cypress"})
    assert answer.status == 422


@pytest.mark.parametrize("after", [None, 0])
async def test_an_export_says_that_more_rows_match(control: Control, after: int | None) -> None:
    companion = control.companion
    for number in range(3):
        await companion.fire(companion.message_from("alice", f"text {number}"), origin=PANEL)
    body = {"filter": "event:new_message", "as": "ndjson", "limit": 2, "after": after}
    answer = await control.post("/v1/journal/export", body)
    texts = [json.loads(json.loads(line)["frame"])["data"]["text"] for line in answer.json["text"].splitlines()]
    which, shown = ("newest", ["text 1", "text 2"]) if after is None else ("first", ["text 0", "text 1"])
    assert texts == shown
    assert answer.json["notes"] == [
        f"Only the {which} 2 rows are exported, because more match. Set a higher limit, or the row to begin after."
    ]
    everything = await control.post("/v1/journal/export", {**body, "limit": 3})
    assert everything.json["notes"] == []
