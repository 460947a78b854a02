import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer import BadParameter, Context
from typer.main import get_command
from typer.testing import CliRunner

from app import __version__
from app.cli import listen
from app.cli.main import app
from app.system.exit_codes import TABLE, Exit
from tests.conftest import unknown_home

cli = CliRunner()


def leaf_commands(command: Any, words: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the words that call each command, and the command."""
    for name, each in command.commands.items():
        yield from leaf_commands(each, f"{words}{name} ") if hasattr(each, "commands") else [(words + name, each)]


COMMANDS = dict(leaf_commands(get_command(app)))


def test_version_prints_the_version() -> None:
    result = cli.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"p2p-chat-companion {__version__}\n")


def test_help_lists_the_commands_and_options() -> None:
    result = cli.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(
        word in result.stdout
        for word in (
            "serve",
            "trigger",
            "expect",
            "journal",
            "status",
            "open",
            "token",
            "quit",
            "help",
            "listen",
            "clients",
            "fixtures",
            "state",
            "server",
            "--port",
            "--control-port",
            "--data-dir",
            "--token-file",
            "--hidden",
            "Exit codes",
        )
    )


def test_help_lists_the_exit_codes() -> None:
    assert [int(each) for each in Exit] == [0, 1, 2, 3, 4, 130]
    assert TABLE in " ".join(cli.invoke(app, ["--help"]).stdout.split())


def test_the_help_of_trigger_says_all_that_it_can_fire() -> None:
    description = " ".join(cli.invoke(app, ["trigger", "--help"]).stdout.partition("A value is read")[0].split())
    for each in ("an event with default values", "a fixture", "a raw frame", "a row of the log", "the last event"):
        assert each in description


def test_every_command_documents_itself_and_its_options() -> None:
    for words, command in COMMANDS.items():
        result = cli.invoke(app, [*words.split(), "--help"], prog_name="companion")
        assert result.exit_code == 0, words
        assert result.stdout.startswith(f"Usage: companion {words} ")
        assert [each.name for each in command.params if not each.help] == [], words


@pytest.mark.parametrize(
    "arguments",
    [["unknown"], ["--unknown"], ["serve", "--port", "70000"], ["serve", "--port", "x"], ["listen", "--port", "0"]],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert cli.invoke(app, arguments).exit_code == Exit.USAGE


@unknown_home
@pytest.mark.parametrize("option", ["--data-dir", "--fixtures", "--token-file"])
def test_a_path_in_the_home_folder_of_an_unknown_user_is_wrong_usage(option: str) -> None:
    result = cli.invoke(app, ["serve", option, "~no-such-user/x"])
    assert result.exit_code == Exit.USAGE
    assert "The home folder in '~no-such-user/x' is unknown." in " ".join(result.output.split())


def test_options_of_a_command_must_follow_it() -> None:
    result = cli.invoke(app, ["--port", "9000", "serve"])
    assert result.exit_code == Exit.USAGE
    assert "must follow the command" in result.output


def test_listen_connects_to_the_address_of_the_guide() -> None:
    assert listen.url_of(8081) == "ws://127.0.0.1:8081/events"


def test_listen_with_an_invalid_url_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert listen.run("http://127.0.0.1/events", None, as_json=False) == Exit.USAGE
    assert "is not a WebSocket address" in capsys.readouterr().err


def test_listen_prints_an_event_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    listen._print_line({"event": "typing", "data": {"username": "alice", "typing": True}})
    listen._print_line({"event": "x"})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].split(maxsplit=1)[1] == "↓ typing         alice is typing"


def test_listen_prints_json_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    listen._print_json({"event": "x", "data": {"text": "grüße"}})
    out = capsys.readouterr().out
    assert json.loads(out) == {"event": "x", "data": {"text": "grüße"}}
    assert out.startswith('{"event":"x",')
    assert out.count("\n") == 1


NUMBERS = [(words, each) for words in COMMANDS for each in COMMANDS[words].params if "float" in each.type.name]


@pytest.mark.parametrize("text", ["nan", "inf"])
def test_numbers_must_be_finite(text: str, subtests: pytest.Subtests) -> None:
    """Regression: ``--wait nan`` waited for ever, ``--within nan`` and ``--every inf`` ended with a traceback."""
    assert len(NUMBERS) > 10
    for words, option in NUMBERS:
        with subtests.test(words, option=option.name), pytest.raises(BadParameter):
            option.process_value(Context(COMMANDS[words]), text)


def test_the_companion_is_started_with_folders_whose_names_are_unicode(subtests: pytest.Subtests) -> None:
    """Regression: the control API failed at each answer that names such a folder."""
    names = {"fixtures", "sessions", "faults", "events", "token_file"}
    options = [each for each in COMMANDS["serve"].params if each.name in names]
    assert len(options) == len(names)
    for option in options:
        with subtests.test(option=option.name), pytest.raises(BadParameter, match="is not valid Unicode"):
            option.process_value(Context(COMMANDS["serve"]), "x\udcff")


def test_listen_reads_standard_input_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the second ``--send -`` ended with a traceback, because the first had closed standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\n")))
    assert listen.frames_of(["-", "three", "-"]) == ["one", "two", "three"]
