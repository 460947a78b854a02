"""The order in which ``companion quit`` tries its ways to end the companion."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import typer

from app.cli import control, quit_command
from app.system import instance
from app.system.instance import Instance
from app.system.paths import Folders

Steps = list[str]


class Process:
    """A process that ends after the step ``quits_on``, and records ``terminate``."""

    def __init__(self, steps: Steps, quits_on: str) -> None:
        self._steps = steps
        self._quits_on = quits_on

    def terminate(self) -> None:
        self._steps.append("terminate")

    def is_running(self) -> bool:
        return self._quits_on not in self._steps

    def status(self) -> str:
        return psutil.STATUS_RUNNING


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Record the steps that were tried, in order. The clock advances with every sleep."""
    steps: Steps = []
    now = [0.0]
    monkeypatch.setattr("app.cli.quit_command.time.monotonic", lambda: now[0])
    monkeypatch.setattr("app.cli.quit_command.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return steps


Quit = Callable[..., Steps]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, steps: Steps) -> Quit:
    """``run("api", …)``: quit a companion that ends after this step, and return the steps that were tried."""

    def run(
        quits_on: str,
        *,
        platform: str,
        api: int | None = None,
        window: bool = True,
        control_url: str = "http://127.0.0.1:1",
    ) -> Steps:
        """Run the command. ``api``: the exit code with which the client of the control API fails."""

        class Client:
            def __init__(self, data_dir: Path | None) -> None:
                pass

            def call(self, method: str, path: str, **_: Any) -> None:
                steps.append("api")
                if api is not None:
                    raise typer.Exit(api)

        def hand_over(folder: Path, arguments: dict[str, Any]) -> bool:
            steps.append("window")
            return quits_on == "window"

        found = Instance(pid=1, started=0.0, control=control_url, token_in="memory", window=window)
        running = Process(steps, quits_on)
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(instance, "find", lambda _: found if running.is_running() else None)
        monkeypatch.setattr(psutil, "Process", lambda _: running)
        monkeypatch.setattr(control, "Control", Client)
        single = ModuleType("app.ui.single_instance")
        single.hand_over = hand_over  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "app.ui.single_instance", single)
        quit_command.quit_companion(data_dir=tmp_path)
        return steps

    return run


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_only_the_control_api_is_used_if_it_succeeds(run: Quit, system: str) -> None:
    assert run("api", platform=system) == ["api"]


@pytest.mark.parametrize("failure", [1, 4])
def test_on_linux_the_control_api_is_followed_by_a_signal(run: Quit, failure: int) -> None:
    assert run("terminate", platform="linux", api=failure) == ["api", "terminate"]


def test_without_a_control_api_only_a_signal_is_sent(run: Quit) -> None:
    assert run("terminate", platform="linux", control_url="") == ["terminate"]


def test_on_windows_the_control_api_is_followed_by_the_window(run: Quit) -> None:
    assert run("window", platform="win32", api=1) == ["api", "window"]


def test_on_windows_a_companion_without_a_window_is_terminated(run: Quit) -> None:
    assert run("terminate", platform="win32", control_url="", window=False) == ["terminate"]


def test_on_windows_a_companion_that_may_have_received_the_request_gets_time_to_exit(
    run: Quit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer may be late because the companion is busy: terminating it at once would interrupt its shutdown."""
    results: list[bool] = []
    wait = quit_command._wait_for_exit

    def wait_and_record(process: Any) -> bool:
        results.append(wait(process))
        return results[-1]

    monkeypatch.setattr(quit_command, "_wait_for_exit", wait_and_record)
    assert run("terminate", platform="win32", api=4, window=False) == ["api", "terminate"]
    assert results == [False, True]


def test_without_qt_the_request_through_the_window_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "app.ui.single_instance", None)  # importing it raises ImportError
    assert not quit_command._request_by_window(tmp_path)


def test_an_instance_file_that_the_process_left_behind_is_removed(run: Quit, tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    folders.create()
    folders.instance_file.write_text("{}", encoding="utf-8")
    run("terminate", platform="win32", control_url="", window=False)
    assert not folders.instance_file.exists()
