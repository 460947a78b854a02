"""The chat state, the event server, the window, the status; and that closing waits for nobody."""

import asyncio
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
from app.storage import chat_file as storage
from app.system.ports import OWN_PROCESS
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, MakeCompanion, until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import TOKEN, Control, Stream, frame, gets_nothing, message, online
from tests.endpoints.raw import tcp_to
from tests.storage.stored import somebody_else


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


# the chat state


async def test_what_was_saved_comes_back_as_it_was(control: Control) -> None:
    await control.post("/v1/events", message("Grüße 👋\n\0"))
    saved = await control.state()
    assert set(saved) == {"version", "people", "messages"}
    answer = await control.post("/v1/state/reset")
    assert (answer.status, answer.body) == (204, b"")
    assert await control.state() != saved
    answer = await control.put("/v1/state", saved)
    assert (answer.status, answer.body) == (204, b"")
    assert await control.state() == saved


async def test_a_reset_is_the_first_start(control: Control) -> None:
    def told(state: dict[str, Any]) -> tuple[list[str], list[str]]:
        return [each["username"] for each in state["people"]], [each["text"] for each in state["messages"]]

    first = told(await control.state())
    for number in range(5):
        await control.post("/v1/events", message(str(number)))
    assert (await control.post("/v1/state/reset")).status == 204
    assert told(await control.state()) == first


async def test_loading_and_resetting_are_in_the_journal(control: Control) -> None:
    await control.put("/v1/state", await control.state())
    await control.post("/v1/state/reset")
    rows = await control.rows("dir:server state")
    assert [row["event"] for row in rows] == ["chat state loaded", "chat state reset"]


PERSON = {"username": "alice"}
RUBBISH: list[tuple[Any, str]] = [
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
    ({"version": 1, "people": [PERSON], "messages": [{**message(text=7)["data"], "read": True}]}, "messages[0]"),  # type: ignore[arg-type]
]


async def test_rubbish_is_refused_with_the_place_and_changes_nothing(
    control: Control, subtests: pytest.Subtests
) -> None:
    for body, place in RUBBISH:
        with subtests.test(place=place, body=str(body)[:60]):
            await control.post("/v1/events", message())
            before = await control.state()
            answer = await control.put("/v1/state", body)
            assert answer.status == 400
            assert place in answer.detail
            assert await control.state() == before


async def test_a_state_whose_last_message_is_broken_changes_nothing(control: Control) -> None:
    before = await control.state()
    state = {**before, "messages": [{**message(str(n))["data"], "read": True} for n in range(500)]}
    state["messages"][-1]["direction"] = "sideways"
    answer = await control.put("/v1/state", state)
    assert (answer.status, "messages[499]" in answer.detail) == (400, True)
    assert await control.state() == before


async def test_the_same_message_twice_is_refused_or_kept_once(control: Control) -> None:
    before = await control.state()
    one = {**message()["data"], "read": True}
    answer = await control.put("/v1/state", {**before, "messages": [one, one]})
    if answer.status == 204:
        assert (await control.state())["messages"] == [one]
    else:
        assert answer.status == 400
        assert await control.state() == before


async def test_a_large_state_does_not_hold_up_events(control: Control) -> None:
    state = await control.state()
    state["messages"] = [{**message("x" * 9_000)["data"], "read": True} for _ in range(900)]
    go = threading.Event()
    slow_disk = asyncio.create_task(control.companion._database.run_in_thread(go.wait))
    loading = asyncio.create_task(control.put("/v1/state", state))
    for _ in range(20):
        assert (await control.get("/v1/clients")).status == 200
    assert not loading.done()
    go.set()
    assert await slow_disk
    assert (await loading).status == 204


async def test_a_state_that_cannot_be_used_is_a_problem_that_says_what_to_do(
    make_control: MakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 20)
    control = await make_control(chat_file=tmp_path / "chat.db")
    client = await control.connect()
    before = await control.state()
    with somebody_else(tmp_path / "chat.db") as other:
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
    await gets_nothing(client)
    assert await control.state() == before


# the event server


async def status(control: Control, verb: str) -> dict[str, Any]:
    answer = await control.post(f"/v1/server/{verb}")
    assert answer.status == 200, answer.body
    assert answer.json == await control.got("/v1/status")
    return dict(answer.json)


async def test_paused_keeps_clients_and_sends_nothing_until_resumed(control: Control) -> None:
    client = await control.connect()
    for _ in range(2):
        told = await status(control, "pause")
        assert (told["state"], told["clients"], told["events"]["listening"]) == ("paused", 1, True)
    await control.post("/v1/events", online())
    await gets_nothing(client)
    for _ in range(2):
        assert (await status(control, "resume"))["state"] == "listening"
    await control.post("/v1/events", online("bob"))
    assert '"bob"' in await frame(client)
    assert [row["event"] for row in await control.rows("dir:server /paused|resumed/")] == ["paused", "resumed"]


async def test_stopped_the_control_api_goes_on_and_starts_it_again(make_control: MakeControl) -> None:
    control = await make_control(port=unused_port())
    url = control.companion.server.url
    await control.connect()
    for _ in range(2):
        told = await status(control, "stop")
        assert (told["state"], told["clients"]) == ("stopped", 0)
        assert told["events"] == {"url": url, "wanted": True, "listening": False, "trouble": ""}
        assert told["control"]["listening"]
    with pytest.raises(ConnectionRefusedError):
        await control.connect()
    for _ in range(2):
        told = await status(control, "start")
        assert (told["state"], told["events"]["listening"], told["events"]["url"]) == ("listening", True, url)
    client = await control.connect()
    await control.post("/v1/events", online())
    assert "friend_online" in await frame(client)


async def test_an_event_for_a_stopped_server_is_stored(control: Control) -> None:
    await status(control, "stop")
    event = message()
    answer = await control.post("/v1/events", event)
    assert (answer.status, answer.json["clients"]) == (200, [])
    assert await control.stored(event["data"]["msg_id"])


async def test_a_busy_port_is_reported_with_its_owner(make_control: MakeControl, taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    control = await make_control(port=port)
    for _ in range(2):
        answer = await control.post("/v1/server/start")
        assert answer.status == 409
        assert answer.detail.startswith(f"Port {port} is busy")
        if sys.platform == "linux":
            assert f"{OWN_PROCESS} listens on it" in answer.detail
        told = await control.got("/v1/status")
        assert (told["state"], told["events"]["trouble"]) == ("port busy", answer.detail)
        assert (told["events"]["wanted"], told["events"]["listening"]) == (True, False)
    taken.close()
    assert (await status(control, "start"))["events"]["trouble"] == ""


async def test_starting_and_stopping_at_once_leaves_one_of_the_two(control: Control) -> None:
    verbs = ["start", "stop", "pause", "resume"] * 10
    answers = await asyncio.gather(*(control.post(f"/v1/server/{verb}") for verb in verbs))
    assert {answer.status for answer in answers} == {200}
    assert (await status(control, "start"))["events"]["listening"]
    assert (await status(control, "resume"))["state"] == "listening"


# the window


async def test_without_a_window_there_is_nothing_to_raise(control: Control) -> None:
    answer = await control.post("/v1/window/open")
    assert answer.status == 409
    assert "has no window" in answer.detail
    assert (await control.got("/v1/status"))["window"] is False


async def test_the_window_is_raised(control: Control) -> None:
    raised: list[bool] = []
    control.companion.raise_window = lambda: raised.append(True)
    answer = await control.post("/v1/window/open")
    assert (answer.status, answer.body, raised) == (204, b"", [True])
    assert (await control.got("/v1/status"))["window"] is True


async def test_the_fire_bar_is_shown_if_there_is_a_window(control: Control) -> None:
    answer = await control.post("/v1/fire-bar/open")
    assert answer.status == 409
    assert "has no window" in answer.detail
    shown: list[bool] = []
    control.companion.show_fire_bar = lambda: shown.append(True)
    answer = await control.post("/v1/fire-bar/open")
    assert (answer.status, answer.body, shown) == (204, b"", [True])


# quitting


async def test_quitting_is_answered_and_ends_the_program(control: Control) -> None:
    quits: list[bool] = []
    control.companion.quit_program = lambda: quits.append(True)
    answer = await control.post("/v1/quit")
    assert (answer.status, answer.body, quits) == (204, b"", [True])


async def test_a_companion_inside_another_program_cannot_be_ended(control: Control) -> None:
    answer = await control.post("/v1/quit")
    assert answer.status == 409
    assert "part of another program" in answer.detail


# the status


async def test_the_status_contains_every_field(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(username="zoe", chat_file=tmp_path / "chat.db", rest_port=0)
    companion = control.companion
    assert await companion.start_service("rest")
    await control.connect()
    told = await control.got("/v1/status")
    assert told == {
        "version": __version__, "pid": os.getpid(), "window": False, "username": "zoe", "state": "listening",
        "clients": 1,
        "events": {"url": companion.server.url, "wanted": True, "listening": True, "trouble": ""},
        "rest": {"url": companion.rest.url, "wanted": True, "listening": True, "trouble": ""},
        "control": {"url": companion.control.url, "wanted": True, "listening": True, "trouble": ""},
        "journal": {
            "rows": len(companion.journal), "first_seq": 1, "last_seq": companion.journal.last_seq, "dropped": 0,
            "log_get_requests": False,
        },
        "services": [
            {
                "name": each.name, "title": each.title, "url": each.server.url, "wanted": True, "listening": True,
                "error": "",
            }
            for each in companion.services
        ],
        "in_memory": False, "warnings": [], "complaints": [],
    }  # fmt: skip


async def test_the_status_names_the_user_of_now_and_a_state_in_memory(control: Control) -> None:
    settings = Settings(
        username="zoe", port=0, rest=False, control_port=0, fixtures=control.companion.settings.fixtures
    )
    await control.companion.apply(settings)
    told = await control.got("/v1/status")
    assert (told["username"], told["in_memory"]) == ("zoe", True)
    assert told["rest"]["wanted"] is False


async def test_the_status_counts_what_the_ring_dropped(make_control: MakeControl) -> None:
    control = await make_control(journal_rows=100)
    for _ in range(250):
        control.companion.hub.log_server_event("tick")
    told = (await control.got("/v1/status"))["journal"]
    assert told["rows"] == 100
    assert told["dropped"] == told["first_seq"] - 1 == told["last_seq"] - 100


async def test_a_busy_rest_port_is_reported_while_events_work(
    make_control: MakeControl, taken: socket.socket
) -> None:
    port = taken.getsockname()[1]
    control = await make_control(rest_port=port)
    assert not await control.companion.start_service("rest")
    told = await control.got("/v1/status")
    assert told["rest"] == {
        "url": f"http://127.0.0.1:{port}", "wanted": True, "listening": False, "trouble": told["rest"]["trouble"]
    }  # fmt: skip
    assert told["rest"]["trouble"].startswith(f"Port {port} is busy")
    assert (told["state"], told["events"]["trouble"]) == ("listening", "")
    client = await control.connect()
    await control.post("/v1/events", online())
    assert "friend_online" in await frame(client)
    for _ in range(2):
        told = await status(control, "start")
        assert told["rest"]["trouble"].startswith(f"Port {port} is busy"), "start tries again, and says so"
    taken.close()
    assert (await status(control, "start"))["rest"]["listening"]


# the door itself


async def test_a_busy_control_port_is_reported(make_companion: MakeCompanion, taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    companion = await make_companion(control_port=port)
    companion.control.token = TOKEN
    assert not await companion.start_service("control")
    assert companion.services["control"].error.startswith(f"Port {port} is busy")
    taken.close()
    assert await companion.start_service("control")
    assert companion.services["control"].error == ""


async def test_switched_off_it_does_not_listen(make_companion: MakeCompanion) -> None:
    companion = await make_companion(control=False, control_port=0)
    companion.control.token = TOKEN
    assert await companion.start_service("control")
    assert (companion.control.listening, companion.services["control"].error) == (False, "")


async def test_without_a_token_it_does_not_listen(make_companion: MakeCompanion) -> None:
    companion = await make_companion(control_port=0)
    await companion.start_service("control")
    assert not companion.control.listening


async def test_settings_switch_it_off_and_move_it_and_the_token_stays(control: Control) -> None:
    companion, first = control.companion, control.companion.control.port
    base: dict[str, Any] = {"port": companion.settings.port, "rest": False, "fixtures": companion.settings.fixtures}
    await companion.apply(Settings(**base, control=False, control_port=0))
    with pytest.raises(ConnectionRefusedError):
        async with tcp_to(first):
            pass
    moved = unused_port()
    await companion.apply(Settings(**base, control_port=moved))
    assert companion.control.port == moved
    assert (await control.got("/v1/status"))["control"]["url"] == f"http://127.0.0.1:{moved}"


async def close(companion: Companion) -> None:
    await asyncio.wait_for(companion.close(), PATIENCE_S)
    assert not companion.control.listening
    assert not companion.server.listening


async def to_the_end(stream: Stream) -> list[dict[str, str]]:
    events = []
    while fields := await stream.next():
        events.append(fields)
    return events


async def test_closing_ends_streams_and_pending_requests(control: Control) -> None:
    client = await control.connect()
    async with control.stream() as first, control.stream(after=0) as second, control.stream(filter="none") as third:
        waiting = [
            asyncio.create_task(control.post("/v1/expectations", {"event": "typing", "within": 3600})),
            asyncio.create_task(control.post("/v1/events", online(), query={"to": "user:nobody", "wait": 3600})),
        ]
        await asyncio.sleep(0.1)
        await close(control.companion)
        for stream in (first, second, third):
            await asyncio.wait_for(to_the_end(stream), PATIENCE_S)
        for ended in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(ended, aiohttp.ClientError)
    await client.wait_closed()


async def test_closing_does_not_wait_for_an_unread_stream(control: Control) -> None:
    head = (
        f"GET /v1/journal/stream HTTP/1.1\r\nHost: 127.0.0.1:{control.companion.control.port}\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n"
    )
    async with tcp_to(control.companion.control.port, receive_buffer=4_096) as deaf:
        await deaf.send(head.encode())
        assert (await deaf.receive(100)).startswith(b"HTTP/1.1 200 ")
        for _ in range(300):
            await control.post("/v1/frames", b"x" * 30_000)
        await close(control.companion)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /v1/sta",
        b"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["silent", "half a line", "half a body"],
)
async def test_closing_does_not_wait_for_idle_connections_or_partial_requests(
    control: Control, begun: bytes
) -> None:
    host = f"127.0.0.1:{control.companion.control.port}".encode()
    async with tcp_to(control.companion.control.port) as client:
        await client.send(begun.replace(b"{host}", host).replace(b"{token}", TOKEN.encode()))
        await asyncio.sleep(0.05)
        await close(control.companion)


async def test_switching_it_off_ends_streams_too(control: Control) -> None:
    async with control.stream() as stream:
        before = len(control.companion.journal.appended._listeners)
        await control.companion.control.stop()
        assert await to_the_end(stream) == []
        await until(lambda: len(control.companion.journal.appended._listeners) < before)


async def test_a_change_that_is_under_way_at_the_end_is_whole_or_not_done(
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
