"""The findings of the lint: one ``Finding`` per violation, and ``Tally``, which counts them per rule.
The memory is limited: for each rule, the first findings and the last one are kept.
"""

from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from app.protocol.lint.rules import RULES, Rule

MAX_KEPT = 50
"""The first findings of a rule that are kept, besides the last one."""


class Finding(Struct, frozen=True, gc=False):
    """A violation of a rule: the number of its row in the log (0: none), and a sentence about it."""

    rule: Rule
    seq: int
    text: str


Report = Callable[[Rule, int, str], None]
"""Called for each violation with the rule, the number of the row, and the sentence."""


class RuleTally:
    """What one rule has found so far."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.count = 0
        self.first_seq = 0
        """The first row; 0 if none of the findings has a row."""
        self.last_seq = 0
        self.kept: list[Finding] = []
        """The first findings."""
        self.last: Finding | None = None

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.count += 1
        self.last = finding
        if finding.seq:
            self.first_seq = min(self.first_seq or finding.seq, finding.seq)
            self.last_seq = max(self.last_seq, finding.seq)  # a missing event is found after later rows
        if len(self.kept) < MAX_KEPT:
            self.kept.append(finding)


class Tally:
    """The findings of all rules."""

    def __init__(self) -> None:
        self._rules = {rule.id: RuleTally(rule) for rule in RULES}

    def __iter__(self) -> Iterator[RuleTally]:
        return iter(self._rules.values())

    def __getitem__(self, rule_id: str) -> RuleTally:
        return self._rules[rule_id]

    def add(self, finding: Finding) -> None:
        """Count a finding for its rule."""
        self._rules[finding.rule.id].add(finding)

    def number(self, off: Collection[str] = ()) -> int:
        """Return the number of findings of all rules that are not in ``off``."""
        return sum(each.count for each in self if each.rule.id not in off)
