"""The texts of a source in the Sources room: its state with a sign and colour, and a line with its last success,
next call, latency and counts. A source connects the companion to real users: the direct link to peers, or a
Supabase project.
"""

from app.hub.switchable import Condition, SourceStatus
from app.protocol.times import local
from app.ui.models.units import ago

SIGNS = {
    Condition.OFF: "○ Off", Condition.STARTING: "… Starting", Condition.OK: "● OK", Condition.WAITING: "⚠ Waiting",
    Condition.FAILED: "✕ Failed",
}  # fmt: skip
"""The state in a word. A sign that differs in shape comes first."""
TONES = {Condition.OK: "ok", Condition.WAITING: "warning", Condition.FAILED: "error"}
"""The colour of a state; *muted* for the others."""


def tone_of(condition: Condition) -> str:
    """Return the colour of a state."""
    return TONES.get(condition, "muted")


def clock_text(seconds: float) -> str:
    """Return a time of the day, with seconds."""
    return f"{local(seconds):%H:%M:%S}"


def facts(status: SourceStatus, now: float) -> str:
    """Return last success, next call, latency and counts in one line; empty without any.

    ``now`` is in seconds since the epoch.
    """
    found = []
    if status.last_success is not None:
        found.append(f"last success {clock_text(status.last_success)}")
    if status.next_try is not None:
        wait = status.next_try - now
        found.append(f"next call in {ago(wait)}" if wait >= 1 else "next call now")
    if status.latency_s is not None:
        found.append(f"latency {status.latency_s * 1000:.0f} ms")
    found += [f"{kind} {number:,}" for kind, number in status.counts.items()]
    text = " · ".join(found)
    return text[:1].upper() + text[1:]
