"""Perform the steps ``faults`` and ``rest_fault`` of a session: arm or clear faults, which disrupt frames or calls.
When the session ends, all faults of the targets and routes in these steps, and of the routes in their profiles, are
cleared. Faults that were armed there before the session are not restored.
"""

from app.hub.target import Target
from app.protocol.faults.rest import parse_rest_fault
from app.protocol.faults.words import parse_fault
from app.protocol.session import actions
from app.sources.sessions.stage import Stage


class SessionFaults:
    """The faults that a session has armed. A step without a seed uses that of the session."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._seed = seed
        self._targets: set[Target] = set()
        self._routes: set[str] = set()

    def arm(self, action: actions.Faults, to: Target) -> None:
        """Arm or clear the faults of clients. Raises ``RequestError`` and ``InvalidFault``."""
        faults, seed = self._stage.faults, self._seed if action.seed is None else action.seed
        if action.profile:
            profile = self._stage.profiles.find(action.profile)
            faults.arm_profile(to, profile, seed)
            self._routes.update(each.route for each in profile.profile.rest)
        elif action.set:
            faults.arm(to, [parse_fault(each, action.direction, action.only) for each in action.set], seed)
        else:
            faults.clear(to)
        self._targets.add(to)

    def arm_rest(self, action: actions.RestFault) -> None:
        """Arm or clear the fault of a REST route. Raises ``RequestError`` and ``InvalidFault``."""
        rest = self._stage.faults.rest
        if action.set:
            fault = parse_rest_fault(action.rest_fault, action.set)
            rest.arm(fault, self._seed if action.seed is None else action.seed)
        else:
            rest.clear(action.rest_fault)
        self._routes.add(action.rest_fault)

    def clear(self) -> None:
        """Clear the faults of all targets and routes of the session's steps."""
        for to in self._targets:
            self._stage.faults.clear(to)
        for route in self._routes:
            self._stage.faults.rest.clear(route)
