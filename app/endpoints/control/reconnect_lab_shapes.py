"""JSON types of the control API operations of the reconnect lab, and functions that convert a run to a response,
or to the JSON file that the window exports. A run closes the connections of one browser, refuses its next attempts
to reconnect, and judges their delays.
"""

from typing import Annotated

from msgspec import Meta, Struct, json

from app.endpoints.control.client_shapes import CloseCode
from app.endpoints.control.reconnect_shapes import AttemptInfo, attempt_info
from app.endpoints.control.refusal_shapes import Mode
from app.endpoints.control.shapes import Input
from app.hub.lab_run import LabRun
from app.protocol.reconnect_lab import MAX_ATTEMPTS, MAX_WITHIN_S, SERVICE_RESTART, LabOutcome
from app.protocol.reconnects import Browser, Verdict


class LabBody(Input):
    """How to refuse, and what to wait for."""

    mode: Mode = "503"
    attempts: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS, description="Refuse and judge this many attempts")] = 5
    within: (
        Annotated[float, Meta(gt=0, le=MAX_WITHIN_S, description="Time limit in seconds; null: long enough")] | None
    ) = None
    client: (
        Annotated[int, Meta(ge=1, le=2**53, description="A client of the browser; null: only one is connected")]
        | None
    ) = None
    code: CloseCode = SERVICE_RESTART


class LabQuery(Input):
    """Wait for a change of the run."""

    seen: Annotated[int, Meta(ge=0, description="Wait until the version differs from this one")] | None = None
    wait: Annotated[float, Meta(ge=0, le=60, description="Answer after this many seconds at the latest")] = 0.0


class LabInfo(Struct, kw_only=True):
    """A run of the reconnect lab."""

    version: Annotated[int, Meta(description="Grows with each attempt, and at the end")]
    outcome: Annotated[
        LabOutcome,
        Meta(
            description="running; fits: all attempts came and fit; deviates: one does not fit; incomplete: fewer "
            "came in time, or one could not be judged; stopped"
        ),
    ]
    text: Annotated[str, Meta(description="The verdict in words")]
    lines: Annotated[list[str], Meta(description="Each attempt in words")]
    mode: str
    expected_attempts: int
    within_s: float
    elapsed_s: float
    origin: str
    user_agent: str
    browser: Browser
    closed: Annotated[list[int], Meta(description="Numbers of the clients whose connections were closed")]
    attempts: Annotated[list[AttemptInfo], Meta(description="Oldest first")]
    gave_up: Annotated[Verdict | None, Meta(description="The verdict on giving up; null if that was not seen")]
    ending: Annotated[str, Meta(description="Why the run ended, if not with the last attempt")]
    jitter: Annotated[str, Meta(description="Whether the UI adds random delays; empty if this is not known")]


def lab_info(run: LabRun) -> LabInfo:
    """Convert a run for a response."""
    report = run.report
    return LabInfo(
        version=run.version, outcome=report.outcome, text=report.text, lines=report.lines,
        mode=str(report.options.mode), expected_attempts=report.options.attempts, within_s=report.options.limit_s,
        elapsed_s=report.elapsed_s, origin=report.origin, user_agent=report.user_agent, browser=report.browser,
        closed=list(report.closed), attempts=[attempt_info(each) for each in report.attempts],
        gave_up=report.gave_up, ending=report.ending, jitter=report.jitter,
    )  # fmt: skip


def lab_json(run: LabRun) -> bytes:
    """Return a run as an indented JSON document."""
    return json.format(json.encode(lab_info(run)), indent=2) + b"\n"
