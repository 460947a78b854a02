"""The npm package, used as an outsider would: from the file that ``npm pack`` makes, in a project with a React UI.

The UI and its tests are in ``tests/npm_ui``. One test in each of its suites is planted: it fails on purpose. Its
suites also run what ``companion session export`` makes of a recording of the UI, with Playwright and MSW.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.protocol.catalog import built_in
from app.protocol.export_kinds import Kind
from app.session_export import export_session
from tests.exports.recordings import about_posted_messages, hostile

from .conftest import Start
from .processes import COMPANION, ENVIRONMENT, ROOT, Companion, Program, free_port, wait_until
from .test_manual_examples import example
from .tools import linux_only, need, node_modules

pytestmark = linux_only

UI = ROOT / "tests" / "npm_ui"
PACKAGES = ("@playwright", "@types", "jsdom", "msw", "react", "react-dom", "typescript", "vite", "vitest")
PLANTED = "planted: this test fails, and its report has the log"
EXAMPLES = {
    "playwright": "e2e/manual.spec.ts", "playwright config": "unit/manual-playwright-config.ts",
    "vitest": "unit/manual.test.ts", "cypress": "unit/manual-cypress.ts", "any": "manual.mjs",
    "types": "unit/manual-types.ts",
}  # fmt: skip
"""The examples of the manual page, and the files that they become: all are compiled, most are run."""
EXPORTS = {
    "playwright": "e2e/exported.spec.ts", "playwright-routes": "e2e/exported-routes.spec.ts",
    "msw": "unit/exported-msw.ts",
}  # fmt: skip
"""The files that become of the recording ``chat.session.jsonl``: the tests of the project run them."""
EXPORTED = "a chat with alice and bob"
HOSTILE = 20
"""So many recordings with hostile texts are exported and compiled."""
TIMEOUT_S = 100.0


class Project:
    """A copy of the UI with the package and all others in ``node_modules``."""

    def __init__(self, folder: Path, timeout_s: float = TIMEOUT_S) -> None:
        """``timeout_s`` is for each command."""
        self.timeout_s = timeout_s
        need("npm", install="apt-get install npm")
        modules = node_modules(*PACKAGES)
        self.folder = folder / "project"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        command = folder / "companion"
        command.write_text(f'#!/bin/sh\ncd {shlex.quote(str(ROOT))} && exec {shlex.join(COMPANION)} "$@"\n')
        command.chmod(0o755)
        self.environment = {
            **ENVIRONMENT, "COMPANION_COMMAND": str(command), "TMPDIR": str(self.temporary),
            "NODE_MODULES": str(modules), "NO_COLOR": "1", "CI": "1",
        }  # fmt: skip
        built = self.run("bash", ROOT / "packaging" / "npm" / "build.sh", folder / "packed", cwd=folder)
        assert built.returncode == 0, built.stderr
        self.folder.mkdir()
        (self.folder / "package.json").write_text("{}")
        installed = self.run("npm", "install", "--offline", "--no-audit", "--no-fund", built.stdout.strip())
        assert installed.returncode == 0, installed.stderr
        self.installed = json.loads((self.folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        shutil.copytree(UI, self.folder, dirs_exist_ok=True)
        for name, file in EXAMPLES.items():
            (self.folder / file).write_text(example(name, "npm"), encoding="utf-8")
        for kind, file in EXPORTS.items():
            self.export(kind, file)
        (self.folder / "unit" / "hostile").mkdir()
        shutil.copy(ROOT / "packaging" / "npm" / "src" / "generated" / "events.ts", self.folder / "unit")
        for each in PACKAGES:
            (self.folder / "node_modules" / each).symlink_to(modules / each)

    def run(self, *command: str | Path, cwd: Path | None = None, **env: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in the project."""
        return subprocess.run(
            [str(each) for each in command], cwd=cwd or self.folder, env={**self.environment, **env},
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=self.timeout_s,
            check=False,
        )  # fmt: skip

    def export(self, kind: str, file: str) -> None:
        """Export the recording of a chat to a file of the project."""
        recording = self.folder / "chat.session.jsonl"
        command = (*COMPANION, "session", "export", recording, "--as", kind, "--output", self.folder / file)
        done = self.run(*command, cwd=ROOT)
        assert done.returncode == 0, done.stderr

    def node(self, script: str, *arguments: str, **env: Any) -> subprocess.CompletedProcess[str]:
        """Run a script with Node."""
        return self.run("node", script, *arguments, **env)

    def lifecycle(self, end: str) -> Program:
        """Start a process that starts a companion, and ends in the given way."""
        return Program(f"lifecycle {end}", "node", self.folder / "lifecycle.mjs", end, env=self.environment)

    @property
    def left_behind(self) -> list[str]:
        """The temporary folders of companions that still exist."""
        return [each.name for each in self.temporary.glob("companion-npm-*")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("npm"))


@pytest.fixture(autouse=True)
def no_process_is_left(project: Project) -> Iterator[None]:
    """All companions of the project end with what has started them."""
    yield
    assert not [each for each in psutil.process_iter(["cmdline"]) if _belongs_to(each, project)]


def _belongs_to(process: psutil.Process, project: Project) -> bool:
    return any(str(project.temporary) in word for word in process.info["cmdline"] or ())


def test_the_package_has_no_dependencies_and_the_types_reject_mistakes(project: Project) -> None:
    assert set(project.installed) == {"", "node_modules/p2p-chat-companion"}
    own = project.node("own-events.mjs", str(project.folder / "unit" / "own-events.ts"))
    assert own.returncode == 0, own.stderr
    assert "companion: broken.json" in own.stderr, "a file that is not valid is reported"
    assert json.loads(own.stdout)["rejected"] == "data.question: must be text, not a number"
    for number, session in enumerate((about_posted_messages(), *map(hostile, range(HOSTILE)))):
        for kind in EXPORTS:
            text = export_session(session, Kind(kind), "hostile", built_in()).text
            (project.folder / "unit" / "hostile" / f"{kind}-{number}.ts").write_text(text, encoding="utf-8")
    checked = project.node("node_modules/typescript/bin/tsc")
    assert checked.returncode == 0, checked.stdout


def test_playwright(project: Project) -> None:
    built = project.node("node_modules/vite/bin/vite.js", "build")
    assert built.returncode == 0, built.stderr
    chromium = need("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium, or Chrome")
    done = project.node(
        "node_modules/@playwright/test/cli.js", "test", "--reporter", "json",
        CHROMIUM=chromium, UI_PORT=str(free_port()), PLAYWRIGHT_JSON_OUTPUT_NAME="playwright.json",
    )  # fmt: skip
    report = json.loads((project.folder / "playwright.json").read_text(encoding="utf-8"))
    specs = [each for suite in report["suites"] for each in suite["specs"]]
    tests = {each["title"]: each["tests"][0]["results"][0] for each in specs}
    assert [each["title"] for each in specs].count(EXPORTED) == 2, "both exported tests were run"
    assert all(each["ok"] for each in specs if each["title"] == EXPORTED), done.stdout
    failed = {title: result for title, result in tests.items() if result["status"] != "passed"}
    assert list(failed) == [PLANTED], f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 1
    assert {result["workerIndex"] for result in tests.values()} >= {0, 1}, "the two workers have a companion each"
    attached = {each["name"]: _content(each) for each in failed[PLANTED]["attachments"]}
    assert "The planted message" in attached["companion-journal.txt"]
    assert re.match(r"#\d+ \d\d:\d\d:\d\d\.\d{3} · connected ", attached["companion-journal.txt"])
    rows = [json.loads(line) for line in attached["companion-journal.ndjson"].splitlines()]
    events = [row["event"] for row in rows if "The planted message" in row["frame"]]
    assert events == ["new_message"]
    assert "Only in this test" not in attached["companion-journal.ndjson"], "the log begins with the test"
    assert project.left_behind == []


def _content(attachment: dict[str, Any]) -> str:
    if "path" in attachment:
        return Path(attachment["path"]).read_text(encoding="utf-8", errors="replace")
    return b64decode(attachment["body"]).decode()


@pytest.mark.long
def test_vitest(project: Project) -> None:
    done = project.node(
        "node_modules/vitest/vitest.mjs", "run", "--reporter", "default", "--reporter", "json",
        "--outputFile.json=vitest.json",
    )  # fmt: skip
    report = json.loads((project.folder / "vitest.json").read_text(encoding="utf-8"))
    tests = {each["title"]: each for file in report["testResults"] for each in file["assertionResults"]}
    failed = [title for title, result in tests.items() if result["status"] != "passed"]
    assert failed == [PLANTED], f"{done.stdout}\n{done.stderr}"
    assert (len(tests), done.returncode) == (5, 1)
    [row] = tests[PLANTED]["meta"]["companionJournal"]
    assert (row["event"], row["verdict"]) == ("new_message", "warning")
    assert "The planted message" in done.stderr
    assert project.left_behind == []


def test_the_companion_ends_with_its_process(project: Project, running: Start) -> None:
    processes = {end: running(project.lifecycle(end)) for end in ("stop", "throw", "exit", "nothing")}
    for end, process in processes.items():
        assert process.wait() == (1 if end == "throw" else 0), process
        _assert_ended(json.loads(process.out[0]))
    assert project.left_behind == []


def test_a_rest_server_that_is_off_has_no_address(project: Project) -> None:
    done = project.node("lifecycle.mjs", "no-rest")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rest"] == ""


def test_the_companion_ends_if_its_process_is_killed(project: Project, running: Start) -> None:
    processes = {number: running(project.lifecycle("wait")) for number in (signal.SIGKILL, signal.SIGINT)}
    for number, process in processes.items():
        started = json.loads(process.wait_for_line("{.*")[0])
        os.kill(process.process.pid, number)
        _assert_ended(started)
        folder = Path(started["folder"])
        assert not (folder / "instance.json").exists(), "it ended by itself"
        two_hours_ago = folder.stat().st_mtime - 7200
        os.utime(folder, (two_hours_ago, two_hours_ago))
    assert project.node("lifecycle.mjs", "stop").returncode == 0
    assert project.left_behind == [], "the next start deletes what was left behind"


def test_other_programs_in_place_of_a_companion_are_errors(project: Project, tmp_path: Path) -> None:
    """The first one does not end when its input closes: it is killed, and the test runner waits for that."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho control http://companion.example:80\nexec sleep 60\n")
    program.chmod(0o755)
    done = project.node("hostile.mjs", str(program))
    assert done.returncode == 0, done.stderr
    errors = json.loads(done.stdout)
    assert {kind for kind, _ in errors.values()} == {"CompanionError"}
    assert errors["page"][1].endswith("is not a companion: its answer is not JSON.")
    assert "a-secret" not in errors["token"][1]


def _assert_ended(started: dict[str, Any]) -> None:
    def ended() -> bool:
        try:
            return psutil.Process(started["pid"]).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_until(ended, "the companion to end")


def test_a_running_companion_is_found_used_and_left_running(
    project: Project, server: Companion, data_dir: Path
) -> None:
    token = (data_dir / "token").read_text().strip()
    for where in ({"COMPANION_DATA_DIR": str(data_dir)}, {"url": server.control_url, "COMPANION_TOKEN": token}):
        done = project.node("attach.mjs", **where)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer["pid"] == server.process.pid
        assert answer["fired"] == answer["row"]
        assert answer["refused"].startswith("reset() works only with a companion that was started here")
    refused = project.node("attach.mjs", url=server.control_url, COMPANION_TOKEN="x" * 20)
    assert "The running companion rejected the token." in refused.stderr
    (data_dir / "token").chmod(0o644)
    readable = project.node("attach.mjs", COMPANION_DATA_DIR=str(data_dir))
    assert f"Other users can read {data_dir / 'token'}." in readable.stderr


@pytest.mark.parametrize(
    "change", [{"pid": 2**22 - 1}, {"started": 1.0}, {"version": 2}, {"control": "http://x:80"}]
)
def test_the_token_is_sent_to_a_running_companion_only(
    change: dict[str, Any], project: Project, tmp_path: Path
) -> None:
    """The instance file names another process, an older one with the same number, or another address."""
    me = psutil.Process()
    instance = {
        "version": 1, "pid": me.pid, "started": me.create_time(), "control": f"http://127.0.0.1:{free_port()}",
        "token_in": "environment", "token_file": "",
    }  # fmt: skip
    environment = {"COMPANION_DATA_DIR": str(tmp_path), "COMPANION_TOKEN": "secret" * 5}
    (tmp_path / "instance.json").write_text(json.dumps(instance))
    assert "does not answer" in project.node("attach.mjs", **environment).stderr, "the file is used"
    clock_was_set = {"started": me.create_time() - 3600, "booted": psutil.boot_time() - 3600}
    (tmp_path / "instance.json").write_text(json.dumps({**instance, **clock_was_set}))
    assert "does not answer" in project.node("attach.mjs", **environment).stderr, "the file is used"
    (tmp_path / "instance.json").write_text(json.dumps({**instance, **change}))
    refused = project.node("attach.mjs", **environment).stderr
    assert ("contains an invalid address" if "control" in change else "No companion is running") in refused


def test_the_example_for_any_program(project: Project) -> None:
    done = project.node("manual.mjs")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^\d+ (\w+)$", done.stdout, re.MULTILINE) == [
        "friend_online", "new_message", "typing", "typing", "new_message", "friend_offline"
    ]  # fmt: skip


def test_what_reset_leaves_what_reports_contain_and_what_is_refused(project: Project) -> None:
    done = project.node("failures.mjs")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    escaped = r"\u009b31m\u202e \u0023#[error]x"
    assert found["elsewhere"] == [], "the token is sent to the companion only"
    assert {each.split(" names ")[1] for each in found["refused"]} == {"another address. Write it as /v1/status."}
    assert found["held"] == []
    assert found["state"] == f'chat.activeChat: expected "alice", the UI has "{escaped}"'
    assert found["scenario"].startswith(f"Scenario {escaped}: failed.\nline 2: expect typing")
    assert found["stepwise"].startswith("A scenario is played to its end."), "nothing would request the next step"
    assert (found["latest"], found["leftOut"]) == ([-1, 0], -2), "the newest rows, without the others"
    assert found["earlier"] == [True, False], "a row of this test is named, one of the test before is not"
    assert found["first"] == "(3 earlier rows are left out)"


def test_errors_say_what_to_do(project: Project, tmp_path: Path) -> None:
    missing = project.node("lifecycle.mjs", "stop", COMPANION_COMMAND="no-such-companion")
    assert "The command no-such-companion was not found. Install P2P Chat Companion" in missing.stderr
    assert "pipx install ." in missing.stderr
    not_running = project.node("attach.mjs", COMPANION_DATA_DIR=str(tmp_path))
    assert f"No companion is running with {tmp_path}. Start one with `companion`" in not_running.stderr
    failing = project.node("lifecycle.mjs", "stop", COMPANION_COMMAND=shutil.which("false") or "false")
    assert "The companion ended with exit code 1 before it was ready" in failing.stderr
    assert project.left_behind == []
