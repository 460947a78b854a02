"""The text field of the filter and its suggestions."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.ui.models.filter_completion import Known
from app.ui.widgets.filter_field import FilterField

KNOWN = Known(
    events=["friend_online", "typing"], users=["alice"], clients=[(2, "bob")], saved=[("errors", "is:ok")]
)
Key = Qt.Key


@pytest.fixture
def field(show: Callable[[QWidget], None]) -> FilterField:
    field = FilterField(lambda: KNOWN)
    field.resize(400, 30)
    show(field)
    field.setFocus()
    return field


def suggested(field: FilterField) -> list[str]:
    model = field.popup.model()
    return [model.index(line, 0).data() for line in range(model.rowCount())] if field.popup.isVisible() else []


def press(field: FilterField, qtbot: Any, *keys: Qt.Key) -> None:
    """Press keys. While the popup is open, it receives them, as with a real keyboard."""
    for key in keys:
        qtbot.keyClick(field.popup if field.popup.isVisible() else field, key)


def test_typing_shows_suggestions_with_their_meaning(field: FilterField, qtbot: Any) -> None:
    qtbot.keyClicks(field, "typ")
    assert suggested(field) == ["event:typing"]
    assert field.popup.model().index(0, 1).data() == "Event"
    assert not field.popup.currentIndex().isValid()
    qtbot.keyClicks(field, "x")
    assert suggested(field) == []
    qtbot.keyClicks(field, " ")
    assert suggested(field) == [], "the next term is still empty"


def test_enter_accepts_the_selected_suggestion(field: FilterField, qtbot: Any) -> None:
    qtbot.keyClicks(field, "hello ev")
    press(field, qtbot, Key.Key_Down, Key.Key_Return)
    assert field.text() == "hello event:"
    assert suggested(field) == ["event:friend_online", "event:typing"], "the values of the key are suggested next"
    press(field, qtbot, Key.Key_Down, Key.Key_Down, Key.Key_Return)
    assert field.text() == "hello event:typing "
    assert suggested(field) == []


def test_enter_without_a_selection_keeps_the_text(field: FilterField, qtbot: Any) -> None:
    qtbot.keyClicks(field, "typ")
    press(field, qtbot, Key.Key_Return)
    assert field.text() == "typ"


def test_tab_accepts_the_first_suggestion(field: FilterField, qtbot: Any) -> None:
    qtbot.keyClicks(field, "-event:ty")
    press(field, qtbot, Key.Key_Tab)
    assert field.text() == "-event:typing "
    assert field.hasFocus()


def test_escape_closes_the_suggestions(field: FilterField, qtbot: Any) -> None:
    qtbot.keyClicks(field, "typ")
    press(field, qtbot, Key.Key_Escape)
    assert suggested(field) == []
    assert field.text() == "typ"


def test_down_in_an_empty_field_suggests_all_keys(field: FilterField, qtbot: Any) -> None:
    press(field, qtbot, Key.Key_Down)
    assert suggested(field)[:3] == ["event:", "dir:", "client:"]
    assert "@errors" in suggested(field)


def test_a_term_in_the_middle_is_completed_in_place(field: FilterField, qtbot: Any) -> None:
    field.setText("dir:s2c al is:ok")
    field.setCursorPosition(10)
    qtbot.keyClicks(field, "i")
    press(field, qtbot, Key.Key_Tab)
    assert field.text() == "dir:s2c user:alice is:ok"


def test_nothing_is_suggested_when_the_program_changes_the_text(field: FilterField) -> None:
    field.replace_text("event:")
    assert suggested(field) == []


def test_replacing_the_text_can_be_undone(field: FilterField) -> None:
    field.replace_text("event:typing")
    field.replace_text("")
    assert field.text() == ""
    field.undo()
    assert field.text() == "event:typing"


def test_an_inserted_term_is_selected(field: FilterField) -> None:
    field.setText("hello ")
    field.insert_term("larger:1k")
    assert field.text() == "hello larger:1k"
    assert field.selectedText() == "larger:1k"
    assert field.hasFocus()


def test_suggestions_disappear_when_the_cursor_leaves_their_term(field: FilterField, qtbot: Any) -> None:
    qtbot.keyClicks(field, "hello typ")
    assert suggested(field) == ["event:typing"]
    press(field, qtbot, Key.Key_Home, Key.Key_Tab)
    assert field.text() == "hello typ", "no suggestion replaces another part of the text"


@pytest.mark.parametrize("before", ["😀 ", "👍👍 "])
def test_characters_outside_of_the_basic_plane_before_the_cursor(
    field: FilterField, qtbot: Any, before: str
) -> None:
    field.setText(before)
    qtbot.keyClicks(field, "ty")
    assert suggested(field) == ["event:typing"]
    press(field, qtbot, Key.Key_Down, Key.Key_Return)
    assert field.text() == f"{before}event:typing "
    field.setText(before.strip())
    field.insert_term("event:typing")
    assert field.selectedText() == "event:typing"
