"""Return the progress and the verdict of a session that is played, in words.
A session is a scenario, which is a script of events and expectations, or a recording of traffic that is played
again. The Scenarios room shows it, and ``run_commands`` in the status bar.
"""

from bisect import bisect_right
from collections.abc import Sequence

from app.hub.hub import count
from app.hub.session_run import AS_FAST_AS_POSSIBLE, RunState, SessionRun

_VERDICTS = {
    RunState.PASSED: "Passed",
    RunState.FAILED: "Failed",
    RunState.ERROR: "Stopped by an error",
    RunState.STOPPED: "Stopped",
}
TONES = {
    RunState.RUNNING: "muted",
    RunState.PAUSED: "warning",
    RunState.PASSED: "ok",
    RunState.FAILED: "error",
    RunState.ERROR: "error",
    RunState.STOPPED: "warning",
}
"""The tone of the line that shows a run."""


def run_text(run: SessionRun, step_lines: Sequence[int]) -> str:
    """Return the progress of a run, or its verdict. ``step_lines`` are the lines of the outermost steps."""
    parts = [_verdict(run)] if run.state.ended else [_position(run, step_lines)]
    parts.append(count(run.totals.events, "event"))
    expectations = run.totals.met + run.totals.unmet
    if expectations:
        parts.append(f"{run.totals.met:,} of {expectations:,} expectations met")
    if run.totals.failed:
        parts.append(f"{count(run.totals.failed, 'step')} failed")
    if run.error:
        parts.append(run.error)
    return " · ".join(parts)


def position_text(run: SessionRun, step_lines: Sequence[int]) -> str:
    """Return which step is played: ``step 3 of 12``."""
    if not run.current:
        return f"{run.total_steps:,} steps" if run.state.ended else f"step 0 of {run.total_steps:,}"
    number = (
        bisect_right(step_lines, run.current.line) if step_lines else min(run.totals.steps + 1, run.total_steps)
    )
    return f"step {max(number, 1):,} of {run.total_steps:,}"


def speed_text(speed: float) -> str:
    """Return a speed: ``2×`` or ``Max``."""
    return "Max" if speed == AS_FAST_AS_POSSIBLE else f"{speed:g}×"


def _position(run: SessionRun, step_lines: Sequence[int]) -> str:
    state = "Paused at" if run.state is RunState.PAUSED else "Running"
    return f"{state} {position_text(run, step_lines)}"


def _verdict(run: SessionRun) -> str:
    return f"{_VERDICTS[run.state]} after {run.elapsed_s:.1f} s · {count(run.totals.steps, 'step')}"
