"""Invalid input to the control API: it is reported with its path, changes nothing and is not logged."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.endpoints.control.api import OPERATIONS
from app.endpoints.control.operations import BODY_BYTES, JSON
from app.protocol.backend import MAX_STATE_BYTES
from app.protocol.envelope import MAX_RAW_BYTES
from tests.conftest import examples
from tests.endpoints.control_api import TOKEN, Control, frame, message, online
from tests.endpoints.raw import tcp_to

PATH_VALUES = {"id": "1", "name": "mine", "seq": "1", "username": "alice", "msg_id": "none", "item": "1"}
JSON_OPERATIONS = [
    (each.method, each.path.format_map(PATH_VALUES))
    for each in OPERATIONS
    if each.body is not None and each.media == JSON
]
"""All operations with a JSON body. They share one reader, so all cases are tested with one of them."""

INVALID_JSON = {
    "empty": (b"", "empty"),
    "blank": (b" \r\n", "empty"),
    "text": (b"hello", "line 1 column 1"),
    "incomplete": (b'{"event":"typing","data":', "line 1 column 26"),
    "two": (b"{}{}", "column 3"),
    "single quotes": (b"{'event':'x'}", "column 2"),
    "duplicate key": (b'{"event":"a","event":"b","data":{}}', "event: duplicate key"),
    "duplicate key inside": (b'{"event":"a","data":{"x":{"y":1,"y":2}}}', "y: duplicate key"),
    "NaN": (b'{"event":"a","data":{"x":NaN}}', "NaN is not valid JSON"),
    "infinity": (b'{"event":"a","data":{"x":-Infinity}}', "-Infinity is not valid JSON"),
    "a number too large": (b'{"event":"a","data":{"x":1e999}}', "1e999 is too large"),
    "a number too long": (b'{"event":"a","data":{"x":' + b"1" * 5_000 + b"}}", "invalid number"),
    "half a pair": (b'{"event":"a","data":{"x":"\\ud800"}}', "data.x: contains a lone surrogate"),
    "half a pair in a list": (b'{"event":"a","data":{"x":[0,"\\udfff"]}}', "data.x[1]: contains a lone surrogate"),
    "half a pair in a key": (b'{"event":"a","data":{"\\udc00":1}}', "contains a lone surrogate"),
    "depth 33": (b'{"event":"a","data":' * 17 + b"[" * 16 + b"]" * 16 + b"}" * 17, "nested deeper than 32 levels"),
    "depth 100,000": (b"[" * 60_000, "nested deeper than 32 levels"),
    "not UTF-8": (b'{"event":"\xff"}', "not UTF-8"),
    "UTF-16": ('{"event":"a","data":{}}'.encode("utf-16"), "not UTF-8"),
}


async def test_invalid_json_is_rejected_with_its_position(control: Control, subtests: pytest.Subtests) -> None:
    for case in INVALID_JSON:
        with subtests.test(case=case):
            before, rows = await control.state(), control.companion.journal.last_seq
            body, place = INVALID_JSON[case]
            answer = await control.call("POST", "/v1/events", body)
            assert answer.status == 400
            assert place in answer.detail
            assert await control.state() == before
            assert control.companion.journal.last_seq == rows


async def test_json_that_is_not_an_object_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for body in [[], "alice", 7, None, True]:
        with subtests.test(body=body):
            answer = await control.call("POST", "/v1/events", json.dumps(body).encode())
            assert answer.status == 422
            assert answer.detail.startswith("The body must be an object, not ")


async def test_every_operation_rejects_invalid_json(control: Control) -> None:
    before, rows = await control.state(), control.companion.journal.last_seq
    for method, path in JSON_OPERATIONS:
        invalid, other = await control.call(method, path, b'{"half":'), await control.call(method, path, b"7")
        assert (invalid.status, other.status) == (400, 422), (method, path)
        assert "line 1 column 9" in invalid.detail
        assert other.detail.startswith("The body must be ")
    assert await control.state() == before
    assert control.companion.journal.last_seq == rows


async def test_depth_32_is_sent_and_33_is_not(control: Control) -> None:
    deep: Any = []
    for _ in range(29):
        deep = [deep]  # plus the levels of the data and the event
    accepted = await control.post("/v1/events", {"event": "x", "data": {"x": deep}}, query={"strict": 0})
    rejected = await control.post("/v1/events", {"event": "x", "data": {"x": [deep]}}, query={"strict": 0})
    assert (accepted.status, rejected.status) == (200, 400)


async def test_any_json_number_is_accepted(control: Control, subtests: pytest.Subtests) -> None:
    client = await control.connect()
    for number in [2**53, 2**64 - 1, 2**64, -(2**63) - 1, 10**400, 5e-324, -0.0, 1e308]:
        with subtests.test(number=number):
            body = {"event": "anything", "data": {"n": number}}
            assert (await control.post("/v1/events", body, query={"strict": 0})).status == 200
            assert json.loads(await frame(client)) == body
            saved = await control.put("/v1/fixtures/mine", body)
            assert saved.status == 200
            assert saved.json["fixture"]["data"] == body["data"]
            assert (await control.get_json("/v1/fixtures/mine"))["fixture"]["data"] == body["data"]
            fired = await control.post("/v1/trigger", {"fixture": "mine", "strict": False})
            assert fired.status == 200
            assert json.loads(await frame(client)) == body
            fired = await control.post("/v1/trigger", {"event": "typing", "set": {"n": number}, "strict": False})
            assert fired.status == 200
            assert json.loads(await frame(client))["data"]["n"] == number


@pytest.mark.parametrize("order", [10**30, -(10**30), 2**64])
async def test_a_large_order_of_a_fixture_is_accepted_or_rejected(control: Control, order: int) -> None:
    saved = await control.put("/v1/fixtures/mine", {"frame": "", "order": order})
    assert saved.status in (200, 422)
    assert (await control.get("/v1/fixtures")).status == 200


WRONG_TYPES: list[tuple[str, str, Any, str]] = [
    ("POST", "/v1/events", {"data": {}}, "lacks the field event"),
    ("POST", "/v1/events", {"event": "a"}, "lacks the field data"),
    ("POST", "/v1/events", {"event": "", "data": {}}, "at event must not be empty"),
    ("POST", "/v1/events", {"event": 7, "data": {}}, "at event must be text, not a number"),
    ("POST", "/v1/events", {"event": "a", "data": []}, "at data must be an object, not a list"),
    ("POST", "/v1/events", {"event": "a", "data": None}, "at data must be an object, not null"),
    ("POST", "/v1/events", {"event": "a", "data": {}, "to": "all"}, "has an unknown field: to"),
    ("POST", "/v1/trigger", {"event": 7}, "at event must be text, not a number"),
    ("POST", "/v1/trigger", {"event": "typing", "set": []}, "at set must be an object, not a list"),
    ("POST", "/v1/trigger", {"event": "typing", "remove": ["a", 7]}, "at remove[1] must be text, not a number"),
    ("POST", "/v1/trigger", {"event": "typing", "seed": -1}, "at seed must be at least 0"),
    ("POST", "/v1/trigger", {"event": "typing", "seed": 2**63}, "at seed"),
    ("POST", "/v1/trigger", {"event": "typing", "seed": 1.5}, "at seed must be a whole number"),
    ("POST", "/v1/trigger", {"event": "typing", "wait": "5"}, "at wait must be a number, not text"),
    ("POST", "/v1/trigger", {"event": "typing", "wait": -1}, "at wait must be at least 0"),
    ("POST", "/v1/trigger", {"event": "typing", "wait": 3601}, "at wait must be at most 3600"),
    ("POST", "/v1/trigger", {"event": "typing", "strict": 1}, "at strict must be true or false, not a number"),
    ("POST", "/v1/trigger", {"event": "typing", "persona": "x" * 65}, "at persona"),
    ("POST", "/v1/trigger", {"event": "typing", "evnet": 1}, "has an unknown field: evnet"),
    ("PATCH", "/v1/settings", {"theme": "pink"}, "at theme must be one of: dark, light, system."),
    ("PATCH", "/v1/settings", {"theme": 7}, "at theme must be one of: dark, light, system."),
    ("POST", "/v1/ui-state/compare", {"flavour": "x"}, "at flavour must be one of: guide, shipped."),
    ("POST", "/v1/expectations", {"where": []}, "at where must be an object, not a list"),
    ("POST", "/v1/expectations", {"within": True}, "at within must be a number, not true or false"),
    ("POST", "/v1/expectations", {"within": -0.1}, "at within"),
    ("POST", "/v1/expectations", {"within": 3601}, "at within"),
    ("POST", "/v1/expectations", {"after": -1}, "at after"),
    ("POST", "/v1/expectations", {"after": 2**53 + 1}, "at after"),
    ("POST", "/v1/expectations", {"event": "typing", "from": "me"}, "has an unknown field: from"),
    ("PATCH", "/v1/clients/1", {}, "lacks the field username"),
    ("PATCH", "/v1/clients/1", {"username": ""}, "at username"),
    ("PATCH", "/v1/clients/1", {"username": "x" * 65}, "at username"),
    ("PATCH", "/v1/clients/1", {"username": None}, "at username must be text, not null"),
    ("PUT", "/v1/fixtures/mine", {"event": "typing", "data": {}, "times": 0}, "at times must be at least 1"),
    ("PUT", "/v1/fixtures/mine", {"event": "typing", "data": {}, "order": 1.5}, "at order must be a whole number"),
    ("PUT", "/v1/fixtures/mine", {"frame": 7}, "at frame must be text, not a number"),
    ("PUT", "/v1/fixtures/mine", {"frame": "", "name": "x"}, "has an unknown field: name"),
    ("PATCH", "/v1/fixtures/mine", {"name": ""}, "at name"),
    ("PATCH", "/v1/fixtures/mine", {"name": 7}, "at name must be text, not a number"),
]  # fmt: skip


async def test_values_of_a_wrong_type_are_rejected_with_their_path(
    control: Control, subtests: pytest.Subtests
) -> None:
    await control.connect()
    for method, path, body, place in WRONG_TYPES:
        with subtests.test(method=method, path=path, place=place):
            before, rows = await control.state(), control.companion.journal.last_seq
            answer = await control.call(method, path, body)
            assert answer.status == 422
            assert answer.detail.startswith("The body")
            assert place in answer.detail
            assert await control.state() == before
            assert control.companion.journal.last_seq == rows


async def test_an_invalid_event_is_rejected_with_all_paths(control: Control) -> None:
    event = message(reactions=[{"emoji": "👍", "from": "bob"}, {"emoji": 7, "from": "bob"}])
    del event["data"]["text"]
    answer = await control.post("/v1/events", event)
    assert answer.status == 422
    parts = answer.problem["problems"]
    assert {part["path"] for part in parts} >= {"data.text"}
    assert any(part["path"].startswith("data.reactions[1]") for part in parts)
    for part in parts:
        assert part["path"] in answer.detail


# size

SMALL_BODIES = [
    (each.method, each.path.format_map(PATH_VALUES))
    for each in OPERATIONS
    if each.body is not None and each.media == JSON and each.limit == BODY_BYTES
]


def test_only_operations_that_take_whole_states_frames_or_documents_have_a_larger_body() -> None:
    large = {each.path.split("/")[2] for each in OPERATIONS if each.limit != BODY_BYTES}
    assert large == {"frames", "state", "ui-state", "sessions", "runs", "breakpoints", "contract"}


async def test_a_body_over_64_kib_is_rejected_by_every_operation_with_a_small_limit(control: Control) -> None:
    sizes = [(SMALL_BODIES[0], BODY_BYTES + 1), *((each, 20 * BODY_BYTES) for each in SMALL_BODIES)]
    for (method, path), size in sizes:
        answer = await control.call(method, path, b" " * size)
        assert (answer.status, answer.detail) == (413, "The body is over 64 KiB.")
    assert (await control.get("/v1/status")).status == 200


async def test_a_body_of_64_kib_is_read(control: Control) -> None:
    body = json.dumps(online()).encode().ljust(BODY_BYTES)
    assert (await control.post("/v1/events", body)).status == 200
    client = await control.connect()
    assert (await control.post("/v1/frames", b"x" * BODY_BYTES)).status == 200
    assert await frame(client) == "x" * BODY_BYTES


async def test_a_raw_frame_may_have_8_mib(control: Control) -> None:
    client = await control.connect(max_size=None)
    text = "{" + "é" * (MAX_RAW_BYTES // 2 - 1) + "}"
    assert (await control.post("/v1/frames", text.encode())).status == 200
    assert await frame(client) == text
    answer = await control.post("/v1/frames", text.encode() + b" ")
    assert (answer.status, answer.detail) == (413, "The body is over 8,192 KiB.")


async def test_a_chat_state_may_be_as_large_as_a_saved_one(control: Control) -> None:
    state = await control.state()
    state["messages"] = [{**message("x" * 9_000)["data"], "read": True} for _ in range(1_300)]
    assert (await control.put("/v1/state", state)).status == 204
    assert len((await control.state())["messages"]) == 1_300
    answer = await control.put("/v1/state", b" " * (MAX_STATE_BYTES + 1))
    assert (answer.status, answer.detail) == (413, "The body is over 65,536 KiB.")
    assert len((await control.state())["messages"]) == 1_300


async def test_an_endless_body_is_rejected(control: Control) -> None:
    async with tcp_to(control.companion.control.port) as client:
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{control.companion.control.port}\r\n"
            f"Authorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await client.send(head.encode())
        for _ in range(5):
            await client.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        assert (await client.receive()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("encoding", ["gzip", "Deflate", "identity, gzip", "unknown"])
async def test_a_compressed_body_is_refused_and_not_decompressed(
    control: Control, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: 190 KB became 64 MB, which blocked the event loop for about a second."""
    monkeypatch.delattr("aiohttp.http_parser.ZLibDecompressor")
    body = gzip.compress(json.dumps(online()).encode())
    answer = await control.post("/v1/events", body, headers={"Content-Encoding": encoding})
    assert (answer.status, answer.detail[:23]) == (415, "The body is compressed ")
    for plain in ("identity", "Identity, "):
        answer = await control.post("/v1/events", online(), headers={"Content-Encoding": plain})
        assert answer.status == 200


async def test_the_content_type_is_ignored(control: Control) -> None:
    for kind in ("text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "nonsense"):
        answer = await control.post("/v1/events", online(), headers={"Content-Type": kind})
        assert answer.status == 200


# queries

BAD_QUERIES = [
    ("POST", "/v1/events", "wait=nan", "at wait"),
    ("POST", "/v1/events", "wait=NaN", "at wait"),
    ("POST", "/v1/events", "wait=inf", "at wait"),
    ("POST", "/v1/events", "wait=Infinity", "at wait"),
    ("POST", "/v1/events", "wait=-1", "at wait"),
    ("POST", "/v1/events", "wait=-0.001", "at wait"),
    ("POST", "/v1/events", "wait=3600.5", "at wait"),
    ("POST", "/v1/events", "wait=1e999", "at wait"),
    ("POST", "/v1/events", "wait=", "at wait"),
    ("POST", "/v1/events", "wait=soon", "at wait"),
    ("POST", "/v1/events", "wait=0x1", "at wait"),
    ("POST", "/v1/events", "wait=null", "at wait"),
    ("POST", "/v1/frames", "wait=nan", "at wait"),
    ("POST", "/v1/events", "strict=2", "at strict"),
    ("POST", "/v1/events", "strict=", "at strict"),
    ("POST", "/v1/events", "strict=yes", "at strict"),
    ("POST", "/v1/frames", "strict=1", "has an unknown field: strict"),
    ("POST", "/v1/events", "To=all", "has an unknown field: To"),
    ("POST", "/v1/events", "to=", "invalid target"),
    ("POST", "/v1/events", "to=everybody", "invalid target"),
    ("POST", "/v1/events", "to=user:", "invalid target"),
    ("POST", "/v1/events", "to=client:", "invalid target"),
    ("POST", "/v1/events", "to=client:1,", "invalid target"),
    ("POST", "/v1/events", "to=client:-1", "invalid target"),
    ("POST", "/v1/events", "to=client:" + "9" * 5_000, ""),
    ("GET", "/v1/journal", "after=-1", "at after"),
    ("GET", "/v1/journal", "after=1.5", "at after"),
    ("GET", "/v1/journal", f"after={2**53 + 1}", "at after"),
    ("GET", "/v1/journal", f"after={'9' * 5_000}", "at after"),
    ("GET", "/v1/journal", "limit=0", "at limit"),
    ("GET", "/v1/journal", "limit=10001", "at limit"),
    ("GET", "/v1/journal", "limit=x", "at limit"),
    ("GET", "/v1/journal", f"filter={'x' * 501}", "at filter"),
    ("GET", "/v1/journal", "filter=is:what", "is:what"),
    ("GET", "/v1/journal", "filter=dir:x", "dir:x"),
    ("GET", "/v1/journal", "filter=larger:big", "larger:big"),
    ("GET", "/v1/journal", "filter=evnet:typing", "unknown key 'evnet'"),
    ("GET", "/v1/journal", "filter=/(/", "not a valid regular expression"),
    ("GET", "/v1/journal", "limits=5", "has an unknown field: limits"),
    ("GET", "/v1/journal/stream", "filter=is:what", "is:what"),
    ("GET", "/v1/journal/stream", "limit=5", "has an unknown field: limit"),
    ("GET", "/v1/journal/stream", "after=x", "at after"),
    ("GET", "/v1/status", "verbose=1", "has an unknown field: verbose"),
    ("GET", "/v1/openapi.json", "x", "has an unknown field: x"),
    ("POST", "/v1/clients/drop", "code=999", "at code"),
    ("POST", "/v1/clients/drop", "code=5000", "at code"),
    ("POST", "/v1/clients/drop", "abort=maybe", "at abort"),
    ("POST", "/v1/clients/drop", f"reason={'x' * 124}", "at reason"),
    ("POST", "/v1/server/pause", "paused=1", "has an unknown field: paused"),
    ("POST", "/v1/state/reset", "really=1", "has an unknown field: really"),
]


async def test_an_invalid_query_is_rejected_with_the_parameter(control: Control, subtests: pytest.Subtests) -> None:
    for method, path, query, place in BAD_QUERIES:
        with subtests.test(method=method, path=path, query=query[:40]):
            before, rows = await control.state(), control.companion.journal.last_seq
            body = b"{}" if path == "/v1/frames" else online()
            answer = await control.call(method, f"{path}?{query}", body if method == "POST" else None)
            assert answer.status == 422
            assert place in answer.detail
            assert len(answer.body) < 10_000
            assert await control.state() == before
            assert control.companion.journal.last_seq == rows
            assert not control.companion.hub.paused


async def test_a_url_that_is_too_long_is_a_problem_as_other_errors_are(control: Control) -> None:
    """Regression: it was a text, so clients took the companion for one of another version."""
    answer = await control.get("/v1/journal", query={"filter": "a" * 9_000})
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json["status"] == 400
    assert answer.detail == "the request is not valid HTTP, or its URL or a header is longer than 8 KiB"


async def test_a_duplicate_query_parameter_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for query in ["to=all&to=user:bob", "wait=0&wait=0", "strict=1&strict=0", "x=1&x=2"]:
        with subtests.test(query=query):
            answer = await control.post(f"/v1/events?{query}", online())
            assert (answer.status, answer.detail) == (400, "A query parameter is given twice.")


async def test_invalid_percent_encoding_is_rejected_or_treated_as_text(
    control: Control, subtests: pytest.Subtests
) -> None:
    for query in ["filter=%ff", "filter=%ED%A0%80", "%ff=1", "%ED%A0%80=1", "filter=%00", "filter=%"]:
        with subtests.test(query=query):
            answer = await control.get(f"/v1/journal?{query}")
            assert answer.status in (200, 400, 422)
            if answer.status != 200:
                assert answer.detail


async def test_an_unknown_client_returns_404(control: Control, subtests: pytest.Subtests) -> None:
    await control.connect()
    for number in ("0", "-1", "x", "1.0", "%201", "%D9%A1", "1e0", "9" * 400, "%00", "%ff", "null"):
        for method in ("PATCH", "DELETE"):
            with subtests.test(number=number[:20], method=method):
                answer = await control.call(method, f"/v1/clients/{number}", {"username": "bob"})
                assert answer.status == 404
                assert answer.detail.startswith("There is no client ")
                assert len(answer.body) < 500
                assert control.companion.hub.connection_count == 1


# random bodies

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def objects_with(**fields: Any) -> st.SearchStrategy[Any]:
    """Generate objects with some of these fields, often with values of a wrong type."""
    return st.fixed_dictionaries({}, optional={name: value | ANY_JSON for name, value in fields.items()})


LIKELY_BODIES = (
    objects_with(event=st.sampled_from(["new_message", "typing", ""]), data=st.dictionaries(st.text(), ANY_JSON))
    | objects_with(
        event=st.sampled_from(["new_message", "typing"]),
        set=st.dictionaries(
            st.sampled_from(["data.text", "from", "event", "data", "a[0]", "a.b.c", "."]), ANY_JSON
        ),
        remove=st.lists(st.sampled_from(["data.text", "from", "event", "data", "x", "[0]"])),
        strict=st.booleans(),
    )
    | objects_with(event=st.text(), sender=st.text(), where=st.dictionaries(st.text(), ANY_JSON), within=st.just(0))
    | objects_with(
        event=st.sampled_from(["typing"]), data=ANY_JSON, frame=st.text(), order=st.integers(), to=st.just("all")
    )
    | objects_with(username=st.text())
    | objects_with(name=st.text())
    | objects_with(
        version=st.just(1), people=st.lists(objects_with(username=st.text())), messages=st.lists(ANY_JSON)
    )
)
BODIES = (LIKELY_BODIES | ANY_JSON).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, operation=st.sampled_from([*JSON_OPERATIONS, ("POST", "/v1/frames")]))
async def test_any_body_gets_a_documented_status(control: Control, body: bytes, operation: tuple[str, str]) -> None:
    if operation[1] == "/v1/expectations" and b'"within"' not in body:
        return  # it would wait for an event
    before = await control.state()
    answer = await control.call(*operation, body)
    assert answer.status in (200, 204, 400, 404, 409, 413, 422)
    if answer.status >= 400:
        assert answer.problem
        assert await control.state() == before
    for path in ("/v1/journal", "/v1/state", "/v1/fixtures", "/v1/clients", "/v1/status"):
        assert (await control.get(path)).status == 200


async def test_a_body_may_begin_with_a_byte_order_mark(control: Control) -> None:
    body = b'\xef\xbb\xbf{"event": "friend_online", "data": {"username": "bob"}}'
    assert (await control.call("POST", "/v1/events", body)).status == 200
