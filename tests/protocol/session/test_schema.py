"""The JSON Schema accepts what the reader accepts, and rejects what it rejects."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given

from app.protocol.session.schema import line_schema
from tests.protocol.session.strategies import HEADERS, STEPS

VALIDATOR = jsonschema.Draft202012Validator(line_schema())


def test_the_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(line_schema())
    json.dumps(line_schema())


@given(STEPS)
def test_every_step_is_accepted(step: dict[str, Any]) -> None:
    VALIDATOR.validate(step)


@given(HEADERS)
def test_every_header_is_accepted(header: dict[str, Any]) -> None:
    VALIDATOR.validate(header)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"sya": "hi", "as": "alice"},
        {"say": "hi"},
        {"repeat": 0, "steps": [{"mark": "x"}]},
        {"repeat": 1, "steps": [{"say": "hi"}]},
        {"refuse": 1, "mode": "no"},
        {"title": "no version"},
    ],
)
def test_invalid_lines_are_rejected(line: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(line)
