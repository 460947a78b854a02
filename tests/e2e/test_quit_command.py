"""``companion quit``. Installers call it before they replace or remove the program."""

from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from app.cli import quit_command

from . import processes, sockets
from .conftest import Run, Start, both_variants
from .processes import PATIENCE_S, Companion, answers, serve, wait_until
from .tools import posix_only


@both_variants
def test_it_ends_both_variants_of_the_program(program: Companion, run: Run, data_dir: Path) -> None:
    with sockets.client(program.url):
        result = run("quit")
    assert result.out == ["the companion has quit"]
    assert program.wait() == 0, "it ended by itself"
    assert not answers(program.port)
    assert processes.read_instance_file(data_dir) is None


@both_variants
def test_a_request_to_the_control_api_ends_both_variants(program: Companion, data_dir: Path) -> None:
    """On Windows, this is the only way to end ``serve`` cleanly."""
    token = (data_dir / "token").read_text(encoding="utf-8").strip()
    request = Request(f"{program.control_url}/v1/quit", method="POST", headers={"Authorization": f"Bearer {token}"})
    with sockets.client(program.url), urlopen(request, timeout=PATIENCE_S) as answer:
        assert answer.status == 204
    assert program.wait() == 0
    assert not answers(program.port)
    assert sorted(each.name for each in data_dir.glob("chat.db*")) == ["chat.db"], "the database was closed"
    assert processes.read_instance_file(data_dir) is None


def test_after_a_process_was_killed_its_instance_file_is_gone(
    server: Companion, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quit_command, "_request_quit", lambda *_: False)
    monkeypatch.setattr(psutil.Process, "terminate", psutil.Process.kill)  # as on Windows
    quit_command.quit_companion(data_dir=data_dir)
    assert server.wait() != 0
    assert processes.read_instance_file(data_dir) is None


@posix_only  # Windows has no other way to ask `serve`, so that it is terminated
def test_it_needs_no_control_api(running: Start, run: Run, data_dir: Path) -> None:
    program = running(serve(data_dir, "--no-control"))
    wait_until(lambda: processes.read_instance_file(data_dir), "its instance file")
    run("quit")
    assert program.wait() == 0


def test_quit_without_a_running_companion_reports_an_error(run: Run, data_dir: Path) -> None:
    (sentence,) = run("quit", exits=4).err
    assert sentence.startswith("No companion is running")


@posix_only
def test_a_companion_that_does_not_exit_is_reported(server: Companion, run: Run) -> None:
    psutil.Process(server.process.pid).suspend()
    try:
        (sentence,) = run("quit", exits=1).err
    finally:
        psutil.Process(server.process.pid).resume()
    assert sentence == f"The companion (process {server.process.pid}) did not end within 5 s."
