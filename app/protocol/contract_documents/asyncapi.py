"""Build an AsyncAPI 3.0 document of the contract's events, about the backend or about the chat UI.

In AsyncAPI 3, ``send`` and ``receive`` are from the perspective of the application that the document describes: the
backend sends what the UI receives.
"""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys
from app.protocol.contract_documents.schema_parts import LISTS, MAPS, SINGLE, portable_pattern

CHANNEL = "events"
_COMPONENT = re.compile(r"[^\w.-]", re.ASCII)
_DIRECTION_WORDS = {Direction.TO_UI: "to_ui", Direction.FROM_UI: "from_ui"}
_OPERATIONS = {
    Direction.TO_UI: ("eventsToUi", "Events from the backend to the chat UI"),
    Direction.FROM_UI: ("eventsFromUi", "Events from the chat UI to the backend"),
}


_TITLES = {Application.BACKEND: "Chat backend", Application.CLIENT: "Chat UI"}


def asyncapi(
    events: Sequence[DescribedEvent],
    url: str,
    version: str,
    application: Application = Application.BACKEND,
    keys: EnvelopeKeys | None = None,
) -> dict[str, Any]:
    """Return the document. ``url`` is that of the event server, ``version`` that of the contract."""
    keys = keys or EnvelopeKeys()
    address = urlsplit(url)
    names = _component_names(events)
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{_TITLES[application]}: WebSocket events",
            "version": version,
            "description": f"What the {application} sends and receives. Printed by `companion contract asyncapi`.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {"host": address.netloc, "protocol": address.scheme, "description": "The event server"}
        },
        "channels": {
            CHANNEL: {
                "address": address.path or "/",
                "title": "Events",
                "description": "Each text frame is a JSON object with one event.",
                "servers": [{"$ref": "#/servers/local"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {},
        "components": {
            "messages": {name: _message(each, name, keys) for name, each in zip(names, events, strict=True)},
            "schemas": {name: _schema(each.schema, name) for name, each in zip(names, events, strict=True)},
        },
    }
    for direction, (operation, title) in _OPERATIONS.items():
        chosen = [name for name, each in zip(names, events, strict=True) if each.direction is direction]
        if chosen:
            document["operations"][operation] = {
                "action": action(application, direction),
                "title": title,
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in chosen],
            }
    return document


def _component_names(events: Sequence[DescribedEvent]) -> list[str]:
    """Return a unique name for each event: letters, digits, ``.``, ``-`` and ``_``."""
    names: list[str] = []
    for each in events:
        name = _COMPONENT.sub("_", f"{_DIRECTION_WORDS[each.direction]}.{each.name}")
        candidate, number = name, 1
        while candidate in names:
            number += 1
            candidate = f"{name}.{number}"
        names.append(candidate)
    return names


def _message(event: DescribedEvent, name: str, keys: EnvelopeKeys) -> dict[str, Any]:
    return {
        "name": event.name,
        "title": event.title or event.name,
        **({"summary": event.help} if event.help else {}),
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "required": [keys.event, keys.data],
            "properties": {
                keys.event: {"type": "string", "const": event.name},
                keys.data: {"$ref": f"#/components/schemas/{name}"},
            },
        },
        "examples": [
            {"name": f"example {number}", "payload": {keys.event: event.name, keys.data: each}}
            for number, each in enumerate(event.examples, 1)
        ],
    }


def _schema(schema: Any, name: str) -> Any:
    """Return a schema whose local references point to its place in the document.

    AsyncAPI's schemas are a superset of draft 7, so newer keywords are replaced.
    """
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "$ref" and isinstance(value, str) and value.startswith("#"):
            found[keyword] = f"#/components/schemas/{name}{value[1:]}"
        elif keyword in SINGLE:
            found[keyword] = _schema(value, name)
        elif keyword in LISTS and isinstance(value, list):
            found[keyword] = [_schema(each, name) for each in value]
        elif keyword in MAPS and isinstance(value, dict):
            found[keyword] = {key: _schema(each, name) for key, each in value.items()}
        elif keyword == "pattern" and isinstance(value, str):
            found[keyword] = portable_pattern(value)
        elif keyword not in ("$schema", "$id", "$anchor"):
            found[keyword] = value
    return _as_draft_7(found)


def _as_draft_7(schema: dict[str, Any]) -> dict[str, Any]:
    if "prefixItems" in schema:
        if "items" in schema:
            schema["additionalItems"] = schema.pop("items")
        schema["items"] = schema.pop("prefixItems")
    if "dependentRequired" in schema or "dependentSchemas" in schema:
        required, schemas = schema.pop("dependentRequired", {}), schema.pop("dependentSchemas", {})
        schema["dependencies"] = {**required, **schemas}
        for key in required.keys() & schemas.keys():  # draft 7 has one keyword for both
            schema["dependencies"][key] = {"allOf": [{"required": required[key]}, schemas[key]]}
    if "$ref" in schema and len(schema) > 1:  # draft 7 ignores what is beside a reference
        schema = {"allOf": [{"$ref": schema.pop("$ref")}, *schema.pop("allOf", [])], **schema}
    return schema


def action(application: Application, direction: Direction) -> str:
    """Return what an application does with events of a direction: ``send`` or ``receive``."""
    sends = Direction.TO_UI if application is Application.BACKEND else Direction.FROM_UI
    return "send" if direction is sends else "receive"
