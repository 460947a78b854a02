"""The data of one run of a session (a scenario or a recording): options, progress and results.
``sources.sessions`` plays the session and updates its ``SessionRun``, which the control API and the window show.
Methods of ``SessionRun`` pause, resume or step the run. Other classes contain what a check of a session's text has
found (the checks are in ``sources.sessions.check``), and declare the interface to the files that a session loads.
"""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from app.hub.signals import Signal
from app.hub.target import Target
from app.protocol.errors import NotFound
from app.protocol.session.steps import Session, Step

MIN_SPEED, MAX_SPEED = 0.25, 16.0
AS_FAST_AS_POSSIBLE = float("inf")


MAX_RESULTS = 10_000
"""When this many results are kept, only those of failed steps are added."""


class SessionProblem(NamedTuple):
    """A step that will not work as it is written. ``line`` is its line in the file.

    ``warning``: it can be played, but the UI may not show it, or not make the call.
    """

    line: int
    message: str
    warning: bool = False


class CheckedText(NamedTuple):
    """What is known about the text of a session: the session, or None if the text is not valid, and its problems.

    ``column`` is where the text is not valid, from 1; 0 if it is valid, or if the column is not known.
    """

    session: Session | None
    problems: list[SessionProblem]
    column: int = 0

    @property
    def invalid(self) -> str:
        """Why the text is not valid, with the line; empty if it is."""
        if self.session is not None or not self.problems:
            return ""
        return f"Line {self.problems[0].line}: {self.problems[0].message}"


class SessionFiles(Protocol):
    """The files in the folder of a session, which the steps ``state`` load and save."""

    async def read(self, name: str) -> Any:
        """Return the JSON in a file. Raises ``RequestError``."""

    async def write(self, name: str, content: Any) -> None:
        """Write JSON to a file. Raises ``RequestError`` and ``StorageError``."""


class NoFiles:
    """The files of a session that has no folder."""

    async def read(self, name: str) -> Any:
        """Raise ``NotFound``."""
        raise NotFound(f"There is no file {name[:80]!r}: the session has no folder.")

    async def write(self, name: str, content: Any) -> None:
        """Raise ``NotFound``."""
        await self.read(name)


@dataclass(frozen=True)
class Options:
    """How a session is played.

    ``speed`` divides every pause, after ``max_idle_s`` has limited it. ``stepwise`` waits for
    ``SessionRun.next_step`` before each step. ``seed`` None uses the seed of the header, or a random one. ``start``
    is the time in seconds since the epoch from which the times in events are counted (None: now). ``to`` replaces
    the recipients ``all``. ``from_mark`` skips the steps before this mark, and
    ``from_row`` those before this row of a recording, by its number in the log. ``timeout_s`` limits the whole run.

    A session that replaces the chat state is played on a copy of it, which ``keep`` keeps at the end. ``files`` are
    the files that such steps load and save.

    ``sync`` waits for what the UI sent in a recording before it goes on. ``exact`` sends every recorded frame that
    clients received as it was, and nothing else. ``by_agent``: a coding agent plays it.
    """

    speed: float = 1.0
    max_idle_s: float | None = None
    stepwise: bool = False
    seed: int | None = None
    start: float | None = None
    to: Target | None = None
    from_mark: str = ""
    from_row: int | None = None
    timeout_s: float | None = None
    keep: bool = False
    sync: bool = False
    exact: bool = False
    files: SessionFiles = field(default_factory=NoFiles)
    by_agent: bool = False


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    PAUSED = "paused"
    PASSED = "passed"
    FAILED = "failed"
    """An expectation was not met, or a step of a rule could not be played."""
    ERROR = "error"
    """A step could not be played."""
    STOPPED = "stopped"
    """The user stopped it."""

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self not in (RunState.RUNNING, RunState.PAUSED)


class StepResult(NamedTuple):
    """The outcome of an expectation, or of a step that failed. ``line`` is the line in the session's file.

    ``took_s`` is how long the step took. ``detail`` says what was received instead, or what went wrong. ``failed``
    says that a step could not be played: it does not count as an expectation that was not met.
    """

    line: int
    text: str
    met: bool
    took_s: float
    detail: str = ""
    failed: bool = False


@dataclass
class Totals:
    """What a run has done so far."""

    steps: int = 0
    """Steps that were played, each time, with those inside others."""
    outermost: int = 0
    """Steps of the session itself that were played, without those inside others: of ``SessionRun.total_steps``."""
    events: int = 0
    met: int = 0
    unmet: int = 0
    failed: int = 0
    """Steps of rules that could not be played. The run goes on, and fails at its end."""


@dataclass
class SessionRun:
    """A run: created by ``SessionRuns.start``, and controlled by its methods."""

    number: int
    name: str
    title: str
    seed: int
    total_steps: int
    """Steps of the session itself, without those inside others."""
    options: Options = field(default_factory=Options)
    on_copy: bool = False
    """Whether it plays on a copy of the chat state, which the whole companion uses until it ends."""
    state: RunState = RunState.RUNNING
    current: Step | None = None
    """The step that is being played, or the next one during the pause before it, and if the run is paused."""
    waits_for: str = ""
    """The current step, in words, while it waits for the UI; otherwise empty."""
    left_out: int = 0
    """Steps of the session itself before the one at which the run begins."""
    totals: Totals = field(default_factory=Totals)
    results: list[StepResult] = field(default_factory=list)
    error: str = ""
    note: str = ""
    """What the run has fired that was not sent when it ended, and warnings about its steps, as sentences."""
    elapsed_s: float = 0.0
    version: int = 0
    """Grows with each step, each change of the state, and when a step begins to wait for the UI."""
    changed: Signal[None] = field(default_factory=Signal)
    """Emitted when ``version`` has grown."""
    _may_go: asyncio.Event = field(default_factory=asyncio.Event)
    _stepwise: bool = False

    def __post_init__(self) -> None:
        self._may_go.set()

    @property
    def passed(self) -> bool:
        """Whether the run ended and every expectation was met."""
        return self.state is RunState.PASSED

    @property
    def remarks(self) -> str:
        """``error`` and ``note``, as sentences; empty if there is nothing to say."""
        return " ".join(filter(None, (self.error, self.note)))

    @property
    def position(self) -> int:
        """The number of the session's own step that is being played, from 1; 0 if there is none."""
        return min(self.left_out + self.totals.outermost + 1, self.total_steps) if self.current else 0

    def pause(self) -> None:
        """Stop before the next step."""
        if self.state is RunState.RUNNING:
            self._may_go.clear()
            self._set(RunState.PAUSED)

    def resume(self) -> None:
        """Continue at the next step."""
        self._stepwise = False
        if self.state is RunState.PAUSED:
            self._may_go.set()
            self._set(RunState.RUNNING)

    def next_step(self) -> None:
        """Play one step of a paused run, then stop again."""
        if self.state is RunState.PAUSED:
            self._stepwise = True
            self._may_go.set()

    def begin_stepwise(self) -> None:
        """Stop before the first step."""
        self._stepwise = True
        self.pause()

    def approach(self, step: Step) -> None:
        """Make a step the current one: the pause before it begins."""
        self.current = step
        self._note_change()

    def begin_wait(self, step: str) -> None:
        """Note that the current step, in words, waits for the UI."""
        self.waits_for = step
        self._note_change()

    async def gate(self, step: Step) -> bool:
        """Wait until the step may be played. Return whether that took time, because the run was paused."""
        paused = not self._may_go.is_set()
        while not self._may_go.is_set():  # it may have been paused again since it was resumed
            await self._may_go.wait()
        if self._stepwise:
            self._may_go.clear()
        return paused

    def played(self, *, outermost: bool) -> None:
        """Count a step. ``outermost``: it is not inside another one."""
        self.totals.steps += 1
        self.totals.outermost += outermost
        self._note_change()

    def add(self, result: StepResult) -> None:
        """Keep the result of an expectation or of a step that failed."""
        if result.failed:
            self.totals.failed += 1
        elif result.met:
            self.totals.met += 1
        else:
            self.totals.unmet += 1
        if len(self.results) < MAX_RESULTS or not result.met:
            self.results.append(result)
        self._note_change()

    def end(self, state: RunState, error: str = "") -> None:
        """Set the final state."""
        self.error = error
        self.current, self.waits_for = None, ""
        self._set(state)

    def _set(self, state: RunState) -> None:
        self.state = state
        self._note_change()

    def _note_change(self) -> None:
        self.version += 1
        self.changed.emit(None)

    async def wait_for_change(self, seen: int) -> None:
        """Wait until ``version`` differs from ``seen``."""
        changed = asyncio.Event()
        disconnect = self.changed.connect(lambda _: changed.set())
        try:
            while self.version == seen:
                changed.clear()
                await changed.wait()
        finally:
            disconnect()
