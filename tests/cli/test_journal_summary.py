"""``companion journal`` prints the text that an event file gives an event."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.journal import print_row
from app.cli.main import app
from app.protocol.event_summaries import use_summaries
from tests.cli.test_contract_lint import write

ROW = {
    "seq": 7, "time": "2026-01-01T10:00:00.000Z", "direction": "s2c", "event": "seen", "verdict": "ok", "note": "",
    "frame": '{"event":"seen","data":{"who":"bob"}}', "origin": "panel", "pinned": False, "annotation": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "text"),
    [({"summary": "bob saw it"}, "bob saw it"), ({"summary": ""}, "who: bob"), ({}, "who: bob")],
)
def test_the_summary_of_the_file_is_printed(
    capsys: pytest.CaptureFixture[str], more: dict[str, str], text: str
) -> None:
    print_row({**ROW, **more}, json=False)
    time = datetime(2026, 1, 1, 10, tzinfo=UTC).astimezone().strftime("%H:%M:%S.000")  # as in the window
    assert capsys.readouterr().out == f"#7 {time} ↓ {'seen':<14} {text}\n"


def test_a_row_without_a_text_ends_without_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    print_row({**ROW, "frame": "", "event": "mark"}, json=False)
    assert capsys.readouterr().out.endswith(" mark\n")


@pytest.fixture(autouse=True)
def _no_summaries_afterwards() -> Iterator[None]:
    yield
    use_summaries([])


@pytest.mark.parametrize("broken", [False, True])
def test_the_rows_of_a_recording_have_it_too(tmp_path: Path, broken: bool) -> None:
    recording = write(tmp_path / "r.session.jsonl", ("seen", {"who": "bob"}))
    events = tmp_path / "data" / "events"
    events.mkdir(parents=True)
    file = {"event": "seen", "direction": "to_ui", "data": {"properties": {"who": {}}}, "summary": "{who} saw it"}
    (events / "seen.json").write_text("{" if broken else json.dumps(file))
    done = CliRunner().invoke(app, ["journal", "--recording", str(recording), "--data-dir", str(tmp_path / "data")])
    assert done.exit_code == 0, done.output
    assert ("who: bob" if broken else "bob saw it") in done.stdout
