"""Start a run of a session, and follow it until it ends: print the results of its expectations, and annotate
failures in GitHub Actions. Ctrl+C, SIGTERM, SIGHUP and Ctrl+Break stop the run, and so does an output that cannot
be written. With ``--step``, ``Progress`` waits for Enter before each step. ``suite_of`` converts the results of
a run for JUnit XML.
A step that waits for the UI is printed after two seconds.
``session run`` uses ``Progress`` and ``suite_of``.
"""

import sys
from collections.abc import Callable
from typing import Any

from app.cli.ci_results import annotate
from app.cli.control import Control
from app.protocol.counts import count
from app.protocol.session.junit import Case, Suite
from app.system.interrupts import interrupted_by_signals, interrupts_delayed
from app.system.terminal import print_lines, say

POLL_S = 10.0
"""The companion answers after this time even if nothing has changed."""

SILENT_S = 2.0
"""If nothing has changed in this time, the step that waits for the UI is printed."""

MAX_SHOWN = 1_000
"""The companion returns at most this many results at once, as ``session_shapes`` says."""


class Progress:
    """Starts one run, and follows it until it has ended."""

    def __init__(self, control: Control, source: str, *, stepwise: bool, quiet: bool) -> None:
        """``source`` is the file or name, for annotations. ``quiet``: nothing goes to standard output."""
        self._control = control
        self._source = source
        self._stepwise = stepwise
        self._quiet = quiet
        self._results: list[dict[str, Any]] = []
        self._waited = ""
        """The step that was printed because it waited."""
        self.interrupted = False
        """Whether the command was asked to end."""

    def follow(self, start: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Print results as they come; return the run when it has ended. ``start`` is the request that starts it.

        Ctrl+C and SIGTERM stop the run. Raise ``KeyboardInterrupt`` if it was not started.
        """
        run, path = None, ""
        try:
            with interrupted_by_signals():
                with interrupts_delayed(quiet=self._quiet):
                    run = start()
                    path = f"/v1/runs/{run['number']}"
                self._say(f"{run['title']} · seed {run['seed']}")
                plays, wait_s = True, SILENT_S
                while plays:
                    if self._stepwise and run["state"] == "paused":
                        run = self._control.call("POST", f"{path}/{'step' if self._ask(run) else 'resume'}")
                    seen = run["version"]
                    run = self._read(path, seen=seen, wait=wait_s, more_s=wait_s)
                    if run["version"] != seen:
                        wait_s = SILENT_S
                    elif wait_s == SILENT_S:
                        self._show_wait(run)
                        wait_s = POLL_S
                    plays = run["state"] in ("running", "paused")
        except KeyboardInterrupt:
            if run is None:
                raise
            self.interrupted = True
            self._control.call("POST", f"{path}/stop")
            run = self._read(path)
        except OSError:  # the results cannot be printed
            if run is None:
                raise
            self._control.call("POST", f"{path}/stop")
            raise
        while len(run["results"]) == MAX_SHOWN:  # there may be more
            run = self._read(path)
        self._show_end(run)
        return {**run, "results": self._results}

    def _read(self, path: str, **options: Any) -> dict[str, Any]:
        """Return the run after printing results that were not printed yet, at most ``MAX_SHOWN``."""
        run: dict[str, Any] = self._control.call("GET", path, results_after=len(self._results), **options)
        self._show_results(run["results"])
        self._results += run["results"]
        return run

    def _ask(self, run: dict[str, Any]) -> bool:
        """Wait for Enter. Return False at the end of the input."""
        line = f", in line {run['line']}" if run["line"] else ""
        played = f"{run['outermost_steps']} of {count(run['total_steps'], 'step')} played"
        say(f"{played}. Press Enter for the next one{line}.")
        self._stepwise = bool(sys.stdin.readline())
        return self._stepwise

    def _show_wait(self, run: dict[str, Any]) -> None:
        """Print the step that waits for the UI. If no client is connected, print that, too."""
        step = f"line {run['line']}: {run['waits_for']}" if run.get("waits_for") else ""
        if self._quiet or step in ("", self._waited):
            return
        self._waited = step
        self._say(f"  … {step}")
        if why := self._control.why_no_client():
            say(why)

    def _show_results(self, results: list[dict[str, Any]]) -> None:
        for each in results:
            mark = "✓" if each["met"] else "✗"
            self._say(f"  {mark} line {each['line']}: {each['text']} · {each['detail'] or 'ready'}")
            if not each["met"]:
                self._annotate(each["line"], f"{each['text']}: {each['detail']}")

    def _show_end(self, run: dict[str, Any]) -> None:
        total = run["met"] + run["unmet"]
        counts = f"{count(run['steps'], 'step')}, {count(run['events'], 'event')}"
        counts += f", {run['met']} of {count(total, 'expectation')} met"
        self._say(f"{run['state']} after {run['elapsed']:.2f} s · {counts}")
        if note := run.get("note"):
            self._say(note)
        if run["error"]:
            say(run["error"])
            self._annotate(0, run["error"])

    def _say(self, text: str) -> None:
        if not self._quiet:
            print_lines(text)

    def _annotate(self, line: int, text: str) -> None:
        annotate(text, file=self._source, line=line, quiet=self._quiet)


def suite_of(run: dict[str, Any], unwritten: str = "") -> Suite:
    """Return the results of a run for JUnit XML. ``unwritten``: why a file that it saved was not written."""
    cases = [
        Case(f"line {each['line']}: {each['text']}", each["took"], "" if each["met"] else each["detail"])
        for each in run["results"]
    ]
    return Suite(run["name"], tuple(cases), run["elapsed"], run["error"] or unwritten)
