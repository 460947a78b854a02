"""Translate msgspec's validation errors for users: the place in the value, and a sentence like "must be text"."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from typing_extensions import override

_TYPES = {
    "str": "text",
    "datetime": "a time in text",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_EXPECTED = {**_TYPES, "int": "a whole number"}
_ACTUAL = {**_TYPES, "datetime": "a date", "date": "a date", "time": "a time"}  # types of TOML


class ValidationFault(NamedTuple):
    """A validation error: ``sentence`` ("must be text"), and ``path``, the place within the value (``[1].name``).

    ``path`` is empty if the error is about the value itself.
    """

    path: str
    sentence: str

    @override
    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence

    def under(self, name: str) -> str:
        """Return the path within an object that holds the value in the field ``name``."""
        return f"{name}{self.path}" if not self.path or self.path.startswith("[") else f"{name}.{self.path}"


def fault(error: msgspec.ValidationError, choices: Sequence[str] = ()) -> ValidationFault:
    """Return the place and the sentence of an error. ``choices`` are the allowed values, if they are few words."""
    message, _, place = " ".join(str(error).split()).partition(" - at `")
    about, _, path = place.rpartition("$")  # of a key: key` in `$.path`
    sentence = _sentence(message, choices)
    return ValidationFault(path.rstrip("`").removeprefix("."), f"a key {sentence}" if about else sentence)


def _sentence(message: str, choices: Sequence[str]) -> str:
    if choices:
        return f"must be one of: {', '.join(choices)}"
    for pattern, sentence in _SENTENCES:
        if found := re.match(pattern, message):
            return found.expand(sentence)
    if types := re.fullmatch(r"Expected `([\w| ]+)`(?:, got `(\w+)`)?", message):
        expected, actual = types.groups()
        sentence = "must be " + " or ".join([_EXPECTED.get(each, each) for each in expected.split(" | ")])
        if actual is None or (actual == "float" and "int" in expected):  # "a whole number, not a number"
            return sentence
        return f"{sentence}, not {_ACTUAL.get(actual, actual)}"
    return f"is not valid ({message[:1].lower()}{message[1:]})".replace("`", "")


_SENTENCES = [
    (r"Expected `str` matching regex .*0-9a-fA-F", "must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890"),
    (r"Expected `str` matching regex .*503", "must be 503, reset, silence, close:CODE or garbage"),
    (
        r"Expected `str` matching regex .*@",
        "must not begin with a space, @ or -, and must not contain quotation marks",
    ),
    (r"Invalid RFC3339", "must be a time like 2024-01-15T10:30:00Z"),
    (r"Expected `datetime` with a timezone", "needs a time zone, like 2024-01-15T10:30:00Z"),
    (r"Expected `\w+` of length >= 1$", "must not be empty"),
    (r"Expected `str` of length <= (\d+)", r"must not be longer than \1 characters"),
    (r"Expected `str` of length >= (\d+)", r"must have at least \1 characters"),
    (r"Expected `\w+` of length >= (\d+)", r"must have at least \1 entries"),
    (r"Expected `\w+` of length <= (\d+)", r"must have at most \1 entries"),
    (r"Expected `\w+` of length (\d+), got (\d+)", r"must have \1 entries, not \2"),
    (r"Expected `\w+` >= (\S+?)(\.0)?$", r"must be at least \1"),
    (r"Expected `\w+` <= (\S+?)(\.0)?$", r"must be at most \1"),
    (r"Expected `\w+` > (\S+?)(\.0)?$", r"must be greater than \1"),
    (r"Expected `\w+` < (\S+?)(\.0)?$", r"must be less than \1"),
    (r"(Number|Integer value) out of range", "is out of range"),
    (r"Invalid enum value (.+)", r"cannot be \1"),
    (r"Object missing required field `(.+)`", r"lacks the field \1"),
    (r"Object contains unknown field `(.+)`", r"has an unknown field: \1"),
]
