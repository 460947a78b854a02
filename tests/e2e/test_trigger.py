"""``companion trigger``: fire events at connected clients, or wait for clients."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from app.protocol.envelope import MAX_RAW_BYTES

from . import sockets
from .conftest import Run, RunJson, StartCommand
from .processes import PATIENCE_S, Companion, wait_until
from .rest import Rest
from .tools import posix_only

pytestmark = pytest.mark.shared_server

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def ui(server: Companion) -> Any:
    """A client of ``serve`` that acts as the local user."""
    with sockets.client(server.url) as connection:
        yield connection


def data(connection: ClientConnection) -> Any:
    return sockets.receive(connection)["data"]


def test_an_event_name_is_enough(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as ui:
        result = run("trigger", "new_message")
        assert re.fullmatch(r"#\d+ delivered to 1 client", result.out[0])
        assert result.err == []
        event = sockets.receive(ui)
    assert event["event"] == "new_message"
    assert re.fullmatch(UUID, event["data"]["msg_id"])
    assert event["data"] | {"from": "alice", "to": "me", "direction": "received"} == event["data"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("friend_online", {"username": "alice"}),
        ("friend_offline", {"username": "alice"}),
        ("typing", {"username": "alice", "typing": True}),
    ],
)
def test_every_event_has_default_values(
    ui: ClientConnection, run: Run, event: str, expected: dict[str, Any]
) -> None:
    run("trigger", event)
    assert sockets.receive(ui) == {"event": event, "data": expected}


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        ("text=hi there", "text", "hi there"),
        ("data.text=hi", "text", "hi"),
        ('text="7"', "text", "7"),
        ("text=a=b", "text", "a=b"),
        ("text={{not ours}} Ünï 👍", "text", "{{not ours}} Ünï 👍"),
        ("delivered=false", "delivered", False),
        ('reactions=[{"emoji":"👍","from":"bob"}]', "reactions", [{"emoji": "👍", "from": "bob"}]),
    ],
)
def test_set_reads_values_as_json_or_else_as_text(
    ui: ClientConnection, run: Run, given: str, path: str, value: object
) -> None:
    run("trigger", "new_message", "--set", given)
    assert data(ui)[path] == value


def test_set_sets_values_in_lists(ui: ClientConnection, run: Run) -> None:
    first = ("--set", "reactions[0].emoji=👍", "--set", "reactions[0].from=bob")
    second = ("--set", "reactions[1].emoji=🎉", "--set", "reactions[1].from=carol")
    run("trigger", "new_message", *first, *second)
    assert data(ui)["reactions"] == [{"emoji": "👍", "from": "bob"}, {"emoji": "🎉", "from": "carol"}]


def test_an_invalid_event_is_not_sent_and_every_problem_has_a_line(
    server: Companion, ui: ClientConnection, run: Run
) -> None:
    result = run("trigger", "new_message", "--set", "text=7", "--set", "msg_id=x", "--remove", "to", exits=2)
    assert result.out == []
    *problems, hint = result.err
    assert sorted(line.partition(":")[0] for line in problems) == ["data.msg_id", "data.text", "data.to"]
    assert hint.endswith("""--set 'text="123"'""")
    run("trigger", "typing")
    assert sockets.receive(ui)["event"] == "typing", "nothing was sent before it"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nonsense",), "unknown server event 'nonsense'. Use new_message, friend_online, friend_offline, typing"),
        (("typing", "--set", "colour=red"), "data.colour: unknown field"),
        (("new_message", "--set", "reactions[5].emoji=x"), "there is no [5]"),
        (("typing", "--remove", "nothing"), "there is no nothing"),
        (("typing", "--to", "bob"), "invalid target 'bob': use all, user:NAME, client:NUMBER or client:1,2"),
    ],
)
def test_invalid_input_exits_with_2_and_a_one_line_error(
    server: Companion, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    result = run("trigger", *arguments, exits=2)
    assert result.out == []
    assert len(result.err) == 1
    assert sentence in result.err[0]


def test_a_target_without_clients_exits_with_0_and_a_warning(server: Companion, run: Run) -> None:
    result = run("trigger", "typing", "--to", "user:nobody", exits=0)
    assert result.out[0].endswith("delivered to 0 clients")
    assert len(result.err) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--fixture", "nonsense"), "There is no fixture 'nonsense'"),
        (("--fixture", "typing"), "did you mean basics/typing or guide/typing"),
    ],
)
def test_an_unknown_fixture_exits_with_2_and_a_one_line_error(
    server: Companion, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    result = run("trigger", *arguments, exits=2)
    assert result.out == []
    assert len(result.err) == 1
    assert sentence in result.err[0]


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("typing", "--last"), ("typing", "--frame", "x"),
        ("--frame", "x", "--frame-file", "y"), ("--frame-file", "y", "--as", "bob"),
        ("--last", "--to", "all"), ("--last", "--set", "a=1"), ("--last", "--loose"),
        ("--frame", "x", "--seed", "1"), ("typing", "--set", "typing"), ("typing", "--set", "=1"),
        ("typing", "--repeat", "0"), ("typing", "--wait", "-1"), ("typing", "--seed", "x"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert "Error" in run("trigger", *arguments, exits=2).err[-1]


def test_loose_sends_an_invalid_event(ui: ClientConnection, run: Run) -> None:
    run("trigger", "new_message", "--remove", "text", "--set", "colour=red", "--loose")
    sent = data(ui)
    assert "text" not in sent
    assert sent["colour"] == "red"


def test_a_fixture_is_found_by_its_name_or_the_end_of_it(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as ui:
        run("trigger", "--fixture", "nasty/rtl")
        run("trigger", "--fixture", "rtl", "--set", "text=changed")
        first, second = data(ui), data(ui)
    assert "مرحبا" in first["text"]
    assert second["text"] == "changed"
    assert first["msg_id"] != second["msg_id"]


def test_last_fires_the_last_event_again_with_fresh_values(server: Companion, run: Run) -> None:
    with sockets.client(server.url) as ui:
        run("trigger", "new_message", "--set", "text=again", "--as", "bob", "--to", "user:me")
        run("trigger", "--last", "--no-expect")
        first, second = data(ui), data(ui)
    assert first["msg_id"] != second["msg_id"]
    assert (first["from"], first["text"]) == (second["from"], second["text"]) == ("bob", "again")


@pytest.mark.parametrize("text", ["{not json", "", " ", '{"event":"typing"}', "Ünï 👍", "{{uuid}}", "null"])
def test_a_frame_is_sent_unchanged(ui: ClientConnection, run: Run, text: str) -> None:
    run("trigger", "--frame", text)
    assert ui.recv(timeout=PATIENCE_S) == text


def test_a_file_is_sent_unchanged(server: Companion, run: Run, tmp_path: Path) -> None:
    text = "\ufeff \r\n{\u00a0\u2028" + "é" * 3_000_000
    file = tmp_path / "frame.txt"
    file.write_bytes(text.encode())
    with sockets.client(server.url, max_size=None) as ui:
        run("trigger", "--frame-file", str(file))
        assert ui.recv(timeout=10) == text
        run("trigger", "--frame-file", "-", typed=text[:2_000_000])
        assert ui.recv(timeout=10) == text[:2_000_000]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        pytest.param("missing", "No such file or directory", marks=posix_only),
        ("folder", "Is a directory"),
        pytest.param("fifo", "Not a regular file", marks=posix_only),
        pytest.param("/dev/zero", "Not a regular file", marks=posix_only),
        ("latin-1", "It is not UTF-8 text"),
        ("large", "The file is larger than 8,192 KiB"),
    ],
)
def test_a_file_that_cannot_be_sent_is_reported_in_one_sentence(
    server: Companion, run: Run, tmp_path: Path, file: str, why: str
) -> None:
    path = tmp_path / file
    match file:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "latin-1":
            path.write_bytes("é".encode("latin-1"))
        case "large":
            path.write_bytes(b"x" * (MAX_RAW_BYTES + 1))
    assert run("trigger", "--frame-file", str(path), exits=2).err == [f"{path} cannot be sent: {why}."]


def test_as_sets_the_acting_friend(ui: ClientConnection, run: Run) -> None:
    run("trigger", "typing", "--as", "bob")
    assert data(ui)["username"] == "bob"
    result = run("trigger", "typing", "--as", "zoe")
    assert data(ui)["username"] == "zoe"
    assert "zoe is not a friend in this chat state" in result.err[0]


def test_to_one_user_or_some_clients(server: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(server.url, "bob") as bob, sockets.client(server.url, "carol") as carol:
        numbers = {each["username"]: each["id"] for each in run_json("clients", "list")}
        assert run_json("trigger", "typing", "--to", "user:bob")["clients"] == [numbers["bob"]]
        assert run_json("trigger", "friend_online", "--to", f"client:{numbers['carol']}")["delivered"] == 1
        both = ",".join(map(str, numbers.values()))
        assert run_json("trigger", "friend_offline", "--to", f"client:{both}")["delivered"] == 2
        received = [[sockets.receive(each)["event"] for _ in range(2)] for each in (bob, carol)]
    assert received == [["typing", "friend_offline"], ["friend_online", "friend_offline"]]


def test_a_trigger_without_recipients_is_reported(server: Companion, run: Run) -> None:
    result = run("trigger", "typing")
    assert result.out[0].endswith("delivered to 0 clients")
    assert result.err == ["not sent: no client is connected"]
    with sockets.client(server.url, "bob"):
        assert run("trigger", "typing", "--to", "user:zoe").err == ["not sent: no client acts as zoe"]


def test_json_is_one_line_per_event(server: Companion, run: Run) -> None:
    with sockets.client(server.url):
        result = run("trigger", "typing", "--repeat", "2", "--every", "0", "--json")
    first, second = map(json.loads, result.out)
    assert first | {"delivered": 1, "warnings": []} == first
    assert second["seq"] > first["seq"]


def test_repeat_is_spaced_by_every(
    server: Companion, ui: ClientConnection, start_command: StartCommand, run: Run
) -> None:
    repeating = start_command("trigger", "typing", "--repeat", "2", "--every", "3600000")
    assert sockets.receive(ui)["event"] == "typing"
    run("trigger", "friend_online")
    assert sockets.receive(ui)["event"] == "friend_online", "the second repeat is due in an hour"
    assert repeating.process.poll() is None


def test_wait_waits_for_a_client_that_connects_later(server: Companion, start_command: StartCommand) -> None:
    waiting = start_command("trigger", "typing", "--to", "user:bob", "--wait", "20")
    with sockets.client(server.url, "carol"):
        wait_until(server.has_control_request, "the request")
        assert waiting.process.poll() is None, "it does not wait for carol"
        with sockets.client(server.url, "bob") as bob:
            assert sockets.receive(bob)["event"] == "typing"
    assert waiting.wait() == 0
    assert waiting.out[0].endswith("delivered to 1 client")


def test_without_a_client_wait_sends_nothing_and_ends_with_1(server: Companion, run: Run) -> None:
    before = run("journal", "--filter", "event:typing").out
    result = run("trigger", "typing", "--wait", "0.5", exits=1)
    assert result.err == ["No client was ready within 0.5 s. Nothing was sent."]
    assert run("journal", "--filter", "event:typing").out == before


@pytest.mark.parametrize("what", [("new_message",), ("--fixture", "basics/chatter")], ids=["event", "fixture"])
def test_the_same_seed_generates_the_same_ids_and_texts(
    ui: ClientConnection, run: Run, what: tuple[str, ...]
) -> None:
    def values(*options: str) -> list[tuple[str, str]]:
        run("trigger", *what, *options, "--repeat", "2", "--every", "0")
        return [(each["msg_id"], each["text"]) for each in (data(ui), data(ui))]

    first = values("--seed", "7")
    assert len({number for number, _ in first}) == 2
    run("state", "reset")  # a chat state stores each id only once
    assert values("--seed", "7") == first
    assert values("--seed", "9") != first
    assert values()[0] != values()[0]


def test_a_fired_event_is_stored(server: Companion, run: Run) -> None:
    run("trigger", "new_message", "--set", "text=for later", "--as", "bob")
    with Rest(server) as rest:
        wait_until(lambda: rest.page("bob", 1)["messages"][0]["text"] == "for later", "the message in the history")
