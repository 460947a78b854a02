"""``companion session bundle``: save a bug report bundle, or print what it contains (``--preview``), or both.
A bundle is a ZIP archive with a recording, its chat state, versions, settings, event files and lint findings.
Names and texts are replaced by pseudonyms, except with ``--no-redact``. The running companion makes it. Other
functions read a bundle file, and build the request that plays its recording.
"""

import atexit
import json as codec
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.completion import run_names
from app.cli.options import DataDir, Json, as_json, print_result
from app.cli.session_input import shown_name
from app.protocol.counts import count
from app.protocol.session.run_names import RUN_BEFORE, THIS_RUN
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say

if TYPE_CHECKING:
    from app.protocol.bundle.archive import Bundle

MAX_SENT_BYTES = 16 * 1024 * 1024
"""The companion reads the recording of a larger bundle from a temporary file."""
MAKING_S = 600.0


def bundle(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help=f"{THIS_RUN}, {RUN_BEFORE}, or one of your recordings.",
                            autocompletion=run_names)
    ] = THIS_RUN,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, metavar="FILE", help="File to write: NAME.zip.")
    ] = None,
    no_redact: Annotated[
        bool,
        typer.Option(
            "--no-redact", help="Keep names and texts. Only recognized tokens, keys and folders are left out."
        ),
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Print what the bundle contains.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Make a bug report: a recording, its chat state, versions, settings and contract in one file.

    Names and texts are replaced by pseudonyms of the same length. `session run FILE` plays it.
    """
    from app.cli.control import Control, fail, segment
    from app.system.files import reason, write_output

    if output is None and not preview:
        fail("Name the file with --output FILE.zip, or use --preview.", Exit.USAGE)
    if output is not None and output.suffix.lower() != ".zip":
        fail(f"{output} must end in .zip.", Exit.USAGE)
    path = f"/v1/recordings/{segment(recording)}/bundle"
    content = b"".join(Control(data_dir).download(path, MAKING_S, redact="false" if no_redact else "true"))
    found = _parsed(content, recording)
    if preview:
        print_lines(*(as_json(_contents(found)).split("\n") if json else _preview(found)))
    if output is not None:
        try:
            write_output(output, content, private=True)
        except OSError as error:
            fail(f"{output} cannot be written: {reason(error)}.", Exit.FAILED)
        if not preview or not json:
            print_result(f"wrote {output}", {"written": str(output), **found.manifest}, json)
        if no_redact:
            say("The bundle contains the names and texts of your chats.")


def read_bundle_file(file: str) -> "Bundle":
    """Return the content of a bundle. Exit with an error if it is not one."""
    from app.cli.control import fail
    from app.protocol.bundle.archive import MAX_BYTES
    from app.system.files import read_file, reason

    try:
        content = read_file(Path(file), MAX_BYTES)
    except OSError as error:
        fail(f"{file} cannot be read: {reason(error)}.", Exit.USAGE)
    return _parsed(content, file)


def bundle_request(name: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of the request that plays the recording of a bundle."""
    from app.cli.control import fail
    from app.system.files import reason

    found = read_bundle_file(name)
    if events := [each for each in found.files if each.startswith("events/")]:
        files = count(len(events), "event file")
        say(f"The bundle contains {files}, which the companion that plays it does not use.")
    content = found.recording.encode()
    if len(content) <= MAX_SENT_BYTES:
        shown = Path(shown_name(name)).stem
        return "/v1/runs", {"name": shown, "text": found.recording, "notation": "lines", "files": {}}
    try:
        folder = tempfile.mkdtemp(prefix="companion-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        file = Path(folder) / "recording.session.jsonl"
        file.write_bytes(content)
    except OSError as error:
        fail(f"No temporary file can be written for the recording of {name}: {reason(error)}.", Exit.FAILED)
    return "/v1/runs/file", {"file": str(file)}


def _parsed(content: bytes, name: str) -> "Bundle":
    from app.cli.control import fail
    from app.protocol.bundle.archive import read_bundle
    from app.protocol.errors import RequestError

    try:
        return read_bundle(content)
    except RequestError as error:
        fail([f"{name}:", error.reason], Exit.USAGE)


def _contents(found: "Bundle") -> dict[str, Any]:
    from app.protocol.bundle.preview import PREVIEW_LINES

    first = found.recording.split("\n", PREVIEW_LINES + 1)[: PREVIEW_LINES + 1]
    return {
        **found.manifest,
        "files": found.files,
        "first_lines": [codec.loads(each) for each in first[1:] if each],
    }


def _preview(found: "Bundle") -> list[str]:
    from app.protocol.bundle.preview import PREVIEW_LINES, preview_text

    return preview_text(found, PREVIEW_LINES).split("\n")
