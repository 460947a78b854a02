"""Keep the contents of the state stores that a UI page reports, and return which values are not as expected.
The expected ones are computed from the page's steps (what may change its stores, such as frames and REST calls),
which the caller passes, for a *flavour*: a UI as the guide requires, or the released UI with its known differences.

If there are too many reports, the older ones are discarded. The caller compares them before (``compare_all``), so
that the deviations in them are known.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from app.protocol.ui_deviations import Deviation, DeviationFinder, Report, Step
from app.protocol.ui_stores import Flavour

T = TypeVar("T")
Work = Generator[None, None, T]
"""Work that can be paused at each ``yield``."""

MAX_REPORTS = 500
MAX_BYTES = 4 * 1024 * 1024
"""Limits of the kept reports of a page."""

NOT_CONNECTED = b'"wsConnected":false'
"""Part of the JSON of a report. Quotes in texts are escaped."""

StepsAfter = Callable[[float], Iterable[Step]]
"""Returns the steps of the page after a time."""


class UiReports:
    """Keeps the last report, and earlier ones up to a limit, because they may have to be compared again."""

    def __init__(self) -> None:
        self._reports: deque[Report] = deque()
        self.bytes = 0
        """The size of the kept reports."""
        self._finders: dict[Flavour, DeviationFinder] = {}
        self._earlier: dict[Flavour, list[Deviation]] = {}
        """Deviations in discarded reports, which cannot be compared again."""
        self._first_seq = 0
        """The row of the first report that is kept, if others were discarded."""

    @property
    def last(self) -> Report | None:
        """The last report, which says what the UI holds now; None if there is none."""
        return next((report for report in reversed(self._reports) if report.json), None)

    @property
    def count(self) -> int:
        """The number of kept reports."""
        return len(self._reports)

    def has_room(self, size: int) -> bool:
        """Return whether a report of this size in bytes can be added without discarding others."""
        return len(self._reports) < MAX_REPORTS and self.bytes + size <= MAX_BYTES

    def add(self, report: Report) -> None:
        """Keep a report. If too many are kept, discard older ones; call ``compare_all`` before."""
        size = len(report.json)
        if not self.has_room(size):
            # Half of them, so that this does not happen at each report.
            self._discard(MAX_REPORTS // 2, MAX_BYTES // 2 - size, report.seq)
        self._reports.append(report)
        self.bytes += size

    def add_gap(self, at: float, seq: int) -> None:
        """Note that a report could not be kept. Until the next one, nothing is compared."""
        if self._reports and self._reports[-1].json:
            self._reports.append(Report(at, seq, b""))

    def discard_disconnected(self, since: float) -> None:
        """Replace reports of a UI that is not connected with gaps: they may be of a page that was being loaded."""
        for index in range(len(self._reports) - 1, -1, -1):
            report = self._reports[index]
            if report.at < since:
                return
            if report.is_assigned and NOT_CONNECTED in report.json:
                self.bytes -= len(report.json)
                self._reports[index] = report._replace(json=b"")
                self.start_again(report.at)

    def keep_last(self) -> None:
        """Discard all reports but the last; call ``compare_all`` before."""
        self._discard(1, MAX_BYTES, 0)

    def forget(self) -> None:
        """Discard all reports, and keep what deviated in them; call ``compare_all`` before."""
        for flavour, finder in self._finders.items():
            known = self._earlier.setdefault(flavour, [])
            known += [each for each in finder.found if each not in known]
        self._finders.clear()
        self._discard(0, 0, 0)

    def _discard(self, number: int, size: int, next_seq: int) -> None:
        while self._reports and (len(self._reports) > number or self.bytes > size):
            self.bytes -= len(self._reports.popleft().json)
        self._first_seq = self._reports[0].seq if self._reports else next_seq

    def compare_all(self, steps: StepsAfter, now: float) -> Work[None]:
        """Find the deviations in each flavour that was asked for, or in the flavour *guide*."""
        for flavour in tuple(self._finders) or (Flavour.GUIDE,):
            yield from self.deviations(flavour, steps, now)

    def deviations(self, flavour: Flavour, steps: StepsAfter, now: float) -> Work[list[Deviation]]:
        """Return what deviated until now, in the order in which it began."""
        finder = self._finders.setdefault(flavour, DeviationFinder(flavour))
        if self._reports:
            yield from finder.advance(steps(finder.position), self._after(finder.position), now)
        earlier = self._earlier.get(flavour, [])
        known = {(each.path, str(each.reported)) for each in earlier}
        return [*earlier, *(each for each in finder.found if (each.path, str(each.reported)) not in known)]

    def position(self, flavour: Flavour) -> float:
        """Return the time up to which ``deviations`` has compared the reports."""
        return self._finders[flavour].position if flavour in self._finders else float("-inf")

    def is_quiet(self, flavour: Flavour) -> bool:
        """Return whether the last call of ``deviations`` compared also the last report, and none is missing."""
        is_known = not self._reports or bool(self._reports[-1].json)
        return is_known and flavour in self._finders and self._finders[flavour].is_quiet

    def start_again(self, at: float) -> None:
        """Compare again from the start: a request that started before ``at`` became known only now.

        Deviations in discarded reports are kept.
        """
        for flavour, finder in self._finders.items():
            if finder.position < at:
                continue
            known = self._earlier.setdefault(flavour, [])
            known += [each for each in finder.found if each.last_seq < self._first_seq and each not in known]
            self._finders[flavour] = DeviationFinder(flavour)

    def _after(self, at: float) -> Iterable[Report]:
        return [report for report in self._reports if report.at > at]
