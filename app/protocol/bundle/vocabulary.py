"""Lists of words that redaction keeps in a bug report bundle, each only in its place, for example names of fields
and events, words of the program's notes in notes, and names of browsers in a User-Agent. In other texts, such as
chat messages, ``redaction`` replaces the same words with pseudonyms. The names are those of built-in events and of
the program's own formats; those that event files declare are passed to the ``Redactor``.
"""

from typing import Any

import msgspec

from app.protocol.backend import Person
from app.protocol.catalog import built_in
from app.protocol.session.actions import KIND_BY_KEY, ReadyClient
from app.protocol.session.steps import Header

REST_FIELDS = (
    "error", "detail", "username", "peer", "limit", "offset", "messages", "total", "has_more", "friends", "status",
    "ok", "read", "version", "people", "extra", "from", "to", "text", "base64", "rest", "mark", "where", "within",
)  # fmt: skip
NUMBERS = frozenset(("seq", "after", "took", "seed", "recipients", "from_row", "client"))
"""Fields of the lines of a recording whose large numbers stay: row numbers, durations and seeds."""
TIMES = frozenset(("last_seen", "added_at", "timestamp"))
"""Fields whose large numbers stay everywhere: times. In any other field, one may be a phone number."""
USERS = frozenset(("from", "to", "username", "user", "peer"))
"""Fields of chat states, events and REST calls that contain names of users."""
ROUTES = ("status", "friends", "messages", "_companion", "ui-state")
"""Segments of the REST stand-in's paths."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
VERDICTS = ("ok", "warning", "invalid")
ORIGINS = (
    "panel", "tray", "control", "agent", "backend", "priming", "auto-reply", "rest", "peers", "server", "faults",
    "supabase", "scenario", "client", "breakpoint", "row", "fixture", "session", "replay",
)  # fmt: skip
"""Kinds of origins of rows."""

_NOTES = """
a aborted accepted acts added after again all allowed already an and another answer any are armed arrived as at
attempt back be because been before between body breakpoint breakpoints browser but by bytes call came cannot
capacity changed chat cleared client clients close closed code companion connected connection connections
contain contains continued continues control data delay delayed deleted delivered delivery did different
disconnected disk do does drop dropped duplicate each edited empty ended error event events every except
expected expects failed false fast fault faults field fields file files finished fire fired first fixture folder
for forwarded found frame frames friend from full get given got has have held hold http https id identity if
ignored in injected instead interval into invalid is it item its itself json key latency length less limit line
list listen listening loaded localhost lone longer loss lost made main mark match matched matching me message
messages missing more ms must name near needs never new no nobody not null number object of off offline on once
one online only or origin other out own page passed paused peer peers per played policy port presence primed
purpose queue queued rate read reason received recipient recipients reconnect recorded refused reload removed
repeated replaced reported request required reset resolved response rest restored result resumed row rows run s
saved scenario second seconds see send sends sent server session set shown since size so source sources state
status step steps still stopped stored string stub surrogate tauri text than that the their then there they this
time timeout times to token too took true turned type typing ui unicode unknown until url user uses valid value
version waited waits warning was were what when which while who will with within without wrong ws yet you your
"""
NOTES = frozenset(_NOTES.split())
"""Words of the program's notes about rows. Other words of a note are replaced."""

_BROWSERS = """
Mozilla Chrome Chromium HeadlessChrome Firefox Safari Edg AppleWebKit WebKit Gecko KHTML like Windows NT Win64
x64 Macintosh Intel Mac OS X Linux x86 64 aarch64 X11 Version Mobile iPhone iPad Android CPU U rv node undici
Node js Electron Tauri Python websockets aiohttp curl wscat Playwright jsdom
"""
BROWSERS = frozenset(_BROWSERS.split())
"""Words of the User-Agent of common browsers and libraries."""


def field_names() -> frozenset[str]:
    """Return the names of the fields of recordings, chat states, built-in events and REST bodies."""
    structs: list[Any] = [*KIND_BY_KEY.values(), ReadyClient, Header, Person]
    names = {each.encode_name for struct in structs for each in msgspec.structs.fields(struct)}
    for event in built_in():
        names |= declared_names(event.schema)
    return frozenset(names | set(REST_FIELDS) | {"event", "data", "is_peer", "pinned"})


def event_names() -> frozenset[str]:
    """Return the names of the built-in events."""
    return frozenset(each.name for each in built_in())


def field_values() -> dict[str, frozenset[str]]:
    """Return, for fields of built-in events that have a few possible values, these values."""
    found: dict[str, set[str]] = {}
    for event in built_in():
        for name, schema in _properties(event.schema):
            values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
            if texts := {each for each in values if isinstance(each, str)}:
                found.setdefault(name, set()).update(texts)
    return {name: frozenset(values) for name, values in found.items()}


def declared_names(schema: Any) -> set[str]:
    """Return the names of all fields that a JSON Schema declares."""
    return {name for name, _ in _properties(schema)}


def _properties(schema: Any) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(schema, dict):
        fields = schema.get("properties")
        if isinstance(fields, dict):
            found += [(name, each if isinstance(each, dict) else {}) for name, each in fields.items()]
        for each in schema.values():
            found += _properties(each)
    elif isinstance(schema, list):
        for each in schema:
            found += _properties(each)
    return found
