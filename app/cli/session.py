"""``companion session``: list, show, save, rename and delete saved sessions (scenarios and recordings), check
sessions, convert session files between formats, and compare recordings. Other modules have its other subcommands:
``session_run.py`` those that play sessions, ``session_record.py`` those that record, ``session_bundle.py`` the one
that makes bug reports, and ``session_export.py`` the one that exports a session or rows of the log.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import session_bundle, session_export, session_record, session_run
from app.cli.completion import session_names
from app.cli.options import DataDir, Json, as_json, print_result
from app.cli.session_input import parsed, read_for_conversion, read_session, text_of
from app.cli.session_run import NameOrFile
from app.system.exit_codes import Exit
from app.system.terminal import error_lines, print_document, print_lines, say

app = typer.Typer(
    help="List, check, convert and play sessions: scenarios that you write, and recordings.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="A session, for example showcase/morning.", autocompletion=session_names)]
app.add_typer(session_record.app, name="record", short_help="Record the traffic.")
app.command()(session_bundle.bundle)
app.command()(session_run.run)
app.command()(session_export.export)
app.command()(session_run.runs)
app.command()(session_run.pause)
app.command()(session_run.resume)
app.command()(session_run.stop)
NewName = Annotated[str, typer.Argument(help="New name: letters, digits and - _ . with / between folders.")]


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the saved sessions: name and title."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/sessions")
    say(*found["warnings"])
    if json:
        print_lines(as_json(found["sessions"]))
        return
    width = max((len(each["name"]) for each in found["sessions"]), default=0)
    for each in found["sessions"]:
        notes = "  (recording)" if each["kind"] == "recording" else ""
        print_lines(f"{each['name']:<{width}}  {each['title']}{notes}")


@app.command()
def show(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Print the text of a saved session."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("GET", f"/v1/sessions/{segment(name)}")
    if json:
        print_lines(as_json(found))
    else:
        print_document(found["text"])


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="Name: letters, digits and - _ . with / between folders.")],
    file: Annotated[str, typer.Argument(help="File with a session; - reads a transcript from standard input.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save a session under a name."""
    from app.cli.control import Control, segment

    notation, text = read_session(file)
    parsed(notation, text, file)
    saved = Control(data_dir).call("PUT", f"/v1/sessions/{segment(name)}", text=text, notation=notation)
    print_result(f"saved {name}", saved, json)


@app.command()
def rename(name: Name, new: NewName, json: Json = False, data_dir: DataDir = None) -> None:
    """Rename a session of your own."""
    from app.cli.control import Control, segment

    renamed = Control(data_dir).call("PATCH", f"/v1/sessions/{segment(name)}", {"name": new})
    print_result(f"renamed {name} to {renamed['name']}", renamed, json)


@app.command()
def delete(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a session of your own."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/sessions/{segment(name)}")
    print_result(f"deleted {name}", {"deleted": name}, json)


@app.command()
def check(session: NameOrFile, json: Json = False, data_dir: DataDir = None) -> None:
    """Check sessions without playing them.

    The running companion also checks events, fixtures and friends. Exit code 2 if a session is not valid.
    """
    from app.cli.control import Control
    from app.cli.state import is_running
    from app.protocol.counts import count

    control = Control(data_dir) if is_running(data_dir) else None
    if control is None:
        say("No companion is running, so events, fixtures and friends are not checked.")
    failed = False
    answers = []
    for each in session:
        notation, text = text_of(each, control)
        answer = _checked_here(text, notation)
        if control and not answer["problems"]:
            answer = control.call("POST", "/v1/runs/check", {"text": text, "notation": notation})
        answers.append(answer)
        problems = answer["problems"]
        failed |= any(not problem["warning"] for problem in problems)
        if not json:
            for problem in problems:
                print_lines(*error_lines(f"{each}:{problem['line']}: {problem['message']}"))
            if not problems:
                print_lines(f"{each}: {count(answer['steps'], 'step')}, no problems")
    if json:
        print_lines(as_json(answers))
    if failed:
        raise typer.Exit(Exit.USAGE)


@app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="File to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", dir_okay=False, help="File to write.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Convert a session: .chat, .session.jsonl, .har, and .jsonl or .ndjson (frames as lines of JSON).

    The suffixes of the files choose the formats. The recording of a bug report (.zip) can be read.
    """
    from app.cli.control import fail
    from app.exports.formats import SUFFIXES, suffix_of, write
    from app.protocol.errors import Invalid
    from app.system.files import reason, write_output

    if not suffix_of(target.name):
        fail(f"{target.name} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.", Exit.USAGE)
    found, _ = read_for_conversion(source, data_dir)
    try:
        written = write(found.session, suffix_of(target.name))
    except Invalid as error:
        fail([f"{source}:", error.reason], Exit.USAGE)
    try:
        write_output(target, written.text, private=True)
    except OSError as error:
        fail(f"{target} cannot be written: {reason(error)}.", Exit.FAILED)
    say(*found.notes, *written.notes)
    print_result(f"wrote {target}", {"written": str(target), "steps": len(found.session.steps)}, json)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="RECORDING", help="A recording: file or name.")],
    second: Annotated[str, typer.Argument(metavar="RECORDING", help="The recording to compare it with.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Say what the UI sent differently in two recordings, timing and IDs aside.

    Exit code 0 if it sent the same, 1 if not, 2 if one is not a recording.
    """
    from app.cli.control import Control, fail
    from app.cli.state import is_running
    from app.protocol.session import comparison

    control = Control(data_dir) if is_running(data_dir) else None
    sessions = [parsed(*text_of(each, control), each) for each in (first, second)]
    for name, session in zip((first, second), sessions, strict=True):
        if not comparison.is_comparable(session):
            fail(
                f"{name} is a scenario, which has no recorded traffic. Play it, then compare a recording.",
                Exit.USAGE,
            )
    found = list(comparison.compare(*sessions))
    if json:
        print_lines(as_json([{"first": _as_object(one), "second": _as_object(two)} for one, two in found]))
    for one, two in () if json else found:
        if one:
            print_lines(f"- {first}:{one.line}: {one.event} {one.data}")
        if two:
            print_lines(f"+ {second}:{two.line}: {two.event} {two.data}")
    if found:
        raise typer.Exit(Exit.FAILED)
    if not json:
        print_lines("equal")


def _as_object(sent: Any) -> dict[str, Any] | None:
    return None if sent is None else sent._asdict()


def _checked_here(text: str, notation: str) -> dict[str, Any]:
    """Check the syntax of a session, and that it has steps, without a companion."""
    from app.protocol.session.errors import InvalidSession
    from app.protocol.session.lines import parse_lines
    from app.protocol.session.steps import NO_STEPS
    from app.protocol.session.transcript import parse_transcript

    try:
        session = parse_transcript(text) if notation == "chat" else parse_lines(text).session
    except InvalidSession as error:
        return {
            "title": "",
            "steps": 0,
            "problems": [{"line": error.line, "message": error.message, "warning": False}],
        }
    problems = [{"line": 1, "message": NO_STEPS, "warning": False}] if session.is_empty else []
    return {"title": session.header.title, "steps": len(session.steps), "problems": problems}
