"""JSON types of the control API operations on sessions and their runs, and functions that convert saved sessions,
problems and runs to responses. A session is a scenario or a recording; a run is a session that is played.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from app.endpoints.control.shapes import Input
from app.hub.session_run import MAX_SPEED, MIN_SPEED, SessionProblem, SessionRun
from app.protocol.session.durations import MAX_SECONDS
from app.protocol.session.saved import LINES, TRANSCRIPT, SavedSession
from app.protocol.session.steps import MAX_SEED

SHOWN_RESULTS = 1_000
Notation = Annotated[
    Literal["chat", "lines"], Meta(description="chat: a transcript; lines: a header and one step per line as JSON")
]
SUFFIXES = {"chat": TRANSCRIPT, "lines": LINES}


class NotationQuery(Input):
    """The notation of a session's text."""

    notation: Notation = "chat"


class SessionInfo(Struct, kw_only=True):
    """A session in the list."""

    name: str
    title: str
    kind: Literal["scenario", "recording"]
    notation: Notation
    own: Annotated[bool, Meta(description="Whether it is one of your own, which can be changed")]
    size: Annotated[int, Meta(description="Bytes")]


class SessionList(Struct, kw_only=True):
    """All sessions. ``warnings`` names files that are not valid sessions."""

    sessions: list[SessionInfo]
    folder: str | None
    warnings: list[str]


class SessionText(Struct, kw_only=True):
    """A session with its text."""

    name: str
    own: bool
    notation: Notation
    text: str


class CheckBody(Input):
    """A session to check."""

    text: str
    notation: Notation = "chat"


class StepProblem(Struct, kw_only=True):
    """A step that will not work as it is written."""

    line: int
    message: str
    warning: Annotated[bool, Meta(description="It can be played, but the UI may not show it, or not make the call")]


class Checked(Struct, kw_only=True):
    """The result of a check."""

    title: str
    steps: int
    problems: list[StepProblem]


class RunOptions(Input):
    """How to play a session."""

    speed: Annotated[
        float | Literal["max"],
        Meta(description=f"{MIN_SPEED:g} to {MAX_SPEED:g}, or max: as fast as possible"),
    ] = 1.0
    max_idle: Annotated[float, Meta(ge=0, le=MAX_SECONDS)] | None = None
    step: Annotated[bool, Meta(description="Wait before each step until the next one is requested")] = False
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)] | None = None
    at: Annotated[datetime, Meta(tz=True, description="Count the times in events from this time")] | None = None
    to: Annotated[str, Meta(max_length=400, description="Recipients instead of all")] = ""
    mark: Annotated[str, Meta(max_length=200, description="Begin at this mark")] = ""
    from_row: (
        Annotated[int, Meta(ge=1, description="Begin at this row of a recording, by its number in the log")] | None
    ) = None
    timeout: Annotated[float, Meta(gt=0, le=MAX_SECONDS, description="Seconds")] | None = None
    sync: Annotated[bool, Meta(description="Wait for what the UI sent in a recording before going on")] = False
    exact: Annotated[bool, Meta(description="Send every recorded frame as it was, and nothing else")] = False
    keep: Annotated[
        bool,
        Meta(description="Keep the chat state of the session if each step could be played, not the one before"),
    ] = False


class RunBody(RunOptions, kw_only=True):
    """The session to play (``name`` or ``text``), and how."""

    name: Annotated[str, Meta(max_length=200, description="A saved session; or the name of text in the log")] = ""
    text: Annotated[str | None, Meta(description="The text of a session; omit it for a saved one")] = None
    notation: Notation = "chat"
    files: Annotated[
        dict[str, Any], Meta(description="With text: the content of the files that steps load, by their name")
    ] = field(default_factory=dict)


class RunFileBody(RunOptions, kw_only=True):
    """The file of the session to play, and how."""

    file: Annotated[str, Meta(min_length=1, max_length=4096, description="Absolute path of a session")]


class RunQuery(Input):
    """Wait for a change of a run."""

    seen: Annotated[int, Meta(ge=0, description="Wait until the version differs from this one")] | None = None
    wait: Annotated[float, Meta(ge=0, le=60, description="Answer after this many seconds at the latest")] = 0.0
    results_after: (
        Annotated[
            int, Meta(ge=0, description=f"Skip this many results, and return up to {SHOWN_RESULTS} that follow")
        ]
        | None
    ) = None


class ResultInfo(Struct, kw_only=True):
    """The outcome of an expectation, or of a step that failed."""

    line: int
    text: str
    met: bool
    took: Annotated[float, Meta(description="Seconds")]
    detail: str


class RunInfo(Struct, kw_only=True):
    """A run of a session."""

    number: int
    name: str
    title: str
    state: Literal["running", "paused", "passed", "failed", "error", "stopped"]
    seed: int
    steps: Annotated[int, Meta(description="Steps played so far, with those inside repeats and rules, each time")]
    outermost_steps: Annotated[int, Meta(description="Of the total_steps, those played so far")]
    total_steps: Annotated[int, Meta(description="Steps of the session, without those inside repeats and rules")]
    line: Annotated[int, Meta(description="Line of the step that is being played; 0 if there is none")]
    events: Annotated[int, Meta(description="Events fired")]
    met: Annotated[int, Meta(description="Expectations met")]
    unmet: Annotated[int, Meta(description="Expectations not met")]
    results: Annotated[list[ResultInfo], Meta(description=f"The last {SHOWN_RESULTS}, unless others are asked for")]
    error: str
    elapsed: Annotated[float, Meta(description="Seconds that the run took; 0 while it plays")]
    version: Annotated[int, Meta(description="Grows with each change of the run")]
    own_state: Annotated[
        bool, Meta(description="Whether it uses a chat state of its own, which is discarded when it ends")
    ] = False
    note: Annotated[
        str,
        Meta(description="What it fired and was not sent when it ended, and warnings about steps"),
    ] = ""
    waits_for: Annotated[str, Meta(description="The step that waits for the UI now, in words, or empty")] = ""
    files: Annotated[
        dict[str, Any],
        Meta(
            description="The files that steps saved; only in GET /v1/runs/{number}, when it has ended, and until "
            "later runs have saved 128 MB"
        ),
    ] = field(default_factory=dict)


def session_info(saved: SavedSession) -> SessionInfo:
    """Convert a session to an entry of the list."""
    return SessionInfo(
        name=saved.name, title=saved.title, kind="recording" if saved.kind == "recording" else "scenario",
        notation=notation_of(saved.suffix), own=saved.own, size=saved.size,
    )  # fmt: skip


def notation_of(suffix: str) -> Literal["chat", "lines"]:
    """Return the notation of a file with this suffix."""
    return "chat" if suffix == TRANSCRIPT else "lines"


def problem(found: SessionProblem) -> StepProblem:
    """Convert a problem of a session to an answer."""
    return StepProblem(line=found.line, message=found.message, warning=found.warning)


def run_info(run: SessionRun, files: dict[str, Any] | None = None, results_after: int | None = None) -> RunInfo:
    """Convert a run to an answer with its last results, or with those that follow the first ``results_after``."""
    if results_after is None:
        results = run.results[-SHOWN_RESULTS:]
    else:
        results = run.results[results_after : results_after + SHOWN_RESULTS]
    return RunInfo(
        number=run.number, name=run.name, title=run.title, state=run.state.value, seed=run.seed,
        steps=run.totals.steps, outermost_steps=run.totals.outermost, total_steps=run.total_steps,
        line=run.current.line if run.current else 0,
        events=run.totals.events, met=run.totals.met, unmet=run.totals.unmet,
        results=[
            ResultInfo(line=each.line, text=each.text, met=each.met, took=round(each.took_s, 6), detail=each.detail)
            for each in results
        ],
        own_state=run.on_copy and not run.options.keep, error=run.error, note=run.note,
        waits_for=run.waits_for,
        elapsed=round(run.elapsed_s, 6), version=run.version, files=files or {},
    )  # fmt: skip
