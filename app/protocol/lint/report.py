"""The report of the lint, which checks the traffic against the contract and other rules: each rule, with its first
findings and the last one. Its values can be encoded as JSON; functions return it, shortened to ten findings per
rule, as text and as JUnit XML. The control API, the command line, the window's export and bug reports use it.
"""

from collections.abc import Collection
from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.protocol.counts import count_with
from app.protocol.lint.findings import RuleTally, Tally
from app.protocol.lint.rules import Severity, is_serious
from app.protocol.session.junit import Case, Suite, junit_xml


class FindingReport(Struct, kw_only=True):
    """A violation of a rule."""

    row: Annotated[int | None, Meta(description="Number of the row in the log; null: a REST call without a row")]
    text: str


class RuleReport(Struct, kw_only=True):
    """A rule and what it has found."""

    rule: str
    severity: Literal["error", "warning", "info"]
    title: str
    why: Annotated[str, Meta(description="What goes wrong if the rule is violated")]
    advice: Annotated[str, Meta(description="What to do")]
    on: Annotated[bool, Meta(description="False: the setting lint_off contains it, and its findings are not shown")]
    count: int
    first_row: int | None
    last_row: int | None
    findings: Annotated[list[FindingReport], Meta(description="The first findings, and the last one")]


class LintReport(Struct, kw_only=True):
    """The rules with their findings."""

    rules: list[RuleReport]
    skipped: Annotated[
        int, Meta(description="Number of rows that were dropped from the log before they could be examined")
    ] = 0

    def serious(self, limit: Severity) -> list[RuleReport]:
        """Return the rules that have found something and are at least as serious as ``limit``."""
        return [each for each in self.rules if each.count and is_serious(Severity(each.severity), limit)]

    def only(self, rule_ids: Collection[str]) -> "LintReport":
        """Return the report with only these rules; all if there are none."""
        rules = [each for each in self.rules if each.rule in rule_ids] if rule_ids else self.rules
        return LintReport(rules=rules, skipped=self.skipped)


def report(tally: Tally, off: Collection[str] = (), skipped: int = 0) -> LintReport:
    """Return the report of what was found. Rules in ``off`` have no findings."""
    return LintReport(rules=[_rule(each, each.rule.id not in off) for each in tally], skipped=skipped)


def _rule(tally: RuleTally, on: bool) -> RuleReport:
    rule = tally.rule
    findings = [*tally.kept, *([tally.last] if tally.last and tally.count > len(tally.kept) else [])] if on else []
    return RuleReport(
        rule=rule.id, severity=rule.severity.value, title=rule.title, why=rule.why, advice=rule.advice, on=on,
        count=tally.count if on else 0, first_row=(tally.first_seq or None) if on else None,
        last_row=(tally.last_seq or None) if on else None,
        findings=[FindingReport(row=each.seq or None, text=each.text) for each in findings],
    )  # fmt: skip


def as_text(found: LintReport, most: int = 10) -> list[str]:
    """Return the report as lines: the rules that have found something, each with at most ``most`` findings."""
    lines = []
    for each in found.rules:
        if not each.count:
            continue
        lines.append(f"{each.severity}  {each.rule}  {each.count:,}×  {each.title}")
        shown = each.findings[:most]
        lines += [f"    {_place(finding.row)}  {finding.text}" for finding in shown]
        if each.count > len(shown):
            last = f", the last one in row #{each.last_row}" if each.last_row else ""
            lines.append(f"    … {each.count - len(shown):,} more{last}")
        lines.append(f"    → {each.advice}")
    off = [each.rule for each in found.rules if not each.on]
    if not lines:
        lines.append("no findings")
    if off:
        lines.append(f"off: {', '.join(off)}")
    if found.skipped:
        rows = count_with(found.skipped, "row", "was", "were")
        lines.append(f"{rows} not examined: dropped from the log too soon")
    return lines


def as_junit(found: LintReport, name: str, limit: Severity) -> str:
    """Return the report as JUnit XML: a rule is a test, and fails if it has findings as serious as ``limit``."""
    serious = {each.rule for each in found.serious(limit)}
    cases = tuple(
        Case(f"{each.rule}: {each.title}", 0.0, _failure(each) if each.rule in serious else "")
        for each in found.rules
        if each.on
    )
    return junit_xml([Suite(name, cases or (Case("no rule is on", 0.0),), 0.0)])


def _failure(rule: RuleReport) -> str:
    findings = "; ".join(f"{_place(each.row)} {each.text}" for each in rule.findings[:10])
    return f"{rule.count:,}×: {findings}"


def _place(row: int | None) -> str:
    return f"#{row}" if row else "REST"
