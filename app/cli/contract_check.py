"""``companion contract check``: compare the types of events in a TypeScript module of the UI with the contract.
The contract is the list of events with their JSON Schemas: that of the running companion, or, with ``--events``,
the built-in events and those of a folder. The TypeScript compiler of the UI's project, or the one that ``--tsc``
names, finds the differences, which are printed. Exit code 1 if there are any.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.ci_results import Junit, annotate, reporting_failure, write_junit
from app.cli.contract_source import OTHERWISE, EventsFolder, events_in, keys_in
from app.cli.options import DataDir, Json, absolute_path, as_json, finite, named_path
from app.protocol.counts import count
from app.protocol.session.junit import Case, Suite
from app.system.exit_codes import Exit
from app.system.interrupts import interrupted_by_signals
from app.system.terminal import print_lines, say

if TYPE_CHECKING:
    from app.protocol.contract_documents.described_event import DescribedEvent
    from app.protocol.contract_documents.drift_result import Difference

_ENDINGS = (".ts", ".tsx", ".mts", ".cts")


def check(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            callback=absolute_path,
            help="The UI's module with the types of the events, such as src/types/events.ts.",
        ),
    ],
    type_: Annotated[
        str,
        typer.Option("--type", metavar="NAME", help="The union of the events to the UI; empty: do not compare."),
    ] = "WSEvent",
    client_type: Annotated[
        str,
        typer.Option(
            "--client-type", metavar="NAME", help="The union of the events from the UI; empty: do not compare."
        ),
    ] = "WSClientEvent",
    tsc: Annotated[
        Path | None,
        typer.Option(
            "--tsc",
            metavar="PATH",
            dir_okay=False,
            callback=named_path,  # a link, because a program such as Volta's goes by its name
            show_default="the UI's own",
            help="Run this TypeScript compiler.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=1,
            max=3600,
            metavar="SECONDS",
            callback=finite,
            help="Wait this long for the compiler.",
        ),
    ] = 120.0,
    events: EventsFolder = None,
    junit: Junit = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Compare the UI's TypeScript types with the contract, field by field, and print what differs.

    Exit code 0: they are equal; 1: they differ. Runs the TypeScript compiler of the UI's project (node_modules)
    on a temporary module, and nothing else of it.
    """
    from app.cli.control import Control, fail
    from app.protocol.contract import Direction
    from app.protocol.contract_documents.described_event import EnvelopeKeys

    if not file.name.endswith(_ENDINGS):
        fail(f"{file} is not a TypeScript module. Name a file that ends in {', '.join(_ENDINGS)}.", Exit.USAGE)
    names = {
        direction: checked_name(name)
        for direction, name in ((Direction.TO_UI, type_), (Direction.FROM_UI, client_type))
        if name
    }
    if not names:
        fail("Nothing to compare: --type and --client-type are both empty.", Exit.USAGE)
    if events:
        known, keys = events_in(events), keys_in(data_dir)
    else:
        with reporting_failure("contract check", junit, quiet=json):
            contract = Control(data_dir, otherwise=OTHERWISE).call("GET", "/v1/contract")
        keys = EnvelopeKeys(event=contract["event_key"], data=contract["data_key"])
        known = _events(contract)
    with interrupted_by_signals():
        found = _compare(file, names, keys, known, tsc, timeout)
    _print(found, json)
    cases = [Case(f"{each.event} {each.path}".rstrip(), 0.0, each.sentence) for each in found]
    agree = Case("the types agree with the contract", 0.0)
    write_junit(junit, [Suite("contract check", tuple(cases) or (agree,), 0.0)])
    for each in found:
        annotate(each.sentence, title="companion contract check", file=_shown(file), quiet=json)
    raise typer.Exit(Exit.FAILED if found else Exit.OK)


def _shown(file: Path) -> str:
    """Return the path as annotations need it: relative to the current folder if it is inside."""
    here = Path.cwd().resolve()
    return file.relative_to(here).as_posix() if file.is_relative_to(here) else str(file)


def checked_name(name: str) -> str:
    """Return the name of a TypeScript type. Exit with an error if it is not valid."""
    from app.cli.control import fail

    if not name.replace("$", "_").isidentifier():
        fail(f"{name[:80]!r} is not the name of a TypeScript type.", Exit.USAGE)
    return name


def _events(contract: dict[str, Any]) -> "list[DescribedEvent]":
    from app.protocol.contract import Direction
    from app.protocol.contract_documents.described_event import DescribedEvent

    return [
        DescribedEvent(
            name=each["name"], direction=Direction(each["direction"]), help=each["help"], schema=each["schema"]
        )
        for each in contract["events"]
    ]


def _compare(
    file: Path, names: dict[Any, str], keys: Any, events: "list[DescribedEvent]", tsc: Path | None, timeout: float
) -> "list[Difference]":
    from app.cli.control import fail
    from app.protocol.contract_documents.drift_check import DriftCheck
    from app.protocol.contract_documents.drift_result import DriftError, differences
    from app.system.files import reason
    from app.system.typescript_compiler import (
        MODULE,
        CompilerError,
        check_folder,
        find_project,
        import_path,
        run_compiler,
    )

    try:
        project = find_project(file, tsc)
        with check_folder(file) as folder:
            module = DriftCheck(import_path(file, folder), names, keys).build(events)
            output = run_compiler(project, folder, module.text, timeout)
        return differences(module, output, MODULE)
    except (CompilerError, DriftError) as error:
        fail(str(error), Exit.USAGE)
    except OSError as error:
        fail(f"The comparison could not be written: {reason(error)}.", Exit.USAGE)


def _print(found: "list[Difference]", json: bool) -> None:
    import msgspec

    if json:
        print_lines(as_json({"equal": not found, "differences": [msgspec.to_builtins(each) for each in found]}))
        return
    print_lines(*(each.sentence for each in found))
    say(_summary(len(found)))


def _summary(number: int) -> str:
    if not number:
        return "The UI's types agree with the contract."
    return f"{count(number, 'difference')} between the UI's types and the contract."
