"""``companion clients``: who is connected, and parting with them."""

import re

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.client import ClientConnection

from . import sockets
from .conftest import Ask, Run
from .processes import PATIENCE_S, Companion


def closing(connection: ClientConnection) -> tuple[int, str]:
    """Wait for the close frame and return what it said."""
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_list_shows_number_username_and_frame_counts(program: Companion, run: Run, ask: Ask) -> None:
    assert run("clients", "list").out == []
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url):
        sockets.send(bob, "typing", to="me", typing=True)
        run("trigger", "typing")
        (bob_line, me_line) = run("clients", "list").out
        listed = ask("clients", "list")
    assert "ready" in bob_line
    assert re.search(r"  typing \d+ s ago  ", bob_line)
    assert listed[0]["last_sent"]["event"] == "typing"
    assert bob_line.split()[1:6] == ["bob", "↑", "1", "↓", "1"]
    assert me_line.split()[1:6] == ["me", "↑", "0", "↓", "2"]
    assert [(each["username"], each["frames_in"]) for each in listed] == [("bob", 1), ("me", 0)]
    assert all(isinstance(each["ready"], bool) for each in listed)


def test_identify_makes_a_client_act_as_another_user(program: Companion, run: Run) -> None:
    with sockets.client(program.url) as client:
        assert run("clients", "identify", "1", "zoë").out == ["client 1 acts as zoë"]
        run("trigger", "typing", "--to", "user:zoë")
        assert sockets.receive(client)["event"] == "typing"


def test_close_says_code_and_reason_to_one_client(program: Companion, run: Run) -> None:
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url, "carol") as carol:
        assert run("clients", "close", "1", "--code", "4000", "--reason", "bye Ünï").out == ["closed 1"]
        assert closing(bob) == (4000, "bye Ünï")
        run("trigger", "typing")
        assert sockets.receive(carol)["event"] == "typing"


def test_close_all_closes_every_client_and_no_port(program: Companion, run: Run, ask: Ask) -> None:
    with sockets.client(program.url) as one, sockets.client(program.url) as two:
        assert ask("clients", "close", "all") == {"clients": [1, 2]}
        assert closing(one) == closing(two) == (1001, "")
    assert run("clients", "close", "all").out == ["closed none: no client is connected"]
    with sockets.client(program.url):
        assert len(ask("clients", "list")) == 1


def test_abort_cuts_without_a_word(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as client:
        run("clients", "close", "1", "--abort")
        with pytest.raises(ConnectionClosedError) as cut:
            client.recv(timeout=PATIENCE_S)
        assert cut.value.rcvd is None


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
def test_a_client_that_is_not_there_ends_with_1(
    server: Companion, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    assert run("clients", *arguments, exits=1).err == [sentence]


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 65])
def test_an_invalid_username_is_rejected(server: Companion, run: Run, name: str) -> None:
    with sockets.client(server.url):
        said = run("clients", "identify", "1", name, exits=2)
    assert len(said.err) == 1


def test_a_code_that_may_not_be_sent_is_refused(server: Companion, run: Run) -> None:
    with sockets.client(server.url):
        assert "1005" in run("clients", "close", "1", "--code", "1005", exits=2).err[0]
        run("clients", "close", "1", "--code", "999", exits=2)


def test_no_client_can_write_commands_to_the_terminal(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as client:
        client.send('{"event":"\\u001b[31mred","data":{"\\u001b[2J":1}}')
        sockets.send(client, "typing", to="nobody", typing=True)
        missed = run("expect", "x", "--after", "0", "--within", "0", exits=2)
        shown = run("journal").out + run("clients", "list").out + missed.err
    assert any("red" in line for line in shown)
    assert not any("\x1b" in line for line in shown)
