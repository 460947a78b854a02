"""Chat state, event server, window and status in the control API, and closing it with open connections."""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app import __version__
from app.companion import Companion
from app.protocol.envelope import MAX_DEPTH
from app.storage import chat_file as storage
from app.system.ports import OWN_PROCESS
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, MakeCompanion, until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import TOKEN, Control, Stream, assert_nothing_received, frame, message, online
from tests.endpoints.raw import tcp_to
from tests.storage.stored import other_connection


@pytest.fixture
def busy_socket() -> Iterator[socket.socket]:
    """Return a socket that listens on a port, so that the port is busy."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


# the chat state


async def test_a_saved_state_is_loaded_unchanged(control: Control) -> None:
    await control.post("/v1/events", message("Grüße 👋\n\0"))
    saved = await control.state()
    assert set(saved) == {"version", "people", "messages"}
    answer = await control.post("/v1/state/reset")
    assert (answer.status, answer.body) == (204, b"")
    assert await control.state() != saved
    answer = await control.put("/v1/state", saved)
    assert (answer.status, answer.body) == (204, b"")
    assert await control.state() == saved


async def test_a_state_with_deeply_nested_fields_is_loaded(control: Control) -> None:
    """Regression: a message whose fields were as deep as a frame allows made a saved state invalid."""
    state = await control.state()
    state["messages"][0]["extra"] = json.loads('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)
    assert (await control.put("/v1/state", state)).status == 204
    assert await control.state() == state


async def test_a_reset_restores_the_initial_state(control: Control) -> None:
    def usernames_and_texts(state: dict[str, Any]) -> tuple[list[str], list[str]]:
        return [each["username"] for each in state["people"]], [each["text"] for each in state["messages"]]

    first = usernames_and_texts(await control.state())
    for number in range(5):
        await control.post("/v1/events", message(str(number)))
    assert (await control.post("/v1/state/reset")).status == 204
    assert usernames_and_texts(await control.state()) == first


async def test_loading_and_resetting_are_logged(control: Control) -> None:
    await control.put("/v1/state", await control.state())
    await control.post("/v1/state/reset")
    rows = await control.rows("dir:server state")
    assert [row["event"] for row in rows] == ["chat state loaded", "chat state reset"]


PERSON = {"username": "alice"}
INVALID_STATES: list[tuple[Any, str]] = [
    ({}, "version"),
    ({"version": 2, "people": [], "messages": []}, "version"),
    ({"version": "1", "people": [], "messages": []}, "version"),
    ({"version": True, "people": 7, "messages": []}, ""),
    ({"version": 1}, "people"),
    ({"version": 1, "people": [], "messages": None}, "messages"),
    ({"version": 1, "people": [{}], "messages": []}, "people"),
    ({"version": 1, "people": [PERSON, PERSON], "messages": []}, "appears twice"),
    ({"version": 1, "people": [{"username": ""}], "messages": []}, "people[0].username"),
    ({"version": 1, "people": [{"username": "a/b"}], "messages": []}, "people[0].username"),
    ({"version": 1, "people": [{**PERSON, "last_seen": 1e300}], "messages": []}, "people[0].last_seen"),
    ({"version": 1, "people": [{**PERSON, "last_seen": 10**30}], "messages": []}, "people[0].last_seen"),
    ({"version": 1, "people": [{**PERSON, "online": 1}], "messages": []}, "people"),
    ({"version": 1, "people": [PERSON], "messages": [7]}, "messages[0]"),
    ({"version": 1, "people": [PERSON], "messages": [{"read": True}]}, "messages[0]"),
    ({"version": 1, "people": [PERSON], "messages": [message()["data"]]}, "messages[0]"),
    ({"version": 1, "people": [PERSON], "messages": [{**message()["data"], "read": 1}]}, "messages[0]"),
    (
        {"version": 1, "people": [PERSON], "messages": [{**message()["data"], "text": 7, "read": True}]},
        "messages[0]",
    ),
]


async def test_an_invalid_state_is_rejected_with_its_path_and_changes_nothing(
    control: Control, subtests: pytest.Subtests
) -> None:
    for body, expected_detail in INVALID_STATES:
        with subtests.test(expected_detail=expected_detail, body=str(body)[:60]):
            await control.post("/v1/events", message())
            before = await control.state()
            answer = await control.put("/v1/state", body)
            assert answer.status == 400
            assert expected_detail in answer.detail
            assert await control.state() == before


async def test_a_state_with_an_invalid_last_message_changes_nothing(control: Control) -> None:
    before = await control.state()
    state = {**before, "messages": [{**message(str(n))["data"], "read": True} for n in range(500)]}
    state["messages"][-1]["direction"] = "sideways"
    answer = await control.put("/v1/state", state)
    assert (answer.status, "messages[499]" in answer.detail) == (400, True)
    assert await control.state() == before


async def test_a_duplicate_message_is_rejected_or_stored_once(control: Control) -> None:
    before = await control.state()
    stored = {**message()["data"], "read": True}
    answer = await control.put("/v1/state", {**before, "messages": [stored, stored]})
    if answer.status == 204:
        assert (await control.state())["messages"] == [stored]
    else:
        assert answer.status == 400
        assert await control.state() == before


async def test_loading_a_large_state_does_not_block_other_requests(control: Control) -> None:
    state = await control.state()
    state["messages"] = [{**message("x" * 9_000)["data"], "read": True} for _ in range(900)]
    release = threading.Event()
    slow_disk = asyncio.create_task(control.companion._database.run_in_thread(release.wait))
    loading = asyncio.create_task(control.put("/v1/state", state))
    for _ in range(20):
        assert (await control.get("/v1/clients")).status == 200
    assert not loading.done()
    release.set()
    assert await slow_disk
    assert (await loading).status == 204


async def test_a_locked_chat_state_is_reported_with_a_remedy(
    make_control: MakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 20)
    control = await make_control(chat_file=tmp_path / "chat.db")
    client = await control.connect()
    before = await control.state()
    with other_connection(tmp_path / "chat.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        for answer in (
            await control.get("/v1/state"),
            await control.put("/v1/state", before),
            await control.post("/v1/state/reset"),
            await control.post("/v1/events", message()),
            await control.post("/v1/trigger", {"event": "new_message"}),
        ):
            assert answer.status == 503
            assert "another program has locked chat.db: close it and try again" in answer.detail
        assert (await control.get("/v1/status")).status == 200
    await assert_nothing_received(client)
    assert await control.state() == before


# the event server


async def change_server(control: Control, command: str) -> dict[str, Any]:
    answer = await control.post(f"/v1/server/{command}")
    assert answer.status == 200, answer.body
    assert answer.json == await control.get_json("/v1/status")
    return dict(answer.json)


async def test_pause_keeps_clients_and_sends_nothing_until_resumed(control: Control) -> None:
    client = await control.connect()
    for _ in range(2):
        status_json = await change_server(control, "pause")
        assert (status_json["state"], status_json["clients"], status_json["events"]["listening"]) == (
            "paused",
            1,
            True,
        )
    await control.post("/v1/events", online())
    await assert_nothing_received(client)
    for _ in range(2):
        assert (await change_server(control, "resume"))["state"] == "listening"
    await control.post("/v1/events", online("bob"))
    assert '"bob"' in await frame(client)
    assert [row["event"] for row in await control.rows("dir:server /paused|resumed/")] == ["paused", "resumed"]


async def test_the_control_api_stops_and_restarts_the_event_server(make_control: MakeControl) -> None:
    control = await make_control(port=unused_port())
    url = control.companion.server.url
    await control.connect()
    for _ in range(2):
        status_json = await change_server(control, "stop")
        assert (status_json["state"], status_json["clients"]) == ("stopped", 0)
        assert status_json["events"] == {"url": url, "wanted": True, "listening": False, "error": "", "trouble": ""}
        assert status_json["control"]["listening"]
    with pytest.raises(ConnectionRefusedError):
        await control.connect()
    for _ in range(2):
        status_json = await change_server(control, "start")
        assert (status_json["state"], status_json["events"]["listening"], status_json["events"]["url"]) == (
            "listening",
            True,
            url,
        )
    client = await control.connect()
    await control.post("/v1/events", online())
    assert "friend_online" in await frame(client)


async def test_an_event_for_a_stopped_server_is_stored(control: Control) -> None:
    await change_server(control, "stop")
    event = message()
    answer = await control.post("/v1/events", event)
    assert (answer.status, answer.json["clients"]) == (200, [])
    assert await control.stored(event["data"]["msg_id"])


async def test_a_busy_port_is_reported_with_its_owner(
    make_control: MakeControl, busy_socket: socket.socket
) -> None:
    port = busy_socket.getsockname()[1]
    control = await make_control(port=port)
    for _ in range(2):
        answer = await control.post("/v1/server/start")
        assert answer.status == 409
        assert answer.detail.startswith(f"Port {port} is busy")
        if sys.platform == "linux":
            assert f"{OWN_PROCESS} listens on it" in answer.detail
        status_json = await control.get_json("/v1/status")
        assert (status_json["state"], status_json["events"]["error"]) == ("port busy", answer.detail)
        assert (status_json["events"]["wanted"], status_json["events"]["listening"]) == (True, False)
    busy_socket.close()
    assert (await change_server(control, "start"))["events"]["error"] == ""


async def test_concurrent_server_commands_succeed(control: Control) -> None:
    commands = ["start", "stop", "pause", "resume"] * 10
    answers = await asyncio.gather(*(control.post(f"/v1/server/{command}") for command in commands))
    assert {answer.status for answer in answers} == {200}
    assert (await change_server(control, "start"))["events"]["listening"]
    assert (await change_server(control, "resume"))["state"] == "listening"


# the window


async def test_opening_the_window_fails_without_a_window(control: Control) -> None:
    answer = await control.post("/v1/window/open")
    assert answer.status == 409
    assert "has no window" in answer.detail
    assert (await control.get_json("/v1/status"))["window"] is False


async def test_opening_the_window_raises_it(control: Control) -> None:
    raised: list[bool] = []
    control.companion.raise_window = lambda: raised.append(True)
    answer = await control.post("/v1/window/open")
    assert (answer.status, answer.body, raised) == (204, b"", [True])
    assert (await control.get_json("/v1/status"))["window"] is True


async def test_the_fire_bar_is_shown_if_there_is_a_window(control: Control) -> None:
    answer = await control.post("/v1/fire-bar/open")
    assert answer.status == 409
    assert "has no window" in answer.detail
    shown: list[bool] = []
    control.companion.show_fire_bar = lambda: shown.append(True)
    answer = await control.post("/v1/fire-bar/open")
    assert (answer.status, answer.body, shown) == (204, b"", [True])


# quitting


async def test_quit_is_answered_and_ends_the_program(control: Control) -> None:
    quits: list[bool] = []
    control.companion.quit_program = lambda: quits.append(True)
    answer = await control.post("/v1/quit")
    assert (answer.status, answer.body, quits) == (204, b"", [True])


async def test_quit_fails_if_the_companion_is_part_of_another_program(control: Control) -> None:
    answer = await control.post("/v1/quit")
    assert answer.status == 409
    assert "part of another program" in answer.detail


# the status


async def test_the_status_contains_every_field(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(username="zoe", chat_file=tmp_path / "chat.db", rest_port=0)
    companion = control.companion
    assert await companion.start_service("rest")
    await control.connect()
    status_json = await control.get_json("/v1/status")
    assert status_json == {
        "version": __version__, "pid": os.getpid(), "window": False, "username": "zoe", "state": "listening",
        "clients": 1,
        "events": {"url": companion.server.url, "wanted": True, "listening": True, "error": "", "trouble": ""},
        "rest": {"url": companion.rest.url, "wanted": True, "listening": True, "error": "", "trouble": ""},
        "control": {"url": companion.control.url, "wanted": True, "listening": True, "error": "", "trouble": ""},
        "journal": {
            "rows": len(companion.journal), "first_seq": 1, "last_seq": companion.journal.last_seq, "dropped": 0,
            "run": companion.journal.run_id,
            "log_get_requests": False,
        },
        "services": [
            {
                "name": each.name, "title": each.title, "url": each.server.url, "wanted": each.name != "peers",
                "listening": each.name != "peers", "error": "",
            }
            for each in companion.services
        ],
        "refusals": [], "in_memory": False, "warnings": [], "complaints": [], "refused_page": "",
    }  # fmt: skip


async def test_the_status_shows_the_current_user_and_a_state_in_memory(control: Control) -> None:
    settings = Settings(
        username="zoe", port=0, rest=False, control_port=0, fixtures=control.companion.settings.fixtures
    )
    await control.companion.apply(settings)
    status_json = await control.get_json("/v1/status")
    assert (status_json["username"], status_json["in_memory"]) == ("zoe", True)
    assert status_json["rest"]["wanted"] is False


async def test_the_status_counts_dropped_rows(make_control: MakeControl) -> None:
    control = await make_control(journal_rows=100)
    for _ in range(250):
        control.companion.hub.log_server_event("tick")
    journal = (await control.get_json("/v1/status"))["journal"]
    assert journal["rows"] == 100
    assert journal["dropped"] == journal["first_seq"] - 1 == journal["last_seq"] - 100


async def test_a_busy_rest_port_is_reported_while_events_work(
    make_control: MakeControl, busy_socket: socket.socket
) -> None:
    port = busy_socket.getsockname()[1]
    control = await make_control(rest_port=port)
    assert not await control.companion.start_service("rest")
    status_json = await control.get_json("/v1/status")
    assert status_json["rest"] == {
        "url": f"http://127.0.0.1:{port}", "wanted": True, "listening": False,
        "error": status_json["rest"]["error"], "trouble": status_json["rest"]["error"],
    }  # fmt: skip
    assert status_json["rest"]["error"].startswith(f"Port {port} is busy")
    assert (status_json["state"], status_json["events"]["error"]) == ("listening", "")
    client = await control.connect()
    await control.post("/v1/events", online())
    assert "friend_online" in await frame(client)
    for _ in range(2):
        status_json = await change_server(control, "start")
        assert status_json["rest"]["error"].startswith(f"Port {port} is busy"), (
            "start retries and reports the error again"
        )
    busy_socket.close()
    assert (await change_server(control, "start"))["rest"]["listening"]


# the server of the control API


async def test_a_busy_control_port_is_reported(make_companion: MakeCompanion, busy_socket: socket.socket) -> None:
    port = busy_socket.getsockname()[1]
    companion = await make_companion(control_port=port)
    companion.control.token = TOKEN
    assert not await companion.start_service("control")
    assert companion.services["control"].error.startswith(f"Port {port} is busy")
    busy_socket.close()
    assert await companion.start_service("control")
    assert companion.services["control"].error == ""


async def test_a_disabled_control_api_does_not_listen(make_companion: MakeCompanion) -> None:
    companion = await make_companion(control=False, control_port=0)
    companion.control.token = TOKEN
    assert await companion.start_service("control")
    assert (companion.control.listening, companion.services["control"].error) == (False, "")


async def test_without_a_token_the_control_api_does_not_listen(make_companion: MakeCompanion) -> None:
    companion = await make_companion(control_port=0)
    await companion.start_service("control")
    assert not companion.control.listening


async def test_settings_disable_and_move_the_control_api_and_keep_the_token(control: Control) -> None:
    companion, first = control.companion, control.companion.control.port
    base: dict[str, Any] = {"port": companion.settings.port, "rest": False, "fixtures": companion.settings.fixtures}
    await companion.apply(Settings(**base, control=False, control_port=0))
    with pytest.raises(ConnectionRefusedError):
        async with tcp_to(first):
            pass
    moved = unused_port()
    await companion.apply(Settings(**base, control_port=moved))
    assert companion.control.port == moved
    assert (await control.get_json("/v1/status"))["control"]["url"] == f"http://127.0.0.1:{moved}"


async def close(companion: Companion) -> None:
    await asyncio.wait_for(companion.close(), PATIENCE_S)
    assert not companion.control.listening
    assert not companion.server.listening


async def read_to_end(stream: Stream) -> list[dict[str, str]]:
    events = []
    while fields := await stream.next():
        events.append(fields)
    return events


async def test_closing_ends_streams_and_pending_requests(control: Control) -> None:
    client = await control.connect()
    async with control.stream() as first, control.stream(after=0) as second, control.stream(filter="none") as third:
        waiting = [
            asyncio.create_task(control.post("/v1/expectations", {"event": "typing", "within": 3600})),
            asyncio.create_task(control.post("/v1/events", online(), query={"to": "user:unknown", "wait": 3600})),
        ]
        await asyncio.sleep(0.1)
        await close(control.companion)
        for stream in (first, second, third):
            await asyncio.wait_for(read_to_end(stream), PATIENCE_S)
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(result, aiohttp.ClientError)
    await client.wait_closed()


async def test_closing_does_not_wait_for_an_unread_stream(control: Control) -> None:
    head = (
        f"GET /v1/journal/stream HTTP/1.1\r\nHost: 127.0.0.1:{control.companion.control.port}\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n"
    )
    async with tcp_to(control.companion.control.port, receive_buffer=4_096) as client:
        await client.send(head.encode())
        assert (await client.receive(100)).startswith(b"HTTP/1.1 200 ")
        for _ in range(300):
            await control.post("/v1/frames", b"x" * 30_000)
        await close(control.companion)


@pytest.mark.parametrize(
    "request_start",
    [
        b"",
        b"GET /v1/sta",
        b"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["silent", "incomplete line", "incomplete body"],
)
async def test_closing_does_not_wait_for_idle_connections_or_partial_requests(
    control: Control, request_start: bytes
) -> None:
    host = f"127.0.0.1:{control.companion.control.port}".encode()
    async with tcp_to(control.companion.control.port) as client:
        await client.send(request_start.replace(b"{host}", host).replace(b"{token}", TOKEN.encode()))
        await asyncio.sleep(0.05)
        await close(control.companion)


async def test_stopping_the_control_api_ends_streams(control: Control) -> None:
    async with control.stream() as stream:
        before = len(control.companion.journal.appended._listeners)
        await control.companion.control.stop()
        assert await read_to_end(stream) == []
        await until(lambda: len(control.companion.journal.appended._listeners) < before)


async def test_a_state_being_loaded_at_shutdown_is_loaded_completely_or_not_at_all(
    make_control: MakeControl, tmp_path: Path
) -> None:
    control = await make_control(chat_file=tmp_path / "chat.db")
    before = await control.state()
    state = {**before, "messages": [{**message("x" * 5_000)["data"], "read": True} for _ in range(1_500)]}
    loading = asyncio.create_task(control.put("/v1/state", state))
    await asyncio.sleep(0.15)
    await close(control.companion)
    await asyncio.gather(loading, return_exceptions=True)
    again = await make_control(chat_file=tmp_path / "chat.db")
    assert len((await again.state())["messages"]) in (len(before["messages"]), 1_500)
