"""Play a session from start to end: perform its steps at their times, and the steps of its ``when`` rules whenever
their events occur. The results are stored in the run.

A recording, or a session with a ``state`` step or a state in its header, plays on a copy of the chat state. The
whole companion uses the copy until the session ends. Then the copy is discarded, or replaces the real state if the
option ``keep`` is set and each step could be played. Other sessions change the state directly.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice

from msgspec import structs

from app.hub.expectation import why_impossible
from app.hub.journal import Verdict
from app.hub.origin import Origin
from app.hub.pipeline import FIRE_ERRORS
from app.hub.refusals import ArmedRefusal
from app.hub.rest_log import LogPosition
from app.hub.session_run import Options, RunState, SessionRun, StepResult
from app.hub.target import ALL
from app.hub.tasks import Tasks
from app.hub.uninterrupted import to_its_end
from app.protocol.counts import count, count_with
from app.protocol.session import actions
from app.protocol.session.steps import Session, Step
from app.protocol.session.transcript_writer import format_step
from app.protocol.summary import summarize
from app.sources.sessions.in_step import InStep
from app.sources.sessions.outcome import CannotPlay
from app.sources.sessions.performer import expectation, perform
from app.sources.sessions.recorded_performer import wait_until_due
from app.sources.sessions.replay import Renewal, Replay, connected_users
from app.sources.sessions.rules import Rules
from app.sources.sessions.session_faults import SessionFaults
from app.sources.sessions.stage import Stage
from app.sources.sessions.timeline import Timeline
from app.sources.sessions.track import SCENARIO, Track

PASSIVE = (actions.When, actions.Mark, actions.Note)
"""The steps of a session that runs until it is stopped if it has no others: rules without a scenario."""

MAX_WARNINGS = 5
"""A run's note has at most this many warnings, the first ones."""


def is_recording(session: Session) -> bool:
    """Return whether a session is a recording."""
    return session.header.kind == "recording"


def changes_state(session: Session) -> bool:
    """Return whether a session plays on a copy of the chat state."""
    steps = (each for step in session.steps for each in step.walk())
    replaces = any(isinstance(each.action, actions.ChangeState) for each in steps)
    return replaces or is_recording(session) or session.header.state is not None


def fixes_values(session: Session, options: Options) -> bool:
    """Return whether ids and times are generated from the seed and the start time while a session is played."""
    return options.start is not None or is_recording(session)


class SessionPlayer:
    """Plays one session. ``play`` may be called once."""

    def __init__(self, stage: Stage, session: Session, run: SessionRun) -> None:
        self._stage = stage
        self._session = session
        self._run = run
        self._options = options = run.options
        self._tasks = Tasks()
        self._rules = Rules(stage, self._tasks, self._play_rule, self._rule_failed)
        start = options.start if options.start is not None else stage.clock.wall()
        renewal = Renewal(session, run.seed, start, stage.local_user)
        self._replay = Replay(session, renewal, sync=options.sync, exact=options.exact)
        self._refusals: list[ArmedRefusal] = []
        self._warnings: dict[str, int] = {}
        self._faults = SessionFaults(stage, run.seed)
        fixed = fixes_values(session, options)
        timeline = Timeline(stage.clock, start, options.speed, options.max_idle_s, fixed=fixed)
        self._main = self._track(timeline, "", stage.rest_log.now())
        self._failed = False
        self._keep = options.keep
        """Whether the chat state of the session is kept: not if a step could not be played."""
        self._began = 0.0
        self._since = 0
        """The number of the newest row when the run began."""

    async def play(self) -> None:
        """Play the session to its end. The result is in the run. Cancel the task to stop it."""
        self._began = self._stage.clock.mono()
        self._since = self._stage.journal.last_seq
        try:
            steps = self._chosen_steps()
            self._run.left_out = len(self._session.steps) - len(steps)
            if is_recording(self._session) and self._session.header.started:
                self._replay.renewal.begin_after(_left_out_s(self._session.steps, steps))
            async with self._scene(), asyncio.timeout(self._options.timeout_s):
                await self._play_all(steps)
            self._end(RunState.FAILED if self._failed else RunState.PASSED)
        except (CannotPlay, *FIRE_ERRORS) as error:
            reason = str(error)
            stop = "" if reason.endswith((".", "!", "?")) else "."
            self._end(RunState.ERROR, f"{reason}{stop} {self._progress}")
        except TimeoutError:
            reason = f"The session did not end within {self._options.timeout_s:g} s."
            self._end(RunState.FAILED, f"{reason} {self._progress}{self._place}")
        except asyncio.CancelledError:
            self._end(RunState.STOPPED, f"The session was stopped. {self._progress}{self._place}")
            raise
        except Exception:  # the task's owner reports it; the run must end, because others wait for that
            reason = "The session ended because of an internal error."
            self._end(RunState.ERROR, f"{reason} {self._progress}")
            raise
        finally:
            self._stage.refusals.disarm(*self._refusals)
            self._log_end()

    def _end(self, state: RunState, error: str = "") -> None:
        self._run.elapsed_s = self._stage.clock.mono() - self._began
        self._run.note = " ".join(filter(None, (self._not_sent(), *self._warning_sentences())))
        if self._run.on_copy and self._keep != self._options.keep:
            error = f"{error} Its chat state was not kept: yours is back.".lstrip()
        self._run.end(state, error)

    def _warning_sentences(self) -> Iterator[str]:
        for text, line in islice(self._warnings.items(), MAX_WARNINGS):
            yield f"Line {line}: {text}{'' if text.endswith('?') else '.'}"
        if (more := len(self._warnings) - MAX_WARNINGS) > 0:
            yield f"{count(more, 'more warning')}."

    def _not_sent(self) -> str:
        """Return how much of what the run has fired is held or delayed, as a sentence; empty if nothing is."""

        def of_run(seq: int, origin: Origin) -> bool:
            named = origin.kind == SCENARIO and origin.detail.rpartition(":")[0] == self._run.name
            return named and seq >= self._since  # an earlier run may have the same name

        plans = [each.fault_plan for each in self._stage.hub.clients if each.fault_plan]
        rows = [self._stage.journal.row(seq) for each in plans for seq in each.delayed()]
        held = sum(of_run(*each) for each in self._stage.pipeline.held)
        delayed = sum(of_run(each.seq, each.origin) for each in rows if each)
        parts = [f"{count(held, 'event')} held by a breakpoint"] if held else []
        parts += [f"{count(delayed, 'frame')} delayed by faults"] if delayed else []
        return f"Not sent yet: {', '.join(parts)}." if parts else ""

    @property
    def _progress(self) -> str:
        played, total = self._run.totals.outermost, self._run.total_steps
        return f"{played} of {count_with(total, 'step', 'was', 'were')} played."

    @property
    def _place(self) -> str:
        """The step that was being played, and that no client is connected if it waited for one, as sentences."""
        run, step = self._run, self._run.current
        if step is None or run.left_out + run.totals.outermost >= run.total_steps:
            return ""
        place = f" The current step was line {step.line} ({summarize(_text(step))})."
        if not run.waits_for:
            return place
        waited_s = self._stage.clock.mono() - self._began
        return f"{place} {self._stage.why_no_client(waited_s)}".rstrip()

    @asynccontextmanager
    async def _scene(self) -> AsyncIterator[None]:
        """Set the chat state, the generated values and what is sent, and restore them at the end."""
        values, hub = self._stage.values, self._stage.hub
        fixes = fixes_values(self._session, self._options)
        try:
            if self._options.exact:
                hub.send_only(SCENARIO)
            if self._options.sync:
                users = connected_users(self._session, self._run.left_out)
                self._replay.in_step = InStep(self._stage, map(self._main.local_user.name, users))
            async with self._chat_state():
                yield
        finally:
            if self._options.exact:
                hub.send_only("")
            if self._replay.in_step:
                self._replay.in_step.close()
            if fixes:
                values.release()

    def _fix_values(self) -> None:
        if fixes_values(self._session, self._options):
            self._stage.values.fix(self._run.seed, lambda: self._main.timeline.wall)

    @asynccontextmanager
    async def _chat_state(self) -> AsyncIterator[None]:
        """Play on a copy of the chat state if the session replaces it. A recording begins with its own state."""
        if not self._run.on_copy:
            self._fix_values()
            yield
            return
        chat, state = self._stage.chat, self._session.header.state
        begin = self._tasks.spawn(chat.begin_scratch(), "copy the chat state")
        try:
            await asyncio.shield(begin)
            # Only now: what was delayed until the copy belongs to the user's own state, and meets no expectation.
            self._main.since = self._stage.rest_log.now()
            if self._replay.in_step:
                self._replay.in_step.forget_calls()
            self._fix_values()
            if isinstance(state, str):
                state = await self._options.files.read(state)
            if state is not None:
                await chat.restore(self._replay.renewal.state(state))
            yield
        except TimeoutError:  # of the whole session
            raise
        except Exception:
            self._keep = False
            raise
        finally:
            await begin  # if the session is stopped now, the copy is made nevertheless
            await to_its_end(chat.end_scratch(keep=self._keep))

    async def _play_all(self, steps: Sequence[Step]) -> None:
        try:
            await self._play_steps(steps, self._main, outermost=True)
            if all(isinstance(each.action, PASSIVE) for each in steps) and len(self._rules):
                await asyncio.Event().wait()
            self._rules.close()
            await self._tasks.join()
        finally:  # before the chat state is restored: nothing of this may change the user's own
            self._rules.close()
            self._faults.clear()
            await self._tasks.cancel()

    def _chosen_steps(self) -> tuple[Step, ...]:
        steps, mark = self._session.steps, self._options.from_mark
        if self._options.from_row is not None:
            return _from_row(steps, self._options.from_row)
        if not mark:
            return steps
        for index, each in enumerate(steps):
            if isinstance(each.action, actions.Mark) and each.action.mark == mark:
                return steps[index:]
        raise CannotPlay(f"The session has no mark {mark[:80]!r}.")

    def _track(self, timeline: Timeline, key: str, since: LogPosition) -> Track:
        run, options = self._run, self._options
        return Track(
            self._stage, timeline, run.name, run.seed, key, options.files, self._replay, self._faults,
            since, options.to or ALL, refusals=self._refusals, warnings=self._warnings,
        )  # fmt: skip

    async def _play_steps(self, steps: Sequence[Step], track: Track, *, outermost: bool = False) -> None:
        before = 0.0
        """The pauses of the steps that were left out."""
        for step in steps:
            if not self._replay.takes_part(step):
                before += step.action.after
                self._run.played(outermost=outermost)
                continue
            if track is self._main:
                self._run.approach(step)
            pause, before = before + step.action.after, 0.0
            if self._replay.awaits(step.action):
                track.timeline.advance(pause)
                await wait_until_due(step.action, track)
            else:
                await track.timeline.pause(pause)
            if track is self._main and await self._run.gate(step):
                track.timeline.resynchronize()
            track.line = step.line
            await self._play_step(step, track)
            self._run.played(outermost=outermost)

    async def _play_step(self, step: Step, track: Track) -> None:
        action = step.action
        match action:
            case actions.Repeat():
                for _ in range(action.repeat):
                    await self._play_steps(step.steps, track)
                    await asyncio.sleep(0)
                return
            case actions.When():
                expected = expectation(action.when, action.sender, action.where, track.local_user)
                if reason := why_impossible(expected, self._stage.catalog):
                    track.warn(reason)
                self._rules.add(step, expected, action.times)
                return
        began = track.timeline.step_begins()
        if track is self._main and _waits_for_ui(action):
            self._run.begin_wait(_text(step))
        try:
            outcome = await perform(action, track)
        except (CannotPlay, ValueError, *FIRE_ERRORS) as error:
            self._keep = False  # also if a rule has the step
            raise CannotPlay(f"Line {step.line}: {error}") from None
        if track is self._main:
            self._run.waits_for = ""
        self._run.totals.events += outcome.events
        if outcome.met is not None:
            self._failed |= not outcome.met
            took = max(self._stage.clock.mono() - began, 0.0)
            self._run.add(StepResult(step.line, _text(step), outcome.met, took, outcome.detail))

    async def _play_rule(self, step: Step, activation: int, since: LogPosition) -> None:
        track = self._track(self._main.timeline.branch(), f"rule {step.line}:{activation}", since)
        try:
            await self._play_steps(step.steps, track)
        except CannotPlay as error:
            self._rule_failed(step, str(error))

    def _rule_failed(self, step: Step, reason: str) -> None:
        self._failed = True
        self._run.add(StepResult(step.line, _text(step), False, 0.0, reason, failed=True))
        self._log(f"line {step.line}: {reason}", Verdict.WARNING)

    def _log_end(self) -> None:
        run = self._run
        passed = run.state is RunState.PASSED
        text = f"{run.name}: {run.state.value}, {run.totals.outermost} of {count(run.total_steps, 'step')}"
        self._log(f"{text}. {run.remarks}" if run.remarks else text, Verdict.OK if passed else Verdict.WARNING)

    def _log(self, note: str, verdict: Verdict) -> None:
        self._stage.hub.log_server_event(SCENARIO, note=note, verdict=verdict)


def _from_row(steps: Sequence[Step], row: int) -> tuple[Step, ...]:
    """Return the steps of a recording from a row on, without the pause before it."""
    for index, each in enumerate(steps):
        if isinstance(each.action, actions.Recorded) and each.action.seq >= row:
            first = replace(each, action=structs.replace(each.action, after=0.0))
            return (first, *steps[index + 1 :])
    raise CannotPlay(f"The recording has no row {row} and none after it.")


def _left_out_s(steps: Sequence[Step], chosen: Sequence[Step]) -> float:
    """Return the seconds between the begin of a recording and the first of its chosen steps."""
    pauses = (sum(each.action.after for each in some) for some in (steps, chosen))
    return next(pauses) - next(pauses)


def _waits_for_ui(action: actions.Action) -> bool:
    match action:
        case actions.Wait():
            return isinstance(action.wait, actions.ReadyClient)
        case actions.Expect() | actions.Received() | actions.RestCall() | actions.ServerEvent():
            return True
    return False


def _text(step: Step) -> str:
    """Return a step as one line of a transcript, without the pause before it; a recorded one in a few words."""
    match step.action:
        case actions.Received(c2s=event, user=user):
            return f"{event} from {user}" if user else event
        case actions.RestCall(rest=call):
            return call
        case actions.ServerEvent(server=event, user=user):
            return f"{user} {event}"
    without_pause = replace(step, action=structs.replace(step.action, after=0.0))
    return format_step(without_pause, last=True)[0]
