"""Key combinations of system-wide shortcuts."""

import pytest

from app.system.key_combination import FUNCTION_KEYS, KeyCombination, parse, problem
from app.system.settings import Settings
from app.system.settings_checks import check, validate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ctrl+Alt+R", "Ctrl+Alt+R"),
        (" alt + CTRL + r ", "Ctrl+Alt+R"),
        ("super+space", "Meta+Space"),
        ("Win+Shift+1", "Shift+Meta+1"),
        ("f5", "F5"),
        ("Shift+F24", "Shift+F24"),
        ("pause", "Pause"),
    ],
)
def test_a_key_combination_is_parsed_regardless_of_case_order_and_spaces(text: str, shown: str) -> None:
    assert str(parse(text)) == shown
    assert parse(str(parse(text))) == parse(text)
    assert problem(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("R", "R would be typed as text"),
        ("Shift+R", "Shift+R would be typed as text"),
        ("Ctrl+", "'' is not a key"),
        ("Ctrl+F25", "'f25' is not a key"),
        ("Ctrl+Ö", "'ö' is not a key"),
        ("Hyper+R", "'hyper' is not a modifier"),
        ("+", "'' is not a modifier"),
    ],
)
def test_an_invalid_key_combination_is_reported_with_a_reason(text: str, reason: str) -> None:
    assert problem(text).startswith(reason)
    assert check("repeat_shortcut", text) == problem(text)


def test_an_empty_text_disables_a_shortcut() -> None:
    assert problem("") == problem("  ") == ""
    assert (Settings().repeat_shortcut, Settings().fire_bar_shortcut) == ("", "")


def test_shortcuts_with_the_same_keys_are_rejected() -> None:
    assert validate(Settings(repeat_shortcut="Ctrl+Alt+R", fire_bar_shortcut="Ctrl+Alt+B")) == []
    (error,) = validate(Settings(repeat_shortcut="Ctrl+Alt+R", fire_bar_shortcut="alt+ctrl+R"))
    assert (error.name, error.reason) == ("fire_bar_shortcut", "Ctrl+Alt+R already repeats the last event")


def test_there_are_24_function_keys() -> None:
    assert FUNCTION_KEYS[0] == "F1"
    assert len(FUNCTION_KEYS) == 24
    assert parse("F12") == KeyCombination(frozenset(), "F12")
