"""Read a session that a command names, or build the request that plays it.
The session is saved, in a file, in a bug report bundle (a ZIP archive with a recording), or from standard input.
For a conversion, the file may have other formats, such as HAR. The request has the text and the chat state files
that its header and its steps load, or only names a saved session or a large file. Also write the chat states that
a played session saves to its folder; a bundle writes none. Errors are printed, and the command exits; only if a
chat state cannot be written does ``write_files`` return the error, so that the command can go on.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.options import input_text
from app.system.exit_codes import Exit
from app.system.terminal import error_lines, say

if TYPE_CHECKING:
    from app.cli.control import Control
    from app.exports.conversion import Imported
    from app.protocol.session.steps import Session

MAX_BYTES = 16 * 1024 * 1024
MAX_CONVERTED_BYTES = 256 * 1024 * 1024
NOTATIONS = {".chat": "chat", ".session.jsonl": "lines"}
BUNDLE = ".zip"


def is_file(name: str) -> bool:
    """Return whether an argument is a file, and not the name of a saved session."""
    return name == "-" or name.casefold().endswith((*NOTATIONS, BUNDLE)) or os.path.isfile(name)  # noqa: PTH113


def is_bundle(name: str) -> bool:
    """Return whether an argument is a bug report bundle, by its suffix."""
    return name.casefold().endswith(BUNDLE)


def shown_name(file: str) -> str:
    """Return the name of a file, without its folder, to name a session.

    Lone surrogates, which represent bytes that are not UTF-8, are replaced: no JSON or file can contain them.
    """
    return Path(file).name.encode(errors="replace").decode()


def read_session(file: str) -> tuple[str, str]:
    """Return the notation and the text of a file, or of the recording in a bundle. Exit with an error otherwise."""
    if is_bundle(file):
        return "lines", _recording_of_bundle(file)
    notation = next((NOTATIONS[each] for each in NOTATIONS if file.casefold().endswith(each)), "")
    if not notation and file != "-":
        from app.cli.control import fail

        fail(f"{file} must end in {', '.join(NOTATIONS)} or {BUNDLE}.", Exit.USAGE)
    return notation or "chat", input_text(file, MAX_BYTES, lines=notation == "lines")


def read_for_conversion(file: str, data_dir: Path | None) -> "tuple[Imported, str]":
    """Return the session in a file of any format, and its title: the name of the file without its suffix.

    ``-`` is standard input with lines of JSON. Frames on the wire have the names of the envelope's keys in the
    settings of ``data_dir``. Exit with an error if the file cannot be read.
    """
    from app.cli.control import fail
    from app.contract_folder import usual_names
    from app.exports.formats import SUFFIXES, read, suffix_of
    from app.protocol.errors import RequestError
    from app.protocol.session.saved import LINES

    suffix = suffix_of(file) or (LINES if file == "-" or is_bundle(file) else "")
    if not suffix:
        fail(f"{file} must end in {', '.join(SUFFIXES)} or {BUNDLE}.", Exit.USAGE)
    title = "" if file == "-" else shown_name(file).removesuffix(BUNDLE if is_bundle(file) else suffix)
    if is_bundle(file):
        text = _recording_of_bundle(file)
    else:
        text = input_text(file, MAX_CONVERTED_BYTES, lines=suffix == LINES)
    try:
        return read(text, suffix, title, usual_names(data_dir)), title
    except RequestError as error:
        fail([f"{file}:", error.reason], Exit.USAGE)


def _recording_of_bundle(file: str) -> str:
    from app.cli.session_bundle import read_bundle_file

    return read_bundle_file(file).recording


def text_of(name: str, control: "Control | None") -> tuple[str, str]:
    """Return the notation and the text of a file or of a saved session."""
    from app.cli.control import NOT_RUNNING, fail, segment

    if is_file(name):
        return read_session(name)
    if control is None:
        fail(NOT_RUNNING.format(where=""), Exit.NOT_RUNNING)
    found = control.call("GET", f"/v1/sessions/{segment(name)}")
    return found["notation"], found["text"]


def suffix_for(notation: str) -> str:
    """Return the suffix of a notation."""
    return next(suffix for suffix, name in NOTATIONS.items() if name == notation)


def parsed(notation: str, text: str, name: str) -> "Session":
    """Return the session with this text. Exit with an error that names it if it is not valid."""
    from app.cli.control import fail
    from app.protocol.errors import Invalid
    from app.protocol.session.saved import parse_session

    try:
        return parse_session(text, suffix_for(notation))
    except Invalid as error:
        fail([f"{name}:", error.reason], Exit.USAGE)


def session_request(name: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of the request that plays a session.

    The body names a saved session, contains the text of a file and of its files, or names a large file.
    """
    if not is_file(name):
        return "/v1/runs", {"name": name}
    if is_bundle(name):
        from app.cli.session_bundle import bundle_request

        return bundle_request(name)
    if name != "-" and _size(name) > MAX_BYTES:
        return "/v1/runs/file", {"file": str(Path(name).absolute())}
    return "/v1/runs", _file_body(name)


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except OSError:
        return 0  # reading it reports the error


def _file_body(name: str) -> dict[str, Any]:
    notation, text = read_session(name)
    shown = "session" if name == "-" else shown_name(name).removesuffix(suffix_for(notation))
    return {
        "name": shown, "text": text, "notation": notation,
        "files": files_beside(Path(name), text, notation),
    }  # fmt: skip


def files_beside(file: Path, text: str, notation: str) -> dict[str, Any]:
    """Return the JSON files that the header or the steps of a session load, by name. They must be in its folder."""
    from app.cli.control import fail
    from app.protocol.backend import MAX_STATE_BYTES
    from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
    from app.protocol.session.actions import ChangeState
    from app.protocol.session.steps import NO_STEPS
    from app.system.files import read_text, reason

    session = parsed(notation, text, str(file))
    if session.is_empty:
        fail([f"{file}:", NO_STEPS], Exit.USAGE)
    steps = [each.action for top in session.steps for each in top.walk()]
    names = [each.file for each in steps if isinstance(each, ChangeState) and each.state == "load"]
    if isinstance(session.header.state, str):
        names.insert(0, session.header.state)
    found = {}
    for name in dict.fromkeys(names):
        beside = _inside(file, name)
        try:
            found[name] = parse_json(read_text(beside, MAX_STATE_BYTES), MAX_STATE_DEPTH)
        except FileNotFoundError:
            continue  # an earlier step may save it
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{beside} cannot be read: {reason(error)}.", Exit.USAGE)
        except BadFrame as error:
            fail(f"{beside} is not a saved chat state: {error}.", Exit.USAGE)
    return found


def write_files(name: str, files: dict[str, Any]) -> str:
    """Write the chat states that a session saved to its folder. Print and return the errors; empty if none.

    Other files are not replaced. A bundle, which comes from elsewhere, writes none.
    """
    if is_bundle(name):
        say(*(f"{each} was not saved: a bundle writes no files." for each in files))
        return ""
    from app.protocol.errors import RequestError, StorageError
    from app.saved_state_file import write_state

    errors = []
    for each, content in files.items():
        try:
            file = write_state(Path(name).absolute().parent, each, content)
        except (RequestError, StorageError) as error:
            say(*error_lines(str(error)))
            errors.append(str(error))
        else:
            say(f"Saved {file}.")
    return " ".join(errors)


def _inside(session: Path, name: str) -> Path:
    from app.cli.control import fail
    from app.protocol.errors import Invalid
    from app.saved_state_file import file_in

    try:
        return file_in(session.absolute().parent, name)
    except Invalid as error:
        fail(error.reason, Exit.USAGE)
