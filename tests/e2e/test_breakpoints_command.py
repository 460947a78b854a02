"""``companion breakpoints``: hold what a client, a command and a REST call do, and decide about it."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .conftest import Run, RunJson, StartCommand, both_variants
from .processes import PATIENCE_S, STOP_SIGNALS, Companion, wait_until
from .rest import Answer, Rest


def in_background(call: Callable[[], Any]) -> list[Any]:
    """Call a function in a thread. Its result or exception is appended to the list that is returned."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:
            results.append(error)

    threading.Thread(target=run, daemon=True).start()
    return results


@both_variants
def test_an_event_is_held_changed_and_sent(program: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(program.url) as ui:
        assert run("breakpoints", "add", "event:new_message user:bob", "--once").out == ["added breakpoint 1"]
        assert run("breakpoints", "list").out[0].split() == [
            "1", "all", "0", "matches", "once", "event:new_message", "user:bob",
        ]  # fmt: skip
        run("trigger", "new_message", "--as", "alice", "--set", "text=first")
        assert sockets.receive(ui)["data"]["text"] == "first"
        held = run("trigger", "new_message", "--as", "bob", "--set", "text=held")
        assert held.err == ["held: the log shows when it continues"]
        run("trigger", "new_message", "--as", "bob", "--set", "text=later")
        assert sockets.receive(ui)["data"]["text"] == "later"
        (line,) = run("breakpoints", "held").out
        assert "s left  ↓ new_message" in line
        assert "bob → me: held" in line
        rejected = run("breakpoints", "resolve", "1", "modify", "--set", "text=7", exits=2)
        assert rejected.err[0].startswith("data.text: must be text")
        assert run("breakpoints", "resolve", "1", "modify", "--set", "text=changed").out == [
            "changed 1 new_message"
        ]
        assert sockets.receive(ui)["data"]["text"] == "changed"
        gone = run("breakpoints", "resolve", "1", "drop", exits=1)
        assert gone.err == ["Item 1 is not held; it may have continued already. Held now: nothing."]
    assert run_json("breakpoints", "list") == []
    assert run_json("breakpoints", "held") == []
    rows = run("journal", "--filter", "dir:server").out
    assert [row.split()[3] for row in rows[-5:] if "breakpoint" in row] == ["breakpoint", "held", "modified"]


def test_a_script_waits_for_a_client_frame_and_the_later_frames_keep_their_order(
    program: Companion, run: Run, run_json: RunJson, start_command: StartCommand
) -> None:
    assert run("breakpoints", "wait", "--within", "0", exits=1).err == ["✗ nothing was held within 0 s"]
    run("breakpoints", "add", "event:typing", "--direction", "from_ui", "--hits", "2", "--once")
    waiting = start_command("breakpoints", "wait", "--within", "30", "--json")
    with sockets.client(program.url, "alice") as ui, sockets.client(program.url, "bob") as bob:
        for number in range(40):  # more than the queue of a connection holds
            sockets.send(ui, "typing", to="bob" if number < 3 else f"n{number}", typing=number != 1)
        assert waiting.wait() == 0
        answer = json.loads(waiting.out[0])
        assert (answer["met"], [each["event"] for each in answer["held"]]) == (True, ["typing"])
        assert json.loads(answer["held"][0]["text"])["data"]["typing"] is False
        assert sockets.receive(bob)["data"] == {"username": "alice", "typing": True}
        ui.ping().wait(PATIENCE_S)
        run("breakpoints", "resolve", "all", "drop")
        assert sockets.receive(bob)["data"] == {"username": "alice", "typing": True}
    rows = [json.loads(line) for line in run("journal", "--json", "--filter", "dir:c2s").out]
    targets = [json.loads(row["frame"])["data"]["to"] for row in rows]
    assert targets == ["bob", "bob", *(f"n{number}" for number in range(3, 40))]


def test_rest_calls_are_answered_after_the_decision(program: Companion, run: Run, run_json: RunJson) -> None:
    run("breakpoints", "add", 'event:"POST /messages"', "--direction", "rest")

    def post() -> Answer:
        with Rest(program) as rest:
            return rest.request("POST", "/messages", {"to": "alice", "text": "original"})

    for action, options in (
        ("modify", ["--set", "text=changed"]),
        ("modify", ["--data", '{"to":"alice","text":"replaced"}']),
        ("drop", []),
        ("close", []),
        ("inject", ["--event", "friend_offline", "--set", "username=bob"]),
    ):
        results = in_background(post)
        run("breakpoints", "wait")
        assert not results
        run("breakpoints", "resolve", "all", action, *options)
        (result,) = wait_until(lambda results=results: results, "the response")
        if action == "close":
            assert isinstance(result, Exception)
        else:
            assert (result.status == 503) == (action == "drop")
    texts = [each["text"] for each in run_json("state", "messages", "list", "alice")]
    assert texts[-3:] == ["changed", "replaced", "original"]
    assert run_json("breakpoints", "remove", "all") == {"removed": [1]}


def test_a_held_item_continues_by_itself(program: Companion, run: Run) -> None:
    with sockets.client(program.url) as ui:
        run("breakpoints", "add", "", "--timeout", "0.5")
        run("trigger", "typing")
        assert sockets.receive(ui)["event"] == "typing"
    assert any("nothing was decided within 0.5 s" in row for row in run("journal").out)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("add", "is:odd"), "Filter: invalid is:odd"),
        (("add", "", "--direction", "up"), "'up' is not one of"),
        (("add", "", "--timeout", "601"), "601"),
        (("resolve", "all", "inject"), "The field event is missing"),
        (("resolve", "all", "modify", "--data", "{"), "--data is not valid JSON"),
        (("resolve", "all", "drop", "--text", "x"), "The action drop does not use text"),
    ],
)
def test_wrong_usage(program: Companion, run: Run, arguments: tuple[str, ...], error: str) -> None:
    assert error in "\n".join(run("breakpoints", *arguments, exits=2).err)


@both_variants
def test_quit_releases_everything(
    program: Companion, run: Run, start_command: StartCommand, tmp_path: Path
) -> None:
    run("breakpoints", "add", "")
    waiting = start_command("breakpoints", "wait", "--within", "60")
    with sockets.client(program.url) as ui, Rest(program) as rest:
        sockets.send(ui, "typing", to="alice", typing=True)
        sockets.send(ui, "typing", to="alice", typing=False)
        call = in_background(lambda: rest.request("POST", "/messages", {"to": "alice", "text": "posted"}))
        run("trigger", "new_message", "--set", "text=fired")
        wait_until(lambda: len(run("breakpoints", "held").out) == 3, "three held items")
        assert waiting.wait() == 0
        program.send(STOP_SIGNALS[0])
        assert program.wait() == 0
        wait_until(lambda: call, "the response")
        assert call[0].status in (200, 202)
    assert not [line for line in program.err if "Traceback" in line or "ERROR" in line]
    run("state", "save", tmp_path / "state.json")
    texts = [each["text"] for each in json.loads((tmp_path / "state.json").read_text("utf-8"))["messages"]]
    assert {"fired", "posted"} <= set(texts)
