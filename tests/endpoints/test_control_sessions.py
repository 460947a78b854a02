"""The sessions in the control API: list, save, check, play, pause, step and stop."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from app.endpoints.control import session_runs
from app.endpoints.control.export_shapes import ExportName
from app.endpoints.control.sessions import SESSION_BYTES
from app.hub import readiness
from app.protocol.envelope import MAX_DEPTH
from app.protocol.errors import NotFound
from app.protocol.export_kinds import Kind
from app.protocol.session.saved import MAX_TRANSCRIPT_BYTES, TRANSCRIPT, parse_session
from app.protocol.session.steps import Session
from tests.conftest import PATIENCE_S, until
from tests.endpoints.control_api import Control

TEXT = {"Content-Type": "text/plain; charset=utf-8"}
SCENARIO = "# Greeting\nalice: hi\nexpect typing within 50ms\n"


async def run(control: Control, **body: Any) -> dict[str, Any]:
    answer = await control.post("/v1/runs", body)
    assert answer.status == 200, answer.json
    return dict(answer.json)


async def ended(control: Control, started: dict[str, Any]) -> dict[str, Any]:
    while started["state"] in ("running", "paused"):
        started = await control.get_json(f"/v1/runs/{started['number']}?seen={started['version']}&wait=5")
    return started


async def test_a_saved_session_is_listed_read_renamed_and_deleted(control: Control) -> None:
    saved = await control.put("/v1/sessions/mine%2Fgreeting", SCENARIO.encode(), headers=TEXT)
    assert saved.json == {
        "name": "mine/greeting", "title": "Greeting", "kind": "scenario", "notation": "chat", "own": True,
        "size": len(SCENARIO),
    }  # fmt: skip
    listed = (await control.get_json("/v1/sessions"))["sessions"]
    assert [each["name"] for each in listed if each["own"]] == ["mine/greeting"]
    shown = await control.get_json("/v1/sessions/greeting")
    assert (shown["text"], shown["notation"]) == (SCENARIO, "chat")
    assert (await control.patch("/v1/sessions/mine%2Fgreeting", {"name": "hello"})).json["name"] == "hello"
    assert (await control.delete("/v1/sessions/hello")).status == 204
    assert (await control.get("/v1/sessions/hello")).status == 404


async def test_an_invalid_session_is_rejected_with_its_place(control: Control) -> None:
    answer = await control.put("/v1/sessions/x", b"exepct typing", headers=TEXT)
    assert answer.status == 422
    assert "line 1, column 1: Unknown statement 'exepct'" in answer.json["detail"]
    assert (await control.post("/v1/runs", {"text": "exepct typing"})).status == 422


async def test_a_session_without_steps_is_not_played(control: Control) -> None:
    """Regression: it passed, for example in a job whose pipe to ``session run -`` was empty."""
    for body in ({"text": ""}, {"text": "# Title\n"}, {"text": '{"session": 1}\n', "notation": "lines"}):
        answer = await control.post("/v1/runs", {**body, "name": "mine"})
        assert (answer.status, answer.detail) == (422, "The session 'mine' has no steps.")
        (problem,) = (await control.post("/v1/runs/check", body)).json["problems"]
        assert problem == {"line": 1, "message": "The session has no steps.", "warning": False}
    loads = '{"session": 1, "state": "state.json"}\n'
    assert (await control.post("/v1/runs", {"text": loads, "notation": "lines"})).status == 200
    assert (await control.post("/v1/runs/check", {"text": loads, "notation": "lines"})).json["problems"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/runs", {"text": SCENARIO}), ("/v1/runs", {"name": "mine"}), ("/v1/runs/file", {"file": __file__})],
    ids=["text", "saved", "file"],
)
async def test_a_session_whose_client_has_gone_while_it_was_read_is_not_played(
    control: Control, monkeypatch: pytest.MonkeyPatch, path: str, body: Any
) -> None:
    """Regression: it was played, and blocked later ones, although nothing waited for its result."""
    reading, gone = asyncio.Event(), asyncio.Event()

    async def read(*_: object) -> Session:
        reading.set()
        await gone.wait()
        return parse_session(SCENARIO, TRANSCRIPT)

    monkeypatch.setattr(session_runs.SessionRunOperations, "_parsed", read)
    sessions = control.companion.saved_sessions
    await sessions.save("mine", SCENARIO, TRANSCRIPT)
    for name in ("load", "load_file"):
        monkeypatch.setattr(sessions, name, read)
    request = asyncio.create_task(control.post(path, body))
    await asyncio.wait_for(reading.wait(), PATIENCE_S)
    request.cancel()
    await until(lambda: all(each.transport is None for each in control.companion.control._connections))
    gone.set()
    assert await control.get_json("/v1/runs") == []


async def test_a_check_names_the_steps_that_will_not_work(control: Control) -> None:
    checked = (await control.post("/v1/runs/check", {"text": "# T\nalice: hi\nfire nonsense"})).json
    assert (checked["title"], checked["steps"]) == ("T", 2)
    assert checked["problems"] == [{"line": 3, "message": "There is no event 'nonsense'.", "warning": False}]


async def test_a_run_returns_its_progress_and_its_verdict(control: Control) -> None:
    result = await ended(control, await run(control, text=SCENARIO, name="greeting", seed=7, speed="max"))
    assert (result["state"], result["steps"], result["events"], result["seed"]) == ("failed", 2, 1, 7)
    assert [(each["line"], each["met"]) for each in result["results"]] == [(3, False)]
    for after, lines in ((0, [3]), (1, []), (9, [])):
        shown = await control.get_json(f"/v1/runs/{result['number']}?results_after={after}")
        assert [each["line"] for each in shown["results"]] == lines
    assert [each["number"] for each in await control.get_json("/v1/runs")] == [result["number"]]


async def test_a_ui_that_reconnects_receives_all_messages_of_three_reconnects(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ``close all``, ``wait for all`` waits for the next connection."""
    monkeypatch.setattr(readiness, "STAY_S", 0.01)
    texts: list[str] = []

    async def ui() -> None:
        while True:
            client = await control.connect()
            with suppress(ConnectionClosed):
                async for each in client:
                    texts.append(json.loads(each)["data"].get("text", ""))

    playing = asyncio.create_task(ui())
    try:
        result = await ended(control, await run(control, name="showcase/three reconnects", speed="max"))
        await until(lambda: len(texts) == 4)
    finally:
        playing.cancel()
    assert result["state"] == "passed"
    assert texts == ["Still there?"] * 3 + ["Here we are again"]


async def test_steps_in_a_repeat_are_no_progress_of_the_session(control: Control) -> None:
    text = "repeat 3\n    alice: hi\nalice: done"
    result = await ended(control, await run(control, text=text, speed="max"))
    assert (result["steps"], result["outermost_steps"], result["total_steps"]) == (5, 2, 2)


async def test_a_saved_session_is_played_by_name(control: Control) -> None:
    result = await ended(control, await run(control, name="slow typist", speed="max"))
    assert (result["state"], result["name"]) == ("passed", "showcase/slow typist")


async def test_a_run_is_stepped_paused_resumed_and_stopped(control: Control) -> None:
    text = "alice: one\nalice: two\nwait for nobody within 60s"
    started = await run(control, text=text, step=True)
    path = f"/v1/runs/{started['number']}"
    assert (await control.get_json(path))["steps"] == 0
    await control.post(f"{path}/step")
    while (await control.get_json(path))["steps"] < 1:
        pass
    assert (await control.post(f"{path}/resume")).json["state"] == "running"
    assert (await control.post(f"{path}/pause")).json["state"] == "paused"
    assert (await control.post(f"{path}/stop")).json["state"] == "stopped"


async def test_files_are_given_and_returned_with_the_run(control: Control) -> None:
    state = await control.get_json("/v1/state")
    first, *others = state["messages"]
    deep = json.loads('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)  # such fields are valid in a message
    text = "state load a.json\nalice: new\nstate save b.json"
    files = {"a.json": {**state, "messages": [{**first, "extra": deep}, *others]}}
    result = await ended(control, await run(control, text=text, files=files))
    assert result["state"] == "passed"
    assert len(result["files"]["b.json"]["messages"]) == len(state["messages"]) + 1
    assert await control.get_json("/v1/state") == state


async def test_saved_files_are_only_in_the_answer_about_the_ended_run(control: Control) -> None:
    """Regression: each answer about a run contained the chat states that it had saved, also the list of runs."""
    started = await run(control, text="state save a.json\nwait 60s\nnote the end")
    path = f"/v1/runs/{started['number']}"
    await until(lambda: control.companion.sessions.run(started["number"]).totals.steps)
    assert [(await control.get_json(path))[key] for key in ("state", "files")] == ["running", {}]
    assert (await control.post(f"{path}/stop")).json["files"] == {}
    assert [each["files"] for each in await control.get_json("/v1/runs")] == [{}]
    assert list((await control.get_json(path))["files"]) == ["a.json"]


async def test_given_files_are_released_when_the_run_has_ended(control: Control) -> None:
    """Regression: the 50 ended runs that are kept could take gigabytes."""
    state = await control.get_json("/v1/state")
    result = await ended(control, await run(control, text="state load a.json", files={"a.json": state}))
    assert result["state"] == "passed"
    files = control.companion.sessions.run(result["number"]).options.files
    with pytest.raises(NotFound):
        await files.read("a.json")


async def test_saved_files_have_a_limit(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: a session could fill the memory, and 50 ended runs kept what they had saved."""
    size = len(msgspec.json.encode(await control.get_json("/v1/state")))
    monkeypatch.setattr(session_runs, "MAX_STATE_BYTES", size * 2 + 100)
    monkeypatch.setattr(session_runs, "SAVED_BYTES", size * 3 + 100)
    result = await ended(control, await run(control, text="\n".join(f"state save {n}.json" for n in "aabc")))
    assert (result["state"], list(result["files"])) == ("error", ["a.json", "b.json"])
    assert result["error"].startswith("Line 4: The session saves over 0 MB. Save the chat state less often")
    later = [
        await ended(control, await run(control, text="state save a.json\nstate load a.json\nalice: hi"))
        for _ in range(2)
    ]
    assert [list(each["files"]) for each in later] == [["a.json"]] * 2
    kept = [await control.get_json(f"/v1/runs/{each['number']}") for each in (result, *later)]
    assert [list(each["files"]) for each in kept] == [[], ["a.json"], ["a.json"]]
    assert kept[1]["files"]["a.json"] == await control.get_json("/v1/state")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("save ../x.json", "Line 1: The file '../x.json' is outside of the session's folder."),
        ("save x.sh", "Line 1: The file 'x.sh' must end in .json."),
        ("load x.json", "Line 1: There is no file 'x.json' in the session's folder, and no earlier step saved it."),
    ],
)
async def test_a_file_that_cannot_be_saved_or_loaded_ends_the_run(control: Control, step: str, error: str) -> None:
    """Regression: the run passed, and the command could not write the file."""
    result = await ended(control, await run(control, text=f"state {step}"))
    assert (result["state"], result["files"]) == ("error", {})
    assert result["error"].startswith(error)


async def test_invalid_options_are_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for body, detail in [
        ({"text": "alice: hi", "speed": 100}, "The speed must be 0.25 to 16, or max."),
        ({"text": "alice: hi", "to": "nobody"}, "invalid target 'nobody'"),
        ({"text": "alice: hi", "at": "yesterday"}, "must be a time"),
        (
            {"text": "alice: hi", "at": "9999-12-31T23:59:59Z"},
            "Invalid start time. Use one in the years 2 to 8999.",
        ),
        ({"text": "alice: hi", "at": "0001-01-01T00:00:00+14:00"}, "Use one in the years"),
        ({"text": "alice: hi", "nonsense": 1}, "unknown field"),
    ]:
        with subtests.test(body=body, detail=detail):
            answer = await control.post("/v1/runs", body)
            assert answer.status == 422
            assert detail in answer.json["detail"]


async def test_an_unknown_run_or_session_is_reported(control: Control) -> None:
    assert (await control.post("/v1/runs", {"name": "none"})).status == 404
    for path in ("/v1/runs/99", "/v1/runs/x"):
        assert (await control.get(path)).status == 404


async def test_a_file_is_played_by_its_path(control: Control, tmp_path: Path) -> None:
    file = tmp_path / "morning.chat"
    file.write_text("# Morning\nalice: hi\n")
    answer = await control.post("/v1/runs/file", {"file": str(file), "speed": "max"})
    result = await ended(control, answer.json)
    assert (result["state"], result["events"]) == ("passed", 1)
    assert (result["name"], result["title"]) == ("morning", "Morning")


@pytest.mark.parametrize(
    ("file", "status", "detail"),
    [
        ("morning.chat", 422, "The file must be an absolute path."),
        (str(Path("/none/morning.chat").absolute()), 404, "There is no file"),
        (str(Path("/etc/passwd").absolute()), 422, "passwd must end in .chat or .session.jsonl."),
    ],
)
async def test_only_the_path_of_a_session_is_accepted(
    control: Control, file: str, status: int, detail: str
) -> None:
    answer = await control.post("/v1/runs/file", {"file": file})
    assert answer.status == status
    assert answer.json["detail"].startswith(detail)


def test_all_kinds_of_exports_are_offered() -> None:
    assert get_args(ExportName) == tuple(each.value for each in Kind)


async def test_a_saved_session_is_exported(control: Control) -> None:
    await control.put("/v1/sessions/mine%2Fgreeting", SCENARIO.encode(), headers=TEXT)
    exported = await control.get_json("/v1/sessions/mine%2Fgreeting/export?as=scenario")
    assert exported == {"text": SCENARIO, "suffix": "chat", "notes": []}
    answer = await control.get("/v1/sessions/mine%2Fgreeting/export?as=playwright")
    assert answer.status == 422
    assert "Play it, then export a recording of the run." in str(answer.json)
    frame = '{"event":"friend_online","data":{"username":"bob"}}'
    header = '{"session": 1, "kind": "recording", "title": "Bug"}'
    row = {"s2c": "friend_online", "payload": frame, "recipients": [1], "seq": 4, "origin": "panel"}
    recorded = f"{header}\n{json.dumps(row)}\n"
    await control.put("/v1/sessions/bug?notation=lines", recorded.encode(), headers=TEXT)
    exported = await control.get_json("/v1/sessions/bug/export?as=playwright")
    assert 'companion.fire("friend_online", { username: "bob" }, { wait: 10 })' in exported["text"]
    assert exported["suffix"] == "spec.ts"
    await control.companion.apply(replace(control.companion.settings, envelope_event_key="type"))
    exported = await control.get_json("/v1/sessions/bug/export?as=msw")
    assert 'send: { type: "friend_online", data: { username: "bob" } }' in exported["text"]
    assert (await control.get("/v1/sessions/no/export?as=msw")).status == 404


async def test_the_limit_of_a_session_is_that_of_its_text(control: Control) -> None:
    """Regression: a recording of 14 MB was refused, because its quotation marks are escaped in the request."""
    escaped = "\n" * SESSION_BYTES
    assert (await control.post("/v1/runs/check", {"text": escaped, "notation": "lines"})).status == 422
    too_long = {"text": "#" * (SESSION_BYTES + 1), "notation": "lines"}
    assert (await control.post("/v1/runs/check", too_long)).status == 413


async def test_a_transcript_in_a_request_has_the_limit_of_a_file(control: Control) -> None:
    long = f"# {'t' * (MAX_TRANSCRIPT_BYTES - 3)}\n"
    answer = await control.post("/v1/runs/check", {"text": long})
    assert answer.status != 413
    for path in ("/v1/runs/check", "/v1/runs"):
        answer = await control.post(path, {"text": f"{long}\n"})
        assert (answer.status, answer.detail) == (413, "The session is over 1,024 KiB.")
