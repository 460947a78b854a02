"""``Track``, the context in which steps are played: the steps of a session, or those of one run of a ``when`` rule.
For example, it has the timeline, the default recipients, the values for templates, and the place in the log after
which expectations search. The tracks of a session share its files, faults, refusals and warnings. ``player`` plays
the steps.
"""

from dataclasses import dataclass, field
from random import Random

from app.hub.origin import Origin
from app.hub.refusals import ArmedRefusal
from app.hub.rest_log import LogPosition
from app.hub.session_run import SessionFiles
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.templates import TemplateContext
from app.sources.sessions.local_user import LocalUser
from app.sources.sessions.replay import Replay
from app.sources.sessions.session_faults import SessionFaults
from app.sources.sessions.stage import Stage
from app.sources.sessions.timeline import Timeline

SCENARIO = "scenario"
"""The kind of the origin of everything that a session fires: ``scenario morning:12``."""


@dataclass
class Track:
    """The steps of the session, or one run of a rule.

    ``name`` is the session's, and ``key`` distinguishes the tracks of a session: random values depend on the seed,
    the key and the number of values taken before, so that they do not depend on what happens at the same time.
    """

    stage: Stage
    timeline: Timeline
    name: str
    seed: int
    key: str
    files: SessionFiles
    replay: Replay
    faults: SessionFaults
    since: LogPosition
    """Expectations count from here: the end of the log when the last firing step began, or where the track did."""
    to: Target = ALL
    """The recipients that replace ``all``."""
    line: int = 0
    """The line of the step that is being played."""
    met: dict[str, LogPosition] = field(default_factory=dict)
    """What met expectations since then, by their text. An equal expectation needs something later."""
    fired: int = 0
    refusals: list[ArmedRefusal] = field(default_factory=list)
    """What the steps ``refuse`` of the session have armed. All tracks of a session share the list."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Warnings about steps, with the line of the first. All tracks of a session share them."""

    @property
    def origin(self) -> Origin:
        """The origin of the events of the current step."""
        return Origin.of(SCENARIO, f"{self.name}:{self.line}")

    @property
    def local_user(self) -> LocalUser:
        """The local user in the session, and here."""
        return self.replay.renewal.local_user

    def begin_firing(self) -> None:
        """Count expectations from now on."""
        self.since = self.stage.rest_log.now()
        self.met.clear()

    async def fire(self, event: Envelope, to: Target, *, strict: bool = True) -> None:
        """Fire the event of the current step. Note a warning if the UI will not show it."""
        await self.stage.fire(event, to=to, origin=self.origin, strict=strict)
        if strict and (warning := self.stage.chat.unknown_user_warning(event)):
            self.warn(warning)

    def warn(self, warning: str) -> None:
        """Note a warning about the current step."""
        self.warnings.setdefault(warning, self.line)

    def target(self, text: str, local_user: LocalUser | None = None) -> Target:
        """Return the recipients of a step, by default of what the session contains. Raises ``ValueError``."""
        target = Target.parse(text)
        return self.to if target == ALL else (local_user or self.local_user).target(target)

    def context(self, persona: str | None) -> TemplateContext:
        """Return the values for the templates of the next event."""
        self.fired += 1
        return TemplateContext(
            wall=self.timeline.wall,
            me=self.stage.local_user,
            persona=self.local_user.name(persona) if persona else next(iter(self.stage.personas), "alice"),
            seq=self.fired,
            random=Random(f"{self.seed}:{self.key}:{self.fired}"),
        )
