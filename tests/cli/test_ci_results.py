"""Results for CI systems: ``--junit`` and annotations of GitHub Actions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from app.cli import contract_check
from app.cli.ci_results import annotate
from app.cli.control import Control, fail
from app.cli.main import app
from app.cli.session_progress import Progress
from app.protocol.contract import Direction
from app.protocol.contract_documents.drift_result import Difference
from app.system.exit_codes import Exit

DIFFERENCE = {"path": "chat.activeChat", "expected": "alice", "reported": None}
FINDING = {"row": 3, "text": "msg_id x was used\nin #1"}
RULE = {
    "rule": "duplicate-id", "severity": "error", "title": "A message ID is unique", "why": "", "advice": "",
    "on": True, "count": 1, "first_row": 3, "last_row": 3, "findings": [FINDING],
}  # fmt: skip
LAB = {
    "closed": [1], "expected_attempts": 5, "mode": "503", "lines": ["attempt 1 after 9.0 s (3 s) ✗ too late"],
    "outcome": "deviates", "text": "1 of 5 attempts seen", "version": 1,
}  # fmt: skip
RUN = {
    "number": 1, "title": "greeting", "name": "greeting", "seed": 7, "state": "failed", "steps": 1, "events": 0,
    "met": 0, "unmet": 1, "error": "", "elapsed": 0.1, "version": 1, "files": {},
    "results": [{"line": 2, "text": "expect typing", "met": False, "took": 0.1, "detail": "the UI sent nothing"}],
}  # fmt: skip
NOT_MET: dict[tuple[str, ...], Any] = {
    ("expect", "typing"): {"met": False, "after_s": 0.0, "row": None, "received_instead": []},
    ("ui-state", "compare"): {"equal": False, "differences": [DIFFERENCE], "deviations": []},
    ("ui-state", "expect", "a=1"): {"client": 1, "met": False, "has_reported": True, "differences": [DIFFERENCE]},
    ("ui-state", "expect", "b=1"): {"client": None, "met": False, "has_reported": False, "differences": []},
    ("reconnects", "lab"): LAB,
    ("contract", "lint"): {"rules": [RULE], "skipped": 0},
    ("session", "run", "greeting"): RUN,
}
"""Commands, with a response of the control API that lets them fail."""
MET: dict[tuple[str, ...], Any] = {
    ("ui-state", "compare"): {"equal": True, "differences": [], "deviations": []},
    ("ui-state", "expect", "a=1"): {"client": 1, "met": True, "has_reported": True, "differences": []},
    ("reconnects", "lab"): {**LAB, "outcome": "fits"},
    ("contract", "lint"): {"rules": [{**RULE, "count": 0, "findings": []}], "skipped": 0},
    ("session", "run", "greeting"): {**RUN, "state": "passed", "unmet": 0, "results": []},
}
Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Return a function that runs a command in GitHub Actions, with this response of the control API."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Control, "__init__", lambda *_, **__: None)

    def run(words: tuple[str, ...], answer: Any) -> Result:
        monkeypatch.setattr(Control, "call", lambda *_, **__: answer)
        return CliRunner().invoke(app, [words[0], words[1], "--junit", "results.xml", *words[2:]])

    return run


def failures(file: Path = Path("results.xml")) -> list[str]:
    return [each.attrib["message"] for each in ElementTree.parse(file).getroot().iter("failure")]


def errors() -> dict[str, str]:
    """Return the errors in the file by suite."""
    suites = ElementTree.parse("results.xml").getroot()
    return {suite.attrib["name"]: each.attrib["message"] for suite in suites for each in suite.iter("error")}


@pytest.mark.parametrize("words", NOT_MET, ids=" ".join)
def test_what_failed_is_in_the_file_and_an_annotation(invoke: Invoke, words: tuple[str, ...]) -> None:
    done = invoke(words, NOT_MET[words])
    assert done.exit_code == 1, done.output
    assert len(failures()) == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert line.count("::") == 2
    assert "\\u" not in line


@pytest.mark.parametrize(("number", "often"), [(1, "1 time"), (2, "2 times")])
def test_a_state_that_deviated_says_how_often(invoke: Invoke, number: int, often: str) -> None:
    """Regression: *it deviated 1 times*."""
    deviation = {"seq": 3, "last_seq": 3, "title": "typing", **DIFFERENCE}
    answer = {"equal": True, "differences": [], "deviations": [deviation] * number}
    assert invoke(("ui-state", "compare"), answer).exit_code == 1
    assert failures() == [f"equal now, but it deviated {often}"]


@pytest.mark.parametrize("words", NOT_MET, ids=" ".join)
def test_json_is_not_mixed_with_annotations(invoke: Invoke, words: tuple[str, ...]) -> None:
    done = invoke((*words, "--json"), NOT_MET[words])
    assert "::error" not in done.stdout
    assert done.stdout.startswith("{")
    assert "::error" in done.stderr


@pytest.mark.parametrize("words", MET, ids=" ".join)
def test_what_passed_has_no_failure_and_no_annotation(invoke: Invoke, words: tuple[str, ...]) -> None:
    done = invoke(words, MET[words])
    assert done.exit_code == 0, done.output
    assert failures() == []
    assert "<testcase" in Path("results.xml").read_text("utf-8")
    assert "::" not in done.output.replace("://", "")


def test_a_file_that_cannot_be_written_is_one_sentence(invoke: Invoke) -> None:
    Path("results.xml").mkdir()
    done = invoke(("expect", "typing"), NOT_MET["expect", "typing"])
    assert done.exit_code == 2  # a folder is not accepted
    assert "Traceback" not in done.output


def test_an_annotation_is_one_line_with_escaped_properties(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    annotate("not in CI")
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    annotate("100 %\nnext: a, b", title="a: b, c", file="e2e/x.chat", line=3, level="warning")
    assert capsys.readouterr().out == "::warning file=e2e/x.chat,line=3,title=a%3A b%2C c::100 %25%0Anext: a, b\n"
    annotate("plain")
    assert capsys.readouterr().out == "::error::plain\n"


def test_differing_types_are_annotated_at_the_file(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("events.ts").touch()
    difference = Difference(
        direction=Direction.TO_UI, event="typing", path="username", kind="missing field", ui="", contract="string",
        sentence="typing: the field username is missing.",
    )  # fmt: skip
    contract = {"event_key": "event", "data_key": "data", "events": []}
    monkeypatch.setattr(contract_check, "_compare", lambda *_: [difference])
    done = invoke(("contract", "check", "events.ts"), contract)
    assert done.exit_code == 1
    annotation = "::error file=events.ts,title=companion contract check::typing: the field username is missing."
    assert annotation in done.stdout.splitlines()
    assert failures() == ["typing: the field username is missing."]
    monkeypatch.setattr(contract_check, "_compare", lambda *_: [])
    assert invoke(("contract", "check", "events.ts"), contract).exit_code == 0
    assert failures() == []


def test_an_expectation_that_came_too_early_is_named(invoke: Invoke) -> None:
    early: dict[str, object] = {
        "met": False,
        "after_s": 0.5,
        "row": None,
        "received_instead": [],
        "earlier": {"seq": 12},
    }
    done = invoke(("expect", "typing", "--within", "0.5"), early)
    assert failures() == ["not received within 0.5 s; no other event either; received before, as row #12"]
    assert "It was received before the command began, as row #12. --after 11 counts it." in done.stderr


def test_the_result_of_the_lab_is_kept_if_its_picture_cannot_be_written(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Control, "download", lambda *_, **__: iter([b"<svg/>"]))
    done = invoke(("reconnects", "lab", "--picture", "missing/plot.svg", "--json"), {**LAB, "outcome": "fits"})
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "fits"
    assert Path("results.xml").exists()
    assert "cannot be written" in done.stderr


def test_the_results_of_a_session_are_kept_if_a_file_of_it_cannot_be_written(invoke: Invoke) -> None:
    Path("after.json").mkdir()
    run = {**RUN, "state": "passed", "unmet": 0, "results": [], "files": {"after.json": {}}}
    done = invoke(("session", "run", "greeting", "again", "--json"), run)
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert Path("results.xml").exists()
    assert done.stderr.count("exists and is not a saved chat state") == 4  # with the annotations
    found = [each.attrib["message"] for each in ElementTree.parse("results.xml").getroot().iter("error")]
    assert found == ["'after.json' exists and is not a saved chat state. Use another name."] * 2


def test_a_session_in_a_file_replaces_only_saved_chat_states(invoke: Invoke) -> None:
    """Regression: ``state save package.json`` in a session from elsewhere replaced that file."""
    state: Any = {"version": 1, "people": []}
    contents = {"package.json": '{"name": "mine"}', "run.sh": "#!/bin/sh\n", "old.json": json.dumps(state)}
    for name, content in contents.items():
        Path(name).write_text(content)
    state["people"].append({"username": "alice"})
    files = dict.fromkeys([*contents, "../outside.json", "new.json"], state)
    done = invoke(("session", "run", "greeting"), {**RUN, "state": "passed", "results": [], "files": files})
    assert done.exit_code == 1
    assert Path("results.xml").exists()
    assert [Path(name).read_text() for name in ("package.json", "run.sh")] == list(contents.values())[:2]
    assert [json.loads(Path(name).read_text()) for name in ("old.json", "new.json")] == [state, state]
    assert "'package.json' exists and is not a saved chat state. Use another name." in done.stderr
    assert "The file 'run.sh' must end in .json." in done.stderr
    assert "The file '../outside.json' is outside of the session's folder." in done.stderr
    assert done.stderr.count("Saved ") == 2


@pytest.mark.parametrize("code", [Exit.FAILED, Exit.USAGE, Exit.NOT_RUNNING])
@pytest.mark.parametrize("words", [each for each in NOT_MET if each[0] != "session"], ids=" ".join)
def test_a_failure_before_the_check_is_an_error_in_the_file(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: Exit
) -> None:
    """Regression: without a companion, the file of an earlier run stayed."""

    def call(*_: Any, **__: Any) -> None:
        fail("No client is connected.", code)

    monkeypatch.setattr(Control, "call", call)
    done = CliRunner().invoke(app, [*words, "--junit", "results.xml"])
    assert done.exit_code == code
    assert errors() == {f"{words[0]} {words[1]}" if words[0] != "expect" else "expect": "No client is connected."}
    assert "::No client is connected." in done.stdout


@pytest.mark.parametrize("words", NOT_MET, ids=" ".join)
def test_the_json_is_printed_if_the_file_cannot_be_written(invoke: Invoke, words: tuple[str, ...]) -> None:
    done = invoke((*words, "--json", "--junit", "missing/results.xml"), NOT_MET[words])
    assert done.exit_code == 1
    assert isinstance(json.loads(done.stdout), dict)
    assert "cannot be written" in done.stderr


def test_sessions_that_cannot_be_loaded_or_played_are_errors_in_the_file(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the sessions after one that was refused were not played, and not in the file."""
    words = ("session", "run", "greeting", "missing", "again", "empty", "--junit", "results.xml")
    run = {**RUN, "state": "passed", "unmet": 0, "results": []}

    def call(_: Control, method: str, path: str, body: Any = None, **__: Any) -> Any:
        if method == "POST" and body["name"] == "missing":
            fail("There is no session 'missing'.", Exit.USAGE)
        if method == "POST" and body["name"] == "empty":
            fail("The session 'empty' has no steps.", Exit.FAILED)
        return run

    monkeypatch.setattr(Control, "call", call)
    assert CliRunner().invoke(app, words).exit_code == 2
    assert errors() == {"missing": "There is no session 'missing'.", "empty": "The session 'empty' has no steps."}
    played = [each.attrib["name"] for each in ElementTree.parse("results.xml").getroot()]
    assert played == ["greeting", "missing", "greeting", "empty"], "the double names every run greeting"
    Path("bad.chat").write_text("nonsense\n")
    Path("empty.chat").write_text("# Title\n")
    invalid = ("session", "run", "none.chat", "greeting", "bad.chat", "empty.chat", "--junit", "results.xml")
    assert CliRunner().invoke(app, invalid).exit_code == 2
    assert list(errors()) == ["none.chat", "bad.chat", "empty.chat"]
    assert errors()["empty.chat"] == "empty.chat:\nThe session has no steps."


def test_no_session_is_played_after_the_companion_has_ended(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: each of them was tried, and was an error of its own."""
    called = []

    def call(_: Control, method: str, path: str, body: Any = None, **__: Any) -> Any:
        called.append((method, path))
        if body and body["name"] == "second":
            fail("The connection was lost.", Exit.NOT_RUNNING)
        return {**RUN, "state": "passed", "unmet": 0, "results": []}

    monkeypatch.setattr(Control, "call", call)
    words = ("session", "run", "first", "second", "third", "fourth", "--junit", "results.xml")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == Exit.NOT_RUNNING
    assert done.stderr.count("The connection was lost.") == 1
    assert called.count(("POST", "/v1/runs")) == 2
    not_played = dict.fromkeys(["third", "fourth"], "Not played: The connection was lost.")
    assert errors() == {"second": "The connection was lost.", **not_played}


@pytest.mark.parametrize("name", ["a\\u0000b.json", "../a.json"])
def test_a_session_that_loads_a_file_with_an_impossible_name_is_a_usage_error(invoke: Invoke, name: str) -> None:
    """Regression: a null character ended the command with a traceback."""
    Path("x.session.jsonl").write_text(f'{{"session":1}}\n{{"state":"load","file":"{name}"}}\n')
    done = invoke(("session", "run", "x.session.jsonl"), {})
    assert done.exit_code == 2, done.output
    assert "The file" in done.stderr


def test_a_session_that_was_interrupted_ends_with_130(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(progress: Progress, _: Any) -> Any:
        progress.interrupted = True
        return {**RUN, "state": "stopped", "unmet": 0, "results": []}

    monkeypatch.setattr(Progress, "follow", follow)
    assert invoke(("session", "run", "greeting", "again"), RUN).exit_code == 130
    assert [each.attrib["name"] for each in ElementTree.parse("results.xml").getroot()] == ["greeting"]
