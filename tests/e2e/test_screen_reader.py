"""Tasks of a new user, done through AT-SPI by the script assistive.py in another process."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, RunJson, Start
from .desktop import Desktop
from .processes import ROOT, Companion, Program, listen, tray, wait_until
from .tools import linux_only, missing

pytestmark = [linux_only, pytest.mark.timeout(180)]

LAUNCHERS = ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")
PYTHON = "/usr/bin/python3"
"""The system's Python: pyatspi is available only as a system package."""


@pytest.fixture(scope="session")
def launcher() -> str:
    path = next((each for each in LAUNCHERS if Path(each).exists()), None)
    if path is None:
        missing("AT-SPI is not installed: apt-get install at-spi2-core python3-pyatspi")
    if subprocess.run([PYTHON, "-c", "import pyatspi"], capture_output=True, check=False).returncode:
        missing("pyatspi is not installed: apt-get install python3-pyatspi")
    return path


class Stage:
    """The tray program with two clients."""

    def __init__(self, desktop: Desktop, running: Start, data_dir: Path, launcher: str) -> None:
        self._running = running
        self._env = {**desktop.env, "NO_AT_BRIDGE": "0", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        running(Program("at-spi-bus-launcher", launcher, "--launch-immediately", env=self._env))
        self.program: Companion = running(tray(data_dir, env=self._env))
        self.clients = [self._client(name) for name in ("alice", "bob")]

    def _client(self, name: str) -> Program:
        client: Program = self._running(listen("--port", str(self.program.port), "--as", name, "--json"))
        client.wait_for_line("^connected", among="err")
        return client

    def do(self, task: str) -> Any:
        """Run a task of assistive.py and return its result."""
        script = ROOT / "tests" / "e2e" / "assistive.py"
        reader = self._running(Program(f"screen reader: {task}", PYTHON, script, task, env=self._env))
        assert reader.wait(60) == 0, f"{reader}\n{self.program}"
        return json.loads(reader.out[0])


@pytest.fixture
def stage(desktop: Desktop, running: Start, data_dir: Path, launcher: str, run: Run) -> Stage:
    stage = Stage(desktop, running, data_dir, launcher)
    run("trigger", "new_message", "--set", "text=hi", "--to", "client:2")
    return stage


@pytest.mark.long
def test_the_rows_of_one_client_are_found(stage: Stage) -> None:
    rows = stage.do("rows_of_client")
    assert {row["Event"] for row in rows} >= {"connected", "new_message"}


def test_an_event_is_resent(stage: Stage) -> None:
    assert "delivered to 1 client" in stage.do("resend").lower()
    assert wait_until(
        lambda: sum('"new_message"' in line for line in stage.clients[1].out) == 2, "the resent message"
    )


@pytest.mark.long
def test_an_event_is_saved_as_a_fixture(stage: Stage, run_json: RunJson) -> None:
    stage.do("make_fixture")
    assert "mine/by screen reader" in [each["name"] for each in run_json("fixtures", "list")]


@pytest.mark.long
def test_the_window_explains_why_nothing_arrives(stage: Stage) -> None:
    texts = stage.do("why_nothing_arrives")
    assert texts["strip"] == "The event server is stopped. Clients cannot connect."
    assert "the server is stopped" in texts["result"]


@pytest.mark.long
def test_a_typing_event_is_fired(stage: Stage) -> None:
    assert stage.do("make_a_friend_type").startswith("Delivered to 2 clients")
    stage.clients[0].wait_for_line('"typing"')
