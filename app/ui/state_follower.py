"""Request the state that the UI state room shows, and emit it as a signal.
The state is that of one client, now or at a moment in the past. The present state is requested again when it may
have changed, at most a few times a second; a past state is not. Other methods go to another change, find the change
that made a value, or correct which chat is open. ``observers/ui_state.py`` computes the states. A *flavour* is a
correct UI (*guide*) or the released one (*shipped*).
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.companion import Companion
from app.protocol.errors import RequestError
from app.protocol.ui_moments import Inspection, Moment
from app.protocol.ui_stores import Flavour
from app.ui.room_tasks import RoomTasks

T = TypeVar("T")

REFRESH_MS = 250
SLOW_MS = 200
AGE_S = 1.0
"""A state with a report is computed again after this time: the age of the report is shown, and a value counts as
different when it has differed for a second."""
MAX_SHARE = 5
"""The state is computed again after this many times the duration of the last computation, at the earliest."""


class StateFollower(QObject):
    """Requests states of one client, and emits them."""

    shown = Signal(object)
    """Emitted with an ``Inspection`` when the state may have changed."""
    waiting = Signal()
    """Emitted if the first state takes longer than usual."""
    failed = Signal(str)
    """Emitted with the reason if there is no state."""
    origin_found = Signal(object)
    """Emitted with the ``StateChange`` that made a value; None if it has not changed since the page was loaded."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._states = companion.ui_states
        self._clock = companion.clock
        self._do = RoomTasks(companion.tasks, lambda _: None, (RequestError,))
        self.client: int | None = None
        self.flavour = Flavour.GUIDE
        self.moment: Moment | int | None = None
        """The moment that is shown, or the row; None: now."""
        self.last: Inspection | None = None
        """The last state that was emitted."""
        self._choice = 0
        """Counts the clients, flavours and moments that were chosen, but not the moments that steps have found."""
        self._stepping = False
        self._active = False
        self._wanted = False
        self._running = False
        self._seen: tuple[int, ...] = ()
        self._began = self._not_before = 0.0
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self._slow = QTimer(self, interval=SLOW_MS, singleShot=True)
        self._slow.timeout.connect(self.waiting)

    def close(self) -> None:
        """Stop."""
        self._timer.stop()
        self._slow.stop()
        self._do.close()

    @property
    def live(self) -> bool:
        """Whether the present is shown."""
        return self.moment is None

    def set_active(self, active: bool) -> None:
        """Follow the log, or stop."""
        self._active = active
        if active:
            self._timer.start()
            self.refresh()
        else:
            self._timer.stop()

    def show_client(self, client: int | None, moment: Moment | int | None = None) -> None:
        """Show the state of a client's page; None: none."""
        self._choice += 1
        self.client, self.moment, self.last = client, moment, None
        self.refresh()

    def show_flavour(self, flavour: Flavour) -> None:
        """Show the same moment in another flavour."""
        self._choice += 1
        self.flavour = flavour
        self.refresh()

    def show_moment(self, moment: Moment | int | None) -> None:
        """Show a moment, the state after a row, or (None) the present."""
        self._choice += 1
        self.moment = moment
        self.refresh()

    def step(self, by: int) -> None:
        """Show the previous change (-1) or the next one (1). After the last one, show the present.

        Steps are ignored while one is computed: a key that is held down may repeat faster.
        """
        if self.client is None or self.last is None or self._stepping:
            return
        start = self.last.view.change.moment if by < 0 else self.last.view.moment
        self._stepping = True
        self._request(
            self._states.step(self.client, self.flavour, start, by),
            lambda change: self._found(change.moment if change else None),
            ended=self._step_ended,
        )

    def _step_ended(self) -> None:
        self._stepping = False

    def seek(self, number: int) -> None:
        """Show the state after a number of steps; after all steps, the present.

        While a slider is dragged, each result is shown, the last one last: they come in the order of the requests.
        """
        if self.client is None or self.last is None:
            return
        if number >= self.last.view.steps:
            self.show_moment(None)
        else:
            self._request(self._states.moment_at(self.client, number), self._found, seeks=True)

    def _found(self, moment: Moment | None) -> None:
        self.moment = moment
        self.refresh()

    def find_origin(self, path: str) -> None:
        """Find what made the value at a path of the state that is shown, and emit ``origin_found``."""
        if self.client is not None:
            when = None if self.last is None else self.last.view.moment
            work = self._states.origin(self.client, self.flavour, path, when)
            self._request(work, self.origin_found.emit)

    def select(self, peer: str | None) -> None:
        """Correct the chat that is open now."""
        if self.client is not None:
            self._states.select(self.client, peer)
            self.refresh()

    def refresh(self) -> None:
        """Compute the state, after the computation that is running."""
        self._wanted = True
        self._compute()

    def _tick(self) -> None:
        now = self._clock.mono()
        if self.client is None or not self.live or now < self._not_before:
            return
        end = self.last.view.stores.next_change if self.last else None
        is_aging = self.last is not None and self.last.report is not None and now - self._began >= AGE_S
        if self._states.version(self.client) != self._seen or is_aging or (end is not None and end <= now):
            self.refresh()

    def _compute(self) -> None:
        if self._running or not self._wanted or not self._active or self.client is None:
            return
        self._wanted = False
        self._running = True
        self._seen = self._states.version(self.client)
        self._began = self._clock.mono()
        if self.last is None:
            self._slow.start()
        work = self._states.inspect(self.client, self.flavour, self.moment, both=self.last is not None)
        self._request(work, self._show, ended=self._ended)

    def _request(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[T], object],
        *,
        seeks: bool = False,
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        """Run ``work``. Drop its result, or its error, if the user has chosen something else until then.

        Also if another moment is shown then, unless it ``seeks`` one.
        """

        def key() -> tuple[int, Moment | int | None]:
            return self._choice, None if seeks else self.moment

        before = key()
        self._do(
            work,
            lambda result: then(result) if key() == before else None,
            on_error=lambda error: self.failed.emit(str(error)) if key() == before else None,
            ended=ended,
        )

    def _ended(self) -> None:
        self._running = False
        self._slow.stop()
        now = self._clock.mono()
        self._not_before = now + MAX_SHARE * (now - self._began)
        self._compute()

    def _show(self, shown: Inspection) -> None:
        self.last = shown
        if isinstance(self.moment, int):
            self.moment = shown.view.moment  # it stays known if the row leaves the log
        self.shown.emit(shown)
        self._wanted = self._wanted or shown.flavours is None
