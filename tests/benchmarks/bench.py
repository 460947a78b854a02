"""What every benchmark is given: its servers, the length of a round, and how rounds are interleaved."""

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
    """``rounds`` of ``ms`` each."""

    pool: Pool
    rounds: int
    ms: int

    @property
    def processes(self) -> int:
        """How many of each server do work where it matters which of them it is."""
        return max(1, self.rounds // 3)

    @property
    def rounds_each(self) -> int:
        """How many rounds each of those takes."""
        return max(3, math.ceil(self.rounds / 2))

    def compare(
        self, names: Iterable[str], work: Work, *, listeners: int = 0, pairs: int = 0, sample: int = 16
    ) -> dict[str, list[Cost]]:
        """Let servers do the same work in turns, so that whatever else the machine does hits all alike."""
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
        """As ``compare``, with several processes of each server one after the other.

        Where much of the work is sleeping and waking, one process takes up to a tenth more than another of the same
        program. ``work`` is told how many milliseconds it is to take.
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
        """Run each in turn, for as many rounds as there are."""
        costs: dict[str, list[Cost]] = {name: [] for name in works}
        for _ in range(self.rounds):
            for name, work in works.items():
                costs[name].append(work())
        return costs


def middle(costs: Iterable[Cost], field: str) -> float:
    """Return the median of one of the figures."""
    return float(median(getattr(cost, field) for cost in costs))


def ratio(costs: Iterable[Cost], yardstick: Iterable[Cost], field: str = "us") -> float:
    """Return the median of the rounds' ratios: each round is compared with its own yardstick."""
    pairs = zip(costs, yardstick, strict=True)
    return float(median(getattr(one, field) / getattr(other, field) for one, other in pairs))


def versus(number: int, what: str, costs: Mapping[str, list[Cost]], one: str, other: str, goal: Goal) -> Line:
    """Return the line that compares the CPU per delivery of two servers, and the floor's where it was measured."""
    figure = " / ".join(f"{digits(middle(costs[name], 'us'))} µs" for name in (one, other))
    if FLOOR in costs:
        figure += f", bare Python {digits(ratio(costs[FLOOR], costs[other]))}×"
    return Line(number, what, figure, goal, ratio(costs[one], costs[other]))
