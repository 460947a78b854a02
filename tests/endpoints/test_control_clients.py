"""The clients in the control API: list, identify, close and drop."""

import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from app.hub import readiness
from app.hub.client_activity import SECONDS
from tests.conftest import PATIENCE_S, until
from tests.endpoints.control_api import Control, frame, online, typing
from tests.endpoints.http_client import PAGE
from tests.endpoints.raw import client_that_never_reads, tcp_to


async def close_code_and_reason(client: ClientConnection) -> tuple[int | None, str]:
    """Return the close code and reason that a client received. None: the connection was cut."""
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), PATIENCE_S)
    received = closed.value.rcvd
    return (received.code, received.reason) if received else (None, "")


async def test_without_clients_the_list_is_empty(control: Control) -> None:
    assert await control.get_json("/v1/clients") == []


@pytest.fixture
def not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients become ready only when the test sets a shorter time."""
    monkeypatch.setattr(readiness, "STAY_S", 3_600.0)


@pytest.mark.usefixtures("not_ready")
async def test_the_list_shows_the_details_and_counters_of_a_client(control: Control) -> None:
    client = await control.connect("bob", origin=PAGE, user_agent_header="Firefox 😀".encode().decode("latin-1"))
    await client.send(typing())
    await client.send(typing(False))
    await until(lambda: control.companion.hub.clients[0].frames_in == 2)
    sent = await control.post("/v1/events", online())
    assert sent.json["clients"] == [1]
    text = await frame(client)
    (told,) = await control.get_json("/v1/clients")
    assert told.pop("connected_at") == control.companion.hub.clients[0].connected_at
    assert told.pop("ping_s") >= 0
    assert len(told.pop("frames_per_s")) == SECONDS
    assert told.pop("user_agent").startswith("Firefox")
    row = control.companion.journal.row(sent.json["seq"])
    assert row
    assert told.pop("last_sent") == {"seq": row.seq, "event": "friend_online", "at": row.wall}
    assert told == {
        "id": 1, "username": "bob", "origin": PAGE, "frames_in": 2, "frames_out": 1,
        "bytes_in": len(typing()) + len(typing(False)), "bytes_out": len(text), "queued_bytes": 0,
        "ready": False,
    }  # fmt: skip


@pytest.mark.usefixtures("not_ready")
async def test_the_list_shows_when_a_client_is_ready(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    await control.connect()
    assert [each["ready"] for each in await control.get_json("/v1/clients")] == [False]
    monkeypatch.setattr(readiness, "STAY_S", 0.0)
    await until(lambda: control.companion.hub.clients[0].ready)
    assert [each["ready"] for each in await control.get_json("/v1/clients")] == [True]


async def test_clients_are_listed_oldest_first_without_disconnected_ones(control: Control) -> None:
    clients = [await control.connect(name) for name in ("a", "b", "c")]
    await clients[1].close()
    await until(lambda: control.companion.hub.connection_count == 2)
    assert [(each["id"], each["username"]) for each in await control.get_json("/v1/clients")] == [
        (1, "a"),
        (3, "c"),
    ]


@pytest.mark.parametrize("agent", [b"\xff\xfe", "Zoë".encode(), b"x" * 5_000])
async def test_a_client_with_an_undecodable_username_can_be_listed(control: Control, agent: bytes) -> None:
    async with tcp_to(control.companion.server.port) as client:
        key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        await client.send(
            b"GET /events?username=%%ff%%ED%%A0%%80 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\n" % control.companion.server.port + key + b"User-Agent: " + agent + b"\r\n\r\n"
        )
        assert (await client.receive()).startswith(b"HTTP/1.1 101 ")
        await until(lambda: control.companion.hub.connection_count)
        (client_info,) = await control.get_json("/v1/clients")
        assert client_info["user_agent"]
        assert await control.rows("connected")


# identify


async def test_identify_changes_the_user_of_a_client(control: Control) -> None:
    client = await control.connect("me")
    answer = await control.patch("/v1/clients/1", {"username": " bob "})
    assert answer.status == 200
    assert (answer.json["id"], answer.json["username"]) == (1, "bob")
    assert (await control.post("/v1/events", online(), query={"to": "user:bob"})).json["clients"] == [1]
    assert (await control.post("/v1/events", online(), query={"to": "user:me"})).json["clients"] == []
    await client.send(typing())
    result = await control.post("/v1/expectations", {"event": "typing", "sender": "bob", "after": 0})
    assert result.json["met"]


async def test_an_invalid_username_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    await control.connect("me")
    for name in (" ", "\n", "a\tb", "\u202e", "\0"):
        with subtests.test(name=name):
            answer = await control.patch("/v1/clients/1", {"username": name})
            assert answer.status == 422
            assert "user name" in answer.detail
            assert [each["username"] for each in await control.get_json("/v1/clients")] == ["me"]


# close


async def test_a_client_is_closed_with_going_away_by_default(control: Control) -> None:
    first, second = await control.connect(), await control.connect()
    answer = await control.delete("/v1/clients/1")
    assert (answer.status, answer.json) == (200, {"clients": [1]})
    assert await close_code_and_reason(first) == (1001, "")
    await until(lambda: control.companion.hub.connection_count == 1)
    assert (await control.delete("/v1/clients/1")).status == 404
    await control.post("/v1/events", online())
    assert json.loads(await frame(second))["event"] == "friend_online"


async def test_the_client_receives_close_code_and_reason(control: Control, subtests: pytest.Subtests) -> None:
    for number, code in enumerate(
        [1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 1013, 1014, 3000, 4000, 4999], 1
    ):
        with subtests.test(code=code):
            client = await control.connect()
            answer = await control.delete(f"/v1/clients/{number}", query={"code": code, "reason": "bye & Grüße"})
            assert answer.status == 200
            assert await close_code_and_reason(client) == (code, "bye & Grüße")


@pytest.mark.parametrize("reason", ["x" * 123, "ü" * 123, "😀" * 123, "x" * 122 + "ü"])
async def test_a_long_reason_is_truncated_to_123_bytes(control: Control, reason: str) -> None:
    client = await control.connect()
    assert (await control.delete("/v1/clients/1", query={"reason": reason})).status == 200
    code, received = await close_code_and_reason(client)
    assert code == 1001
    assert reason.startswith(received)
    assert 119 < len(received.encode()) <= 123


async def test_an_invalid_close_code_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    await control.connect()
    for code in (1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999):
        for path in ("DELETE /v1/clients/1", "POST /v1/clients/drop"):
            with subtests.test(code=code, path=path):
                method, where = path.split()
                answer = await control.call(method, where, query={"code": code})
                assert answer.status == 422
                assert answer.detail == (
                    f"The close code {code} cannot be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999."
                )
                assert [each["id"] for each in await control.get_json("/v1/clients")] == [1]


async def test_abort_cuts_a_client_without_a_closing_handshake(control: Control) -> None:
    client = await control.connect()
    assert (await control.delete("/v1/clients/1", query={"abort": 1})).json == {"clients": [1]}
    assert await close_code_and_reason(client) == (None, "")
    await until(lambda: control.companion.hub.connection_count == 0)
    assert "(1006)" in (await control.rows("disconnected"))[-1]["note"]


async def test_a_client_that_reads_nothing_is_closed(control: Control) -> None:
    async with client_that_never_reads(control.companion.server.port):
        await until(lambda: control.companion.hub.connection_count == 1)
        assert (await control.delete("/v1/clients/1")).status == 200
        await until(lambda: control.companion.hub.connection_count == 0)


# drop


async def test_all_clients_are_dropped_and_can_reconnect(control: Control) -> None:
    port = control.companion.server.port
    clients = [await control.connect(name) for name in ("me", "bob", "carol")]
    answer = await control.post("/v1/clients/drop", query={"code": 1012, "reason": "back soon"})
    assert (answer.status, answer.json) == (200, {"clients": [1, 2, 3]})
    assert [await close_code_and_reason(client) for client in clients] == [(1012, "back soon")] * 3
    assert (control.companion.server.listening, control.companion.server.port) == (True, port)
    await until(lambda: control.companion.hub.connection_count == 0)
    again = await control.connect()
    await control.post("/v1/events", online())
    assert json.loads(await frame(again))["event"] == "friend_online"


async def test_all_clients_are_aborted(control: Control) -> None:
    clients = [await control.connect() for _ in range(3)]
    assert (await control.post("/v1/clients/drop", query={"abort": "true"})).json == {"clients": [1, 2, 3]}
    assert [await close_code_and_reason(client) for client in clients] == [(None, "")] * 3


async def test_dropping_without_connected_clients_succeeds(control: Control) -> None:
    assert (await control.post("/v1/clients/drop")).json == {"clients": []}


async def test_concurrent_drops_close_a_client_once(control: Control) -> None:
    client = await control.connect()
    answers = await asyncio.gather(*(control.post("/v1/clients/drop", query={"code": 4000 + n}) for n in range(5)))
    assert {answer.status for answer in answers} == {200}
    code, _ = await close_code_and_reason(client)
    assert code in range(4000, 4005)
