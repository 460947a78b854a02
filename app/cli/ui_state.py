"""``companion ui-state``: show the state that the UI's stores must have, and compare it with the one they have.
The stores hold the chat UI's contacts, messages and connections. What they must contain is computed from the
traffic: by the running companion, or by ``show`` from a recording. What they contain is in a file, or was reported
before, by the UI or with ``report``. Other commands list changes and clients, explain a value, wait until the
reported state meets conditions, and set the open chat.

``code`` prints the TypeScript code with which a UI or a test reports or reads the state.
"""

import json as json_format
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.ci_results import Junit, publish, reporting_failure
from app.cli.completion import client_ids, persona_names, run_names
from app.cli.options import (
    EVENTS_NEED_RECORDING,
    DataDir,
    Json,
    RecordingEvents,
    as_json,
    finite,
    input_text,
    not_dash,
    not_empty,
    print_result,
    recording_file,
)
from app.protocol.counts import count
from app.protocol.session.junit import Case
from app.protocol.session.run_names import RUN_BEFORE, THIS_RUN
from app.protocol.ui_stores import Flavour as UiFlavour
from app.system.exit_codes import Exit
from app.system.terminal import print_document, print_lines, say

MAX_STATE_BYTES = 4 * 1024 * 1024


app = typer.Typer(help="Show the state that the UI must have, and compare it with the UI.", no_args_is_help=True)

Client = Annotated[
    int | None,
    typer.Option(
        "--client", min=1, metavar="NUMBER", help="Use the client with this number.",
        show_default="the only connected client", autocompletion=client_ids,
    ),
]  # fmt: skip
Flavour = Annotated[
    UiFlavour, typer.Option(help="Expect the state of a correct UI (guide) or of the released UI (shipped).")
]
StateFile = Annotated[Path, typer.Argument(metavar="FILE", help="JSON file of the stores; - reads standard input.")]
Partial = Annotated[
    bool, typer.Option("--partial", help="Compare only the values in the file, such as those on the screen.")
]


class CodeName(StrEnum):
    """The files in ``resources/ui-state``."""

    REPORTER = "reporter"
    PLAYWRIGHT = "playwright"


@app.command()
def show(
    recording: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECORDING]",
            help=f"A recording: a file, the name of a saved one, {THIS_RUN} or {RUN_BEFORE}.",
            callback=not_empty,
            show_default="the running companion",
            autocompletion=run_names,
        ),
    ] = None,
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    after: Annotated[
        int | None, typer.Option(min=1, metavar="SEQ", help="Show the state after this row of the log.")
    ] = None,
    reported: Annotated[
        bool, typer.Option("--reported", help="Show the state that the UI reported instead of the expected one.")
    ] = False,
    events: RecordingEvents = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print what the UI's stores must contain, now or in a recording, or the state that the UI reported."""
    from app.cli.control import Control, fail

    if reported and (after is not None or recording):
        fail("--reported shows the last report; it cannot be combined with --after or a recording.", Exit.USAGE)
    if events and not recording:
        fail(EVENTS_NEED_RECORDING, Exit.USAGE)
    if recording:
        found = _recorded(recording, events, client, flavour, after, data_dir)
    elif reported:
        found = Control(data_dir).call("GET", "/v1/ui-state/reported", client=client)
    else:
        found = Control(data_dir).call("GET", "/v1/ui-state", client=client, flavour=flavour.value, after=after)
    print_lines(*as_json(found["stores"], indent=None if json else 2).split("\n"))
    if not found.get("complete", True):
        where = "recording does not contain" if recording else "log no longer contains"
        say(f"The {where} all rows since this page connected, so the state is incomplete.")
    if found.get("rest_is_guess"):
        say("Several pages of one browser are open: REST calls may belong to another page.")


def _recorded(
    name: str,
    events: Path | None,
    client: int | None,
    flavour: UiFlavour,
    after: int | None,
    data_dir: Path | None,
) -> dict[str, Any]:
    """Return the state in a recording: a file, or a recording of a run in the data folder."""
    from app.cli.control import fail
    from app.contract_folder import chosen_catalog, usual_names
    from app.protocol.errors import RequestError
    from app.recorded_state import recorded_state

    try:
        catalog = chosen_catalog(events, data_dir)
        file = recording_file(name, data_dir)
        return recorded_state(file, catalog, client, flavour, after, usual_names(data_dir))
    except RequestError as error:
        fail(error.reason, Exit.USAGE)


@app.command()
def changes(
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    after: Annotated[
        int | None, typer.Option(min=1, metavar="SEQ", help="Print the changes until this row of the log.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=200, metavar="NUMBER", help="Print at most this many changes, the last ones.")
    ] = 10,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the last changes of the expected state: what happened, and the values before and after."""
    from app.cli.control import Control

    found = Control(data_dir).call(
        "GET", "/v1/ui-state/changes", client=client, flavour=flavour.value, after=after, limit=limit
    )
    if json:
        print_lines(*(as_json(each) for each in found["changes"]))
        return
    for each in found["changes"]:
        print_lines(_title(each), *(f"  {line}" for line in map(_changed_value, each["changes"])))


@app.command()
def why(
    path: Annotated[str, typer.Argument(help="Path of a value, for example contact.contacts[alice].unreadCount.")],
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    after: Annotated[
        int | None, typer.Option(min=1, metavar="SEQ", help="Ask about the state after this row of the log.")
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print what made a value of the expected state: the row of the log that changed it last."""
    from app.cli.control import Control

    found = Control(data_dir).call(
        "GET", "/v1/ui-state/origin", client=client, flavour=flavour.value, value=path, after=after
    )
    change = found["change"]
    if json:
        print_lines(as_json(found))
    elif change is None:
        print_lines("not changed since the page was loaded")
    else:
        print_lines(_title(change), *(f"  {line}" for line in map(_changed_value, change["changes"])))


@app.command()
def clients(json: Json = False, data_dir: DataDir = None) -> None:
    """List the clients whose state can be computed, and pages that have disconnected."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/ui-state/clients")
    if json:
        print_lines(*map(as_json, found))
        return
    for each in found:
        state = "disconnected" if not each["connected"] else "ready" if each["ready"] else "not ready"
        notes = ["REST calls are a guess"] if each["rest_is_guess"] else []
        notes += ["has reported its state"] if each["has_reported"] else []
        parts = (f"{each['client']} · {each['user']}", state, each["origin"] or "not a browser", *notes)
        print_lines("  ".join(parts))


@app.command()
def compare(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="JSON file of the stores; - reads standard input.",
            show_default="what the UI reported",
        ),
    ] = None,
    partial: Partial = False,
    after: Annotated[
        int, typer.Option(min=0, metavar="SEQ", help="Ignore what began to differ at this row or before.")
    ] = 0,
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    junit: Junit = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Compare the UI's stores with the expected state. Exit code 0 if they are equal, 1 if not.

    Without a file, compare what the UI reported, now and since its page was loaded.
    """
    from app.cli.control import Control

    body: dict[str, Any] = {"client": client, "flavour": flavour.value, "partial": partial, "after": after}
    if file is not None:
        body["state"] = _state(file)
    with reporting_failure("ui-state compare", junit, quiet=json):
        answer = Control(data_dir).call("POST", "/v1/ui-state/compare", body)
    deviations = answer["deviations"] if file is None else []
    if json:
        print_lines(as_json(answer))
    else:
        _print_deviations(deviations)
        _print_differences(answer["differences"])
        equal_now = "equal now, but not at all times" if deviations else "equal"
        print_lines(equal_now if answer["equal"] else "not equal")
    why = _differing(answer["differences"])
    if deviations and not why:
        why = f"equal now, but it deviated {count(len(deviations), 'time')}"
    publish("ui-state compare", Case("the stores are as expected", 0.0, why), junit, quiet=json)
    raise typer.Exit(Exit.OK if answer["equal"] and not deviations else Exit.FAILED)


@app.command()
def report(
    file: StateFile, partial: Partial = False, client: Client = None, json: Json = False, data_dir: DataDir = None
) -> None:
    """Pass the state of the UI's stores to the companion, for `ui-state compare` and `ui-state expect`."""
    from app.cli.control import Control

    Control(data_dir).call("PUT", "/v1/ui-state/reported", _state(file), client=client, partial=partial)
    print_result("reported", {"reported": True}, json)


@app.command()
def expect(
    conditions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH=VALUE]…",
            help="Conditions, for example chat.messages.alice[-1].text=hi.",
            show_default=False,
        ),
    ] = None,
    equal: Annotated[bool, typer.Option("--all", help="Require that the whole state is as expected.")] = False,
    within: Annotated[
        float,
        typer.Option(min=0, max=3600, metavar="SECONDS", callback=finite, help="Wait up to this long."),
    ] = 5,
    after: Annotated[
        int, typer.Option(min=0, metavar="SEQ", help="Count only what the UI reported after this row of the log.")
    ] = 0,
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    junit: Junit = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Wait until the state that the UI reports meets the conditions. Exit code 0 if it does, 1 if not."""
    from app.cli.control import Control

    if not (conditions or equal):
        raise typer.BadParameter("give at least one condition, or --all")
    body = {
        "client": client, "flavour": flavour.value, "conditions": conditions or [], "equal": equal,
        "after": after, "within": within,
    }  # fmt: skip
    with reporting_failure("ui-state expect", junit, quiet=json):
        answer = Control(data_dir).call("POST", "/v1/ui-state/expect", body, more_s=within)
    if answer["client"] is None:
        unreported = answer.get("why_no_client") or "No client is connected."
    else:
        unreported = "the UI has not reported its state" + (f" after row {after}" if after else "")
    if json:
        print_lines(as_json(answer))
    elif answer["met"]:
        print_lines("✓ met")
    elif not answer["has_reported"]:
        more = "" if answer["client"] is None else " (see `companion help cli-ui-state`)"
        say(f"✗ not met within {within:g} s: {unreported}{more}")
    else:
        _print_differences(answer["differences"])
        say(f"✗ not met within {within:g} s")
    why = ""
    if not answer["met"]:
        what = _differing(answer["differences"]) if answer["has_reported"] else unreported
        why = f"not met within {within:g} s: {what}"
    name = " ".join(conditions or []) or "the whole state is as expected"
    publish("ui-state expect", Case(name, 0.0, why), junit, quiet=json)
    raise typer.Exit(Exit.OK if answer["met"] else Exit.FAILED)


@app.command()
def select(
    peer: Annotated[
        str | None,
        typer.Argument(
            help="Friend whose chat is open.",
            callback=not_empty,
            autocompletion=persona_names,
            show_default="no chat is open",
        ),
    ] = None,
    client: Client = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Set the chat that is open in the UI, if the one derived from its requests is wrong."""
    from app.cli.control import Control
    from app.protocol.did_you_mean import suggestion

    control = Control(data_dir)
    control.call("PUT", "/v1/ui-state/active-chat", {"client": client, "peer": peer})
    if peer:
        contacts = control.call("GET", "/v1/ui-state", client=client)["stores"]["contactStore"]["contacts"]
        if not contacts:  # a page that has not loaded its friends has no contacts
            contacts = control.call("GET", "/v1/personas")
        names = [each["username"] for each in contacts]
        if peer not in names:
            say(f"{peer} is not a contact of this page{suggestion(peer, names) or '.'}")
    print_result(f"open chat: {peer or 'none'}", {"peer": peer}, json)


@app.command()
def code(
    name: Annotated[CodeName, typer.Argument(help="reporter: for your UI; playwright: for your tests.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", dir_okay=False, callback=not_dash, help="Write it to this file.", show_default="print it"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Print TypeScript code for your project: the reporter of the stores, or the helper for Playwright."""
    from importlib.resources import files

    from app.cli.control import fail
    from app.system.files import reason, write_output

    text = files("resources").joinpath("ui-state", f"{name}.ts").read_text(encoding="utf-8")
    if output is not None:
        try:
            write_output(output, text)
        except OSError as error:
            fail(f"{output} cannot be written: {reason(error)}.", Exit.FAILED)
        print_result(f"written to {output}", {"name": name, "file": str(output)}, json)
    elif json:
        print_lines(as_json({"name": name, "text": text}))
    else:
        print_document(text)


def _state(file: Path) -> dict[str, Any]:
    from app.cli.control import fail

    text = input_text(str(file), MAX_STATE_BYTES)
    try:
        state = json_format.loads(text)
    except (ValueError, RecursionError) as error:
        fail(f"{file} is not valid JSON: {error}.", Exit.USAGE)
    if not isinstance(state, dict):
        fail(f"{file} must contain an object with chatStore, contactStore and uiStore.", Exit.USAGE)
    return state


def _print_deviations(deviations: list[dict[str, Any]]) -> None:
    for each in deviations:
        first, last = each["seq"], each["last_seq"]
        rows = f"row {first}" if first == last else f"rows {first} to {last}"
        say(
            f"{rows} ({each['title']}): {each['path']}: expected {as_json(each['expected'])}, "
            f"the UI had {as_json(each['reported'])}"
        )


def _print_differences(differences: list[dict[str, Any]]) -> None:
    say(*map(_difference, differences))


def _difference(each: dict[str, Any]) -> str:
    return f"{each['path']}: expected {as_json(each['expected'])}, the UI has {as_json(each['reported'])}"


def _differing(differences: list[dict[str, Any]]) -> str:
    """Return differences for a report, one per line."""
    return "\n".join(map(_difference, differences))


def _title(change: dict[str, Any]) -> str:
    return f"#{change['seq']} {change['title']}" if change["seq"] else str(change["title"])


def _changed_value(change: dict[str, Any]) -> str:
    before, after = as_json(change["before"]), as_json(change["after"])
    match change["kind"]:
        case "added":
            return f"{change['path']}: added {after}"
        case "removed":
            return f"{change['path']}: removed {before}"
    return f"{change['path']}: {before} → {after}"
