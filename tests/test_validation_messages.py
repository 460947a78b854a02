"""Readable messages for validation errors."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from app.endpoints.control.refusal_shapes import RefuseBody
from app.protocol.events import MessageId
from app.protocol.session.actions import Refuse
from app.system.settings import FilterName
from app.validation_messages import fault


class Pet(Struct, forbid_unknown_fields=True):
    """An example with constraints."""

    name: Annotated[str, Meta(min_length=1, max_length=5)]
    legs: Annotated[int, Meta(ge=0, le=8)] = 4


class Filters(Struct):
    """An example with restricted keys."""

    filters: dict[FilterName, str]


@pytest.mark.parametrize(
    ("value", "shape", "expected"),
    [
        ("1", int, "must be a whole number, not text"),
        (2.0, int, "must be a whole number"),
        (2.5, str, "must be text, not a number"),
        ("1", float, "must be a number, not text"),
        (1, bool, "must be true or false, not a number"),
        (None, str, "must be text, not null"),
        ({}, list[int], "must be a list, not an object"),
        ([1, "2"], list[int], "[1]: must be a whole number, not text"),
        ({"name": ""}, Pet, "name: must not be empty"),
        ({"name": "x" * 6}, Pet, "name: must not be longer than 5 characters"),
        ([{"name": "x", "legs": -1}], list[Pet], "[0].legs: must be at least 0"),
        ({"name": "x", "legs": 9}, Pet, "legs: must be at most 8"),
        ({}, Pet, "lacks the field name"),
        ({"name": "x", "nmae": 1}, Pet, "has an unknown field: nmae"),
        ("pink", Literal["light", "dark"], "cannot be 'pink'"),
        ([], str | None, "must be text or null, not a list"),
        (datetime(2020, 1, 1), str, "must be text, not a date"),
        (date(2020, 1, 1), int, "must be a whole number, not a date"),
        (3601.5, Annotated[float, Meta(le=3600.0)], "must be at most 3600"),
        ({"name": "x", "a\nb": 1}, Pet, "has an unknown field: a b"),
        ("x", Annotated[str, Meta(min_length=2)], "must have at least 2 characters"),
        ([1, 2, 3], Annotated[list[int], Meta(max_length=2)], "must have at most 2 entries"),
        ([1], Annotated[list[int], Meta(min_length=2)], "must have at least 2 entries"),
        ([1], tuple[int, int], "must have 2 entries, not 1"),
        (0, Annotated[float, Meta(gt=0)], "must be greater than 0"),
        (0.5, Annotated[float, Meta(lt=0.5)], "must be less than 0.5"),
        (3, Annotated[int, Meta(multiple_of=2)], "is not valid (expected int that's a multiple of 2)"),
        ("7", MessageId, "must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890"),
        ({"mode": "404"}, RefuseBody, "mode: must be 503, reset, silence, close:CODE or garbage"),
        ({"refuse": 1, "mode": "404"}, Refuse, "mode: must be 503, reset, silence, close:CODE or garbage"),
        (
            {"filters": {"@x": "typing"}},
            Filters,
            "filters: a key must not begin with a space, @ or -, and must not contain quotation marks",
        ),
    ],
)
def test_a_validation_error_includes_its_path(value: Any, shape: Any, expected: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, shape)
    assert str(fault(caught.value)) == expected


def test_the_path_of_an_error_can_have_a_prefix() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert([{"name": 7}], list[Pet])
    assert fault(caught.value).under("pets") == "pets[0].name"
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"name": 7}, Pet)
    assert fault(caught.value).under("pet") == "pet.name"


def test_an_error_lists_the_allowed_values() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert("pink", Literal["light", "dark"])
    assert fault(caught.value, ("light", "dark")).sentence == "must be one of: light, dark"
