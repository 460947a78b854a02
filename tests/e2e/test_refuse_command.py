"""``companion server refuse`` and ``companion reconnects lab`` with the real program and an independent UI."""

import json
import re
import socket
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from . import processes
from .conftest import Run, RunJson, Start, StartCommand
from .processes import STOP_SIGNALS, Companion, Program, wait_until

ORIGIN = "http://localhost:1420"
HANDSHAKE = (
    "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def ui(program: Companion, running: Start, run_json: RunJson) -> Program:
    """A UI in a process of its own, which reconnects as the guide says."""
    url = f"ws://127.0.0.1:{program.port}/events"
    ui = running(Program("ui", sys.executable, "-m", "tests.reconnecting_ui", url, ORIGIN))
    wait_until(lambda: run_json("clients", "list"), "the UI is connected")
    return ui


def test_connections_are_refused_and_accepted_again(program: Companion, run: Run, run_json: RunJson) -> None:
    assert run("server", "refusals").out == ["accepts all connections"]
    assert run("server", "refuse", "3", "--mode", "close:1013").out == [
        "refuses the next 3 connections (close:1013)"
    ]
    assert "refuses  the next 3 connections (close:1013)" in run("status").out
    listener = run("listen", "--for", "1")
    assert "1013" in "\n".join(listener.err)
    (armed,) = run_json("server", "refusals")
    assert (armed["left"], armed["refused"], armed["mode"]) == (2, 1, "close:1013")
    assert run("server", "accept").out == ["accepts all connections"]
    assert run("server", "refuse", "--for", "60", "--mode", "reset").out == [
        "refuses all connections for 60 s (reset)"
    ]
    error = run("server", "refuse", "--mode", "close:1005", exits=2).err
    assert "The close code 1005 cannot be sent" in "\n".join(error)


def test_nothing_is_refused_after_a_restart(program: Companion, run: Run, running: Start, data_dir: Path) -> None:
    run("server", "refuse", "10", "--mode", "silence")
    with socket.create_connection(("127.0.0.1", program.port)) as silent:
        silent.sendall(HANDSHAKE.format(program.port).encode())
        wait_until(lambda: "9 connections" in run("server", "refusals").out[0], "the handshake is refused")
        program.end()
    assert "Traceback" not in "\n".join(program.err)
    running(processes.serve(data_dir))
    assert run("server", "refusals").out == ["accepts all connections"]


@pytest.mark.long
def test_the_lab_judges_a_ui_that_follows_the_guide(
    program: Companion, ui: Program, run: Run, run_json: RunJson, start_command: StartCommand, tmp_path: Path
) -> None:
    assert run_json("reconnects")[0]["origin"] == ORIGIN, "the group works without a command"
    interrupted = start_command("reconnects", "lab", "--refuse", "garbage")
    interrupted.wait_for_line("closed 1; refuses 5 attempts with garbage", among="err")
    interrupted.send(STOP_SIGNALS[-1])
    assert interrupted.wait() != 0
    assert "Traceback" not in "\n".join(interrupted.err)
    assert run("server", "refusals").out == ["accepts all connections"]
    wait_until(lambda: run_json("clients", "list"), "the UI is connected again")
    picture = tmp_path / "plot.svg"
    lab = run(
        "reconnects", "lab", "--refuse", "reset", "--attempts", "1", "--expect", "guide", "--picture", picture
    )
    assert lab.err[0] == "closed 2; refuses 1 attempt with reset"
    assert len(lab.out) == 2, lab
    assert re.fullmatch(r"attempt 1 after 3\.\d s \(3 s\) ✓", lab.out[0])
    assert lab.out[1] == "1 of 10 attempts seen · all fit ✓"
    assert len(ET.parse(picture).getroot().findall(".//{*}circle[@class='fits']")) == 2
    wait_until(lambda: run_json("clients", "list"), "the next attempt of the UI succeeds")
    found = json.loads(run("reconnects", "lab", "--within", "0.5", "--json", exits=2).out[0])
    assert (found["outcome"], found["attempts"]) == ("incomplete", [])


def test_the_lab_reports_wrong_usage(program: Companion, run: Run) -> None:
    assert "No client is connected" in run("reconnects", "lab", exits=2).err[-1]
    assert "must end with .svg" in "\n".join(run("reconnects", "lab", "--picture", "x.gif", exits=2).err)
    assert "options must follow" in "\n".join(run("reconnects", "--json", "lab", exits=2).err)


def test_clients_are_closed_several_times(program: Companion, start_command: StartCommand, run: Run) -> None:
    found = run("clients", "close", "all", "--flap", "3", "--every", "0.1", "--code", "1012").out
    assert found == 3 * ["closed none: no client is connected"]
    assert "--flap needs all" in "\n".join(run("clients", "close", "1", "--flap", "2", exits=2).err)
