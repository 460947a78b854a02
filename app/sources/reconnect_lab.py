"""The reconnect lab: refuse the connections of one browser, close its clients, and measure when it reconnects.
A run ends when enough attempts were measured, or earlier, for example when no more are expected, at the time limit,
or when it is stopped. The result says whether the delays fit the guide, which is the UI's specification. With the
maximum number of attempts, it also says whether the UI gives up, unless the lab accepts and at once closes the
connections.

The attempts are measured by ``observers.reconnects``. One run at a time; the last one is kept.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from app.hub.clients import Client, Handshake
from app.hub.hub import Hub
from app.hub.journal import Verdict as RowVerdict
from app.hub.lab_run import LabRun
from app.hub.origin import CONTROL, Origin
from app.hub.refusals import ArmedRefusal, Refusals
from app.hub.signals import Signal
from app.hub.tasks import Tasks
from app.protocol.errors import Conflict, NotFound
from app.protocol.reconnect_lab import LabOptions, LabOutcome, LabReport, judged, outcome_of, reached
from app.protocol.reconnect_report import ReconnectReport, ReconnectState
from app.protocol.reconnects import Verdict, browser_of, jitter
from app.protocol.refusals import MAX_REFUSAL_S
from app.protocol.summary import summarize

EVENT = "reconnect lab"
POLL_S = 0.1
GRACE_S = 2.0
"""How long after the expected time of an attempt the lab goes on, so that a late one is found to be late."""
MAX_LISTED = 5
_OVER = (ReconnectState.GAVE_UP, ReconnectState.CLOSED, ReconnectState.UNSEEN)


class Watch(Protocol):
    """Measures reconnects; see ``observers.reconnects``."""

    def report(self, client: int) -> ReconnectReport:
        """Return the report of the browser of a client. Raises ``NotFound``."""


class ReconnectLab:
    """Runs experiments, one at a time."""

    def __init__(
        self,
        hub: Hub,
        refusals: Refusals,
        watch: Callable[[], Watch],
        tasks: Tasks,
        refused_page: Callable[[], str] = str,
    ) -> None:
        """``refused_page`` returns what to do about a page that was refused for its origin; empty without one."""
        self._hub = hub
        self._refused_page = refused_page
        self._refusals = refusals
        self._watch = watch
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        self.run: LabRun | None = None
        """The current run, or the last one; None before the first."""
        self.started: Signal[LabRun] = Signal()
        """Emitted when a run has started."""

    def start(self, options: LabOptions, origin: Origin = CONTROL) -> LabRun:
        """Arm the refusals, close the clients, and return the run.

        Raises ``Invalid`` for an option out of range. Raises ``Conflict`` if another run has not ended, if no
        client is connected, or if it is not clear which browser is meant.
        """
        options.check()
        if self.run and not self.run.ended:
            raise Conflict("The reconnect lab is running already. Stop it first.")
        clients = self._clients(options.client)
        handshake = _handshake(clients[0])
        # As many as are asked for from each page, so that the UI is connected again soon after the run.
        armed = self._refusals.arm(
            options.mode, options.expected * len(clients), MAX_REFUSAL_S, origin=origin, only=handshake
        )
        browser = browser_of(handshake.user_agent)
        self.run = run = LabRun(LabReport(options, *handshake, browser, tuple(each.id for each in clients)))
        experiment = _Experiment(self._hub, self._refusals, self._watch(), run, armed)
        for client in clients:
            client.close(options.code, EVENT)
        self._task = self._tasks.spawn(experiment.follow(), EVENT)
        self._task.add_done_callback(experiment.finish)
        self.started.emit(run)
        return run

    async def stop(self) -> None:
        """Stop the current run, if there is one, and wait until its refusals are removed."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    def _clients(self, number: int | None) -> list[Client]:
        """Return the clients of the browser to examine."""
        browsers: dict[Handshake, list[Client]] = {}
        for each in self._hub.clients:
            browsers.setdefault(_handshake(each), []).append(each)
        if number is not None:
            client = self._hub.client(number)
            if client is None:
                raise Conflict(f"Client {number} is not connected. `companion clients list` lists the clients.")
            return browsers[_handshake(client)]
        if not browsers:
            remedy = self._refused_page() or "Open your UI, then try again."
            raise Conflict(f"No client is connected. {remedy}")
        if len(browsers) > 1:
            listed = [f"{clients[0].id} ({_name(key)})" for key, clients in browsers.items()]
            more = ["…"] if len(listed) > MAX_LISTED else []
            names = ", ".join(listed[:MAX_LISTED] + more)
            raise Conflict(f"{len(browsers)} browsers or programs are connected. Choose a client: {names}.")
        (clients,) = browsers.values()
        return clients


class _Experiment:
    """Follows the attempts of one run until it ends."""

    def __init__(self, hub: Hub, refusals: Refusals, watch: Watch, run: LabRun, armed: ArmedRefusal) -> None:
        self._hub = hub
        self._refusals = refusals
        self._watch = watch
        self._run = run
        self._armed = armed
        self._began = hub.clock.mono()
        self._over_since: float | None = None
        """Since when no further attempt is expected; None while one is."""

    async def follow(self) -> None:
        """Update the report until the run ends."""
        try:
            while not self._look():
                await self._hub.clock.sleep(POLL_S)
        except NotFound:  # the watch keeps a limited number of browsers
            ending = "too many other browsers have connected"
            self._end(self._run.report._replace(ending=ending), LabOutcome.INCOMPLETE)

    def finish(self, following: "asyncio.Task[None]") -> None:
        """End the run if ``follow`` did not, and remove the refusals. A task may be cancelled before it begins."""
        if not self._run.ended:
            stopped = following.cancelled()
            ending = "stopped" if stopped else "internal error"
            outcome = LabOutcome.STOPPED if stopped else LabOutcome.INCOMPLETE
            self._end(self._run.report._replace(ending=ending), outcome)
        self._refusals.disarm(self._armed)

    def _look(self) -> bool:
        """Read the measured attempts; return whether the run has ended."""
        elapsed_s = self._hub.clock.mono() - self._began
        found = self._watch.report(self._run.report.closed[-1])
        made = (each for each in found.attempts if each.mono >= self._began and each.attempt.after_s is not None)
        measured = judged(self._run.report.options, made)
        attempts = [each.attempt for each in measured]
        report = self._run.report._replace(attempts=measured, jitter=jitter(attempts), elapsed_s=elapsed_s)
        ending = self._ending(report, found)
        if ending is None:
            self._run.update(report)
            return False
        gave_up = found.verdict if found.state is ReconnectState.GAVE_UP else None
        self._end(report._replace(ending=ending, gave_up=gave_up), outcome_of(report.options, attempts, gave_up))
        return True

    def _ending(self, report: LabReport, found: ReconnectReport) -> str | None:
        """Return why the run ends: empty after the last attempt. None while it goes on."""
        options = report.options
        seen = reached(options, [each.attempt for each in report.attempts])
        is_extra = any(each.attempt.verdict is Verdict.EXTRA for each in report.attempts)
        if is_extra or (seen >= options.attempts and not options.waits_for_end):
            return ""
        if self._is_over(found.state):
            return found.text
        if found.state is ReconnectState.CONNECTED and not self._refusals.is_armed(self._armed):
            return "the refusals were removed, and the UI is connected"
        if report.elapsed_s < options.limit_s:
            return None
        if seen < options.attempts:
            return f"fewer than {options.attempts} came within {round(options.limit_s, 1):g} s"
        return "whether it gives up was not seen"

    def _is_over(self, state: ReconnectState) -> bool:
        """Return whether no attempt has been expected for ``GRACE_S``."""
        now = self._hub.clock.mono()
        if state not in _OVER:
            self._over_since = None
            return False
        if self._over_since is None:
            self._over_since = now
        return now - self._over_since >= GRACE_S

    def _end(self, report: LabReport, outcome: LabOutcome) -> None:
        self._run.update(report._replace(outcome=outcome))
        verdict = RowVerdict.WARNING if outcome is LabOutcome.DEVIATES else RowVerdict.OK
        self._hub.log_server_event(EVENT, note=self._run.report.text, verdict=verdict)


def _handshake(client: Client) -> Handshake:
    return Handshake(client.origin, client.user_agent)


def _name(handshake: Handshake) -> str:
    return summarize(handshake.origin or handshake.user_agent) or "a program"
