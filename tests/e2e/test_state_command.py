"""``companion state save``, ``load`` and ``reset``: processes between two runs of the companion."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .conftest import Start
from .processes import COMPANION, Companion, Program, serve
from .rest import Rest

State = Callable[..., Program]
FRIENDS = ["alice", "bob", "carol", "dave"]


@pytest.fixture
def state(running: Start[Program], data_dir: Path) -> State:
    """``state("save", file)`` runs the command to its end."""

    def run(*arguments: str | Path, expect: int = 0) -> Program:
        program = running(Program("state", *COMPANION, "state", *arguments, "--data-dir", data_dir))
        assert program.wait() == expect, program
        assert "Traceback" not in "\n".join(program.err), program
        return program

    return run


def everything(server: Companion) -> Any:
    """Return all that the UI can know, without what the clock changes."""
    with Rest(server) as rest:
        return rest.friends(), {name: rest.history(name) for name in rest.friends()}


def unread(file: Path) -> dict[str, int]:
    """Return how many messages of each friend are not read in a saved state."""
    found: dict[str, int] = {}
    for each in json.loads(file.read_text(encoding="utf-8"))["messages"]:
        if not each["read"]:
            found[each["from"]] = found.get(each["from"], 0) + 1
    return found


def test_what_was_saved_comes_back(running: Start[Companion], state: State, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "scene Ünï.json"
    first = running(serve(data_dir))
    with Rest(first) as rest:
        rest.post("bob", 'Zeile 1\nZeile 2 🎉 "quoted"')
        assert rest.ask("POST", "/friends", {"username": "erin"}).status == 201
        assert rest.ask("DELETE", "/friends/dave").status == 204
    before = everything(first)
    first.stop()
    said = state("save", file)
    assert said.out == [f"saved the chat state to {file}"]
    assert said.err == []

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


def test_read_marks_are_saved(running: Start[Companion], state: State, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "scene.json"
    server = running(serve(data_dir))
    with Rest(server) as rest, sockets.client(server.url) as me, sockets.client(server.url, "bob") as bob:
        (newest,) = rest.page("alice", 1)["messages"]
        sockets.send(me, "mark_read", peer="alice", msg_id=newest["msg_id"])
        sockets.send(me, "typing", to="bob", typing=True)
        sockets.receive(bob)  # so the one before was handled
    server.stop()
    state("save", file)
    assert unread(file) == {"carol": 1}
    state("reset")
    state("save", file)
    assert unread(file) == {"alice": 2, "carol": 1}


def test_fifty_chats_of_which_three_are_unread(
    running: Start[Companion], state: State, data_dir: Path, tmp_path: Path
) -> None:
    """A scene may be written by hand or by a script."""
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


def test_while_a_companion_runs_it_does_the_same(program: Companion, state: State, tmp_path: Path) -> None:
    file = tmp_path / "scene Ünï.json"
    with Rest(program) as rest:
        rest.post("bob", 'Zeile 1\nZeile 2 🎉 "quoted"')
        assert rest.ask("DELETE", "/friends/dave").status == 204
    before = everything(program)
    said = state("save", file)
    assert (said.out, said.err) == ([f"saved the chat state to {file}"], [])
    said = state("reset")
    assert (said.out, said.err) == (
        ["restored the chat state of the first start"],
        ["Reload your UI to see the change."],
    )
    assert sorted(everything(program)[0]) == FRIENDS
    said = state("load", file)
    assert (said.out, said.err) == ([f"loaded the chat state from {file}"], ["Reload your UI to see the change."])
    assert everything(program) == before


def test_what_was_saved_while_it_ran_is_what_is_saved_afterwards(
    server: Companion, state: State, tmp_path: Path
) -> None:
    first, second = tmp_path / "while.json", tmp_path / "after.json"
    state("save", first)
    server.stop()
    state("save", second)
    assert first.read_bytes() == second.read_bytes()
    if os.name == "posix":
        assert [file.stat().st_mode & 0o777 for file in (first, second)] == [0o600, 0o600]


def test_a_companion_that_is_starting_or_exiting_is_reported(
    running: Start[Companion], state: State, data_dir: Path
) -> None:
    """The companion has its state, and does not tell yet, or no more, how to reach it."""
    running(serve(data_dir))
    (data_dir / "instance.json").unlink()
    said = state("reset", expect=3)
    assert said.err == ["A companion that uses this chat state is starting or ending. Try again in a moment."]


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


@pytest.mark.parametrize("case", WRONG)
def test_loading_an_invalid_saved_state_changes_nothing(
    running: Start[Companion], state: State, data_dir: Path, tmp_path: Path, case: str
) -> None:
    """Neither while a companion runs nor afterwards."""
    first = running(serve(data_dir))
    with Rest(first) as rest:
        rest.post("alice", "must not be lost")
    before = everything(first)
    text, complaint = WRONG[case]
    file = tmp_path / "wrong.json"
    file.write_text(text)

    def is_refused() -> None:
        said = state("load", file, expect=1)
        said.wait_for_line(complaint, among="err")
        assert (said.out, len(said.err)) == ([], 1)

    is_refused()
    assert everything(first) == before
    first.stop()
    is_refused()
    assert everything(running(serve(data_dir))) == before


@pytest.mark.parametrize("it_runs", [False, True])
def test_files_that_cannot_be_used_are_named(
    running: Start[Companion], state: State, data_dir: Path, tmp_path: Path, it_runs: bool
) -> None:
    if it_runs:
        running(serve(data_dir))
    missing = tmp_path / "no such file.json"
    assert str(missing) in state("load", missing, expect=1).err[0]
    nowhere = tmp_path / "no such folder" / "scene.json"
    assert str(nowhere) in state("save", nowhere, expect=1).err[0]
    assert state("load", tmp_path, expect=2).err, "a folder is wrong usage"


def test_it_is_there_for_a_companion_that_was_never_started(
    running: Start[Companion], state: State, data_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "scene.json"
    state("save", file)
    assert [each["username"] for each in json.loads(file.read_text())["people"]] == [*FRIENDS, "erin", "frank"]
    assert sorted(everything(running(serve(data_dir)))[0]) == FRIENDS
