"""The tray program without a screen: how it starts and ends, and what it reports."""

import signal
import time
from pathlib import Path

import pytest

from . import sockets
from .conftest import Start
from .processes import (
    COMPANION,
    STOP_SIGNALS,
    Companion,
    Program,
    answers,
    free_port,
    own_options,
    serve,
    tray,
    wait_until,
    without_rate_limit,
)
from .tools import linux_only, posix_only

OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}
PLATFORM_WARNING = "This plugin does not support"
"""Beginning of a warning of Qt's offscreen platform."""


def unexpected_errors(program: Program) -> list[str]:
    return [line for line in program.err if not line.startswith(PLATFORM_WARNING)]


@pytest.fixture
def program(running: Start, data_dir: Path) -> Companion:
    return running(tray(data_dir))


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_it_with_exit_code_0(program: Companion, number: int) -> None:
    with sockets.client(program.url):
        program.send(number)
        assert program.wait() == 0, program
    assert unexpected_errors(program) == []
    assert not answers(program.port)


@posix_only
@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_unresponsive_clients_do_not_delay_the_end(running: Start, data_dir: Path, number: int) -> None:
    program = running(tray(without_rate_limit(data_dir)))
    half_open, silent = sockets.raw(program.port), sockets.raw(program.port)
    stalled = sockets.raw(program.port, read_buffer=sockets.SMALL)
    with half_open, silent, stalled:
        half_open.sendall(b"GET /events HTTP/1.1\r\nHost: 127")
        assert "101" in sockets.handshake(silent)
        assert "101" in sockets.handshake(stalled, "/events?username=bob")
        sockets.stall(program.url, "bob")
        assert program.has_connection(stalled), "the client was disconnected too early"
        program.send(number)
        assert program.wait() == 0, program
    assert unexpected_errors(program) == []


def test_a_second_start_shows_the_first_window_and_ends(program: Companion, running: Start, data_dir: Path) -> None:
    second = running(Program("second start", *COMPANION, "--data-dir", data_dir, env=OFFSCREEN))
    assert second.wait() == 0, second
    assert unexpected_errors(second) == []
    assert answers(program.port)


def test_a_second_start_can_change_the_port(program: Companion, running: Start, data_dir: Path) -> None:
    port = free_port()
    second = running(
        Program("second start", *COMPANION, "--port", str(port), "--data-dir", data_dir, env=OFFSCREEN)
    )
    assert second.wait() == 0, second
    wait_until(lambda: answers(port), "the first one to listen on the new port")
    wait_until(lambda: not answers(program.port), "the old port to be free")


def test_serve_does_not_share_its_folder(program: Companion, running: Start, data_dir: Path) -> None:
    second = running(Program("serve", *COMPANION, "serve", "--port", "0", "--data-dir", data_dir))
    assert second.wait() == 3
    assert "Another companion is running" in "\n".join(second.err)


def test_a_start_after_kill_9_succeeds(running: Start, data_dir: Path) -> None:
    first = running(tray(data_dir))
    first.process.kill()
    first.wait()
    second = running(tray(data_dir))
    with sockets.client(second.url):
        pass


def test_the_tray_program_keeps_running_if_its_port_is_busy(running: Start, data_dir: Path, tmp_path: Path) -> None:
    """The window reports it, and a stop signal still works."""
    other = running(serve(tmp_path / "other"))
    program = running(
        Program(
            "tray", *COMPANION, "--port", str(other.port), "--rest-port", "0", *own_options(data_dir), env=OFFSCREEN
        )
    )
    log = data_dir / "logs" / "companion.log"
    wait_until(log.exists, "its log file")
    busy = f"Port {other.port} is busy"
    wait_until(lambda: busy in log.read_text(encoding="utf-8"), "the busy port in the log file")
    assert program.process.poll() is None, program
    program.send(STOP_SIGNALS[0])
    assert program.wait() == 0, program
    assert unexpected_errors(program) == []
    with sockets.client(other.url):
        pass


def test_a_folder_that_cannot_be_written_is_reported(running: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    program = running(
        Program("tray", *COMPANION, "--port", "0", "--data-dir", tmp_path / "file" / "data", env=OFFSCREEN)
    )
    assert program.wait() == 1
    assert any("Cannot write to" in line for line in program.err), program
    assert "Traceback" not in "\n".join(program.err)


@posix_only
@pytest.mark.parametrize("after_s", [0, 0.02, 0.05, 0.1, 0.2])
def test_ctrl_c_while_it_starts_ends_it_without_a_traceback(running: Start, data_dir: Path, after_s: float) -> None:
    settings = data_dir / "p2p-chat-companion" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("port = 0\nrest_port = 0\ncontrol_port = 0\n")
    homes = {f"XDG_{kind}_HOME": str(data_dir) for kind in ("CONFIG", "DATA", "STATE")}
    program = running(Program("an early end", *COMPANION, env={**OFFSCREEN, **homes}))
    wait_until(settings.with_name("instance.lock").exists, "the lock file")
    time.sleep(after_s)
    program.send(signal.SIGINT)
    assert program.wait() in (0, -signal.SIGINT, 130), program
    assert "Traceback" not in "".join(program.err)


def test_invalid_settings_are_reported_by_status_and_in_the_log(running: Start, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text("username = 17\n")
    running(tray(data_dir))
    result = running(Program("status", *COMPANION, "status", "--data-dir", data_dir))
    assert result.wait() == 0
    assert "settings.toml: username: " in "".join(result.out)
    assert "settings.toml: username could not be used" in (data_dir / "logs" / "companion.log").read_text()


def test_a_second_start_reports_options_that_have_no_effect(
    program: Companion, running: Start, data_dir: Path
) -> None:
    second = running(Program("second", *COMPANION, "--data-dir", data_dir, "--no-rest", env=OFFSCREEN))
    assert second.wait() == 3, second
    assert "--no-rest cannot be changed while it runs" in "".join(second.err)


@linux_only
@pytest.mark.parametrize("display", [{"DISPLAY": ":4242"}, {"QT_QPA_PLATFORM": "nonsense"}], ids=str)
def test_a_missing_display_is_reported(running: Start, data_dir: Path, display: dict[str, str]) -> None:
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": "", **display}
    program = running(Program("no display", *COMPANION, "--data-dir", data_dir, env=env))
    assert program.wait() == 1, program
    errors = "".join(program.err)
    assert all(f"{name}={value}" in errors for name, value in display.items())
    assert "companion serve" in errors
    assert "Reinstalling" not in errors
