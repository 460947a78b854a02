"""``companion contract lint`` checks recordings and HAR files without a companion."""

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import app
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.recorded_rows import row_line

HEADER = b'{"session": 1, "kind": "recording", "started": "2026-01-01T00:00:00Z"}'


def write(file: Path, *events: tuple[str, Mapping[str, object]]) -> Path:
    lines = [HEADER]
    for seq, (event, data) in enumerate(events, 40):
        payload = json.dumps({"event": event, "data": data}).encode()
        row = Row(
            seq, 0.0, 0.0, Kind.TO_UI, "all", event, payload, len(payload), Verdict.OK, "", PANEL, "", (1,)
        )  # fmt: skip
        lines.append(row_line(row, 1.5))
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


ONLINE = ("friend_online", {"username": "alice"})
INVALID = ("typing", {"username": "alice"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "bug.session.jsonl", ONLINE, ONLINE, INVALID)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def lint(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["contract", "lint", *map(str, arguments)])


def test_findings_are_printed_with_their_rows_and_what_to_do(file: Path, data_dir: Path) -> None:
    done = lint(file, "--data-dir", data_dir)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[:3] == [
        "error  missing-field  1×  Required field is missing",
        "    #42  typing.typing: is missing",
        "    → Add the field to the event.",
    ]
    assert "    #41  alice is online since row #40" in done.stdout


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 1),
        (("--severity", "none"), 0),
        (("--rule", "presence-repeated"), 0),
        (("--rule", "presence-repeated", "--severity", "info"), 1),
        (("--rule", "missing-field", "--severity", "error"), 1),
        (("--rule", "clock-skew"), 0),
    ],
)
def test_the_exit_code_depends_on_the_severity(
    file: Path, data_dir: Path, options: tuple[str, ...], code: int
) -> None:
    assert lint(file, *options, "--data-dir", data_dir).exit_code == code


def test_a_clean_recording_has_no_findings(tmp_path: Path, data_dir: Path) -> None:
    done = lint(write(tmp_path / "clean.session.jsonl", ONLINE), "--data-dir", data_dir)
    assert (done.exit_code, done.stdout) == (0, "no findings\n")


def test_frames_as_lines_of_json_and_a_recording_with_another_name(tmp_path: Path, data_dir: Path) -> None:
    frame = {
        "direction": "s2c",
        "time": "2026-01-01T00:00:00Z",
        "frame": json.dumps({"event": "typing", "data": {}}),
    }
    lines = tmp_path / "frames.jsonl"
    lines.write_text(f"{json.dumps(frame)}\n", encoding="utf-8")
    renamed = write(tmp_path / "renamed.jsonl", INVALID)
    for file in (lines, renamed):
        done = lint(file, "--rule", "missing-field", "--data-dir", data_dir)
        assert (done.exit_code, "missing-field" in done.stdout) == (1, True), done.output


def test_json_and_junit(file: Path, data_dir: Path) -> None:
    report = json.loads(lint(file, "--format", "json", "--data-dir", data_dir).stdout)
    assert json.loads(lint(file, "--json", "--data-dir", data_dir).stdout) == report
    assert [each["rule"] for each in report["rules"] if each["count"]] == ["missing-field", "presence-repeated"]
    done = lint(file, "--format", "junit", "--data-dir", data_dir)
    suite = ElementTree.fromstring(done.stdout.encode())[0]
    assert (suite.get("name"), suite.get("failures"), suite.get("tests")) == (str(file), "1", "17")
    assert [case.get("name") for case in suite if len(case)] == ["missing-field: Required field is missing"]


def test_rules_that_are_off_in_the_settings_are_off_unless_they_are_named(file: Path, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text('lint_off = ["missing-field"]\n', encoding="utf-8")
    done = lint(file, "--data-dir", data_dir)
    assert done.exit_code == 0
    assert "off: missing-field" in done.stdout
    assert lint(file, "--rule", "missing-field", "--data-dir", data_dir).exit_code == 1


def test_event_files_of_a_folder(tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path / "own.session.jsonl", ("reaction", {"emoji": 5}))
    schema = {"type": "object", "properties": {"emoji": {"type": "string"}}}
    event = {"event": "reaction", "direction": "to_ui", "data": schema}
    for folder, options in ((tmp_path / "own", ("--events", tmp_path / "own")), (data_dir / "events", ())):
        assert "unknown-event" in lint(file, "--data-dir", data_dir).stdout
        folder.mkdir(parents=True)
        (folder / "reaction.json").write_text(json.dumps(event), encoding="utf-8")
        done = lint(file, *options, "--data-dir", data_dir)
        assert "#40  reaction.emoji: must be text" in done.stdout
        (folder / "reaction.json").write_text("{", encoding="utf-8")
        assert lint(file, *options, "--data-dir", data_dir).exit_code == 2
        (folder / "reaction.json").unlink()
    assert "--events needs a recording" in lint("--events", tmp_path).stderr
    assert "does not exist" in lint(file, "--events", tmp_path / "missing").stderr


def test_a_har_file(tmp_path: Path, data_dir: Path) -> None:
    data = json.dumps({"event": ONLINE[0], "data": ONLINE[1]})
    times = (1_700_000_000.0, 1_700_000_001.0)
    frames = [{"type": "receive", "time": time, "opcode": 1, "data": data} for time in times]
    entry = {
        "startedDateTime": "2023-11-14T22:13:20.000Z", "time": 1, "_resourceType": "websocket",
        "request": {"method": "GET", "url": "ws://127.0.0.1:8081/events", "headers": []},
        "response": {"status": 101, "headers": [], "content": {}}, "_webSocketMessages": frames,
    }  # fmt: skip
    har = tmp_path / "devtools.har"
    har.write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}), encoding="utf-8")
    done = lint(har, "--severity", "info", "--data-dir", data_dir)
    assert done.exit_code == 1
    assert "presence-repeated  1×" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("no.session.jsonl", b"", "is not a recording"),
        ("no.har", b"{", "no.har cannot be read"),
        ("no.har", b"\xff", "no.har is not text in UTF-8"),
        ("no.jsonl", b"[1", "no.jsonl cannot be read"),
        ("cut.session.jsonl", HEADER + b'\n{"s2c": 5}\n{"s2c": "x"}\n', "line 2"),
    ],
)
def test_a_file_that_is_no_recording_is_explained(
    tmp_path: Path, data_dir: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = lint(tmp_path / name, "--data-dir", data_dir)
    assert done.exit_code == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_rule_gets_a_suggestion(file: Path) -> None:
    done = lint(file, "--rule", "clock-scew")
    assert (done.exit_code, "did you mean clock-skew?" in done.stderr) == (2, True)
    missing = lint("missing.session.jsonl")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)


def test_line_breaks_in_findings_do_not_look_like_lines_of_a_junit_file(tmp_path: Path, data_dir: Path) -> None:
    file = write(tmp_path / "bug.session.jsonl", ("friend_online", {"username": "a", "x\nFORGED\r\x85y": 1}))
    done = lint(file, "--format", "junit", "--data-dir", data_dir)
    assert not [line for line in done.stdout.splitlines() if line.startswith("FORGED")]
    texts = [each.text or "" for each in ElementTree.fromstring(done.stdout).iter("failure")]
    assert any("FORGED" in each for each in texts)


def test_json_and_junit_exclude_each_other(file: Path, data_dir: Path) -> None:
    done = lint(file, "--json", "--format", "junit", "--data-dir", data_dir)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "exclude each other" in done.stderr
