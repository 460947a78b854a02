"""``companion faults`` with the real program and independent clients: the same frames are affected each time."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from app.interceptors.delay_line import REORDER_S

from . import sockets
from .browser import Site
from .chat_ui import window
from .conftest import Run, RunJson, Start, both_variants
from .processes import Companion, serve
from .rest import Rest
from .ui_actions import ControlApi

NAMES = [f"user{number}" for number in range(24)]
DISORDER = ("loss=0.3,correlation=0.3", "duplicate=0.2", "reorder=4,rate=0.3")


class Captured(NamedTuple):
    """What the page in Chromium and an independent client received before and after their reconnect."""

    page: list[list[str]]
    client: list[list[str]]


async def capture(api: ControlApi, server: Companion, site: Site, profile: Path) -> Captured:
    """Fire at a page and at a client, which both reconnect in between. Return the users of the frames."""
    found = Captured([], [])
    async with window(profile) as chat:
        for part in (NAMES[:9], NAMES[9:]):
            await (chat.reload() if found.page else chat.open(site.origin, server))
            with sockets.client(server.url, "ui") as client:
                for name in part:
                    await api.fire("friend_online", username=name)
                await asyncio.sleep(REORDER_S + 1)
                found.client.append(drain(client))
                found.page.append([each["username"] for each in await chat.frames("friend_online")])
    return found


def drain(connection: ClientConnection) -> list[str]:
    """Return the users of the frames that have arrived."""
    found = []
    with suppress(TimeoutError):
        while True:
            found.append(sockets.receive(connection, 0.5)["data"]["username"])
    return found


@contextmanager
def busy_machine() -> Iterator[None]:
    """Load all cores meanwhile."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        yield
    finally:
        for each in hogs:
            each.kill()
            each.wait()


@pytest.mark.long
async def test_two_runs_with_one_seed_lose_double_and_reorder_the_same_frames(
    server: Companion, site: Site, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    """In Chromium as in another client, on a busy machine as on an idle one, and across a reconnect."""
    api = ControlApi(server, run_json("token")["token"])
    arm = ("faults", "set", "all", *DISORDER, "--only", "event:friend_online", "--seed", "7")
    run(*arm)
    idle = await capture(api, server, site, tmp_path / "idle")
    run(*arm)
    with busy_machine():
        busy = await capture(api, server, site, tmp_path / "busy")
    assert idle == busy
    assert idle.page == idle.client
    got = [*idle.page[0], *idle.page[1]]
    assert 5 < len(set(got)) < len(NAMES), "some frames are lost"
    assert len(got) > len(set(got)), "some arrive twice"
    assert got != sorted(got, key=NAMES.index), "some arrive late"


@both_variants
def test_faults_are_set_listed_and_cleared(program: Companion, run: Run, run_json: RunJson) -> None:
    assert run("faults", "list").out == ["no faults"]
    with sockets.client(program.url, "bob") as bob:
        run("faults", "set", "user:bob", "loss=1", "--only", "event:typing", "--seed", "7")
        run("trigger", "typing", "--as", "alice", "--set", "typing=true")
        run("trigger", "friend_online", "--as", "alice")
        assert sockets.receive(bob)["event"] == "friend_online"
        lost = run("trigger", "typing", "--as", "alice", "--set", "typing=false").out[0]
        assert lost.endswith("delivered to 0 clients; faults act on it for 1 client")
        listed = run("faults", "list").out
        assert listed == [
            "user:bob  loss=1 only event:typing; seed 7",
            "  clients: 1 · frames: 3 · loss 2",
        ]
        (armed,) = run_json("faults", "list")["frames"]
        assert (armed["to"], armed["seed"], armed["acted"]) == ("user:bob", 7, {"loss": 2})
        run("faults", "rest", "POST /messages", "status=503", "--seed", "7")
        with Rest(program) as rest:
            assert rest.request("POST", "/messages", {"to": "alice", "text": "hi"}).status == 503
        assert run("faults", "clear").out == ["cleared 2"]
        run("trigger", "typing", "--as", "alice", "--set", "typing=true")
        assert sockets.receive(bob)["event"] == "typing"


def test_a_profile_is_armed_by_name_and_a_broken_one_is_explained(
    server: Companion, run: Run, data_dir: Path
) -> None:
    assert "twice" in "\n".join(run("faults", "profiles", "list").out)
    with sockets.client(server.url) as ui:
        run("faults", "set", "all", "--profile", "twice")
        run("trigger", "friend_online", "--as", "alice")
        assert sockets.receive(ui) == sockets.receive(ui)
    file = data_dir / "faults" / "broken.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"faults": [{"fault": "loss", "rate": "much"}]}')
    assert "faults[0].rate: must be a number" in run("faults", "set", "all", "--profile", "broken", exits=2).err[0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("set", "all", "los=0.5"), "did you mean loss?"),
        (("set", "all", "loss=7"), "must be at most 1"),
        (("set", "loss=0.5", "reorder"), "Write the target first: companion faults set TARGET FAULT..."),
        (("set", "duplicate"), "'duplicate' is a fault, not a target."),
        (("set", "loss=0.5", "user:a b", "reorder"), 'companion faults set "user:a b" loss=0.5 reorder'),
        (("set", "loss=0.5", "all"), "companion faults set all loss=0.5"),
        (("set", "loss", "all"), "companion faults set TARGET FAULT..."),
        (("set", "loss=0.5", "all", "--seed", "1"), "companion faults set TARGET FAULT..."),
        (("set", "loss=0.5", "--profile", "twice"), "companion faults set TARGET FAULT..."),
        (("set", "flaky-cafe"), "For a profile: companion faults set all --profile flaky-cafe"),
        (("set", "user:me"), "Add a target and faults, as in companion faults set all loss=0.5"),
        (("set", "all", "flaky-cafe"), "For a profile, use --profile flaky-cafe."),
        (("set", "all", "loss=1", "--direction", "up"), "Use to_ui, from_ui, both."),
        (("rest", "/messages", "status=503"), "is not a route"),
    ],
)
def test_an_invalid_fault_is_explained(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in "\n".join(run("faults", *arguments, exits=2).err)


def test_a_kind_of_fault_is_not_suggested_as_a_profile(run: Run) -> None:
    assert "--profile" not in "\n".join(run("faults", "set", "all", "loss", exits=2).err)


def test_a_rest_fault_of_a_route_that_does_not_exist_is_armed_with_a_warning(program: Companion, run: Run) -> None:
    """Regression: only its counts, which stayed 0, showed the mistake."""
    armed = run("faults", "rest", "POST /mesages", "status=503")
    assert armed.out[0].startswith("POST /mesages status=503")
    assert armed.err[0].startswith("The REST API has no 'POST /mesages'; did you mean POST /messages? It has GET /")
    assert run("faults", "rest", "POST /messages", "status=503").err == []


def test_a_limit_resets_the_connection_and_the_program_ends_although_frames_wait_for_minutes(
    server: Companion, run: Run
) -> None:
    run("faults", "set", "all", "limit=2,then=reset")
    with sockets.client(server.url) as ui:
        run("trigger", "friend_online", "--as", "alice")
        run("trigger", "friend_online", "--as", "bob")
        sockets.receive(ui)
        sockets.receive(ui)
        with pytest.raises(ConnectionClosed):
            sockets.receive(ui)
    run("faults", "set", "all", "latency=600000", "stall=1,for=600000")
    run("faults", "rest", "GET /friends", "hang")
    with sockets.client(server.url) as ui:
        for name in NAMES[:5]:
            run("trigger", "friend_online", "--set", f"username={name}")
        with pytest.raises(TimeoutError):
            sockets.receive(ui, 0.3)
        server.process.terminate()
        assert server.wait() == 0


def test_nothing_is_armed_after_a_restart(running: Start, run: Run, data_dir: Path) -> None:
    first = running(serve(data_dir))
    run("faults", "set", "all", "loss=1")
    run("faults", "rest", "GET /friends", "status=503")
    first.process.terminate()
    first.wait()
    second = running(serve(data_dir))
    assert run("faults", "list").out == ["no faults"]
    with sockets.client(second.url) as ui:
        run("trigger", "friend_online", "--as", "alice")
        assert sockets.receive(ui)["event"] == "friend_online"
