"""``companion state save``, ``load`` and ``reset``, while the companion runs and while it does not."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .conftest import Run, Start, StartCommand, both_variants
from .processes import COMPANION, Companion, Program, serve, wait_until
from .rest import Rest

State = Callable[..., Program]
FRIENDS = ["alice", "bob", "carol", "dave"]


@pytest.fixture
def state(running: Start, data_dir: Path) -> State:
    """``state("save", file)`` runs ``companion state save`` until it ends."""

    def run(*arguments: str | Path, expect: int = 0) -> Program:
        program = running(Program("state", *COMPANION, "state", *arguments, "--data-dir", data_dir))
        assert program.wait() == expect, program
        assert "Traceback" not in "\n".join(program.err), program
        return program

    return run


def everything(server: Companion) -> Any:
    """Return everything that REST returns: the friends, and their chats."""
    with Rest(server) as rest:
        return rest.friends(), {name: rest.history(name) for name in rest.friends()}


def unread(file: Path) -> dict[str, int]:
    """Return the number of unread messages per friend in a saved state."""
    found: dict[str, int] = {}
    for each in json.loads(file.read_text(encoding="utf-8"))["messages"]:
        if not each["read"]:
            found[each["from"]] = found.get(each["from"], 0) + 1
    return found


def test_a_saved_state_can_be_loaded_again(running: Start, state: State, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "scene Ünï.json"
    first = running(serve(data_dir))
    with Rest(first) as rest:
        rest.post("bob", 'Zeile 1\nZeile 2 🎉 "quoted"')
        assert rest.request("POST", "/friends", {"username": "erin"}).status == 201
        assert rest.request("DELETE", "/friends/dave").status == 204
    before = everything(first)
    first.stop()
    result = state("save", file)
    assert result.out == [f"saved the chat state to {file}"]
    assert result.err == []

    assert state("reset").out == ["restored the chat state of the first start"]
    second = running(serve(data_dir))
    assert sorted(everything(second)[0]) == FRIENDS
    second.stop()

    assert state("load", file).out == [f"loaded the chat state from {file}"]
    third = running(serve(data_dir))
    assert everything(third) == before
    third.stop()
    again = tmp_path / "again.json"
    state("save", again)
    assert json.loads(again.read_text(encoding="utf-8")) == json.loads(file.read_text(encoding="utf-8"))


def test_read_marks_are_saved(running: Start, state: State, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "scene.json"
    server = running(serve(data_dir))
    with Rest(server) as rest, sockets.client(server.url) as me, sockets.client(server.url, "bob") as bob:
        (newest,) = rest.page("alice", 1)["messages"]
        sockets.send(me, "mark_read", peer="alice", msg_id=newest["msg_id"])
        sockets.send(me, "typing", to="bob", typing=True)
        sockets.receive(bob)  # frames are handled in order, so mark_read is handled now
    server.stop()
    state("save", file)
    assert unread(file) == {"carol": 1}
    state("reset")
    state("save", file)
    assert unread(file) == {"alice": 2, "carol": 1}


def test_a_generated_state_with_fifty_chats_is_loaded(
    running: Start, state: State, data_dir: Path, tmp_path: Path
) -> None:
    """Users may write a state by hand or generate it."""
    names = [f"friend {n:02}" for n in range(50)]
    scene = {
        "version": 1,
        "people": [
            {"username": name, "is_friend": True, "online": n < 10, "pinned": True} for n, name in enumerate(names)
        ],
        "messages": [
            {
                "msg_id": f"550e8400-e29b-41d4-a716-4466554400{n:02}", "from": name, "to": "me",
                "text": f"I am {name}", "timestamp": f"2024-01-15T10:30:{n:02}Z", "direction": "received",
                "delivered": True, "delivery_method": "direct", "read": n >= 3,
            }
            for n, name in enumerate(names)
        ],
    }  # fmt: skip
    file = tmp_path / "fifty.json"
    file.write_text(json.dumps(scene))
    state("load", file)
    server = running(serve(data_dir))
    friends, messages = everything(server)
    server.stop()
    assert sorted(friends) == names
    assert sum(each["online"] for each in friends.values()) == 10
    assert [messages[name][0]["text"] for name in names] == [f"I am {name}" for name in names]
    saved = tmp_path / "saved.json"
    state("save", saved)
    assert unread(saved) == dict.fromkeys(names[:3], 1)


@both_variants
def test_the_commands_work_while_a_companion_runs(program: Companion, state: State, tmp_path: Path) -> None:
    file = tmp_path / "scene Ünï.json"
    with Rest(program) as rest:
        rest.post("bob", 'Zeile 1\nZeile 2 🎉 "quoted"')
        assert rest.request("DELETE", "/friends/dave").status == 204
    before = everything(program)
    result = state("save", file)
    assert (result.out, result.err) == ([f"saved the chat state to {file}"], [])
    result = state("reset")
    assert (result.out, result.err) == (
        ["restored the chat state of the first start"],
        ["Reload your UI to see the change."],
    )
    assert sorted(everything(program)[0]) == FRIENDS
    result = state("load", file)
    assert (result.out, result.err) == (
        [f"loaded the chat state from {file}"],
        ["Reload your UI to see the change."],
    )
    assert everything(program) == before


def test_a_change_during_a_session_says_that_it_is_undone(
    server: Companion, state: State, run: Run, start_command: StartCommand, tmp_path: Path
) -> None:
    """Regression: ``load`` reported success, and the end of the session undid it."""
    session, file = tmp_path / "own.chat", tmp_path / "state.json"
    session.write_text("state reset\nnote it plays\nexpect typing within 60s\n", encoding="utf-8")
    state("save", file)
    start_command("session", "run", session)
    wait_until(lambda: any("it plays" in each for each in run("journal").out), "the session to play")
    number = json.loads(run("session", "runs", "--json").out[0])[-1]["number"]
    assert state("load", file).err == [
        f"This change is undone when the session own (number {number}) ends.",
        "Reload your UI to see the change.",
    ]


def test_save_writes_the_same_file_while_is_running_and_afterwards(
    server: Companion, state: State, tmp_path: Path
) -> None:
    first, second = tmp_path / "while.json", tmp_path / "after.json"
    state("save", first)
    server.stop()
    state("save", second)
    assert first.read_bytes() == second.read_bytes()
    if os.name == "posix":
        assert [file.stat().st_mode & 0o777 for file in (first, second)] == [0o600, 0o600]


def test_a_companion_that_is_starting_or_exiting_is_reported(running: Start, state: State, data_dir: Path) -> None:
    """The companion uses its state, but has no instance file yet, or has removed it."""
    running(serve(data_dir))
    (data_dir / "instance.json").unlink()
    result = state("reset", expect=3)
    assert result.err == ["A companion that uses this chat state is starting or ending. Try again in a moment."]


MESSAGE = {
    "msg_id": "550e8400-e29b-41d4-a716-446655440000", "from": "alice", "to": "me", "text": "Hi",
    "direction": "received", "timestamp": "2024-01-15T10:30:00Z", "delivered": True,
    "delivery_method": "direct", "read": True,
}  # fmt: skip
WRONG = {
    "not JSON": ("{", "no usable JSON|not a saved chat state"),
    "no object": ("[]", "not a saved chat state"),
    "another version": ('{"version": 2}', '"version": 1'),
    "no messages": ('{"version": 1, "people": []}', "messages must be a list"),
    "a name twice": (
        json.dumps({"version": 1, "people": [{"username": "x"}, {"username": "x"}], "messages": []}),
        r"people\[1\]\.username: x appears twice",
    ),
    "a message without text": (
        json.dumps({"version": 1, "people": [], "messages": [MESSAGE, MESSAGE | {"text": 7}]}),
        r"messages\[1\].*text",
    ),
}


def test_loading_an_invalid_saved_state_changes_nothing(
    running: Start, state: State, data_dir: Path, tmp_path: Path
) -> None:
    """This holds while a companion runs, and afterwards."""
    first = running(serve(data_dir))
    with Rest(first) as rest:
        rest.post("alice", "must not be lost")
    before = everything(first)
    file = tmp_path / "wrong.json"

    def loads_are_rejected() -> None:
        for text, error in WRONG.values():
            file.write_text(text)
            result = state("load", file, expect=1)
            result.wait_for_line(error, among="err")
            assert (result.out, len(result.err)) == ([], 1)

    loads_are_rejected()
    assert everything(first) == before
    first.stop()
    loads_are_rejected()
    assert everything(running(serve(data_dir))) == before


@pytest.mark.parametrize("is_running", [False, True])
def test_files_that_cannot_be_used_are_reported(
    running: Start, state: State, data_dir: Path, tmp_path: Path, is_running: bool
) -> None:
    if is_running:
        running(serve(data_dir))
    missing = tmp_path / "no such file.json"
    assert str(missing) in state("load", missing, expect=2).err[0]
    nowhere = tmp_path / "no such folder" / "scene.json"
    assert str(nowhere) in state("save", nowhere, expect=1).err[0]
    assert state("load", tmp_path, expect=2).err, "a folder is an invalid argument"


def test_the_state_of_a_companion_that_was_never_started_can_be_saved(
    running: Start, state: State, data_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "scene.json"
    state("save", file)
    assert [each["username"] for each in json.loads(file.read_text("utf-8"))["people"]] == [
        *FRIENDS,
        "erin",
        "frank",
    ]
    assert sorted(everything(running(serve(data_dir)))[0]) == FRIENDS
