"""``companion status``, ``server`` and ``open``, and the errors of commands without a running companion."""

import re
import socket
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from . import processes, sockets
from .conftest import Run, RunJson, Start, both_variants
from .desktop import Desktop
from .person import icons
from .processes import (
    COMPANION,
    PATIENCE_S,
    Companion,
    Program,
    answers,
    free_port,
    own_options,
    serve,
    start_command,
    tray,
    wait_until,
)
from .tools import linux_only

NEED_A_COMPANION = (
    "trigger typing", "trigger --last", "trigger --frame x", "expect typing", "journal", "journal --follow",
    "status", "open", "clients list", "clients close all", "clients identify 1 bob", "reconnects", "fixtures list",
    "fixtures show x", "fixtures save x -", "fixtures run x", "fixtures rename x y", "fixtures delete x",
    "server pause", "server resume", "server stop", "server start",
)  # fmt: skip


@both_variants
def test_status_shows_every_service_and_the_client_count(program: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(program.url):
        lines = run("status").out
        status = run_json("status")
    variant = "without a window (serve)" if program.name == "serve" else "with a window"
    assert re.fullmatch(rf"P2P Chat Companion \S+, process \d+, {re.escape(variant)}", lines[0])
    assert [line.split() for line in lines[1:4]] == [
        ["events", f"{program.url},", "listening,", "1", "client"],
        ["rest", program.rest_url],
        ["control", program.control_url],
    ]
    assert status["window"] is (program.name == "tray")
    assert (status["state"], status["clients"], status["username"]) == ("listening", 1, "me")


def test_status_shows_which_service_is_off_and_why(running: Start, run: Run, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = running(
            Companion("serve", *COMPANION, "serve", "--port", "0", "--rest-port", str(port), *own_options(data_dir))
        )
        program.wait_for_line("^control ")
        (line,) = (line for line in run("status").out if line.startswith("rest"))
        assert f"off: Port {port} is busy" in line
        events, rest = run("server", "start").err
        assert events == "events: listening"
        assert rest.startswith(f"rest: off: Port {port} is busy")
    assert run("server", "start").err == ["events: listening"]
    assert f"rest     http://127.0.0.1:{port}" in run("status").out


def test_status_shows_what_is_switched_off(running: Start, run: Run, data_dir: Path) -> None:
    running(serve(data_dir, "--no-rest"))
    assert "rest     off: switched off in Settings or by an option" in run("status").out


def test_a_busy_event_port_of_the_tray_program_is_reported(running: Start, run: Run, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        options = ("--port", str(port), "--rest-port", "0", *own_options(data_dir))
        running(Program("tray", *COMPANION, *options, env={"QT_QPA_PLATFORM": "offscreen"}))
        wait_until(lambda: processes.read_instance_file(data_dir), "the control API", processes.READY_S)
        (line,) = (line for line in run("status").out if line.startswith("events"))
        assert line.startswith(f"events   off: Port {port} is busy")
        assert line.count("busy") == 1
        assert not line.endswith(".")
        assert ".," not in line
        assert f"Port {port} is busy" in run("server", "start", exits=3).err[0]
    assert run("server", "start").err == ["events: listening"]


@both_variants
def test_pause_keeps_clients_and_resume_sends_again(program: Companion, run: Run) -> None:
    with sockets.client(program.url) as ui:
        assert run("server", "pause").err == ["events: paused"]
        assert run("trigger", "friend_online").out[0].endswith("delivered to 0 clients")
        assert "paused" in run("status").out[1]
        assert run("server", "resume").err == ["events: listening"]
        run("trigger", "typing")
        assert sockets.receive(ui)["event"] == "typing", "events fired meanwhile are not sent later"


def test_stop_closes_the_port_and_start_opens_it_again(running: Start, run: Run, data_dir: Path) -> None:
    program = running(serve(data_dir, port=free_port()))
    stops_and_starts(program, run)


def test_stop_and_start_of_the_tray_program(running: Start, run: Run, data_dir: Path) -> None:
    stops_and_starts(running(tray(data_dir)), run)


def stops_and_starts(program: Companion, run: Run) -> None:
    with sockets.client(program.url) as ui:
        assert run("server", "stop").err == ["events: stopped"]
        with pytest.raises(ConnectionClosed) as closed:
            ui.recv(timeout=PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    assert not answers(program.port)
    assert run("status").out[1] == "events   off: stopped"
    assert run("server", "start").err == ["events: listening"]
    with sockets.client(program.url) as ui:
        run("trigger", "typing")
        assert sockets.receive(ui)["event"] == "typing"


def test_server_commands_are_idempotent(server: Companion, run: Run, run_json: RunJson) -> None:
    for command, state in (
        ("pause", "paused"),
        ("resume", "listening"),
        ("stop", "stopped"),
        ("start", "listening"),
    ):
        assert [run_json("server", command)["state"] for _ in range(2)] == [state, state]


def test_serve_has_no_window_to_open(server: Companion, run: Run) -> None:
    assert run("open", exits=1).err == ["This companion has no window: it was started by `companion serve`."]


@linux_only
@pytest.mark.parametrize("tray_name", ["trayer"], indirect=True)
def test_open_raises_the_window(desktop: Desktop, running: Start, run: Run, data_dir: Path) -> None:
    running(tray(data_dir, "--hidden", env=desktop.env))
    wait_until(lambda: icons(desktop) == 1, "the tray icon")
    assert not desktop.windows()
    run("open")
    desktop.window()


# without a running companion


@pytest.mark.parametrize("words", NEED_A_COMPANION)
def test_without_a_companion_a_command_ends_with_4_and_a_remedy(run: Run, data_dir: Path, words: str) -> None:
    result = run(*words.split(), exits=4)
    assert result.out == []
    assert result.err == [
        f"No companion is running with {data_dir}. Start one with `companion` (with a window) or `companion serve` "
        "(without)."
    ]
    assert not data_dir.exists(), "the command creates no folder"


def test_another_data_folder_is_another_companion(server: Companion, run: Run, tmp_path: Path) -> None:
    run("status")
    run("status", "--data-dir", tmp_path / "other", exits=4)


def test_no_control_turns_off_script_access(running: Start, run: Run, data_dir: Path, tmp_path: Path) -> None:
    program = running(serve(data_dir, "--no-control"))
    wait_until(lambda: processes.read_instance_file(data_dir), "its instance file")
    for words in (("status",), ("trigger", "typing"), ("state", "save", tmp_path / "x.json")):
        (sentence,) = run(*words, exits=4).err
        assert sentence.startswith("The control API of the running companion is off, or its port is busy.")
        assert "--no-control" in sentence
    program.stop()
    assert program.out == [f"listening {program.url}", f"answering {program.rest_url}"]
    assert program.err == []


def test_a_busy_control_port_is_reported_and_the_other_services_work(
    running: Start, run: Run, data_dir: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        options = ("--port", "0", "--no-rest", *own_options(data_dir), "--control-port", str(port))
        program = running(Companion("serve", *COMPANION, "serve", *options))
        program.port = int(program.wait_for_line(r"^listening ws://127\.0\.0\.1:(\d+)/events$")[1])
        program.wait_for_line("Scripts cannot reach this companion", among="err")
        with sockets.client(program.url):
            pass
        run("status", exits=4)
        program.stop()
    assert len(program.err) == 1
    assert f"Port {port} is busy" in program.err[0]


def test_an_interrupted_command_prints_no_traceback(server: Companion, data_dir: Path) -> None:
    with start_command(data_dir, "trigger", "typing", "--wait", "60") as waiting:
        wait_until(lambda: len(psutil.Process(server.process.pid).net_connections()) > 3, "its connection")
        waiting.send(processes.STOP_SIGNALS[-1])
        waiting.wait()
        assert "Traceback" not in "\n".join(waiting.err)
