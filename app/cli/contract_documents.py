"""``companion contract show``, ``asyncapi`` and ``typescript``: documents about the events in use."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DataDir, Json, absolute_path, as_json, print_result
from app.protocol.contract_documents.applications import Application
from app.system.exit_codes import Exit
from app.system.terminal import print_lines

if TYPE_CHECKING:
    from app.cli.control import Control

Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", dir_okay=False, callback=absolute_path,
        help="Write to this file instead of standard output.",
    ),
]  # fmt: skip


class FileKindName(StrEnum):
    """The kinds of files, as in ``file_schemas``, which takes long to load."""

    EVENT = "event"
    FIXTURE = "fixture"
    SESSION = "session"
    PROFILE = "profile"
    SETTINGS = "settings"
    STATE = "state"


def show(json: Json = False, output: Output = None, data_dir: DataDir = None) -> None:
    """Print all events as Markdown: fields, types, an example and the effect of each."""
    from app.cli.control import Control

    _print_text(_text(Control(data_dir), "/v1/contract/page"), output, json)


def asyncapi(
    as_: Annotated[
        Application, typer.Option("--as", help="Describe the backend, or the chat UI (client).")
    ] = Application.BACKEND,
    output: Output = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the AsyncAPI 3.0 document of the events, as JSON."""
    from app.cli.control import Control

    query: dict[str, Any] = {"as": as_.value}
    document = Control(data_dir).call("GET", "/v1/asyncapi.json", **query)
    if output:
        _write(output, as_json(document, indent=2) + "\n", json)
    else:
        print_lines(*as_json(document, indent=None if json else 2).splitlines())


def typescript(output: Output = None, json: Json = False, data_dir: DataDir = None) -> None:
    """Print the TypeScript types of the events: the unions WSEvent and WSClientEvent."""
    from app.cli.control import Control

    _print_text(_text(Control(data_dir), "/v1/contract/typescript"), output, json)


def schema(
    kind: Annotated[FileKindName, typer.Argument(metavar="KIND", help=f"{', '.join(FileKindName)}.")],
    output: Output = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a kind of file, for editors. Needs no running companion."""
    from app.protocol.contract_documents.file_schemas import FileKind, file_schema
    from app.system.settings import settings_schema

    found = settings_schema() if kind is FileKindName.SETTINGS else file_schema(FileKind(kind.value))
    if output:
        _write(output, as_json(found, indent=2) + "\n", json)
    else:
        print_lines(*as_json(found, indent=None if json else 2).splitlines())


def _text(control: "Control", path: str) -> str:
    return b"".join(control.download(path)).decode()


def _print_text(text: str, output: Path | None, json: bool) -> None:
    if output:
        _write(output, text, json)
    elif json:
        print_lines(as_json({"text": text}))
    else:
        print_lines(*text.splitlines())


def _write(file: Path, text: str, json: bool) -> None:
    from app.cli.control import fail
    from app.system.files import reason, write_file

    try:
        write_file(file, text)
    except (OSError, ValueError) as error:
        fail(f"{file} cannot be written: {reason(error)}.", Exit.FAILED)
    print_result(f"written to {file}", {"file": str(file)}, json)
