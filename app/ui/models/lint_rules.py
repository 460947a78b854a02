"""Table models for the page *Rules* of the Contract room: the lint's rules with counts, and one rule's findings.
The lint compares the traffic with the contract, which defines the valid events and REST calls. A finding is a
violation, with its row in the log if it has one. Of a rule with many findings, ``lint_card`` passes only the first
ones and the last.
"""

from collections.abc import Collection
from enum import IntEnum
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.protocol.lint.findings import Finding, Tally
from app.protocol.lint.rules import Rule, Severity
from app.ui import theme
from app.ui.models.titled_table import TitledTable


class Col(IntEnum):
    """Columns of the rules, left to right."""

    SEVERITY = 0
    RULE = 1
    FOUND = 2
    FIRST = 3
    LAST = 4


TITLES = ("Severity", "Rule", "Found", "First row", "Last row")
SIGNS = {Severity.ERROR: "✕", Severity.WARNING: "▲", Severity.INFO: "•"}
NONE = "–"


class RuleLine(NamedTuple):
    """A rule as it is shown."""

    rule: Rule
    on: bool
    found: int
    first: int
    last: int

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the columns."""
        number = (f"{self.found:,}" if self.found else NONE) if self.on else "off"
        rows = (f"#{each}" if each else NONE for each in (self.first, self.last))
        return f"{SIGNS[self.rule.severity]} {self.rule.severity}", self.rule.title, number, *rows


def rule_lines(tally: Tally, off: Collection[str]) -> list[RuleLine]:
    """Return the lines of all rules. Rules that are off have no findings."""
    return [
        RuleLine(each.rule, True, each.count, each.first_seq, each.last_seq)
        if each.rule.id not in off
        else RuleLine(each.rule, False, 0, 0, 0)
        for each in tally
    ]


class LintRulesModel(TitledTable[RuleLine]):
    """One line per rule."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    def show(self, lines: list[RuleLine]) -> None:
        """Replace the lines. The rules are always the same, so the selection stays."""
        if not self._lines:
            self._replace(lines)
            return
        for row, (before, after) in enumerate(zip(self._lines, lines, strict=True)):
            if before != after:
                self._lines[row] = after
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(TITLES) - 1))

    @override
    def text(self, line: RuleLine, column: int) -> str:
        return line.texts[column]

    @override
    def tip(self, line: RuleLine, column: int) -> str:
        return f"{line.rule.title} ({line.rule.id})\n{line.rule.why}"

    @override
    def other_data(self, line: RuleLine, column: int, role: int) -> QColor | None:
        if role != Qt.ItemDataRole.ForegroundRole:
            return None
        scheme = theme.colors()
        if not line.found:
            return QColor(scheme.muted)
        if column not in (Col.SEVERITY, Col.FOUND):
            return None
        tones = {Severity.ERROR: scheme.error, Severity.WARNING: scheme.warning, Severity.INFO: scheme.muted}
        return QColor(tones[line.rule.severity])


class FindingsModel(TitledTable[Finding]):
    """One line per finding: the row of the log, and what was found."""

    def __init__(self) -> None:
        super().__init__(("Row", "Finding"))

    def show(self, lines: list[Finding]) -> None:
        """Replace the lines. The selection stays if the last one changed, or if there are new ones at the end."""
        known = len(self._lines)
        kept = max(1, known - 1)
        if len(lines) < known or lines[:kept] != self._lines[:kept]:
            self._replace(lines)
            return
        last = known - 1
        if known and lines[last] != self._lines[last]:
            self._lines[last] = lines[last]
            self.dataChanged.emit(self.index(last, 0), self.index(last, len(self.titles) - 1))
        if len(lines) > known:
            self.beginInsertRows(QModelIndex(), known, len(lines) - 1)
            self._lines = lines
            self.endInsertRows()

    @override
    def text(self, line: Finding, column: int) -> str:
        return (f"#{line.seq}" if line.seq else "REST", line.text)[column]

    @override
    def tip(self, line: Finding, column: int) -> str:
        return line.text
