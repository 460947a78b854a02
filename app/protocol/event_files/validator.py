"""Validate JSON values with a JSON Schema (draft 2020-12): all errors, as sentences with paths.

The library is jsonschema-rs. Its regular expressions run in linear time, and it opens no network connection.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import jsonschema_rs
import msgspec

from app import usernames
from app.protocol.event_files.sentences import event_problems
from app.protocol.event_type import EventProblem

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_PATTERN_BYTES = 1_000_000
"""The maximum memory of a compiled pattern. Matching 60 KB with the slowest pattern of that size takes 2 ms."""

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

    def __init__(self, schema: dict[str, Any], *, formats: bool = True) -> None:
        """``formats`` False: texts of any format are accepted."""
        self._known: Sequence[str] = tuple(schema.get("properties", ()))
        self._validator = jsonschema_rs.Draft202012Validator(
            schema, formats=_FORMATS, validate_formats=formats, offline=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES),
        )  # fmt: skip

    def problems(self, value: Any) -> list[EventProblem]:
        """Return all errors in a JSON value; empty if it is valid."""
        if self._validator.is_valid(value):
            return []
        return event_problems(self._validator.iter_errors(value), self._known)


def is_usable_pattern(pattern: str) -> bool:
    """Return whether a regular expression is valid, and can be matched in linear time."""
    try:
        Validator({"pattern": pattern})
    except jsonschema_rs.ValidationError:
        return False
    return True
