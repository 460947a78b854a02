"""JSON types of the control API operation ``GET /v1/reconnects``: its query, its report per Origin and user agent,
and functions that convert measured reports and attempts.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.protocol.reconnect_report import Measured, ReconnectReport, ReconnectState
from app.protocol.reconnects import Browser, Verdict


class ReconnectsQuery(Input):
    """Which reconnects."""

    client: (
        Annotated[int, Meta(ge=1, le=2**53, description="Only those of this client's page and its browser")] | None
    ) = None


class ExpectedDelay(Struct, kw_only=True):
    """The expected delay in seconds, from the disconnect or the attempt before."""

    earliest: Annotated[float, Meta(description="The guide's delay")]
    latest: float
    browser_s: Annotated[float, Meta(description="How much of it the browser may add")]


class AttemptInfo(Struct, kw_only=True):
    """An attempt to reconnect, or one that did not come."""

    number: Annotated[int, Meta(description="Counts from 1, and again from 1 after each connection; 0: not known")]
    at: Annotated[float, Meta(description="Its time, in seconds since the epoch")]
    after_s: Annotated[float | None, Meta(description="The measured delay; null: no attempt came in time")]
    expected: ExpectedDelay
    verdict: Annotated[
        Verdict,
        Meta(
            description="extra: after the last attempt of the guide; missing: it did not come; unclear: not judged"
        ),
    ]
    client: Annotated[int | None, Meta(description="Number of the client; null: it was refused, or did not come")]
    unseen: Annotated[int, Meta(description="Attempts before it that could not be seen: the server was stopped")]
    is_guess: Annotated[bool, Meta(description="Whether another page of the browser may have made it")]
    text: Annotated[str, Meta(description="The verdict in words")]


class ReconnectInfo(Struct, kw_only=True):
    """The reconnects of all pages with one Origin and user agent."""

    origin: str
    user_agent: str
    browser: Annotated[Browser, Meta(description="Decides how much the browser may add to the delay")]
    clients: Annotated[list[int], Meta(description="Numbers of the connected clients")]
    state: Annotated[
        ReconnectState,
        Meta(
            description="waiting: expected to reconnect; closed: by the UI, or with its page; "
            "unseen: the server is or was stopped, so attempts cannot be seen"
        ),
    ]
    verdict: Annotated[Verdict | None, Meta(description="The last verdict; null if no reconnect was measured")]
    text: Annotated[str, Meta(description="What it does now, or the last verdict, in words")]
    jitter: Annotated[str, Meta(description="Whether the UI adds random delays; empty if this is not known")]
    is_guess: Annotated[bool, Meta(description="Whether several pages are open, so that attempts may be mixed up")]
    attempts: Annotated[list[AttemptInfo], Meta(description="The latest attempts, oldest first")]


def reconnect_info(found: ReconnectReport) -> ReconnectInfo:
    """Convert a report for a response."""
    return ReconnectInfo(
        origin=found.origin, user_agent=found.user_agent, browser=found.browser, clients=list(found.clients),
        state=found.state, verdict=found.verdict, text=found.text, jitter=found.jitter, is_guess=found.is_guess,
        attempts=[attempt_info(each) for each in found.attempts],
    )  # fmt: skip


def attempt_info(measured: Measured) -> AttemptInfo:
    """Convert an attempt for a response."""
    attempt = measured.attempt
    return AttemptInfo(
        number=attempt.number, at=measured.wall, after_s=attempt.after_s,
        expected=ExpectedDelay(**attempt.band._asdict()), verdict=attempt.verdict, client=measured.client,
        unseen=attempt.unseen, is_guess=measured.is_guess, text=measured.text,
    )  # fmt: skip
