"""One line of the table: what was measured, and whether that reaches its goal."""

from typing import NamedTuple

TIMES = "×"


class Goal(NamedTuple):
    """A bound: ``≤ 0.1×``, ``≥ 99 %``. A unit of ``×`` makes it a ratio, which no machine's speed changes."""

    limit: float
    unit: str = TIMES
    at_least: bool = False
    reach: bool = False
    """Whether the goal is still open. All others are reached, and must stay reached."""

    @property
    def status(self) -> str:
        """``hold`` or ``reach``."""
        return "reach" if self.reach else "hold"

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {shown(self.limit, self.unit)}"

    def met(self, value: float) -> bool:
        """Return whether ``value`` keeps the bound."""
        return value >= self.limit if self.at_least else value <= self.limit


class Line(NamedTuple):
    """``value`` is in the goal's unit; None means that it could not be measured, and ``figure`` says why."""

    number: int
    what: str
    figure: str
    goal: Goal
    value: float | None = None
    broken: bool = False
    """Whether the measurement itself failed."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None when nothing was measured."""
        return None if self.value is None else self.goal.met(self.value)

    @property
    def ratio(self) -> str:
        """The value as text."""
        return "–" if self.value is None else shown(self.value, self.goal.unit)

    @property
    def missed(self) -> bool:
        """Whether a goal that must hold is lost, or the measurement failed."""
        return self.broken or (self.met is False and not self.goal.reach)


def skipped(number: int, what: str, why: object, goal: Goal) -> Line:
    """Return the line of what cannot be measured here."""
    return Line(number, what, f"skipped: {why}", goal)


def failed(number: int, what: str, error: BaseException) -> Line:
    """Return the line of a measurement that did not end."""
    why = str(error).splitlines() or [""]
    return Line(number, what, f"failed: {type(error).__name__}: {why[0]}", Goal(0), broken=True)


def shown(value: float, unit: str) -> str:
    """Return a value to three digits with its unit."""
    return f"{digits(value)}×" if unit == TIMES else f"{digits(value)} {unit}"


def digits(value: float, count: int = 3) -> str:
    """Return a number to ``count`` digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 10 ** (count - 1) else f"{value:.{count}g}"
