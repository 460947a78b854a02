"""Commands read recordings in files of every kind, a bug report among them, without a companion."""

import json
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from app import recorded_input
from app.cli.main import app
from app.cli.session_input import session_request
from app.contract_folder import catalog_of
from app.exports.formats import write
from app.observers.opened_recording import open_recording
from app.observers.recorded_run import MAX_BYTES as MAX_RECORDING_BYTES
from app.protocol.bundle.archive import FORMAT, MANIFEST, write_bundle
from app.protocol.session.actions import RestCall, ServerEvent
from app.protocol.session.saved import LINES
from app.recording_actions import RecordingActions
from tests.exports.recordings import message, posted, recording, s2c


@pytest.fixture
def text() -> str:
    agent = "Mozilla/5.0 Chrome/140"
    page = "http://localhost:1420"
    connected = ServerEvent(seq=1, server="connected", client=1, user="me", origin="server", page=page, agent=agent)
    session = recording(connected, s2c(2, "new_message", message("hello\u2028there")), posted(3, "alice", "Yes"))
    return write(session, LINES).text


@pytest.fixture
def bundle(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bug.zip"
    file.write_bytes(write_bundle(text.encode(), {MANIFEST: {"bundle": FORMAT}}))
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_a_saved_recording_is_examined_by_its_name(tmp_path: Path, text: str) -> None:
    """Regression: *talk cannot be read: No such file or directory*, although ``session run`` accepted the name."""
    for folder in (tmp_path / "sessions", tmp_path / "other"):
        folder.mkdir()
        (folder / "talk.session.jsonl").write_text(text, "utf-8")
        at = ("--data-dir", tmp_path)
        assert len(run("journal", "--recording", "talk", "--json", *at).stdout.splitlines()) == 3
        assert json.loads(run("ui-state", "show", "talk", "--json", *at).stdout)["chatStore"]
        assert run("contract", "lint", "talk", *at).stdout
        (folder / "talk.session.jsonl").unlink()
        assert "talk cannot be read" in run("journal", "--recording", "talk", *at).stderr
        (tmp_path / "settings.toml").write_text(f"sessions = '{tmp_path / 'other'}'")
    assert "there is no recording run-before" in run("contract", "lint", "run-before", *at).stderr


def test_a_saved_recording_is_found_as_in_a_running_companion(tmp_path: Path, text: str) -> None:
    """By the last part of its name, in any case."""
    for folder in ("bugs", "other"):
        (tmp_path / "sessions" / folder).mkdir(parents=True)
    (tmp_path / "sessions" / "bugs" / "lunch.session.jsonl").write_text(text, "utf-8")
    at = ("--data-dir", tmp_path)
    for name in ("lunch", "Bugs/Lunch"):
        assert len(run("journal", "--recording", name, "--json", *at).stdout.splitlines()) == 3
        assert run("contract", "lint", name, *at).stdout
    (tmp_path / "sessions" / "other" / "lunch.session.jsonl").write_text(text, "utf-8")
    (tmp_path / "sessions" / "talk.chat").write_text("alice: hi\n", "utf-8")
    for name, why in {"lunch": "did you mean bugs/lunch or other/lunch", "talk": "talk is a scenario"}.items():
        assert why in " ".join(run("contract", "lint", name, *at).stderr.replace("│", " ").split())


def test_a_bug_report_is_exported_converted_and_examined(bundle: Path, tmp_path: Path) -> None:
    exported = run("session", "export", bundle, "--as", "playwright")
    assert exported.exit_code == 0, exported.output
    assert "hello\\u2028there" in exported.stdout
    converted = tmp_path / "bug.ndjson"
    assert run("session", "convert", bundle, converted).exit_code == 0
    again = tmp_path / "again.session.jsonl"
    assert run("session", "convert", converted, again).exit_code == 0
    assert run("session", "compare", bundle, again).stdout == "equal\n"
    assert json.loads(run("ui-state", "show", bundle, "--json").stdout)["chatStore"]["messages"]["alice"]
    rows = run("journal", "--recording", bundle, "--json").stdout.splitlines()
    assert [json.loads(each)["seq"] for each in rows] == [1, 2, 3]


def test_an_export_without_a_companion_has_the_envelope_keys_of_the_settings(bundle: Path, renamed: Path) -> None:
    exported = run("session", "export", bundle, "--as", "playwright-routes", "--data-dir", renamed)
    assert 'server.send({ type: "new_message", payload: {' in exported.stdout


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """A data folder whose settings have other names of the envelope's keys."""
    (tmp_path / "settings.toml").write_text('envelope_event_key = "type"\nenvelope_data_key = "payload"\n')
    return tmp_path


@pytest.mark.parametrize("suffix", [".har", ".jsonl"])
def test_frames_with_the_envelope_keys_of_the_settings_are_events(renamed: Path, suffix: str) -> None:
    frames = [
        ("receive", '{"type": "friend_online", "payload": {"username": "bob"}}'),
        ("send", '{"type": "mark_read", "payload": {"peer": "bob", "msg_id": "1"}}'),
    ]
    file = renamed / f"wire{suffix}"
    if suffix == ".har":
        messages = [{"type": kind, "time": 1_767_225_600, "data": frame} for kind, frame in frames]
        request = {"method": "GET", "url": "ws://localhost:8081/socket"}
        socket = {"request": request, "startedDateTime": "2026-01-01T00:00:00Z", "_webSocketMessages": messages}
        file.write_text(json.dumps({"log": {"entries": [socket]}}))
    else:
        file.write_text("".join(f"{'<' if kind == 'receive' else '>'} {frame}\n" for kind, frame in frames))
    folder = ("--data-dir", renamed)
    rows = run("journal", "--recording", file, "--json", *folder).stdout.splitlines()
    events = [("friend_online", "ok"), ("mark_read", "ok")]
    assert [(row["event"], row["verdict"]) for row in map(json.loads, rows)][-2:] == events
    assert "invalid-frame" not in run("contract", "lint", file, "--severity", "none", *folder).stdout
    assert run("ui-state", "show", file, *folder).exit_code == 0
    converted = renamed / "wire.session.jsonl"
    assert run("session", "convert", file, converted, *folder).exit_code == 0
    assert '"c2s": "mark_read"' in converted.read_text()
    exported = run("session", "export", file, "--as", "playwright", *folder)
    assert 'companion.expect("mark_read"' in exported.stdout


def test_the_state_has_the_responses_of_a_recording_with_many_calls(tmp_path: Path) -> None:
    """Regression: the oldest of more than 5,000 calls were forgotten, and the state was said to be complete."""
    call = partial(RestCall, status=200, page="http://localhost:1420", agent="a browser", origin="rest")
    joined = ServerEvent(
        seq=1, server="connected", client=1, user="me", origin="server", page="http://localhost:1420",
        agent="a browser",
    )  # fmt: skip
    friends = call(rest="GET /friends", response=[{"username": "alice"}])
    polls = [call(rest="GET /status", response={})] * 5_001
    file = tmp_path / "long.session.jsonl"
    file.write_text(write(recording(joined, friends, *polls), LINES).text, encoding="utf-8")
    shown = run("ui-state", "show", file)
    assert '"alice"' in shown.stdout
    assert shown.stderr == ""


def test_an_unknown_client_is_reported_with_those_of_the_recording(bundle: Path) -> None:
    assert "Client 7 is not in bug.zip. Its clients: 1." in run("ui-state", "show", bundle, "--client", "7").stderr


def test_a_scenario_has_the_events_of_the_event_files(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    contract = {"event": "call", "direction": "to_ui", "data": {}}
    (tmp_path / "events" / "call.json").write_text(json.dumps(contract), encoding="utf-8")
    file = tmp_path / "x.session.jsonl"
    file.write_text(write(recording(s2c(1, "call", {})), LINES).text, encoding="utf-8")
    shown = run("session", "export", file, "--as", "scenario", "--data-dir", tmp_path)
    assert "fire call" in shown.stdout, shown.output


@pytest.fixture
def edited(tmp_path: Path) -> tuple[Path, Path]:
    """A recording of a message that an event of a file has edited, and the folder of the file."""
    folder = tmp_path / "data" / "events"
    folder.mkdir(parents=True)
    data = {"type": "object", "properties": {"msg_id": {"type": "string"}, "text": {"type": "string"}}}
    effect = {"edit_message": {"msg_id": "/msg_id", "text": "/text"}}
    contract = {"event": "message_edited", "direction": "to_ui", "data": data, "effect": effect}
    (folder / "message_edited.json").write_text(json.dumps(contract), encoding="utf-8")
    joined = ServerEvent(
        seq=1, server="connected", client=1, user="me", origin="server", page="tauri://x", agent="X"
    )
    sent = message("hello")
    edit = s2c(3, "message_edited", {"msg_id": sent["msg_id"], "text": "changed"})
    file = tmp_path / "edited.session.jsonl"
    session = recording(joined, s2c(2, "new_message", sent), edit)
    file.write_text(write(session, LINES).text, encoding="utf-8")
    return file, folder


def last_text(shown: str) -> str:
    text: str = json.loads(shown)["chatStore"]["messages"]["alice"][-1]["text"]
    return text


def test_the_state_includes_what_event_files_change(edited: tuple[Path, Path], tmp_path: Path) -> None:
    """Regression: the state of a recording lacked their effects."""
    file, folder = edited
    in_data = run("ui-state", "show", file, "--json", "--data-dir", folder.parent)
    named = run("ui-state", "show", file, "--json", "--events", folder, "--data-dir", tmp_path)
    neither = run("ui-state", "show", file, "--json", "--data-dir", tmp_path)
    assert [last_text(each.stdout) for each in (in_data, named, neither)] == ["changed", "changed", "hello"]
    before = run("ui-state", "show", file, "--json", "--data-dir", folder.parent, "--after", "2")
    assert last_text(before.stdout) == "hello"


def test_event_files_for_a_state_need_a_recording_and_must_be_valid(edited: tuple[Path, Path]) -> None:
    file, folder = edited
    without = run("ui-state", "show", "--events", folder)
    assert (without.exit_code, "--events needs a recording" in without.stderr) == (2, True)
    (folder / "wrong.json").write_text("{", encoding="utf-8")
    wrong = run("ui-state", "show", file, "--events", folder)
    assert (wrong.exit_code, "wrong.json" in wrong.stderr) == (2, True)


async def test_the_window_of_a_recording_has_what_event_files_change(edited: tuple[Path, Path]) -> None:
    file, folder = edited
    actions = RecordingActions(cast("Any", SimpleNamespace(catalog=catalog_of(folder))), None)
    found = await actions.ui_state(await open_recording(file.name, file), None, 3)
    assert last_text(json.dumps(found["stores"])) == "changed"


def test_the_state_is_printed_on_several_lines(bundle: Path) -> None:
    """Regression: each end of a line was printed as an escape."""
    shown = run("ui-state", "show", bundle)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith('{\n  "chatStore": {\n')
    assert json.loads(shown.stdout.replace("\\u2028", " "))["chatStore"]


@pytest.mark.parametrize("name", ["bug.session.jsonl", "bug.jsonl", "bug.har", "bug.zip"])
@pytest.mark.parametrize("content", [b"\x99\x00\xff", b'{"session": 1}\n\xff\xfe\n', b""])
def test_a_file_that_is_no_recording_is_reported_in_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    """Regression: a file that is not UTF-8 ended with a traceback."""
    file = tmp_path / name
    file.write_bytes(content)
    shown = run("ui-state", "show", file)
    assert shown.exit_code == 2
    assert isinstance(shown.exception, SystemExit)
    assert run("session", "export", file, "--as", "markdown").exit_code in (1, 2)
    converted = run("session", "convert", file, tmp_path / "out.session.jsonl")
    assert isinstance(converted.exception, SystemExit)


@pytest.mark.parametrize("command", [("ui-state", "show"), ("journal", "--recording"), ("contract", "lint")])
def test_a_scenario_is_no_recording(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "x.session.jsonl"
    file.write_text('{"session": 1, "title": "x"}\n{"fire": "friend_online", "data": {"username": "bob"}}\n')
    shown = run(*command, file)
    assert shown.exit_code == 2
    assert "x.session.jsonl is a scenario, not a recording." in shown.output


def test_an_imported_file_whose_recording_cannot_be_read_is_reported_in_a_sentence(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bug.jsonl"
    file.write_text('{"event":"typing","data":{}}\n')
    monkeypatch.setattr(recorded_input, "format_session", lambda *_: f"{text}[\n{text}")
    shown = run("ui-state", "show", file)
    assert (shown.exit_code, type(shown.exception)) == (2, SystemExit)
    assert "bug.jsonl cannot be read: " in shown.output


@pytest.mark.parametrize("name", ["bug.session.jsonl", "bug.jsonl", "bug.har"])
def test_a_huge_file_is_reported_without_reading_it(tmp_path: Path, name: str) -> None:
    """Regression: the first line was read until the memory was full."""
    file = tmp_path / name
    file.write_bytes(b'{"session": 1}\n')
    os.truncate(file, MAX_RECORDING_BYTES + 1)
    shown = run("ui-state", "show", file)
    assert (shown.exit_code, "has more than" in shown.output) == (2, True), shown.output


@pytest.mark.parametrize(
    "command",
    [
        "session export {} --as playwright", "session convert {} {}.har", "session compare {} {}",
        "session check {}", "journal --recording {}", "ui-state show {}",
    ],
)  # fmt: skip
def test_a_recording_may_end_inside_of_a_character(tmp_path: Path, text: str, command: str) -> None:
    """Regression: after a crash or on a full disk, a recording was not UTF-8, so no command could read it."""
    file = tmp_path / "cut.session.jsonl"
    file.write_bytes(text.encode() + '{"mark": "ü'.encode()[:-1])
    shown = run(*(each.replace("{}", str(file)) for each in command.split()))
    assert shown.exit_code == 0, shown.output


def test_a_line_is_read_up_to_a_limit(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bug.session.jsonl"
    file.write_text(text + '{"mark": "' + "x" * 5_000, "utf-8")
    assert run("journal", "--recording", file).exit_code == 0, "the line is cut off"
    monkeypatch.setattr(recorded_input, "MAX_LINE_BYTES", 4_000)
    shown = run("journal", "--recording", file)
    assert (shown.exit_code, "is not a recording: line" in shown.output) == (2, True), shown.output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_is_reported_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(file := tmp_path / "bug.session.jsonl")
    shown = run("journal", "--recording", file)
    assert (shown.exit_code, "Not a regular file" in shown.output) == (2, True), shown.output


@pytest.mark.skipif(sys.platform != "linux", reason="the names of files are Unicode")
def test_the_name_of_a_file_need_not_be_unicode(tmp_path: Path, text: str, bundle: Path) -> None:
    """Regression: the conversion ended with a traceback, and the session could not be played."""
    saved = tmp_path / "\udcffx.session.jsonl"
    saved.write_text(text)
    for suffix in ("ndjson", "har", "chat", "session.jsonl"):
        converted = tmp_path / f"\udcffy.{suffix}"
        assert run("session", "convert", saved, converted).exit_code == 0
        if suffix != "chat":  # a recording is not read from a transcript
            assert run("session", "convert", converted, tmp_path / "z.session.jsonl").exit_code == 0
            assert run("session", "export", converted, "--as", "pytest", "-o", tmp_path / "t.py").exit_code == 0
    (named := tmp_path / "\udcffz.zip").write_bytes(bundle.read_bytes())
    assert run("session", "convert", named, tmp_path / "z.session.jsonl").exit_code == 0
    assert session_request(str(saved))[1]["name"] == "?x"
    assert session_request(str(named))[1]["name"] == "?z"


def test_the_chat_states_that_a_session_loads_are_sent_with_it(tmp_path: Path) -> None:
    """Regression: the file that the header names was not sent, so the session could not be played."""
    file = tmp_path / "y.session.jsonl"
    steps = '{"state": "load", "file": "later.json"}\n{"state": "load", "file": "missing.json"}\n'
    file.write_text('{"session": 1, "title": "t", "state": "scene.json"}\n' + steps)
    states = {name: {"version": 1, "people": [name]} for name in ("scene.json", "later.json")}
    for name, state in states.items():
        (tmp_path / name).write_text(json.dumps(state))
    assert session_request(str(file))[1]["files"] == states
