"""Values that are made at fire time: ``{{uuid}}``, ``{{now-5m}}``, ``{{persona}}`` inside an event's data."""

import re
import uuid
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

_TEMPLATE = re.compile(r"\{\{ *([a-z_]+(?:\.[a-z_]+)?)(?:([+-])([0-9]{1,9})([smhd]))? *\}\}")
_LOOKS_LIKE_ONE = re.compile(r"\{\{[^{}]{0,60}\}\}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Context:
    """What templates are made of. ``wall`` is now, in seconds since the epoch."""

    wall: float
    me: str = "me"
    persona: str = "alice"
    seq: int = 1
    """Which event of this run it is, counted from 1."""
    random: Random = field(default_factory=SystemRandom)
    """Seeded, it makes the same values again."""


def iso(wall: float) -> str:
    """Return seconds since the epoch as the guide writes time: ``2024-01-15T10:30:00Z``, with milliseconds."""
    return utc(wall).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def resolve(data: Any, context: Context) -> Any:
    """Return ``data`` with every template replaced. What is no template of ours stays as it is: it may be meant."""
    match data:
        case dict():
            return {key: resolve(value, context) for key, value in data.items()}
        case list():
            return [resolve(value, context) for value in data]
        case str() if "{{" in data:
            return _TEMPLATE.sub(lambda found: _value(found, context), data)
    return data


def left_over(data: Any) -> list[str]:
    """Return what looks like a template in resolved data, and is none."""
    match data:
        case dict():
            return [each for value in data.values() for each in left_over(value)]
        case list():
            return [each for value in data for each in left_over(value)]
        case str():
            return _LOOKS_LIKE_ONE.findall(data)
    return []


def _value(found: re.Match[str], context: Context) -> str:
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
        return _fake(what, context.random)
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
