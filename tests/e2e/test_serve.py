"""``companion serve``: its output, how it ends, and what it rejects."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from . import sockets
from .conftest import Start
from .processes import (
    COMPANION,
    ENVIRONMENT,
    PATIENCE_S,
    STOP_SIGNALS,
    Companion,
    Program,
    answers,
    free_port,
    own_options,
    serve,
    wait_until,
    without_rate_limit,
)
from .rest import Rest
from .tools import linux_only, missing, posix_only

GUIDE_PORT = 8081
REST_PORT = 8080


def command(*options: str | Path) -> Program:
    return Program("serve", *COMPANION, "serve", *options)


def stops(server: Companion, number: int = STOP_SIGNALS[0]) -> None:
    server.send(number)
    assert server.wait() == 0, server
    assert "Traceback" not in "\n".join(server.err), server


def test_it_prints_its_urls_and_nothing_else(server: Companion) -> None:
    with sockets.client(server.url) as connection:
        assert connection.response is not None
        assert connection.response.headers["Server"] == "p2p-chat-ws/0.1"
    assert server.out == [
        f"listening {server.url}",
        f"answering {server.rest_url}",
        f"control {server.control_url}",
    ]
    assert server.err == []


@posix_only
def test_it_runs_on_without_a_reader_of_its_output(data_dir: Path) -> None:
    """Regression: `serve | grep -m1 listening` wrote a crash report, and `serve | true` ended without closing."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [*COMPANION, "serve", "--port", "0", "--rest-port", "0", *own_options(data_dir)]
    process = subprocess.Popen(
        [str(each) for each in words], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer
    )
    os.close(writer)
    try:
        wait_until((data_dir / "instance.json").exists, "the companion starts")
        process.send_signal(STOP_SIGNALS[0])
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
    assert not list((data_dir / "logs").glob("crash-*"))


def test_the_uis_own_ports_are_the_default(running: Start, data_dir: Path) -> None:
    for port in (GUIDE_PORT, REST_PORT):
        if answers(port):
            missing(f"port {port} is in use: end the companion that runs on this machine")
    server = running(serve(data_dir, port=None, rest_port=None))
    assert server.out[:2] == [
        f"listening ws://127.0.0.1:{GUIDE_PORT}/events",
        f"answering http://127.0.0.1:{REST_PORT}",
    ]


def test_the_rest_port_can_be_chosen(running: Start, data_dir: Path) -> None:
    port = free_port()
    server = running(serve(data_dir, rest_port=port))
    assert server.rest_port == port
    with Rest(server) as rest:
        assert rest.request("GET", "/status").body["status"] == "ok"


def test_a_busy_rest_port_is_reported_with_its_process_and_events_work(running: Start, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = running(
            Companion("serve", *COMPANION, "serve", "--port", "0", "--rest-port", str(port), *own_options(data_dir))
        )
        program.port = int(program.wait_for_line(r"^listening ws://127\.0\.0\.1:(\d+)/events$")[1])
        program.wait_for_line("busy", among="err")
        program.wait_for_line("^control ")
        alice_types_to_bob(program)
        program.stop()
    assert len(program.err) == 1, "one sentence"
    assert f"Port {port} is busy" in program.err[0]
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in program.err[0]
    assert "Events work" in program.err[0]
    assert program.out[0] == f"listening {program.url}"
    assert not any(line.startswith("answering") for line in program.out)


def test_without_rest_nothing_is_printed_about_it(running: Start, data_dir: Path) -> None:
    """Not even if another program, such as the real backend, uses the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = running(serve(data_dir, "--no-rest", rest_port=port))
        alice_types_to_bob(server)
        server.stop()
    assert server.out == [f"listening {server.url}", f"control {server.control_url}"]
    assert server.err == []


def alice_types_to_bob(server: Companion) -> None:
    with sockets.client(server.url, "bob") as bob, sockets.client(server.url, "alice") as alice:
        sockets.send(alice, "typing", to="bob", typing=True)
        assert sockets.receive(bob) == {"event": "typing", "data": {"username": "alice", "typing": True}}


def test_the_port_can_be_chosen(running: Start, data_dir: Path) -> None:
    port = free_port()
    server = running(serve(data_dir, port=port))
    assert server.port == port
    alice_types_to_bob(server)


@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_it_with_exit_code_0(server: Companion, number: int) -> None:
    with sockets.client(server.url) as connection:
        stops(server, number)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    assert not answers(server.port)


@posix_only
@pytest.mark.parametrize("number", STOP_SIGNALS, ids=lambda number: number.name)
def test_unresponsive_clients_do_not_delay_the_end(running: Start, data_dir: Path, number: int) -> None:
    """One has sent half a handshake, one is silent, and one does not read and has full buffers."""
    server = running(serve(without_rate_limit(data_dir)))
    half_open, silent = sockets.raw(server.port), sockets.raw(server.port)
    stalled = sockets.raw(server.port, read_buffer=sockets.SMALL)
    with half_open, silent, stalled:
        half_open.sendall(b"GET /events HTTP/1.1\r\nHost: 127")
        assert "101" in sockets.handshake(silent)
        assert "101" in sockets.handshake(stalled, "/events?username=bob")
        sockets.stall(server.url, "bob")
        assert server.has_connection(stalled), "the client was disconnected too early"
        stops(server, number)


@posix_only
def test_a_client_that_never_reads_is_disconnected_without_delaying_other_clients(
    running: Start, data_dir: Path
) -> None:
    server = running(serve(without_rate_limit(data_dir)))
    with sockets.raw(server.port, read_buffer=sockets.SMALL) as stalled:
        sockets.handshake(stalled, "/events?username=bob")
        with sockets.client(server.url, "a" * 64) as alice, sockets.client(server.url, "bob") as bob:
            for n in range(8000):
                sockets.send(alice, "typing", to="bob", typing=n % 2 == 0)
                assert sockets.receive(bob)["data"]["typing"] is (n % 2 == 0)
        wait_until(
            lambda: not server.has_connection(stalled), "the server to disconnect the client that never reads"
        )


def test_a_start_after_kill_9_succeeds(running: Start, data_dir: Path) -> None:
    first = running(serve(data_dir))
    with sockets.client(first.url):
        first.process.kill()
        first.wait()
    second = running(serve(data_dir, port=first.port))
    assert second.port == first.port


def test_a_busy_port_is_reported_with_its_process(running: Start, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        second = running(command("--port", str(port), "--rest-port", "0", "--data-dir", data_dir))
        assert second.wait() == 3
    errors = "\n".join(second.err)
    assert f"Port {port} is busy" in errors
    if sys.platform == "linux":  # on other systems, only root may list the connections
        assert f"(pid {os.getpid()})" in errors
    assert "Stop it, or choose another port with --port." in errors or sys.platform != "linux"
    assert "another port with --port." in errors
    assert "Traceback" not in errors
    assert second.out == []
    third = running(serve(data_dir))
    third.stop()
    assert "did not end normally" not in "\n".join(third.err), "the recording of the second start has its end"


def test_a_second_start_with_the_same_folder_is_rejected(server: Companion, running: Start, data_dir: Path) -> None:
    second = running(command("--port", "0", "--data-dir", data_dir))
    assert second.wait() == 3
    errors = "\n".join(second.err)
    assert "Another companion is running" in errors
    assert str(data_dir) in errors
    assert "--data-dir" in errors
    assert "Traceback" not in errors
    with sockets.client(server.url):
        pass  # the first one still works


def test_a_folder_that_cannot_be_written_is_reported(running: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    program = running(command("--port", "0", "--data-dir", tmp_path / "file" / "data"))
    assert program.wait() == 1
    errors = "\n".join(program.err)
    assert "Cannot write to" in errors
    assert "--data-dir" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("port = = 1\n", "settings.toml could not be read, so defaults are used"),
        ("username = 17\n", "settings.toml: username: "),
        ('journal_rows = 3\nusername = "carol"\n', "settings.toml: journal_rows: "),
    ],
)
def test_invalid_settings_are_replaced_by_defaults_and_reported(
    running: Start, data_dir: Path, text: str, warning: str
) -> None:
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text(text)
    server = running(serve(data_dir))
    server.wait_for_line(re.escape(warning), among="err")
    assert "Traceback" not in "\n".join(server.err)
    assert (data_dir / "settings.toml").read_text() == text, "the user's file is not changed"
    with sockets.client(server.url):
        pass


def test_settings_set_the_port_and_the_local_user(running: Start, data_dir: Path) -> None:
    port = free_port()
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text(f'port = {port}\nusername = "carol"\n')
    server = running(serve(data_dir, port=None))
    assert server.port == port
    with sockets.client(server.url, "bob") as bob, sockets.client(server.url) as carol:
        sockets.send(carol, "typing", to="bob", typing=True)
        assert sockets.receive(bob)["data"] == {"username": "carol", "typing": True}


@pytest.mark.parametrize("path", ["/", "/event", "/events/", "/Events"])
def test_unknown_paths_return_404(server: Companion, path: str) -> None:
    with sockets.raw(server.port) as connection:
        head = sockets.handshake(connection, path)
    assert head.startswith("HTTP/1.1 404 ")
    assert "Server: p2p-chat-ws/0.1\r\n" in head


@pytest.mark.parametrize("origin", ["http://localhost:1421", "https://evil.example", "null"])
def test_pages_from_foreign_origins_are_rejected(server: Companion, origin: str) -> None:
    with sockets.raw(server.port) as connection:
        assert sockets.handshake(connection, "/events", f"Origin: {origin}").startswith("HTTP/1.1 403 ")


@linux_only
def test_no_qt_is_loaded(server: Companion) -> None:
    loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert not re.search(r"PySide6|shiboken|libQt\d", loaded)
    assert ("uvloop" in loaded) is (importlib.util.find_spec("uvloop") is not None), (
        "uvloop is used if it is installed"
    )


def test_the_log_file_contains_no_payload(server: Companion, data_dir: Path) -> None:
    with sockets.client(server.url, "bob") as bob, sockets.client(server.url) as me:
        me.send("not JSON but whispered-words")
        me.send(json.dumps({"event": "whispered-words", "data": {}}))
        sockets.send(me, "mark_read", peer="whispered-words", msg_id="whispered-words")
        sockets.send(me, "typing", to="whispered-words", typing=True)
        sockets.send(me, "typing", to="bob", typing=True)
        sockets.receive(bob)
    stops(server)
    log = (data_dir / "logs" / "companion.log").read_text(encoding="utf-8")
    assert "listening on" in log
    assert "whispered-words" not in log
    assert "whispered-words" not in str(server)


def test_equal_ports_end_the_start_with_a_remedy(running: Start, data_dir: Path) -> None:
    port = str(free_port())
    program = running(
        Program("serve", *COMPANION, "serve", "--port", port, "--rest-port", port, "--data-dir", data_dir)
    )
    assert program.wait() == 2
    assert program.err == [
        f"rest_port: {port} is already the port of the event server. "
        "Choose different ports with --port, --rest-port, --control-port and --peer-port."
    ]
    running(serve(data_dir)).stop()
