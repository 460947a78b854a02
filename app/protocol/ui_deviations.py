"""Find the rows of the log after which the state that a UI reports began to deviate from the expected one.
``DeviationFinder`` is given the history of one page by time: the UI's reports, and what may change the expected
state, such as frames and REST calls. It keeps the first ``MAX_DEVIATIONS`` wrong values.

A UI needs time to handle a frame and to report its state. So the two states are compared only at quiet points: when
for ``SETTLE_S`` seconds nothing happened that may change the expected state, and the UI reported no change. For up
to ``MAX_NEW`` values that differ there but did not at the last quiet point, the history in between shows after
which row they began to differ.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from app.protocol.ui_comparison import Difference, differences, is_equal_at
from app.protocol.ui_paths import parsed
from app.protocol.ui_stores import Flavour, UiStores

SETTLE_S = 1.0
"""Timers of a page in a hidden tab fire once a second."""
SAMPLED = "uiStore.wsConnected"
SAMPLED_S = 2.5
"""The UI samples its connection once a second (guide §1), so this value takes longer to settle."""
MAX_DEVIATIONS = 200
"""At most this many are kept, the oldest ones."""
MAX_NEW = 30
"""At most this many begin at one quiet point: a UI that reports nothing more deviates everywhere."""
MAX_COMPARED = 5_000
"""At most this many values are compared with those of the last quiet point."""
MAX_TEXT = 500
"""Longer paths, and values whose JSON is longer, are shortened in a deviation: a page may report anything."""
MAX_EXAMINED = 500
"""At least this many of the newest moments before a quiet point are examined, and the first one."""

Work = Generator[None, None, None]
"""Work that can be paused at each ``yield``."""


class Step(NamedTuple):
    """Something that may change the stores, such as a frame, a request, a response, or the end of a connection.

    ``seq`` is the number of the log's row, or of the newest row at that time if it has none. ``at`` is in monotonic
    seconds.
    """

    at: float
    seq: int
    title: str
    change: Callable[[UiStores], UiStores]


class Report(NamedTuple):
    """The stores that a UI reported. ``seq`` is the number of the newest row at that time.

    ``partial``: values that the state does not contain are not compared. The state is kept as JSON with sorted
    keys, which takes much less memory than the objects. Empty JSON: from then on, the stores are not known.
    ``is_assigned``: the page sent it itself, and it was assigned by origin and browser.
    """

    at: float
    seq: int
    json: bytes
    partial: bool = False
    is_assigned: bool = False

    @classmethod
    def of(cls, at: float, seq: int, state: Any, *, partial: bool = False, is_assigned: bool = False) -> "Report":
        """Return the report of a state."""
        return cls(at, seq, msgspec.json.encode(state, order="sorted"), partial, is_assigned)

    @property
    def state(self) -> Any:
        """The state. It must not be changed."""
        return _decoded(self.json)


@lru_cache(maxsize=2)
def _decoded(state: bytes) -> Any:
    return msgspec.json.decode(state)


class Deviation(NamedTuple):
    """A value that the UI reported wrongly, from the row ``seq`` on. ``title`` says what that row is.

    If ``last_seq`` is higher, the UI reported its state only after several rows, and one of them is the first.
    """

    seq: int
    last_seq: int
    title: str
    path: str
    expected: Any
    reported: Any


@dataclass(frozen=True, slots=True)
class _Moment:
    """A point in the history of a page, after a step, a report, or a change that time alone made."""

    at: float
    seq: int
    title: str
    stores: UiStores
    report: Report | None = None
    is_report: bool = False
    typing_rows: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """For each user, the row of the last typing event."""
    connection_changed: float = float("-inf")
    """When the state of the WebSocket changed."""


class DeviationFinder:
    """Follows the history of one page, and keeps what deviated."""

    def __init__(self, flavour: Flavour) -> None:
        self._quiet = _Moment(float("-inf"), 0, "the page was loaded", UiStores(flavour))
        """The last quiet point."""
        self._open: set[str] = set()
        """The paths that differed there."""
        self.found: list[Deviation] = []
        self.is_quiet = False
        """Whether the last call of ``advance`` ended at a quiet point, so that ``found`` is up to date."""

    @property
    def position(self) -> float:
        """The time up to which the history was compared. ``advance`` needs only what came later."""
        return self._quiet.at

    def advance(self, steps: Iterable[Step], reports: Iterable[Report], now: float) -> Work:
        """Continue up to the time ``now``, with the steps and reports after ``position`` in the order of time."""
        moments = [self._quiet]
        for moment in _moments(self._quiet, merge(steps, reports, key=itemgetter(0)), now):
            yield
            if moment.at - moments[-1].at >= SETTLE_S:
                yield from self._compare(moments, moment.at)
                moments = [self._quiet]
            if moment.report is None:  # nothing to compare
                self._quiet = moment
                moments = [moment]
                continue
            moments.append(moment)
            if len(moments) > 2 * MAX_EXAMINED:
                del moments[2:MAX_EXAMINED]
        self.is_quiet = now - moments[-1].at >= SETTLE_S
        if self.is_quiet:
            yield from self._compare(moments, now)

    def _compare(self, moments: Sequence[_Moment], until: float) -> Work:
        """Compare the two states of the last moment, which lasted until ``until``. The first one was compared."""
        self._quiet = now = moments[-1]
        if now.report is None:
            return
        each_difference = differences(now.stores.to_json(), now.report.state, partial=now.report.partial)
        found = list(islice(each_difference, MAX_COMPARED))
        if until - now.connection_changed < SAMPLED_S:
            found = [each for each in found if each.path != SAMPLED]
        new = [each for each in found if each.path not in self._open]
        for each in new[:MAX_NEW]:
            if len(self.found) < MAX_DEVIATIONS:
                right = yield from _last_right(each.path, moments)
                self.found.append(_deviation(each, moments, right))
        self._open = {each.path for each in found}


def _moments(first: _Moment, items: Iterable[Step | Report], now: float) -> Iterator[_Moment]:
    """Yield what follows ``first`` until now."""
    moment = first
    for each in items:
        for changed in _changes_of_time(moment, each.at):
            moment = changed
            yield moment
        if isinstance(each, Report) and _is_repeated(each, moment.report):
            continue
        moment = _with_report(moment, each) if isinstance(each, Report) else _with_step(moment, each)
        yield moment
    yield from _changes_of_time(moment, now)


def _changes_of_time(moment: _Moment, until: float) -> Iterator[_Moment]:
    while (end := moment.stores.next_change) is not None and end <= until:
        stores = moment.stores.at(end)
        user = next(user for user in stores.typing if stores.typing[user] != moment.stores.typing[user])
        seq, title = moment.typing_rows[user]
        moment = replace(moment, at=end, seq=seq, title=f"{title}, 5 s later", stores=stores, is_report=False)
        yield moment


def _is_repeated(report: Report, last: Report | None) -> bool:
    """Return whether a report says the same as the last one. Some UIs report every second; that is no change."""
    return last is not None and (last.partial, last.json) == (report.partial, report.json)


def _with_report(moment: _Moment, report: Report) -> _Moment:
    return replace(moment, at=report.at, report=report if report.json else None, is_report=True)


def _with_step(moment: _Moment, step: Step) -> _Moment:
    stores = step.change(moment.stores)
    row = (step.seq, step.title)
    typing = {user: row for user, end in stores.typing.items() if end != moment.stores.typing.get(user)}
    reconnected = stores.ws_connected != moment.stores.ws_connected
    return replace(
        moment, at=step.at, seq=step.seq, title=step.title, stores=stores, is_report=False,
        typing_rows={**moment.typing_rows, **typing} if typing else moment.typing_rows,
        connection_changed=step.at if reconnected else moment.connection_changed,
    )  # fmt: skip


def _last_right(path: str, moments: Sequence[_Moment]) -> Generator[None, None, int]:
    """Return the index of the last moment before the end at which a value was right.

    The first one is right; only ``SAMPLED`` may have been ignored there. Return -1 if it was wrong there.
    """
    steps = tuple(parsed(path))
    first = 0 if path == SAMPLED else 1
    for index in range(len(moments) - 2, first - 1, -1):
        yield
        moment = moments[index]
        report = moment.report
        if report is None or is_equal_at(path, _part(moment.stores, steps), report.state, partial=report.partial):
            return index
    return first - 1


def _part(stores: UiStores, steps: Sequence[str | int]) -> Any:
    """Return the stores as JSON, with only the chat or the contact to which a path leads."""
    messages, contacts = stores.messages, stores.contacts
    match steps:
        case ["chatStore", "messages", str(peer), *_]:
            messages, contacts = {name: each for name, each in messages.items() if name == peer}, ()
        case ["contactStore", "contacts", str(name), *_]:
            messages, contacts = {}, tuple(each for each in contacts if each.username == name)
        case ["contactStore", *_]:
            messages = {}
        case ["chatStore" | "uiStore", part, *_] if part != "messages":
            messages, contacts = {}, ()
    return replace(stores, messages=messages, contacts=contacts).to_json()


def _deviation(difference: Difference, moments: Sequence[_Moment], right: int) -> Deviation:
    """Find the row after which a value began to differ: it was right at the moment with the index ``right``.

    It was never right if this is -1.
    """
    wrong = moments[right + 1]
    if wrong.is_report:  # the expected value did not change: the UI changed it after one of the rows before this
        rows = _rows_before(moments[: max(right, 0) + 1])
    else:  # the expected value changed
        rows = [wrong, *_rows_before_report(moments[right + 2 :])]
    first, last = rows[0], rows[-1]
    path = difference.path if len(difference.path) <= MAX_TEXT else f"{difference.path[:MAX_TEXT]}…"
    values = (_shortened(difference.expected), _shortened(difference.reported))
    return Deviation(first.seq, max(first.seq, last.seq), first.title, path, *values)


def _shortened(value: Any) -> Any:
    text = msgspec.json.encode(value)
    return value if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT].decode(errors='ignore')}…"


def _rows_before(moments: Sequence[_Moment]) -> Sequence[_Moment]:
    """Return the moments between the last two reports before the end. If there are none, return the last one."""
    since_report: list[_Moment] = []
    for moment in reversed(moments[1:]):
        if moment.is_report:
            break
        since_report.insert(0, moment)
    return since_report or [next((each for each in reversed(moments) if not each.is_report), moments[0])]


def _rows_before_report(moments: Sequence[_Moment]) -> Sequence[_Moment]:
    """Return the moments before the first report; none if there is no report, since the UI did not react."""
    report = next((at for at, moment in enumerate(moments) if moment.is_report), 0)
    return moments[:report]
