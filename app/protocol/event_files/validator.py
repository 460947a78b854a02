"""Validate JSON values with a JSON Schema (draft 2020-12), and return the errors as sentences with paths.
The values are event files, the schemas in them, and the data of the events that they define or extend.

The library is jsonschema-rs, without network access and with regular expressions that run in linear time.
Collecting all errors can take long and much memory, so if a value is large for its schema, only the first error is
reported. A client's frame that would take too long is not validated, but reported as too large.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

import jsonschema_rs
import msgspec

from app import usernames
from app.protocol.event_files.pattern_size import MAX_PATTERN_BYTES
from app.protocol.event_files.schema_cost import Cost
from app.protocol.event_files.sentences import event_problems
from app.protocol.event_type import EventProblem

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_EXPLAINED = 5_000
"""All errors are reported if the number of values times the number of schemas per value is at most this."""
MAX_VALIDATED = 1_000_000
"""A client's frame is validated if the number of values times the number of schemas per value is at most this."""
MAX_MATCHED = 300_000_000
"""A client's frame is validated if its characters times the bytes of patterns per value are at most this."""

_SIMPLE = Cost(1)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = Annotated[datetime, msgspec.Meta(tz=True)]


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_time(text: str) -> bool:
    try:
        msgspec.convert(text, _TIME)
    except msgspec.ValidationError:
        return False
    return True


def _is_username(text: str) -> bool:
    return not usernames.problem(text)


# The same rules as those of the built-in events.
_FORMATS = {"uuid": _is_uuid, "date-time": _is_time, "username": _is_username}


class Validator:
    """Validate values with one schema, which must be valid (see ``schema_check``)."""

    def __init__(self, schema: dict[str, Any], *, formats: bool = True, cost: Cost = _SIMPLE) -> None:
        """``formats`` False: texts of any format are accepted.

        ``cost`` is what applies to one value (see ``schema_cost``).
        """
        self._known: Sequence[str] = tuple(schema.get("properties", ()))
        self._schema = schema
        self._formats = formats
        self._cost = cost
        self._validator = self._compiled(schema)

    def problems(self, value: Any) -> list[EventProblem]:
        """Return the errors in a JSON value; empty if it is valid. Only the first one if there may be many."""
        if self._validator.is_valid(value):
            return []
        if _Extent(value).values * self._cost.schemas > MAX_EXPLAINED:
            return event_problems(self._first_error(value), self._known)
        return event_problems(self._validator.iter_errors(value), self._known)

    def frame_problems(self, value: Any) -> list[EventProblem]:
        """Return the errors in the data of a client's frame, or a single one if validation would take too long."""
        if self._cost.schemas > 1 or self._cost.patterns:
            extent = _Extent(value)
            if extent.values * self._cost.schemas > MAX_VALIDATED:
                number = f"{extent.values:,} values, with up to {self._cost.schemas:,} schemas for each"
                return [EventProblem("", f"is too large to be validated: it has {number}")]
            if extent.characters * self._cost.patterns > MAX_MATCHED:
                number = f"{extent.characters:,} characters, and the schema of the event has large patterns"
                return [EventProblem("", f"is too large to be validated: it has {number}")]
        return self.problems(value)

    def _compiled(self, schema: dict[str, Any]) -> Any:
        return jsonschema_rs.Draft202012Validator(
            schema, formats=_FORMATS, validate_formats=self._formats, offline=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES),
        )  # fmt: skip

    @cached_property
    def _brief_validator(self) -> Any:
        """A validator that accepts the same values, and whose errors do not contain those of alternatives."""
        return self._compiled(without_alternatives(self._schema))

    def _first_error(self, value: Any) -> list[jsonschema_rs.ValidationError]:
        try:
            self._brief_validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []


def without_alternatives(schema: Any) -> Any:
    """Return an equivalent schema that has ``{"not": {"not": …}}`` instead of ``anyOf`` and ``oneOf``.

    The errors of ``not`` do not explain why the inner schema does not fit. Alternatives beside ``unevaluated…``
    stay, because ``not`` hides what they evaluate.
    """
    if isinstance(schema, list):
        return [without_alternatives(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    brief: dict[str, Any] = {}
    hidden = []
    stay = any(key.startswith("unevaluated") for key in schema)
    for key, value in schema.items():
        if key in ("anyOf", "oneOf") and isinstance(value, list) and not stay:
            hidden.append({"not": {"not": {key: value}}})
        else:
            brief[key] = value if key in ("const", "enum", "default", "examples") else without_alternatives(value)
    return {**brief, "allOf": [*brief.get("allOf", ()), *hidden]} if hidden else brief


class _Extent:
    """The number of values in a JSON value, itself included, and the length of its texts and names."""

    def __init__(self, value: Any) -> None:
        self.values = 0
        self.characters = 0
        pending = [value]
        while pending:
            each = pending.pop()
            self.values += 1
            if isinstance(each, str):
                self.characters += len(each)
            elif isinstance(each, list):
                pending += each
            elif isinstance(each, dict):
                pending += each.values()
                self.characters += sum(map(len, each))
