"""Control API operations that play sessions (scenarios and recordings): check the steps, start a run, pause,
resume, step or stop it, list the runs, and return the progress and result of one.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import msgspec

from app.endpoints.control import session_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, absolute, number, operation, target
from app.endpoints.control.sessions import ERRORS, SESSION_BYTES
from app.hub.long_calls import COMPUTATIONS, compute
from app.hub.session_run import (
    AS_FAST_AS_POSSIBLE,
    MAX_SPEED,
    MIN_SPEED,
    NoFiles,
    Options,
    SessionFiles,
    SessionProblem,
    SessionRun,
)
from app.protocol.backend import MAX_STATE_BYTES
from app.protocol.envelope import MAX_STATE_DEPTH
from app.protocol.errors import Invalid, NotFound, TooLarge
from app.protocol.session.saved import (
    MAX_TRANSCRIPT_BYTES,
    TRANSCRIPT,
    check_saved_file,
    parse_session,
    suffix_of,
)
from app.protocol.session.steps import NO_STEPS, Session
from app.protocol.times import seconds_of

NOT_FOUND = (HTTPStatus.NOT_FOUND,)
SMALL_CHARS = 1_024
"""A session of at most this length is parsed at once: it need not wait for threads that parse long ones."""
RUN_BYTES = 64 * 1024 * 1024
"""Limit of a body with a session of ``SESSION_BYTES``, which JSON escapes, and the files that it loads."""


SAVED_BYTES = 2 * MAX_STATE_BYTES
"""Limit of the files that ended runs have saved, all runs together."""


class GivenFiles:
    """The files of a session whose text is in the request: given with it, and returned with the run.

    Saved ones have at most ``MAX_STATE_BYTES`` together. They are kept as bytes, which take less memory.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        self._saved: dict[str, bytes] = {}

    @property
    def saved(self) -> dict[str, msgspec.Raw]:
        """The files that were saved, as JSON."""
        return {name: msgspec.Raw(content) for name, content in self._saved.items()}

    @property
    def size(self) -> int:
        """The bytes of the files that were saved."""
        return sum(map(len, self._saved.values()))

    def release_given(self) -> None:
        """Release the given files."""
        self._given = {}

    def release_saved(self) -> None:
        """Release the files that were saved."""
        self._saved = {}

    async def read(self, name: str) -> Any:
        """Return a given file, or one that was saved before. Raises ``NotFound``."""
        if name in self._saved:
            return await compute(msgspec.json.decode, self._saved[name])
        if name in self._given:
            return self._given[name]
        raise NotFound(f"There is no file {name[:80]!r} in the session's folder, and no earlier step saved it.")

    async def write(self, name: str, content: Any) -> None:
        """Keep a file for the answer. Raises ``Invalid`` for a name that cannot be written to the folder.

        Raises ``TooLarge`` if the saved files are too large together.
        """
        check_saved_file(name)
        encoded = await compute(msgspec.json.encode, content)
        if self.size - len(self._saved.get(name, b"")) + len(encoded) > MAX_STATE_BYTES:
            limit = f"{MAX_STATE_BYTES >> 20} MB"
            raise TooLarge(f"The session saves over {limit}. Save the chat state less often, or to one file.")
        self._saved[name] = encoded


class SessionRunOperations(Operations):
    """The operations under ``/v1/runs``."""

    @operation("POST", "/v1/runs/check", scope=Scope.AGENT, body=shapes.CheckBody, limit=RUN_BYTES,
               answer=shapes.Checked)  # fmt: skip
    async def check_session(self, call: Call) -> shapes.Checked:
        """Check the steps of a session against the contract, the fixtures and the friends."""
        with call.needing_client():
            session = await self._parsed(call.body.text, call.body.notation)
            problems = await self._service.sessions.check(session)
        if session.is_empty:  # the window's editor does not mark that, because each new scenario is empty at first
            problems.append(SessionProblem(1, NO_STEPS))
        return shapes.Checked(
            title=session.header.title,
            steps=len(session.steps),
            problems=[shapes.problem(each) for each in problems],
        )

    @operation("POST", "/v1/runs", scope=Scope.AGENT, body=shapes.RunBody, limit=RUN_BYTES,
               max_depth=MAX_STATE_DEPTH, answer=shapes.RunInfo, errors=ERRORS)  # fmt: skip
    async def run_session(self, call: Call) -> shapes.RunInfo:
        """Start a session, and return its run. ``GET /v1/runs/{number}`` returns the result."""
        body: shapes.RunBody = call.body
        library = self._service.saved_sessions
        if body.text is not None:
            with call.needing_client():  # without it, nobody could stop the session
                session = await self._parsed(body.text, body.notation)
            files = GivenFiles(body.files)
            run = self._service.sessions.start(body.name or "session", session, _options(call, files))
            self._release_when_ended(run, files)
        else:
            with call.needing_client():
                saved = await library.look_up(body.name)
                session = await library.load(saved)
            run = self._service.sessions.start(saved.name, session, _options(call, library.files_of(saved)))
        return shapes.run_info(run)

    @operation("POST", "/v1/runs/file", scope=Scope.FULL, body=shapes.RunFileBody, answer=shapes.RunInfo,
               errors=ERRORS)  # fmt: skip
    async def run_session_file(self, call: Call) -> shapes.RunInfo:
        """Start the session in a file, for example a recording that is too large for a request."""
        body: shapes.RunFileBody = call.body
        file = absolute(body.file)
        with call.needing_client():
            session = await self._service.saved_sessions.load_file(file)
        name = file.name.removesuffix(suffix_of(file.name))
        return shapes.run_info(self._service.sessions.start(name, session, _options(call, NoFiles())))

    @operation("GET", "/v1/runs", scope=Scope.AGENT, answer=list[shapes.RunInfo])
    async def list_runs(self, _: Call) -> list[shapes.RunInfo]:
        """List the runs: those that are playing, and the last ones that ended."""
        return [shapes.run_info(each) for each in self._service.sessions]

    @operation("GET", "/v1/runs/{number}", scope=Scope.AGENT, query=shapes.RunQuery, answer=shapes.RunInfo,
               errors=NOT_FOUND)  # fmt: skip
    async def show_run(self, call: Call) -> shapes.RunInfo:
        """Return a run: its progress, its result and, if it has ended, the files that it saved.

        It can wait for a change, and return results from a number.
        """
        run = self._run(call)
        if call.query.seen is not None and not run.state.ended:
            with suppress(TimeoutError):
                await asyncio.wait_for(run.wait_for_change(call.query.seen), call.query.wait)
        files = run.options.files
        saved = files.saved if isinstance(files, GivenFiles) and run.state.ended else {}
        return shapes.run_info(run, saved, call.query.results_after)

    @operation("POST", "/v1/runs/{number}/pause", scope=Scope.AGENT, answer=shapes.RunInfo, errors=NOT_FOUND)
    async def pause_run(self, call: Call) -> shapes.RunInfo:
        """Pause a run before its next step."""
        run = self._run(call)
        run.pause()
        return shapes.run_info(run)

    @operation("POST", "/v1/runs/{number}/resume", scope=Scope.AGENT, answer=shapes.RunInfo, errors=NOT_FOUND)
    async def resume_run(self, call: Call) -> shapes.RunInfo:
        """Continue a run that is paused."""
        run = self._run(call)
        run.resume()
        return shapes.run_info(run)

    @operation("POST", "/v1/runs/{number}/step", scope=Scope.AGENT, answer=shapes.RunInfo, errors=NOT_FOUND)
    async def step_run(self, call: Call) -> shapes.RunInfo:
        """Play the next step of a run that is paused."""
        run = self._run(call)
        run.next_step()
        return shapes.run_info(run)

    @operation("POST", "/v1/runs/{number}/stop", scope=Scope.AGENT, answer=shapes.RunInfo, errors=NOT_FOUND)
    async def stop_run(self, call: Call) -> shapes.RunInfo:
        """Stop a run."""
        return shapes.run_info(await self._service.sessions.stop(self._run(call).number))

    def _release_when_ended(self, run: SessionRun, files: GivenFiles) -> None:
        """When a run has ended, release its given files, and saved ones of old runs, because many are kept."""

        def on_change(_: None) -> None:
            if run.state.ended:
                files.release_given()
                self._limit_saved(run)

        run.changed.connect(on_change)

    def _limit_saved(self, newest: SessionRun) -> None:
        """Release the saved files of ended runs beyond ``SAVED_BYTES``. ``newest`` is the one that ended last."""
        size = 0
        for each in (newest, *(run for run in reversed([*self._service.sessions]) if run is not newest)):
            files = each.options.files
            if each.state.ended and isinstance(files, GivenFiles):
                size += files.size
                if size > SAVED_BYTES:
                    files.release_saved()

    async def _parsed(self, text: str, notation: str) -> Session:
        suffix = shapes.SUFFIXES[notation]
        limit = MAX_TRANSCRIPT_BYTES if suffix == TRANSCRIPT else SESSION_BYTES
        if len(text) > limit:
            raise TooLarge(f"The session is over {limit // 1024:,} KiB.")
        if len(text) <= SMALL_CHARS:
            return parse_session(text, suffix)
        return await COMPUTATIONS.run(lambda go_on: parse_session(text, suffix, go_on))

    def _run(self, call: Call) -> SessionRun:
        text = call.path["number"]
        if (run := number(text)) is None:
            raise NotFound(f"There is no run {text[:80]!r} of a session.")
        return self._service.sessions.run(run)


def _options(call: Call, files: SessionFiles) -> Options:
    body: shapes.RunOptions = call.body
    speed = AS_FAST_AS_POSSIBLE if body.speed == "max" else float(body.speed)
    if not (MIN_SPEED <= speed <= MAX_SPEED or speed == AS_FAST_AS_POSSIBLE):
        raise Invalid(f"The speed must be {MIN_SPEED:g} to {MAX_SPEED:g}, or max.")
    return Options(
        speed=speed, max_idle_s=body.max_idle, stepwise=body.step, seed=body.seed,
        start=seconds_of(body.at) if body.at else None, to=target(body.to) if body.to else None,
        from_mark=body.mark, from_row=body.from_row,
        timeout_s=body.timeout, keep=body.keep, sync=body.sync, exact=body.exact, files=files,
        by_agent=call.by_agent,
    )  # fmt: skip
