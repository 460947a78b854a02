"""List the conditions under which frames or REST calls are not handled normally, each with a sentence and buttons.
They are: the event server cannot listen or was stopped, sending is paused, a peer has changed keys, connections are
refused on purpose, faults are armed, and items are held at breakpoints. Changed keys are left out while Sources is
open, and held items while Events is open: these rooms list them. The window shows the result in the strip at its
top, ``widgets/condition_strip.py``; the banner shows why other servers do not listen.
"""

from collections.abc import Callable, Sequence

from app.companion import Companion
from app.hub.server_state import ServerState
from app.protocol.counts import count_with
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.condition_strip import Condition

MAX_SHOWN = 2
"""At most this many kinds of refused connections are named."""


class Conditions:
    """Finds the current conditions of a companion."""

    def __init__(
        self,
        companion: Companion,
        run: RoomTasks,
        open_settings: Callable[[], object],
        reset_faults: Callable[[], object],
        open_events: Callable[[], object],
        shows_events: Callable[[], bool],
        changed_keys: Callable[[], Sequence[Condition]] = tuple,
    ) -> None:
        """``shows_events`` returns whether Events is shown, where a strip of its own lists what is held.

        ``changed_keys`` returns the conditions about peers whose keys have changed.
        """
        self._companion = companion
        self._run = run
        self._open_settings = open_settings
        self._reset_faults = reset_faults
        self._open_events = open_events
        self._shows_events = shows_events
        self._changed_keys = changed_keys
        self._started = False
        """Whether the event server was started once. Before that, it is not stopped but starting."""

    def current(self) -> list[Condition]:
        """Return the conditions, the most important one first."""
        companion = self._companion
        state = companion.state
        self._started = self._started or state is not ServerState.STOPPED
        service = companion.services["events"]
        found = []
        if state is ServerState.BLOCKED:
            text = f"{service.error} {service.consequence}"
            actions = (("Retry", self._start), ("Open Settings", self._open_settings))
            found.append(Condition(text, actions, "error"))
        if state is ServerState.STOPPED and self._started:
            start = ("Start server", self._start)
            found.append(Condition("The event server is stopped. Clients cannot connect.", (start,)))
        if companion.hub.paused:
            resume = ("Resume sending", lambda: companion.pause(False))
            stay = "Clients stay connected, but receive" if state is ServerState.PAUSED else "Clients would receive"
            found.append(Condition(f"Sending is paused. {stay} no events.", (resume,)))
        found += self._changed_keys()
        if armed := companion.refusals.armed:
            shown = [companion.refusals.remaining(each) for each in armed[:MAX_SHOWN]]
            more = "; ".join([*shown, "…"] if len(armed) > MAX_SHOWN else shown)
            accept = ("Accept connections", companion.refusals.disarm_all)
            found.append(Condition(f"Connections are refused on purpose ({more}).", (accept,)))
        if companion.has_faults and (text := _armed(companion)):
            found.append(Condition(text, (("Reset faults", self._reset_faults),)))
        held = len(companion.breakpoints.held) if companion.has_breakpoints else 0
        if held and not self._shows_events():
            resume_all = ("Continue all", lambda: companion.breakpoints.resume())
            text = f"{count_with(held, 'item', 'is', 'are')} held at breakpoints."
            found.append(Condition(text, (("Show", self._open_events), resume_all)))
        return found

    def _start(self) -> None:
        self._run(self._companion.start())


def _armed(companion: Companion) -> str:
    from app.ui.models.fault_text import armed_summary  # the log is shown without it

    return armed_summary(companion)
