"""Find the files in a folder that define or extend events, before an import writes others for the same events.
``with_own_parts`` merges: it adds the parts of such a file that an import cannot contain, for example its effect on
the chat state, to the text of the imported one. ``imported_events`` calls both functions.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.errors import Conflict
from app.protocol.event_files.event_set import WORDS
from app.protocol.event_files.problems import InvalidEventFile
from app.storage.event_folder import EventFolder

OWN_PARTS = ("summary", "effect", "forward")
"""The parts of a file that an import cannot contain, and keeps."""


class ExistingFile(NamedTuple):
    """A file that defines or extends an event. ``file`` is its path below the folder, with ``/``."""

    file: str
    content: dict[str, Any]


def existing_files(folder: Path) -> dict[tuple[Direction, str], ExistingFile]:
    """Return the files that define or extend events, the first one for each event. Files without one are left out.

    A file that extends a built-in event and names no direction counts for both.
    """
    from app.protocol.event_files.source import read_source  # loads PyYAML

    contents: dict[str, dict[str, Any]] = {}

    def parse(file: str, text: str) -> tuple[()]:
        try:
            content = read_source(file, text).value
        except InvalidEventFile:
            return ()
        if isinstance(content, dict):
            contents[file] = content
        return ()

    EventFolder(folder).read(parse)
    found: dict[tuple[Direction, str], ExistingFile] = {}
    for file, content in contents.items():
        name = content.get("event", content.get("extends"))
        for direction, word in WORDS.items():
            if isinstance(name, str) and content.get("direction", word) == word:
                found.setdefault((direction, name), ExistingFile(file, content))
    return found


def with_own_parts(text: str, existing: ExistingFile) -> str:
    """Return the text of an imported file with the parts of an existing one that an import cannot contain.

    Raises ``Conflict`` if they do not fit the imported schema, for example because a field is missing.
    """
    from app.protocol.event_files.parse import parse_event_file  # loads jsonschema-rs

    own = {key: existing.content[key] for key in OWN_PARTS if key in existing.content}
    if not own:
        return text
    merged = json.dumps({**json.loads(text), **own}, indent=2, ensure_ascii=False) + "\n"
    try:
        parse_event_file(existing.file, merged, built_in())
    except InvalidEventFile as error:
        raise Conflict(
            f"Nothing was written, because {', '.join(own)} of an event file would not fit the imported schema. "
            f"{error.problems[0]._replace(line=0)} Change or remove it in the file, then import again."
        ) from None
    return merged
