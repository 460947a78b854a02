"""The progress of a session that is played: its state and results, with methods to pause, continue and step."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from app.hub.signals import Signal
from app.protocol.session.steps import Step

MAX_RESULTS = 10_000
"""At most this many results of steps are kept, those that failed first."""


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    PAUSED = "paused"
    PASSED = "passed"
    FAILED = "failed"
    """An expectation was not met."""
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

    ``took_s`` is how long the step took. ``detail`` says what was received instead, or what went wrong.
    """

    line: int
    text: str
    met: bool
    took_s: float
    detail: str = ""


@dataclass
class Totals:
    """What a run has done so far."""

    steps: int = 0
    events: int = 0
    met: int = 0
    unmet: int = 0


@dataclass
class SessionRun:
    """A run: created by ``SessionPlayer.start``, and controlled by its methods."""

    number: int
    name: str
    title: str
    seed: int
    total_steps: int
    state: RunState = RunState.RUNNING
    current: Step | None = None
    """The step that is being played."""
    totals: Totals = field(default_factory=Totals)
    results: list[StepResult] = field(default_factory=list)
    error: str = ""
    elapsed_s: float = 0.0
    changed: Signal[None] = field(default_factory=Signal)
    """Emitted after each step and each change of the state."""
    _may_go: asyncio.Event = field(default_factory=asyncio.Event)
    _stepwise: bool = False

    def __post_init__(self) -> None:
        self._may_go.set()

    @property
    def passed(self) -> bool:
        """Whether the run ended and every expectation was met."""
        return self.state is RunState.PASSED

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
        """Play one step, then stop again."""
        if not self.state.ended:
            self._stepwise = True
            self._may_go.set()

    def begin_stepwise(self) -> None:
        """Stop before the first step."""
        self._stepwise = True
        self.pause()

    async def gate(self, step: Step) -> None:
        """Wait until the step may be played."""
        await self._may_go.wait()
        if self._stepwise:
            self._may_go.clear()
        if self.state is RunState.PAUSED and not self._stepwise:
            self._set(RunState.RUNNING)
        self.current = step

    def played(self) -> None:
        """Count a step."""
        self.totals.steps += 1
        self.changed.emit(None)

    def add(self, result: StepResult) -> None:
        """Keep the result of an expectation or of a step that failed."""
        if result.met:
            self.totals.met += 1
        else:
            self.totals.unmet += 1
        if len(self.results) < MAX_RESULTS or not result.met:
            self.results.append(result)
        self.changed.emit(None)

    def end(self, state: RunState, error: str = "") -> None:
        """Set the final state."""
        self.error = error
        self.current = None
        self._set(state)

    def _set(self, state: RunState) -> None:
        self.state = state
        self.changed.emit(None)
