"""``companion state`` while no companion runs: once in a process of its own, otherwise in this process."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.sources.source import Sources

ROOT = Path(__file__).parents[2]
cli = CliRunner()


class Result(NamedTuple):
    """Exit code and output of a command."""

    returncode: int
    stdout: str
    stderr: str


def process(*arguments: str | Path) -> Result:
    """Run ``companion state …`` to its end."""
    completed = subprocess.run(
        [sys.executable, "-m", "app", "state", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    return Result(completed.returncode, completed.stdout, completed.stderr)


def state(*arguments: str | Path) -> Result:
    """Run ``companion state …`` to its end in this process."""
    result = cli.invoke(app, ["state", *map(str, arguments)], prog_name="companion")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Result(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def _own_logging(own_logging: None) -> None:
    """End the log that each command starts. Normally it ends with the process."""


def saved(folder: Path, file: Path) -> dict[str, Any]:
    result = state("save", file, "--data-dir", folder)
    assert (result.returncode, result.stderr) == (0, "")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


@pytest.mark.e2e
def test_the_process_saves_and_loads_and_returns_exit_codes(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    result = process("save", file, "--data-dir", tmp_path / "one")
    assert (result.returncode, result.stderr) == (0, "")
    assert str(file) in result.stdout
    assert json.loads(file.read_text(encoding="utf-8")) == saved(tmp_path / "one", tmp_path / "again.json")
    assert process("load", file, "--data-dir", tmp_path / "two")[::2] == (0, "")
    result = process("load", tmp_path / "none.json", "--data-dir", tmp_path / "two")
    assert (result.returncode, result.stdout) == (2, "")
    assert "cannot be read" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert process("unknown").returncode == 2


def test_save_load_and_reset_change_the_state(tmp_path: Path) -> None:
    source, target = tmp_path / "one", tmp_path / "two"
    seeded = saved(source, tmp_path / "seeded.json")
    assert [each["username"] for each in seeded["people"]] == ["alice", "bob", "carol", "dave", "erin", "frank"]
    changed = {**seeded, "people": seeded["people"][:2], "messages": seeded["messages"][:1]}
    file = tmp_path / "changed.json"
    text = json.dumps(changed, indent=1, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8", newline="\n")
    result = state("load", file, "--data-dir", target)
    assert (result.returncode, result.stderr) == (0, "")
    assert str(file) in result.stdout
    assert saved(target, tmp_path / "again.json") == changed
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()
    result = state("reset", "--data-dir", target)
    assert (result.returncode, result.stderr) == (0, "")
    assert [each["username"] for each in saved(target, tmp_path / "reset.json")["people"]] == [
        each["username"] for each in seeded["people"]
    ]


@pytest.mark.parametrize(
    ("content", "code", "error"),
    [
        (None, 2, "cannot be read"),
        (b"\xff", 2, "cannot be read"),
        (b"{", 1, "not a saved chat state"),
        (b'{"version":1,"people":[],"messages":[{}]}', 1, "not a saved chat state: messages[0]"),
    ],
)
def test_an_invalid_file_is_reported_and_changes_nothing(
    tmp_path: Path, content: bytes | None, code: int, error: str
) -> None:
    before = saved(tmp_path, tmp_path / "before.json")
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_bytes(content)
    result = state("load", file, "--data-dir", tmp_path)
    assert (result.returncode, result.stdout) == (code, "")
    assert error in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert saved(tmp_path, tmp_path / "after.json") == before


def test_a_file_that_cannot_be_written_is_reported_with_exit_code_1(tmp_path: Path) -> None:
    result = state("save", tmp_path / "no folder" / "state.json", "--data-dir", tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "state.json could not be written" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("save",), ("load",), ("unknown",)])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert state(*arguments).returncode == 2


@pytest.mark.parametrize("command", ["save", "load", "reset"])
def test_a_state_command_fails_if_the_state_is_only_in_memory(tmp_path: Path, command: str) -> None:
    """Its changes would be lost when the command ends, and it would not save the user's state."""
    good = tmp_path / "good"
    saved(good, tmp_path / "state.json")
    (tmp_path / "chat.db").mkdir()
    file = tmp_path / ("state.json" if command == "load" else "saved.json")
    result = state(command, *([] if command == "reset" else [file]), "--data-dir", tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "in memory" in result.stderr
    assert not (tmp_path / "saved.json").exists()


def test_a_chat_state_that_was_set_aside_is_reported(tmp_path: Path) -> None:
    """The saved state then comes from a backup, or is new."""
    with contextlib.closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.execute("CREATE TABLE people (name)")
    result = state("save", tmp_path / "saved.json", "--data-dir", tmp_path)
    assert result.returncode == 0
    assert "renamed to chat.db.damaged-" in result.stderr


@pytest.mark.parametrize("command", ["save", "load", "reset"])
def test_no_source_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    file = tmp_path / "state.json"
    saved(tmp_path / "one", file)
    started: list[Sources] = []
    monkeypatch.setattr(Sources, "start_all", started.append)
    assert state(command, *([] if command == "reset" else [file]), "--data-dir", tmp_path / "one").returncode == 0
    assert started == []
