"""``companion contract lint``: compare the traffic of the running companion, or of a recording, with the contract.
``companion contract rules`` lists the rules, and turns some off or on.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.ci_results import Junit, annotate, reporting_failure, write_junit_text
from app.cli.completion import lint_rules, run_names
from app.cli.options import (
    EVENTS_NEED_RECORDING,
    DataDir,
    Json,
    RecordingEvents,
    as_json,
    not_empty,
    recording_file,
)
from app.protocol.session.run_names import RUN_BEFORE, THIS_RUN
from app.system.exit_codes import Exit
from app.system.lint_rules import lint_rule_problem
from app.system.terminal import print_lines

if TYPE_CHECKING:
    from app.cli.ci_results import Level
    from app.protocol.lint.report import LintReport


LEVELS: "dict[str, Level]" = {"error": "error", "warning": "warning", "info": "notice"}
"""The level of an annotation by the severity of the rule."""
MOST_ANNOTATED = 5


class Format(StrEnum):
    """How the findings are printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


class Limit(StrEnum):
    """The lowest severity that makes the command fail; none: it never fails."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"


def lint(
    recording: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECORDING]",
            help=f"A recording: a file, the name of a saved one, {THIS_RUN} or {RUN_BEFORE}; also a HAR file.",
            callback=not_empty,
            show_default="the running companion",
            autocompletion=run_names,
        ),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="Print text, JSON or JUnit XML.", show_default="text")
    ] = Format.TEXT,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="ID", help="Check only this rule; repeatable.", autocompletion=lint_rules),
    ] = None,
    events: RecordingEvents = None,
    severity: Annotated[
        Limit, typer.Option("--severity", help="Fail if a finding is at least as serious as this.")
    ] = Limit.WARNING,
    junit: Junit = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Compare the traffic with the contract, and print what violates its rules.

    Exit code 1 if there is a finding of the severity warning or error; --severity changes that.
    """
    from app.cli.control import Control, fail
    from app.protocol.lint.report import LintReport, as_junit, as_text
    from app.protocol.lint.rules import Severity

    wanted = rule or []
    if wrong := _problem(wanted):
        fail(wrong, Exit.USAGE)
    if json and format_ is Format.JUNIT:
        fail("--json and --format junit exclude each other: leave one out.", Exit.USAGE)
    if events and not recording:
        fail(EVENTS_NEED_RECORDING, Exit.USAGE)
    if recording:
        found = _recorded(recording, data_dir, wanted, events)
    else:
        import msgspec

        with reporting_failure("contract lint", junit, quiet=json or format_ is not Format.TEXT):
            answer = Control(data_dir).call("GET", "/v1/contract/lint")
        found = msgspec.convert(answer, LintReport)
        if off := [each.rule for each in found.rules if each.rule in wanted and not each.on]:
            options = " ".join(f"--on {each}" for each in off)
            fail(f"Turned off: {', '.join(off)}. Turn it on with `companion contract rules {options}`.", Exit.USAGE)
    found = found.only(wanted)
    limit = None if severity is Limit.NONE else Severity(severity.value)
    # With --severity none, every finding is a failure in the file; otherwise it would contain no findings.
    text = as_junit(found, recording or "contract lint", limit or Severity.INFO)
    if format_ is Format.JUNIT:
        print_lines(*text.removesuffix("\n").split("\n"))  # it quotes what others sent, so it is escaped
    elif format_ is Format.JSON or json:
        import msgspec

        print_lines(as_json(msgspec.to_builtins(found)))
    else:
        print_lines(*as_text(found))
    if junit:
        write_junit_text(junit, text)
    for each in found.serious(limit or Severity.INFO):
        texts = "\n".join(finding.text for finding in each.findings[:MOST_ANNOTATED])
        level = LEVELS[each.severity]
        annotate(f"{each.title}\n{texts}", title=each.rule, level=level, quiet=json or format_ is not Format.TEXT)
    if limit and found.serious(limit):
        raise typer.Exit(Exit.FAILED)


def rules(
    off: Annotated[
        list[str] | None,
        typer.Option("--off", metavar="ID", help="Turn this rule off; repeatable.", autocompletion=lint_rules),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option("--on", metavar="ID", help="Turn this rule on; repeatable.", autocompletion=lint_rules),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List the rules of the lint, and turn rules off or on in the running companion."""
    from app.cli.control import Control, fail

    if wrong := _problem([*(off or ()), *(on or ())]):
        fail(wrong, Exit.USAGE)
    control = Control(data_dir)
    if off or on:
        found = control.call("PATCH", "/v1/contract/lint", {"off": off or [], "on": on or []})
    else:
        found = control.call("GET", "/v1/contract/lint")
    if json:
        print_lines(as_json([_without_findings(each) for each in found["rules"]]))
        return
    for each in found["rules"]:
        state = "on " if each["on"] else "off"
        print_lines(f"{state}  {each['severity']:<7}  {each['rule']:<18}  {each['title']}")


def _without_findings(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != "findings"}


def _problem(rule_ids: list[str]) -> str:
    wrong = next((text for each in rule_ids if (text := lint_rule_problem(each))), "")
    return f"{wrong[:1].upper()}{wrong[1:]}." if wrong else ""


def _recorded(name: str, data_dir: Path | None, wanted: list[str], events: Path | None) -> "LintReport":
    """Return the findings in a recording. Rules that are off in the settings are off here too, unless named."""
    from app.cli.control import fail
    from app.contract_folder import chosen_catalog, usual_names
    from app.protocol.errors import RequestError
    from app.protocol.lint.report import report
    from app.recorded_lint import lint_recording
    from app.system.paths import Folders
    from app.system.settings_file import SettingsFile

    settings = SettingsFile(Folders.of(data_dir).settings_file).load()
    try:
        catalog = chosen_catalog(events, data_dir)
        tally = lint_recording(recording_file(name, data_dir), catalog, usual_names(data_dir))
        return report(tally, set(settings.lint_off) - set(wanted))
    except RequestError as error:
        fail(error.reason, Exit.USAGE)
