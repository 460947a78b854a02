"""``companion session``: scenarios are played against a real client, from files and by name, with JUnit."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from . import sockets
from .conftest import Run, RunJson, StartCommand, both_variants
from .processes import Companion

pytestmark = pytest.mark.shared_server

GREETING = """\
# Greeting
seed 7

alice (types 100ms): hi there 👋
expect typing from me where typing=true within 10s
when POST /messages
    alice: got it
"""


def file_of(tmp_path: Path, text: str, name: str = "greeting.chat") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


@both_variants
def test_a_scenario_is_played_to_a_client_and_judged(program: Companion, run: Run, tmp_path: Path) -> None:
    junit = tmp_path / "results.xml"
    file = file_of(tmp_path, "alice: hi\nexpect typing within 100ms\n")
    result = run("session", "run", file, "--junit", junit, "--speed", "max", exits=1)
    assert any("✗ line 2: expect typing" in line for line in result.out)
    assert result.out[-1].startswith("failed after")
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("1", "1")


def test_the_results_of_a_session_are_kept_if_a_later_one_cannot_be_played(
    server: Companion, run: Run, tmp_path: Path
) -> None:
    """Regression: there was no output and no JUnit file, although the first one was played."""
    junit, file = tmp_path / "results.xml", file_of(tmp_path, "alice: hi\n")
    result = run("session", "run", file, "no/such", "--junit", junit, "--json", "--speed", "max", exits=2)
    assert [json.loads(line)["state"] for line in result.out] == ["passed"]
    assert [each.attrib["errors"] for each in ElementTree.parse(junit).getroot()] == ["0", "1"]


def test_no_session_is_played_if_a_later_file_is_not_valid(server: Companion, run: Run, tmp_path: Path) -> None:
    good, bad = file_of(tmp_path, "alice: hi\n"), file_of(tmp_path, "no statement\n", "bad.chat")
    result = run("session", "run", good, bad, exits=2)
    assert (result.out, "bad.chat" in result.err[0]) == ([], True)


def test_a_session_loads_the_chat_state_that_an_earlier_one_has_saved(
    server: Companion, run: Run, tmp_path: Path
) -> None:
    saves = file_of(tmp_path, "state save mine.json\n", "a.chat")
    loads = file_of(tmp_path, "state load mine.json\n", "b.chat")
    run("session", "run", saves, loads, "--speed", "max")


def test_step_by_step_the_rest_is_played_when_the_input_ends(server: Companion, run: Run, tmp_path: Path) -> None:
    file = file_of(tmp_path, "alice: one\nalice: two\nalice: three\n")
    played = run("session", "run", file, "--step", typed="\n")
    assert played.out[-1].startswith("passed after")
    assert any("0 of 3 steps played" in line for line in played.err)


def test_what_the_ui_sends_meets_the_expectation(server: Companion, run_json: RunJson, tmp_path: Path) -> None:
    with sockets.client(server.url) as client:
        client.send(json.dumps({"event": "typing", "data": {"peer": "alice", "typing": True}}))
        played = run_json(
            "session", "run", file_of(tmp_path, "wait for all\nalice: hi\nwait 10ms\nexpect typing within 50ms\n"),
            exits=1,
        )  # fmt: skip
        assert played["unmet"] == 1, "an event before the message does not count"
        assert json.loads(client.recv())["data"]["text"] == "hi"


def test_two_runs_with_one_seed_and_time_send_the_same_bytes(
    server: Companion, run_json: RunJson, tmp_path: Path
) -> None:
    file = file_of(tmp_path, "alice (types 100ms): {{faker.sentence}}\nfire new_message as bob\n")
    frames = []
    for speed in ("1", "8", "max"):
        with sockets.client(server.url) as client:
            assert (
                run_json("session", "run", file, "--seed", 7, "--at", "2026-01-01T00:00:00Z", "--speed", speed)[
                    "state"
                ]
                == "passed"
            )
            frames.append([client.recv() for _ in range(4)])
    assert frames[0] == frames[1] == frames[2]


def test_an_invalid_session_exits_with_2_and_shows_the_place(server: Companion, run: Run, tmp_path: Path) -> None:
    file = file_of(tmp_path, "alice: hi\nexpect typing frm me\n")
    excerpt = ["    expect typing frm me", "                  ^"]
    for command in (("run",), ("save", "bad")):
        err = run("session", *command, file, exits=2).err
        assert err[0] == f"{file}:"
        assert err[1].startswith("Not a valid session: line 2, column 15: Unexpected 'frm'.")
        assert err[2:] == excerpt
    out = run("session", "check", file, "showcase/morning", exits=2).out
    assert out[0].startswith(f"{file}:2: Unexpected 'frm'.")
    assert out[1:3] == excerpt
    assert out[3].startswith("showcase/morning: ")


def test_check_names_what_will_not_work(server: Companion, run: Run, tmp_path: Path) -> None:
    file = file_of(tmp_path, "alice: hi\nfire nonsense\n")
    assert run("session", "check", file, exits=2).out == [f"{file}:2: There is no event 'nonsense'."]
    assert run("session", "check", "showcase/morning").out == ["showcase/morning: 8 steps, no problems"]


@pytest.mark.shared_server(False)
def test_check_without_a_companion_checks_the_syntax(run: Run, tmp_path: Path) -> None:
    file = file_of(tmp_path, "alice: hi\n")
    result = run("session", "check", file)
    assert result.err == ["No companion is running, so events, fixtures and friends are not checked."]
    file.write_text("alice says hi\n", encoding="utf-8")
    out = run("session", "check", file, exits=2).out
    assert out[0].startswith(f"{file}:1: Unknown statement 'alice'.")
    assert out[1:] == ["    alice says hi", "    ^"]
    file.write_text("# Title\n", encoding="utf-8")
    assert run("session", "check", file, exits=2).out == [f"{file}:1: The session has no steps."]


def test_convert_keeps_the_text(run: Run, tmp_path: Path) -> None:
    file, lines, back = file_of(tmp_path, GREETING), tmp_path / "x.session.jsonl", tmp_path / "y.chat"
    assert run("session", "convert", file, lines).out == [f"wrote {lines}"]
    run("session", "convert", lines, back)
    assert back.read_text(encoding="utf-8") == GREETING
    run("session", "convert", file, tmp_path / "x.txt", exits=2)


def test_convert_imports_a_har_and_exports_one(run: Run, tmp_path: Path) -> None:
    har = Path(__file__).parent.parent / "exports" / "har_files" / "chromium.har"
    recording, lines, again = tmp_path / "a.session.jsonl", tmp_path / "a.jsonl", tmp_path / "a.har"
    run("session", "convert", har, recording)
    assert json.loads(recording.read_text(encoding="utf-8").splitlines()[0])["title"] == "chromium"
    run("session", "convert", recording, lines)
    run("session", "convert", recording, again)
    entries = json.loads(again.read_text(encoding="utf-8"))["log"]["entries"]
    assert [len(each["_webSocketMessages"]) for each in entries if "_webSocketMessages" in each] == [5, 7]
    again.write_text('{"log": {"entries": [}}', encoding="utf-8")
    err = run("session", "convert", again, recording, exits=2).err
    assert err[1] == "line 1, column 22: Not a HAR file: Expecting value."
    scenario = file_of(tmp_path, "alice: hi\n")
    err = run("session", "convert", scenario, again, exits=2).err
    assert err[1].startswith("Only a recording can be written as .har")


@pytest.mark.long
def test_a_file_of_two_gigabytes_is_refused_at_once(server: Companion, run: Run, tmp_path: Path) -> None:
    for name in ("huge.har", "huge.jsonl", "huge.session.jsonl", "huge.chat"):
        file = tmp_path / name
        with file.open("wb") as stream:
            stream.truncate(2 * 1024**3)
        assert "The file is larger than 262,144 KiB" in run("session", "convert", file, "x.chat", exits=2).err[0]
    for name, limit in (("huge.session.jsonl", "256 MB"), ("huge.chat", "1 MB")):
        file = tmp_path / name
        assert f"{name} has 2,048.0 MB; at most {limit} can be read" in run("session", "run", file, exits=2).err[0]
        assert "The file is larger than" in run("session", "check", file, exits=2).err[0]


def test_sessions_are_saved_listed_shown_renamed_and_deleted(
    server: Companion, run: Run, data_dir: Path, tmp_path: Path
) -> None:
    assert run("session", "save", "mine/greeting", file_of(tmp_path, GREETING)).out == ["saved mine/greeting"]
    assert (data_dir / "sessions" / "mine" / "greeting.chat").read_text(encoding="utf-8") == GREETING
    assert run("session", "list").out[0].split() == ["mine/greeting", "Greeting"]
    assert "\n".join(run("session", "show", "greeting").out) + "\n" == GREETING
    assert run("session", "rename", "mine/greeting", "mine/hello").out == ["renamed mine/greeting to mine/hello"]
    assert run("session", "delete", "mine/hello").out == ["deleted mine/hello"]


@pytest.mark.shared_server(False)
def test_a_session_of_rules_is_listed_paused_and_stopped(
    server: Companion, start_command: StartCommand, run: Run, run_json: RunJson
) -> None:
    started = start_command("session", "run", "-", typed="when typing\n    alice: hi\n")
    while not (runs := run_json("session", "runs")):
        pass
    assert run("session", "pause", runs[0]["number"]).out == ["session: paused"]
    assert run("session", "resume", runs[0]["number"]).out == ["session: running"]
    assert run("session", "stop", runs[0]["number"]).out == ["session: stopped"]
    assert started.wait() == 1


def test_a_chat_state_beside_the_session_is_loaded_and_saved(server: Companion, run: Run, tmp_path: Path) -> None:
    name = "state.json"
    run("state", "save", tmp_path / name)
    before = json.loads((tmp_path / name).read_text(encoding="utf-8"))
    file = file_of(tmp_path, f"state load {name}\nalice: new\nstate save after.json\n")
    assert run("session", "run", file).err == [f"Saved {tmp_path / 'after.json'}."]
    after = json.loads((tmp_path / "after.json").read_text(encoding="utf-8"))
    assert len(after["messages"]) == len(before["messages"]) + 1
    run("state", "save", tmp_path / name)
    assert json.loads((tmp_path / name).read_text(encoding="utf-8")) == before
    outside = file_of(tmp_path, "state load ../x.json\n", "outside.chat")
    assert "outside of the session's folder" in run("session", "run", outside, exits=2).err[0]


def test_a_recording_that_is_too_large_for_a_request_is_played(
    server: Companion, run_json: RunJson, tmp_path: Path
) -> None:
    notes = [{"note": "x" * 1000, "x-padding": "y" * 2000}] * 6000
    lines = [{"session": 1, "kind": "recording"}, *notes]
    file = file_of(tmp_path, "\n".join(map(json.dumps, lines)) + "\n", "large.session.jsonl")
    assert file.stat().st_size > 17_000_000
    played = run_json("session", "run", file, "--speed", "max")
    assert (played["state"], played["steps"], played["name"]) == ("passed", 6000, "large")


@pytest.mark.shared_server(False)
def test_the_log_and_a_recording_are_exported(
    server: Companion, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    run("session", "record", "start", "mine/bug")
    with sockets.client(server.url) as client:
        run("trigger", "new_message", "--as", "alice", "--set", "text=hello `${x}`")
        sockets.receive(client)
    run("session", "record", "stop")
    exported = run_json("session", "export", "mine/bug", "--as", "playwright")
    assert 'ui.showsPreview(page, "alice", "hello `${x}`");' in exported["text"]
    file = tmp_path / "bug.md"
    written = run("session", "export", "--filter", "event:new_message", "--as", "markdown", "-o", file)
    assert written.out == [f"wrote {file}"]
    assert "hello `${x}`" in file.read_text("utf-8")
    assert run("session", "export", "this-run", "--as", "ndjson").out[0].startswith('{"seq": ')
    assert "hello" in "\n".join(run("session", "export", "this-run", "--as", "scenario").out)


@pytest.mark.shared_server(False)
def test_what_cannot_be_exported_is_said_in_one_sentence(run: Run, tmp_path: Path) -> None:
    scenario = file_of(tmp_path, GREETING)
    refused = run("session", "export", scenario, "--as", "msw", exits=2)
    assert "Play it, then export a recording of the run." in " ".join(refused.err)
    wrong = run("session", "export", file_of(tmp_path, "{}", "x.json"), "--as", "msw", exits=2)
    assert wrong.err[0].endswith("x.json must end in .session.jsonl, .chat, .har, .jsonl, .ndjson or .zip.")
    missing = run("session", "export", tmp_path / "no.har", "--as", "msw", exits=2)
    assert "cannot be read" in missing.err[0]
    both = run("session", "export", scenario, "--as", "msw", "--filter", "x", exits=2)
    assert "they choose rows of the log" in " ".join(both.err)
