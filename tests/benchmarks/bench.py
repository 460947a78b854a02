"""The servers and rounds of a benchmark run, and functions that compare servers in interleaved rounds."""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import NamedTuple

from tests.benchmarks.client import Cost, Link
from tests.benchmarks.contenders import FLOOR, Pool
from tests.benchmarks.line import Goal, Line, digits

Work = Callable[[Link], Cost]


class Bench(NamedTuple):
    """The servers, and the number and length of the rounds. ``ms`` is the length of a round in milliseconds."""

    pool: Pool
    rounds: int
    ms: int

    @property
    def processes(self) -> int:
        """Number of processes per server in ``compare_anew``."""
        return max(1, self.rounds // 3)

    @property
    def rounds_each(self) -> int:
        """Number of rounds per process in ``compare_anew``."""
        return max(3, math.ceil(self.rounds / 2))

    def compare(
        self, names: Iterable[str], work: Work, *, listeners: int = 0, pairs: int = 0, sample: int = 16
    ) -> dict[str, list[Cost]]:
        """Run the same work on several servers in turns, so that other load on the machine affects all of them."""
        with ExitStack() as stack:
            links = {
                name: stack.enter_context(
                    self.pool.server(name).link(listeners=listeners, pairs=pairs, sample=sample)
                )
                for name in names
            }
            return self.interleave({name: partial(work, link) for name, link in links.items()})

    def compare_anew(
        self, names: Iterable[str], work: Callable[[Link, int], Cost], *, listeners: int = 0, pairs: int = 0
    ) -> dict[str, list[Cost]]:
        """Like ``compare``, but with several new processes of each server, one after the other.

        If the work consists mainly of sleeping and waking, two processes of the same program differ by up to 10 %.
        ``work`` gets the length of a round in milliseconds.
        """
        names = tuple(names)
        costs: dict[str, list[Cost]] = {name: [] for name in names}
        each = self._replace(rounds=self.rounds_each)
        for _ in range(self.processes):
            for name in names:
                self.pool.end(name)
            some = each.compare(names, lambda link: work(link, self.ms), listeners=listeners, pairs=pairs)
            for name in names:
                costs[name] += some[name]
        return costs

    def interleave(self, works: Mapping[str, Callable[[], Cost]]) -> dict[str, list[Cost]]:
        """Run each work once per round, in turns."""
        costs: dict[str, list[Cost]] = {name: [] for name in works}
        for _ in range(self.rounds):
            for name, work in works.items():
                costs[name].append(work())
        return costs


def median_of(costs: Iterable[Cost], field: str) -> float:
    """Return the median of a field."""
    return float(median(getattr(cost, field) for cost in costs))


def ratio(costs: Iterable[Cost], yardstick: Iterable[Cost], field: str = "us") -> float:
    """Return the median of the rounds' ratios. Each round is compared with the yardstick of the same round."""
    pairs = zip(costs, yardstick, strict=True)
    return float(median(getattr(one, field) / getattr(other, field) for one, other in pairs))


def versus(number: int, what: str, costs: Mapping[str, list[Cost]], one: str, other: str, goal: Goal) -> Line:
    """Return a line that compares the CPU per delivery of two servers, with the floor if it was measured."""
    figure = " / ".join(f"{digits(median_of(costs[name], 'us'))} µs" for name in (one, other))
    if FLOOR in costs:
        figure += f", bare Python {digits(ratio(costs[FLOOR], costs[other]))}×"
    return Line(number, what, figure, goal, ratio(costs[one], costs[other]))
