"""Compute the expected contents of a UI page's stores at a point of its history, by applying its steps in order.
Also find the previous or next change, and the last change of one value.

A step is what may change the stores, such as a frame, a request or a response: see ``ui_history``. States are
immutable. One of every ``CHUNK`` states is kept, so that going back replays fewer than ``CHUNK`` steps.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from app.hub.journal import Journal
from app.hub.row import Row
from app.hub.slices import Slices
from app.observers.ui_history import CHUNK, T, UiHistory, Work, finish
from app.observers.ui_pages import UiPage, UiPages
from app.protocol.ui_effects import EventChanges, no_changes
from app.protocol.ui_moments import Moment, StateChange
from app.protocol.ui_paths import Probe
from app.protocol.ui_stores import Flavour, UiStores


class _Replay:
    """The states of one flavour. ``complete`` is False after a step was skipped because its row was gone."""

    def __init__(self, history: UiHistory, flavour: Flavour, replays: Mapping[Flavour, "_Replay"]) -> None:
        """``replays`` are those of the same history: they share their messages, which never differ."""
        self._history = history
        self._replays = replays
        self._kept = [UiStores(flavour)]
        """The states after 0, ``CHUNK``, 2 × ``CHUNK`` … steps, as far as they were computed."""
        self._newest = (0, self._kept[0])
        self.complete = True

    def invalidate(self, index: int) -> None:
        """Forget the states after an index: its next step has changed."""
        del self._kept[index // CHUNK + 1 :]
        if self._newest[0] > index:
            self._newest = ((len(self._kept) - 1) * CHUNK, self._kept[-1])

    def drop(self, steps: int) -> Work[None]:
        """Compute the state after the oldest steps, and forget the states before it."""
        stores = yield from self.state(steps)
        self._kept = [stores] if steps % CHUNK else self._kept[steps // CHUNK :]
        self._newest = (self._newest[0] - steps, self._newest[1])

    def state(self, index: int) -> Work[UiStores]:
        """Return the state after a number of steps."""
        at, stores = self._newest
        if index < at:
            at = min(index // CHUNK, len(self._kept) - 1) * CHUNK
            stores = self._kept[at // CHUNK]
        while at < index:
            at += 1
            stores = self._step(at, stores)
            if at == len(self._kept) * CHUNK:
                stores = self._with_shared_messages(at, stores)
                self._kept.append(stores)
            yield
        if index > self._newest[0]:
            self._newest = (index, stores)
        return stores

    def _with_shared_messages(self, index: int, stores: UiStores) -> UiStores:
        """Use the messages that another replay has at the same index, so that the memory contains them once."""
        for other in self._replays.values():
            if other is not self and index // CHUNK < len(other._kept):
                return replace(stores, messages=other._kept[index // CHUNK].messages)
        return stores

    def _step(self, index: int, stores: UiStores) -> UiStores:
        stores = stores.at(self._history.time(index))
        after = self._history.apply(index, stores)
        if after is None:
            self.complete = False
            return stores
        return after

    def walk(self, start: int, stores: UiStores, stop: int, until: float) -> Iterator[tuple[int, Moment, UiStores]]:
        """Yield the states from ``stores`` at index ``start`` up to index ``stop`` and time ``until``.

        Each comes with its index and an unnamed moment. Typing indicators end by themselves: such a moment has a
        title, and the index of the step before it.
        """
        yield start, self._moment(start), stores
        for index in range(start + 1, stop + 2):
            end = self._history.time(index) if index <= stop else until
            while (at := stores.next_change) is not None and at <= end:
                users = ", ".join(user for user, each in stores.typing.items() if each == at)
                stores = stores.at(at)
                title = f"{users} stopped typing: no typing event for 5 s"
                yield index - 1, self._moment(index - 1)._replace(at=at, title=title), stores
            if index <= stop:
                stores = self._step(index, stores)
                yield index, self._moment(index), stores

    def _moment(self, index: int) -> Moment:
        return Moment(index + self._history.dropped, self._history.time(index))


class UiTimeline:
    """The history of one page and its states, in both flavours.

    ``run`` runs the methods that return ``Work``, one after the other. A moment of None is now.
    """

    def __init__(
        self,
        page: UiPage,
        pages: UiPages,
        journal: Journal,
        now: Callable[[], float],
        event_changes: EventChanges = no_changes,
    ) -> None:
        self.history = UiHistory(page, pages, journal, event_changes)
        self._now = now
        self._replays: dict[Flavour, _Replay] = {}
        self._lock = asyncio.Lock()

    async def run(self, work: Work[T]) -> T:
        """Bring the history up to date, then run ``work`` in slices, so that other callbacks run in between."""
        async with self._lock:
            await _in_slices(self._catch_up())
            return await _in_slices(work)

    @property
    def is_busy(self) -> bool:
        """Whether work is being done in slices."""
        return self._lock.locked()

    def catch_up_now(self) -> None:
        """Bring the history up to date at once. Not while work is being done."""
        finish(self._catch_up())

    def is_complete(self, flavour: Flavour) -> bool:
        """Return whether no frame was missing when the states of a flavour were computed."""
        return not self.history.gap and self._replay(flavour).complete

    def _catch_up(self) -> Work[None]:
        changed = yield from self.history.catch_up()
        for replay in self._replays.values():
            replay.invalidate(changed)
        if steps := self.history.expired():
            for replay in self._replays.values():
                yield from replay.drop(steps)
            self.history.drop(steps)

    def _replay(self, flavour: Flavour) -> _Replay:
        if flavour not in self._replays:
            self._replays[flavour] = _Replay(self.history, flavour, self._replays)
        return self._replays[flavour]

    def _find(self, moment: Moment | None) -> tuple[int, float]:
        if moment is None:
            return len(self.history), self._now()
        return self.history.find(moment), moment.at

    def moment_after(self, row: Row) -> Work[Moment]:
        """Return the moment just after a row of the log."""
        yield
        moment = self.history.moment(self.history.index_after(row))
        return moment._replace(at=max(moment.at, row.mono))

    def moment_at(self, number: int) -> Work[Moment]:
        """Return the moment after a number of steps, those that are no longer known included."""
        yield
        return self.history.moment(min(max(0, number - self.history.dropped), len(self.history)))

    def state(self, flavour: Flavour, moment: Moment | None) -> Work[UiStores]:
        """Return the stores at a moment."""
        index, at = self._find(moment)
        return (yield from self._replay(flavour).state(index)).at(at)

    def around(self, flavour: Flavour, row: Row) -> Work[tuple[UiStores, UiStores] | None]:
        """Return the stores before and after the frame of a row, or None if the page did not get it."""
        index = self.history.index_after(row)
        if not index or not self.history.is_row(index, row.seq):
            return None
        before = yield from self._replay(flavour).state(index - 1)
        after = yield from self._replay(flavour).state(index)
        return before, after

    def look(self, flavour: Flavour, moment: Moment | None) -> Work[tuple[Moment, UiStores, StateChange]]:
        """Return a moment with its stores and their last change."""
        index, at = self._find(moment)
        shown = moment or self.history.moment(index)._replace(at=at)
        stores = yield from self.state(flavour, shown)
        return shown, stores, (yield from self.last_change(flavour, shown))

    def last_change(self, flavour: Flavour, moment: Moment | None, *, before: bool = False) -> Work[StateChange]:
        """Return the last change of the stores until a moment, or before it. Without one, return the beginning."""
        index, at = self._find(moment)

        def same(one: UiStores, other: UiStores) -> bool:
            return one.same_as(other)

        found = yield from self._find_back(flavour, index, at, same, before=before)
        if found:
            return found
        stores = yield from self._replay(flavour).state(0)
        return StateChange(self.history.moment(0), stores, stores)

    def recent_changes(self, flavour: Flavour, moment: Moment | None, limit: int) -> Work[list[StateChange]]:
        """Return the last changes of the stores until a moment, at most ``limit``, oldest first."""
        stop, until = self._find(moment)
        replay = self._replay(flavour)
        recent: list[StateChange] = []
        while True:
            start = max(0, (stop - 1) // CHUNK * CHUNK)
            previous = yield from replay.state(start)
            found: list[tuple[int, StateChange]] = []
            for step, each, stores in replay.walk(start, previous, stop, until):
                if not stores.same_as(previous):
                    found.append((step, StateChange(each, previous, stores)))
                previous = stores
                yield
            named = [change._replace(moment=self._named(step, change.moment)) for step, change in found[-limit:]]
            recent = [*named, *recent][-limit:]
            if start == 0 or len(recent) == limit:
                return recent
            stop, until = start, self.history.time(start)

    def next_change(self, flavour: Flavour, moment: Moment) -> Work[StateChange | None]:
        """Return the first change of the stores after a moment, or None if there is none until now."""
        index, at = self._find(moment)
        replay = self._replay(flavour)
        before = yield from replay.state(index)
        for step, each, stores in replay.walk(index, before, len(self.history), self._now()):
            if (step, each.at) > (index, at) and not stores.same_as(before):
                return StateChange(self._named(step, each), before, stores)
            before = stores
            yield
        return None

    def origin(self, flavour: Flavour, moment: Moment | None, probe: Probe) -> Work[StateChange | None]:
        """Return the last change of one value until a moment, or None if it has not changed since the beginning."""
        index, at = self._find(moment)

        def same(one: UiStores, other: UiStores) -> bool:
            return bool(probe.value(one) == probe.value(other))

        def untouched(one: UiStores, other: UiStores) -> bool:
            anchor, now = probe.anchor(one), probe.anchor(other)
            return anchor is not None and (anchor is now or (isinstance(anchor, int) and anchor == now))

        return (yield from self._find_back(flavour, index, at, same, untouched=untouched))

    def _find_back(
        self,
        flavour: Flavour,
        index: int,
        at: float,
        same: Callable[[UiStores, UiStores], bool],
        *,
        before: bool = False,
        untouched: Callable[[UiStores, UiStores], bool] = lambda *_: False,
    ) -> Work[StateChange | None]:
        """Return the last moment whose state is not the ``same`` as that of the moment before it.

        ``untouched`` returns whether all states between two states are the same, if that is certain.
        """
        replay, stop, until = self._replay(flavour), index, at
        last = (yield from replay.state(index)).at(at)
        while True:
            start = max(0, (stop - 1) // CHUNK * CHUNK)
            previous = yield from replay.state(start)
            if start and untouched(previous, last):
                stop, until = start, self.history.time(start)
                last = previous
                yield
                continue
            last = previous
            found: tuple[int, StateChange] | None = None
            for step, moment, stores in replay.walk(start, previous, stop, until):
                if before and (step, moment.at) >= (index, at):
                    break
                if not same(previous, stores):
                    found = (step, StateChange(moment, previous, stores))
                previous = stores
                yield
            if found:
                step, change = found
                return change._replace(moment=self._named(step, change.moment))
            if start == 0:
                return None
            stop, until = start, self.history.time(start)

    def _named(self, index: int, moment: Moment) -> Moment:
        return moment if moment.title else self.history.moment(index)


async def _in_slices(work: Work[T]) -> T:
    slices = Slices()
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        await slices.yield_if_due()
