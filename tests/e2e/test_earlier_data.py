"""The program opens data folders and saved chat states of earlier versions without losing data."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.compatibility.snapshots import HERE, VERSIONS, part

from .conftest import Start
from .processes import COMPANION, Companion, Program, serve, start_command
from .rest import Rest

pytestmark = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def earlier(version: str, tmp_path: Path) -> Path:
    """Return a copy of the version's data folder, with the file modes that the program sets."""
    folder = tmp_path / "data"
    shutil.copytree(HERE / version / "data", folder)
    (folder / "token.txt").chmod(0o600)  # git does not store this mode
    return folder


@pytest.fixture
def program(earlier: Path, running: Start) -> Companion:
    """Start the program with that folder and its token file."""
    options = ("--control-port", "0", "--token-file", earlier / "token.txt")
    return running(serve(earlier, *options, token_file=False))


@pytest.fixture
def run_json(program: Companion, earlier: Path, running: Start) -> Callable[..., Any]:
    """Return a function that runs a command with ``--json`` and returns the parsed output."""
    token = (earlier / "token.txt").read_text("utf-8").strip()

    def run(*arguments: str) -> Any:
        command = running(start_command(earlier, *arguments, "--json", env={"COMPANION_TOKEN": token}))
        assert command.wait() == 0, command
        return json.loads("\n".join(command.out))

    return run


def test_friends_messages_and_read_marks_are_all_there(version: str, program: Companion, earlier: Path) -> None:
    before = part(version, "state.json")
    friends = {each["username"] for each in before["people"] if each["is_friend"]}
    with Rest(program) as rest:
        assert rest.friends().keys() == friends
        there = {each["msg_id"]: each["text"] for name in friends for each in rest.history(name)}
    sent = {each["msg_id"]: each["text"] for each in before["messages"] if {each["from"], each["to"]} & friends}
    assert sent.items() <= there.items()


def test_settings_are_used_and_the_file_stays_as_it_was(version: str, program: Companion, earlier: Path) -> None:
    before = (HERE / version / "data" / "settings.toml").read_text("utf-8")
    with Rest(program, origin="http://localhost:5173") as rest:
        assert rest.request("GET", "/friends").status == 200
    program.stop()
    assert (earlier / "settings.toml").read_text("utf-8") == before


def test_fixtures_and_their_pins_are_there_and_can_be_fired(version: str, run_json: Callable[..., Any]) -> None:
    listed = {each["name"]: each for each in run_json("fixtures", "list")}
    assert listed.keys() >= set(part(version, "fixtures.json"))
    assert listed["mine/greeting"]["pinned"]
    assert run_json("fixtures", "run", "mine/greeting")["delivered"] == 0


def test_a_saved_chat_state_loads_and_saves_the_same(version: str, running: Start, tmp_path: Path) -> None:
    folder, file, saved = tmp_path / "new", HERE / version / "state.json", tmp_path / "saved.json"
    for arguments in (("load", file), ("save", saved)):
        command = running(Program("state", *COMPANION, "state", *arguments, "--data-dir", folder))
        assert command.wait() == 0, command
    assert normal(json.loads(saved.read_text("utf-8"))) == normal(json.loads(file.read_text("utf-8")))


def normal(state: Any) -> Any:
    """Return a state with sorted entries and without presence, which expires with time."""
    messages = sorted(state["messages"], key=lambda each: str(each["msg_id"]))
    return {
        **state,
        "messages": messages,
        "people": sorted(
            ({**each, "online": False} for each in state["people"]), key=lambda each: str(each["username"])
        ),
    }


def test_a_database_of_a_later_version_is_rejected_and_not_changed(
    version: str, earlier: Path, running: Start
) -> None:
    with closing(sqlite3.connect(earlier / "chat.db")) as database:
        database.execute("PRAGMA user_version = 999")
        database.execute("PRAGMA journal_mode = DELETE")
    before = (earlier / "chat.db").read_bytes()
    options = ("--port", "0", "--rest-port", "0", "--control-port", "0", "--data-dir", earlier)
    command = running(Program("serve", *COMPANION, "serve", *options))
    assert command.wait() != 0, command
    assert "newer version" in "\n".join(command.err), command
    assert "Traceback" not in "\n".join(command.err), command
    assert (earlier / "chat.db").read_bytes() == before
    assert not list(earlier.glob("chat*damaged*"))
