"""Lint the traffic of a hub or of a recording: pass rows and REST calls to ``protocol.lint`` in order, count the
findings, and mark the rows.

New rows of a hub are examined in batches soon after they were added, so a frame costs hardly anything when it is
sent. Rows that the log drops before that are skipped and counted. A frame is examined as it was before faults acted
on it; a REST call, as it was afterwards. A frame from the UI on which faults act has a row of the server, which
contains it as the UI sent it.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from app.hub.clients import Ending
from app.hub.fault_plan import FAULT, FAULTS_ACT, NOT_AN_EVENT, event_in
from app.hub.journal import Kind, Verdict
from app.hub.origin import EFFECTS, FAULTS, PRIMING, REST
from app.hub.recorded_rows import CUT
from app.hub.rest_exchange import RestExchange
from app.hub.row import STATE_CHANGES, UI_STATE, RowKey
from app.hub.signals import Signal
from app.hub.slices import Slices
from app.hub.tasks import Tasks
from app.observers.recorded_run import AnyClient, RecordedRun, Watched
from app.protocol.catalog import Catalog
from app.protocol.lint.findings import Finding, Tally
from app.protocol.lint.linter import Linter, SentCheck
from app.protocol.lint.pages import Browser
from app.protocol.lint.rest import Call
from app.protocol.raw_frames import RAW_EVENT, fault_in, is_sent_only

if TYPE_CHECKING:
    from app.protocol.lint.report import LintReport

LINT_S = 0.25
"""Interval of the batches, while rows are added."""
SLICE_ROWS = 256
"""Rows that are examined before other work gets its turn."""
MAX_PLANS = 2_000
MARKS_PER_BATCH = 200
"""Rows that are marked in the log per batch and rule. The others are only counted."""


class _Plan(NamedTuple):
    """How the rows with one key are examined. ``check``: frames to the UI; ``action``: the others.

    ``fault`` says why a frame is not an event. It names the keys of frames as they were when the row was added.
    """

    check: SentCheck | None = None
    action: str = ""
    fault: str = ""


_IGNORED = _Plan()


def _is_checked(key: RowKey) -> bool:
    """Return whether the companion has compared the frames of a run with the contract, and they are valid.

    It does so when an event is fired, but not for a forwarded, primed or resent frame.
    """
    fired = key.origin.kind not in EFFECTS and not is_sent_only(key.event, key.note)
    return fired and key.verdict is Verdict.OK


class RowLint:
    """Examines the rows of a hub or of a recording when ``catch_up`` is called."""

    def __init__(self, hub: Watched, catalog: Catalog) -> None:
        self._rows = hub.journal.rows
        self._run = hub if isinstance(hub, RecordedRun) else None
        self._catalog = catalog
        self._linter = Linter(catalog, self._found)
        self._version = catalog.version
        self._plans: dict[RowKey, _Plan] = {}
        self._exchanges: list[RestExchange] = []
        """REST calls that were not examined yet, in the order in which they ended."""
        self._browsers: dict[str, tuple[int, Browser]] = {}
        """Browsers of clients whose row "connected" was not examined yet, by number, each with the last row."""
        self._endings: dict[str, tuple[int, Ending]] = {}
        """How connections ended whose row "disconnected" was not examined yet, in the same way."""
        self._marked: dict[str, int] = {}
        self.scanned = hub.journal.last_seq
        """Rows up to this number were examined."""
        self.skipped = 0
        """Rows that were dropped from the log before they could be examined."""
        self.tally = Tally()
        self._disconnect = [
            hub.joined.connect(self._joined),
            hub.left.connect(self._left),
            hub.rest_exchanges.connect(self._called),
        ]

    def close(self) -> None:
        """Disconnect from the hub."""
        for disconnect in self._disconnect:
            disconnect()

    @property
    def behind(self) -> bool:
        """Whether there are rows or REST calls that were not examined."""
        return self.scanned < self._rows.last or bool(self._exchanges)

    def catch_up(self, rows: int) -> None:
        """Examine up to ``rows`` new rows, and the REST calls until then."""
        if self._version != self._catalog.version:
            self._version = self._catalog.version
            self._plans.clear()
        first = max(self.scanned + 1, self._rows.first)
        if skipped := first - self.scanned - 1:
            self.skipped += skipped
            self._browsers = {client: each for client, each in self._browsers.items() if each[0] >= first}
            self._endings = {client: each for client, each in self._endings.items() if each[0] >= first}
        last = min(self._rows.last, first + rows - 1)
        self.scanned = max(last, first - 1)
        self._scan(first, last)
        if self.scanned == self._rows.last:
            self._call_until(float("inf"))

    def new_batch(self) -> None:
        """Allow further rows to be marked."""
        self._marked.clear()

    def _scan(self, first: int, last: int) -> None:
        columns, monos = self._rows.columns(first, last), self._rows.monos(first, last)
        plans, exchanges, run = self._plans, self._exchanges, self._run
        for number, key, wall, mono, payload in zip(
            columns.seqs, columns.keys, columns.times, monos, columns.payloads, strict=True
        ):
            plan = plans.get(key) or self._plan(key)
            if exchanges:
                self._call_before(number, mono)
            seq = run.seq(number) if run else number
            if plan.check:
                plan.check(seq, mono, wall, payload, key.recipients)
            elif plan.action:
                self._apply(plan, key, number, seq, mono, payload)

    def _plan(self, key: RowKey) -> _Plan:
        plan = _IGNORED
        if key.origin == FAULTS:
            if key.kind is Kind.TO_UI:
                plan = _Plan(self._linter.delivered_check(key.event))
            elif key.kind is Kind.FROM_UI:
                plan = _Plan(action="handled")
        elif key.kind is Kind.TO_UI:
            checked = self._run is None and _is_checked(key)
            primed, disrupted = key.origin == PRIMING, FAULTS_ACT in key.note
            check = self._linter.sent_check(key.event, primed=primed, checked=checked, disrupted=disrupted)
            plan = _Plan(check)
            if key.event == RAW_EVENT and (fault := fault_in(key.note)):
                plan = _Plan(action="undecoded", fault=fault)
        elif key.kind is Kind.FROM_UI:
            plan = _Plan(action="rest" if key.origin == REST else "received")
            if not key.event and key.verdict is Verdict.INVALID and key.note:
                plan = _Plan(action="undecoded", fault=key.note)
        elif key.event == FAULT:
            plan = _Plan(action=FAULT, fault=key.note.partition(NOT_AN_EVENT)[2])
        elif key.event in STATE_CHANGES:
            plan = _Plan(action="state replaced")
        elif key.event in ("connected", "disconnected", UI_STATE):
            plan = _Plan(action=key.event)
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        self._plans[key] = plan
        return plan

    def _apply(self, plan: _Plan, key: RowKey, number: int, seq: int, mono: float, payload: bytes) -> None:
        """Examine a row that is not an event to the UI."""
        action = plan.action
        client = int(key.client) if key.client.isascii() and key.client.isdecimal() else 0
        if action == "received":
            rejected = key.verdict is Verdict.WARNING
            self._linter.received(seq, mono, client, key.event, payload, rejected=rejected)
        if action in ("received", "handled"):
            if key.verdict is not Verdict.INVALID:
                self._linter.handled(mono, key.user, key.event, payload)
        elif action == "undecoded":
            self._linter.undecoded(seq, mono, payload, plan.fault)
        elif action == FAULT:
            if payload and plan.fault:
                self._linter.undecoded(seq, mono, payload, plan.fault)
            elif payload:  # others are about frames to the UI, or in recordings of earlier versions
                self._linter.received(seq, mono, client, event_in(payload), payload, rejected=False)
        elif action == "rest":
            for index, each in enumerate(self._exchanges):
                if each.seq == number:
                    self._call(self._exchanges.pop(index))
                    break
        elif action == "connected":
            _, browser = self._browsers.pop(key.client, (0, Browser("", "")))
            self._linter.connected(seq, mono, client, browser)
        elif action == "disconnected":
            _, ending = self._endings.pop(key.client, (0, CUT))
            self._linter.disconnected(mono, client, closed=ending.page_closed, by_client=ending.by_client)
        elif action == "state replaced":
            self._linter.state_replaced(seq)
        else:
            self._linter.warned(seq, mono, key.note)

    def _call_before(self, number: int, mono: float) -> None:
        """Examine the REST calls that ended before a row. Those with a row are examined with it."""
        late = [each for each in self._exchanges if each.ended <= mono and (not each.seq or each.seq < number)]
        for each in late:
            self._exchanges.remove(each)
            self._call(each)

    def _call_until(self, mono: float) -> None:
        exchanges = [each for each in self._exchanges if each.ended <= mono]
        self._exchanges.clear()
        for each in exchanges:
            self._call(each)

    def _call(self, exchange: RestExchange) -> None:
        seq = self._run.seq(exchange.seq) if self._run and exchange.seq else exchange.seq
        browser = Browser(exchange.origin, exchange.user_agent)
        self._linter.called(
            Call(
                exchange.method, exchange.path, exchange.query, exchange.request, exchange.status,
                exchange.response, browser, exchange.started, exchange.ended, seq,
            )
        )  # fmt: skip

    def _found(self, finding: Finding) -> None:
        self.tally.add(finding)
        rule, seq = finding.rule.id, finding.seq
        marked = self._marked.get(rule, 0)
        number = self._run.row_number(seq) if self._run else seq
        if number and marked < MARKS_PER_BATCH and self._rows.first <= number <= self._rows.last:
            self._marked[rule] = marked + 1
            self._rows.marks.add_lint(number, rule)

    def _joined(self, client: AnyClient) -> None:
        self._browsers[str(client.id)] = self._rows.last, Browser(client.origin, client.user_agent)

    def _left(self, client: AnyClient) -> None:
        self._endings[str(client.id)] = self._rows.last, client.ending

    def _called(self, exchange: RestExchange) -> None:
        self._exchanges.append(exchange)


class ContractLint:
    """Lints the run of a companion while it runs. ``off`` returns the ids of the rules that are turned off."""

    def __init__(self, hub: Watched, catalog: Catalog, tasks: Tasks, off: Callable[[], Collection[str]]) -> None:
        self._journal = hub.journal
        self._tasks = tasks
        self._lint = RowLint(hub, catalog)
        self._off = off
        self._running = self._listening = False
        self.changed: Signal[None] = Signal()
        """Emitted when there are new findings, and when rules were turned on or off."""
        self._disconnect = hub.rest_exchanges.connect(lambda _: self._start())
        self._listen()
        self.settings_changed()

    def close(self) -> None:
        """Disconnect from the hub."""
        self._disconnect()
        self._lint.close()

    @property
    def tally(self) -> Tally:
        """The findings of all rules, also of those that are turned off."""
        return self._lint.tally

    @property
    def off(self) -> frozenset[str]:
        """The ids of the rules that are turned off."""
        return frozenset(self._off())

    def report(self) -> "LintReport":
        """Return the rules with their findings; rules that are turned off have none."""
        from app.protocol.lint.report import report  # loaded when it is asked for

        return report(self.tally, self.off, self.skipped)

    @property
    def skipped(self) -> int:
        """Rows that were dropped from the log before they could be examined."""
        return self._lint.skipped

    def settings_changed(self) -> None:
        """Apply the rules that are turned off. Call it when the setting has changed."""
        self._journal.rows.marks.turn_lint_off(self.off)
        self.changed.emit(None)

    async def catch_up(self) -> None:
        """Examine all rows that there are now."""
        slices = Slices()
        before = self.tally.number()
        self._lint.new_batch()
        last = self._journal.last_seq
        while self._lint.behind:
            self._lint.catch_up(SLICE_ROWS)
            if self._lint.scanned >= last:
                break
            await slices.yield_if_due()
        if self.tally.number() != before:
            self.changed.emit(None)

    def _start(self) -> None:
        if not self._running:
            self._running = True
            self._tasks.spawn(self._run(), "lint the traffic")

    async def _run(self) -> None:
        try:
            while self._lint.behind:
                await asyncio.sleep(LINT_S)  # not the hub's clock: the delay does not change what is found
                await self.catch_up()
        finally:
            self._running = False
        self._listen()

    def _listen(self) -> None:
        """Start with the next row. A row costs nothing else."""
        if not self._listening:
            self._listening = True
            self._journal.once(self._row_added)

    def _row_added(self) -> None:
        self._listening = False
        self._start()
