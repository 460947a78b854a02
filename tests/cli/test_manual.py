"""``companion help``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import manual
from app.cli.main import app
from app.manual.pages import Manual, installed
from app.system.exit_codes import Exit

cli = CliRunner()


def test_help_lists_the_pages_by_group() -> None:
    result = cli.invoke(app, ["help"])
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].split() == ["index", "Manual"]
    names = [line.split()[0] for line in lines if "  " in line]
    assert names == [each.name for each in installed().entries]
    assert lines[lines.index("The window") - 1] == ""


def test_help_prints_a_page_as_plain_text() -> None:
    lines = cli.invoke(app, ["help", "events"]).stdout.splitlines()
    assert lines[:2] == ["Events", "======"]
    assert not any("](" in line or "**" in line or "|---" in line for line in lines)


@pytest.mark.parametrize("topic", ["trigger", "cli-trigger"])
def test_a_command_is_found_by_its_name(topic: str) -> None:
    assert cli.invoke(app, ["help", topic]).stdout.startswith("companion trigger\n=")


def test_the_topic_clients_is_the_page_about_the_room() -> None:
    assert cli.invoke(app, ["help", "clients"]).stdout.startswith("Clients\n=")


def test_json_output() -> None:
    pages = json.loads(cli.invoke(app, ["help", "--json"]).stdout)
    assert pages[0] == {"name": "index", "title": "Manual", "group": ""}
    assert {"name": "events", "title": "Events", "group": "The window"} in pages
    page = json.loads(cli.invoke(app, ["help", "events", "--json"]).stdout)
    assert page == {"name": "events", "title": "Events", "text": installed().page("events").text}


def test_an_unknown_page_is_reported() -> None:
    result = cli.invoke(app, ["help", "event"])
    assert result.exit_code == Exit.USAGE
    assert result.stderr == "The manual has no page 'event'; did you mean events?\n"
    result = cli.invoke(app, ["help", "../../README"])
    assert result.stderr == "The manual has no page '../../README'. `companion help` lists all pages.\n"


def test_a_missing_manual_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(manual, "installed", lambda: Manual(tmp_path))
    for arguments in (["help"], ["help", "events"]):
        result = cli.invoke(app, arguments)
        assert result.exit_code == Exit.FAILED
        assert result.stderr == f"The manual is missing from {tmp_path}. Install the program again.\n"
    assert manual.page_names("") == []


def test_completion_lists_matching_pages() -> None:
    assert manual.page_names("cli-t") == ["cli-trigger", "cli-token"]
