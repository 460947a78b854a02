"""Commands for everything that the window can do: personas, messages, settings, origins, pins, the agent token."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from . import sockets
from .conftest import Run, RunJson, Start, both_variants
from .processes import COMPANION, Companion, Program


@both_variants
def test_personas_and_friendships(program: Companion, run: Run, run_json: RunJson) -> None:
    assert run("state", "personas", "add", "gina").out == ["added gina"]
    changed = run("state", "personas", "change", "gina", "--online", "--auto-reply", "--stay-online")
    assert changed.out[0].split(None, 1) == ["gina", "online, auto-reply, stays online"]
    assert run("state", "personas", "rename", "gina", "Zoë").out == ["gina is now Zoë"]
    run("state", "personas", "change", "Zoë", "--no-friend")
    listed = {each["username"]: each for each in run_json("state", "personas", "list")}
    assert (listed["Zoë"]["is_friend"], listed["Zoë"]["auto_reply"]) == (False, True)
    assert run("state", "personas", "remove", "Zoë").out == ["removed Zoë"]
    rejected = run("state", "personas", "change", "Zoë", "--online", exits=2)
    assert rejected.err == ["There is no persona 'Zoë'."]


def test_messages(program: Companion, run: Run, run_json: RunJson) -> None:
    run("trigger", "new_message", "--as", "alice", "--set", "text=hi")
    newest = run_json("state", "messages", "list", "alice")[-1]
    assert newest["text"] == "hi"
    msg_id = newest["msg_id"]
    assert run("state", "messages", "react", msg_id, "--as", "alice").out == ["added 👍 by alice"]
    assert "👍" in run("state", "messages", "list", "alice").out[-1]
    run("state", "messages", "react", msg_id, "--as", "alice", "--remove")
    assert run_json("state", "messages", "deliver", msg_id)["delivered"] is True
    assert run("state", "messages", "delete", msg_id).out == [f"deleted {msg_id}"]
    assert run("state", "messages", "delete", msg_id, exits=2).err == [f"There is no message '{msg_id}'."]


def test_a_row_is_sent_again(program: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(program.url) as client:
        fired = run_json("trigger", "new_message")
        first = sockets.receive(client)
        run("trigger", "--row", str(fired["seq"]))
        assert sockets.receive(client) == first
    assert run("trigger", "--row", "1", exits=1).err[0].startswith("Row 1 cannot be sent again")


def test_events_are_listed(program: Companion, run: Run, run_json: RunJson) -> None:
    names = [each["name"] for each in run_json("trigger", "--list")]
    assert {"new_message", "mark_read"} <= set(names)
    assert len(run("trigger", "--list").out) == len(names)


@both_variants
def test_settings_origins_and_pins_are_saved(program: Companion, run: Run, data_dir: Path) -> None:
    changed = run("server", "settings", "journal_rows=500", "username=123")
    assert changed.out == ["journal_rows = 500", 'username = "123"']
    assert changed.err == ["journal_rows takes effect at the next start."]
    assert run("server", "settings", "username").out == ['username = "123"']
    assert run("server", "settings", "port=70000", exits=2).err == ["port must be at most 65535."]
    assert run("server", "settings", "prot", exits=2).err[0].startswith("prot is not a setting; did you mean port?")
    run("server", "allow", "http://localhost:5173")
    assert "allowed  http://localhost:5173" in run("server", "origins").out
    assert run("server", "allow", "localhost", exits=2).err[0].startswith("allowed_origins: localhost is not")
    run("fixtures", "pin", "nasty/rtl")
    run("fixtures", "unpin", "basics/typing")
    text = (data_dir / "settings.toml").read_text("utf-8")
    assert 'username = "123"' in text
    assert "http://localhost:5173" in text
    assert "nasty/rtl" in text
    assert '"basics/typing"' not in text
    run("server", "disallow", "http://localhost:5173")
    assert "http://localhost:5173" not in (data_dir / "settings.toml").read_text("utf-8")


def test_an_agent_cannot_change_settings(program: Companion, run: Run, data_dir: Path) -> None:
    token = run("token", "--agent").out[0]
    assert run("token", "--agent").out == [token]
    assert (data_dir / "agent-token").read_text().strip() == token
    if os.name == "posix":
        assert (data_dir / "agent-token").stat().st_mode & 0o777 == 0o600
    agent = {"COMPANION_AGENT_TOKEN": token}
    assert run("trigger", "typing", env=agent).out[0].startswith("#")
    for command in (
        ("server", "settings", "theme=dark"), ("server", "allow", "http://x"), ("token", "--agent"),
        ("fixtures", "pin", "nasty/rtl"),
    ):  # fmt: skip
        rejected = run(*command, env=agent, exits=1)
        assert "cannot change settings, allowed origins, tokens, peers, keys or sources" in rejected.err[0]
        assert (rejected.out, len(rejected.err)) == ([], 1)
    run("token", "--agent", "--revoke")
    assert "COMPANION_AGENT_TOKEN contains a different token" in run("status", env=agent, exits=1).err[0]
    assert not (data_dir / "agent-token").exists()


Complete = Callable[[str], list[str]]


@pytest.fixture
def completed(running: Start, data_dir: Path) -> Complete:
    """Return a function that completes a command line like bash."""

    def complete(words: str) -> list[str]:
        environment = {
            "_COMPANION_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        program = running(Program("tab key", *COMPANION, env={**environment, "COMPANION_DATA_DIR": str(data_dir)}))
        program.wait()
        assert program.err == []
        return [line for line in program.out if line]

    return complete


def test_completion_uses_the_data_of_the_companion(server: Companion, run: Run, completed: Complete) -> None:
    run("state", "personas", "add", "gina")
    run("filters", "save", "errors", "is:invalid")
    run("breakpoints", "add", "event:nothing")
    assert completed("companion filters delete e") == ["errors"]
    assert completed("companion journal --filter @e") == ["@errors"]
    assert completed("companion breakpoints remove ") == ["1", "all"]
    assert completed("companion breakpoints add @e") == ["@errors"]
    assert completed("companion breakpoints resolve ") == ["all"]
    assert completed("companion breakpoints resolve all c") == ["continue", "close"]
    assert completed("companion state personas remove gi") == ["gina"]
    assert completed("companion trigger friend_o") == ["friend_online", "friend_offline"]
    assert completed("companion expect m") == ["mark_read"]
    assert completed("companion server settings journal") == ["journal_rows"]
    assert completed("companion server disallow tauri") == ["tauri://localhost"]
    assert len(completed("companion state messages delete ")) > 1
    server.stop()
    assert completed("companion trigger friend_o") == ["friend_online", "friend_offline"]
    assert completed("companion server settings journal") == ["journal_rows"]
    assert completed("companion state personas remove gi") == []


def test_the_json_of_every_new_command_is_json(program: Companion, run_json: RunJson) -> None:
    for command in (
        ("state", "personas", "list"), ("state", "messages", "list", "alice"), ("server", "settings"),
        ("server", "origins"), ("token", "--agent"), ("trigger", "--list"),
    ):  # fmt: skip
        assert json.dumps(run_json(*command))
