"""Create the JSON Schema of a line of a session file (``*.session.jsonl``): the header, or a step of any kind.
It is for editors: ``companion contract schema session`` and the control API return it.
"""

from typing import Any

import msgspec

from app.protocol.session.actions import KINDS, key_of
from app.protocol.session.steps import Header

TEXT = {"type": "string", "description": "The step as written in a transcript"}


def line_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12). Unknown keys are allowed."""
    references, definitions = msgspec.json.schema_components((Header, *KINDS), ref_template="#/$defs/{name}")
    definitions["Header"]["required"] = ["session"]
    for kind in KINDS:
        definition = definitions[kind.__name__]
        definition["title"] = key_of(kind)
        definition["properties"]["text"] = TEXT
        if kind.block:
            definition["properties"][kind.block]["items"] = {"$ref": "#/$defs/step"}
    header, *kinds = references
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a P2P Chat Companion session",
        "anyOf": [header, {"$ref": "#/$defs/step"}],
        "$defs": {"step": {"anyOf": kinds}, **definitions},
    }
