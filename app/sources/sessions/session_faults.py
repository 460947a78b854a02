"""Perform the steps ``faults`` and ``rest_fault`` of a session: arm or clear faults, which disrupt frames or calls.
When the session ends, the faults that it has armed are cleared, unless others were armed for the same target or
route meanwhile. Those that were armed there before are not restored.
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
        self._armed: dict[Target, object | None] = {}
        self._armed_rest: dict[str, object | None] = {}
        """What was armed for each target and route of the session's steps after the latest one."""

    def arm(self, action: actions.Faults, to: Target) -> None:
        """Arm or clear the faults of clients. Raises ``RequestError`` and ``InvalidFault``."""
        faults, seed = self._stage.faults, self._seed if action.seed is None else action.seed
        if action.profile:
            profile = self._stage.profiles.find(action.profile)
            faults.arm_profile(to, profile, seed)
            for each in profile.profile.rest:
                self._armed_rest[each.route] = faults.rest.armed_for(each.route)
        elif action.set:
            faults.arm(to, [parse_fault(each, action.direction, action.only) for each in action.set], seed)
        else:
            faults.clear(to)
        self._armed[to] = faults.armed_for(to)

    def arm_rest(self, action: actions.RestFault) -> None:
        """Arm or clear the fault of a REST route. Raises ``RequestError`` and ``InvalidFault``."""
        rest, route = self._stage.faults.rest, action.rest_fault
        if action.set:
            rest.arm(parse_rest_fault(route, action.set), self._seed if action.seed is None else action.seed)
        else:
            rest.clear(route)
        self._armed_rest[route] = rest.armed_for(route)

    def clear(self) -> None:
        """Clear the faults that the session has armed and that are still armed."""
        faults = self._stage.faults
        for to, armed in self._armed.items():
            if armed is not None and faults.armed_for(to) is armed:
                faults.clear(to)
        for route, armed in self._armed_rest.items():
            if armed is not None and faults.rest.armed_for(route) is armed:
                faults.rest.clear(route)
