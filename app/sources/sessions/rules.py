"""Run the ``when`` rules of a session: observe the traffic, and start the steps of a rule whenever a client sends
the event, or the UI makes the REST call, that the rule waits for. It can also require a sender and field values. If
a rule is activated too often, it is switched off, and the session fails.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.hub.expectation import Expectation
from app.hub.rest_log import LogPosition
from app.hub.row import Row
from app.hub.tasks import Tasks
from app.protocol.session.steps import Step
from app.sources.sessions.stage import Stage

MAX_ACTIVATIONS = 100
"""A rule that is activated more often within ``WINDOW_S`` is switched off, because its own effects activate it."""
WINDOW_S = 10.0


@dataclass
class _Rule:
    step: Step
    expectation: Expectation
    times: int | None
    activations: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_ACTIVATIONS))


class Rules:
    """The active rules of a session. ``play`` runs the steps of one, with the number of the activation and the
    position of the row that activated it in the log.

    ``stopped`` is called with a rule that was activated too often.
    """

    def __init__(
        self,
        stage: Stage,
        tasks: Tasks,
        play: Callable[[Step, int, LogPosition], Awaitable[None]],
        stopped: Callable[[Step, str], None],
    ) -> None:
        self._stage = stage
        self._tasks = tasks
        self._play = play
        self._stopped = stopped
        self._rules: list[_Rule] = []
        self._disconnects: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, step: Step, expectation: Expectation, times: int | None) -> None:
        """Activate a rule whenever a row meets the expectation, at most ``times`` times."""
        self._rules.append(_Rule(step, expectation, times))
        if not self._disconnects:
            self._disconnects = [
                self._stage.journal.appended.connect(self._on_row),
                self._stage.rest_log.unlogged.connect(self._on_row),
            ]

    def close(self) -> None:
        """Switch all rules off. Steps that run already continue."""
        self._rules.clear()
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects = []

    def _on_row(self, row: Row) -> None:
        for rule in [each for each in self._rules if each.expectation.met_by(row)]:
            self._activate(rule, row)

    def _activate(self, rule: _Rule, row: Row) -> None:
        now = self._stage.clock.mono()
        if len(rule.recent) == MAX_ACTIVATIONS and now - rule.recent[0] < WINDOW_S:
            self._rules.remove(rule)
            reason = (
                f"The rule was activated over {MAX_ACTIVATIONS} times within {WINDOW_S:.0f} s. It is switched off."
            )
            self._stopped(rule.step, reason)
            return
        rule.recent.append(now)
        rule.activations += 1
        run = self._run(rule.step, rule.activations, self._stage.rest_log.position(row))
        self._tasks.spawn(run, f"rule in line {rule.step.line}")
        if rule.activations == rule.times:
            self._rules.remove(rule)

    async def _run(self, step: Step, activation: int, since: LogPosition) -> None:
        await self._play(step, activation, since)
