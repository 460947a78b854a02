"""``companion journal --recording`` prints the rows of a recording without a companion."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.recorded_rows import row_line

HEADER = b'{"session": 1, "kind": "recording", "started": "2026-01-01T00:00:00Z"}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [HEADER]
    for seq, event in ((40, "friend_online"), (41, "typing"), (45, "friend_online"), (46, "typing")):
        payload = json.dumps({"event": event, "data": {"username": f"user{seq}"}}).encode()
        row = Row(seq, 0.0, 0.0, Kind.TO_UI, "all", event, payload, len(payload), Verdict.OK, "", PANEL)
        lines.append(row_line(row, 1.5))
    found = tmp_path / "bug.session.jsonl"
    found.write_bytes(b"\n".join(lines) + b"\n")
    return found


def seqs(*arguments: str) -> list[int]:
    done = CliRunner().invoke(app, ["journal", "--json", *arguments])
    assert done.exit_code == 0, done.output
    return [json.loads(line)["seq"] for line in done.stdout.splitlines()]


def test_rows_are_selected_as_in_the_live_log(file: Path) -> None:
    recording = ("--recording", str(file))
    assert seqs(*recording) == [40, 41, 45, 46]
    assert seqs(*recording, "--filter", "event:typing") == [41, 46]
    assert seqs(*recording, "--limit", "2") == [45, 46]
    assert seqs(*recording, "--after", "40", "--limit", "2") == [41, 45]


def test_rows_are_found_by_the_lint_that_they_violate(file: Path) -> None:
    """Regression: no lint was run, so that a recording seemed to be clean."""
    assert seqs("--recording", str(file), "--filter", "is:lint") == [41, 46]
    assert seqs("--recording", str(file), "--filter", "lint:no-such-rule") == []


@pytest.mark.parametrize("header", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00"])
def test_a_start_outside_of_the_calendar_is_reported(file: Path, header: str) -> None:
    file.write_bytes(file.read_bytes().replace(b"2026-01-01T00:00:00Z", header.encode()))
    done = CliRunner().invoke(app, ["journal", "--recording", str(file)])
    assert done.exit_code == 2
    assert "is not a recording" in done.stderr


def test_an_invalid_last_line_is_ignored_only_if_it_is_cut_off(file: Path) -> None:
    """Regression: an invalid last line was ignored without a message."""
    file.write_bytes(file.read_bytes() + b'{"s2c": 5, "seq": 47}')
    assert seqs("--recording", str(file)) == [40, 41, 45, 46]
    file.write_bytes(file.read_bytes() + b"\n")
    done = CliRunner().invoke(app, ["journal", "--recording", str(file)])
    assert done.exit_code == 2
    assert "line 6" in done.stderr


def test_rows_are_printed_with_their_time(file: Path) -> None:
    done = CliRunner().invoke(app, ["journal", "--recording", str(file), "--filter", "user45"])
    assert done.stdout.startswith("#45 ")
    assert "friend_online" in done.stdout


def test_the_recording_of_a_run_is_found_in_the_data_folder(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    file.rename(folder / "run-before.session.jsonl")
    assert seqs("--recording", "run-before", "--data-dir", str(tmp_path)) == [40, 41, 45, 46]


def test_saved_filters_of_the_settings_can_be_used(file: Path, tmp_path: Path) -> None:
    """Regression: ``@NAME`` was an unknown filter."""
    (tmp_path / "settings.toml").write_text('[saved_filters]\nkeys = "event:typing"\n', encoding="utf-8")
    recording = ("--recording", str(file), "--data-dir", str(tmp_path))
    assert seqs(*recording, "--filter", "@keys") == [41, 46]


def test_an_invalid_file_or_filter_is_reported(file: Path) -> None:
    for arguments, reason in (
        (["--recording", str(file.with_name("missing"))], "cannot be read"),
        (["--recording", str(file), "--filter", "dir:nowhere"], "invalid dir:nowhere"),
    ):
        done = CliRunner().invoke(app, ["journal", *arguments])
        assert done.exit_code == 2
        assert reason in done.output
