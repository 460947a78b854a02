"""The pytest plugin, used by test suites of others in processes of their own."""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from typing_extensions import override

from pytest_p2p_companion import Companion, CompanionError, CompanionOptions, NotMetError
from pytest_p2p_companion.control import Control
from pytest_p2p_companion.journal_text import journal_text
from pytest_p2p_companion.parts import UiState
from pytest_p2p_companion.process import ServeProcess
from pytest_p2p_companion.shapes import JournalRow

CONFTEST = """
import pytest
from pytest_p2p_companion import CompanionOptions

@pytest.fixture(scope="session")
def companion_options():
    return CompanionOptions(origins=["http://localhost:5173"], fixtures="mine")
"""
TESTS = """
import json
import threading
import urllib.request

import pytest
from websockets.sync.client import connect

from pytest_p2p_companion import Companion, CompanionError, NotMetError, RequestError

seen = []


def test_a_message_reaches_a_client(companion: Companion) -> None:
    with connect(companion.events_url, origin="http://localhost:5173") as ui:
        urllib.request.urlopen(companion.rest_url + "/friends").read()
        fired = companion.say("alice", "Are you there?", wait=10)
        frames = [json.loads(ui.recv(timeout=10))]
        while frames[-1]["data"].get("text") != "Are you there?":  # first messages of each friend precede it
            frames.append(json.loads(ui.recv(timeout=10)))
        assert frames[-1]["event"] == "new_message"
        assert fired["delivered"] == 1
        ui.send(json.dumps({"event": "typing", "data": {"to": "alice", "typing": True}}))
        row = companion.expect("typing", data={"to": "alice"}, after=fired["seq"])
        assert row["direction"] == "c2s"
        assert companion.trigger(fixture="hello")["delivered"] == 1
    companion.faults.rest("GET /friends", status=503)
    companion.request("POST", "/v1/breakpoints", {"filter": "event:new_message"})
    threading.Thread(target=companion.say, args=("alice", "held"), daemon=True).start()
    assert companion.request("GET", "/v1/breakpoints/wait", query={"within": 20}, waits=20)["met"]
    seen.append(companion.control_url)


def test_the_next_test_has_the_same_companion_without_traces(companion: Companion) -> None:
    assert companion.control_url == seen[0]
    assert companion.faults.list()["rest"] == []
    assert companion.journal() == []
    assert companion.request("GET", "/v1/breakpoints/held") == []
    assert companion.status()["clients"] == 0
    assert "Are you there?" not in json.dumps(companion.state.save())
    companion.fire("friend_online", {"username": "alice"})
    assert [row["event"] for row in companion.journal("event:friend_online")] == ["friend_online"]


def test_that_leaves_a_scenario_and_a_pause(companion: Companion) -> None:
    companion.request("POST", "/v1/runs", {"text": "wait 60s\\nnote late\\n"})
    companion.request("POST", "/v1/server/pause")
    companion.request("POST", "/v1/server/stop")


def test_the_next_test_has_neither(companion: Companion) -> None:
    assert companion.status()["state"] == "listening"
    assert {run["state"] for run in companion.request("GET", "/v1/runs")} == {"stopped"}


def test_the_last_rows_are_those_of_the_report(companion: Companion) -> None:
    for name in ("alice", "bob", "carol"):
        last = companion.fire("friend_online", {"username": name})["seq"]
    rows, left_out = companion.latest(2)
    assert rows == companion.journal()[-2:]
    assert rows[-1]["seq"] == last
    assert left_out == len(companion.journal()) - 2
    assert companion.latest(200) == (companion.journal(), 0)


def test_arguments_that_exclude_each_other(companion: Companion) -> None:
    with pytest.raises(TypeError, match="not both"):
        companion.trigger("typing", fixture="hello")
    with pytest.raises(TypeError, match="not both"):
        companion.scenario("note a", name="b")
    with pytest.raises(TypeError, match="to its end"):
        companion.scenario("note a", step=True)


def test_errors_are_sentences(companion: Companion) -> None:
    with pytest.raises(RequestError, match="invalid target") as refused:
        companion.fire("friend_online", {"username": "alice"}, to="user:")
    assert refused.value.status == 422
    with pytest.raises(RequestError, match="username"):
        companion.fire("friend_online", {})
    with pytest.raises(RequestError, match="its URL or a header is longer than 8 KiB"):
        companion.journal("a" * 70_000)
    for call in (lambda: companion.journal("\\ud800"), lambda: companion.request("GET", "/\\ud800"),
                    lambda: companion.request("POST", "/v1/frames", "\\ud800")):
        with pytest.raises(RequestError, match="contains a lone surrogate"):
            call()
    with pytest.raises(RequestError, match="The path /é does not exist"):
        companion.request("GET", "/é")
    with pytest.raises(NotMetError, match="did not send typing within 0.1 s"):
        companion.expect("typing", within=0.1, strict=False)
    assert companion.scenario("alice comes online")["state"] == "passed"
    with pytest.raises(NotMetError, match="line 2: "):
        companion.scenario("alice comes online\\nexpect typing within 100ms")


def test_a_failed_test_shows_the_log(companion: Companion) -> None:
    companion.say("bob", "what happened")
    companion.expect("typing", within=0.1)


@pytest.fixture
def page(companion: Companion) -> None:
    companion.say("carol", "before the page")
    raise RuntimeError("the page does not load")


def test_with_a_fixture_that_fails(page: None) -> None:
    pass


def test_without_a_companion() -> None:
    assert False
"""


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, as a project of a user does."""
    command = [sys.executable, "-m", "pytest", "-p", "companion", "-p", "no:cacheprovider", *words]
    # Other plugins take seconds to load. -p companion names the entry point of the installed package.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120,
        check=False,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the tests of a UI."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hello.json").write_text(
        '{"event": "friend_online", "data": {"username": "alice"}}', encoding="utf-8"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_ui.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


@pytest.mark.e2e
def test_tests_use_a_companion_and_a_failed_one_shows_its_log(project: Path) -> None:
    done = run_pytest(project)
    assert re.search(r"\b2 failed, 7 passed, 1 error\b", done.stdout), done.stdout
    sections = re.findall(r"-+ companion log -+\n(.*?)\n(?:_|=|-)", done.stdout, re.DOTALL)
    assert len(sections) == 2, "only in the reports of tests that use a companion"
    assert any("what happened" in each for each in sections)
    assert "raise NotMetError" not in done.stdout, "lines of the plugin"
    assert any("before the page" in each for each in sections)
    assert not any("Are you there?" in each for each in sections), "rows of another test"


@pytest.mark.e2e
def test_a_test_that_cannot_reset_the_companion_shows_what_it_printed(tmp_path: Path) -> None:
    """The companion has crashed in an earlier test."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_ui.py").write_text(
        "def test_that_ends_it(companion):\n    companion.stop()\n\n\ndef test_the_next(companion):\n    pass\n",
        encoding="utf-8",
    )
    done = run_pytest(tmp_path)
    section = re.search(r"-+ companion log -+\n(.*?)\n(?:_|=|-)", done.stdout, re.DOTALL)
    assert section, done.stdout
    assert "does not answer" in section[1]
    assert "listening ws://" in section[1]


@pytest.mark.e2e
def test_a_project_without_the_fixture_loads_nothing_of_it(tmp_path: Path) -> None:
    """Neither the companion nor the plugin's client is loaded, and a package called app is the project's own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "app.py").write_text("MINE = True\n", encoding="utf-8")
    (tmp_path / "test_app.py").write_text(
        "import sys\n\n"
        "def test_it(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.get_plugin('companion')\n"
        "    loaded = {name for name in sys.modules if name.startswith('pytest_p2p_companion')}\n"
        "    assert loaded == {'pytest_p2p_companion', 'pytest_p2p_companion.plugin'}\n"
        "    assert 'app' not in sys.modules\n"
        "    import app\n"
        "    assert app.MINE\n",
        encoding="utf-8",
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (CompanionOptions(command="no-such-companion"), "The command no-such-companion cannot be started"),
        (CompanionOptions(args=["--no-such-option"]), "The companion ended with exit code 2 before it was ready:"),
    ],
)
def test_a_companion_that_does_not_start_is_one_error(
    tmp_path: Path, options: CompanionOptions, reason: str
) -> None:
    with pytest.raises(CompanionError, match=reason):
        ServeProcess(options, tmp_path).wait_until_ready()


def test_the_token_is_sent_to_this_machine_only() -> None:
    with pytest.raises(CompanionError, match="is not the address of a control API"):
        Control("http://192.0.2.1:8082", "secret")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:x", "http://[127.0.0.1:8082"])
def test_an_invalid_address_is_an_error(url: str) -> None:
    with pytest.raises(CompanionError, match="is not the address of a control API"):
        Control(url, "secret")


def row(seq: int, **values: object) -> JournalRow:
    usual = {
        "seq": seq, "time": "2026-01-01T10:00:00.123Z", "direction": "s2c", "client": "#1", "user": "alice",
        "event": "typing", "frame": "{}", "size": 2, "verdict": "ok", "note": "", "origin": "panel",
    }  # fmt: skip
    return {**usual, **values}  # type: ignore[typeddict-item]


def call_a_server(status: int, body: bytes, missing: int = 0) -> Any:
    """Return what ``call`` returns for this response, which ends ``missing`` bytes before its length."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        return Control(f"http://127.0.0.1:{server.server_port}", "token").call("GET", "/v1/status")


@pytest.mark.parametrize("body", [b"<html>", b"[" * 200_000], ids=["a page", "deep nesting"])
def test_another_program_on_the_port_is_an_error(body: bytes) -> None:
    with pytest.raises(CompanionError, match="is not a companion: its answer is not JSON"):
        call_a_server(200, body)


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", [b"", b'{"clients": '])
def test_an_incomplete_response_is_an_error(status: int, body: bytes) -> None:
    with pytest.raises(CompanionError, match="does not answer: IncompleteRead"):
        call_a_server(status, body, missing=50)
    assert call_a_server(200, b"") is None


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="a script of a shell")
def test_another_program_in_place_of_the_command_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho control http://127.0.0.1:1\nread line\n")
    program.chmod(0o755)
    process = ServeProcess(CompanionOptions(command=program), tmp_path)
    with pytest.raises(CompanionError, match="is not a companion: it has not written"):
        process.wait_until_ready()


def test_rows_are_lines_without_control_characters() -> None:
    rows = [
        row(1),
        row(2, direction="c2s", user="", verdict="warning", note="too fast"),
        row(3, event="", frame="\x1b[31m\u202e" + "x" * 500),
        row(4, frame="##[error]\u200e"),
    ]
    lines = journal_text(rows).splitlines()
    assert lines[:2] == ["#1 10:00:00.123 ↓ typing alice {}", "#2 10:00:00.123 ↑ typing #1 {} (warning: too fast)"]
    assert lines[2].startswith("#3 10:00:00.123 ↓ – alice \\u001b[31m\\u202exxx")
    assert lines[2].endswith("x…")
    assert lines[3].endswith(" \\u0023#[error]\\u200e")
    assert journal_text(rows[3:], 3).splitlines()[0] == "(3 earlier rows are left out)"
    assert journal_text(rows[3:], 1).splitlines()[0] == "(1 earlier row is left out)"


class Answers:
    """Stands in for the control API: each call gets the same answer."""

    def __init__(self, answer: Any) -> None:
        self.call = lambda *_, **__: answer


HOSTILE, ESCAPED = "\x9b31m\u202e ##[error]x", "\\u009b31m\\u202e \\u0023#[error]x"


def test_texts_of_the_ui_in_a_failed_comparison_have_no_control_characters() -> None:
    difference = {"path": "chat.messages.alice[0].text", "expected": "hi", "reported": HOSTILE}
    answer = {"client": 1, "met": False, "has_reported": True, "differences": [difference]}
    with pytest.raises(NotMetError) as failed:
        UiState(cast(Control, Answers(answer))).expect("chat.messages.alice[0].text=hi")
    assert str(failed.value).endswith(f'chat.messages.alice[0].text: expected "hi", the UI has "{ESCAPED}"')


def test_an_expected_state_of_a_ui_that_is_not_connected_names_the_reason() -> None:
    answer: dict[str, object] = {"client": None, "met": False, "has_reported": False, "differences": []}
    with pytest.raises(NotMetError, match="No client is connected"):
        UiState(cast(Control, Answers(answer))).expect("chat.activeChat=null")


@pytest.mark.parametrize(("since", "named"), [(41, True), (42, False)])
def test_a_failed_expectation_names_an_earlier_row_of_this_test_only(since: int, named: bool) -> None:
    companion = Companion.__new__(Companion)
    companion._control = cast(Control, Answers({"row": None, "received_instead": [], "earlier": {"seq": 42}}))
    companion._since = since
    with pytest.raises(NotMetError) as failed:
        companion.expect("typing")
    assert ("as row 42." in str(failed.value)) is named


def test_texts_of_the_ui_in_a_failed_scenario_have_no_control_characters() -> None:
    companion = Companion.__new__(Companion)
    result = {"met": False, "line": 1, "text": "expect typing", "detail": f"received instead: {HOSTILE}"}
    run = {"state": "failed", "results": [result], "error": f"{HOSTILE}\nline 2", "title": HOSTILE, "name": ""}
    companion._control = cast(Control, Answers(run))
    with pytest.raises(NotMetError) as failed:
        companion.scenario("expect typing")
    assert str(failed.value) == (
        f"Scenario {ESCAPED}: failed.\nline 1: expect typing: received instead: {ESCAPED}\n{ESCAPED}\nline 2"
    )
