"""``companion mcp`` without its optional package, other commands, and errors of the SDK as sentences."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer
from typing_extensions import override

from app.cli import mcp_server
from app.cli.agents import threads
from app.cli.agents.connection import AgentError, Connection, _send
from app.cli.agents.rows import MAX_FRAME, client_of, result_of, whole
from app.cli.agents.threads import in_daemon_thread
from app.cli.agents.tools import Tools
from app.cli.control import _given_agent_token
from app.system import instance
from app.system.agent_token import VARIABLE, given


@pytest.mark.e2e
def test_without_the_package_it_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['mcp'] = None; from app.cli.main import app; app(['mcp'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.splitlines()[-1].endswith("(or pipx install --force '.[mcp]')")
    assert "Traceback" not in found.stderr


@pytest.mark.e2e
def test_no_other_command_loads_the_package() -> None:
    code = (
        "import sys, app.cli.main; print([name for name in ('mcp', 'pydantic', 'httpx2') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EPIPE, errno.ECONNRESET, errno.ENOSPC])
def test_it_ends_silently_when_the_agent_has_ended(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: on Windows, which may report that as an invalid argument, a traceback was printed."""
    from app.cli.agents.stdio import StdioServer

    async def serve(_: StdioServer) -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("inner", [OSError(code, os.strerror(code))])])

    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setattr(StdioServer, "_serve", serve)
        expected = pytest.raises(ExceptionGroup) if code == errno.ENOSPC else nullcontext()
        with expected:
            asyncio.run(StdioServer("companion").run_stdio_async())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Error executing tool fire: No companion is running.", "No companion is running."),
        (
            "Error executing tool fire: 2 validation errors for fireArguments\n"
            "event\n  Field required [type=missing, input_value={}, input_type=dict]\n    For more visit https://x\n"
            "wait_s\n  Input should be a valid number [type=float_type, input_value='x']\n    For more visit https://x",
            "event: Field required. wait_s: Input should be a valid number.",
        ),
        ("Anything else", "Anything else"),
    ],
)
def test_errors_are_sentences(text: str, expected: str) -> None:
    from app.cli.agents.plain_errors import sentence  # not above: every process of the suite would load the SDK

    assert sentence(text) == expected


TOKEN = "a-secret-that-must-not-be-shown"


def test_a_token_that_cannot_be_sent_is_an_error_without_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An HTTP client names the value of a header that it cannot send."""
    monkeypatch.setenv(VARIABLE, f"{TOKEN}\n")
    assert given() == TOKEN
    for wrong in (f"{TOKEN} {TOKEN}", f"{TOKEN}\r\nX: y", f"{TOKEN}…"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(AgentError, match=f"{VARIABLE} contains no valid token") as raised:
            Connection(tmp_path).call("GET", "/v1/status")
        assert TOKEN not in str(raised.value)
        with pytest.raises(typer.Exit):
            _given_agent_token()
        printed = capsys.readouterr().err
        assert VARIABLE in printed
        assert TOKEN not in printed


@pytest.mark.parametrize(
    ("answer", "missing", "error"),
    [(b"<html>", 0, "Another program"), (b"", 0, "Another program"), (b"[]", 0, "may not use"),
     (b'{"values": 1}', 0, "may not use"), (b"", 50, "The companion does not answer"),
     (b'{"values": ', 50, "The companion does not answer"),
     (b'{"values": {"agents": true}, "more": "' + b"x" * 2000, 0, "The response has more than")],
    ids=range(7),
)  # fmt: skip
def test_an_answer_that_cannot_be_used_is_an_error(
    answer: bytes, missing: int, error: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer) + missing))
            self.end_headers()
            self.wfile.write(answer)

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    monkeypatch.setenv(VARIABLE, TOKEN)
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = instance.Instance(pid=os.getpid(), started=0.0, control=url, token_in="file")
        monkeypatch.setattr("app.system.instance.find", lambda _: found)
        monkeypatch.setattr("app.cli.agents.connection.MAX_ANSWER_BYTES", 1000)
        with pytest.raises(AgentError, match=error):
            Connection(tmp_path).call("GET", "/v1/status")


def test_a_value_that_is_too_long_for_a_url_is_an_error() -> None:
    with pytest.raises(AgentError, match="A value is too long: "):
        _send(1, TOKEN, "GET", "/v1/journal", None, {"filter": "x" * 9_000}, 1.0)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_revoked_token_is_replaced_unless_the_user_has_set_it(
    is_given: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Api(BaseHTTPRequestHandler):
        valid = ""

        def do_POST(self) -> None:
            self._answer(b'{"token": "%s"}' % self.valid.encode())

        def do_GET(self) -> None:
            if self.headers["Authorization"] in ("Bearer main", f"Bearer {self.valid}"):
                self._answer(b'{"values": {"agents": true}}')
            else:
                self.send_response(401)
                self.end_headers()

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    monkeypatch.setenv(VARIABLE, TOKEN if is_given else "")
    monkeypatch.setattr("app.system.control_token.read", lambda *_: SimpleNamespace(value="main"))
    Api.valid = TOKEN
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = instance.Instance(pid=os.getpid(), started=0.0, control=url, token_in="file")
        monkeypatch.setattr("app.system.instance.find", lambda _: found)
        connection = Connection(tmp_path)
        connection.call("GET", "/v1/status")
        Api.valid = "another-token-0123456789"
        with pytest.raises(AgentError, match=VARIABLE if is_given else "Call again"):
            connection.call("GET", "/v1/status")
        if not is_given:
            connection.call("GET", "/v1/status")
        server.shutdown()


async def test_a_call_that_waits_delays_no_other_one_and_its_error_is_raised() -> None:
    goes_on = threading.Event()
    waiting = [asyncio.ensure_future(in_daemon_thread(goes_on.wait)) for _ in range(50)]
    assert await in_daemon_thread(lambda: 3) == 3
    with pytest.raises(AgentError, match="no"):
        await in_daemon_thread(_raise)
    assert not any(each.done() for each in waiting)
    waiting[0].cancel()
    goes_on.set()
    assert await asyncio.gather(*waiting[1:]) == [True] * 49


async def test_a_scenario_ends_if_its_progress_cannot_be_read() -> None:
    stopped = threading.Event()

    class Failing(Connection):
        @override
        def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
            if path == "/v1/runs/7/stop":
                stopped.set()
            elif method == "GET":
                raise AgentError("The companion does not answer: timed out.")
            return {"number": 7, "state": "running", "version": 1}

    with pytest.raises(AgentError, match="timed out"):
        await Tools(Failing(None)).scenario(text="wait 100s")
    assert await asyncio.to_thread(stopped.wait, 10)


async def test_a_scenario_ends_if_its_call_is_cancelled_while_it_starts() -> None:
    """Regression: nothing stopped it, because its number was not known yet."""
    starts, stopped, goes_on = threading.Event(), threading.Event(), threading.Event()

    class Starting(Connection):
        @override
        def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
            if path == "/v1/runs/7/stop":
                stopped.set()
            elif method == "POST":
                starts.set()
                goes_on.wait()
            return {"number": 7, "state": "running", "version": 1}

    playing = asyncio.ensure_future(Tools(Starting(None)).scenario(text="wait 100s"))
    await asyncio.to_thread(starts.wait)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    goes_on.set()
    assert await asyncio.to_thread(stopped.wait, 10)


async def test_a_scenario_ends_with_the_call_that_has_started_it() -> None:
    waits, stopped, goes_on = threading.Event(), threading.Event(), threading.Event()

    class Waiting(Connection):
        @override
        def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
            if path == "/v1/runs/7/stop":
                stopped.set()
            elif method == "GET":
                waits.set()
                goes_on.wait()
            return {"number": 7, "state": "running", "version": 1}

    playing = asyncio.ensure_future(Tools(Waiting(None)).scenario(text="wait 100s"))
    await asyncio.to_thread(waits.wait)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert await asyncio.to_thread(stopped.wait, 10)
    goes_on.set()


def test_the_process_waits_for_last_calls_but_not_for_a_companion_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: it waited for half a minute, and a second Ctrl+C printed a traceback."""
    ended, goes_on = threading.Event(), threading.Event()
    threads.start_last_call(ended.set)
    threads.wait_for_last_calls()
    assert ended.is_set()
    monkeypatch.setattr(threads, "LAST_CALLS_S", 0.0)
    threads.start_last_call(goes_on.wait)
    try:
        threads.wait_for_last_calls()
        (held,) = (each for each in threading.enumerate() if each.name == threads.LAST_CALL)
        assert held.daemon
    finally:
        goes_on.set()


def test_a_second_ctrl_c_ends_it_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    server = SimpleNamespace(run=lambda _: None, interrupted=True)
    monkeypatch.setattr("app.cli.agents.server.make_server", lambda _: server)
    monkeypatch.setattr(threads, "wait_for_last_calls", interrupt)
    with pytest.raises(typer.Exit) as caught:
        mcp_server.mcp(tmp_path)
    assert caught.value.exit_code == 130


def _raise() -> None:
    raise AgentError("no")


def test_whole_rows_have_frames_that_are_not_too_long() -> None:
    assert whole({"seq": 1, "frame": "x"}) == {"seq": 1, "frame": "x"}
    assert whole({"frame": "x" * (MAX_FRAME + 1500)})["frame"].endswith("x… (1,500 more characters)")


def test_the_result_of_a_scenario_has_the_reasons_and_what_was_not_sent() -> None:
    run = {
        "number": 1, "title": "x", "state": "passed", "steps": 1, "events": 1, "met": 0, "unmet": 0, "seed": 7,
        "results": [], "error": "", "note": "",
    }  # fmt: skip
    assert not {"failed", "error", "note"} & result_of(run).keys()
    assert result_of({**run, "note": "Not sent yet: 1 event."})["note"] == "Not sent yet: 1 event."


async def test_a_breakpoint_without_a_filter_is_refused(tmp_path: Path) -> None:
    """It would hold all traffic."""
    with pytest.raises(AgentError, match="needs a filter"):
        await Tools(Connection(tmp_path)).breakpoint("add", filter=" ")


def test_a_client_is_shown_without_its_measurements() -> None:
    names = ("id", "username", "origin", "user_agent", "ready", "frames_in", "frames_out", "queued_bytes")
    client = dict.fromkeys(names, 0)
    assert client_of({**client, "frames_per_s": [0] * 60, "last_sent": {}}) == client


@pytest.mark.parametrize(("error", "is_reported"), [(BrokenPipeError(), False), (ZeroDivisionError(), True)])
def test_a_stream_that_cannot_write_its_rest_at_the_end_is_not_reported(
    error: Exception, is_reported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: on Python 3.13, the end printed "Exception ignored" now and then if the output was closed."""
    from app.cli.agents.stdio import _report_unraisable  # takes half a second

    reported: list[object] = []
    monkeypatch.setattr(sys, "__unraisablehook__", reported.append)
    _report_unraisable(cast(Any, SimpleNamespace(exc_value=error)))
    assert bool(reported) is is_reported
