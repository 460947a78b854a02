"""Arm and clear faults for the Faults room and the palette, clear all for the strip at the top; report the results.
A fault disturbs frames or REST calls on purpose, for example drops or delays them. It is armed when it is switched
on for some clients or a REST route. The results are texts for the user.
"""

from collections.abc import Callable

from app.companion import Companion
from app.hub.target import ALL, Target
from app.protocol.counts import count
from app.protocol.errors import RequestError
from app.protocol.faults.profiles import SavedProfile
from app.protocol.faults.rest import RestFaultSequence
from app.ui.models.fault_text import target_title
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.fault_form import OwnFaults


class FaultCommands:
    """``report`` gets what was done, ``failed`` why something could not be done."""

    def __init__(
        self, companion: Companion, report: Callable[[str], object], failed: Callable[[str], object]
    ) -> None:
        self._companion = companion
        self._report = report
        self._failed = failed
        self._do = RoomTasks(companion.tasks, failed)

    def close_down(self) -> None:
        """Report nothing any more."""
        self._do.close()

    def arm_profile(self, name: str, to: Target = ALL, seed: int | None = None) -> None:
        """Arm a profile. Its file is read again if it has changed."""

        def arm(saved: SavedProfile) -> None:
            def arm_now() -> str:
                faults, profile = self._companion.faults, saved.profile
                armed = faults.arm_profile(to, saved, seed)
                routes = {each.route for each in profile.rest}
                done = [f"{target_title(to)} (seed {each.seed})" for each in armed]
                done += [_rest_title(each) for each in faults.rest.armed if each.fault.route in routes]
                return f"Armed {saved.name} for {' and '.join(done)}"

            self._try(arm_now)

        self._do(self._companion.profiles.look_up(name), arm)

    def arm(self, own: OwnFaults, to: Target, seed: int | None) -> None:
        """Arm faults of frames for a target, and a fault of REST calls."""

        def arm_now() -> str:
            faults, done = self._companion.faults, []
            if own.rest:
                faults.rest.check([own.rest])
            if own.faults:
                armed = faults.arm(to, own.faults, seed)
                done.append(f"{target_title(to)} (seed {armed.seed})")
            if own.rest:
                rest = faults.rest.arm(own.rest, seed)
                done.append(_rest_title(rest))
            return f"Armed faults for {' and '.join(done)}"

        self._try(arm_now)

    def clear(self, key: Target | str) -> None:
        """Clear the faults of a target or of a REST route."""
        faults = self._companion.faults
        if isinstance(key, str):
            faults.rest.clear(key)
        else:
            faults.clear(key)
        self._report(f"Cleared the faults of {key if isinstance(key, str) else target_title(key)}")

    def reset(self) -> None:
        """Clear all faults."""
        cleared = self._companion.faults.clear_all()
        self._report(f"Cleared {count(cleared, 'set')} of faults" if cleared else "No faults are armed")

    def _try(self, work: Callable[[], str]) -> None:
        try:
            self._report(work())
        except RequestError as error:
            self._failed(str(error))


def _rest_title(armed: RestFaultSequence) -> str:
    """Return the route of a fault, which acts on the calls of all clients, and its seed."""
    return f"{armed.fault.route} of all clients (seed {armed.seed})"
