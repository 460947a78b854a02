"""``companion contract show``, ``asyncapi``, ``typescript`` and ``schema``: print a document or write it to a file.
The first three describe events as Markdown, an AsyncAPI document (JSON) or TypeScript types: the events of the
running companion, or the built-in ones and those in a folder (``--events``). ``schema`` prints the JSON Schema of a
kind of file, such as fixtures or settings.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from app import __version__
from app.cli.contract_source import OTHERWISE, EventsFolder, events_in, keys_in
from app.cli.options import DataDir, Json, as_json, named_path, print_result
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.file_kinds import FileKind
from app.system.exit_codes import Exit
from app.system.terminal import print_document, print_lines

Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", dir_okay=False, callback=named_path,
        help="Write to this file instead of standard output.",
    ),
]  # fmt: skip


def show(events: EventsFolder = None, output: Output = None, json: Json = False, data_dir: DataDir = None) -> None:
    """Print all events as Markdown: fields, types, an example and the effect of each."""
    from app.protocol.contract_documents.event_page import event_page

    text = event_page(events_in(events), keys_in(data_dir)) if events else _text("/v1/contract/page", data_dir)
    _print_text(text, output, json)


def asyncapi(
    as_: Annotated[
        Application, typer.Option("--as", help="Describe the backend, or the chat UI (client).")
    ] = Application.BACKEND,
    events: EventsFolder = None,
    output: Output = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the AsyncAPI 3.0 document of the events, as JSON."""
    from app.cli.control import Control
    from app.protocol.constants import WS_URL
    from app.protocol.contract_documents import asyncapi as documents

    if events:
        document = documents.asyncapi(events_in(events), WS_URL, __version__, as_, keys_in(data_dir))
    else:
        query: dict[str, Any] = {"as": as_.value}
        document = Control(data_dir, otherwise=OTHERWISE).call("GET", "/v1/asyncapi.json", **query)
    if output:
        _write(output, as_json(document, indent=2) + "\n", json)
    else:
        print_lines(*as_json(document, indent=None if json else 2).split("\n"))


def typescript(
    events: EventsFolder = None, output: Output = None, json: Json = False, data_dir: DataDir = None
) -> None:
    """Print the TypeScript types of the events: the unions WSEvent and WSClientEvent."""
    from app.protocol.contract_documents import typescript as documents

    if events:
        text = documents.typescript(events_in(events), keys_in(data_dir))
    else:
        text = _text("/v1/contract/typescript", data_dir)
    _print_text(text, output, json)


def schema(
    kind: Annotated[FileKind, typer.Argument(metavar="KIND", help=f"{', '.join(FileKind)}.")],
    output: Output = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a kind of file, for editors. Needs no running companion."""
    from app.protocol.contract_documents.file_schemas import file_schema
    from app.system.settings import settings_schema

    found = settings_schema() if kind is FileKind.SETTINGS else file_schema(kind)
    if output:
        _write(output, as_json(found, indent=2) + "\n", json)
    else:
        print_lines(*as_json(found, indent=None if json else 2).split("\n"))


def _text(path: str, data_dir: Path | None) -> str:
    from app.cli.control import Control

    return b"".join(Control(data_dir, otherwise=OTHERWISE).download(path)).decode()


def _print_text(text: str, output: Path | None, json: bool) -> None:
    if output:
        _write(output, text, json)
    elif json:
        print_lines(as_json({"text": text}))
    else:
        print_document(text)


def _write(file: Path, text: str, json: bool) -> None:
    from app.cli.control import fail
    from app.system.files import reason, write_output

    try:
        write_output(file, text)
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be written: {reason(error)}.", Exit.FAILED)
    print_result(f"written to {file}", {"file": str(file)}, json)
