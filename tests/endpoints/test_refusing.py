"""Connections that are refused on purpose, with real sockets: every mode, the limits, and the reconnect watch."""

import asyncio
import socket
import sys
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Origin

from app.endpoints import refusing
from app.hub.journal import Verdict
from tests.conftest import PATIENCE_S, until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control
from tests.endpoints.http_client import PAGE
from tests.endpoints.raw import RawClient, tcp_to

CHROME = "Mozilla/5.0 Chrome/140.0.0.0"


async def refuse(control: Control, **body: Any) -> list[dict[str, Any]]:
    answer = await control.post("/v1/server/refuse", body)
    assert answer.status == 200, answer.body
    return list(answer.json)


async def handshake(control: Control, client: RawClient) -> None:
    """Send the request of a handshake, without waiting for its answer."""
    port = control.companion.server.port
    await client.send(
        b"GET /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % port
    )


async def notes(control: Control) -> list[str]:
    return [row["note"] for row in await control.rows("event:refused")]


async def test_the_next_connections_get_a_503_with_retry_after_and_then_one_is_accepted(control: Control) -> None:
    (armed,) = await refuse(control, count=2)
    assert armed["text"] == "the next 2 connections (503)"
    for _ in range(2):
        with pytest.raises(InvalidStatus) as error:
            await connect(control.companion.server.url, proxy=None)
        assert error.value.response.status_code == 503
        assert error.value.response.headers["Retry-After"] == "3"
        assert b"on purpose" in error.value.response.body
    await control.connect()
    assert await notes(control) == ["on purpose: 503, 1 more", "on purpose: 503, 0 more"]
    assert await control.get_json("/v1/server/refusals") == []


async def test_a_request_that_is_no_handshake_uses_up_no_refusal(control: Control) -> None:
    await refuse(control)
    port = control.companion.server.port
    async with tcp_to(port) as client:
        await client.send(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 426 ")
    with pytest.raises(InvalidStatus):
        await connect(control.companion.server.url, proxy=None)
    await control.connect()


async def test_without_a_number_one_connection_is_refused(control: Control) -> None:
    await refuse(control)
    with pytest.raises(InvalidStatus):
        await connect(control.companion.server.url, proxy=None)
    await control.connect()


async def test_a_connection_is_reset_after_its_handshake(control: Control) -> None:
    await refuse(control, mode="reset")
    async with tcp_to(control.companion.server.port) as client:
        await handshake(control, client)
        with pytest.raises(ConnectionResetError):
            await client.receive()


async def test_silence_sends_nothing_until_connections_are_accepted_again(
    make_control: MakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.endpoints.events.OPEN_TIMEOUT_S", 3_600)
    control = await make_control()
    await refuse(control, count=2, mode="silence")
    async with tcp_to(control.companion.server.port) as client:
        await handshake(control, client)
        await until(lambda: len(control.companion.server.clients.refused._silent) == 1)
        receiving = asyncio.ensure_future(client.receive())
        done, _ = await asyncio.wait([receiving], timeout=0.3)
        assert not done
        assert (await control.post("/v1/server/accept")).json == []
        assert await ended(receiving)
    await control.connect()


async def ended(receiving: "asyncio.Future[bytes]") -> bool:
    """Return whether a connection ended without data."""
    try:
        return await asyncio.wait_for(receiving, PATIENCE_S) == b""
    except ConnectionResetError:
        return True


async def test_silence_ends_with_the_time_limit_of_a_handshake(
    make_control: MakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.endpoints.events.OPEN_TIMEOUT_S", 0.2)
    control = await make_control()
    await refuse(control, mode="silence")
    async with tcp_to(control.companion.server.port) as client:
        await handshake(control, client)
        assert await ended(asyncio.ensure_future(client.receive()))
    await until(lambda: not control.companion.server.clients.refused._silent)


async def test_too_many_silent_connections_are_reset(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusing, "MAX_SILENT", 1)
    await refuse(control, count=2, mode="silence")
    async with tcp_to(control.companion.server.port) as first, tcp_to(control.companion.server.port) as second:
        await handshake(control, first)
        await until(lambda: control.companion.server.clients.refused._silent)
        await handshake(control, second)
        with pytest.raises(ConnectionResetError):
            await second.receive()
    assert await notes(control) == ["on purpose: silence, 1 more", "on purpose: reset, 0 more"]


@pytest.mark.parametrize("code", [1000, 1013, 3000, 4999])
async def test_a_connection_is_accepted_and_closed_at_once_with_any_code(control: Control, code: int) -> None:
    await refuse(control, mode=f"close:{code}")
    async with connect(control.companion.server.url, proxy=None) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), PATIENCE_S)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == code
    assert await control.rows("event:connected") == []
    assert control.companion.hub.connection_count == 0


async def test_garbage_is_no_http(control: Control) -> None:
    await refuse(control, count=2, mode="garbage")
    with pytest.raises(InvalidMessage):
        await connect(control.companion.server.url, proxy=None)
    async with tcp_to(control.companion.server.port) as client:
        await handshake(control, client)
        assert (await client.read_to_end())[:3] == b"\x16\x03\x03"


async def test_all_connections_are_refused_for_a_time(control: Control) -> None:
    (armed,) = await refuse(control, **{"for": 0.4})
    assert armed["left"] is None
    assert armed["text"] == "all connections for 0 s (503)"
    for _ in range(3):
        with pytest.raises(InvalidStatus):
            await connect(control.companion.server.url, proxy=None)
    await until(lambda: not control.companion.refusals.armed)
    await control.connect()
    assert [row["event"] for row in await control.rows("event:accepting")] == ["accepting again"]


async def test_refusals_are_used_in_the_order_in_which_they_were_armed(control: Control) -> None:
    await refuse(control, mode="close:1013")
    armed = await refuse(control)
    assert [each["mode"] for each in armed] == ["close:1013", "503"]
    async with connect(control.companion.server.url, proxy=None) as client:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), PATIENCE_S)
    with pytest.raises(InvalidStatus):
        await connect(control.companion.server.url, proxy=None)


async def test_a_foreign_origin_does_not_use_up_the_number(make_control: MakeControl) -> None:
    control = await make_control(allowed_origins=[PAGE])
    await refuse(control)
    for origin in (Origin("http://evil.example"), None):
        url = control.companion.server.url + ("" if origin else "x")
        with pytest.raises(InvalidStatus) as error:
            await connect(url, proxy=None, origin=origin)
        assert error.value.response.status_code in (403, 404)
    async with tcp_to(control.companion.server.port):
        pass  # a connection without a handshake
    (armed,) = await control.get_json("/v1/server/refusals")
    assert (armed["left"], armed["refused"]) == (1, 0)
    with pytest.raises(InvalidStatus) as error:
        await connect(control.companion.server.url, proxy=None, origin=PAGE)
    assert error.value.response.status_code == 503


async def test_a_refused_connection_is_a_row_that_is_no_warning_and_not_listed_as_rejected(
    make_control: MakeControl,
) -> None:
    control = await make_control(allowed_origins=[PAGE])
    await refuse(control)
    with pytest.raises(InvalidStatus):
        await connect(control.companion.server.url, proxy=None, origin=PAGE)
    (row,) = [each for each in control.companion.journal if each.event == "refused"]
    assert (row.note, row.verdict) == (f"on purpose: 503, 0 more; from {PAGE}", Verdict.OK)
    assert control.companion.rejection_log.total == 0


async def test_a_client_that_is_connected_stays(control: Control) -> None:
    await control.connect()
    await refuse(control, count=5)
    assert control.companion.hub.connection_count == 1
    (armed,) = (await control.get_json("/v1/status"))["refusals"]
    assert armed["text"] == "the next 5 connections (503)"


async def test_bad_input_is_reported(control: Control, subtests: pytest.Subtests) -> None:
    for body, status, text in [
        ({"mode": "close:1005"}, 422, "The close code 1005 cannot be sent"),
        ({"mode": "close:999"}, 422, "mode"),
        ({"mode": "404"}, 422, "mode"),
        ({"count": 0}, 422, "count"),
        ({"count": 10_001}, 422, "count"),
        ({"for": 601}, 422, "for"),
        ({"for": 0}, 422, "for"),
    ]:
        with subtests.test(body=body, status=status):
            answer = await control.post("/v1/server/refuse", body)
            assert answer.status == status, answer.body
            assert text in answer.body.decode()
            assert control.companion.refusals.armed == ()


async def test_the_number_of_armed_refusals_is_limited(control: Control) -> None:
    for _ in range(20):
        await refuse(control)
    answer = await control.post("/v1/server/refuse", {})
    assert answer.status == 409
    assert "20 refusals are armed already" in answer.json["detail"]


@pytest.mark.parametrize("mode", ["silence", "close:1013"])
async def test_the_server_stops_at_once_whatever_is_armed(control: Control, mode: str) -> None:
    await refuse(control, count=100, mode=mode)
    server = control.companion.server
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for each in held:
        each.setblocking(False)
        await handshake(control, RawClient(each))
    await until(lambda: control.companion.refusals.armed[0].refused == 20)
    await asyncio.wait_for(server.stop(), PATIENCE_S)
    assert server.connections == set()
    for each in held:
        each.close()


# the reconnect watch


async def attempts(control: Control) -> list[dict[str, Any]]:
    (report,) = await control.get_json("/v1/reconnects")
    return list(report["attempts"])


@pytest.mark.parametrize("mode", ["503", "reset", "garbage", "close:1013", "silence"])
async def test_the_reconnect_watch_counts_refused_attempts(
    make_control: MakeControl, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "silence":
        monkeypatch.setattr("app.endpoints.events.OPEN_TIMEOUT_S", 1.0)  # also of the client that is accepted
    control = await make_control(allowed_origins=[PAGE])
    await control.connect(origin=PAGE, user_agent_header=CHROME)
    await refuse(control, count=3, mode=mode)
    await control.post("/v1/clients/drop")
    await until(lambda: not control.companion.hub.clients)
    for number in (1, 2):
        try:
            client = await connect(
                control.companion.server.url,
                proxy=None,
                origin=PAGE,
                user_agent_header=CHROME,
            )
            await client.wait_closed()
        except (InvalidHandshake, OSError, EOFError, TimeoutError):
            pass
        await until(lambda: not control.companion.server.connections)
        found = await attempts(control)
        assert len(found) == number
        assert (found[-1]["client"], found[-1]["verdict"]) == (None, "early")
    number = 1 if mode.startswith("close") else 2
    assert found[-1]["number"] == number, "a page that was connected counts from 1 again"
    (report,) = await control.get_json("/v1/reconnects")
    assert report["text"].startswith(f"attempt {number + (not mode.startswith('close'))} is expected after")


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a reset in several ways")
