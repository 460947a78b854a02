"""The manual's examples (``resources/help/*.md``) work as printed with the tests' chat UIs."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from tests.ui_stores.build import DEVELOPMENT, RESOURCES, Build
from tests.ui_stores.build import HERE as UI_STORES

from .chat_ui import FILES
from .chat_ui import HERE as PAGE
from .processes import ENVIRONMENT, INSTALLED, ROOT, wait_until
from .tools import linux_only, missing, need

pytestmark = linux_only

PORTS = (1420, 8080, 8081, 8082)
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""
TIMEOUT_S = 120.0


def example(name: str, topic: str = "ci") -> str:
    """Return the code block of the manual whose first line ends with ``TOPIC: NAME``."""
    file = {"ci": "ci.md", "ui-state": "cli-ui-state.md", "npm": "npm.md"}[topic]
    page = (ROOT / "resources" / "help" / file).read_text(encoding="utf-8")
    found = re.search(rf"^```\w+ {topic}: {name}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert found, f"the manual has no code with {topic}: {name}"
    return found[1]


class Project:
    """A UI project with ``npm run dev``, and the commands that the examples call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.bin = folder / "bin"
        page = folder / "page"
        for each in (self.folder / "e2e" / "fixtures", self.bin, page):
            each.mkdir(parents=True)
        for file in FILES.values():
            shutil.copy(PAGE / file, page)
        serve = f"{sys.executable} -m http.server 1420 --bind 127.0.0.1 --directory {page}"
        (self.folder / "package.json").write_text(json.dumps({"scripts": {"dev": serve}}))
        names = ("chromium", "chromium-browser", "google-chrome")
        chromium = need(*names, install="apt-get install chromium, or Chrome")
        self.chromium = self._command("chromium", f'exec {chromium} --no-sandbox --disable-gpu "$@"')
        self._command("companion", f'exec {INSTALLED or f"{sys.executable} -m app"} "$@"')

    def _command(self, name: str, line: str) -> Path:
        command = self.bin / name
        command.write_text(f"#!/bin/sh\n{line}\n")
        command.chmod(0o755)
        return command

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, if possible in its own network, so that the default ports are free."""
        environment = {
            **ENVIRONMENT,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CI": "1",
            "TMPDIR": str(self.folder.parent),
        }
        isolated = [*_own_network(), sys.executable, "-c", LOOPBACK_UP] if _own_network() else []
        return subprocess.run(
            [*isolated, *command], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip

    @property
    def still_running(self) -> list[str]:
        """Return the command lines of this project's processes that still run."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or ())
            if str(self.folder.parent) in line:
                found.append(line)
        return found


def _own_network() -> list[str]:
    """Return the command that runs another one in a new network namespace; empty if that is not possible."""
    for command in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder with a short path, because Chromium creates sockets there (limit: 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix="ui", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def project(short_path: Path) -> Iterator[Project]:
    need("npm", install="apt-get install npm")
    if not _own_network():
        for port in PORTS:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    missing(f"port {port} is in use, and no network namespace can be created")
    project = Project(short_path)
    yield project
    for process in psutil.process_iter(["cmdline"]):
        if str(short_path) in " ".join(process.info["cmdline"] or ()):
            process.kill()


def test_the_bash_recipe_passes_and_stops_everything(project: Project) -> None:
    for tool in ("curl", "jq"):
        need(tool, install=f"apt-get install {tool}")
    (project.folder / "ci.sh").write_text(example("recipe"))
    done = project.run("bash", "ci.sh")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "✓ GET /friends received after" in done.stdout
    wait_until(lambda: not project.still_running, "the recipe's programs to end")


@pytest.mark.long
def test_the_bash_recipe_fails_if_the_event_breaks_the_ui(project: Project) -> None:
    """Proves that the test above can fail."""
    for tool in ("curl", "jq"):
        need(tool, install=f"apt-get install {tool}")
    script = project.folder.parent / "page" / "chat.js"
    broken_handler = (
        'new_message(data) { if (data.direction === "received") for (let id = 0; id < 1e4; id++) clearInterval(id);'
    )
    text = script.read_text(encoding="utf-8").replace("new_message(data) {", broken_handler)
    assert broken_handler in text
    script.write_text(text, encoding="utf-8")
    (project.folder / "ci.sh").write_text(example("recipe"))
    done = project.run("bash", "ci.sh")
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert "✗ no GET /friends within 15 s" in done.stderr
    wait_until(lambda: not project.still_running, "the recipe's programs to end")


@pytest.mark.parametrize(("expected", "code"), [("GET /friends within 20s", 0), ("POST /messages within 2s", 1)])
def test_the_sessions_run_as_a_test_with_junit_and_annotations(project: Project, expected: str, code: int) -> None:
    need("curl", install="apt-get install curl")
    session = project.folder / "e2e" / "greeting.chat"
    session.write_text(f"wait for all\nalice: Are you there?\nexpect {expected}\n", encoding="utf-8")
    (project.folder / "e2e" / "sessions.sh").write_text(example("sessions"))
    done = project.run("env", "GITHUB_ACTIONS=true", "bash", "e2e/sessions.sh")
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    annotation = f"::error file=e2e/greeting.chat,line=3::expect {expected}: not met within 2 s"
    assert (annotation in done.stdout) == bool(code)
    suite = ElementTree.parse(project.folder / "results.xml").getroot()[0]
    assert (suite.attrib["name"], suite.attrib["tests"], suite.attrib["failures"]) == ("greeting", "2", str(code))
    wait_until(lambda: not project.still_running, "the script's programs to end")


def test_the_playwright_example_passes_with_its_configuration(project: Project) -> None:
    (project.folder / "node_modules").symlink_to(_playwright_test())
    (project.folder / "playwright.config.ts").write_text(example("playwright config"))
    (project.folder / "chat.spec.ts").write_text(example("playwright test"))
    done = run_playwright(project)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "1 passed" in done.stdout
    wait_until(lambda: not project.still_running, "the example's programs to end")


def run_playwright(project: Project) -> subprocess.CompletedProcess[str]:
    # Use the installed browser. Playwright would download one.
    (project.folder / "here.config.ts").write_text(
        f"""import config from "./playwright.config";
export default {{ ...config, use: {{ launchOptions: {{ executablePath: {json.dumps(str(project.chromium))} }} }} }};
"""
    )
    return project.run("node", "node_modules/@playwright/test/cli.js", "test", "--config", "here.config.ts")


# the expected UI state


def test_the_manual_prints_the_reporter_as_it_is() -> None:
    assert example("reporter", "ui-state") == (RESOURCES / "reporter.ts").read_text(encoding="utf-8")


@pytest.fixture
def reporting_project(project: Project, tmp_path: Path) -> Project:
    """A UI project whose page has the guide's stores, and the reporter of the manual."""
    page = project.folder.parent / "page"
    shutil.rmtree(page)
    page.mkdir()
    build = Build(tmp_path / "build")
    shutil.copy(build.source / "index.html", page)
    shutil.copy(build.bundle("reporting.ts", *DEVELOPMENT), page / "main.js")
    (project.folder / "node_modules").symlink_to(_playwright_test())
    (project.folder / "playwright.config.ts").write_text(example("playwright config"))
    command = project.run("companion", "ui-state", "code", "playwright", "--output", "ui-state.ts")
    assert command.returncode == 0, command.stderr
    return project


@pytest.mark.long
@pytest.mark.parametrize("bugs", ["", "duplicate"])
def test_the_test_of_the_ui_state(bugs: str, reporting_project: Project) -> None:
    """It passes with a correct UI, and fails with a planted bug."""
    text = example("test", "ui-state")
    address = f"http://localhost:1420/?bugs={bugs}"
    (reporting_project.folder / "chat.spec.ts").write_text(text.replace("http://localhost:1420", address))
    done = run_playwright(reporting_project)
    assert ("1 passed" if not bugs else "1 failed") in done.stdout, f"{done.stdout}\n{done.stderr}"
    wait_until(lambda: not reporting_project.still_running, "the example's programs to end")


@pytest.mark.long
def test_the_helper_for_playwright_reads_the_screen(reporting_project: Project) -> None:
    shutil.copy(UI_STORES / "screen.spec.ts", reporting_project.folder)
    done = run_playwright(reporting_project)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "3 passed" in done.stdout
    wait_until(lambda: not reporting_project.still_running, "the example's programs to end")


def _playwright_test() -> Path:
    """Return the node_modules folder with ``@playwright/test``: the parent of a folder in PATH."""
    for folder in os.environ["PATH"].split(os.pathsep):
        modules = Path(folder).parent
        if (modules / "@playwright" / "test").is_dir():
            return modules
    missing("@playwright/test is not installed: npm install @playwright/test, its node_modules/.bin on PATH")
