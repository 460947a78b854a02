"""The progress of a run: a command that is asked to end stops its session first."""

import errno
import signal
from io import StringIO
from typing import Any, cast

import pytest

from app.cli import reconnect_lab
from app.cli.control import Control
from app.cli.session_progress import MAX_SHOWN, Progress, suite_of
from app.endpoints.control.session_shapes import SHOWN_RESULTS

RUN = {
    "number": 3, "title": "morning", "seed": 1, "state": "running", "version": 1, "results": [], "steps": 0,
    "outermost_steps": 0, "total_steps": 2, "line": 0, "events": 0, "met": 0, "unmet": 0, "elapsed": 0.5,
    "error": "", "note": "",
}  # fmt: skip


class Interrupted:
    """A client of the control API during whose first requests the process receives signals."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.numbers = [*numbers]
        self.calls: list[tuple[str, str]] = []

    def call(self, method: str, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        self.calls.append((method, path))
        if self.numbers:
            signal.raise_signal(self.numbers.pop(0))
        return {**RUN, "state": "stopped"}

    def start(self) -> dict[str, Any]:
        return self.call("POST", "/v1/runs")


@pytest.fixture(params=["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"])
def number(request: pytest.FixtureRequest, interruptible: None) -> signal.Signals:
    """A signal that interrupts a command."""
    found: signal.Signals | None = getattr(signal, request.param, None)
    return found or pytest.skip("not on this system")


def test_a_signal_stops_the_session(number: signal.Signals) -> None:
    """Regression: SIGTERM ended the command, and the session went on in the companion."""
    before = signal.getsignal(signal.SIGTERM)
    control = Interrupted(number)
    progress = Progress(cast(Control, control), "morning.chat", stepwise=False, quiet=True)
    assert progress.follow(lambda: dict(RUN))["state"] == "stopped"
    assert progress.interrupted
    assert control.calls == [("GET", "/v1/runs/3"), ("POST", "/v1/runs/3/stop"), ("GET", "/v1/runs/3")]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_while_the_session_loads_stops_it_when_it_has_started(number: signal.Signals) -> None:
    """Regression: the command ended at once, so the session went on in the companion."""
    control = Interrupted(number)
    progress = Progress(cast(Control, control), "morning.chat", stepwise=False, quiet=True)
    assert progress.follow(control.start)["state"] == "stopped"
    assert progress.interrupted
    assert control.calls == [("POST", "/v1/runs"), ("POST", "/v1/runs/3/stop"), ("GET", "/v1/runs/3")]


@pytest.mark.parametrize("quiet", [False, True])
def test_ctrl_c_while_the_session_loads_says_that_the_command_stops(
    quiet: bool, capsys: pytest.CaptureFixture[str], interruptible: None
) -> None:
    """Regression: it seemed to have no effect until the companion answered, which may take a minute."""
    control, printed = Interrupted(signal.SIGINT), list[str]()

    def start() -> dict[str, Any]:
        run = control.start()
        printed.append(capsys.readouterr().err)
        return run

    Progress(cast(Control, control), "morning.chat", stepwise=False, quiet=quiet).follow(start)
    assert printed == ["" if quiet else "Stopping; press Ctrl+C again to end at once.\n"]


def test_a_second_signal_while_the_session_loads_ends_the_command(number: signal.Signals) -> None:
    control = Interrupted(number, number)

    def start() -> dict[str, Any]:
        control.start()
        return control.start()

    with pytest.raises(KeyboardInterrupt):
        Progress(cast(Control, control), "morning.chat", stepwise=False, quiet=True).follow(start)
    assert len(control.calls) == 2, "there is no run that could be stopped"


def test_a_run_of_the_lab_that_a_signal_interrupts_while_it_starts_is_stopped(number: signal.Signals) -> None:
    control = Interrupted(number)
    with pytest.raises(KeyboardInterrupt):
        reconnect_lab._follow(control, {}, quiet=True)
    assert control.calls == [("POST", reconnect_lab.LAB), ("DELETE", reconnect_lab.LAB)]


def test_a_session_is_stopped_if_its_results_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    calls: list[tuple[str, str]] = []

    class Companion:
        def call(self, method: str, path: str, **_: Any) -> dict[str, Any]:
            calls.append((method, path))
            return RUN

    monkeypatch.setattr("app.cli.session_progress.print_lines", fail)
    with pytest.raises(OSError, match="No space"):
        Progress(cast(Control, Companion()), "morning.chat", stepwise=False, quiet=False).follow(lambda: dict(RUN))
    assert calls == [("POST", "/v1/runs/3/stop")]


def test_the_result_says_what_was_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    class Companion:
        def call(self, *_: str, **__: Any) -> dict[str, Any]:
            return {**RUN, "state": "passed", "note": "Not sent yet: 1 event held by a breakpoint."}

    Progress(cast(Control, Companion()), "morning.chat", stepwise=False, quiet=False).follow(lambda: dict(RUN))
    assert capsys.readouterr().out.splitlines()[-1] == "Not sent yet: 1 event held by a breakpoint."


@pytest.mark.parametrize("quiet", [False, True])
def test_what_a_session_waits_for_is_printed_once(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    """Regression: nothing was printed for 30 s."""
    waits = {**RUN, "line": 1, "waits_for": "wait for all"}
    answers = [waits, waits, {**waits, "version": 2}, {**waits, "version": 2}, {**RUN, "state": "passed"}]

    class Companion:
        def call(self, *_: str, **__: Any) -> dict[str, Any]:
            return answers.pop(0)

        def why_no_client(self) -> str:
            return "No client is connected."

    Progress(cast(Control, Companion()), "morning.chat", stepwise=False, quiet=quiet).follow(lambda: dict(RUN))
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1:2] == ([] if quiet else ["  … line 1: wait for all"])
    assert printed.err == ("" if quiet else "No client is connected.\n")
    assert not answers


def test_the_prompt_counts_the_steps_of_the_session_and_names_the_next_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: *7 of 2 steps played* after steps in a repeat."""

    class Companion:
        def call(self, method: str, *_: str, **__: Any) -> dict[str, Any]:
            state = "paused" if method == "POST" else "passed"
            return {**RUN, "steps": 7, "outermost_steps": 1, "line": 4, "state": state}

    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    progress = Progress(cast(Control, Companion()), "morning.chat", stepwise=True, quiet=True)
    progress.follow(lambda: {**RUN, "steps": 7, "outermost_steps": 1, "line": 4, "state": "paused"})
    assert capsys.readouterr().err == "1 of 2 steps played. Press Enter for the next one, in line 4.\n"


def test_the_end_of_a_run_is_read_once() -> None:
    """Regression: it was read twice, with the chat states that the run had saved."""
    answers = [{**RUN, "version": 2}, {**RUN, "state": "passed", "files": {"a.json": {}}}]

    class Companion:
        def call(self, *_: str, **__: Any) -> dict[str, Any]:
            return answers.pop(0)

    run = Progress(cast(Control, Companion()), "morning.chat", stepwise=False, quiet=True).follow(lambda: dict(RUN))
    assert (run["files"], answers) == ({"a.json": {}}, [])


def test_all_results_are_printed_and_returned(capsys: pytest.CaptureFixture[str]) -> None:
    """Regression: after 1,000 results, which the companion returns at most, no further ones were printed."""
    results = [{"line": each, "text": "GET /x", "met": each < 2_500, "took": 0.0, "detail": "1 of 1"}
               for each in range(1, 2_501)]  # fmt: skip

    class Companion:
        def call(self, _: str, __: str, *, results_after: int, **___: Any) -> dict[str, Any]:
            found = results[results_after : results_after + SHOWN_RESULTS]
            return {**RUN, "state": "failed", "met": 2_499, "unmet": 1, "results": found}

    progress = Progress(cast(Control, Companion()), "many.chat", stepwise=False, quiet=False)
    run = progress.follow(lambda: {**RUN, "results": results[-SHOWN_RESULTS:]})
    assert MAX_SHOWN == SHOWN_RESULTS
    assert run["results"] == results
    lines = capsys.readouterr().out.splitlines()
    assert len([each for each in lines if each.startswith("  ✓")]) == 2_499
    assert lines[-2].startswith("  ✗ line 2500: GET /x")
    assert len(suite_of({**run, "name": "many"}).cases) == 2_500
