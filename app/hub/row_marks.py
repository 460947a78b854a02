"""Keep the marks of the journal's rows in memory: the pins and annotations, which the user or a script sets to find
rows again, and the rules of the lint that a row violates. At the limit, a new pin or annotation is refused; for a
new violation, the oldest are removed. Each change emits a signal. Only pins and annotations of discarded rows are
forgotten without one.
"""

from collections.abc import Collection
from typing import NamedTuple

from app.hub.signals import Signal
from app.protocol.errors import Conflict, Invalid

MAX_MARKS = 1_000
"""The most rows that have a pin or an annotation, so that a script cannot fill the memory."""
MAX_AGENT_MARKS = 500
"""An agent marks no further rows if this many are marked, so that it cannot use up the user's pins."""
MAX_ANNOTATION = 500
MAX_LINT_ROWS = 10_000
"""Maximum number of rows whose violations are kept. The oldest are removed first."""


class Mark(NamedTuple):
    """What the user has set for a row, and the ids of the lint rules that it violates."""

    pinned: bool = False
    annotation: str = ""
    lint: tuple[str, ...] = ()


UNMARKED = Mark()


class RowMarks:
    """The marks by the sequence number of their row. Copies of the row store share the object."""

    def __init__(self) -> None:
        self._marks: dict[int, Mark] = {}
        self._lint: dict[int, tuple[str, ...]] = {}
        self._lint_off: frozenset[str] = frozenset()
        self.changed: Signal[int] = Signal()
        """Emitted with the number of a row whose mark has changed."""

    def __getitem__(self, seq: int) -> Mark:
        """Return the mark of a row, ``UNMARKED`` if there is none."""
        mark = self._marks.get(seq, UNMARKED)
        lint = self._lint.get(seq)
        if lint is None:
            return mark
        return mark._replace(lint=tuple(each for each in lint if each not in self._lint_off))

    def add_lint(self, seq: int, rule: str) -> None:
        """Record that a row violates a rule of the lint."""
        known = self._lint.get(seq, ())
        if rule in known:
            return
        if not known and len(self._lint) >= MAX_LINT_ROWS:
            oldest = next(iter(self._lint))
            del self._lint[oldest]
            self.changed.emit(oldest)
        self._lint[seq] = (*known, rule)
        self.changed.emit(seq)

    @property
    def lint(self) -> dict[int, tuple[str, ...]]:
        """The rules of the lint by row, also those that are turned off."""
        return dict(self._lint)

    def turn_lint_off(self, rules: Collection[str]) -> None:
        """Hide these rules of the lint, and show the others."""
        before, self._lint_off = self._lint_off, frozenset(rules)
        changed = before.symmetric_difference(rules)
        for seq, violated in list(self._lint.items()):
            if not changed.isdisjoint(violated):
                self.changed.emit(seq)

    @property
    def pinned(self) -> list[int]:
        """The numbers of the rows that are pinned."""
        return [seq for seq, mark in self._marks.items() if mark.pinned]

    def set(self, seq: int, mark: Mark, first_seq: int, most: int = MAX_MARKS) -> None:
        """Set the mark of a row. Marks of rows before ``first_seq``, which are discarded, are forgotten.

        Raises ``Invalid`` if the annotation is too long, and ``Conflict`` if ``most`` rows are marked already.
        """
        if len(mark.annotation) > MAX_ANNOTATION:
            raise Invalid(f"An annotation has at most {MAX_ANNOTATION} characters.")
        mark = mark._replace(lint=())  # kept separately
        if mark == self._marks.get(seq, UNMARKED):
            return
        self._marks = {number: each for number, each in self._marks.items() if number >= first_seq}
        if mark == UNMARKED:
            self._marks.pop(seq, None)
        elif seq not in self._marks and len(self._marks) >= most:
            by_agent = (
                f" with an agent token; the others of {MAX_MARKS:,} are for the user" if most < MAX_MARKS else ""
            )
            raise Conflict(f"At most {most:,} rows can be pinned or annotated{by_agent}. Unpin some first.")
        else:
            self._marks[seq] = mark
        self.changed.emit(seq)


NO_MARKS = RowMarks()
"""Of rows that do not belong to a journal."""
