"""Values that are made at fire time: ``{{uuid}}``, ``{{now-5m}}``, ``{{persona}}`` inside an event's data."""

import re
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random, SystemRandom
from typing import Any

from app.protocol.times import utc

UUID = "{{uuid}}"
NOW = "{{now}}"
ME = "{{me}}"
PERSONA = "{{persona}}"

BY_FORMAT = {"uuid": UUID, "date-time": NOW}
"""JSON Schema format → the template that makes a fresh value of it."""

FAKER = (
    "sentence", "paragraph", "text", "word", "name", "first_name", "last_name", "user_name", "email", "url",
    "emoji", "city", "country", "company", "job", "catch_phrase", "color_name", "phone_number",
)  # fmt: skip
"""What ``{{faker.…}}`` offers, by faker's own names."""

NAMES = ("uuid", "now", "me", "persona", "seq")
"""The templates without a dot."""

MAX_TEMPLATES = 200
"""More templates in one event or frame are an error: to make their values takes time on the event loop."""
MAX_EXPANDED_BYTES = 1024 * 1024

_TEMPLATE = re.compile(r"\{\{ *([a-z_]+(?:\.[a-z_]+)?)(?:([+-])([0-9]{1,9})([smhd]))? *\}\}")
_LOOKS_LIKE_ONE = re.compile(r"\{\{[^{}]{0,60}\}\}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TemplateError(ValueError):
    """Too many templates, or too much text once they are expanded. The text is for people."""


@dataclass(frozen=True)
class TemplateContext:
    """What templates are made of. ``wall`` is now, in seconds since the epoch."""

    wall: float
    me: str = "me"
    persona: str = "alice"
    seq: int = 1
    """Which event of this run it is, counted from 1."""
    random: Random = field(default_factory=SystemRandom)
    """Seeded, it makes the same values again."""
    preview: bool = False
    """Use the name of a ``{{faker.…}}`` template as its value, which is enough to validate an event."""


def iso(wall: float) -> str:
    """Return seconds since the epoch as the guide writes time: ``2024-01-15T10:30:00Z``, with milliseconds."""
    return utc(wall).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def expand(data: Any, context: TemplateContext) -> Generator[None, None, Any]:
    """Replace every template in ``data``, and yield after each, so that the caller can pause.

    The generator's return value is the result. Text that only looks like a template stays as it is. Raise
    ``TemplateError`` for more than ``MAX_TEMPLATES`` templates, and for over ``MAX_EXPANDED_BYTES`` of text.
    """
    found = count_templates(data)
    if found > MAX_TEMPLATES:
        raise TemplateError(f"{found:,} templates; at most {MAX_TEMPLATES} are allowed")
    if not found:
        return data
    return (yield from _expand(data, context, _Size()))


def resolve(data: Any, context: TemplateContext) -> Any:
    """Run ``expand`` to its end and return the result."""
    steps = expand(data, context)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def count_templates(data: Any) -> int:
    """Return how many templates ``data`` contains."""
    return sum(sum(map(_is_known, _TEMPLATE.finditer(text))) for text in _texts(data))


def uses_faker(data: Any) -> bool:
    """Return whether ``data`` contains ``{{faker.…}}``."""
    return any("faker." in text for text in _texts(data))


def load_faker() -> None:
    """Load the library behind ``{{faker.…}}``. This takes too long for the event loop: call it in a thread."""
    _faker()


def invalid_templates(data: Any) -> list[str]:
    """Return what looks like a template in expanded data but is not one."""
    return [each for text in _texts(data) for each in _LOOKS_LIKE_ONE.findall(text)]


class _Size:
    """Counts the bytes of the expanded text."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, text: str) -> str:
        self._bytes += len(text.encode(errors="surrogatepass"))
        if self._bytes > MAX_EXPANDED_BYTES:
            raise TemplateError(f"over {MAX_EXPANDED_BYTES // 1024:,} KiB of text once its templates are expanded")
        return text


def _expand(data: Any, context: TemplateContext, size: _Size) -> Generator[None, None, Any]:
    match data:
        case dict():
            expanded = {}
            for key, value in data.items():
                expanded[size.add(key)] = yield from _expand(value, context, size)
            return expanded
        case list():
            values = []
            for value in data:
                values.append((yield from _expand(value, context, size)))
            return values
        case str():
            return (yield from _expand_text(data, context, size))
    return data


def _expand_text(text: str, context: TemplateContext, size: _Size) -> Generator[None, None, str]:
    parts, end = [], 0
    for found in _TEMPLATE.finditer(text) if "{{" in text else ():
        parts += [size.add(text[end : found.start()]), size.add(_value(found, context))]
        end = found.end()
        yield
    parts.append(size.add(text[end:]))
    return "".join(parts)


def _texts(data: Any) -> Iterator[str]:
    """Yield every text in ``data`` that may contain a template."""
    waiting = [data]
    while waiting:
        match waiting.pop():
            case dict() as fields:
                waiting.extend(reversed(fields.values()))
            case list() as values:
                waiting.extend(reversed(values))
            case str() as text if "{{" in text:
                yield text


def _is_known(found: re.Match[str]) -> bool:
    family, _, name = found[1].partition(".")
    if found[2]:
        return found[1] == "now"
    return name in FAKER if family == "faker" else not name and family in NAMES


def _value(found: re.Match[str], context: TemplateContext) -> str:
    name, sign, amount, unit = found.groups()
    if sign:
        return _moment(found, context.wall, int(f"{sign}{amount}") * _SECONDS[unit])
    match name:
        case "uuid":
            return str(uuid.UUID(int=context.random.getrandbits(128), version=4))
        case "now":
            return iso(context.wall)
        case "me":
            return context.me
        case "persona":
            return context.persona
        case "seq":
            return str(context.seq)
    family, _, what = name.partition(".")
    if family == "faker" and what in FAKER:
        return what if context.preview else _fake(what, context.random)
    return found[0]


def _moment(found: re.Match[str], wall: float, shift: int) -> str:
    try:
        return iso(wall + shift) if found[1] == "now" else found[0]
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        return found[0]


@lru_cache(maxsize=1)
def _faker() -> Any:
    from faker import Faker  # most events need none, and it takes a while to load

    return Faker("en_US")


def _fake(what: str, random: Random) -> str:
    faker = _faker()
    faker.seed_instance(random.getrandbits(64))
    return str(faker.format(what))
