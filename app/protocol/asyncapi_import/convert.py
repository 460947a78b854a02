"""Convert an AsyncAPI 3.x document to event files: one file per event and direction.
The files are returned as names and texts, with notes on what was guessed or left out; ``storage.imported_events``
writes them. An event that is built in with the same fields gets no file.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from app.protocol.asyncapi_import.document import Document, InvalidAsyncApi, read_document
from app.protocol.asyncapi_import.imported_file import Imported, ImportedEvent
from app.protocol.asyncapi_import.known_parts import additions
from app.protocol.asyncapi_import.messages import Message, described_application, messages
from app.protocol.asyncapi_import.payloads import Payload, payloads, unusual_envelope
from app.protocol.asyncapi_import.schemas import SchemaBundle
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.described_event import EnvelopeKeys
from app.protocol.contract_documents.typescript_types import TypeScriptTypes
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_files.problems import InvalidEventFile, short
from app.protocol.event_files.references import resolved
from app.protocol.event_files.schema_check import schema_errors
from app.protocol.file_names import BadName, valid_name

MAX_EVENTS = 500
MAX_EXAMPLES = 10
WORDS = {Direction.TO_UI: "to_ui", Direction.FROM_UI: "from_ui"}
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def import_asyncapi(
    text: str,
    built_in: Catalog,
    application: Application | None = None,
    keys: EnvelopeKeys | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> Imported:
    """Return the event files for a document.

    ``application`` is the one that the document describes; None: guess it from the title. ``keys`` are the keys of
    a frame that are in use. ``go_on`` is called again and again, and may raise an exception to end the import.
    Raises ``InvalidAsyncApi``, and nothing else, if nothing can be imported.
    """
    document = read_document(text, go_on)
    described = application or described_application(document)
    converter = _Converter(document, built_in, keys or EnvelopeKeys())
    if application is None:
        converter.notes.append(
            f"The document describes the {described.value}, judging by its title, so what it sends goes "
            f"{'to' if described is Application.BACKEND else 'from'} the UI. Use --as if that is wrong."
        )
    converter.add_all(messages(document, described))
    converter.note_envelopes()
    if not converter.events and not converter.known:
        raise InvalidAsyncApi(" ".join(["No event could be imported.", *converter.notes]))
    return Imported(
        application=described, keys=converter.document_keys, events=list(converter.events.values()),
        notes=converter.notes,
    )  # fmt: skip


class _Converter:
    """Collects the events of a document."""

    def __init__(self, document: Document, built_in: Catalog, keys: EnvelopeKeys) -> None:
        self._document = document
        self._built_in = built_in
        self._keys = keys
        self._found_keys: list[EnvelopeKeys] = []
        self._extra: dict[str, list[str]] = {}
        self._flat: list[str] = []
        self._seen: set[tuple[Direction, str, str]] = set()
        """The events so far, each with its place in the document."""
        self.events: dict[tuple[Direction, str], ImportedEvent] = {}
        self.known = 0
        """The number of events that are built in with the same fields."""
        self.notes: list[str] = []

    @property
    def document_keys(self) -> EnvelopeKeys:
        """The keys of the first envelope; those in use if there is none."""
        return next(iter(self._envelopes()), self._keys)

    def _envelopes(self) -> list[EnvelopeKeys]:
        """Return the keys of the envelopes. An event without data fits every envelope with its key of the name."""
        complete = [each for each in self._found_keys if each.data]
        names = {each.event for each in complete}
        others = [each.event for each in self._found_keys if each.event not in names]
        return [*complete, *(EnvelopeKeys(event=name, data=self._keys.data) for name in others)]

    def add_all(self, found: list[Message]) -> None:
        """Add the events of all messages. Raises ``InvalidAsyncApi`` for an invalid reference."""
        nodes = [(each.content["payload"], each.payload_place) for each in found if "payload" in each.content]
        keys = unusual_envelope(self._document, nodes) or self._keys
        for each in found:
            self._add_message(each, keys)

    def _add_message(self, message: Message, keys: EnvelopeKeys) -> None:
        if "payload" not in message.content:
            self.notes.append(f"{short(message.name)} was left out: the message has no payload.")
            return
        place = message.payload_place
        for each in payloads(self._document, message.content["payload"], place, message.name, keys):
            self._add(message, each)
            if len(self.events) > MAX_EVENTS:
                raise InvalidAsyncApi(f"The document has more than {MAX_EVENTS} events. Import a part of it.")

    def _add(self, message: Message, payload: Payload) -> None:
        title = f"{short(payload.name)} ({WORDS[message.direction]})"
        key = message.direction, payload.name
        if (*key, payload.place) in self._seen:  # the same schema in another message
            return
        self._seen.add((*key, payload.place))
        if key in self.events:
            self.notes.append(f"{title} is described twice. The first description is used.")
            return
        node, _ = self._document.follow(payload.schema, payload.place)
        if isinstance(node, dict) and node.get("type", "object") != "object":
            self.notes.append(f"{title} was left out: its data is {short(node['type'])}, and must be an object.")
            return
        bundle = SchemaBundle(self._document)
        schema = bundle.convert(payload.schema, payload.place)
        content = self._content(message, payload, schema)
        if content is None:
            self._note_envelope(payload)
            return
        if not (text := self._valid(content, message, payload, title)):
            return
        if bundle.recursive:
            names = ", ".join(map(short, bundle.recursive))
            self.notes.append(f"{title}: recursive types are not checked further: {names}.")
        self.events[key] = ImportedEvent(
            file=self._file_name(payload.name, message.direction), event=payload.name, direction=message.direction,
            text=text,
        )  # fmt: skip
        self._note_envelope(payload)

    def _content(self, message: Message, payload: Payload, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Return the content of the file without examples; None if the built-in event is the same."""
        direction = WORDS[message.direction]
        known = self._built_in.get(message.direction, payload.name)
        head: dict[str, Any] = {"event": payload.name, "direction": direction}
        if known and schema_errors(schema, "data"):
            head = {"extends": payload.name, "direction": direction}  # the caller refuses it
        elif known:
            if _type(schema) == _type(known.schema):
                self.known += 1
                self.notes.append(f"{payload.name} ({direction}) is built in, with the same fields.")
                return None
            head = {"extends": payload.name, "direction": direction}
            if used := known.schema.get("$defs", {}):  # names that an extension cannot use
                schema = SchemaBundle(self._document, used).convert(payload.schema, payload.place)
            schema = additions(schema, known.schema)
        texts = {"title": 200, "description": 2_000}
        about = {
            key: value[:limit]
            for key, limit in texts.items()
            if isinstance(value := message.content.get(key, message.content.get("summary")), str) and value.strip()
        }
        if about.get("title") == about.get("description"):
            about.pop("title", None)
        return {"$schema": "event.schema.json", **head, **about, "data": schema}

    def _valid(self, content: dict[str, Any], message: Message, payload: Payload, title: str) -> str:
        """Return the text of the file, with the examples that are valid. Empty if the file would not be valid."""
        try:
            self._check(content)
        except InvalidEventFile as error:
            first = error.problems[0]
            where = f"{first.path}: " if first.path else ""
            self.notes.append(f"{title} was left out: {where}{first.message.rstrip('.?')}.")
            return ""
        examples: list[dict[str, Any]] = []
        found = chain(_examples(message, payload), () if payload.flat else _schema_examples(content["data"]))
        for each in islice(found, MAX_EXAMPLES):
            if each in examples:
                continue
            try:
                self._check({**content, "examples": [each]})
            except InvalidEventFile as error:
                self.notes.append(f"{title}: an example was left out: {error.problems[0].message.rstrip('.')}.")
            else:
                examples.append(each)
        return _text({**content, "examples": examples} if examples else content)

    def _check(self, content: dict[str, Any]) -> None:
        """Raise ``InvalidEventFile`` if the content of a file is not valid."""
        text = _text(content)
        self._document.count_text(text)
        parse_event_file("event.json", text, self._built_in)

    def _file_name(self, event: str, direction: Direction) -> str:
        name = _NOT_IN_NAME.sub("-", event).strip("-._")[:50] or "event"
        try:
            valid_name(name, "event")
        except BadName:
            name = f"event-{name}".rstrip("-.")
        taken = {each.file.casefold() for each in self.events.values()}
        for candidate in (f"{name}.json", f"{name}.{WORDS[direction]}.json"):
            if candidate.casefold() not in taken:
                return candidate
        number = 2
        while f"{name}-{number}.json".casefold() in taken:
            number += 1
        return f"{name}-{number}.json"

    def _note_envelope(self, payload: Payload) -> None:
        if payload.flat:
            self._flat.append(payload.name)
        elif payload.keys and payload.keys not in self._found_keys:
            self._found_keys.append(payload.keys)
        if payload.required:
            self._extra[payload.name] = payload.required

    def note_envelopes(self) -> None:
        """Add notes about envelopes that differ from the one in use."""
        found = self._envelopes()
        if len(found) > 1:
            keys = ", ".join(f"{each.event}/{each.data}" for each in found)
            self.notes.append(
                f"The document has several envelopes ({keys}). The companion uses one envelope for all events."
            )
        elif found and found[0] != self._keys:
            event, data = found[0].event, found[0].data
            self.notes.append(
                f"The document's frames have the keys {short(event)} and {short(data)}. To send such frames, use "
                f"companion server settings envelope_event_key={short(event)} envelope_data_key={short(data)}."
            )
        if self._flat:
            names = ", ".join(map(short, self._flat[:5]))
            more = f" and {len(self._flat) - 5} more" if len(self._flat) > 5 else ""
            self.notes.append(
                f"{names}{more}: the fields are beside the event's name in the document; in the companion's "
                f"frames, they are in {self._keys.data}."
            )
        if self._extra:
            name, fields = next(iter(self._extra.items()))
            self.notes.append(
                f"The envelope also requires {', '.join(map(short, fields))} (for example of {short(name)}), which "
                "the companion does not send."
            )


def _type(schema: dict[str, Any]) -> list[str]:
    """Return a schema as TypeScript, with the types that it refers to."""
    types = TypeScriptTypes(comments=False)
    return [types.text(schema, schema), *types.declarations]


def _examples(message: Message, payload: Payload) -> Iterator[dict[str, Any]]:
    """Yield the data of the examples of a message that are about this event."""
    given = message.content.get("examples")
    for each in given if isinstance(given, list) else ():
        frame = each.get("payload") if isinstance(each, dict) else None
        if not isinstance(frame, dict):
            continue
        if payload.keys is None:
            yield frame
        elif frame.get(payload.keys.event) == payload.name:
            rest = {key: value for key, value in frame.items() if key != payload.keys.event}
            data = rest if payload.flat else frame.get(payload.keys.data, {})
            if isinstance(data, dict):
                yield data


def _schema_examples(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the examples that the schema of an event's data contains."""
    given = resolved(schema, schema).get("examples")
    yield from (each for each in (given if isinstance(given, list) else ()) if isinstance(each, dict))


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
