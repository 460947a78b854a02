"""HAR files of Chromium and Playwright, wscat's output and lines of JSON become recordings, and back."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from app.exports.conversion import Imported
from app.exports.formats import HAR, JSON_LINES, NDJSON, read, suffix_of, write
from app.hub.recorded_rows import RecordedReader
from app.protocol.errors import Invalid
from app.protocol.session.actions import Received, RestCall, Sent, ServerEvent
from app.protocol.session.lines import format_lines, parse_lines
from app.protocol.session.steps import Session
from app.protocol.session.transcript import parse_transcript
from app.protocol.wire_names import WireNames
from tests.exports.recordings import IDS, c2s, posted, recording, s2c
from tests.exports.recordings import message as chat_message

FILES = Path(__file__).parent / "har_files"
START = 1_767_225_600.0
HELLO = '{"event":"friend_online","data":{"username":"alice"}}'
TYPING = '{"event":"typing","data":{"to":"alice","typing":true}}'


def message(kind: str, after: float, data: str = HELLO, opcode: int = 1) -> dict[str, Any]:
    return {"type": kind, "time": START + after, "opcode": opcode, "data": data}


def entry(*messages: Any, url: str = "ws://127.0.0.1:8081/events", **more: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-01-01T00:00:00.000Z", "request": {"method": "GET", "url": url},
        "_webSocketMessages": list(messages), **more,
    }  # fmt: skip


def har(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def from_har(*entries: Any, names: WireNames | None = None) -> Imported:
    return read(har(*entries), HAR, "x", names)


def refused(text: str, suffix: str = HAR) -> str:
    with pytest.raises(Invalid) as error:
        read(text, suffix, "x")
    return error.value.reason


@pytest.mark.parametrize("name", ["chromium", "playwright"])
def test_a_real_har_becomes_a_recording(name: str) -> None:
    found = read((FILES / f"{name}.har").read_text(encoding="utf-8"), HAR, name)
    actions = [each.action for each in found.session.steps]
    assert found.notes == ()
    assert found.session.header.kind == "recording"
    assert found.session.header.started.startswith("2026-11-29T09:32:")
    ends = ["connected 1", "disconnected 1", "connected 2", *(["disconnected 2"] if name == "chromium" else [])]
    assert [f"{each.server} {each.client}" for each in actions if isinstance(each, ServerEvent)] == ends
    sent = [json.loads(each.payload)["data"]["text"] for each in actions if isinstance(each, Sent)]
    assert "hello 👋" in sent
    typed = next(each for each in actions if isinstance(each, Received))
    assert (typed.c2s, typed.client, typed.payload) == ("typing", 2, TYPING)
    binary = next(each for each in actions if isinstance(each, Received) and each.base64)
    assert (binary.base64, binary.verdict) == ("AQL/", "invalid")
    calls = {each.rest: each for each in actions if isinstance(each, RestCall)}
    assert set(calls) == {"GET /status", "GET /friends", "GET /messages", "POST /messages"}
    assert calls["POST /messages"].request == {"to": "alice", "text": "Yes!"}
    assert calls["POST /messages"].response["delivery_method"] == "direct"
    assert calls["GET /messages"].query == "peer=alice&limit=50&offset=0"
    assert all(0 <= each.after < 5 for each in actions)


@pytest.mark.parametrize("name", ["chromium", "playwright"])
def test_a_har_that_is_exported_again_has_the_same_traffic(name: str) -> None:
    session = read((FILES / f"{name}.har").read_text(encoding="utf-8"), HAR, "x").session
    assert read(write(session, HAR).text, HAR, "x").session == session


@pytest.mark.parametrize("name", ["chromium", "playwright"])
def test_the_lines_of_an_imported_recording_are_rows_of_the_log(name: str) -> None:
    session = read((FILES / f"{name}.har").read_text(encoding="utf-8"), HAR, "x").session
    reader = RecordedReader(START)
    rows = [reader.read(line) for line in format_lines(session).splitlines()[1:]]
    posted = next(each.row for each in rows if each and each.row and each.row.event == "POST /messages")
    assert json.loads(posted.payload) == {"to": "alice", "text": "Yes!"}


def test_the_messages_of_several_connections_are_put_in_the_order_of_time() -> None:
    session = from_har(
        entry(message("receive", 3)), entry(message("send", 1, TYPING), url="ws://x/events?username=bob")
    ).session
    found = [(type(each.action).__name__, round(each.action.after, 3)) for each in session.steps]
    assert found == [("ServerEvent", 0), ("ServerEvent", 0), ("Received", 1), ("Sent", 2)]
    typed = session.steps[2].action
    assert isinstance(typed, Received)
    assert (typed.user, typed.client) == ("bob", 2)


def test_a_frame_to_several_clients_is_one_step_again_after_its_way_through_a_har() -> None:
    """Regression: it became one step for each client, and a replay to one user sent it that often."""
    connected = [ServerEvent(server="connected", client=each, user="me", origin="server") for each in (1, 2)]
    recipients = [("a", (2,)), ("b", (1, 2)), ("c", (1,)), ("d", (1, 2)), ("e", (2,))]
    frames = [replace(s2c(3, event, {}, after=0), recipients=clients) for event, clients in recipients]
    found = read(write(recording(*connected, *frames), HAR).text, HAR, "x").session
    steps = [each.action for each in found.steps if isinstance(each.action, Sent)]
    assert [(each.s2c, each.recipients) for each in steps] == recipients
    assert steps[1].to == "client:1,2"


def test_equal_frames_at_other_times_or_in_another_order_are_separate_steps() -> None:
    one, other = (HELLO, HELLO.replace("alice", "bob"))
    first = [message("receive", each, frame) for each, frame in ((1, one), (2, one), (2, other))]
    second = [message("receive", each, frame) for each, frame in ((1.001, one), (2, other), (2, one))]
    steps = [each.action for each in from_har(entry(*first), entry(*second)).session.steps]
    for client, messages in ((1, first), (2, second)):
        got = [each.payload for each in steps if isinstance(each, Sent) and client in each.recipients]
        assert got == [each["data"] for each in messages]


def test_frames_of_thousands_of_connections_at_the_same_time_are_merged() -> None:
    """Regression: the time grew with the cube of the connections, to minutes for these."""
    count = 3_000
    frames = [HELLO.replace("alice", f"a{each}") for each in range(count)]
    last = HELLO.replace("alice", "last")
    queues = [(frames[0], last), *((each,) for each in frames[1:]), (last, *reversed(frames))]
    entries = [entry(*(message("receive", 1, each) for each in queue)) for queue in queues]
    steps = [each.action for each in from_har(*entries).session.steps]
    assert [(each.payload, each.recipients) for each in steps if isinstance(each, Sent)] == [
        (frames[0], (1,)), (last, (1, count + 1)),
        *((frame, (number, count + 1)) for number, frame in list(enumerate(frames, 1))[:0:-1]),
        (frames[0], (count + 1,)),
    ]  # fmt: skip


def test_a_connection_at_any_path_is_recognized_by_its_events() -> None:
    steps = from_har(entry(message("send", 1, TYPING), url="ws://x/socket/v2?username=bob")).session.steps
    assert [each.action.c2s for each in steps if isinstance(each.action, Received)] == ["typing"]


def lives(session: Session) -> list[tuple[str, float]]:
    """Return when connections began and ended, in seconds since the first step."""
    found, passed = [], 0.0
    for step in session.steps:
        passed += step.action.after
        if isinstance(step.action, ServerEvent):
            found.append((f"{step.action.server} {step.action.client}", round(passed, 6)))
    return found


SECOND = {"startedDateTime": "2026-01-01T00:00:05.000Z"}


@pytest.mark.parametrize(
    ("first", "ended"),
    [
        (entry(message("receive", 1), time=1500.25), 1.50025),
        (entry(message("receive", 1.0004), time=1000), 1.0004),
        (entry(message("receive", 1), time=900), 5),
        (entry(message("receive", 1), time=0), 5),
        (entry(message("receive", 1), time=-1), 5),
        (entry(message("receive", 1)), 5),
        (entry(message("receive", 1), time=1e300), 5),
        (entry(message("receive", 6)), None),
        (entry(message("receive", 1), url="ws://x/events?username=bob"), None),
    ],
)
def test_a_connection_ends_after_its_duration_or_when_its_browser_connects_again(
    first: dict[str, Any], ended: float | None
) -> None:
    """Regression: connections had no end, so that one that came back was another page."""
    end = [] if ended is None else [("disconnected 1", ended)]
    second = entry(message("receive", 7), **SECOND)
    assert lives(from_har(first, second).session) == [("connected 1", 0), *end, ("connected 2", 5)]


def test_ends_of_connections_and_their_codes_are_in_a_har_that_is_exported() -> None:
    connected = partial(ServerEvent, server="connected", user="me", page="http://localhost:1420", agent="Chrome")
    session = recording(
        connected(client=1),
        s2c(1, "friend_online", {"username": "bob"}, after=0.0004),
        ServerEvent(after=0.0001, server="disconnected", client=1, user="me", code=1012),
        connected(after=3.2, client=2),
        s2c(2, "friend_offline", {"username": "bob"}, client=2),
        ServerEvent(after=1, server="disconnected", client=2, user="me"),
        connected(after=1, client=3),
        s2c(3, "friend_online", {"username": "bob"}, client=3),
        ServerEvent(after=1, server="disconnected", client=3, user="me", code=1001, by_client=True),
    )
    again = read(write(session, HAR).text, HAR, "x").session
    assert [each for each, _ in lives(again)] == [each for each, _ in lives(session)]
    times = [time for _, time in lives(session)]
    assert [time for _, time in lives(again)] == pytest.approx(times, abs=0.001), "HAR files have milliseconds"
    actions = [each.action for each in again.steps if isinstance(each.action, ServerEvent)]
    ends = [each for each in actions if each.server == "disconnected"]
    assert [(each.code, each.by_client) for each in ends] == [(1012, False), (None, False), (1001, True)]


def test_fields_that_a_har_need_not_have_may_be_null() -> None:
    """Regression: a comment that is null, or is not text, was an error."""
    nothing: dict[str, Any] = {"comment": None, "time": None, "response": None}
    socket = entry(message("receive", 1), **nothing)
    socket["request"] |= {"headers": None, "postData": None}
    empty = {"status": None, "content": None}
    calls = [
        entry(url="http://127.0.0.1:8080/status", **nothing | {"comment": 5, "response": empty}),
        entry(url="http://127.0.0.1:8080/status", **nothing, _webSocketMessages=None),
    ]
    calls[0]["request"]["headers"] = [{"name": None}, {"name": "Origin", "value": None}]
    other = {**entry(url="http://other/"), "startedDateTime": None}
    found = from_har(entry(message("receive", 1), comment=1006), *calls, socket, other)
    assert [each.key for each in found.session.steps].count("rest") == 2
    assert found.notes == ("2 calls have no response: their status in the file is 0.",)


def test_times_in_milliseconds_are_recognized() -> None:
    found = from_har(entry({**message("receive", 0), "time": (START + 1.5) * 1000}))
    assert found.session.steps[1].action.after == 1.5


def test_a_time_that_goes_backwards_is_named_and_the_order_is_kept() -> None:
    found = from_har(entry(message("receive", 5), message("receive", 2, TYPING), message("receive", 6)))
    assert found.notes == ("Entry 1, message 2: its time is 3 s before the previous one; the order is kept.",)
    assert [each.action.after for each in found.session.steps] == [0, 5, 0, 1]


def test_cookies_and_tokens_are_not_imported() -> None:
    headers = [{"name": name, "value": "secret"} for name in ("Cookie", "Authorization")]
    request = {"method": "GET", "headers": [*headers, {"name": "Origin", "value": "http://localhost:1420"}]}
    socket = entry(message("receive", 1))
    socket["request"] = {**request, "url": "ws://127.0.0.1:8081/events"}
    call = {**entry(), "request": {**request, "url": "http://127.0.0.1:8080/friends"}}
    text = format_lines(from_har(socket, call).session)
    assert "secret" not in text
    assert text.count("http://localhost:1420") == 2


def test_what_is_left_out_is_named() -> None:
    found = from_har(entry(message("receive", 1, "{}"), url="ws://localhost:1420/"), entry(message("receive", 1)))
    assert found.notes == ("1 WebSocket connection without chat events left out.",)
    ping = from_har(entry(message("receive", 1), message("receive", 2, "", 9)))
    assert ping.notes == ("Entry 1, message 2 left out: opcode 9 is neither a text nor a binary message.",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"log": {"entries": [}}', "line 1, column 22: Not a HAR file: Expecting value."),
        ("", "line 1, column 1: Not a HAR file: Expecting value."),
        ("[" * 5000, "Not a HAR file: "),
        ("[]", "Not a HAR file: the file must be an object, not a list."),
        ('{"log": {}}', "Not a HAR file: log "),
        (har({"request": {"method": "GET", "url": 5}}), "Not a HAR file: log.entries[0].request.url must be text"),
        (har(), "The HAR file has no WebSocket connection."),
        (har(entry()), "The HAR file has a WebSocket connection without messages: open the developer tools"),
        (
            har(entry(response={"content": {"_file": "x.jsonl"}})),
            "The WebSocket messages are not in the HAR file: in Playwright, record it with content: 'embed'.",
        ),
        (
            har(entry(message("receive", 0, "{}"), url="ws://localhost:1420/")),
            'The HAR file has no WebSocket message like {"event": "typing", "data": {}}.',
        ),
        (har(entry(message("got", 0))), "Entry 1, message 1: type must be send or receive, not 'got'."),
        (har(entry(message("send", 0, "?", 2))), "Entry 1, message 1: the data of a binary message must be"),
        (har(entry(message("send", -2e9))), "Entry 1, message 1: time -232774400.0 is not a time in seconds."),
        (
            har({**entry(message("send", 0)), "startedDateTime": "9999-12-31T23:59:59-14:00"}),
            "Entry 1: startedDateTime '9999-12-31T23:59:59-14:00' is not a time like 2026-01-01T00:00:00Z.",
        ),
        (
            har({**entry(message("send", 0)), "startedDateTime": "yesterday"}),
            "Entry 1: startedDateTime 'yesterday' is not a time like 2026-01-01T00:00:00Z.",
        ),
    ],
)  # fmt: skip
def test_an_invalid_har_is_refused_with_the_place(text: str, reason: str) -> None:
    assert refused(text).startswith(reason)


def test_lines_of_frames_become_a_recording() -> None:
    wscat = f'Connected (press CTRL+C to quit)\n< {HELLO}\n> {TYPING}\nDisconnected (code: 1012, reason: "")\n'
    for text in (wscat, f'{HELLO}\n\n{{"type":"send","time":1,"data":{json.dumps(TYPING)}}}\n'):
        connected, sent, received = (each.action for each in read(text, JSON_LINES, "x").session.steps)
        assert isinstance(connected, ServerEvent)
        assert isinstance(sent, Sent)
        assert isinstance(received, Received)
        assert (sent.payload, received.payload) == (HELLO, TYPING)


def test_exported_rows_have_the_traffic_and_can_be_imported_again() -> None:
    session = read((FILES / "chromium.har").read_text(encoding="utf-8"), HAR, "x").session
    exported = write(session, JSON_LINES).text
    rows = [json.loads(line) for line in exported.splitlines()]
    assert len(rows) == len(session.steps)
    posted = next(each for each in rows if each["event"] == "POST /messages")
    assert (posted["origin"], json.loads(posted["frame"]), posted["status"]) == (
        "rest", {"to": "alice", "text": "Yes!"}, 200,
    )  # fmt: skip
    again = read(exported, JSON_LINES, "x").session

    def frames(steps: Any) -> list[tuple[str, str]]:
        return [
            (each.action.payload, each.action.base64) for each in steps if isinstance(each.action, Sent | Received)
        ]

    assert frames(again.steps) == frames(session.steps)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n", "The file has no frames."),
        ('{"direction": "server", "event": "listening", "frame": ""}', "The file has no frames."),
        (f"{HELLO}\n{{\n", "line 2, column 1: invalid JSON: "),
        ("[1]\n", "line 1, column 1: A line must be an object"),
        ('{"direction": "s2c", "frame": "x", "time": "now"}', "line 1, column 1: time 'now' is not a time."),
        ('{"direction": "s2c", "frame": "x", "base64": "?"}', "line 1, column 1: A binary frame must be base64."),
        ('{"direction": "s2c", "frame": "x", "recipients": ["a"]}', "line 1, column 1: recipients must be"),
    ],
)
def test_an_invalid_line_is_refused_with_its_number(text: str, reason: str) -> None:
    assert refused(text, JSON_LINES).startswith(reason)


def test_a_scenario_has_no_traffic_to_export() -> None:
    for suffix in (HAR, JSON_LINES):
        with pytest.raises(Invalid, match="Only a recording can be written as"):
            write(parse_transcript("alice: hi\n"), suffix)


def test_frames_that_no_client_received_are_counted() -> None:
    lines = f'{{"session": 1}}\n{{"s2c": "friend_online", "payload": {json.dumps(HELLO)}}}\n'
    session = read(lines, ".session.jsonl", "x").session
    assert write(session, HAR).notes == ("1 frame that no client received is left out.",)


def test_other_names_of_the_envelope_keys_are_replaced_except_in_rows_of_the_log() -> None:
    """Files that the companion exports have its own names, so these are recognized, too."""
    names = WireNames("type", "payload")
    wire = '{"type":"typing","payload":{"to":"alice","typing":true}}'
    row = {"direction": "c2s", "client": "1", "event": "(raw frame)", "frame": wire}
    lines = [f"> {wire}", f"> {TYPING}", wire, json.dumps(message("send", 1, wire)), json.dumps(row)]
    found = read("\n".join(lines), JSON_LINES, "x", names).session
    actions = [each.action for each in found.steps if isinstance(each.action, Received | Sent)]
    assert [each.payload for each in actions] == [TYPING] * 4 + [wire]
    again = from_har(entry(message("send", 1, TYPING), message("send", 2, wire), url="ws://x/socket"), names=names)
    sent = [each.action.payload for each in again.session.steps if isinstance(each.action, Received)]
    assert sent == [TYPING, TYPING]
    with pytest.raises(Invalid, match=r'no WebSocket message like \{"type": "typing", "payload": \{\}\}'):
        from_har(entry(message("send", 1, "[]"), url="ws://x/socket"), names=names)


def test_the_longest_suffix_chooses_the_format() -> None:
    names = ["a.session.jsonl", "A.HAR", "a.jsonl", "a.ndjson", "a.chat", "a.txt"]
    assert [suffix_of(each) for each in names] == [".session.jsonl", ".har", ".jsonl", ".ndjson", ".chat", ""]


def test_rows_that_are_imported_again_have_the_same_traffic() -> None:
    text = "line\u2028separator \u2029 \x85 \x0b"
    session = recording(
        ServerEvent(seq=1, server="connected", client=1, user="me", origin="server"),
        s2c(2, "new_message", chat_message(text)),
        posted(3, "alice", text),
        c2s(4, "typing", {"to": "alice", "typing": True}),
    )  # fmt: skip
    lines = write(session, NDJSON).text
    for suffix in (NDJSON, JSON_LINES):
        again = [each.action for each in read(lines.replace("\n", "\r\n"), suffix, "x").session.steps]
        assert [type(each) for each in again] == [ServerEvent, Sent, RestCall, Received]
        assert isinstance(again[1], Sent)
        assert json.loads(again[1].payload)["data"]["text"] == text
        call = again[2]
        assert isinstance(call, RestCall)
        assert (call.rest, call.status) == ("POST /messages", 200)
        assert call.request == {"to": "alice", "text": text}
        assert call.response == {"msg_id": IDS[50]}


def test_the_users_of_imported_rows_are_kept() -> None:
    rows = [
        {"direction": "server", "client": "1", "user": "bob", "event": "connected", "frame": ""},
        {"direction": "s2c", "client": "all", "user": "alice", "frame": HELLO, "recipients": [1, 2]},
        {"direction": "c2s", "client": "1", "user": "bob", "frame": TYPING},
        {"direction": "c2s", "client": "2", "user": "zoe", "frame": TYPING},
    ]
    session = read("\n".join(map(json.dumps, rows)), NDJSON, "x").session
    actions = [each.action for each in session.steps]
    assert session.header.me == "bob"
    assert [each.user for each in actions if isinstance(each, ServerEvent | Received)] == [
        "bob",
        "zoe",
        "bob",
        "zoe",
    ]


def test_the_ends_of_connections_in_rows_are_imported() -> None:
    frame = {"frame": HELLO, "direction": "s2c", "event": "friend_online"}
    end = {"frame": "", "direction": "server", "event": "disconnected"}
    rows = [
        {**frame, "time": START, "recipients": [1], "client": "all"},
        {**end, "time": START + 1, "client": "1", "note": "closed with 1012"},
        {**end, "time": START + 1, "client": "7", "note": "closed with 1000"},
        {**end, "time": START + 1, "client": ""},
        {**frame, "time": START + 5, "recipients": [2], "client": "all"},
        {**end, "time": START + 6, "client": "2", "note": ""},
    ]
    session = read("\n".join(map(json.dumps, rows)), JSON_LINES, "x").session
    assert lives(session) == [("connected 1", 0), ("disconnected 1", 1), ("connected 2", 5), ("disconnected 2", 6)]
    assert lives(read(write(session, JSON_LINES).text, JSON_LINES, "x").session) == lives(session)


def test_rows_to_several_clients_and_to_none_are_imported_as_such() -> None:
    """Regression: the first client got all of them."""
    lines = [{"direction": "s2c", "client": "all", "frame": HELLO, "recipients": each} for each in ([1, 2, 3], [])]
    found = read("\n".join(map(json.dumps, lines)), JSON_LINES, "x")
    actions = [each.action for each in found.session.steps]
    assert [each.client for each in actions if isinstance(each, ServerEvent)] == [1, 2, 3]
    assert [each.recipients for each in actions if isinstance(each, Sent)] == [(1, 2, 3)]
    assert found.notes == ("1 frame that no client received is left out.",)


def test_secrets_in_the_query_of_a_call_are_left_out() -> None:
    url = (
        "http://127.0.0.1:8080/messages?access_token=SECRET&peer=bob%20s&api%5Fkey=SECRET&limit=5&Session-Id=SECRET"
    )
    found = from_har(
        entry(message("receive", 0)),
        {"startedDateTime": "2026-01-01T00:00:05Z", "request": {"method": "GET", "url": url}},
    )
    (call,) = [each.action for each in found.session.steps if isinstance(each.action, RestCall)]
    assert call.query == "peer=bob%20s&limit=5"
    assert "Secrets in addresses left out: Session-Id, access_token, api_key." in found.notes


def test_a_time_after_the_year_9999_is_refused() -> None:
    row = json.dumps({"type": "send", "data": "{}", "time": 1e15})
    assert "time '1000000000000000.0' is not a time." in refused(row, JSON_LINES)


def test_the_row_of_a_get_has_its_query_as_json() -> None:
    row = {
        "direction": "c2s",
        "client": "rest",
        "origin": "rest",
        "event": "GET /messages",
        "frame": '{"peer":"bob"}',
    }
    (call,) = [each.action for each in read(json.dumps(row), JSON_LINES, "x").session.steps]
    assert isinstance(call, RestCall)
    assert (call.query, call.request) == ("peer=bob", None)


@pytest.mark.parametrize(
    "body",
    ["[" * 40 + "]" * 40, "[" * 985 + "]" * 985, '{"username":NaN}', '{"to":"\\ud800"}', '{"id":-1e999}'],
    ids=["nested", "nested deeply", "NaN", "lone surrogate", "infinity"],
)
def test_a_body_that_a_session_cannot_contain_is_kept_as_text(body: str) -> None:
    call = {
        "request": {"method": "POST", "url": "http://127.0.0.1:8080/messages", "postData": {"text": body}},
        "response": {"status": 400, "content": {"text": body}},
    }
    session = from_har(entry(message("receive", 1)), entry() | call).session
    (action,) = [each.action for each in session.steps if isinstance(each.action, RestCall)]
    assert action.request == action.response == body
    assert parse_lines(format_lines(session)).session == session


def test_calls_to_other_servers_and_invalid_addresses_are_left_out() -> None:
    """Regression: an invalid URL in any entry ended with an unexpected error."""
    urls = [
        "http://[bad/x", "http://127.0.0.1:8080/status", "https://status.example.com/status",
        "https://status.example.com/status/2",
    ]  # fmt: skip
    calls = [entry(url=each, response={"status": 200}) for each in urls]
    found = from_har(entry(message("receive", 1)), *calls)
    imported = [each.action.rest for each in found.session.steps if isinstance(each.action, RestCall)]
    assert imported == ["GET /status"]
    assert found.notes == ("Calls to other servers left out: status.example.com.",)


@pytest.mark.parametrize("names_types", [True, False])
def test_pages_and_modules_of_a_development_server_are_no_calls(names_types: bool) -> None:
    """Regression: those with the path of a call, on the host of the WebSocket, were imported."""
    entries = [
        ("document", "http://localhost:5173/messages"), ("script", "http://localhost:5173/friends/List.tsx"),
        ("fetch", "http://localhost:8080/status"), ("xhr", "http://localhost:8080/friends"),
        ("xhr", "http://LOCALHOST:8080/messages"),
    ]  # fmt: skip
    calls = [entry(url=url) | ({"_resourceType": kind} if names_types else {}) for kind, url in entries]
    found = from_har(entry(message("receive", 1), url="ws://localhost:8081/events"), *calls)
    imported = [each.action.rest for each in found.session.steps if isinstance(each.action, RestCall)]
    assert imported == ["GET /status", "GET /friends", "GET /messages"]
    assert ("Calls to other servers left out: localhost:5173." in found.notes) is not names_types


def test_a_server_may_have_its_usual_port_in_some_addresses_alone() -> None:
    calls = [entry(url=each) for each in ("http://x/status", "http://me@X:80/friends", "http://x:9000/messages")]
    found = from_har(entry(message("receive", 1), url="ws://x/events"), *calls)
    assert [each.action.rest for each in found.session.steps if isinstance(each.action, RestCall)] == [
        "GET /status", "GET /friends",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["Jürgen X", "a?b", "a#b", "50%25", "b%E0%A4%A"])
def test_a_path_has_no_escapes_and_is_the_same_in_a_har_that_is_exported(name: str) -> None:
    """``50%25`` is a name with this text, and the last one an escape that is not UTF-8."""
    session = recording(s2c(1, "typing", {}), RestCall(after=1, seq=2, rest=f"DELETE /friends/{name}", status=200))
    again = read(write(session, HAR).text, HAR, "x").session
    assert [each.action.rest for each in again.steps if isinstance(each.action, RestCall)] == [
        f"DELETE /friends/{name}"
    ]


def test_escapes_in_the_path_of_a_har_are_decoded_if_they_are_utf8() -> None:
    urls = [f"http://127.0.0.1:8080/friends/{each}" for each in ("J%C3%BCrgen%20X", "a%3Fb", "b%E0%A4%A")]
    found = from_har(entry(message("receive", 1)), *(entry(url=each) for each in urls))
    calls = [each.action.rest for each in found.session.steps if isinstance(each.action, RestCall)]
    assert calls == ["GET /friends/Jürgen X", "GET /friends/a?b", "GET /friends/b%E0%A4%A"]


def test_calls_without_a_response_are_named_and_are_no_success() -> None:
    statuses = (-1, 0, 101, 600, 204)
    calls = [
        entry(url="http://127.0.0.1:8080/status", response={"status": each, "content": {"text": "{}"}})
        for each in statuses
    ]
    found = from_har(entry(message("receive", 1)), *calls)
    actions = [each.action for each in found.session.steps if isinstance(each.action, RestCall)]
    assert [(each.status, each.response, each.verdict, each.comment) for each in actions] == [
        *[(0, None, "warning", "no response")] * 4, (204, {}, "ok", ""),
    ]  # fmt: skip
    assert found.notes == ("4 calls have no response: their status in the file is -1, 0, 101, 600.",)
    assert from_har(entry(message("receive", 1)), calls[1]).notes == (
        "1 call has no response: its status in the file is 0.",
    )


def test_a_row_of_a_call_that_failed_keeps_its_verdict() -> None:
    """Its note is the reason, without a status."""
    row = {
        "direction": "c2s", "client": "rest", "origin": "rest", "event": "POST /messages", "frame": "{}",
        "note": "text is missing", "verdict": "invalid",
    }  # fmt: skip
    (call,) = [each.action for each in read(json.dumps(row), JSON_LINES, "x").session.steps]
    assert isinstance(call, RestCall)
    assert (call.status, call.verdict) == (0, "invalid")


def test_a_row_of_the_log_with_a_rest_call_has_its_status_in_the_note() -> None:
    row = {
        "direction": "c2s",
        "client": "rest",
        "origin": "rest",
        "event": "POST /messages",
        "frame": "{",
        "note": "400: bad",
    }
    (call,) = [each.action for each in read(json.dumps(row), JSON_LINES, "x").session.steps]
    assert isinstance(call, RestCall)
    assert (call.status, call.request, call.comment) == (400, "{", "400: bad")


@pytest.mark.parametrize(
    "wrong", [{"event": 1}, {"query": 1}, {"took": "x"}, {"took": -1}, {"status": "200"}, {"status": True}]
)
def test_an_invalid_rest_call_in_a_line_is_reported(wrong: dict[str, Any]) -> None:
    row = {"direction": "c2s", "origin": "rest", "event": "GET /friends", "frame": "", **wrong}
    assert refused(json.dumps(row), JSON_LINES).startswith("line 1, column 1: ")


WEEKEND = 3 * 86_400


@pytest.mark.parametrize("suffix", [".session.jsonl", ".chat", HAR, JSON_LINES])
def test_a_recording_with_a_pause_of_days_can_be_read_back(suffix: str) -> None:
    found = from_har(entry(message("receive", 1), message("receive", 1 + WEEKEND))).session
    again = read(write(found, suffix).text, suffix, "x").session
    assert sum(each.action.after for each in again.steps) == pytest.approx(WEEKEND + 1, abs=1)


def test_a_pause_that_no_recording_can_have_is_shortened() -> None:
    found = from_har(entry(message("receive", -START), message("receive", 1))).session
    assert parse_lines(format_lines(found)).session.steps == found.steps


def test_a_recording_until_after_the_year_9999_is_refused() -> None:
    steps = [s2c(1, "friend_online", {}, after=1e9)] * 300
    with pytest.raises(Invalid, match="after the year 9999"):
        write(recording(*steps), JSON_LINES)
