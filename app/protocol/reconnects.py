"""Judge the delays of a UI's reconnects: the guide's table, the delay that a browser adds, and verdicts in words.

Pure functions. Delays are in seconds. Attempts count from 1, and again from 1 after each connection (guide §1). The
expected delay is a band, because browsers delay a connection after failed ones. Its end is the longest delay that
the browser can add, as far as the failed connections are known:

- Chromium adds a random 1–5 s × 2^min(p + f/(s+1), 16) / 65,536. p, f and s count pending, failed and successful
  connections of the page's process in the last 2–4 minutes; p and s are not known, and counted as 0.
- Firefox adds 200–400 ms × 1.5ⁿ, up to 60 s, where n is 0 after the first failure.
- For any other browser, the larger of what these two can add is assumed.

Browsers delay the timers of a hidden tab by up to 1 s, and by up to 1 minute after it was hidden for 5 minutes. The
band does not include this: such an attempt is judged "too late, or the tab is hidden".
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from typing_extensions import override

from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, reconnect_delay_ms
from app.protocol.counts import count

EARLY_S = 0.1
"""Tolerance before the band: the browser may notice the end of a connection earlier than the companion."""
SLACK_S = 0.5
"""Tolerance after the band: a timer of a busy page, and the time until the request arrives."""
UNSEEN_S = 2.5
"""An attempt that cannot be seen takes up to this long: Windows retries before it reports that a port is closed."""
HIDDEN_S = 60.0
"""How much a hidden tab may delay an attempt. An attempt that is even later is a new start."""
CHROMIUM_WINDOW_S = 240.0
"""Chromium forgets failed connections after 2 to 4 minutes."""
CHROMIUM_MAX_S = 5.0
CHROMIUM_MAX_POWER = 16
FIREFOX_FIRST_S = 0.4
FIREFOX_FACTOR = 1.5
FIREFOX_MAX_S = 60.0
JITTER_S = 0.1
"""If the delays deviate from the table by equal amounts, up to this difference, the UI adds no random delay."""
JITTER_ATTEMPTS = 3
"""Fewer attempts may have equal delays by chance."""

GAVE_UP = "gave up after"
NO_JITTER = "no jitter: after a restart, all clients would reconnect at the same time"


class Browser(StrEnum):
    """The browsers whose own delays are known."""

    CHROMIUM = "chromium"
    FIREFOX = "firefox"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Whether a delay is in the expected range. ``unclear``: it cannot be judged."""

    FITS = "fits"
    EARLY = "early"
    LATE = "late"
    EXTRA = "extra"
    """An attempt after the last one of the guide, or giving up later than the guide."""
    MISSING = "missing"
    """No attempt came within the band."""
    UNCLEAR = "unclear"

    @property
    def mark(self) -> str:
        """A sign for the end of a sentence."""
        return {"fits": "✓", "unclear": "?"}.get(self, "✗")


class Band(NamedTuple):
    """The expected delay: from ``earliest`` (the guide's) to ``latest``. The browser adds up to ``browser_s``."""

    earliest: float
    latest: float
    browser_s: float

    def judge(self, delay: float) -> Verdict:
        """Return whether a measured delay is in the band."""
        if delay < self.earliest - EARLY_S:
            return Verdict.EARLY
        return Verdict.FITS if delay <= self.latest else Verdict.LATE

    @override
    def __str__(self) -> str:
        return f"{self.earliest:.1f}–{self.latest:.1f} s"


class Attempt(NamedTuple):
    """A measured attempt. ``after_s`` is None if none came in time; then ``number`` is the one that is missing;
    0 if that is not known, because the program was refused at its first connection.

    ``unseen`` attempts before it could not be seen because the server was stopped; then ``after_s`` and ``band``
    are measured from the attempt (or the disconnect) before these.
    """

    number: int
    after_s: float | None
    band: Band
    verdict: Verdict
    unseen: int = 0

    @override
    def __str__(self) -> str:
        if self.after_s is None:
            return self._missing()
        seconds = f"attempt {self.number} after {self.after_s:.1f} s"
        unseen = f"; {unseen_attempts(self.unseen)}" if self.unseen else ""
        match self.verdict:
            case Verdict.EXTRA:
                return f"{seconds} ✗ (expected none: the UI gives up after {WS_MAX_RECONNECT_ATTEMPTS})"
            case Verdict.UNCLEAR:
                return f"{seconds}: not judged{unseen}"
        return f"{seconds} (expected {self.band}) {self.verdict.mark}{_WHY.get(self.verdict, '')}{unseen}"

    def _missing(self) -> str:
        done = self.number - 1
        if self.verdict is Verdict.FITS:
            return f"{GAVE_UP} {done} ✓"
        if self.verdict is Verdict.UNCLEAR:
            why = unseen_attempts(self.unseen) if self.unseen else "the server was stopped, or the computer slept"
            if not self.number:
                why = "it was never connected, so it is not known how many attempts it has made"
            return f"no further attempt was seen: not judged; {why}"
        if self.verdict is Verdict.EXTRA:
            return f"{GAVE_UP} {done} ✗ (expected after {WS_MAX_RECONNECT_ATTEMPTS})"
        what = f"{GAVE_UP} {done}" if done else "did not reconnect"
        return f"{what} ✗ (attempt {self.number} expected after {self.band}), or the page was closed"


_WHY = {Verdict.EARLY: " too early", Verdict.LATE: " too late, or the tab is hidden"}


def unseen_attempts(number: int) -> str:
    """Return a sentence about attempts while the port was closed."""
    return f"{count(number, 'attempt')} could not be seen while the server was stopped"


def browser_of(user_agent: str) -> Browser:
    """Return the browser with this user agent. Edge, Opera and WebView2 are Chromium."""
    if "Firefox/" in user_agent:
        return Browser.FIREFOX
    return Browser.CHROMIUM if "Chrome/" in user_agent or "Chromium/" in user_agent else Browser.UNKNOWN


def browser_share(browser: Browser, failures: int) -> float:
    """Return the longest delay that a browser adds to a connection after ``failures`` failed ones."""
    power = min(max(failures, 0), CHROMIUM_MAX_POWER)
    chromium = CHROMIUM_MAX_S * 2.0 ** (power - CHROMIUM_MAX_POWER)
    firefox = min(FIREFOX_FIRST_S * FIREFOX_FACTOR ** min(failures - 1, 50), FIREFOX_MAX_S) if failures > 0 else 0.0
    match browser:
        case Browser.CHROMIUM:
            return chromium
        case Browser.FIREFOX:
            return firefox
    return max(CHROMIUM_MAX_S, firefox)


def band(attempt: int, browser: Browser, failures: int, unseen: int = 0) -> Band:
    """Return the expected delay of an attempt.

    ``failures`` counts the failed connections that the browser remembers. If the ``unseen`` attempts before it
    could not be seen, the delay counts from the attempt (or the disconnect) before these.
    """
    numbers = range(attempt - unseen, attempt + 1)
    earliest = sum(reconnect_delay_ms(each) for each in numbers) / 1000
    browser_s = sum(browser_share(browser, failures + index) for index in range(len(numbers)))
    return Band(earliest, earliest + browser_s + SLACK_S * len(numbers) + UNSEEN_S * unseen, browser_s)


def judge(attempt: int, after_s: float, expected: Band, unseen: int = 0) -> Attempt:
    """Return a measured attempt with its verdict."""
    verdict = Verdict.EXTRA if attempt > WS_MAX_RECONNECT_ATTEMPTS else expected.judge(after_s)
    return Attempt(attempt, after_s, expected, verdict, unseen)


def likely_number(after_s: float, browser: Browser, failures: int) -> int:
    """Return the attempt that a delay belongs to if nothing is known of the attempts before it."""
    numbers = range(1, WS_MAX_RECONNECT_ATTEMPTS + 1)
    begun = [each for each in numbers if band(each, browser, failures).earliest - EARLY_S <= after_s]
    return begun[-1] if begun else 1


def gave_up(attempt: int, expected: Band, unseen: int = 0) -> Attempt:
    """Return the verdict after the band of ``attempt`` has passed without it."""
    if unseen:
        return Attempt(attempt, None, expected, Verdict.UNCLEAR, unseen)
    done = attempt - 1
    if done < WS_MAX_RECONNECT_ATTEMPTS:
        return Attempt(attempt, None, expected, Verdict.MISSING)
    return Attempt(attempt, None, expected, Verdict.FITS if done == WS_MAX_RECONNECT_ATTEMPTS else Verdict.EXTRA)


def failures_that_count(browser: Browser, failed: Iterable[float], connected: float, now: float) -> int:
    """Return how many failures a browser remembers at ``now``, from their times and that of the last connection."""
    if browser is Browser.CHROMIUM:
        return sum(now - at <= CHROMIUM_WINDOW_S for at in failed)
    return sum(at > connected for at in failed)


def jitter(attempts: Sequence[Attempt]) -> str:
    """Return whether the UI adds random delays, as a sentence; empty if too few attempts were measured."""
    excess = [
        each.after_s - each.band.earliest
        for each in attempts
        if each.after_s is not None and each.verdict in (Verdict.FITS, Verdict.LATE) and not each.unseen
    ]
    if len(excess) < JITTER_ATTEMPTS:
        return ""
    spread = max(excess) - min(excess)
    if spread <= JITTER_S:
        return NO_JITTER
    return f"the delays vary by {spread:.1f} s"
