"""The scripts of the GitHub action, run as a runner does: with its variables, and files for outputs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import __version__
from tests.packaging import PACKAGING

ACTION = PACKAGING.parent / ".github" / "actions" / "companion"
COMMAND = str(Path(sys.executable).with_name("companion"))
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="Git's bash and cygpath are only on runners of GitHub"),
]


class Job:
    """A job of GitHub Actions with its temporary folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
        for file in self._files.values():
            file.touch()

    def run(self, script: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the action with inputs, such as ``rest_port``."""
        variables = {f"COMPANION_INPUT_{name.upper()}": value for name, value in inputs.items()}
        files = {name: str(file) for name, file in self._files.items()}
        given = {"RUNNER_TEMP": str(self._folder), **files, **variables}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPANION_")}
        return subprocess.run(
            ["bash", str(ACTION / script)], cwd=self._folder, env={**environment, **given}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    def values(self, name: str) -> dict[str, str]:
        """Return the outputs or variables that steps have set."""
        lines = self._files[name].read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def path(self) -> str:
        return self._files["GITHUB_PATH"].read_text("utf-8")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A job. What it has started ends with it, as on a runner."""
    job = Job(tmp_path)
    yield job
    if data := job.values("GITHUB_OUTPUT").get("data"):
        subprocess.run([COMMAND, "quit", "--data-dir", data], capture_output=True, timeout=60, check=False)


def test_a_job_starts_a_companion_and_uses_it(job: Job, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hello.json").write_text('{"event": "friend_online", "data": {"username": "alice"}}')
    installed = job.run("install.sh", command=COMMAND)
    assert (installed.returncode, installed.stdout) == (0, f"Installed: p2p-chat-companion {__version__}\n")
    command = job.values("GITHUB_OUTPUT")["command"]
    started = job.run(
        "start.sh", command=command, port="0", rest_port="0", control_port="0", fixtures="mine",
        args="--peers --peer-port 0",
    )  # fmt: skip
    assert started.returncode == 0, started.stdout + started.stderr
    outputs, variables = job.values("GITHUB_OUTPUT"), job.values("GITHUB_ENV")
    token = outputs["token"]
    assert started.stdout.splitlines()[0] == f"::add-mask::{token}"
    assert started.stdout.count(token) == 1, "only the mask contains the token"
    assert len(token) >= 32
    assert re.fullmatch(rf"ws://127\.0\.0\.1:{outputs['port']}/events", outputs["events-url"])
    assert variables["COMPANION_TOKEN"] == token
    assert variables["COMPANION_REST_URL"] == outputs["rest-url"]
    assert job.path == f"{Path(COMMAND).parent}\n"
    with urllib.request.urlopen(f"{outputs['rest-url']}/health") as answer:
        assert json.load(answer)["ready"]
    # A later step: the variables suffice for commands.
    later = {**os.environ, **variables, "PATH": f"{job.path.strip()}:{os.environ['PATH']}"}
    fired = subprocess.run(
        ["companion", "trigger", "--fixture", "hello", "--json"], env=later,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert fired.returncode == 0, fired.stderr
    assert re.search(r"^peers ", started.stdout, re.MULTILINE)
    again = job.run(
        "start.sh", command=command, port=outputs["port"], rest_port="0", control_port="0", timeout="20"
    )
    assert again.returncode == 1
    assert "::error title=P2P Chat Companion::The companion could not be started: Port" in again.stderr
    control_port = outputs["control-url"].rpartition(":")[2]
    again = job.run("start.sh", command=command, port="0", rest_port="0", control_port=control_port, timeout="60")
    assert again.returncode == 1
    assert f"The control API, which this action needs, could not be started: Port {control_port}" in again.stderr
    missing = job.run("start.sh", command=command, port=outputs["port"], events="mistyped")
    assert "::warning title=P2P Chat Companion::The folder of the input events does not exist" in missing.stdout


def test_a_bundle_is_unpacked_and_anything_else_is_an_error(job: Job, tmp_path: Path) -> None:
    inside = tmp_path / "p2p-chat-companion-serve"
    inside.mkdir()
    (inside / "companion").write_text("#!/bin/sh\necho p2p-chat-companion 9.9\n")
    (inside / "companion").chmod(0o755)
    for name, member in (("bundle.tar.gz", inside), ("other.tar.gz", inside / "companion")):
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            archive.add(member, member.name)
    done = job.run("install.sh", archive="bundle.tar.gz")
    assert (done.returncode, done.stdout) == (0, "Installed: p2p-chat-companion 9.9\n")
    assert job.values("GITHUB_OUTPUT")["command"].endswith("/p2p-chat-companion-serve/companion")
    shutil.rmtree(tmp_path / "companion-program")
    failed = job.run("install.sh", archive="other.tar.gz")
    assert failed.returncode == 1
    assert "::error title=P2P Chat Companion::other.tar.gz is not a bundle of companion serve." in failed.stderr


def test_a_command_that_ends_or_cannot_be_started_is_one_error(job: Job, tmp_path: Path) -> None:
    assert "The command no-such cannot be started" in job.run("install.sh", command="no-such").stderr
    done = job.run("start.sh", command=COMMAND, args="--no-such-option")
    assert done.returncode == 1
    assert done.stderr.startswith("::error title=P2P Chat Companion::The companion could not be started: ")
    (tmp_path / "hangs").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "hangs").chmod(0o755)
    late = job.run("start.sh", command=str(tmp_path / "hangs"), timeout="0")
    assert "The companion was not ready within 0 s." in late.stderr


def test_every_input_of_the_action_reaches_a_script() -> None:
    import yaml

    action = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
    passed = {
        found
        for step in action["runs"]["steps"]
        for value in step["env"].values()
        for found in re.findall(r"inputs\.([\w-]+)", value)
    }
    assert passed == set(action["inputs"])
    text = "".join((ACTION / name).read_text("utf-8") for name in ("install.sh", "start.sh"))
    for step in action["runs"]["steps"]:
        for name in step["env"]:
            generic = name in {f"COMPANION_INPUT_{each}" for each in ("EVENTS", "FIXTURES", "SESSIONS", "FAULTS")}
            assert name in text or generic or name == "GH_TOKEN", name
    outputs = {each["value"] for each in action["outputs"].values()}
    written = set(re.findall(r'echo "([a-z-]+)=', (ACTION / "start.sh").read_text("utf-8")))
    assert outputs == {f"${{{{ steps.start.outputs.{each} }}}}" for each in written}


def test_the_log_contains_no_commands_of_the_runner(job: Job, tmp_path: Path) -> None:
    """Names of files come from the repository, and so from anyone who opens a pull request."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "::add-mask::x.json").write_text("{", encoding="utf-8")
    ports = {"port": "0", "rest_port": "0", "control_port": "0"}
    for more in ({}, {"args": "--no-such-option"}):
        done = job.run("start.sh", command=COMMAND, events="events", **ports, **more)
        lines = done.stdout.splitlines()
        ((stopped, resume),) = [
            (index, line.removeprefix("::stop-commands::"))
            for index, line in enumerate(lines)
            if line.startswith("::stop-commands::")
        ]
        assert len(resume) == 32
        resumed = lines.index(f"::{resume}::")
        outside = [*lines[:stopped], *lines[resumed + 1 :]]
        assert not any("x.json" in line for line in outside)
        assert any(line.startswith("::add-mask::x.json") for line in lines[stopped:resumed]) is not bool(more)
