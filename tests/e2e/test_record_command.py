"""``companion session record``, and the state of the UI's stores from a recording, without a companion."""

import json
import signal
from pathlib import Path
from typing import Any

from . import processes, sockets
from .conftest import Run, RunJson, both_variants
from .processes import Companion


def steps_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[1:]]


@both_variants
def test_a_part_is_recorded_and_the_whole_run_is_saved(
    program: Companion, run: Run, run_json: RunJson, tmp_path: Path, data_dir: Path
) -> None:
    run("trigger", "new_message", "--set", "text=before")
    assert run("session", "record", "start", "mine/bug").out == ["recording mine/bug"]
    run("trigger", "new_message", "--set", "text=during")
    ended = run_json("session", "record", "stop")
    file = data_dir / "sessions" / "mine" / "bug.session.jsonl"
    assert ended["file"] == str(file)
    assert [json.loads(each["payload"])["data"]["text"] for each in steps_of(file) if "s2c" in each] == ["during"]
    whole = tmp_path / "run.session.jsonl"
    run("session", "record", "save", whole)
    texts = [json.loads(each["payload"])["data"]["text"] for each in steps_of(whole) if "s2c" in each]
    assert texts == ["before", "during"]
    assert [each["name"] for each in run_json("session", "record", "list")["runs"]] == ["this-run"]


def test_the_state_of_a_recording_is_the_one_that_the_companion_computed(
    server: Companion, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    with sockets.client(server.url):
        run("trigger", "new_message", "--as", "alice", "--set", "text=one", "--wait", 10)
        run("trigger", "new_message", "--as", "alice", "--set", "text=two")
        log = [json.loads(line) for line in run("journal", "--json").out]
        rows = [each["seq"] for each in log if each["event"] == "new_message"]
        expected = run_json("ui-state", "show")
        earlier = run_json("ui-state", "show", "--after", rows[-2])
        file = tmp_path / "run.session.jsonl"
        run("session", "record", "save", file)
    server.stop()
    assert run_json("ui-state", "show", file) == expected
    assert run_json("ui-state", "show", file, "--client", 1, "--after", rows[-2]) == earlier
    assert list(expected) == ["chatStore", "contactStore", "uiStore"]
    assert [each["text"] for each in expected["chatStore"]["messages"]["alice"]][-2:] == ["one", "two"]
    shown = run_json("ui-state", "show", "run-before", "--after", rows[-1])
    assert shown["chatStore"] == expected["chatStore"], "the file in the data folder has the same rows"


def test_a_killed_companion_loses_at_most_the_last_line_and_says_so(
    server: Companion, run: Run, data_dir: Path, running: Any
) -> None:
    recording = data_dir / "recordings" / "this-run.session.jsonl"
    for number in range(4):
        run("trigger", "new_message", "--set", f"text=message {number}")
    processes.wait_until(lambda: "message 3" in recording.read_text(encoding="utf-8"), "the fourth message")
    run("trigger", "new_message", "--set", "text=message 4")
    server.process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    server.process.wait()
    again = running(processes.serve(data_dir))
    assert any("did not end normally last time" in line for line in again.err)
    texts = [
        json.loads(each["payload"])["data"]["text"]
        for each in steps_of(data_dir / "recordings" / "run-before.session.jsonl")
        if "s2c" in each
    ]
    assert texts[:4] == [f"message {number}" for number in range(4)]


def test_a_companion_that_is_killed_under_load_loses_at_most_the_end(
    running: Any, run: Run, data_dir: Path
) -> None:
    server = running(processes.serve(processes.without_rate_limit(data_dir)))
    recording = data_dir / "recordings" / "this-run.session.jsonl"
    received = 0
    with sockets.client(server.url, "alice") as alice, sockets.client(server.url, "me") as me:
        while recording.stat().st_size < 300_000:
            for _ in range(50):
                sockets.send(alice, "typing", to="me", typing=received % 2 == 0)
                received += sockets.receive(me)["event"] == "typing"
        processes.wait_until(lambda: recording.read_bytes().count(b'"s2c":"typing"') >= received, "the rows so far")
        for _ in range(200):
            sockets.send(alice, "typing", to="me", typing=True)
        server.process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        server.process.wait()
    content = recording.read_bytes()
    *complete, last = content.split(b"\n")
    steps = [json.loads(line) for line in complete]
    assert last == b"" or not last.endswith(b"}"), "only the last line may be cut off"
    numbers = [each["seq"] for each in steps if each.get("seq")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no row in between is missing"
    frames = sum(each.get("s2c") == "typing" for each in steps)
    assert frames >= received
    assert run("session", "convert", recording, data_dir / "x.jsonl").out
    assert run_state(run, recording)


def run_state(run: Run, file: Path) -> Any:
    return json.loads(run("ui-state", "show", file, "--client", "2", "--json").out[0])


def test_a_file_that_is_no_recording_is_reported(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.session.jsonl"
    for content, reason in (
        ("", "is not a recording: The first line must be a header"),
        ('{"session": 1}\n{\n{}\n', "is not a recording: line 2"),
    ):
        file.write_text(content)
        assert reason in run("ui-state", "show", file, exits=2).err[0]
    assert "cannot be read" in run("ui-state", "show", tmp_path / "none", exits=2).err[0]


def test_two_recordings_are_compared(run: Run, run_json: RunJson, tmp_path: Path) -> None:
    files = []
    for number, typing in enumerate((True, False)):
        frame = json.dumps({"event": "typing", "data": {"to": "alice", "typing": typing}})
        lines = [{"session": 1, "kind": "recording"}, {"after": number, "c2s": "typing", "payload": frame}]
        files.append(tmp_path / f"{number}.session.jsonl")
        files[-1].write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    assert run("session", "compare", files[0], files[0]).out == ["equal"]
    assert run("session", "compare", *files, exits=1).out == [
        f'- {files[0]}:2: typing {{"to": "alice", "typing": true}}',
        f'+ {files[1]}:2: typing {{"to": "alice", "typing": false}}',
    ]
    ((difference,),) = [run_json("session", "compare", *files, exits=1)]
    assert difference["first"]["event"] == "typing"
