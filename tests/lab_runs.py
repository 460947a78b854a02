"""A run of the reconnect lab for pictures: a UI whose third delay does not grow."""

from app.hub.lab_run import LabRun
from app.protocol.reconnect_lab import LabOptions, LabOutcome, LabReport
from app.protocol.reconnect_report import Measured
from app.protocol.reconnects import Attempt, Browser, band
from app.protocol.refusals import parse_mode

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
DELAYS = (3.08, 4.61, 4.59, 10.4, 16.4)


def shown_run(origin: str, user_agent: str, browser: Browser = Browser.FIREFOX) -> LabRun:
    """Return a run that has ended."""
    attempts = []
    for number, delay in enumerate(DELAYS, 1):
        expected = band(number, browser, number - 1)
        attempt = Attempt(number, delay, expected, expected.judge(delay))
        attempts.append(Measured(attempt, 0.0, 0.0, None, is_guess=False))
    options = LabOptions(parse_mode("503"), len(DELAYS))
    return LabRun(
        LabReport(
            options, origin, user_agent, browser, (1,), tuple(attempts), elapsed_s=sum(DELAYS),
            outcome=LabOutcome.DEVIATES,
        )
    )  # fmt: skip
