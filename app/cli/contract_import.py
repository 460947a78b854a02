"""``companion contract import``: turn an AsyncAPI document into event files, one per event, and list them.
The running companion writes them into its folder of event files; with ``--to``, this process writes them into
another folder. Files with other content are replaced only with ``--force``. The notes, for example on what was
guessed or left out, go to standard error.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.contract_source import keys_in
from app.cli.options import DataDir, GivenPath, Json, absolute_path, as_json, input_text
from app.protocol.contract_documents.applications import Application
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say

MAX_DOCUMENT_BYTES = 1024 * 1024
"""As in ``protocol.asyncapi_import``, which takes long to load."""
_DEFINED = "not written, because this file defines it already. Use --force to replace its schema"
_VERBS = {"new": "written", "unchanged": "unchanged", "different": "replaced", "defined": _DEFINED}
_PLANS = {
    "new": "would be written",
    "unchanged": "unchanged",
    "different": "would be replaced",
    "defined": _DEFINED,
}


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="AsyncAPI 3.x, as JSON or YAML; - reads standard input.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", file_okay=False, path_type=GivenPath, callback=absolute_path,
            help="Write the files into this folder. Needs no running companion.",
            show_default="the folder of event files in use",
        ),
    ] = None,
    as_: Annotated[
        Application | None,
        typer.Option(
            "--as", help="The application that the document describes.", show_default="guessed from its title"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that have other content.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Turn an AsyncAPI 3.x document into event files, one per event, and print what was written.

    If the document describes the backend, the messages that it sends go to the UI. If it describes the client, they
    come from the UI.
    """
    text = input_text(file, MAX_DOCUMENT_BYTES)
    if to:
        found = _import_into(to, text, as_, data_dir, force=force, dry_run=dry_run)
    else:
        from app.cli.control import Control

        body = {"document": text, "as": as_ and as_.value, "force": force, "dry_run": dry_run}
        found = Control(data_dir).call("POST", "/v1/contract/import", body)
    _print(found, json, dry_run=dry_run)


def _import_into(
    folder: Path, text: str, application: Application | None, data_dir: Path | None, *, force: bool, dry_run: bool
) -> dict[str, Any]:
    from app.cli.control import fail
    from app.imported_contract import import_into
    from app.protocol.errors import Conflict, RequestError, StorageError

    try:
        return import_into(folder, text, application, keys_in(data_dir), force=force, dry_run=dry_run)
    except RequestError as error:
        fail(error.reason, Exit.FAILED if isinstance(error, Conflict) else Exit.USAGE)
    except StorageError as error:
        fail(f"{error}.", Exit.FAILED)


def _print(found: dict[str, Any], json: bool, *, dry_run: bool) -> None:
    if json:
        print_lines(as_json(found))
        return
    words = _PLANS if dry_run else _VERBS
    width = max((len(each["file"]) for each in found["files"]), default=0)
    for each in found["files"]:
        print_lines(f"{each['file']:<{width}}  {each['direction']:<7}  {each['event']}: {words[each['status']]}")
    if not found["files"]:
        print_lines("no new events")
    say(*found["notes"])
