"""The JSON of the control API that tests use most, as types. ``GET /v1/openapi.json`` describes all of it."""

from typing import Any, Literal, NotRequired, TypedDict


class JournalRow(TypedDict):
    """A row of the log."""

    seq: int
    """The number of the row."""
    time: str
    direction: Literal["c2s", "s2c", "server"]
    client: str
    user: str
    event: str
    frame: str
    """The frame, or the query or body of a REST call."""
    size: int
    verdict: Literal["ok", "warning", "invalid"]
    note: str
    origin: str
    recipients: NotRequired[list[int]]


class Fired(TypedDict):
    """The result of firing an event."""

    seq: int
    """The number of its row in the log."""
    delivered: int
    """How many clients received it."""
    clients: list[int]
    warnings: list[str]
    note: str
    expectation: NotRequired[dict[str, Any]]
    """What a fixture expects of the UI, and whether it happened."""


class RunInfo(TypedDict):
    """The result of a scenario."""

    number: int
    name: str
    title: str
    state: Literal["running", "paused", "passed", "failed", "stopped", "error"]
    line: int
    met: int
    unmet: int
    results: list[dict[str, Any]]
    error: str
    note: str
    elapsed: float
    version: int
