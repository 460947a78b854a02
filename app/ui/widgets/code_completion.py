"""Return completions for the text before the cursor in the JSON editor: templates after ``{{``, and some values.
A template is a placeholder such as ``{{uuid}}``. The values are event names, user names, and texts of enumerations
in the contract (the definitions of all events); ``offers_of`` collects those of events to the UI, by field name.
``transcript_completion`` uses this module for scenarios.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.protocol import templates
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction

TEMPLATES = (*templates.NAMES, "now-5m", *(f"faker.{name}" for name in templates.FAKER))
MAX_CONTEXT_CHARS = 500
"""Only this much text before the cursor is examined."""

_TEMPLATE = re.compile(r"\{\{ *([a-z_.0-9+-]*)$")
_VALUE = re.compile(r'"([^"\\]+)"\s*:\s*"([^"\\]*)$')


class Offers(NamedTuple):
    """What the editor offers: templates, and values by the name of their field."""

    templates: Sequence[str] = ()
    values: Mapping[str, Sequence[str]] = {}


class Completions(NamedTuple):
    """The completions at a place: the part that is written already, the choices, and the text that closes one."""

    written: str = ""
    choices: Sequence[str] = ()
    closing: str = ""


def completions(before: str, offers: Offers) -> Completions:
    """Return the completions for a line's text before the cursor."""
    before = before[-MAX_CONTEXT_CHARS:]
    if found := _TEMPLATE.search(before):
        return Completions(found[1], _starting_with(found[1], offers.templates), "}}")
    if found := _VALUE.search(before):
        return Completions(found[2], _starting_with(found[2], map(_escaped, offers.values.get(found[1], ()))), '"')
    return Completions()


def _escaped(value: str) -> str:
    """Return a value as it is written in a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _starting_with(written: str, choices: Iterable[str]) -> list[str]:
    wanted = written.casefold()
    found = [each for each in choices if each.casefold().startswith(wanted)]
    return [] if found == [written] else found


def offers_of(
    catalog: Catalog, users: Sequence[str], *, with_templates: bool, direction: Direction = Direction.TO_UI
) -> Offers:
    """Return what can be completed in an event: event names, users, and the values of enumerations."""
    values: dict[str, list[str]] = {}
    for each in catalog:
        if each.direction is direction:
            for name, schema in _properties(each.schema):
                if schema.get("format") == "username":
                    values.setdefault(name, []).extend(users)
                elif "enum" in schema:
                    choices = [choice for choice in schema["enum"] if isinstance(choice, str)]
                    values.setdefault(name, []).extend(choices)
    offered: dict[str, Sequence[str]] = {name: list(dict.fromkeys(found)) for name, found in values.items()}
    offered["event"] = catalog.names(direction)  # a field of this name has no completions of its own
    return Offers(TEMPLATES if with_templates else (), offered)


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in (schema, *schema.get("$defs", {}).values()):
        properties = each.get("properties", {}) if isinstance(each, dict) else {}  # true and false are schemas, too
        yield from ((name, inner) for name, inner in properties.items() if isinstance(inner, dict))
