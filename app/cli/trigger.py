"""``companion trigger``: send the UI an event, a fixture (a saved event or frame), a raw frame, a row of the log
again, or the last fired event again, once or repeatedly. Print how many clients received it, and wait for what the
fixture expects the UI to send. ``--list`` only prints the events of the contract.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.completion import events_to_ui, fixture_names, persona_names
from app.cli.journal import ARROWS, print_expectation
from app.cli.options import (
    MAX_WITHIN_S,
    DataDir,
    Json,
    NoExpect,
    To,
    Wait,
    as_json,
    finite,
    not_empty,
    parse_assignments,
    read_input,
)
from app.protocol.summary import summarize
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say


def trigger(
    event: Annotated[
        str,
        typer.Argument(
            help="Event to fire, for example new_message; --list prints all.", autocompletion=events_to_ui
        ),
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set a field, for example text=hi or delivered=false."),
    ] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="PATH", help="Remove a field.")] = None,
    fixture: Annotated[
        str,
        typer.Option(
            "--fixture",
            metavar="NAME",
            callback=not_empty,
            help="Fire this fixture instead of an EVENT.",
            autocompletion=fixture_names,
        ),
    ] = "",
    last: Annotated[
        bool, typer.Option("--last", help="Repeat the last event that was fired by hand, here or in the window.")
    ] = False,
    row: Annotated[
        int | None,
        typer.Option("--row", min=1, metavar="SEQ", help="Resend this row of the log to the same target."),
    ] = None,
    frame: Annotated[
        str | None, typer.Option("--frame", metavar="TEXT", help="Send any text as a frame, unchanged.")
    ] = None,
    frame_file: Annotated[
        str,
        typer.Option(
            "--frame-file",
            metavar="FILE",
            callback=not_empty,
            help="Send the text of a file as a frame (at most 8 MiB); - reads standard input.",
        ),
    ] = "",
    to: To = None,
    persona: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="NAME",
            callback=not_empty,
            help="Act as this persona.",
            show_default="the first friend",
            autocompletion=persona_names,
        ),
    ] = "",
    repeat: Annotated[
        int, typer.Option("--repeat", metavar="N", min=1, max=1_000_000, help="Fire this many times.")
    ] = 1,
    every: Annotated[
        float,
        typer.Option(
            "--every",
            min=0,
            max=86_400_000,
            metavar="MS",
            callback=finite,
            help="Interval of --repeat in milliseconds.",
        ),
    ] = 1000,
    wait: Wait = 0,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Generate the same IDs and texts for the same seed.")
    ] = None,
    loose: Annotated[bool, typer.Option("--loose", help="Send the event even if it is not valid.")] = False,
    no_expect: NoExpect = False,
    list_: Annotated[bool, typer.Option("--list", help="List the events of the contract and exit.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Send an event to the UI: an event with default values, a fixture, a raw frame, a row of the log, or the last
    event again.

    A value is read as JSON (typing=false), or as text if it is not valid JSON. Quote text that looks like JSON:
    --set 'text="123"'. Exit code 0 if the event was fired, even if no client received it (standard error says so),
    as with --to user:NAME if no client acts as NAME; 1 if no client was ready within --wait, or if the UI did not
    send what the fixture expects; 2 if the event, a value or the target is not valid.
    """
    if list_:
        _list_events(json, data_dir)
        return
    if sum((bool(event), bool(fixture), last, row is not None, frame is not None, bool(frame_file))) != 1:
        raise typer.BadParameter("give exactly one of EVENT, --fixture, --last, --row, --frame and --frame-file")
    if (last or row is not None or frame is not None or frame_file) and (
        set_ or remove or persona or seed is not None
    ):
        raise typer.BadParameter("--set, --remove, --as and --seed need an EVENT or a --fixture")
    if last and (to or wait or loose):
        raise typer.BadParameter(
            "--last repeats the event unchanged, to the same target: leave out --to, --wait and --loose"
        )
    if row is not None and (to or wait or loose):
        raise typer.BadParameter(
            "--row always sends the same frame to the same target: leave out --to, --wait and --loose"
        )
    changes = parse_assignments(set_ or [])
    from app.cli.control import Control

    if frame_file:
        frame = _text_of(frame_file)
    control = Control(data_dir, wait)
    body = {
        "event": event, "fixture": fixture, "last": last, "set": changes, "remove": remove or [],
        "persona": persona, "to": to, "strict": not loose, "expect": not no_expect,
    }  # fmt: skip
    answers_after = MAX_WITHIN_S if fixture and not no_expect else 0.0
    met = True
    start = time.monotonic()
    for number in range(repeat):
        time.sleep(max(0.0, start + number * every / 1000 - time.monotonic()))
        waiting = wait if number == 0 else 0
        if row is not None:
            answer = control.call("POST", f"/v1/journal/{row}/resend")
        elif frame is not None:
            answer = control.call("POST", "/v1/frames", text=frame, more_s=waiting, to=to or "all", wait=waiting)
        else:
            seeded = None if seed is None else seed + number
            body |= {"seed": seeded, "wait": waiting}
            answer = control.call("POST", "/v1/trigger", body, more_s=waiting + answers_after)
        met = print_delivery(answer, json) and met
    if not met:
        raise typer.Exit(Exit.FAILED)


def _list_events(json: bool, data_dir: Path | None) -> None:
    from app.cli.control import Control
    from app.protocol.event_type import title_and_help

    found = Control(data_dir).call("GET", "/v1/events")
    if json:
        print_lines(as_json(found))
        return
    for each in found:
        about = title_and_help(each["title"], each["help"])
        line = f"{ARROWS[each['direction']]} {summarize(each['name']):<14}  {summarize(about)}"
        print_lines(line.rstrip())


def _text_of(file: str) -> str:
    """Return the text of a file unchanged. Print an error and exit if it cannot be read."""
    from app.cli.control import fail
    from app.protocol.envelope import MAX_RAW_BYTES
    from app.system.files import reason

    try:
        return read_input(file, MAX_RAW_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be sent: {reason(error)}.", Exit.USAGE)


def print_delivery(answer: dict[str, Any], json: bool) -> bool:
    """Print the result of a fired event, its warnings to standard error, and the result of its expectation.

    Return False if the event is a fixture whose expectation was not met.
    """
    if json:
        print_lines(as_json(answer))
    else:
        print_lines(f"#{answer['seq']} {answer['note'] if answer['clients'] else 'delivered to 0 clients'}")
        say(*answer["warnings"])
    expectation = answer.get("expectation")
    if expectation is None:
        return True
    if answer["delivered"]:
        print_expectation(answer["expected"], expectation, round(expectation["after_s"], 1), quiet=json)
    else:
        say(f"✗ did not wait for {answer['expected']}, because no client received the event")
    return bool(expectation["met"])
