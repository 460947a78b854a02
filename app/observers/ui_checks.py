"""Write a warning into the log if a frame or REST call has left the released UI in a wrong state, or if an event is
about a user that is not in its contacts. The state is computed, not read from the page. The setting *Check the UI's
state* switches this on and off. Warnings are written at a limited rate.

New rows are tested in batches, so a frame costs hardly anything when it is sent. Only for the few candidates that
``ui_candidates`` and ``ui_rest_candidates`` select, ``ui_state`` computes the UI's stores (its data).
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import NamedTuple

from app.hub.hub import Hub
from app.hub.journal import Kind, Verdict
from app.hub.rest_exchange import RestExchange
from app.hub.row import UI_STATE
from app.hub.slices import Slices
from app.hub.tasks import Tasks
from app.observers.ui_candidates import Candidate, CandidateFinder, Suspicion
from app.observers.ui_rest_candidates import Contacts, RestCandidates
from app.observers.ui_state import UiStates
from app.protocol import ui_violations as words
from app.protocol.counts import count_with
from app.protocol.errors import NotFound
from app.protocol.ui_stores import Flavour
from app.protocol.ui_violations import Around

log = logging.getLogger(__name__)

CHECK_S = 0.25
"""Interval of the batches, while rows are added."""
BATCH_ROWS = 512
MAX_ROWS_PER_S = 5
"""At most this many warnings per second; then one row with the number of the others."""
BUSY_ROWS = 250
"""If a batch has more rows, a thousand per second, examinations must not take much time."""
MAX_PAGES = 50
"""Pages for which the last examined row is known."""


class _Effort(NamedTuple):
    """How much work examinations may be.

    After one, the next one waits for ``pause`` times its duration. There is none if the reference client would have
    to process more than ``rows`` rows.
    """

    pause: int
    rows: int


CALM, BUSY = _Effort(4, 100_000), _Effort(100, 1_000)


class UiChecks:
    """Checks the frames to browsers whose page uses the REST stand-in. ``enabled`` returns the setting."""

    def __init__(self, hub: Hub, states: UiStates, tasks: Tasks, enabled: Callable[[], bool]) -> None:
        self._hub = hub
        self._journal = hub.journal
        self._clock = hub.clock
        self._states = states
        self._tasks = tasks
        self._enabled = enabled
        contacts = Contacts()
        self._finder = CandidateFinder(hub, contacts.of, self._page_of)
        self._rest = RestCandidates(hub, states, self._finder, contacts, self._scan_all)
        self._scanned = 0
        """Rows up to this number were tested."""
        self._examined: dict[int, int] = {}
        """For each page (by its first client), the last row up to which its states were computed."""
        self._written: deque[float] = deque(maxlen=MAX_ROWS_PER_S)
        """When the latest warnings were written."""
        self._next_examination = self._next_summary = float("-inf")
        self._disconnect = [
            hub.rest_exchanges.connect(self._called),
            hub.clients_changed.connect(lambda _: self._clients_changed()),
        ]
        self._effort = CALM
        self.active = False
        """Whether the next row starts a check, or one runs."""

    def close(self) -> None:
        """Disconnect from the hub."""
        for disconnect in self._disconnect:
            disconnect()

    def activate(self) -> None:
        """Check the rows from now on, if the setting is on and a browser is connected. May be called repeatedly."""
        if not self.active and self._is_wanted():
            self.active = True
            self._scanned = self._journal.last_seq
            self._journal.once(self._start)

    def _is_wanted(self) -> bool:
        return self._enabled() and any(client.origin for client in self._hub.clients)

    def _clients_changed(self) -> None:
        self._finder.forget_plans()
        self.activate()

    def _called(self, call: RestExchange) -> None:
        if self._enabled():
            self._rest.called(call)

    def _start(self) -> None:
        self._tasks.spawn(self._run(), "check what the UI makes of the frames")

    async def _run(self) -> None:
        while self._is_wanted():
            await self._clock.sleep(CHECK_S)
            try:
                await self.check()
            except Exception:  # rows and candidates that failed are not tested again
                log.exception("a check of the UI's state failed")
            busy = self._finder.queue or self._finder.skipped
            if not busy and self._scanned == self._journal.last_seq:
                self._journal.once(self._start)
                return
        self.active = False

    async def check(self) -> None:
        """Test the rows since the last call, and examine the candidates."""
        slices = Slices()
        last = self._journal.last_seq
        self._effort = BUSY if last - self._scanned > BUSY_ROWS else CALM
        while self._scanned < last:
            self._scan_batch(last)
            await slices.yield_if_due()
        await self._examine_queue()
        self._write_summary()

    def _scan_batch(self, last: int) -> None:
        first = self._scanned + 1
        self._scanned = min(last, self._scanned + BATCH_ROWS)
        self._finder.scan(first, self._scanned)

    def _scan_all(self) -> None:
        while self.active and self._scanned < self._journal.last_seq:
            self._scan_batch(self._journal.last_seq)

    def _page_of(self, client: int) -> Iterable[int]:
        page = self._states.page_of(client)
        return page.clients if page else ()

    # examinations

    async def _examine_queue(self) -> None:
        queue = self._finder.queue
        while queue and self._clock.mono() >= self._next_examination:
            candidate = queue.pop(0)
            client, *others = candidate.clients
            if others:
                queue.insert(0, candidate._replace(clients=tuple(others)))
            if self._states.page_of(client) is None:  # it is no longer known
                continue
            if not self._may_write() or not self._is_near(client):
                self._finder.skipped += 1
                continue
            start = perf_counter()
            try:
                note = await self._examine(candidate, client)
            except NotFound:  # its page or its row is no longer known
                continue
            self._next_examination = self._clock.mono() + self._effort.pause * (perf_counter() - start)
            if note:
                self._write(client, note)

    def _is_near(self, client: int) -> bool:
        """Return whether the reference client can compute the state of a client's page with limited work."""
        page = self._states.page_of(client)
        if page is None:
            return False
        known = self._examined.get(page.clients[0], page.first_seq)
        if self._journal.last_seq - known > self._effort.rows:
            return False
        self._examined.pop(page.clients[0], None)
        self._examined[page.clients[0]] = self._journal.last_seq
        if len(self._examined) > MAX_PAGES:
            del self._examined[next(iter(self._examined))]
        return True

    async def _examine(self, candidate: Candidate, client: int) -> str:
        """Return what is wrong in a client's UI, or an empty text."""
        text = await self._violation(candidate, client)
        if not text:
            return ""
        page = self._states.page_of(client)
        guess = " (a guess: several pages of this browser are open)" if page and page.rest_is_guess else ""
        more = f"; {candidate.more} more clients got this frame" if candidate.more else ""
        number = f"#{candidate.seq}: " if candidate.seq else ""
        return f"{number}{text}{guess}{more}"

    async def _violation(self, candidate: Candidate, client: int) -> str:
        states, (name, *_) = self._states, candidate.names
        match candidate.suspicion:
            case Suspicion.LOST:
                stores = (await states.expected(client, Flavour.SHIPPED)).stores
                messages = stores.messages.get(name)
                is_lost = messages is not None and messages.with_id(candidate.msg_id) is None
                return words.lost_message(name) if is_lost else ""
            case Suspicion.TWICE:
                return words.contact_twice(name, (await states.expected(client, Flavour.SHIPPED)).stores)
            case Suspicion.UNKNOWN:
                around = await states.around(client, Flavour.SHIPPED, candidate.seq)
                if around is None or not words.is_unknown(name, around[0]):
                    return ""
                return words.unknown_contact(name, around[0])
        shipped = await states.around(client, Flavour.SHIPPED, candidate.seq)
        guide = await states.around(client, Flavour.GUIDE, candidate.seq)
        if shipped is None or guide is None:
            return ""
        found = words.preview_deviations(candidate.names, Around(*shipped), Around(*guide))
        if found:
            return f"{'; '.join(found)}: {candidate.cause}"
        peer = candidate.names[-1]
        return words.unknown_contact(peer, shipped[0]) if words.is_unknown(peer, shipped[0]) else ""

    # rows

    def _may_write(self) -> bool:
        return len(self._written) < MAX_ROWS_PER_S or self._clock.mono() - self._written[0] >= 1

    def _write(self, client: int, note: str) -> None:
        now = self._clock.mono()
        self._written.append(now)
        page = self._states.page_of(client)
        self._journal.append(
            Kind.SERVER, UI_STATE, client=str(client), note=note, verdict=Verdict.WARNING,
            user=page.username if page else "",
        )  # fmt: skip

    def _write_summary(self) -> None:
        now, skipped = self._clock.mono(), self._finder.skipped
        if skipped and now >= self._next_summary:
            self._finder.skipped = 0
            self._next_summary = now + 1
            cases = count_with(skipped, "further case", "was", "were")
            self._hub.log_server_event(
                UI_STATE, note=f"{cases} {words.NOT_EXAMINED}. The released UI may be in a wrong state",
                verdict=Verdict.WARNING,
            )  # fmt: skip
