"""Return the texts of the reconnect lab window: browser, what a run will do, progress, result, and the command that
starts the same run. A run of the lab closes a browser's connections, refuses its next attempts to reconnect, and
compares their delays with the guide, which is the UI's specification.
"""

import shlex
from collections.abc import Sequence

from app.hub.clients import Client, Handshake
from app.protocol.constants import reconnect_delay_ms
from app.protocol.counts import count
from app.protocol.reconnect_lab import SERVICE_RESTART, LabOptions, LabOutcome, LabReport, usual_s
from app.protocol.reconnects import Browser, browser_of
from app.protocol.summary import summarize

MAX_CLIENTS = 3
"""At most this many clients of a browser are named."""
TITLES = {
    LabOutcome.FITS: "All attempts fit the guide",
    LabOutcome.DEVIATES: "At least one attempt does not fit the guide",
    LabOutcome.INCOMPLETE: "Fewer attempts than asked for could be judged",
    LabOutcome.STOPPED: "Stopped",
}
TONES = {
    LabOutcome.RUNNING: "muted",
    LabOutcome.FITS: "ok",
    LabOutcome.DEVIATES: "error",
    LabOutcome.INCOMPLETE: "warning",
    LabOutcome.STOPPED: "muted",
}


def page_text(handshake: Handshake) -> str:
    """Return the Origin and the browser of a page, or the name of a program."""
    browser = browser_of(handshake.user_agent)
    program = "" if browser is Browser.UNKNOWN else browser.title()
    parts = [handshake.origin, program or handshake.user_agent]
    return " · ".join(summarize(each) for each in parts if each) or "A program without a name"


def clients_text(clients: Sequence[Client]) -> str:
    """Return the clients of a browser: ``client 2 · bob``."""
    if len(clients) == 1:
        return f"client {clients[0].id} · {clients[0].username}"
    numbers = [str(each.id) for each in clients[:MAX_CLIENTS]] + ["…"] * (len(clients) > MAX_CLIENTS)
    return f"clients {', '.join(numbers)}"


def intent_text(options: LabOptions) -> str:
    """Return what a run will do, and how long it will take."""
    refused = "the next attempt" if options.attempts == 1 else f"the next {options.attempts} attempts"
    end = ", waits whether it gives up," if options.waits_for_end else ""
    return (
        f"Closes the connections of this browser, refuses {refused} to reconnect{end} and then accepts connections "
        f"again. Takes about {_length(usual_s(options))}."
    )


def title_of(report: LabReport) -> str:
    """Return the result of a run in a few words, or its progress."""
    if report.outcome is not LabOutcome.RUNNING:
        return TITLES[report.outcome]
    options, seen = report.options, len(report.attempts)
    running = f"Running for {report.elapsed_s:.0f} s"
    if seen >= options.attempts:
        return f"{running} · waiting whether the UI gives up"
    delay_s = reconnect_delay_ms(seen + 1 if options.counts_up else 1) / 1000
    return (
        f"{running} · attempt {seen + 1} of {options.attempts} is expected {delay_s:.1f} s after the last failure"
    )


def command_of(options: LabOptions) -> str:
    """Return the command line that starts the same run."""
    words = ["companion", "reconnects", "lab", "--refuse", str(options.mode), "--attempts", str(options.attempts)]
    words += ["--client", str(options.client)] if options.client is not None else []
    words += ["--code", str(options.code)] if options.code != SERVICE_RESTART else []
    return shlex.join(words)


def _length(seconds: float) -> str:
    return count(round(seconds / 60), "minute") if seconds >= 100 else f"{seconds:.0f} s"
