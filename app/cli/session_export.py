"""``companion session export``: convert a recording or rows of the log to a test for Playwright or pytest, or to
another kind of file: handlers for MSW (Mock Service Worker), a scenario, a bug report in Markdown, a HAR file or
JSON lines. A scenario has no recorded traffic, so it can only be exported as a scenario. The text is printed or
written to a file; notes, for example on what is left out, go to standard error.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.completion import filter_references, session_names
from app.cli.options import (
    After,
    DataDir,
    Json,
    as_json,
    named_path,
    not_empty,
    print_result,
    recording_file,
)
from app.cli.session_input import is_file, read_for_conversion
from app.protocol.export_kinds import Kind
from app.protocol.session.run_names import ANY_RUN, RUNS
from app.system.exit_codes import Exit
from app.system.terminal import print_document, print_lines, say

if TYPE_CHECKING:
    from app.exports.conversion import Exported


def export(
    kind: Annotated[Kind, typer.Option("--as", help="What to export it as.")],
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="[SESSION]",
            help=f"A file, a saved session, {ANY_RUN}.",
            callback=not_empty,
            autocompletion=session_names,
            show_default="the log",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", dir_okay=False, callback=named_path,
            help="Write to this file instead of standard output.",
        ),
    ] = None,
    filter_: Annotated[
        str,
        typer.Option(
            "--filter", metavar="TEXT", help="Without SESSION: only matching rows of the log.",
            autocompletion=filter_references,
        ),
    ] = "",
    after: After = None,
    limit: Annotated[
        int, typer.Option(min=1, max=2_000, help="Without SESSION: export at most this many rows.")
    ] = 100,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Export a recording, or rows of the log, as a test, as handlers, as a bug report or another file.

    Frames to the UI are sent again, and events and calls of the UI become assertions. Without SESSION, the newest
    rows of the log are exported, or those after --after. A file needs no running companion.
    """
    from app.cli.control import Control, segment

    if session and (filter_ or after is not None):
        raise typer.BadParameter("they choose rows of the log, not of SESSION", param_hint="--filter, --after")
    if not session:
        wanted = {"after": after, "filter": filter_, "limit": limit, "as": kind.value}
        found = Control(data_dir).call("POST", "/v1/journal/export", wanted)
    elif session in RUNS or is_file(session) or Path(session).suffix.casefold() in (".har", ".jsonl", ".ndjson"):
        found = _of_file(session, kind, data_dir)
    else:
        found = Control(data_dir).call("GET", f"/v1/sessions/{segment(session)}/export?as={kind.value}")
    _done(found, output, json)


def _of_file(name: str, kind: Kind, data_dir: Path | None) -> dict[str, Any]:
    from app.cli.control import fail
    from app.protocol.errors import RequestError

    file = str(recording_file(name, data_dir))
    found, title = read_for_conversion(file, data_dir)
    try:
        exported = _exported(found.session, kind, title, data_dir)
    except RequestError as error:
        fail([f"{file}:", error.reason], Exit.USAGE)
    return {"text": exported.text, "notes": [*found.notes, *exported.notes]}


def _exported(session: Any, kind: Kind, title: str, data_dir: Path | None) -> "Exported":
    from app.contract_folder import usual_catalog, usual_names
    from app.session_export import export_session

    return export_session(session, kind, title, usual_catalog(data_dir), usual_names(data_dir))


def _done(found: dict[str, Any], output: Path | None, json: bool) -> None:
    """Write or print what was exported."""
    from app.cli.control import fail
    from app.system.files import reason, write_output

    say(*found["notes"])
    if output is None:
        if json:
            print_lines(as_json(found))
        else:
            print_document(found["text"])
        return
    try:
        write_output(output, found["text"], private=True)
    except OSError as error:
        fail(f"{output} cannot be written: {reason(error)}.", Exit.FAILED)
    print_result(f"wrote {output}", {"written": str(output), "notes": found["notes"]}, json)
