"""Start and stop sessions, number these runs, and keep the results of the latest ones. Several can run at a time,
but only one that plays on a copy of the chat state, and one with a start time. A session is a scenario or a
recording; ``player`` plays one.
This also checks sessions without playing them.
"""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime

from app.hub.long_calls import compute
from app.hub.session_run import CheckedText, Options, RunState, SessionProblem, SessionRun
from app.hub.signals import Signal
from app.hub.slices import Slices
from app.hub.tasks import Tasks
from app.protocol.errors import Conflict, Invalid, NotFound
from app.protocol.session.errors import InvalidSession
from app.protocol.session.saved import read_session
from app.protocol.session.steps import MAX_SEED, Session
from app.protocol.times import seconds_of
from app.sources.sessions.check import MAX_PROBLEMS, answering_faults, check_header, check_session
from app.sources.sessions.player import SessionPlayer, changes_state, fixes_values
from app.sources.sessions.stage import Stage

MAX_RUNNING = 20
MAX_ENDED = 50
"""At most this many runs that have ended are kept, the latest ones."""
FIRST_YEAR, LAST_YEAR = 2, 8999
"""The years of a start time (UTC). The chat state of the first start is older, and a session can be long."""
FIRST_S, END_S = (seconds_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (FIRST_YEAR, LAST_YEAR + 1))


class SessionRuns:
    """The runs of sessions, by number. Several sessions can run at once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._runs: dict[int, SessionRun] = {}
        self._playing: dict[int, asyncio.Task[None]] = {}
        self._stopping: set[int] = set()
        """The runs that were cancelled and have not ended."""
        self._tasks = Tasks()
        self._last = 0
        self._on_scratch = 0
        """The run that plays on a copy of the chat state; 0 if there is none."""
        self._with_values = 0
        """The run that has fixed the generated values; 0 if there is none."""
        self.changed: Signal[SessionRun] = Signal()
        """Emitted when a run has started, played a step or ended."""

    def __iter__(self) -> Iterator[SessionRun]:
        return iter(tuple(self._runs.values()))

    def run(self, number: int) -> SessionRun:
        """Return a run. Raises ``NotFound``."""
        if run := self._runs.get(number):
            return run
        raise NotFound(f"There is no run {number} of a session.")

    async def check(self, session: Session) -> list[SessionProblem]:
        """Return the steps of a session that will not work as they are written. Check them in time slices."""
        slices = Slices()
        found = check_header(session.header)
        answers: list[str] = []
        for step in session.steps:
            answers += answering_faults(step)
            found += check_session(Session(session.header, (step,)), self._stage, answers)
            if len(found) >= MAX_PROBLEMS:
                break
            await slices.yield_if_due()
        return found[:MAX_PROBLEMS]

    async def check_text(self, text: str, suffix: str) -> CheckedText:
        """Read a text in the notation ``suffix`` in a thread, and check its steps in time slices."""
        try:
            session = await compute(read_session, text, suffix)
        except InvalidSession as error:
            return CheckedText(None, [SessionProblem(max(error.line, 1), error.reason)], error.column)
        return CheckedText(session, await self.check(session))

    def start(self, name: str, session: Session, options: Options) -> SessionRun:
        """Start a session, and return its run. ``name`` is shown in the log.

        Raises ``Conflict``, and ``Invalid`` for a session that does nothing, and for a start time from which the
        times in events cannot be counted.
        """
        if options.start is not None and not FIRST_S <= options.start < END_S:
            raise Invalid(f"Invalid start time. Use one in the years {FIRST_YEAR} to {LAST_YEAR}.")
        if session.is_empty:
            raise Invalid(f"The session {name!r} has no steps.")
        if len(self._playing) >= MAX_RUNNING:
            raise Conflict(f"{MAX_RUNNING} sessions are running. Stop one first.")
        if changes_state(session) and self._on_scratch:
            other = self._runs[self._on_scratch]
            raise Conflict(
                f"Another session that replaces the chat state is running: {other.name}, number {other.number}. "
                "Stop it first."
            )
        if fixes_values(session, options) and self._with_values:
            other = self._runs[self._with_values]
            raise Conflict(
                f"Another session with a start time is running: {other.name}, number {other.number}. Their ids and "
                "times would mix. Stop it first."
            )
        playing = [self._runs[each] for each in self._playing]
        if in_the_way := [each for each in playing if options.exact or each.options.exact]:
            raise Conflict(
                "An exact replay does not play together with another session, because only its own frames are "
                f"sent. {in_the_way[0].name}, number {in_the_way[0].number}, is running. Stop it first."
            )
        seeds = (options.seed, session.header.seed)
        seed = next((each for each in seeds if each is not None), random.SystemRandom().randrange(MAX_SEED))
        self._last += 1
        run = SessionRun(self._last, name, session.header.title or name, seed, len(session.steps), options)
        run.on_copy = changes_state(session)
        self._runs[run.number] = run
        run.changed.connect(lambda _: self.changed.emit(run))
        if options.stepwise:
            run.begin_stepwise()
        player = SessionPlayer(self._stage, session, run)
        task = self._tasks.spawn(player.play(), f"session {name}")
        self._playing[run.number] = task
        if run.on_copy:
            self._on_scratch = run.number
        if fixes_values(session, options):
            self._with_values = run.number
        task.add_done_callback(lambda _: self._ended(run.number))
        self.changed.emit(run)
        return run

    async def wait(self, run: SessionRun) -> None:
        """Wait until a run has ended."""
        if task := self._playing.get(run.number):
            await asyncio.wait([task])

    async def stop(self, number: int) -> SessionRun:
        """Stop a run, if it still plays, and return it. Raises ``NotFound``."""
        run = self.run(number)
        self._cancel(number)
        await self.wait(run)
        return run

    def stop_those_of_agents(self) -> None:
        """Stop the runs that coding agents have started."""
        for number in self._playing:
            if self._runs[number].options.by_agent:
                self._cancel(number)

    async def stop_all(self) -> None:
        """Stop all runs."""
        for number in self._playing:
            self._cancel(number)
        await self._tasks.join()

    def _cancel(self, number: int) -> None:
        """Cancel a run once: a second cancellation would interrupt how it restores the chat state and the rest."""
        if number in self._playing and number not in self._stopping:
            self._stopping.add(number)
            self._playing[number].cancel()

    def _ended(self, number: int) -> None:
        self._playing.pop(number, None)
        self._stopping.discard(number)
        if not (run := self._runs[number]).state.ended:  # stopped before it began
            run.end(RunState.STOPPED, "The session was stopped.")
        if number == self._on_scratch:
            self._on_scratch = 0
        if number == self._with_values:
            self._with_values = 0
        ended = [each for each in self._runs if each not in self._playing]
        for each in ended[:-MAX_ENDED]:
            del self._runs[each]
