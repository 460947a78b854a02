"""Return the progress and the verdict of a session that is played, in words.
A session is a scenario, which is a script of events and expectations, or a recording of traffic that is played
again. The Scenarios room shows it, and ``run_commands`` in the status bar.
"""

from app.hub.session_run import AS_FAST_AS_POSSIBLE, RunState, SessionRun
from app.protocol.counts import count

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


def run_text(run: SessionRun) -> str:
    """Return the progress of a run, or its verdict."""
    parts = [_verdict(run)] if run.state.ended else [_position(run)]
    parts.append(count(run.totals.events, "event"))
    expectations = run.totals.met + run.totals.unmet
    if expectations:
        parts.append(f"{run.totals.met:,} of {expectations:,} expectations met")
    if run.totals.failed:
        parts.append(f"{count(run.totals.failed, 'step')} failed")
    if run.remarks:
        parts.append(run.remarks)
    return " · ".join(parts)


def speed_text(speed: float) -> str:
    """Return a speed: ``2×`` or ``Max``."""
    return "Max" if speed == AS_FAST_AS_POSSIBLE else f"{speed:g}×"


def _position(run: SessionRun) -> str:
    state = "Paused at" if run.state is RunState.PAUSED else "Running"
    return f"{state} step {run.position:,} of {run.total_steps:,}"


def _verdict(run: SessionRun) -> str:
    return f"{_VERDICTS[run.state]} after {run.elapsed_s:.1f} s · {count(run.totals.steps, 'step')}"
