"""The command line's client of the control API when a connection ends in the middle of a response."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from app.cli import listen
from app.cli.control import Control, encoded, segment
from app.system import agent_token, control_token, instance
from app.system.paths import Folders

Serve = Callable[..., Control]
CHUNKED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
ROW = b'data: {"seq": 1}\n\n'


def chunked(content: bytes) -> bytes:
    """Return a chunked response with this content, without the last chunk."""
    return CHUNKED + b"%x\r\n%s\r\n" % (len(content), content)


CHUNK = chunked(ROW).removeprefix(CHUNKED)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return a function that creates a client of a server, which gives one of these answers per connection."""
    monkeypatch.setenv(agent_token.VARIABLE, "a-token-of-tests-0123456789")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def start(*answers: bytes, requests: list[bytes] | None = None) -> Control:
            def respond() -> None:
                for answer in answers:
                    connection, _ = server.accept()
                    with connection:
                        request = connection.recv(65_536)
                        if requests is not None:
                            requests.append(request)
                        connection.sendall(answer)

            threading.Thread(target=respond, daemon=True).start()
            file = Folders.of(tmp_path).instance_file
            instance.write(file, f"http://127.0.0.1:{server.getsockname()[1]}", "memory")
            return Control(tmp_path)

        yield start


INCOMPLETE = {
    "a body that is too short": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nbeginning",
    "chunks without an end": CHUNKED + CHUNK,
    "half a chunk": CHUNKED + CHUNK[:8],
    "an error without its body": b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{",
}


@pytest.mark.parametrize("answer", INCOMPLETE.values(), ids=INCOMPLETE)
@pytest.mark.parametrize("read", ["call", "download", "follow"])
def test_an_incomplete_response_is_an_error(
    serve: Serve, capsys: pytest.CaptureFixture[str], answer: bytes, read: str
) -> None:
    control = serve(answer)
    with pytest.raises(typer.Exit) as ended:
        list(control.call("GET", "/x") if read == "call" else getattr(control, read)("/x"))
    assert ended.value.exit_code == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The connection to the companion at http://127.0.0.1:")
    assert " was lost: " in line


def test_a_complete_response_is_no_error(serve: Serve) -> None:
    assert list(serve(CHUNKED + CHUNK + b"0\r\n\r\n").follow("/x")) == [{"seq": 1}]
    assert b"".join(serve(CHUNKED + CHUNK + b"0\r\n\r\n").download("/x")) == ROW
    whole = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    assert b"".join(serve(whole).download("/x")) == b"abc"


@pytest.mark.parametrize("read", ["call", "follow"])
def test_the_response_of_another_program_is_an_error(
    serve: Serve, capsys: pytest.CaptureFixture[str], read: str
) -> None:
    body = b'data: {"seq"<html>\n\n' if read == "follow" else b"<html>"
    control = serve(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    with pytest.raises(typer.Exit) as ended:
        list(control.call("GET", "/x") if read == "call" else control.follow("/x"))
    assert ended.value.exit_code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Another program answers at http://127.0.0.1:")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (control_token.Token("t" * 20, "environment"), "COMPANION_TOKEN contains a different token."),
        (control_token.Token("t" * 20, "file", Path("x")), "it was changed while the companion was running."),
    ],
)
def test_the_variable_is_blamed_for_a_wrong_token_only_if_it_was_used(
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    token: control_token.Token,
    why: str,
) -> None:
    monkeypatch.delenv(agent_token.VARIABLE)
    monkeypatch.setenv(control_token.VARIABLE, "v" * 20)
    monkeypatch.setattr(control_token, "read", lambda *_: token)
    control = serve(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(typer.Exit):
        control.call("GET", "/x")
    assert capsys.readouterr().err == f"The running companion rejected the token: {why}\n"


def test_a_value_that_is_too_long_for_a_url_is_a_usage_error(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the companion was said to have a different version."""
    with pytest.raises(typer.Exit) as ended:
        serve().call("GET", "/v1/journal", filter="x" * 9_000)
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err.startswith("A value is too long: ")


def test_rows_that_the_log_dropped_are_reported(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    body = b'event: dropped\ndata: {"rows":1200}\n\n' + ROW
    control = serve(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert list(control.follow("/x")) == [{"seq": 1}]
    assert capsys.readouterr().err == "1,200 rows are missing: dropped from the log too early.\n"


def test_a_value_that_is_not_utf8_is_a_usage_error(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """Regression: a question mark was sent, so a filter matched rows with one."""
    calls: tuple[Callable[[], object], ...] = (
        lambda: serve().call("GET", "/v1/journal", filter="\udcff"),
        lambda: serve().call("POST", "/v1/frames", text="\udcff"),
        lambda: segment("\udcff"),
        lambda: listen.run("ws://127.0.0.1:1/events", "\udcff", as_json=False),
    )
    for call in calls:
        with pytest.raises(typer.Exit) as ended:
            call()
        assert ended.value.exit_code == 2
        assert capsys.readouterr().err.startswith("A value contains a lone surrogate, which is not valid Unicode.")


def test_a_body_is_utf8_without_escapes() -> None:
    """Regression: Cyrillic text took three times its size, and a body below the limit was refused as too large."""
    assert encoded({"text": "Привет"}) == '{"text":"Привет"}'.encode()
    assert encoded({"text": "\udcff"}) == rb'{"text": "\udcff"}'


def test_a_stream_that_is_cut_continues_after_its_last_row(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: ``journal --follow`` ended with an error when its output had been paused for 20 s."""
    requests: list[bytes] = []
    cut = b'id: 1:run\ndata: {"seq": 1}\n\nid: 2:run\ndata: {"se'
    whole = b'id: 2:run\ndata: {"seq": 2}\n\n'
    control = serve(chunked(cut), chunked(whole), chunked(b": following\n\n"), requests=requests)
    rows = control.follow("/x", after=0)
    assert [next(rows), next(rows)] == [{"seq": 1}, {"seq": 2}]
    with pytest.raises(typer.Exit):  # no row has arrived
        next(rows)
    assert [re.findall(rb"Last-Event-ID: (.*)\r\n", each) for each in requests] == [[], [b"1:run"], [b"2:run"]]
    assert " was lost: " in capsys.readouterr().err
