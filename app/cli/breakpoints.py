"""``companion breakpoints``: add, list and remove breakpoints; list, await and resolve the items that they hold.
A breakpoint holds events, client frames or REST calls that match a filter before they are handled, until a decision
(``resolve``) or a timeout. The running companion does that; the commands call its control API.
"""

from typing import Annotated, Any

import typer

from app.cli.completion import breakpoint_ids, events_to_ui, filter_references, held_ids
from app.cli.options import DataDir, Json, as_json, finite, not_empty, parse_assignments, print_result
from app.protocol.breakpoints import (
    DEFAULT_TIMEOUT_S,
    MAX_HITS,
    MAX_TIMEOUT_S,
    MIN_TIMEOUT_S,
    BreakpointDirection,
    HeldAction,
)
from app.protocol.summary import summarize
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say

app = typer.Typer(
    help="Hold events, frames of the UI and REST calls before they are handled, and decide about each.",
    no_args_is_help=True,
)

SIGNS = {"to_ui": "↓", "from_ui": "↑", "rest": "↑"}
ALL = "all"


@app.command()
def add(
    filter_: Annotated[
        str,
        typer.Argument(
            metavar="FILTER",
            help='What to hold, for example "event:typing user:bob"; "" for everything. @NAME is a saved filter.',
            autocompletion=filter_references,
        ),
    ],
    direction: Annotated[
        BreakpointDirection,
        typer.Option(help="Hold only events to the UI (to_ui), client frames (from_ui) or REST calls (rest)."),
    ] = BreakpointDirection.ALL,
    hits: Annotated[
        int,
        typer.Option("--hits", min=1, max=MAX_HITS, metavar="N", help="Hold from the N-th match on."),
    ] = 1,
    once: Annotated[bool, typer.Option("--once", help="Remove the breakpoint after it has held one item.")] = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=MIN_TIMEOUT_S,
            max=MAX_TIMEOUT_S,
            metavar="SECONDS",
            callback=finite,
            help="Let a held item continue by itself after this time.",
        ),
    ] = DEFAULT_TIMEOUT_S,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a breakpoint. Matching events, frames and REST calls are held before they are stored or handled."""
    from app.cli.control import Control, note_without_rest

    body = {
        "filter": filter_, "direction": direction.value, "hits": hits, "once": once, "timeout_s": timeout,
    }  # fmt: skip
    control = Control(data_dir)
    found = control.call("POST", "/v1/breakpoints", body)
    print_result(f"added breakpoint {found['id']}", found, json)
    if direction is BreakpointDirection.REST:
        note_without_rest(control)


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the breakpoints: number, direction, how often each matched, options and filter."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/breakpoints")
    if json:
        print_lines(as_json(found))
        return
    for each in found:
        matches = f"{each['matches']} match{'' if each['matches'] == 1 else 'es'}"
        hits = f"from match {each['hits']} on  " if each["hits"] > 1 else ""
        once = "once  " if each["once"] else ""
        wanted = summarize(each["filter"]) or "everything"
        print_lines(f"{each['id']:>4}  {each['direction']:<7}  {matches:<11}  {hits}{once}{wanted}")


@app.command()
def remove(
    breakpoint_: Annotated[
        str,
        typer.Argument(metavar="ID", help="Number of the breakpoint, or all.", autocompletion=breakpoint_ids),
    ],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Remove a breakpoint. What it holds stays held until its timeout; `resolve` lets it continue."""
    from app.cli.control import Control, segment

    control = Control(data_dir)
    if breakpoint_ == ALL:
        removed = control.call("DELETE", "/v1/breakpoints")["removed"]
    else:
        control.call("DELETE", f"/v1/breakpoints/{segment(breakpoint_)}")
        removed = [int(breakpoint_)]
    text = f"removed {', '.join(map(str, removed))}" if removed else "no breakpoints"
    print_result(text, {"removed": removed}, json)


@app.command()
def held(json: Json = False, data_dir: DataDir = None) -> None:
    """List what is held: number, seconds left, direction, event, client and content."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/breakpoints/held")
    if json:
        print_lines(as_json(found))
        return
    _print_held(found)


@app.command()
def wait(
    within: Annotated[
        float,
        typer.Option("--within", min=0, max=3600, metavar="SECONDS", callback=finite, help="Wait up to this long."),
    ] = 30,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Wait until something is held, and print what is held.

    Exit code 0 if something is held (also if it was held before), 1 on a timeout.
    """
    from app.cli.control import Control

    answer = Control(data_dir).call("GET", "/v1/breakpoints/wait", more_s=within, within=within)
    if json:
        print_lines(as_json(answer))
    elif answer["met"]:
        _print_held(answer["held"])
    if not answer["met"]:
        say(f"✗ nothing was held within {within:g} s")
        raise typer.Exit(Exit.FAILED)


@app.command()
def resolve(
    item: Annotated[
        str, typer.Argument(metavar="ID", help="Number of the held item, or all.", autocompletion=held_ids)
    ],
    action: Annotated[HeldAction, typer.Argument(help="What to do.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set a field (modify, inject), for example text=hi."),
    ] = None,
    remove_: Annotated[
        list[str] | None, typer.Option("--remove", metavar="PATH", help="Remove a field (modify, inject).")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="JSON",
            help="Replace an event's data, or a REST body (modify, inject).",
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="Replace the whole frame or body (modify).")
    ] = None,
    event: Annotated[
        str,
        typer.Option(
            "--event", metavar="NAME", help="Fire this event afterwards (inject).", autocompletion=events_to_ui
        ),
    ] = "",
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TARGET",
            callback=not_empty,
            help="Send the event of inject to all, user:NAME or client:NUMBER.",
            show_default="as the held event, or all",
        ),
    ] = None,
    loose: Annotated[
        bool, typer.Option("--loose", help="Allow an event that is not valid (modify, inject).")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Decide about a held item, or about all of them.

    continue lets it go on. modify changes it first (--set, --remove, --data, --text). drop discards it; a REST call
    is answered with 503. inject lets it go on, then fires another event (--event, --set, --data, --to). close
    discards it, and closes the client's connection, those of the event's recipients, or that of the REST call.

    Exit code 1 if the item is not held any more, 2 if the change or the event is not valid.
    """
    from app.cli.control import Control, segment

    body: dict[str, Any] = {"action": action.value, "set": parse_assignments(set_ or []), "remove": remove_ or []}
    given = {"text": text, "event": event or None, "to": to, "loose": loose or None}
    body |= {name: value for name, value in given.items() if value is not None}
    if data is not None:
        body["data"] = _json_of(data)
    answer = Control(data_dir).call("POST", f"/v1/breakpoints/held/{segment(item)}", body, missing=Exit.FAILED)
    if json:
        print_lines(as_json(answer))
        return
    done = {
        HeldAction.CONTINUE: "continued", HeldAction.MODIFY: "changed", HeldAction.DROP: "dropped",
        HeldAction.INJECT: "continued", HeldAction.CLOSE: "closed",
    }[action]  # fmt: skip
    then = f", then fired {summarize(event)}" if action is HeldAction.INJECT else ""
    names = ", ".join(f"{each['id']} {summarize(each['event'])}".rstrip() for each in answer["resolved"])
    print_lines(f"{done} {names or 'none: nothing is held'}{then}")


def _json_of(text: str) -> Any:
    from app.protocol.envelope import BadFrame, parse_json

    try:
        return parse_json(text)
    except BadFrame as bad:
        raise typer.BadParameter(f"--data is not valid JSON: {bad}") from None


def _print_held(items: list[dict[str, Any]]) -> None:
    for each in items:
        where = f"{'from' if each['direction'] == 'from_ui' else 'to'} {each['client']}"
        where = "" if each["direction"] == "rest" else summarize(where)
        name = summarize(each["event"]) or "–"
        sign = SIGNS[each["direction"]]
        print_lines(
            f"{each['id']:>4}  {each['left_s']:>5.1f} s left  {sign} {name:<14}  {where:<8}  {_content(each)}"
        )


def _content(item: dict[str, Any]) -> str:
    from app.protocol.envelope import BadFrame, decode, parse_json

    try:
        found = parse_json(item["text"]) if item["direction"] == "rest" else decode(item["text"]).data
        return summarize(found)
    except BadFrame:
        return summarize(item["text"])
