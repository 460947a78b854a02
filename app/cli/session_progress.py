"""Follow a run of a session until it ends: print the results of its expectations, and annotate failures in GitHub
Actions. Ctrl+C, SIGTERM and SIGHUP stop the run. With ``--step``, ``Progress`` waits for Enter before each step.
``suite_of`` converts the results of a run for JUnit XML. ``session run`` uses ``Progress`` and ``suite_of``.
"""

import sys
from typing import Any

from app.cli.ci_results import annotate
from app.cli.control import Control
from app.protocol.session.junit import Case, Suite
from app.system.interrupts import interrupted_by_signals
from app.system.terminal import print_lines, say

POLL_S = 10.0
"""The companion answers after this time even if nothing has changed."""


class Progress:
    """Follows one run until it has ended."""

    def __init__(self, control: Control, source: str, *, stepwise: bool, quiet: bool) -> None:
        """``source`` is the file or name, for annotations. ``quiet``: nothing goes to standard output."""
        self._control = control
        self._source = source
        self._stepwise = stepwise
        self._quiet = quiet
        self._shown = 0
        self.interrupted = False
        """Whether the command was asked to end."""

    def follow(self, run: dict[str, Any]) -> dict[str, Any]:
        """Print results as they come; return the run when it has ended. Ctrl+C and SIGTERM stop the run."""
        path = f"/v1/runs/{run['number']}"
        self._say(f"{run['title']} · seed {run['seed']}")
        try:
            with interrupted_by_signals():
                while run["state"] in ("running", "paused"):
                    self._show_results(run)
                    if self._stepwise and run["state"] == "paused":
                        run = self._control.call("POST", f"{path}/{'step' if self._ask(run) else 'resume'}")
                    run = self._control.call("GET", path, seen=run["version"], wait=POLL_S, more_s=POLL_S)
        except KeyboardInterrupt:
            self.interrupted = True
            run = self._control.call("POST", f"{path}/stop")
        self._show_results(run)
        self._show_end(run)
        return run

    def _ask(self, run: dict[str, Any]) -> bool:
        """Wait for Enter. Return False at the end of the input."""
        say(f"{run['steps']} of {run['total_steps']} steps played. Press Enter for the next one.")
        self._stepwise = bool(sys.stdin.readline())
        return self._stepwise

    def _show_results(self, run: dict[str, Any]) -> None:
        for each in run["results"][self._shown :]:
            mark = "✓" if each["met"] else "✗"
            self._say(f"  {mark} line {each['line']}: {each['text']} · {each['detail'] or 'ready'}")
            if not each["met"]:
                self._annotate(each["line"], f"{each['text']}: {each['detail']}")
        self._shown = len(run["results"])

    def _show_end(self, run: dict[str, Any]) -> None:
        total = run["met"] + run["unmet"]
        counts = f"{counted(run['steps'], 'step')}, {counted(run['events'], 'event')}"
        counts += f", {run['met']} of {counted(total, 'expectation')} met"
        self._say(f"{run['state']} after {run['elapsed']:.2f} s · {counts}")
        if run["error"]:
            say(run["error"])
            self._annotate(0, run["error"])

    def _say(self, text: str) -> None:
        if not self._quiet:
            print_lines(text)

    def _annotate(self, line: int, text: str) -> None:
        annotate(text, file=self._source, line=line, quiet=self._quiet)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 step``, ``2 steps``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def suite_of(run: dict[str, Any]) -> Suite:
    """Return the results of a run for JUnit XML."""
    cases = [
        Case(f"line {each['line']}: {each['text']}", each["took"], "" if each["met"] else each["detail"])
        for each in run["results"]
    ]
    return Suite(run["name"], tuple(cases), run["elapsed"], run["error"])
