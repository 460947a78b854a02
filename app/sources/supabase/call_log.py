"""Log the calls to the Supabase project: without the API key and encrypted texts, and at a limited rate.

Successful calls that repeat all day, such as heartbeat, presence or reading an empty queue, are logged only if the
UI's GET requests are, and each kind at most once a minute. The same failure of a kind of call is logged at most
once in ten minutes. The next row has the number of those that were left out.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.hub.clock import Clock
from app.hub.journal import Journal, Kind, Verdict
from app.hub.rate_limit import RateDecision, RateLimiter
from app.protocol.counts import count, count_with
from app.protocol.summary import summarize
from app.sources.supabase.client import FinishedCall
from app.sources.supabase.contracts import SUPABASE

EVENT = "supabase"
ROUTINE_S = 60.0
SAME_FAILURE_S = 600.0
ROWS_PER_S = 10
MAX_DIFFERENT = 200
SEALED = frozenset({"ciphertext", "signature"})


class CallLog:
    """Writes rows for calls. ``log_routine`` returns whether calls that repeat all day are logged."""

    def __init__(self, journal: Journal, clock: Clock, log_routine: Callable[[], bool]) -> None:
        self._journal = journal
        self._clock = clock
        self._log_routine = log_routine
        self._limiter = RateLimiter(ROWS_PER_S, clock.mono())
        self._folded: dict[tuple[str, str, str], tuple[float, int]] = {}
        """For each kind of call: when it was last logged, and how many calls have been left out since."""
        self._left_out = 0

    def add(self, call: FinishedCall) -> None:
        """Journal a call, or count it as a repeat."""
        now = self._clock.mono()
        routine = not call.error and _is_routine(call)
        if routine and not self._log_routine():
            return
        repeats = 0
        key = (call.method, call.table, call.error) if routine or call.error else None
        if key:
            logged_at, repeats = self._folded.get(key, (float("-inf"), 0))
            if now - logged_at < (SAME_FAILURE_S if call.error else ROUTINE_S):
                self._folded[key] = (logged_at, repeats + 1)
                return
        if self._limiter.take(now) is RateDecision.EXCEEDED:
            self._left_out += 1
            return
        if key:
            self._folded.pop(key, None)
            while len(self._folded) >= MAX_DIFFERENT:
                self._folded.pop(next(iter(self._folded)))
            self._folded[key] = (now, 0)
        self._append(call, repeats)

    def _append(self, call: FinishedCall, repeats: int) -> None:
        result = str(call.status) if call.status else "no response"
        if call.error:
            result = f"{call.error.rstrip('.')}" if not call.status else f"{call.status}: {call.error.rstrip('.')}"
        parts = [f"{result}, in {call.duration_s * 1000:.0f} ms"]
        if call.rows:
            parts.append(count(call.rows, "row"))
        if repeats:
            parts.append(f"{repeats} more like this since the last row")
        if self._left_out:
            calls = count_with(self._left_out, "call", "was", "were")
            parts.append(f"{calls} not logged, because there were too many")
            self._left_out = 0
        self._journal.append(
            Kind.SERVER, EVENT, payload=_payload(call), note=f"{call.method} /{call.table}: {'; '.join(parts)}",
            verdict=Verdict.WARNING if call.error else Verdict.OK, origin=SUPABASE,
        )  # fmt: skip


def _is_routine(call: FinishedCall) -> bool:
    match call.method, call.table:
        case "GET", "messages":
            return not call.rows
        case "GET" | "PATCH", _:
            return True
        case "POST", "read_marks":
            return True
    return False


def _payload(call: FinishedCall) -> bytes:
    value: dict[str, Any] = {}
    if call.query:
        value["query"] = dict(call.query)
    if isinstance(call.body, Mapping):
        value["body"] = {name: _shown(name, each) for name, each in call.body.items()}
    return json.dumps(value, ensure_ascii=False).encode(errors="replace") if value else b""


def _shown(name: str, value: object) -> object:
    if name in SEALED and isinstance(value, str):
        return f"sealed, {len(value):,} characters" if name == "ciphertext" else f"{summarize(value)[:12]}…"
    return value
