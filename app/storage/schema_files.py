"""Write a JSON Schema into a folder of the user's files, so that editors complete them without a network.
Fixtures, profiles and event files refer to their schema with ``$schema``. Functions return that reference for a
file's name, and adapt it in the text of a file that was moved. File libraries (``file_library``) and the import of
event files (``imported_events``) call them.
"""

import json
import re
from pathlib import Path

from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.contract_documents.file_schemas import file_schema
from app.system.files import read_text, with_line_feeds, write_file

MAX_SCHEMA_BYTES = 1024 * 1024


def schema_reference(kind: FileKind, name: str) -> str:
    """Return the path of the schema, relative to the file with this name (``folder/name``)."""
    return "../" * name.count("/") + kind.schema_file


def with_reference(text: str, kind: FileKind, name: str) -> str:
    """Return the text of a file with the reference for its name, if it refers to a schema of this kind."""
    before = re.compile(rf'("\$schema"\s*:\s*")(?:\./|\.\./)*{re.escape(kind.schema_file)}"')
    return before.sub(rf'\g<1>{schema_reference(kind, name)}"', text, count=1)


def write_schema(folder: Path, kind: FileKind) -> None:
    """Write the schema of a kind of file into a folder, unless it is there. Raises ``OSError``.

    A file with this name that is not such a schema is kept.
    """
    file = folder / kind.schema_file
    schema = file_schema(kind)
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    try:
        before = with_line_feeds(read_text(file, MAX_SCHEMA_BYTES))
    except FileNotFoundError:
        before = None
    except UnicodeDecodeError:
        return
    if before == text or (before is not None and not _is_ours(before, schema["title"])):
        return
    write_file(file, text)


def _is_ours(text: str, title: str) -> bool:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("title") == title
