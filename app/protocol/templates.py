"""Replace templates in an event's data or in a raw frame by values. They are placeholders such as ``{{now-5m}}``.
Texts that only look like a template stay, and ``invalid_templates`` lists them for a warning.

``NAMES`` and ``FAKER`` list the templates. ``{{braces}}`` is an escape: ``escaped`` makes data that becomes the
original data when it is expanded. The number of templates and the size of the result are limited.
"""

import re
import uuid
from collections.abc import Generator, Iterator
from functools import lru_cache
from random import Random, SystemRandom
from typing import Any

from msgspec import Struct, field

from app.protocol.times import utc

UUID = "{{uuid}}"
NOW = "{{now}}"
ME = "{{me}}"
PERSONA = "{{persona}}"
BRACES = "{{braces}}"
"""The escape: its value is ``{{``."""

BY_FORMAT = {"uuid": UUID, "date-time": NOW}
"""The template that generates a value, by JSON Schema format."""

FAKER = (
    "sentence", "paragraph", "text", "word", "name", "first_name", "last_name", "user_name", "email", "url",
    "emoji", "city", "country", "company", "job", "catch_phrase", "color_name", "phone_number",
)  # fmt: skip
"""The providers that ``{{faker.…}}`` supports, with the names that the faker library uses."""

NAMES = ("uuid", "now", "me", "persona", "seq", "braces")
"""The names of the other templates."""

MAX_TEMPLATES = 200
"""More templates in one event or frame are an error, because generating values takes time on the event loop."""
MAX_EXPANDED_BYTES = 1024 * 1024
"""More text in the expanded event or frame is an error."""

_TEMPLATE = re.compile(r"\{\{ *([a-z_]+(?:\.[a-z_]+)?)(?:([+-])([0-9]{1,9})([smhd]))? *\}\}")
_LOOKS_LIKE_ONE = re.compile(r"\{\{[^{}]{0,60}\}\}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TemplateError(ValueError):
    """Too many templates, or too much expanded text. The text is shown to users."""


class TemplateContext(Struct, frozen=True):
    """The values that templates use. ``wall`` is the current time in seconds since the epoch."""

    wall: float
    me: str = "me"
    persona: str = "alice"
    seq: int = 1
    """The number of the event in this run, starting at 1."""
    random: Random = field(default_factory=SystemRandom)
    """The source of random values. A seeded one yields the same values each time."""
    preview: bool = False
    """Use the name of a ``{{faker.…}}`` template as its value, which is enough to validate an event."""


def iso(wall: float) -> str:
    """Format seconds since the epoch as the guide does, with milliseconds: ``2024-01-15T10:30:00.000Z``."""
    return utc(wall).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def expand(data: Any, context: TemplateContext) -> Generator[None, None, Any]:
    """Expand every template in ``data``. Yield after each one, so that the caller can yield to the event loop.

    The generator's return value is the result. Text that only looks like a template is kept. Raises
    ``TemplateError`` if there are more than ``MAX_TEMPLATES`` templates or ``MAX_EXPANDED_BYTES`` of text.
    """
    found = count_templates(data)
    if found > MAX_TEMPLATES:
        raise TemplateError(f"{found:,} templates; at most {MAX_TEMPLATES} are allowed")
    if not found:
        return data
    return (yield from _expand(data, context, _Size()))


def resolve(data: Any, context: TemplateContext) -> Any:
    """Expand every template in ``data`` without pauses, and return the result. Raises ``TemplateError``."""
    steps = expand(data, context)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def count_templates(data: Any) -> int:
    """Return the number of templates in ``data``."""
    return sum(sum(map(_is_known, _TEMPLATE.finditer(text))) for text in _texts(data))


def uses_faker(data: Any) -> bool:
    """Return whether ``data`` contains ``{{faker.…}}``."""
    return any("faker." in text for text in _texts(data))


def load_faker() -> None:
    """Import the library for ``{{faker.…}}``. This takes too long for the event loop: call it in a thread."""
    _faker()


def escaped(data: Any) -> Any:
    """Return data that ``expand`` turns into ``data``: each ``{{`` of a template becomes ``{{braces}}``."""
    match data:
        case dict():
            return {key: escaped(value) for key, value in data.items()}
        case list():
            return [escaped(value) for value in data]
        case str() if "{{" in data:
            return _TEMPLATE.sub(lambda found: BRACES + found[0][2:] if _is_known(found) else found[0], data)
    return data


def invalid_templates(data: Any, context: TemplateContext) -> list[str]:
    """Return the parts of data that look like a template but are not replaced, such as ``{{persna}}``."""

    def replaced(found: re.Match[str]) -> str:
        return "" if found[1] == "braces" else _value(found, context)

    return [each for text in _texts(data) for each in _LOOKS_LIKE_ONE.findall(_TEMPLATE.sub(replaced, text))]


class _Size:
    """Count the bytes of the expanded text, and enforce the limit."""

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
    """Yield every text in ``data`` that contains ``{{``."""
    pending = [data]
    while pending:
        match pending.pop():
            case dict() as fields:
                pending.extend(reversed(fields.values()))
            case list() as values:
                pending.extend(reversed(values))
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
        return _shifted_now(found, context.wall, int(f"{sign}{amount}") * _SECONDS[unit])
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
        case "braces":
            return "{{"
    family, _, provider = name.partition(".")
    if family == "faker" and provider in FAKER:
        return provider if context.preview else _fake(provider, context.random)
    return found[0]


def _shifted_now(found: re.Match[str], wall: float, shift: int) -> str:
    try:
        return iso(wall + shift) if found[1] == "now" else found[0]
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        return found[0]


@lru_cache(maxsize=1)
def _faker() -> Any:
    from faker import Faker  # imported only if needed, because it takes long

    return Faker("en_US")


def _fake(provider: str, random: Random) -> str:
    faker = _faker()
    faker.seed_instance(random.getrandbits(64))
    return str(faker.format(provider))
