"""Recognize the events that the payload schema of an AsyncAPI message describes, for the import.
The schema is that of an envelope (an object with the event's name, and the data in a field of its own or beside the
name), of a union of such envelopes, perhaps beside common fields, or of the data alone; the event then has the name
of the message.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from app.protocol.asyncapi_import.document import Document, InvalidAsyncApi
from app.protocol.contract_documents.described_event import EnvelopeKeys
from app.protocol.event_files.problems import inner_path, short

MAX_DEPTH = 8
MAX_ALTERNATIVES = 500
_NAME_KEYS = ("event", "type", "kind", "action", "name", "op", "event_type", "eventType", "messageType", "method")
_DATA_KEYS = ("data", "payload", "body", "params", "content", "detail")
_FORMATS = ("asyncapi", "schema+json", "schema+yaml")


class Payload(Struct, frozen=True, kw_only=True):
    """An event in a payload. ``schema`` is that of its data, a node of the document at ``place``.

    ``keys`` are the names of the keys of the envelope; None if the payload has none. The one of the data is empty
    if the envelope has no data. ``flat``: the fields of the
    event are beside its name. ``required``: further fields that the envelope requires.
    """

    name: str
    schema: Any
    place: str
    keys: EnvelopeKeys | None
    flat: bool = False
    required: list[str] = field(default_factory=list)


class _Shape(Struct):
    """The fields of an object, those of ``allOf`` included."""

    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)


def payloads(document: Document, node: Any, place: str, name: str, keys: EnvelopeKeys) -> list[Payload]:
    """Return the events in a payload. ``name`` is that of the message, for a payload without an envelope.

    ``keys`` are the keys of an envelope that are tried first. Raises ``InvalidAsyncApi``.
    """
    found: list[Payload] = []
    name_keys = list(dict.fromkeys((keys.event, *_NAME_KEYS)))
    for each, there in _schemas(document, node, place, name_keys):
        found += _events(document, each, there, name, keys, name_keys)
        if len(found) > MAX_ALTERNATIVES:
            raise InvalidAsyncApi(f"{short(place)} has more than {MAX_ALTERNATIVES} alternatives, the maximum.")
    return found


def unusual_envelope(document: Document, nodes: Iterable[tuple[Any, str]]) -> EnvelopeKeys | None:
    """Return the keys of an envelope whose names are not among the usual ones, such as ``op`` and ``d``.

    ``nodes`` are the payloads of all messages with their places. All of them must agree on the two fields: a
    constant text, and one that is an object in at least one event and may be absent. If they do not agree, the
    object is an ordinary field beside the event's name, and the result is None. Raises ``InvalidAsyncApi``.
    """
    found: set[EnvelopeKeys] = set()
    name_keys: set[str] = set()
    any_object = False
    for node, place in nodes:
        for number, (schema, where) in enumerate(_schemas(document, node, place, ())):
            shape = _shape(document, schema, where, 0)
            constants = [key for key, each in shape.properties.items() if _names(document, each, where)]
            if len(constants) != 1 or number > MAX_ALTERNATIVES:
                return None
            others = [key for key in shape.properties if key != constants[0]]
            if len(others) > 1:
                return None
            any_object = any_object or any(_is_object(document, shape.properties[key], where) for key in others)
            name_keys.add(constants[0])
            found.update(EnvelopeKeys(event=constants[0], data=key) for key in others)
    return found.pop() if any_object and len(found) == len(name_keys) == 1 else None


def _schemas(document: Document, node: Any, place: str, name_keys: Sequence[str]) -> Iterator[tuple[Any, str]]:
    """Yield the schema of a payload with its place, or those that it is a union of. Raises ``InvalidAsyncApi``.

    ``name_keys`` are the keys that an event's name may have, the preferred ones first; empty: any key.
    """
    schema, where = document.follow(node, place)
    if isinstance(schema, dict) and "schemaFormat" in schema:
        form = str(schema["schemaFormat"])
        if not any(each in form for each in _FORMATS):
            raise InvalidAsyncApi(f"{short(place)} has the format {short(form)}. Only JSON Schema is supported.")
        schema, where = document.follow(schema.get("schema"), f"{place}.schema")
    yield from _alternatives(document, schema, where, name_keys, 0)


def _alternatives(
    document: Document, schema: Any, place: str, name_keys: Sequence[str], depth: int
) -> Iterator[tuple[Any, str]]:
    """Yield a schema, or the schemas that it is a union of, with the common fields that are beside the union.

    A union beside fields is only split if its alternatives name the event. Otherwise, it belongs to the data.
    """
    for common, choices, there in _unions(document, schema, place, depth):
        found = (
            alternative
            for number, each in enumerate(choices)
            for alternative in _alternatives(
                document, *document.follow(each, inner_path(there, f".{number}")), name_keys, depth + 1
            )
        )
        if "properties" not in common and "allOf" not in common:
            yield from found
            return
        parts = [each for each, _ in found]
        merged = [({"allOf": [common, each]}, inner_path(there, f".{number}")) for number, each in enumerate(parts)]
        if any(_names_event(document, *each, part, name_keys) for each, part in zip(merged, parts, strict=True)):
            yield from merged
            return
    yield schema, place


def _unions(
    document: Document, schema: Any, place: str, depth: int
) -> Iterator[tuple[dict[str, Any], list[Any], str]]:
    """Yield the unions in a schema and its ``allOf``: the schema without the union, the choices and their place."""
    if not isinstance(schema, dict) or depth >= MAX_DEPTH:
        return
    keyword = "oneOf" if "oneOf" in schema else "anyOf"
    choices = schema.get(keyword)
    if isinstance(choices, list) and choices:
        yield {key: value for key, value in schema.items() if key != keyword}, choices, place
    every = schema["allOf"] if isinstance(schema.get("allOf"), list) else []
    for number, each in enumerate(every):
        member, where = document.follow(each, inner_path(place, f".allOf[{number}]"))
        for common, inner, there in _unions(document, member, where, depth + 1):
            yield {**schema, "allOf": [*every[:number], common, *every[number + 1 :]]}, inner, there


def _names_event(document: Document, schema: Any, place: str, part: Any, name_keys: Sequence[str]) -> bool:
    """Return whether ``part`` of a schema, an alternative without the common fields, restricts the event's name."""
    own = _shape(document, part, place, 0)
    if _name_key(document, own, place, name_keys) is None:
        return False
    key = _name_key(document, _shape(document, schema, place, 0), place, name_keys)
    return key in own.properties and bool(_names(document, own.properties[key], place))


def _name_key(document: Document, shape: _Shape, place: str, name_keys: Sequence[str]) -> str | None:
    """Return the key of the event's name, the first one that allows only certain names; None if there is none."""
    found = (key for key in name_keys or shape.properties if key in shape.properties)
    return next((key for key in found if _names(document, shape.properties[key], place)), None)


def _events(
    document: Document, schema: Any, place: str, name: str, keys: EnvelopeKeys, name_keys: Sequence[str]
) -> list[Payload]:
    shape = _shape(document, schema, place, 0)
    name_key = _name_key(document, shape, place, name_keys)
    if name_key is None:
        return [Payload(name=name, schema=schema, place=place, keys=None)]
    data_key = next(
        (key for key in dict.fromkeys((keys.data, *_DATA_KEYS)) if key in shape.properties and key != name_key),
        None,
    )
    others = [each for each in shape.required if each not in (name_key, data_key)]
    rest = {key: each for key, each in shape.properties.items() if key != name_key}
    found = EnvelopeKeys(event=name_key, data=data_key or "")
    flat = bool(rest) and (data_key is None or (len(rest) > 1 and not _is_object(document, rest[data_key], place)))
    if flat:
        required = [each for each in shape.required if each in rest]
        data: Any = {"type": "object", "properties": rest, "required": required}
        others, where = [], place
    elif data_key:
        data, where = rest[data_key], f"{place}.properties.{data_key}"
    else:
        data, where = {"type": "object", "properties": {}}, place
    return [
        Payload(name=each, schema=data, place=where, keys=found, flat=flat, required=others)
        for each in _names(document, shape.properties[name_key], place)
    ]


def _shape(document: Document, node: Any, place: str, depth: int) -> _Shape:
    schema, where = document.follow(node, place)
    shape = _Shape()
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return shape
    every = schema.get("allOf")
    for number, each in enumerate(every if isinstance(every, list) else ()):
        inner = _shape(document, each, f"{where}.allOf[{number}]", depth + 1)
        _add_properties(shape, inner.properties)
        shape.required += inner.required
    properties = schema.get("properties")
    _add_properties(shape, properties if isinstance(properties, dict) else {})
    required = schema.get("required")
    shape.required += [each for each in required if isinstance(each, str)] if isinstance(required, list) else []
    shape.required = list(dict.fromkeys(shape.required))
    return shape


def _add_properties(shape: _Shape, properties: dict[str, Any]) -> None:
    """Add fields. If a field exists already, it must satisfy both schemas; often one of them has only a type."""
    for key, value in properties.items():
        before = shape.properties.get(key)
        if before is None or _is_vague(before):
            shape.properties[key] = value
        elif not _is_vague(value):
            shape.properties[key] = value if value == before else {"allOf": [before, value]}


def _is_vague(schema: Any) -> bool:
    return schema is True or (isinstance(schema, dict) and schema.keys() <= {"type", "description", "title"})


def _names(document: Document, node: Any, place: str, depth: int = 0) -> list[str]:
    """Return the names that a discriminator allows; none if it allows other values too."""
    schema, _ = document.follow(node, place)
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return []
    if isinstance(schema.get("const"), str):
        return [schema["const"]]
    every, values = schema.get("allOf"), schema.get("enum")
    lists = [_names(document, each, place, depth + 1) for each in (every if isinstance(every, list) else ())]
    if isinstance(values, list) and all(isinstance(each, str) and each for each in values):
        lists.append(values)
    first, *others = [each for each in lists if each] or [[]]
    common = set(first).intersection(*others)
    return [each for each in first if each in common]


def _is_object(document: Document, node: Any, place: str) -> bool:
    """Return whether the data of an envelope can be an object."""
    schema, _ = document.follow(node, place)
    if not isinstance(schema, dict):
        return schema is True
    kind = schema.get("type", "object")
    return kind == "object" and not ("const" in schema or "enum" in schema)
