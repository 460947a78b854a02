"""What is wrong with a value, in a person's words: msgspec says it in a programmer's."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

_KINDS = {
    "str": "text",
    "datetime": "a time in text",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_WANTED = {**_KINDS, "int": "a whole number"}
_GIVEN = {**_KINDS, "datetime": "a date", "date": "a date", "time": "a time"}  # TOML has those


class Fault(NamedTuple):
    """``path``: the place within the value (``[1].name``), empty for the value itself; it "must be text", say."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence

    def under(self, name: str) -> str:
        """Return the place within what holds the value under that name."""
        return f"{name}{self.path}" if not self.path or self.path.startswith("[") else f"{name}.{self.path}"


def fault(error: msgspec.ValidationError, choices: Sequence[str] = ()) -> Fault:
    """Return what an error says. ``choices``: what the value may be, where that is a few words."""
    message, _, path = " ".join(str(error).split()).partition(" - at `$")
    return Fault(path.rstrip("`").removeprefix("."), _sentence(message, choices))


def _sentence(message: str, choices: Sequence[str]) -> str:
    if choices:
        return f"must be one of: {', '.join(choices)}"
    for pattern, sentence in _SENTENCES:
        if found := re.match(pattern, message):
            return found.expand(sentence)
    if kinds := re.fullmatch(r"Expected `([\w| ]+)`(?:, got `(\w+)`)?", message):
        want, got = kinds.groups()
        wanted = " or ".join([_WANTED.get(each, each) for each in want.split(" | ")])
        own = got is None or (got == "float" and "int" in want)  # 1.0 is not whole, and no fraction either
        return f"must be {wanted}" + ("" if own else f", not {_GIVEN.get(got, got)}")
    return f"is not right ({message[:1].lower()}{message[1:]})".replace("`", "")


_SENTENCES = [
    # The only pattern in use.
    (r"Expected `str` matching regex", "must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890"),
    (r"Invalid RFC3339", "must be a time like 2024-01-15T10:30:00Z"),
    (r"Expected `datetime` with a timezone", "needs a time zone, like 2024-01-15T10:30:00Z"),
    (r"Expected `\w+` of length >= 1$", "must not be empty"),
    (r"Expected `str` of length <= (\d+)", r"must not be longer than \1 characters"),
    (r"Expected `\w+` >= (\S+?)(\.0)?$", r"must be at least \1"),
    (r"Expected `\w+` <= (\S+?)(\.0)?$", r"must be at most \1"),
    (r"(Number|Integer value) out of range", "is out of range"),
    (r"Invalid enum value (.+)", r"cannot be \1"),
    (r"Object missing required field `(.+)`", r"lacks the field \1"),
    (r"Object contains unknown field `(.+)`", r"has an unknown field: \1"),
]
