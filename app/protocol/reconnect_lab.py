"""Data types of the reconnect lab: its options, and its result with the verdict in words. Functions compute the
usual duration, the default time limit and the outcome of a run.

The lab closes the connections of one browser, refuses its attempts to reconnect, and compares their delays with
those of the guide, the UI's specification. ``sources.reconnect_lab`` runs it.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from app.protocol.close_codes import why_not_sendable
from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, reconnect_delay_ms
from app.protocol.counts import count
from app.protocol.errors import Invalid
from app.protocol.reconnect_report import Measured
from app.protocol.reconnects import NO_JITTER, Attempt, Browser, Verdict
from app.protocol.refusals import SILENCE_S, RefusalKind, RefusalMode

MAX_ATTEMPTS = WS_MAX_RECONNECT_ATTEMPTS
MAX_WITHIN_S = 900.0
SPARE_S = 10.0
"""Added to the guide's delay of each attempt for the default time limit: for browsers and hidden tabs."""
SERVICE_RESTART = 1012
"""The default close code."""
MAX_NAMED = 3
"""At most this many attempts that do not fit are named in the verdict."""
SIMULTANEOUS = "no jitter: 40 clients would reconnect simultaneously"
_WHY = {Verdict.EARLY: " too early", Verdict.LATE: " too late", Verdict.EXTRA: " should have given up"}


class LabOptions(NamedTuple):
    """What the lab does: refuse ``attempts`` attempts in a mode, after it has closed the clients with ``code``.

    ``client`` is the number of a client of the browser; None if only one is connected. ``within_s`` is the time
    limit; None for ``default_within_s``.
    """

    mode: RefusalMode
    attempts: int = 5
    within_s: float | None = None
    client: int | None = None
    code: int = SERVICE_RESTART

    @property
    def counts_up(self) -> bool:
        """Whether the delays grow. After a connection that was closed at once, a UI counts from 1 again."""
        return self.mode.kind is not RefusalKind.CLOSE

    @property
    def waits_for_end(self) -> bool:
        """Whether the lab also checks that the UI gives up after its last attempt."""
        return self.counts_up and self.attempts >= MAX_ATTEMPTS

    @property
    def expected(self) -> int:
        """How many attempts are refused and judged: one more than ``attempts`` if the UI should not make it."""
        return self.attempts + self.waits_for_end

    @property
    def limit_s(self) -> float:
        """The time limit in seconds."""
        return default_within_s(self) if self.within_s is None else self.within_s

    def check(self) -> None:
        """Raise ``Invalid`` for a value outside of its range."""
        if not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise Invalid(f"The number of attempts must be 1 to {MAX_ATTEMPTS}.")
        if self.within_s is not None and not 0 < self.within_s <= MAX_WITHIN_S:
            raise Invalid(f"The time limit must be more than 0 and at most {MAX_WITHIN_S:g} seconds.")
        if reason := why_not_sendable(self.code):
            raise Invalid(reason)


class LabOutcome(StrEnum):
    """The result of a run."""

    RUNNING = "running"
    FITS = "fits"
    """All attempts that were asked for came, and fit."""
    DEVIATES = "deviates"
    """An attempt does not fit."""
    INCOMPLETE = "incomplete"
    """Fewer attempts came in time, or one could not be judged."""
    STOPPED = "stopped"


class LabReport(NamedTuple):
    """A run at one moment. ``closed`` are the clients that the lab has closed, ``attempts`` are oldest first.

    ``ending`` says in words why no further attempt is expected: that the UI gave up, or what ended the run. It is
    empty if the run ended with the last attempt that was asked for. ``gave_up`` is the verdict on giving up; None
    if that was not seen.
    """

    options: LabOptions
    origin: str
    user_agent: str
    browser: Browser
    closed: tuple[int, ...]
    attempts: tuple[Measured, ...] = ()
    ending: str = ""
    gave_up: Verdict | None = None
    jitter: str = ""
    elapsed_s: float = 0.0
    outcome: LabOutcome = LabOutcome.RUNNING

    @property
    def text(self) -> str:
        """The verdict in words."""
        return " · ".join(_parts(self))

    @property
    def lines(self) -> list[str]:
        """Each attempt in words."""
        return [attempt_text(each.attempt) for each in self.attempts]


def default_within_s(options: LabOptions) -> float:
    """Return a time limit in which all attempts fit, also those of a tab that is hidden for less than 5 minutes."""
    return min(MAX_WITHIN_S, usual_s(options) + SPARE_S * options.expected)


def usual_s(options: LabOptions) -> float:
    """Return how many seconds a run takes with a UI that has the guide's delays."""
    numbers = range(1, options.expected + 1) if options.counts_up else [1] * options.expected
    silence_s = SILENCE_S if options.mode.kind is RefusalKind.SILENCE else 0.0
    return sum(reconnect_delay_ms(each) / 1000 + silence_s for each in numbers)


def attempt_text(attempt: Attempt) -> str:
    """Return an attempt with the measured delay, the guide's in parentheses, and the verdict."""
    if attempt.after_s is None or attempt.unseen:
        return str(attempt)
    guide_s = reconnect_delay_ms(attempt.number) / 1000
    expected = "none expected" if attempt.verdict is Verdict.EXTRA else f"{guide_s:g} s"
    measured = f"attempt {attempt.number} after {attempt.after_s:.1f} s ({expected})"
    return f"{measured} {attempt.verdict.mark}{_WHY.get(attempt.verdict, '')}"


def judged(options: LabOptions, measured: Iterable[Measured]) -> tuple[Measured, ...]:
    """Return the attempts that count: of each page up to the last number that is judged."""
    if options.counts_up:
        return tuple(each for each in measured if each.attempt.number <= options.expected)
    return tuple(islice(measured, options.expected))


def reached(options: LabOptions, attempts: Sequence[Attempt]) -> int:
    """Return the number of the last attempt that was seen. If a UI always counts from 1, return how many were."""
    return max((each.number for each in attempts), default=0) if options.counts_up else len(attempts)


def outcome_of(options: LabOptions, attempts: Sequence[Attempt], gave_up: Verdict | None) -> LabOutcome:
    """Return the outcome of a run that has ended, from the measured attempts and the verdict on giving up."""
    if any(each.verdict not in (Verdict.FITS, Verdict.UNCLEAR) for each in attempts):
        return LabOutcome.DEVIATES
    ended = gave_up is Verdict.FITS or (gave_up is None and not options.waits_for_end)
    complete = ended and reached(options, attempts) >= options.attempts
    clear = all(each.verdict is Verdict.FITS for each in attempts)
    return LabOutcome.FITS if complete and clear else LabOutcome.INCOMPLETE


def _parts(report: LabReport) -> list[str]:
    attempts = [each.attempt for each in report.attempts]
    counts_up = report.options.counts_up
    # Two pages of one browser make attempts with the same number.
    parts = [_seen(len({each.number for each in attempts}) if counts_up else len(attempts), counts_up=counts_up)]
    wrong = [each for each in attempts if each.verdict is not Verdict.FITS]
    if wrong:
        parts += [attempt_text(each) for each in wrong[:MAX_NAMED]]
        if more := wrong[MAX_NAMED:]:
            unclear = " or are unclear" if any(each.verdict is Verdict.UNCLEAR for each in more) else ""
            parts.append(f"{len(more)} more {'does' if len(more) == 1 else 'do'} not fit{unclear}")
    elif attempts:
        parts.append("all fit ✓")
    if report.ending:
        parts.append(report.ending)
    if report.jitter:
        parts.append(SIMULTANEOUS if report.jitter == NO_JITTER else report.jitter)
    if any(each.is_guess for each in report.attempts):
        parts.append("a guess: several pages are open")
    return parts


def _seen(number: int, *, counts_up: bool) -> str:
    if counts_up and number > MAX_ATTEMPTS:
        return f"{number} attempts seen, {MAX_ATTEMPTS} expected"
    if counts_up:
        return f"{number} of {MAX_ATTEMPTS} attempts seen"
    return f"{count(number, 'attempt')} seen, each after a disconnect"
