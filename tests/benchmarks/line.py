"""One line of the table: a measured value and its goal."""

from typing import NamedTuple

from typing_extensions import override

TIMES = "×"


class Goal(NamedTuple):
    """A limit like ``≤ 0.1×`` or ``≥ 99 %``. The unit ``×`` is for ratios, which do not depend on the machine."""

    limit: float
    unit: str = TIMES
    at_least: bool = False
    reach: bool = False
    """Whether the goal is still open. Other goals are reached, and must stay so."""

    @property
    def status(self) -> str:
        """``hold`` or ``reach``."""
        return "reach" if self.reach else "hold"

    @override
    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {shown(self.limit, self.unit)}"

    def met(self, value: float) -> bool:
        """Return whether ``value`` is within the limit."""
        return value >= self.limit if self.at_least else value <= self.limit


class Line(NamedTuple):
    """A measurement. ``value`` is in the goal's unit; if it is None, ``figure`` is the reason."""

    number: int
    what: str
    figure: str
    goal: Goal
    value: float | None = None
    broken: bool = False
    """Whether the measurement itself failed."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None if nothing was measured."""
        return None if self.value is None else self.goal.met(self.value)

    @property
    def ratio(self) -> str:
        """The value as text."""
        return "–" if self.value is None else shown(self.value, self.goal.unit)

    @property
    def missed(self) -> bool:
        """Whether a goal with status *hold* is missed, or the measurement failed."""
        return self.broken or (self.met is False and not self.goal.reach)


def skipped(number: int, what: str, why: object, goal: Goal) -> Line:
    """Return the line of a measurement that is not possible here."""
    return Line(number, what, f"skipped: {why}", goal)


def failed(number: int, what: str, error: BaseException) -> Line:
    """Return the line of a failed measurement."""
    why = str(error).splitlines() or [""]
    return Line(number, what, f"failed: {type(error).__name__}: {why[0]}", Goal(0), broken=True)


def shown(value: float, unit: str) -> str:
    """Format a value with three significant digits and its unit."""
    return f"{digits(value)}×" if unit == TIMES else f"{digits(value)} {unit}"


def digits(value: float, count: int = 3) -> str:
    """Format a number with ``count`` significant digits; a larger number without decimals."""
    return f"{value:,.0f}" if abs(value) >= 10 ** (count - 1) else f"{value:.{count}g}"
