"""``companion clients``: list the clients, change their user, close their connections."""

import re
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.client import ClientConnection

from . import sockets
from .conftest import Run, RunJson, both_variants
from .processes import PATIENCE_S, Companion


def close_frame(connection: ClientConnection) -> tuple[int, str]:
    """Wait for the close frame, and return its code and reason."""
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@both_variants
def test_list_shows_number_username_and_frame_counts(program: Companion, run: Run, run_json: RunJson) -> None:
    assert run("clients", "list").out == []
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url):
        sockets.send(bob, "typing", to="me", typing=True)
        run("trigger", "typing")
        (bob_line, me_line) = run("clients", "list").out
        listed = run_json("clients", "list")
    assert "ready" in bob_line
    assert re.search(r"  typing \d+ s ago  ", bob_line)
    assert listed[0]["last_sent"]["event"] == "typing"
    assert bob_line.split()[1:6] == ["bob", "↑", "1", "↓", "1"]
    assert me_line.split()[1:6] == ["me", "↑", "0", "↓", "2"]
    assert [(each["username"], each["frames_in"]) for each in listed] == [("bob", 1), ("me", 0)]
    assert all(isinstance(each["ready"], bool) for each in listed)


def test_commands_without_a_client_name_a_refused_page(program: Companion, run: Run, tmp_path: Path) -> None:
    """Regression: only ``status`` and commands that wait for a client did."""
    assert run("clients", "list").err == ["No client is connected."]
    with sockets.raw(program.port) as page:
        assert " 403 " in sockets.handshake(page, "/events", "Origin: http://localhost:5173")
    refused, junit = "A page of http://localhost:5173 was refused", tmp_path / "junit.xml"
    for command, exits in (
        ("clients list", 0), ("trigger typing", 0), ("expect typing --within 0", 1), ("ui-state show", 1),
        ("ui-state expect --all --within 0", 1), ("reconnects lab", 2),
    ):  # fmt: skip
        more: list[str | Path] = ["--junit", junit] if "expect" in command else []
        assert refused in run(*command.split(), *more, exits=exits).err[-1], command
        assert not more or refused in junit.read_text()


def test_identify_makes_a_client_act_as_another_user(program: Companion, run: Run) -> None:
    with sockets.client(program.url) as client:
        assert run("clients", "identify", "1", "zoë").out == ["client 1 acts as zoë"]
        run("trigger", "typing", "--to", "user:zoë")
        assert sockets.receive(client)["event"] == "typing"


def test_close_sends_code_and_reason_to_one_client(program: Companion, run: Run) -> None:
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url, "carol") as carol:
        assert run("clients", "close", "1", "--code", "4000", "--reason", "bye Ünï").out == ["closed 1"]
        assert close_frame(bob) == (4000, "bye Ünï")
        run("trigger", "typing")
        assert sockets.receive(carol)["event"] == "typing"


def test_close_all_closes_every_client_but_not_the_port(program: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(program.url) as one, sockets.client(program.url) as two:
        assert run_json("clients", "close", "all") == {"clients": [1, 2]}
        assert close_frame(one) == close_frame(two) == (1001, "")
    assert run("clients", "close", "all").out == ["closed none: no client is connected"]
    with sockets.client(program.url):
        assert len(run_json("clients", "list")) == 1


def test_abort_sends_no_close_frame(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as client:
        run("clients", "close", "1", "--abort")
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv(timeout=PATIENCE_S)
        assert closed.value.rcvd is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("close", "7"), "There is no client 7."),
        (("close", "bob"), "There is no client bob."),
        (("close", "1/../2"), "There is no client 1/../2."),
        (("close", ".."), "There is no client ..."),
        (("identify", "7", "bob"), "There is no client 7."),
    ],
)
def test_an_unknown_client_ends_with_2(
    server: Companion, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    assert run("clients", *arguments, exits=2).err == [sentence]


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 65])
def test_an_invalid_username_is_rejected(server: Companion, run: Run, name: str) -> None:
    with sockets.client(server.url):
        result = run("clients", "identify", "1", name, exits=2)
    assert len(result.err) == 1


def test_a_close_code_that_cannot_be_sent_is_rejected(server: Companion, run: Run) -> None:
    with sockets.client(server.url):
        assert "1005" in run("clients", "close", "1", "--code", "1005", exits=2).err[0]
        run("clients", "close", "1", "--code", "999", exits=2)


def test_no_client_can_send_escape_sequences_to_the_terminal(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as client:
        client.send('{"event":"\\u001b[31mred","data":{"\\u001b[2J":1}}')
        sockets.send(client, "typing", to="nobody", typing=True)
        unmet = run("expect", "x", "--after", "0", "--within", "0", exits=2)
        shown = run("journal").out + run("clients", "list").out + unmet.err
    assert any("red" in line for line in shown)
    assert not any("\x1b" in line for line in shown)
