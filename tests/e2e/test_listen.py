"""``companion listen``, with and without a server."""

import json
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as fake_server

from . import sockets
from .conftest import Start
from .processes import PATIENCE_S, ROOT, STOP_SIGNALS, Companion, Program, free_port, listen, serve, wait_until
from .tools import posix_only

TYPING = '{"event":"typing","data":{"username":"alice","typing":true}}'

MANUAL = (ROOT / "resources" / "help" / "cli-listen.md").read_text(encoding="utf-8")


def listening(running: Start, *options: str) -> Program:
    """Start a listener and wait until it is connected."""
    program = running(listen(*options))
    program.wait_for_line("^connected to ", among="err")
    return program


def alice_types_to(user: str, server: Companion, *, typing: bool = True) -> None:
    with sockets.client(server.url, "alice") as alice:
        sockets.send(alice, "typing", to=user, typing=typing)


def test_json_prints_each_event_on_one_line(server: Companion, running: Start) -> None:
    bob = listening(running, "--port", str(server.port), "--as", "bob", "--json")
    alice_types_to("bob", server)
    alice_types_to("carol", server)
    alice_types_to("bob", server, typing=False)
    bob.wait_for_line("false")
    assert bob.out == [TYPING, TYPING.replace("true", "false")]


def test_without_json_a_line_has_time_event_and_user(server: Companion, running: Start) -> None:
    me = listening(running, "--port", str(server.port))
    alice_types_to("me", server)
    assert me.wait_for_line(r"^\d\d:\d\d:\d\d ↓ typing\s+(.*)$")[1].count("alice") == 1
    assert me.err == [f"connected to {server.url}"], "status messages go to standard error"


def test_special_characters_of_a_name_are_escaped_in_the_url(server: Companion, running: Start) -> None:
    name = "Zoë & co #1?"
    listener = listening(running, "--port", str(server.port), "--as", name, "--json")
    with sockets.client(server.url, "alice") as alice:
        sockets.send(alice, "typing", to=name, typing=True)
    listener.wait_for_line("alice")


def test_it_reconnects_after_the_server_was_killed(running: Start, data_dir: Path) -> None:
    first = running(serve(data_dir))
    bob = listening(running, "--url", first.url, "--as", "bob", "--json")
    first.process.kill()
    bob.wait_for_line(r"^reconnecting in 3000 ms \(attempt 1\)$", among="err")
    second = running(serve(data_dir, port=first.port))
    wait_until(lambda: bob.err.count(f"connected to {first.url}?username=bob") == 2, "a second connection")
    alice_types_to("bob", second)
    bob.wait_for_line("alice")
    assert bob.out == [TYPING]


def test_it_reconnects_after_the_server_was_stopped(running: Start, data_dir: Path) -> None:
    first = running(serve(data_dir))
    bob = listening(running, "--url", first.url)
    first.send(STOP_SIGNALS[0])
    assert first.wait() == 0
    bob.wait_for_line("^connection closed", among="err")
    bob.wait_for_line(r"^reconnecting in 3000 ms \(attempt 1\)$", among="err")
    bob.wait_for_line("^cannot connect to ", among="err")
    bob.wait_for_line(r"^reconnecting in 4500 ms \(attempt 2\)$", among="err")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8081/events", "127.0.0.1:8081/events", "nonsense", "ws://", "ws://127.0.0.1:port/events"],
)
def test_an_invalid_url_is_a_usage_error(running: Start, url: str) -> None:
    program = running(listen("--url", url))
    assert program.wait() == 2
    errors = "\n".join(program.err)
    assert "is not a WebSocket address" in errors
    assert "ws://127.0.0.1:8081/events" in errors, "it shows a valid one"
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "url",
    ["ws://no-such-host.invalid/events", "ws://127.0.0.1:{free}/events", "ws://127.0.0.1:{server}/elsewhere"],
)
def test_a_failed_connection_is_reported_and_retried(server: Companion, running: Start, url: str) -> None:
    url = url.format(free=free_port(), server=server.port)
    program = running(listen("--url", url))
    why = program.wait_for_line(f"^cannot connect to {url}: (.+)$", among="err")[1]
    assert why
    program.wait_for_line(r"^reconnecting in 3000 ms \(attempt 1\)$", among="err")
    stops(program)


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_it_with_exit_code_0(server: Companion, running: Start, number: int) -> None:
    stops(listening(running, "--port", str(server.port)), number)


def stops(program: Program, number: int = STOP_SIGNALS[0]) -> None:
    program.send(number)
    assert program.wait() == 0, program
    assert "Traceback" not in "\n".join(program.err), program


@posix_only
def test_a_closed_pipe_ends_it_without_an_error(server: Companion, running: Start) -> None:
    """As in the shell command ``companion listen | head -1``."""
    line = f'{sys.executable} -m app listen --port {server.port} --json | head -1; echo "${{PIPESTATUS[0]}}"'
    pipeline = running(Program("listen | head", "bash", "-c", line))
    pipeline.wait_for_line("^connected to ", among="err")
    for _ in range(40):
        if pipeline.process.poll() is not None:
            break
        alice_types_to("me", server)
        time.sleep(0.05)
    assert pipeline.wait() == 0
    assert pipeline.out == [TYPING, "0"]
    assert len(pipeline.err) == 1, pipeline


def test_frames_that_are_not_events_are_reported_and_skipped(running: Start) -> None:
    def send_invalid_frames(connection: ServerConnection) -> None:
        for frame in ("{not json", "[1]", '{"data":{}}', '{"event":"unheard_of","data":{}}', TYPING):
            connection.send(frame)
        with suppress(ConnectionClosed):
            connection.recv()

    with fake_server(send_invalid_frames, "127.0.0.1", 0) as fake:
        thread = threading.Thread(target=fake.serve_forever)
        thread.start()
        try:
            port = fake.socket.getsockname()[1]
            program = running(listen("--port", str(port), "--json"))
            program.wait_for_line("alice")
            stops(program, signal.SIGINT if signal.SIGINT in STOP_SIGNALS else STOP_SIGNALS[0])
        finally:
            fake.shutdown()
            thread.join()
    assert program.out == [json.dumps({"event": "unheard_of", "data": {}}, separators=(",", ":")), TYPING]
    assert sum("skipped a frame" in line for line in program.err) == 3


TYPING_TO_BOB = '{"event":"typing","data":{"to":"bob","typing":true}}'


def test_send_sends_each_text_after_the_connect_in_order(server: Companion, running: Start) -> None:
    bob = listening(running, "--port", str(server.port), "--as", "bob", "--json")
    me = listening(
        running, "--port", str(server.port), "--as", "alice", "--send", TYPING_TO_BOB,
        "--send", "{not json", "--send", TYPING_TO_BOB.replace("true", "false"),
    )  # fmt: skip
    bob.wait_for_line("false")
    assert bob.out == [TYPING, TYPING.replace("true", "false")]
    assert me.process.poll() is None


def received_by(
    running: Start, times: int, expected: int, *options: str, typed: str | None = None
) -> list[str | bytes]:
    """Return the frames that ``companion listen`` sends to a server that closes each connection.

    The server closes each connection after ``expected`` frames, and ends after ``times`` connections.
    """
    frames: list[str | bytes] = []
    closed: list[ServerConnection] = []

    def collect(connection: ServerConnection) -> None:
        frames.extend(connection.recv(timeout=PATIENCE_S) for _ in range(expected))
        connection.ping().wait(PATIENCE_S)  # the pong is received after all frames that were sent before it
        with suppress(TimeoutError):
            while True:
                frames.append(connection.recv(timeout=0))
        closed.append(connection)

    with fake_server(collect, "127.0.0.1", 0) as fake:
        thread = threading.Thread(target=fake.serve_forever)
        thread.start()
        try:
            running(listen("--port", str(fake.socket.getsockname()[1]), *options, typed=typed))
            wait_until(lambda: len(closed) == times, "the connections")
        finally:
            fake.shutdown()
            thread.join()
    return frames


def test_send_sends_the_texts_after_each_connect(running: Start) -> None:
    assert received_by(running, 2, 2, "--send", "one", "--send", "two") == ["one", "two"] * 2


@pytest.mark.parametrize("text", ["", " ", "Ünï 👍", '{"event": "typing"}', "a\nb", "{{uuid}}"])
def test_send_sends_the_text_unchanged(running: Start, text: str) -> None:
    assert received_by(running, 1, 1, "--send", text) == [text]


def test_send_a_dash_sends_the_lines_of_standard_input(running: Start) -> None:
    """For Windows PowerShell, which removes quotes from arguments."""
    assert received_by(running, 1, 3, "--send", "-", typed='{"event":"Ünï"}\r\n\nlast') == [
        '{"event":"Ünï"}',
        "",
        "last",
    ]


def test_with_for_it_ends_with_0_after_that_time(server: Companion, running: Start) -> None:
    bob = listening(running, "--port", str(server.port), "--as", "bob", "--json", "--for", "1.5")
    alice_types_to("bob", server)
    assert bob.wait() == 0
    assert bob.out == [TYPING]
    assert bob.err == [f"connected to {server.url}?username=bob"]


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_with_for_and_no_connection_it_ends_with_1(running: Start, seconds: str) -> None:
    program = running(listen("--port", str(free_port()), "--for", seconds))
    assert program.wait() == 1
    assert program.err[-1] == f"no connection within {seconds} s"
    assert "Traceback" not in "\n".join(program.err)


def test_with_for_a_connection_that_was_lost_since_counts(running: Start, data_dir: Path) -> None:
    server = running(serve(data_dir))
    program = listening(running, "--port", str(server.port), "--for", "2")
    server.stop()
    assert program.wait() == 0


def test_it_finds_the_running_companion_by_itself(running: Start, data_dir: Path) -> None:
    server = running(serve(data_dir))
    server.wait_for_line("^control ")
    bob = listening(running, "--data-dir", str(data_dir), "--for", "1")
    assert bob.err[0] == f"connected to {server.url}"


@posix_only
def test_the_guides_quick_test_script(server: Companion, running: Start) -> None:
    """The script of §5.6 as printed in the manual. The test defines only the command ``companion`` and its port."""
    script_text = MANUAL.split("```bash ci: guide\n")[1].split("```")[0]
    beginning = f'companion() {{ "{sys.executable}" -m app "$@" --port {server.port}; }}\n'
    alice = listening(running, "--port", str(server.port), "--as", "alice", "--json")
    script = running(Program("quick test", "bash", "-c", beginning + script_text))
    assert script.wait(20) == 0
    assert script.out[0].startswith("Sending: ")
    assert not any("cannot" in line for line in script.err)
    alice.wait_for_line('^{"event":"typing","data":{"username":"me","typing":true}}$')
