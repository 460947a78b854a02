"""Key combinations of system-wide shortcuts."""

import pytest

from app.system.key_combination import FUNCTION_KEYS, KeyCombination, parse, problem
from app.system.settings import Settings, check, validate


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
def test_it_is_read_regardless_of_case_order_and_spaces(text: str, shown: str) -> None:
    assert str(parse(text)) == shown
    assert parse(str(parse(text))) == parse(text)
    assert problem(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
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
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    assert problem(text).startswith(why)
    assert check("repeat_shortcut", text) == problem(text)


def test_an_empty_text_switches_a_shortcut_off() -> None:
    assert problem("") == problem("  ") == ""
    assert (Settings().repeat_shortcut, Settings().fire_bar_shortcut) == ("", "")


def test_two_shortcuts_need_different_keys() -> None:
    assert validate(Settings(repeat_shortcut="Ctrl+Alt+R", fire_bar_shortcut="Ctrl+Alt+B")) == []
    (error,) = validate(Settings(repeat_shortcut="Ctrl+Alt+R", fire_bar_shortcut="alt+ctrl+R"))
    assert (error.name, error.reason) == ("fire_bar_shortcut", "Ctrl+Alt+R already repeats the last event")


def test_there_are_24_function_keys() -> None:
    assert FUNCTION_KEYS[0] == "F1"
    assert len(FUNCTION_KEYS) == 24
    assert parse("F12") == KeyCombination(frozenset(), "F12")
