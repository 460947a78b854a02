"""``companion journal``: print, follow, pin and annotate rows of the log (``hub.journal``), or print a recording.
It can also print a scenario (a script that repeats what the rows show), and switch the logging of the UI's GET
requests. ``companion expect``: wait until the UI, the chat client under development, sends an event or a REST call
with given values. Except for recordings, the running companion does the work; ``hub.expectation`` does the waiting.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.ci_results import Junit, publish, reporting_failure
from app.cli.completion import events_from_ui
from app.cli.options import (
    After,
    DataDir,
    Filter,
    Json,
    as_json,
    finite,
    not_empty,
    parse_assignments,
    recording_file,
)
from app.protocol.session.junit import Case
from app.protocol.summary import summarize
from app.protocol.times import local, seconds_of
from app.system.exit_codes import Exit
from app.system.terminal import print_document, print_lines, say

ARROWS = {"s2c": "↓", "c2s": "↑", "server": "·"}


def journal(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new rows until Ctrl+C.")] = False,
    filter_: Filter = "",
    after: After = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Print at most this many rows before following.")
    ] = 100,
    log_gets: Annotated[
        bool | None,
        typer.Option(
            "--log-gets/--no-log-gets",
            help="Switch logging of the UI's GET requests on or off until the companion quits.",
            show_default=False,
        ),
    ] = None,
    pin: Annotated[
        list[int] | None,
        typer.Option("--pin", min=1, metavar="SEQ", help="Pin the row with this number, and print only it."),
    ] = None,
    unpin: Annotated[
        list[int] | None,
        typer.Option("--unpin", min=1, metavar="SEQ", help="Unpin the row with this number, and print only it."),
    ] = None,
    annotate: Annotated[
        list[str] | None,
        typer.Option(
            "--annotate",
            metavar="SEQ=TEXT",
            help="Annotate the row with this number, and print only it; an empty text removes the annotation.",
        ),
    ] = None,
    scenario: Annotated[
        bool,
        typer.Option("--scenario", help="Print a scenario that does again what the rows show."),
    ] = False,
    recording: Annotated[
        str | None,
        typer.Option(
            "--recording",
            metavar="NAME|FILE",
            callback=not_empty,
            help="Print the rows of this recording. No companion has to run.",
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the rows of the log: ↓ to the UI, ↑ from the UI, · server.

    Pins and annotations last until the companion quits. `--filter is:pinned` and `--filter is:annotated` list them.
    """
    from app.cli.control import Control

    marks = bool(pin or unpin or annotate)
    if recording and (marks or scenario or follow or log_gets is not None):
        raise typer.BadParameter("--recording works only with --filter, --after, --limit and --json")
    if marks and (scenario or follow or log_gets is not None):
        raise typer.BadParameter("--pin, --unpin and --annotate exclude --scenario, --follow and --log-gets")
    if scenario and follow:
        raise typer.BadParameter("--scenario and --follow exclude each other")
    if recording:
        for row in _recorded_rows(recording, data_dir, filter_, after, limit):
            print_row(row, json)
        return
    changes = _changes(pin or [], unpin or [], annotate or [])
    control = Control(data_dir)
    for seq, change in changes:
        print_row(control.call("PATCH", f"/v1/journal/{seq}", change), json)
    if changes:
        return
    if log_gets is not None:
        control.call("PATCH", "/v1/journal", {"log_get_requests": log_gets})
        say(f"Logging of GET requests is {'on' if log_gets else 'off'}")
    if scenario:
        wanted = {"after": after, "filter": filter_, "limit": limit}
        found = control.call("POST", "/v1/journal/scenario", wanted)
        say(*found["notes"])
        if json:
            print_lines(as_json(found))
        else:
            print_document(found["text"])
        return
    page = control.call("GET", "/v1/journal", after=after, filter=filter_, limit=limit)
    for row in page["rows"]:
        print_row(row, json)
    if not follow:
        return
    try:
        for row in control.follow("/v1/journal/stream", after=page["next_after"], filter=filter_):
            print_row(row, json)
    except KeyboardInterrupt:
        return
    say("The connection to the companion has ended")


def _changes(pin: list[int], unpin: list[int], annotate: list[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows to pin or annotate, and what to change. Raises ``BadParameter``."""
    changes: list[tuple[int, dict[str, Any]]] = [(seq, {"pinned": True}) for seq in pin]
    changes += [(seq, {"pinned": False}) for seq in unpin]
    for each in annotate:
        seq, equals, text = each.partition("=")
        if not (equals and seq.isascii() and seq.isdigit() and len(seq) < 16):
            raise typer.BadParameter(f"{each!r} is not in the form SEQ=TEXT, for example 42=flaky")
        if any(row == int(seq) and "annotation" in change for row, change in changes):
            raise typer.BadParameter(f"row {seq} is given twice; give it one annotation")
        changes.append((int(seq), {"annotation": text}))
    return changes


def _recorded_rows(
    recording: str, data_dir: Path | None, filter_: str, after: int | None, limit: int
) -> list[dict[str, Any]]:
    from app.cli.control import fail
    from app.contract_folder import usual_catalog, usual_names
    from app.protocol.errors import RequestError
    from app.protocol.event_summaries import use_summaries
    from app.recorded_journal import recorded_rows
    from app.system.paths import Folders
    from app.system.settings_file import SettingsFile

    settings = SettingsFile(Folders.of(data_dir).settings_file).load()
    use_summaries(catalog := usual_catalog(data_dir))
    file = recording_file(recording, data_dir)
    try:
        return recorded_rows(file, filter_, settings.saved_filters, after, limit, catalog, usual_names(data_dir))
    except RequestError as error:
        fail(error.reason, Exit.USAGE)


def print_row(row: dict[str, Any], json: bool) -> None:
    """Print one row of the log, with its local time."""
    if json:
        print_lines(as_json(row))
        return
    sign = {"warning": " ▲", "invalid": " ✕"}.get(row["verdict"], "")
    name = summarize(row["event"]) or "–"
    number = f"#{row['seq']}" if row["seq"] else "–"  # a GET request that is not logged has no row
    moment = local(seconds_of(datetime.fromisoformat(row["time"])))
    time = moment.isoformat(timespec="milliseconds")[11:23]
    print_lines(f"{number} {time} {ARROWS[row['direction']]} {name:<14} {_summary(row)}".rstrip() + sign)


def _summary(row: dict[str, Any]) -> str:
    from app.protocol.envelope import BadFrame, decode

    try:
        text = row.get("summary") or summarize(decode(row["frame"]).data)
    except BadFrame:
        text = summarize(row["frame"])
    priming = "priming" if row["origin"] == "priming" else ""
    pinned = "pinned" if row["pinned"] else ""
    annotation = f"annotation: {summarize(row['annotation'])}" if row["annotation"] else ""
    return " · ".join(part for part in (text, summarize(row["note"]), priming, pinned, annotation) if part)


def expect(
    event: Annotated[
        str,
        typer.Argument(
            help='Event (typing, mark_read) or REST request ("POST /messages") to wait for.',
            autocompletion=events_from_ui,
        ),
    ],
    sender: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SENDER",
            callback=not_empty,
            help="Accept it only from this user name or client:NUMBER.",
            show_default="any client",
        ),
    ] = "",
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="PATH=VALUE", help="Accept it only with this value.")
    ] = None,
    within: Annotated[
        float,
        typer.Option("--within", min=0, max=3600, metavar="SECONDS", callback=finite, help="Wait up to this long."),
    ] = 5,
    after: After = None,
    loose: Annotated[
        bool, typer.Option("--loose", help="Accept an event or a path that the contract does not define.")
    ] = False,
    junit: Junit = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Wait until the UI sends an event or a REST request.

    Only rows logged from now on are checked. With --after SEQ, rows after SEQ are checked too (`trigger --json`
    prints the number), so that no row is missed between two commands. On a timeout, standard error lists what was
    received instead. Exit code 0 if received, 1 on a timeout, 2 if it is impossible: the contract does not define
    the event or a path of --where, or the REST stand-in is not listening or does not have the path of the request.
    """
    from app.cli.control import Control

    body = {
        "event": event, "sender": sender,
        "where": parse_assignments(where or []), "within": within, "after": after, "strict": not loose,
    }  # fmt: skip
    with reporting_failure("expect", junit, quiet=json):
        answer = Control(data_dir).call("POST", "/v1/expectations", body, more_s=within)
    if json:
        print_lines(as_json(answer))
    print_expectation(event, answer, within, quiet=json)
    publish("expect", Case(event, answer["after_s"], _unmet(answer, within)), junit, quiet=json)
    raise typer.Exit(Exit.OK if answer["met"] else Exit.FAILED)


def _unmet(answer: dict[str, Any], within_s: float) -> str:
    """Return why an expectation was not met; empty if it was."""
    if answer["met"]:
        return ""
    others = ", ".join(summarize(row["event"]) for row in answer["received_instead"])
    early = f"; received before, as row #{earlier['seq']}" if (earlier := answer.get("earlier")) else ""
    what = f"instead: {others}" if others else "no other event either"
    why = f". {answer['why_no_client']}" if answer.get("why_no_client") else ""
    return f"not received within {within_s:g} s; {what}{early}{why}"


def print_expectation(event: str, answer: dict[str, Any], within_s: float, *, quiet: bool) -> None:
    """Print the result of an expectation: to standard error if it was not met, else to standard output.

    ``quiet``: print nothing to standard output.
    """
    if answer["met"]:
        if not quiet:
            print_lines(f"✓ {event} received after {answer['after_s'] * 1000:,.0f} ms")
            print_row(answer["row"], False)
        return
    others = answer["received_instead"]
    instead = "; received instead:" if others else "; no other event was received"
    say(f"✗ no {event} within {within_s:g} s{instead}")
    for row in others:
        who = summarize(row["user"] or row["client"])
        say(f"  ↑ {summarize(row['event']) or '–'} from {who}: {_summary(row)}")
    if earlier := answer.get("earlier"):
        seq = earlier["seq"]
        say(f"It was received before the command began, as row #{seq}. --after {seq - 1} counts it.")
    if why := answer.get("why_no_client"):
        say(why)
