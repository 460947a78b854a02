"""CORS: which origins may call REST, and the response headers that browsers require."""

import pytest

from app.hub.journal import Row
from app.system.settings import TAURI_ORIGINS
from tests.endpoints.http_client import PAGE, Answer, Rest
from tests.endpoints.raw import tcp_to

CALLS = [
    ("GET", "/status", None, 200),
    ("GET", "/friends", None, 200),
    ("POST", "/friends", {"username": "erin"}, 201),
    ("POST", "/friends", {"username": "unknown"}, 404),
    ("POST", "/friends", {"username": "alice"}, 409),
    ("POST", "/friends", {}, 400),
    ("POST", "/friends", b"{", 400),
    ("DELETE", "/friends/alice", None, 204),
    ("DELETE", "/friends/unknown", None, 404),
    ("GET", "/messages?peer=alice", None, 200),
    ("GET", "/messages", None, 400),
    ("POST", "/messages", {"to": "alice", "text": "Hi"}, 200),
    ("POST", "/messages", {"to": "bob", "text": "Hi"}, 202),
    ("POST", "/messages", b"x" * 300_000, 413),
    ("DELETE", "/messages/nothing", None, 404),
    ("GET", "/nowhere", None, 404),
    ("PUT", "/status", b"{}", 405),
]
PATHS = ["/status", "/friends", "/friends/alice", "/messages", "/messages?peer=alice", "/messages/a1b2", "/nowhere"]


def rejected_rows(rest: Rest) -> list[Row]:
    return [row for row in rest.companion.journal if row.event == "refused"]


def cors_headers(answer: Answer) -> list[str]:
    return [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(("method", "path", "body", "status"), CALLS)
async def test_every_answer_including_errors_allows_the_origin_of_the_caller(
    rest: Rest, method: str, path: str, body: object, status: int
) -> None:
    answer = await rest.call(method, path, body, headers={"Origin": PAGE})
    assert answer.status == status
    assert answer.headers.getall("Access-Control-Allow-Origin") == [PAGE]
    assert answer.headers.getall("Vary") == ["Origin"]
    assert "*" not in answer.headers["Access-Control-Allow-Origin"]


async def test_only_the_origin_of_the_caller_is_allowed(rest: Rest, subtests: pytest.Subtests) -> None:
    for origin in TAURI_ORIGINS:
        with subtests.test(origin=origin):
            answer = await rest.get("/friends", headers={"Origin": origin})
            assert answer.headers.getall("Access-Control-Allow-Origin") == [origin]


async def test_a_request_without_origin_is_answered_without_cors_headers(rest: Rest) -> None:
    for answer in (await rest.get("/friends"), await rest.get("/nowhere")):
        assert cors_headers(answer) == []
        assert answer.headers["Vary"] == "Origin"


async def test_a_preflight_is_answered_as_documented(rest: Rest, subtests: pytest.Subtests) -> None:
    for path in PATHS:
        with subtests.test(path=path):
            request_headers = {
                "Origin": PAGE, "Access-Control-Request-Method": "DELETE",
                "Access-Control-Request-Headers": "content-type",
            }  # fmt: skip
            answer = await rest.call("OPTIONS", path, headers=request_headers)
            assert (answer.status, answer.body) == (204, b"")
            assert {name: answer.headers[name] for name in (*cors_headers(answer), "Vary")} == {
                "Access-Control-Allow-Origin": PAGE,
                "Vary": "Origin",
                "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
                "Access-Control-Allow-Headers": "Content-Type",
                "Access-Control-Max-Age": "600",
            }
            assert rejected_rows(rest) == []


BAD_ORIGINS = [
    "null", "https://evil.example", "http://localhost:1421", "http://localhost:1420/", "https://localhost:1420",
    "http://localhost:1420.evil.example", "HTTP://LOCALHOST:1420", "*", "file://",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_any_other_origin_is_rejected_with_403_and_logged(
    rest: Rest, method: str, subtests: pytest.Subtests
) -> None:
    before = await rest.state()
    body = {"to": "alice", "text": "Hi"} if method == "POST" else None
    for number, origin in enumerate(BAD_ORIGINS, 1):
        with subtests.test(origin=origin):
            answer = await rest.call(method, "/messages", body, headers={"Origin": origin})
            assert answer.status == 403
            assert "is not in the allowed origins" in answer.error
            assert cors_headers(answer) == []
            assert await rest.state() == before
            assert len(rejected_rows(rest)) == number


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "0.0.0.0:{port}",
    ],
)
async def test_any_other_host_is_rejected_with_403_and_logged(rest: Rest, host: str) -> None:
    before = await rest.state()
    port = rest.companion.rest.port
    answer = await rest.post("/messages", {"to": "alice", "text": "Hi"}, headers={"Host": host.format(port=port)})
    assert answer.status == 403
    assert "Host" in answer.error
    assert cors_headers(answer) == []
    assert await rest.state() == before
    assert len(rejected_rows(rest)) == 1


async def test_loopback_hosts_with_the_port_are_accepted(rest: Rest, subtests: pytest.Subtests) -> None:
    for host in ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"]:
        with subtests.test(host=host):
            answer = await rest.get("/status", headers={"Host": host.format(port=rest.companion.rest.port)})
            assert answer.status == 200


async def test_a_missing_host_or_duplicate_header_is_rejected(rest: Rest, subtests: pytest.Subtests) -> None:
    for headers in [
        [],
        ["Host: "],
        ["Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}"],
        ["Host: 127.0.0.1:{port}", "Host: evil.example"],
        ["Host: 127.0.0.1:{port}", "Origin: http://localhost:1420", "Origin: http://localhost:1420"],
        ["Host: 127.0.0.1:{port}", "Origin: http://localhost:1420", "Origin: https://evil.example"],
        ["Host: 127.0.0.1:{port}", "Origin: "],
    ]:
        with subtests.test(headers=headers):
            port = rest.companion.rest.port
            lines = [
                "GET /status HTTP/1.1",
                *(line.format(port=port) for line in headers),
                "Connection: close",
                "",
                "",
            ]
            async with tcp_to(port) as client:
                await client.send("\r\n".join(lines).encode())
                answer = await client.read_to_end()
            assert answer.split()[1] in (b"400", b"403")
            assert b"access-control" not in answer.lower()


async def test_a_newly_allowed_origin_is_accepted_immediately(rest: Rest) -> None:
    headers = {"Origin": "https://new.example"}
    assert (await rest.get("/status", headers=headers)).status == 403
    settings = rest.companion.settings
    settings.allowed_origins.append("https://new.example")
    await rest.companion.apply(settings)
    answer = await rest.get("/status", headers=headers)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://new.example")
