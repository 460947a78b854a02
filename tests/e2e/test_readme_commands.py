"""README's sample commands, word for word, for a companion with a client."""

import re
import shlex

import pytest

from . import sockets
from .conftest import Run, StartCommand
from .processes import ROOT, STOP_SIGNALS, Companion

TYPING = '{"event": "typing", "data": {"to": "alice", "typing": true}}'


def readme_commands() -> dict[str, list[str]]:
    """Return the arguments of each sample command, by the name of the command."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^A few commands:\n\n```sh\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert block
    lines = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    assert all(line[0] == "companion" for line in lines)
    return {" ".join(line[1:3]): line[1:] for line in lines}


COMMANDS = readme_commands()


def test_readme_has_the_commands_that_are_tested_below() -> None:
    assert list(COMMANDS) == [
        "trigger new_message", "trigger --fixture", "expect typing", "journal --follow", "session run",
        "ui-state show", "serve",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["trigger new_message", "trigger --fixture"])
def test_an_event_is_sent_to_the_client(server: Companion, run: Run, name: str) -> None:
    with sockets.client(server.url) as client:
        run(*COMMANDS[name])
        assert '"new_message"' in str(client.recv(timeout=20))


def test_a_conversation_is_played_and_the_state_of_the_ui_is_shown(server: Companion, run: Run) -> None:
    with sockets.client(server.url):
        assert run(*COMMANDS["session run"]).out[-1].startswith("passed")
        assert "chatStore" in "\n".join(run(*COMMANDS["ui-state show"]).out)


def test_an_event_of_the_ui_is_expected_and_shown(server: Companion, start_command: StartCommand) -> None:
    expecting = start_command(*COMMANDS["expect typing"])
    following = start_command(*COMMANDS["journal --follow"])
    with sockets.client(server.url) as client:
        while expecting.process.poll() is None:  # the command may not be waiting yet
            client.send(TYPING)
            with pytest.raises(TimeoutError):
                client.recv(timeout=0.2)
        assert expecting.wait() == 0, expecting
        following.wait_for_line("typing")
    following.send(STOP_SIGNALS[-1])
