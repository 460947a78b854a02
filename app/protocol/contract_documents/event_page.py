"""The contract as a page in Markdown: each event with its fields, an example and its effect."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys
from app.protocol.contract_documents.schema_parts import referenced
from app.protocol.contract_documents.typescript_types import TypeScriptTypes

MAX_DEPTH = 4
"""Fields that are nested deeper are described by the type of the field around them."""
_HEADINGS = {Direction.TO_UI: "Events to the UI", Direction.FROM_UI: "Events from the UI"}
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|#~&"})


def event_page(events: Sequence[DescribedEvent], keys: EnvelopeKeys | None = None) -> str:
    """Return the page. Texts of events are escaped, so that they are shown as they are."""
    keys = keys or EnvelopeKeys()
    lines = ["# Your events", "", "The events that the chat UI receives and sends.", ""]
    for direction, heading in _HEADINGS.items():
        lines += [f"## {heading}", ""]
        chosen = [each for each in events if each.direction is direction]
        lines += [] if chosen else ["None.", ""]
        for each in chosen:
            lines += [*_event(each, keys), ""]
    return "\n".join(lines).rstrip() + "\n"


def _event(event: DescribedEvent, keys: EnvelopeKeys) -> Iterator[str]:
    yield f"### {_code(event.name)}"
    yield ""
    if event.title:
        yield f"**{_escaped(event.title)}**"
        yield ""
    if event.help:
        yield _escaped(event.help)
        yield ""
    if rows := list(_fields(event.schema, event.schema, "", 0)):
        yield "| Field | Type | Required | Description |"
        yield "|---|---|---|---|"
        yield from rows
        yield ""
    if event.effect:
        yield _escaped(f"Effect: {event.effect}.")
        yield ""
    for example in event.examples[:1]:
        yield "```json"
        yield json.dumps({keys.event: event.name, keys.data: example}, indent=2, ensure_ascii=False)
        yield "```"


def _fields(schema: Any, root: Any, path: str, depth: int) -> Iterator[str]:
    """Yield a row of the table for each field of an object, and for those within it."""
    inner = referenced(schema, root)
    if not isinstance(inner, dict) or depth > MAX_DEPTH:
        return
    properties = inner.get("properties")
    for name, each in properties.items() if isinstance(properties, dict) else ():
        field = referenced(each, root)
        about = [each.get("description") if isinstance(each, dict) else None]
        about += [field.get("description") if isinstance(field, dict) else None]
        text = next((found for found in about if isinstance(found, str)), "")
        needed = "yes" if name in inner.get("required", ()) else "no"
        place = f"{path}{name}"
        yield f"| {_code(place)} | {_type_cell(each, root)} | {needed} | {_escaped(text)} |"
        yield from _fields(field, root, f"{place}.", depth + 1)
        if isinstance(field, dict) and isinstance(field.get("items"), dict):
            yield from _fields(field["items"], root, f"{place}[].", depth + 1)


def _type_cell(schema: Any, root: Any) -> str:
    """Return a type for a cell: as code, unless it has a bar, whose escape some viewers show in code."""
    text = TypeScriptTypes(comments=False).text(schema, root)
    return _escaped(text) if "|" in text else _code(text)


def _code(text: str) -> str:
    """Return a code span. In a cell of a table, a bar needs an escape."""
    visible = " ".join(text.split()).replace("|", "\\|")
    if "`" not in visible:
        return f"`{visible}`"
    fence = "`" * (max(map(len, re.findall("`+", visible))) + 1)
    return f"{fence} {visible} {fence}"


def _escaped(text: str) -> str:
    return " ".join(text.split()).translate(_SPECIAL)
