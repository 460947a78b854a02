"""``companion fixtures``: built-in fixtures and the user's own."""

import json
import threading
from pathlib import Path

import pytest

from . import sockets
from .conftest import Run, RunJson, Start, both_variants
from .processes import COMPANION, PATIENCE_S, Companion, Program, serve
from .tools import posix_only

pytestmark = pytest.mark.shared_server

ONLINE = '{"event": "friend_online", "data": {"username": "carol"}}'
GREETING = {"title": "A greeting", "event": "new_message", "data": {"text": "{{persona}} says Grüß Gott"}}


def test_list_contains_all_built_in_fixtures(program: Companion, run: Run, run_json: RunJson) -> None:
    lines = run("fixtures", "list").out
    assert any(line.startswith("basics/message ") and line.endswith("(pinned)") for line in lines)
    listed = {each["name"]: each for each in run_json("fixtures", "list")}
    assert len(listed) == len(lines)
    assert listed["nasty/rtl"] | {"event": "new_message", "own": False, "pinned": False} == listed["nasty/rtl"]


def test_show_prints_the_file_and_what_a_ui_must_do(server: Companion, run: Run, run_json: RunJson) -> None:
    result = run("fixtures", "show", "nasty/rtl")
    shown = json.loads("\n".join(result.out))
    assert shown["data"]["msg_id"] == "{{uuid}}"
    assert result.err == [f"What your UI should do: {shown['must']}"]
    assert run_json("fixtures", "show", "nasty/rtl") == {"name": "nasty/rtl", "own": False, "fixture": shown}


@both_variants
def test_a_fixture_is_saved_renamed_and_deleted(
    program: Companion, run: Run, data_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "greeting.json"
    file.write_text(json.dumps(GREETING, ensure_ascii=False), encoding="utf-8")
    assert run("fixtures", "save", "mine/greeting", file).out == ["saved mine/greeting"]
    saved = json.loads((data_dir / "fixtures" / "mine" / "greeting.json").read_text(encoding="utf-8"))
    assert saved == {"$schema": "../fixture.schema.json", **GREETING}
    assert json.loads("\n".join(run("fixtures", "show", "greeting").out)) == GREETING

    assert run("fixtures", "rename", "mine/greeting", "mine/hello").out == ["mine/greeting is now mine/hello"]
    run("fixtures", "show", "mine/greeting", exits=2)
    assert run("fixtures", "list").out[0].split() == ["mine/hello", "A", "greeting"], "the user's own come first"

    assert run("fixtures", "delete", "mine/hello").out == ["deleted mine/hello"]
    assert run("fixtures", "delete", "mine/hello", exits=2).err == ["There is no fixture 'mine/hello'."]
    assert [each.name for each in (data_dir / "fixtures").rglob("*.json")] == ["fixture.schema.json"]


def test_run_with_changes_and_for_one_user(program: Companion, run: Run) -> None:
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url, "carol"):
        result = run("fixtures", "run", "guide/new_message", "--set", "text=other", "--to", "user:bob")
        assert result.out[0].endswith("delivered to 1 client")
        assert sockets.receive(bob)["data"]["text"] == "other"


def test_run_checks_what_the_fixture_expects(program: Companion, run: Run, run_json: RunJson) -> None:
    expecting = {**json.loads(ONLINE), "expect": {"event": "typing", "where": {"to": "bob"}, "within": 0.2}}
    run("fixtures", "save", "mine/expecting", "-", typed=json.dumps(expecting))
    assert run("fixtures", "list").out[0].endswith("(expects typing)")
    result = run("fixtures", "run", "mine/expecting", exits=1)
    assert result.err[-1] == "✗ did not wait for typing with to=bob, because no client received the event"
    with sockets.client(program.url) as ui:
        result = run("fixtures", "run", "mine/expecting", exits=1)
        assert result.out[0].endswith("delivered to 1 client")
        assert result.err == ["✗ no typing with to=bob within 0.2 s; no other event was received"]
        run("fixtures", "run", "mine/expecting", "--no-expect")
        run("trigger", "--fixture", "mine/expecting", "--no-expect")
        assert run("trigger", "--fixture", "mine/expecting", exits=1).err == result.err
        for _ in range(4):
            sockets.receive(ui)

        def respond() -> None:
            sockets.receive(ui)
            sockets.send(ui, "typing", to="bob", typing=True)

        response = threading.Thread(target=respond)
        response.start()
        patient = {**expecting, "expect": {**expecting["expect"], "within": 60}}
        run("fixtures", "save", "mine/expecting", "-", typed=json.dumps(patient))
        met = run("fixtures", "run", "mine/expecting").out
        response.join()
    assert met[1].startswith("✓ typing with to=bob received after ")


def test_save_reads_standard_input(program: Companion, run: Run) -> None:
    assert run("fixtures", "save", "mine/online", "-", typed=ONLINE).err == []
    with sockets.client(program.url) as ui:
        run("fixtures", "run", "mine/online")
        assert sockets.receive(ui) == json.loads(ONLINE)


def test_save_keeps_a_row_of_the_log(program: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(program.url) as ui:
        fired = run_json("trigger", "new_message", "--set", "text=Grüße {{braces}}now}}")
        sent = sockets.receive(ui)["data"]
        assert sent["text"] == "Grüße {{now}}"
        run("fixtures", "save", "mine/literal", "--row", str(fired["seq"]), "--literal")
        run("fixtures", "run", "mine/literal")
        assert sockets.receive(ui)["data"] == sent
        run("fixtures", "save", "mine/row", "--row", str(fired["seq"]))
        ids, times = {sent["msg_id"]}, {sent["timestamp"]}
        for _ in range(2):
            run("fixtures", "run", "mine/row")
            again = sockets.receive(ui)["data"]
            ids.add(again["msg_id"])
            times.add(again["timestamp"])
            assert again == sent | {"msg_id": again["msg_id"], "timestamp": again["timestamp"]}
        assert len(ids) == len(times) == 3


def test_a_file_is_saved_with_its_own_id(server: Companion, run: Run, run_json: RunJson, tmp_path: Path) -> None:
    message = run_json("fixtures", "show", "guide/new_message")["fixture"]["data"] | {
        "msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "timestamp": "2024-01-15T10:30:00Z",
    }  # fmt: skip
    file = tmp_path / "message.json"
    file.write_text(json.dumps({"event": "new_message", "data": message}))
    run("fixtures", "save", "mine/message", file)
    assert run_json("fixtures", "show", "mine/message")["fixture"]["data"] == message
    run("fixtures", "save", "mine/message", file, "--literal", exits=2)


@pytest.mark.parametrize(
    ("text", "why"), [("{not json", "invalid JSON"), ('{"event":"x","data":{},"tims":3}', "tims"), ("", "empty")]
)
def test_save_reports_that_it_saves_text_as_a_raw_frame(server: Companion, run: Run, text: str, why: str) -> None:
    (notice,) = run("fixtures", "save", "mine/raw", "-", typed=text).err
    assert notice.startswith("Saved as a raw frame")
    assert why in notice
    with sockets.client(server.url) as ui:
        run("fixtures", "run", "mine/raw")
        assert ui.recv(timeout=PATIENCE_S) == text


@pytest.mark.parametrize(
    ("arguments", "exits", "sentence"),
    [
        (("show", "nonsense"), 2, "There is no fixture 'nonsense'."),
        (("show", "typing"), 2, "did you mean basics/typing or guide/typing"),
        (("run", "nonsense"), 2, "There is no fixture 'nonsense'."),
        (("delete", "nasty/rtl"), 1, "nasty/rtl is built in"),
        (("rename", "nasty/rtl", "mine/rtl"), 1, "nasty/rtl is built in"),
        (("save", "../escape", "-"), 2, "invalid name '../escape'"),
        (("save", "mine/x", "no such file.json"), 2, "no such file.json cannot be read: "),
        pytest.param(
            ("save", "mine/x", "/dev/zero"), 2, "/dev/zero cannot be read: Not a regular file.", marks=posix_only
        ),
        (("save", "mine/x", "/"), 2, "/ cannot be read: Is a directory."),
        (("save", "mine/x", "--row", "999"), 2, "Row 999 is no longer in the log"),
        (("save", "mine/x", "--row", "1"), 2, "is not an event to the UI"),
        (("save", "mine/x"), 2, "give either a FILE or --row"),
        (("save", "mine/x", "-", "--row", "1"), 2, "give either a FILE or --row"),
    ],
)
def test_a_failed_command_reports_the_error(
    server: Companion, run: Run, arguments: tuple[str, ...], exits: int, sentence: str
) -> None:
    result = run("fixtures", *arguments, exits=exits, typed=ONLINE)
    assert result.out == []
    assert sentence in result.err[-1]


@pytest.mark.shared_server(False)
def test_a_fixtures_folder_in_a_uis_repository(running: Start, run: Run, data_dir: Path, tmp_path: Path) -> None:
    """Fixtures of a team: files from a checkout, and files that appear while the companion runs."""
    folder = tmp_path / "ui repository" / "fixtures"
    (folder / "team").mkdir(parents=True)
    (folder / "team" / "hello.json").write_text(json.dumps(GREETING), encoding="utf-8")
    (folder / "broken.json").write_text("{")
    running(serve(data_dir, "--fixtures", folder))
    result = run("fixtures", "list")
    assert result.out[0].split()[0] == "team/hello"
    unreadable, invalid = result.err
    assert "broken.json is not a valid fixture" in unreadable
    assert invalid.startswith("team/hello is not valid: data.msg_id: is missing; ")
    (folder / "pulled.json").write_text(ONLINE)
    assert "pulled" in [line.split()[0] for line in run("fixtures", "list").out]
    run("fixtures", "save", "team/new", "-", typed=ONLINE)
    assert (folder / "team" / "new.json").exists()
    assert not (data_dir / "fixtures").exists()


def completed(running: Start, words: str, **env: str) -> Program:
    """Request the completion of ``words`` like bash."""
    environment = {"_COMPANION_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = running(Program("tab key", *COMPANION, env={**environment, **env}))
    program.wait()
    return program


def test_the_tab_key_completes_names(server: Companion, running: Start, data_dir: Path) -> None:
    by_environment = completed(running, "companion fixtures show nasty/r", COMPANION_DATA_DIR=str(data_dir))
    option = f"--data-dir {data_dir.as_posix()}"  # a backslash quotes the next character in bash
    by_option = completed(running, f"companion fixtures show {option} nasty/r")
    by_trigger = completed(running, f"companion trigger {option} --fixture nasty/r")
    assert by_environment.out == by_option.out == by_trigger.out == ["nasty/rtl"]
    assert completed(running, "companion expect ty").out == ["typing"]


@pytest.mark.shared_server(False)
def test_the_tab_key_prints_nothing_when_no_companion_runs(running: Start, data_dir: Path) -> None:
    result = completed(running, "companion fixtures show nasty/r", COMPANION_DATA_DIR=str(data_dir))
    assert ("".join(result.out), result.err) == ("", [])
    assert completed(running, "companion trigger friend_").out == ["friend_online", "friend_offline"]
