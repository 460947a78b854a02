"""Changing the saved filters."""

from collections.abc import Callable

import msgspec
import pytest

from app.hub.saved_filters import deleted, renamed, saved, valid_name, valid_text
from app.protocol.errors import Conflict, Invalid, NotFound
from app.system.settings import Settings
from app.system.settings_checks import check

TWO = {"errors": "is:invalid", "typing": "event:typing"}


def test_save_adds_or_replaces_a_filter() -> None:
    assert saved({}, " errors ", " is:invalid ") == {"errors": "is:invalid"}
    assert saved(TWO, "errors", "is:warning") == {"errors": "is:warning", "typing": "event:typing"}


def test_rename_keeps_the_order_of_filters() -> None:
    assert list(renamed(TWO, "errors", "Fehler")) == ["Fehler", "typing"]
    assert renamed(TWO, "errors", "errors") == TWO
    with pytest.raises(Conflict, match="already a saved filter 'typing'"):
        renamed(TWO, "errors", "typing")


def test_a_filter_that_does_not_exist_is_neither_renamed_nor_deleted() -> None:
    assert deleted(TWO, "errors") == {"typing": "event:typing"}
    changes: list[Callable[[], object]] = [lambda: deleted(TWO, "x"), lambda: renamed(TWO, "x", "y")]
    for change in changes:
        with pytest.raises(NotFound, match="no saved filter 'x'"):
            change()


@pytest.mark.parametrize("name", ["", "  ", "@x", "-x", 'a"b', "a\nb", "x" * 41])
def test_a_name_that_a_filter_cannot_refer_to_is_rejected(name: str) -> None:
    with pytest.raises(Invalid):
        valid_name(name)


@pytest.mark.parametrize("name", ["errors", "two words", "Grüße 🎉", "a:b", "1", "x" * 40])
def test_the_settings_accept_every_valid_name(name: str) -> None:
    assert valid_name(name) == name
    assert check("saved_filters", {name: "is:invalid"}) is None
    msgspec.convert({"saved_filters": {name: "is:invalid"}}, Settings)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ", "filter is empty"),
        ("event:", "filter is empty"),
        ('@ -"" -user:', "filter is empty"),
        ('"', "filter is empty"),
        ("x" * 501, "too long"),
        ("is:odd", "not valid: invalid is:odd"),
        ("a\x1b[2J", "control character"),
        ("@errors", "cannot contain another"),
        ("x -@errors", "cannot contain another"),
    ],
)
def test_a_filter_that_cannot_work_is_rejected_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        valid_text(text)


def test_the_number_of_saved_filters_is_limited() -> None:
    many = {str(number): "x" for number in range(100)}
    with pytest.raises(Invalid, match="100 saved filters"):
        saved(many, "one more", "x")
    assert saved(many, "7", "y")["7"] == "y"
