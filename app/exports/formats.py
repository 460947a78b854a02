"""Convert the text of a file to a session, and a session to the text of a file, in the format of its suffix.
The formats are transcripts (``.chat``), steps as lines of JSON (``.session.jsonl``), HAR (``.har``), and frames and
REST calls as lines of JSON (``.jsonl``, ``.ndjson``). Only recordings can be converted to HAR and to frames as
lines of JSON.
"""

from collections.abc import Callable

from app.exports.conversion import Exported, Imported
from app.exports.har_export import export_har
from app.exports.har_import import import_har
from app.exports.json_lines import export_json_lines, import_json_lines
from app.protocol.errors import Invalid
from app.protocol.session.actions import RECORDED
from app.protocol.session.errors import InvalidSession
from app.protocol.session.saved import LINES, TRANSCRIPT, format_session, parse_session
from app.protocol.session.steps import Session
from app.protocol.wire_names import WireNames

HAR, JSON_LINES, NDJSON = ".har", ".jsonl", ".ndjson"
SUFFIXES = (LINES, TRANSCRIPT, HAR, JSON_LINES, NDJSON)
"""The longest suffix first: ``.session.jsonl`` ends with ``.jsonl`` too."""
_IMPORT: dict[str, Callable[[str, str, WireNames | None], Imported]] = {
    HAR: import_har, JSON_LINES: import_json_lines, NDJSON: import_json_lines
}  # fmt: skip
_EXPORT: dict[str, Callable[[Session], Exported]] = {
    HAR: export_har, JSON_LINES: export_json_lines, NDJSON: export_json_lines
}  # fmt: skip


def suffix_of(name: str) -> str:
    """Return the suffix of a file name that names a format; empty if there is none."""
    return next((each for each in SUFFIXES if name.casefold().endswith(each)), "")


def read(text: str, suffix: str, title: str, names: WireNames | None = None) -> Imported:
    """Read a session. ``title`` is that of an imported one. Raises ``Invalid`` with the place.

    ``names`` are those of the envelope's keys in frames on the wire, if the UI has others than the companion.
    """
    if suffix not in _IMPORT:
        return Imported(parse_session(text, suffix))
    try:
        return _IMPORT[suffix](text, title, names)
    except InvalidSession as error:
        raise Invalid(str(error)) from None


def write(session: Session, suffix: str) -> Exported:
    """Return the text of a session. Raises ``Invalid`` if the format cannot contain it."""
    if suffix not in _EXPORT:
        return Exported(format_session(session, suffix))
    if not any(isinstance(each.action, RECORDED) for each in session.steps):
        raise Invalid(f"Only a recording can be written as {suffix}: this session has no recorded traffic.")
    try:
        return _EXPORT[suffix](session)
    except OverflowError:
        raise Invalid("The pauses of the recording add up to a time after the year 9999.") from None
