"""Compute the state that a client's UI must have, now or at a point in the past, with its changes; store the state
that the UI reports, and return where the two differ. The *flavour* of a state says for which UI it is computed: one
as the guide requires, or the released one with its known differences. Recordings can be examined in the same way.

States are computed on request (see ``ui_timeline``), so a frame costs nothing when it is sent. Only connections and
REST exchanges (see ``ui_pages``), reports, and which chat is open, if the user has corrected that, are stored when
they occur. The rules are in ``protocol``: ``ui_stores`` (states, flavours), ``ui_comparison`` and
``ui_deviations``.
"""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

from app.hub.long_calls import GoOn, LongCalls
from app.hub.row import Row
from app.observers.recorded_run import Watched
from app.observers.ui_pages import UiPage, UiPages
from app.observers.ui_reports import UiReports
from app.observers.ui_timeline import UiTimeline
from app.protocol.errors import NotFound
from app.protocol.ui_changes import ValueChange, changes, flavour_differences, without_guesses
from app.protocol.ui_comparison import Difference, differences
from app.protocol.ui_deviations import Deviation, Report
from app.protocol.ui_effects import EventChanges, no_changes
from app.protocol.ui_moments import Inspection, KnownPage, Moment, StateChange, StateView
from app.protocol.ui_paths import locate, probe
from app.protocol.ui_stores import ExpectedState, Flavour, UiStores

CHECK_S = 0.05
"""Interval of the checks in ``wait_until``. Not only reports matter: the expected state also changes with time."""
MAX_SETTLE_S = 3.0
"""Longest wait for a quiet point; see ``protocol.ui_deviations``. Frames may arrive all the time."""

MAX_TIMELINES = 4
"""Pages whose computed states are kept."""
MAX_RECENT = 50
"""An inspection of the present contains at most this many of the last changes."""
MAX_LISTED = 200
"""At most this many changes and differences are listed."""

MAX_COMPARED = 5_000
"""An inspection looks for deviations if at most this many steps were not compared yet."""

_COMPARISONS = LongCalls(4)
"""Apart from other computations, which may take much longer than an expectation may wait."""

_Comparison = tuple[tuple[UiStores, Report] | None, list[Difference], list[Deviation]]
When = Moment | int | None
"""A moment, the number of a row (just after it), or None for now."""


class UiStates:
    """Computes expected states, keeps reported ones. ``select`` corrects the chat that is assumed to be open.

    ``client`` is the number of a connected client, or of one whose page is still known. The methods raise
    ``NotFound`` for any other number, and for a row that is not in the log.
    """

    def __init__(self, hub: Watched, event_changes: EventChanges = no_changes, *, keep_all: bool = False) -> None:
        """``event_changes`` finds what the events of files change. ``keep_all``: see ``UiPages``."""
        self._hub = hub
        self._event_changes = event_changes
        self._clock = hub.clock
        self._journal = hub.journal
        self._pages = UiPages(hub, keep_all=keep_all)
        self._timelines: dict[UiPage, UiTimeline] = {}
        self._comparison: _Comparison = (None, [], [])
        """The last comparison of an inspection."""

    def close(self) -> None:
        """Disconnect from the hub."""
        self._pages.close()

    @property
    def pages(self) -> list[KnownPage]:
        """The pages whose state can be computed, the one that connected last at the end."""
        clients = {client.id: client for client in self._hub.clients}
        found = []
        for page in self._pages.all:
            client = clients.get(page.clients[-1])
            found.append(
                KnownPage(
                    page.clients[-1], client.username if client else page.username, client is not None,
                    bool(client and client.ready), page.origin, page.rest_is_guess, page.reports.last is not None,
                )
            )  # fmt: skip
        return found

    def page_number(self, client: int) -> int | None:
        """Return the number of the newest client of a client's page, or None if the page is not known."""
        page = self._pages.page_of(client)
        return page.clients[-1] if page else None

    def page_of(self, client: int) -> UiPage | None:
        """Return a client's page, or None if it is not known."""
        return self._pages.page_of(client)

    async def around(self, client: int, flavour: Flavour, seq: int) -> tuple[UiStores, UiStores] | None:
        """Return the stores before and after the frame of a row; None if it was not sent to the client's page.

        Also None if the states are not complete.
        """
        _, timeline = self._timeline(client)
        found = await timeline.run(timeline.around(flavour, self._row(seq)))
        return found if timeline.is_complete(flavour) else None

    def version(self, client: int) -> tuple[int, ...]:
        """Return numbers that change if the state of a client's UI, or its report, may have changed."""
        page = self._pages.page_of(client)
        if page is None:
            return ()
        return self._journal.last_seq, self._pages.count, len(page.selections), id(page.reports.last)

    async def expected(self, client: int, flavour: Flavour, after: int | None = None) -> ExpectedState:
        """Return the state of a client's UI now, or just after the row with number ``after``."""
        page, timeline = self._timeline(client)
        moment = await self._moment(timeline, after)
        seq = self._journal.last_seq if after is None else after
        stores = await timeline.run(timeline.state(flavour, moment))
        return ExpectedState(client, stores, seq, timeline.is_complete(flavour), page.rest_is_guess)

    async def view(self, client: int, flavour: Flavour, when: When = None) -> StateView:
        """Return the stores at a moment with their last change until then."""
        page, timeline = self._timeline(client)
        moment = await self._moment(timeline, when)
        shown, stores, change = await timeline.run(timeline.look(flavour, moment))
        history = timeline.history
        return StateView(
            client, stores, shown, change, history.dropped + len(history), history.dropped,
            timeline.is_complete(flavour), page.rest_is_guess, history.is_chosen(history.find(shown)),
        )  # fmt: skip

    async def inspect(self, client: int, flavour: Flavour, when: When = None, *, both: bool = True) -> Inspection:
        """Return the stores at a moment, their last change, and how the other flavour and the report differ.

        Without ``both``, the flavours are not compared, which is faster if the page has a long history.
        """
        view = await self.view(client, flavour, when)
        flavours: list[ValueChange] | None = None
        if both:
            _, timeline = self._timeline(client)
            other = Flavour.SHIPPED if flavour is Flavour.GUIDE else Flavour.GUIDE
            others = await timeline.run(timeline.state(other, view.moment))
            guide, shipped = (view.stores, others) if flavour is Flavour.GUIDE else (others, view.stores)
            flavours = list(islice(flavour_differences(guide, shipped), MAX_LISTED))
        report = self.reported(client) if when is None else None
        found, deviations = await self._compared(client, view.stores, report) if report else ([], [])
        return Inspection(
            view, when is None, self.wall_time(view.moment.at),
            list(islice(changes(view.change.before, view.change.after), MAX_LISTED)),
            flavours, report, found, deviations,
            await self.recent_changes(client, flavour, None, MAX_RECENT) if when is None else None,
        )  # fmt: skip

    async def _compared(
        self, client: int, stores: UiStores, report: Report
    ) -> tuple[list[Difference], list[Deviation]]:
        """Return how a report differs from the present state, and what deviated since the page was loaded.

        If neither has changed since the last call, its result is returned. If very many steps would have to be
        compared, nothing is said about deviations: ``deviations`` cannot be paused.
        """
        page, timeline = self._timeline(client)
        flavour = stores.flavour
        last, found, deviations = self._comparison
        is_same = last is not None and last[0] is stores and last[1] is report
        if not is_same:
            found = await _differences(stores, report, MAX_LISTED)
        if not is_same or not page.reports.is_quiet(flavour):
            steps = timeline.history.count_after(page.reports.position(flavour))
            deviations = await self.deviations(client, flavour) if steps <= MAX_COMPARED else []
        self._comparison = ((stores, report), found, deviations)
        return found, deviations

    async def step(self, client: int, flavour: Flavour, moment: Moment, by: int) -> StateChange | None:
        """Return the change of the stores before (-1) or after (1) a moment. After the last one, return None."""
        _, timeline = self._timeline(client)
        if by < 0:
            return await timeline.run(timeline.last_change(flavour, moment, before=True))
        return await timeline.run(timeline.next_change(flavour, moment))

    async def recent_changes(
        self, client: int, flavour: Flavour, after: int | None, limit: int
    ) -> list[StateChange]:
        """Return the last changes of the stores until now or until a row, at most ``limit``, oldest first."""
        _, timeline = self._timeline(client)
        moment = await self._moment(timeline, after)
        return await timeline.run(timeline.recent_changes(flavour, moment, limit))

    def wall_time(self, mono: float) -> float:
        """Return a monotonic time in seconds since the epoch."""
        return self._clock.wall() - (self._clock.mono() - mono)

    async def moment_at(self, client: int, number: int) -> Moment:
        """Return the moment after the first ``number`` steps of a page."""
        _, timeline = self._timeline(client)
        return await timeline.run(timeline.moment_at(number))

    async def origin(self, client: int, flavour: Flavour, path: str, after: When = None) -> StateChange | None:
        """Return the last change of the value at a path. None: it has not changed since the page was loaded.

        ``after`` is the moment at which the path is read.

        Raises ``NotFound`` if there is no value at the path.
        """
        _, timeline = self._timeline(client)
        moment = await self._moment(timeline, after)
        stores = await timeline.run(timeline.state(flavour, moment))
        steps = locate(without_guesses(stores.to_json())[0], path)
        if steps is None:
            raise NotFound(f"The stores have no value {path[:80]!r}.")
        return await timeline.run(timeline.origin(flavour, moment, probe(stores, steps)))

    def select(self, client: int, peer: str | None) -> None:
        """Set which chat is open in a client's UI from now on. None: no chat is open. Raises ``NotFound``."""
        self._page(client).selections.append((self._clock.mono(), peer))

    def report(self, client: int, state: Any, *, partial: bool = False) -> None:
        """Store the state that a client's UI reports. Raises ``NotFound``.

        ``partial``: the state has only some values, such as those on the screen. The others are not compared.
        """
        self._report(self._page(client), state, partial=partial, is_assigned=False)

    def page_of_browser(self, origin: str, user_agent: str, username: str | None = None) -> UiPage:
        """Return the page of a browser that may report; see ``UiPages.reporting_page``."""
        return self._pages.reporting_page(origin, user_agent, username)

    def report_of_page(self, page: UiPage, state: Any) -> None:
        """Store the state that a page reports itself."""
        self._report(page, state, partial=False, is_assigned=True)

    def _report(self, page: UiPage, state: Any, *, partial: bool, is_assigned: bool) -> None:
        now, seq = self._clock.mono(), self._journal.last_seq
        page.reports.add(Report.of(now, seq, state, partial=partial, is_assigned=is_assigned))

    async def make_room(self, client: int, size: int) -> None:
        """Compare the kept reports of a client's UI, if the next one, of ``size`` bytes, discards some of them.

        If the reports of all pages become too many, discard those of other pages.
        """
        page = self._page(client)
        if not page.reports.has_room(size):
            await self._compare_all(page)
        for kept, discard in ((1, UiReports.keep_last), (0, UiReports.forget)):
            for other in self._pages.with_too_many_reports(page, size, kept=kept):
                await self._compare_all(other)
                discard(other.reports)

    async def _compare_all(self, page: UiPage) -> None:
        timeline = self._timeline_of(page)
        await timeline.run(page.reports.compare_all(timeline.history.steps_after, self._clock.mono()))

    async def deviations(self, client: int, flavour: Flavour) -> list[Deviation]:
        """Return what the UI reported wrongly since its page was loaded, in the order of the rows.

        A value is compared when nothing happened for a second; see ``protocol.ui_deviations``.
        """
        page, timeline = self._timeline(client)
        steps, now = timeline.history.steps_after, self._clock.mono()
        return await timeline.run(page.reports.deviations(flavour, steps, now))

    async def compare(self, client: int, flavour: Flavour, report: Report, limit: int) -> list[Difference]:
        """Return how a report differs from the state that a client's UI must have now: the first differences."""
        return await _differences((await self.expected(client, flavour)).stores, report, limit)

    async def wait_until_settled(self, client: int, flavour: Flavour) -> None:
        """Wait until the UI had time to react to the last row and to report its state, or until it is correct."""
        page = self._page(client)

        async def is_settled() -> bool:
            await self.deviations(client, flavour)
            report = page.reports.last
            if report is None or page.reports.is_quiet(flavour):
                return True
            return not await self.compare(client, flavour, report, limit=1)

        await self.wait_until(is_settled, MAX_SETTLE_S)

    async def wait_until(self, is_met: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Wait until ``is_met()`` is true, at most ``within_s`` seconds; return whether it became true."""
        end = self._clock.mono() + within_s
        while not await is_met():
            left = end - self._clock.mono()
            if left <= 0:
                return False
            await self._clock.sleep(min(left, CHECK_S))
        return True

    def reported(self, client: int) -> Report | None:
        """Return the last report of a client's UI, or None. Raises ``NotFound``."""
        return self._page(client).reports.last

    def _page(self, client: int) -> UiPage:
        if page := self._pages.page_of(client):
            return page
        raise NotFound(f"Client {client} is unknown. `companion clients list` lists the connected clients.")

    async def _moment(self, timeline: UiTimeline, when: When) -> Moment | None:
        if when is None or isinstance(when, Moment):
            return when
        return await timeline.run(timeline.moment_after(self._row(when)))

    def _row(self, seq: int) -> Row:
        row = self._journal.row(seq)
        if row is None:
            known = f"rows {self._journal.first_seq} to {self._journal.last_seq}"
            raise NotFound(f"Row {seq} is not in the log ({known}).")
        return row

    def _timeline(self, client: int) -> tuple[UiPage, UiTimeline]:
        page = self._page(client)
        return page, self._timeline_of(page)

    def _timeline_of(self, page: UiPage) -> UiTimeline:
        timeline = self._timelines.pop(page, None)
        if timeline is None:
            timeline = UiTimeline(page, self._pages, self._journal, self._clock.mono, self._event_changes)
        self._timelines[page] = timeline  # the one used last is the last
        for old in list(self._timelines)[:-MAX_TIMELINES]:
            del self._timelines[old]
        return timeline


async def _differences(stores: UiStores, report: Report, limit: int) -> list[Difference]:
    """Return the first differences. In a thread, because a long history has megabytes. The stores do not change."""

    def found(_: GoOn) -> list[Difference]:
        return list(islice(differences(stores.to_json(), report.state, partial=report.partial), limit))

    return await _COMPARISONS.run(found)
