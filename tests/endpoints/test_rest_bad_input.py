"""Invalid input to REST: it is answered with the documented error, changes nothing and is not logged."""

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.endpoints.http_server import RESPONSE_HEADERS
from app.endpoints.rest_call import MAX_BODY_BYTES
from app.hub.origin import PANEL
from app.storage import chat_file as storage
from tests.conftest import MakeCompanion, examples
from tests.endpoints.http_client import Rest
from tests.endpoints.raw import tcp_to
from tests.storage.stored import other_connection

BAD_BODIES = {
    "empty": b"",
    "blank": b" \r\n",
    "text": b"hello",
    "incomplete": b'{"to":"alice","text":',
    "two": b"{}{}",
    "duplicate key": b'{"to":"alice","text":"one","text":"two"}',
    "duplicate key inside": b'{"to":"alice","text":"Hi","x":{"a":1,"a":2}}',
    "nan": b'{"to":"alice","text":"Hi","x":NaN}',
    "infinity": b'{"to":"alice","text":"Hi","x":-Infinity}',
    "a number too large": b'{"to":"alice","text":"Hi","x":1e999}',
    "a number too long": b'{"to":"alice","text":"Hi","x":' + b"1" * 5_000 + b"}",
    "deep": b'{"to":"alice","text":"Hi","x":' + b"[" * 40 + b"]" * 40 + b"}",
    "very deep": b"[" * 100_000,
    "lone surrogate": b'{"to":"alice","text":"\\ud83d"}',
    "lone surrogate in a key": b'{"to":"alice","text":"Hi","\\udc00":1}',
    "lone surrogate in a name": b'{"to":"\\udfff","text":"Hi","username":"\\udfff"}',
    "not UTF-8": b'{"to":"alice","text":"\xff"}',
    "UTF-16": '{"to":"alice","text":"Hi"}'.encode("utf-16"),
    "a byte order mark": '\ufeff{"to":"alice","text":"Hi"}'.encode(),
    "single quotes": b"{'to':'alice','text':'Hi'}",
    "an array": b'[{"to":"alice","text":"Hi"}]',
    "null": b"null",
}


@pytest.mark.parametrize("path", ["/messages", "/friends"])
async def test_a_body_that_is_not_a_valid_json_object_is_rejected(rest: Rest, path: str) -> None:
    before = await rest.state()
    for case, body in BAD_BODIES.items():
        answer = await rest.post(path, body)
        assert answer.status == 400, case
        assert answer.error, case
    assert await rest.state() == before


async def test_the_content_type_is_ignored(rest: Rest) -> None:
    for kind in ("text/plain", "application/json; charset=utf-8", "nonsense"):
        answer = await rest.post("/messages", {"to": "alice", "text": "Hi"}, headers={"Content-Type": kind})
        assert answer.status == 200


async def test_unknown_fields_are_ignored(rest: Rest) -> None:
    assert (await rest.post("/messages", {"to": "alice", "text": "Hi", "reply_to": None})).status == 200


async def test_a_body_over_the_limit_is_rejected_and_the_next_call_answered(rest: Rest) -> None:
    before = await rest.state()
    for size in (MAX_BODY_BYTES + 1, 20 * MAX_BODY_BYTES):
        body = json.dumps({"to": "alice", "text": "x" * size}).encode()
        answer = await rest.post("/messages", body)
        assert answer.status == 413
        assert "256 KiB" in answer.error
    assert await rest.state() == before
    assert (await rest.get("/status")).status == 200


async def test_a_body_over_the_limit_is_rejected_while_calls_are_intercepted(rest: Rest) -> None:
    """Regression: the call got 400 for an empty body, and its row had the last part of the body."""
    rest.companion.hub.interceptors.add(lambda cause: cause)
    answer = await rest.post("/messages", b"x" * 600_000)
    assert answer.status == 413
    assert [row.payload for row in rest.companion.journal if row.event == "POST /messages"] == [b""]


async def test_a_compressed_body_is_refused(rest: Rest) -> None:
    before = await rest.state()
    body = gzip.compress(b'{"to":"alice","text":"Hi"}')
    answer = await rest.post("/messages", body, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.error[:23]) == (415, "The body is compressed ")
    assert await rest.state() == before


async def test_unknown_paths_and_methods_return_404_or_405(rest: Rest, subtests: pytest.Subtests) -> None:
    for method, path, status in [
        ("GET", "/", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/status/", 404),
        ("GET", "//status", 404),
        ("GET", "/Status", 404),
        ("GET", "/friends/alice/x", 404),
        ("DELETE", "/friends/", 404),
        ("DELETE", "/messages/", 404),
        ("POST", "/nowhere", 404),
        ("POST", "/status", 405),
        ("DELETE", "/status", 405),
        ("PUT", "/friends", 405),
        ("PATCH", "/messages", 405),
        ("DELETE", "/friends", 405),
        ("DELETE", "/messages", 405),
        ("GET", "/friends/alice", 405),
        ("POST", "/friends/alice", 405),
        ("GET", "/messages/a1b2", 405),
        ("TRACE", "/messages", 405),
    ]:
        with subtests.test(method=method, path=path, status=status):
            before = await rest.state()
            answer = await rest.call(method, path, b"{}")
            assert answer.status == status
            assert path in answer.error
            assert ("Allow" in answer.headers) == (status == 405)
            assert await rest.state() == before


ENCODED = [
    "a%2Fb", "%2F", "%2e%2e", "%2e%2e%2fstatus", "%00", "alice%00", "%ff", "%C3", "%ED%A0%80", "alice%252F",
    "%2561lice", "%", "%zz", "%E0%80%AF", "a+b", "alice%0d%0aX-Evil:1", "%7Brequest.path%7D", "{request}", "%25s",
    "%F0%9F%98%80", "alice;x=1", "alice%3Fx", "n" * 6_000, "%41" * 2_000,
]  # fmt: skip


async def test_malformed_or_encoded_names_in_a_path_return_404(rest: Rest, subtests: pytest.Subtests) -> None:
    for name in ENCODED:
        for path in ["/friends/", "/messages/"]:
            with subtests.test(name=name[:20], path=path):
                before = await rest.state()
                answer = await rest.delete(path + name)
                assert answer.status == 404
                assert len(answer.body) < 20_000
                assert answer.error
                assert "X-Evil" not in answer.headers
                assert await rest.state() == before


async def test_malformed_or_encoded_peers_return_no_messages(rest: Rest, subtests: pytest.Subtests) -> None:
    for name in ENCODED:
        with subtests.test(name=name[:20]):
            answer = await rest.get(f"/messages?peer={name}")
            assert answer.status == 200
            assert answer.json == {"messages": [], "total": 0, "has_more": False}


async def test_a_name_encoded_by_the_ui_is_found(rest: Rest, subtests: pytest.Subtests) -> None:
    for name in [
        "100%",
        "a%20b",
        "a+b",
        "a?b=c&d",
        "a#b",
        "Zoë 😀",
        "%",
        "%2F",
        "a;b",
        "a:b@c",
        '"',
        "\\",
        "a b",
        "~",
    ]:
        with subtests.test(name=name):
            await rest.companion.chat.add_person(name, is_friend=True)
            encoded = quote(name, safe="-_.!~*'()")  # as encodeURIComponent does
            await rest.companion.fire(rest.companion.message_from(name, "Hi"), origin=PANEL)
            assert (await rest.get(f"/messages?peer={encoded}")).json["total"] == 1
            assert (await rest.post("/messages", {"to": name, "text": "Hi"})).status == 202
            assert (await rest.delete(f"/friends/{encoded}")).status == 204
            assert name not in [friend["username"] for friend in (await rest.get("/friends")).json]


# plain bytes

POST_HEAD = b"POST /messages HTTP/1.1\r\nHost: {host}\r\n"
INVALID_REQUESTS = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
    "not HTTP": b"HELLO\r\n\r\n",
    "binary": bytes(range(256)) * 4,
    "no version": b"GET /status\r\n\r\n",
    "an unknown version": b"GET /status HTTP/9.9\r\n\r\n",
    "a header without colon": b"GET /status HTTP/1.1\r\nHost\r\n\r\n",
    "a header with a space": b"GET /status HTTP/1.1\r\nHost : x\r\n\r\n",
    "a NUL in a header": b"GET /status HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    "an endless line": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "an endless header": b"GET /status HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "an invalid length": b"POST /messages HTTP/1.1\r\nHost: {host}\r\nContent-Length: -5\r\n\r\n",
    "two lengths": POST_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": POST_HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an invalid chunk": (
        b"POST /messages HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"
    ),
    "an absolute target": b"GET http://evil.example/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
    "an invalid target": b"GET http://[ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "an asterisk target": b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
    "an unknown expectation": POST_HEAD + b"Expect: wonders\r\nContent-Length: 2\r\n\r\n{}",
    "an upgrade": b"GET /status HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
}


async def test_an_invalid_request_is_answered_or_cut_without_warnings(
    rest: Rest, subtests: pytest.Subtests
) -> None:
    for case in INVALID_REQUESTS:
        with subtests.test(case=case):
            before = await rest.state()
            host = f"127.0.0.1:{rest.companion.rest.port}".encode()
            async with tcp_to(rest.companion.rest.port) as client:
                await client.send(INVALID_REQUESTS[case].replace(b"{host}", host))
                try:
                    answer = await client.receive()
                except ConnectionError:
                    answer = b""
            assert answer == b"" or re.match(rb"HTTP/\d\.\d [24]\d\d ", answer)
            assert (await rest.get("/status")).status == 200
            assert await rest.state() == before


async def test_a_request_that_is_not_http_is_counted_and_its_response_says_nothing_about_the_program(
    rest: Rest,
) -> None:
    """Regression: aiohttp's own response named Python and aiohttp with their versions, and quoted the request."""
    async with tcp_to(rest.companion.rest.port) as client:
        await client.send(b"GET /status HTTP/1.1\r\nXyzzy-is-private\r\n\r\n")
        head, _, body = (await client.read_to_end()).decode().partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    assert status == "HTTP/1.0 400 Bad Request"
    assert dict(each.split(": ", 1) for each in headers).items() >= RESPONSE_HEADERS.items()
    assert body == "the request is not valid HTTP, or its URL or a header is longer than 8 KiB\n"
    assert rest.companion.rejection_log.latest[0].reason == body.strip()


async def test_an_aborted_request_stores_nothing_and_causes_no_warnings(
    rest: Rest, subtests: pytest.Subtests
) -> None:
    before = await rest.state()
    host = f"127.0.0.1:{rest.companion.rest.port}".encode()
    for request_start in [
        b"",
        b"POST /mess",
        b"POST /messages HTTP/1.1\r\nHost: {host}\r\nContent-Le",
        b'POST /messages HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500\r\n\r\n{"to":"alice",',
        b'POST /messages HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"to"',
        b"GET /messages?peer=alice HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ]:
        for is_reset in [False, True]:
            with subtests.test(request_start=request_start, is_reset=is_reset):
                async with tcp_to(rest.companion.rest.port) as client:
                    await client.send(request_start.replace(b"{host}", host))
                    await asyncio.sleep(0.02)
                    if is_reset:
                        client.reset()
                await asyncio.sleep(0.02)
                for _ in range(3):
                    assert (await rest.get("/status")).status == 200
                assert await rest.state() == before


SECRET = "Xyzzy-is-private"


async def test_the_content_of_a_request_is_not_logged(
    rest: Rest, caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    for request_ in [
        POST_HEAD + b'Content-Length: 40\r\n\r\n{"to":"alice","text":"Xyzzy-is-private"}',
        POST_HEAD + b'Content-Length: 37\r\n\r\n{"to":"alice","text":Xyzzy-is-private',
        POST_HEAD + b"Transfer-Encoding: chunked\r\n\r\nXyzzy-is-private\r\n",
        b"GET /status HTTP/1.1\r\nHost: {host}\r\nXyzzy-is-private\r\n\r\n",
        b"GET /messages?peer=Xyzzy-is-private&limit=x HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"DELETE /friends/Xyzzy-is-private HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ]:
        with subtests.test(request_=request_):
            with caplog.at_level("INFO"):
                async with tcp_to(rest.companion.rest.port) as client:
                    await client.send(request_.replace(b"{host}", f"127.0.0.1:{rest.companion.rest.port}".encode()))
                    assert (await client.receive()).startswith(b"HTTP/1.")
            assert SECRET not in caplog.text


# the disk


async def test_a_locked_chat_state_returns_500_with_a_remedy(
    make_companion: MakeCompanion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: Rest
) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 20)
    companion = await make_companion(chat_file=tmp_path / "chat.db")
    assert await companion.start_service("rest"), companion.services["rest"].error
    rest.companion = companion
    before = await rest.state()
    with other_connection(tmp_path / "chat.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        for answer in (
            await rest.get("/status"),
            await rest.get("/friends"),
            await rest.get("/messages?peer=alice"),
            await rest.post("/messages", {"to": "alice", "text": "Hi"}),
            await rest.post("/friends", {"username": "erin"}),
            await rest.delete("/friends/alice"),
            await rest.delete("/messages/1"),
        ):
            assert answer.status == 500
            assert "another program has locked chat.db: close it and try again" in answer.error
    assert await rest.state() == before
    assert (await rest.post("/messages", {"to": "alice", "text": "Hi"})).status == 200


# random bodies

NAMES = st.sampled_from(["alice", "bob", "erin", "unknown", "", " erin ", "me"]) | st.text(max_size=70)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
LIKE_A_MESSAGE = st.fixed_dictionaries(
    {}, optional={"to": NAMES | ANY_JSON, "text": st.text(max_size=50) | ANY_JSON}
)
LIKE_A_FRIEND = st.fixed_dictionaries({}, optional={"username": NAMES | ANY_JSON, "x": ANY_JSON})
BODIES = (LIKE_A_MESSAGE | LIKE_A_FRIEND | ANY_JSON).map(lambda value: json.dumps(value).encode()) | st.binary(
    max_size=60
)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, path=st.sampled_from(["/messages", "/friends"]))
async def test_any_body_gets_a_documented_status_and_changes_nothing_if_rejected(
    rest: Rest, body: bytes, path: str
) -> None:
    before = await rest.state()
    answer = await rest.post(path, body)
    documented: dict[str, tuple[int, ...]] = {"/messages": (200, 202, 400, 404), "/friends": (201, 400, 404, 409)}
    assert answer.status in documented[path]
    if answer.status >= 400:
        assert answer.error
        assert await rest.state() == before
    else:
        added: Any = await rest.state()
        assert added != before


async def test_a_request_whose_body_does_not_arrive_times_out(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.endpoints.body.BODY_TIMEOUT_S", 0.2)
    port = rest.companion.rest.port
    async with tcp_to(port) as client:
        await client.send(
            b"POST /messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{"
            % port
        )
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 408 ")


async def test_an_absolute_request_target_is_rejected(rest: Rest) -> None:
    port = rest.companion.rest.port
    async with tcp_to(port) as client:
        await client.send(b"GET http://evil.example/status HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 400 ")
