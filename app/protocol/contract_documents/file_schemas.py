"""The JSON Schemas of event files, fixtures, sessions, fault profiles and chat states, for editors."""

from collections.abc import Callable
from typing import Any

import msgspec

from app.protocol.backend import Person
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.file_kinds import FileKind

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "$schema"
"""The key in a file that says which schema it has."""


def file_schema(kind: FileKind) -> dict[str, Any]:
    """Return the schema of a kind of file, except settings. That of a session describes one of its lines."""
    return _SCHEMAS[kind]()


def schema_of_struct(struct: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """Return the schema of a file whose content is a struct."""
    (_,), definitions = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    own = definitions.pop(struct.__name__)
    schema = {REFERENCE: DRAFT, **own, "title": title}
    return {**schema, "$defs": definitions} if definitions else schema


def _event() -> dict[str, Any]:
    from app.protocol.event_files.file_schema import FILE_SCHEMA

    return FILE_SCHEMA


def _fixture() -> dict[str, Any]:
    from app.protocol.fixture import Fixture

    one = {"oneOf": [{"required": ["event"]}, {"required": ["frame"], "not": {"required": ["data"]}}]}
    return {**schema_of_struct(Fixture, "P2P Chat Companion fixture"), **one}


def _session() -> dict[str, Any]:
    from app.protocol.session.schema import line_schema

    return line_schema()


def _profile() -> dict[str, Any]:
    from app.protocol.faults.profiles import Profile

    one = {"anyOf": [{"required": ["faults"]}, {"required": ["rest"]}]}
    return {**schema_of_struct(Profile, "P2P Chat Companion fault profile"), **one}


def _state() -> dict[str, Any]:
    message = built_in().get(Direction.TO_UI, "new_message")
    assert message is not None
    own = dict(message.schema)
    definitions = own.pop("$defs", {})
    own["properties"] = {
        **own["properties"], "read": {"type": "boolean", "description": "Whether the local user has read it"},
        "extra": {"type": "object", "description": "Fields that event files have added to new_message"},
    }  # fmt: skip
    own["required"] = [*own["required"], "read"]
    (person,), people = msgspec.json.schema_components([Person], ref_template="#/$defs/{name}")
    return {
        REFERENCE: DRAFT,
        "title": "P2P Chat Companion chat state",
        "type": "object",
        "required": ["version", "people", "messages"],
        "properties": {
            "version": {"const": 1},
            "people": {"type": "array", "items": person},
            "messages": {"type": "array", "items": own},
        },
        "$defs": {**definitions, **people},
    }


_SCHEMAS: dict[FileKind, Callable[[], dict[str, Any]]] = {
    FileKind.EVENT: _event,
    FileKind.FIXTURE: _fixture,
    FileKind.SESSION: _session,
    FileKind.PROFILE: _profile,
    FileKind.STATE: _state,
}
