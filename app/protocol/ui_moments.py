"""Data types for the history of a page of the chat UI and of its stores, in which the UI keeps its state.
A ``Moment`` is a point in that history. ``StateView`` has the stores at a moment; ``Inspection`` also says how they
differ from what the UI reported. ``ui_state``, ``ui_timeline`` and ``ui_history`` in ``observers`` create them, for
the UI state room (a page of the window), the control API and recordings.
"""

from typing import NamedTuple

from app.protocol.ui_changes import ValueChange
from app.protocol.ui_comparison import Difference
from app.protocol.ui_deviations import Deviation, Report
from app.protocol.ui_stores import UiStores


class Moment(NamedTuple):
    """A point in the history of a page: after its first ``number`` steps, at a time in monotonic seconds.

    A step is a frame to the page, a request, a response, the start or end of a connection, or a correction of the
    open chat. ``seq`` is the number of the log's row for the last step, or 0 if it has none. ``title`` says what
    happened.
    """

    number: int
    at: float
    seq: int = 0
    title: str = ""


class StateChange(NamedTuple):
    """The stores before and after a moment. Before the first change of a page, both are the same."""

    moment: Moment
    before: UiStores
    after: UiStores


class StateView(NamedTuple):
    """The stores of a client's UI at a moment, and how far they can be trusted.

    ``change`` is the last change until then. ``steps`` is the number of steps of the page until now; ``first`` of
    them are no longer known. ``complete``: no frame of the page was missing when the stores were computed.
    ``rest_is_guess``: REST calls may belong to another page of the same browser. ``chosen``: the chat that is open
    was set by the developer, not derived from the requests.
    """

    client: int
    stores: UiStores
    moment: Moment
    change: StateChange
    steps: int
    first: int
    complete: bool
    rest_is_guess: bool
    chosen: bool


class Inspection(NamedTuple):
    """A state with what can be said about it. ``wall`` is its time in seconds since the epoch.

    ``changes`` are the values of the last change. ``flavours`` are the values that differ between the guide's (old)
    and the shipped UI (new); None if they were not compared. ``report`` is the last one of the UI, ``differences``
    are its values that are not as expected, and ``deviations`` what the UI reported wrongly since its page was
    loaded; only for the present. ``recent`` are the last changes until now, oldest first; None in the past.
    """

    view: StateView
    live: bool
    wall: float
    changes: list[ValueChange]
    flavours: list[ValueChange] | None
    report: Report | None
    differences: list[Difference]
    deviations: list[Deviation]
    recent: list[StateChange] | None


class KnownPage(NamedTuple):
    """A page of the UI whose state can be computed. ``client`` is the number of its newest connection."""

    client: int
    username: str
    connected: bool
    ready: bool
    origin: str
    rest_is_guess: bool
    has_reported: bool
