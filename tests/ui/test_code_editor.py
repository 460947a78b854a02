"""The editor for events: line numbers, underlined errors, formatting and completion."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QWidget
from typing_extensions import override

from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction
from app.protocol.event_type import EventProblem
from app.ui.widgets.code_completion import Offers, completions, offers_of
from app.ui.widgets.code_editor import CodeEditor
from app.ui.widgets.text_edit import LONG_LINE

pytestmark = pytest.mark.usefixtures("styled")

Show = Callable[[QWidget], None]
OFFERS = Offers(("uuid", "now", "me", "faker.name"), {"from": ["alice", "albert", "bob"], "event": ["typing"]})


@pytest.fixture
def editor(show: Show) -> CodeEditor:
    editor = CodeEditor("Event", lambda: OFFERS)
    editor.resize(500, 300)
    show(editor)
    return editor


def underlined(editor: CodeEditor) -> list[str]:
    return [each.cursor.selectedText() for each in editor.extraSelections()]


def numbers(editor: CodeEditor) -> list[int]:
    result, block = [], editor.document().begin()
    while block.isValid():
        result.append(editor.line_number(block))
        block = block.next()
    return result


def shown_completions(editor: CodeEditor) -> list[str]:
    popup = editor._popup
    return editor._model.stringList() if popup.isVisible() else []


# errors


def test_an_error_is_underlined_and_has_a_tooltip(editor: CodeEditor) -> None:
    editor.setPlainText('{"event": "typing",\n "data": {"username": "🎉é", "typing": "yes"}}')
    editor.show_problems([EventProblem("data.typing", "must be true or false, not text")])
    assert underlined(editor) == ['"typing": "yes"']
    cursor = editor.textCursor()
    cursor.setPosition(editor.marks[0].start + 2)
    position = editor.cursorRect(cursor).center()
    help_event = QHelpEvent(QEvent.Type.ToolTip, position, editor.viewport().mapToGlobal(position))
    assert editor.viewportEvent(help_event)
    assert QToolTip.text() == "data.typing: must be true or false, not text"
    assert editor.message_at(0) == ""
    editor.show_problems([])
    assert underlined(editor) == []


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_errors_after_long_lines_and_any_line_breaks_are_underlined(editor: CodeEditor, line_break: str) -> None:
    long = "é🎉" * LONG_LINE
    editor.setPlainText(
        f'{{"event": "new_message",{line_break}"data": {{"text": "{long}",{line_break}"delivered": 1}}}}'
    )
    editor.flush()
    editor.show_problems([EventProblem("data.delivered", "wrong"), EventProblem("event", "wrong")])
    assert underlined(editor) == ['"delivered": 1', '"event": "new_message"']


def test_errors_of_a_large_text_are_underlined_after_it_is_inserted(editor: CodeEditor, qtbot: Any) -> None:
    lines = ",\n".join(map(str, range(10_000)))
    editor.setPlainText(f'{{"event": "typing", "data": {{"list": [{lines}], "typing": 5}}}}')
    assert editor.inserting
    editor.show_problems([EventProblem("data.typing", "wrong")])
    qtbot.waitUntil(lambda: underlined(editor) == ['"typing": 5'], timeout=20_000)
    assert not editor.inserting


# line numbers


def test_every_line_has_its_number(editor: CodeEditor) -> None:
    editor.setPlainText("{\n\n}")
    assert numbers(editor) == [1, 2, 3]


def test_a_long_line_has_one_number(editor: CodeEditor) -> None:
    editor.setPlainText(f"one\n{'x' * (2 * LONG_LINE)}\r\nthree")
    editor.flush()
    line_numbers = numbers(editor)
    assert [number for number in line_numbers if number] == [1, 2, 3]
    assert len(line_numbers) > 5


def test_line_numbers_do_not_overlap_the_text(editor: CodeEditor) -> None:
    narrow = editor.gutter_width()
    assert editor._gutter.geometry().right() < editor.viewport().geometry().left()
    editor.setPlainText("\n" * 12_345)
    editor.flush()
    editor.show_problems([])
    assert editor.gutter_width() > narrow
    assert editor.viewportMargins().left() == editor.gutter_width()


def test_line_numbers_are_painted(editor: CodeEditor) -> None:
    empty = editor._gutter.grab().toImage()
    editor.setPlainText("{\n}")
    two_lines = editor._gutter.grab().toImage()
    editor.setPlainText("{\n\n}")
    assert empty != two_lines
    assert editor._gutter.grab().toImage() != two_lines


# formatting


def test_format_indents_the_text_and_can_be_undone(editor: CodeEditor) -> None:
    editor.setPlainText('{"event":"typing","data":{}}')
    assert editor.format_text() == ""
    assert editor.toPlainText() == '{\n  "event": "typing",\n  "data": {}\n}'
    editor.undo()
    assert editor.toPlainText() == '{"event":"typing","data":{}}'


def test_invalid_json_is_not_formatted(editor: CodeEditor) -> None:
    editor.setPlainText('{"event":')
    assert editor.format_text().startswith("Only valid JSON can be formatted. ")
    assert editor.toPlainText() == '{"event":'


# completion


@pytest.mark.parametrize(
    ("before", "prefix", "choices"),
    [
        ('{"text": "{{', "", ["uuid", "now", "me", "faker.name"]),
        ('{"text": "hi {{n', "n", ["now"]),
        ('{"text": "{{ fa', "fa", ["faker.name"]),
        ('{"text": "{{uuid}}', "{{uuid}}", []),
        ('{"from": "', "", ["alice", "albert", "bob"]),
        ('{"from" : "AL', "AL", ["alice", "albert"]),
        ('{"from": "bob', "bob", []),
        ('{"from": "bob"', "", []),
        ('{"text": "al', "al", []),
        ('{"event": "t', "t", ["typing"]),
        ("", "", []),
    ],
)
def test_completions_depend_on_the_text_before_the_cursor(before: str, prefix: str, choices: list[str]) -> None:
    found = completions(before, OFFERS)
    assert (found.written, list(found.choices)) == (prefix, choices)


def test_typing_shows_completions_and_enter_accepts_one(editor: CodeEditor, qtbot: Any) -> None:
    qtbot.keyClicks(editor, '{"from": "al')
    assert shown_completions(editor) == ["alice", "albert"]
    qtbot.keyClick(editor._popup, Qt.Key.Key_Down)
    qtbot.keyClick(editor._popup, Qt.Key.Key_Return)
    assert editor.toPlainText() == '{"from": "albert"'
    assert shown_completions(editor) == []
    qtbot.keyClicks(editor, ', "text": "{{')
    assert shown_completions(editor) == ["uuid", "now", "me", "faker.name"]
    qtbot.keyClick(editor._popup, Qt.Key.Key_Escape)
    assert shown_completions(editor) == []
    qtbot.keyClick(editor, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(editor._popup, Qt.Key.Key_Tab)
    assert editor.toPlainText() == '{"from": "albert", "text": "{{uuid}}'


def test_a_completion_does_not_repeat_the_text_after_the_cursor(editor: CodeEditor, qtbot: Any) -> None:
    editor.setPlainText('{"from": ""}')
    cursor = editor.textCursor()
    cursor.setPosition(10)
    editor.setTextCursor(cursor)
    qtbot.keyClicks(editor, "bo")
    editor.complete("bob")
    assert editor.toPlainText() == '{"from": "bob"}'


def test_a_completion_replaces_a_name_with_combining_characters(show: Show, qtbot: Any) -> None:
    """Regression: the cursor moved by characters that consist of several code points."""
    editor = CodeEditor("Event", lambda: Offers(values={"from": ["e\u0301va", 'a"b']}))
    show(editor)
    for name, written, choice in (("e\u0301va", "e\u0301v", "e\u0301va"), ('a"b', "a", 'a\\"b')):
        editor.clear()
        editor.insertPlainText(f'{{"from": "{written}')
        qtbot.keyClick(editor, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
        assert shown_completions(editor) == [choice]
        editor.complete(choice)
        assert json.loads(editor.toPlainText() + "}") == {"from": name}


def test_events_with_the_same_field_are_all_offered() -> None:
    """Regression: only the values of the last event were offered."""

    def schema(**fields: list[str]) -> dict[str, Any]:
        return {"properties": {name: {"enum": values} for name, values in fields.items()}}

    catalog = cast("Catalog", _Catalog([schema(state=["ringing", "ended"], event=["x"]), schema(state=["paid"])]))
    values = offers_of(catalog, [], with_templates=False).values
    assert values == {"state": ["ringing", "ended", "paid"], "event": ["call"]}


class _Catalog(list[dict[str, Any]]):
    """Events to the UI with these schemas."""

    @override
    def __iter__(self) -> Iterator[Any]:
        for each in super().__iter__():
            yield SimpleNamespace(direction=Direction.TO_UI, schema=each)

    def names(self, _: Direction) -> list[str]:
        return ["call"]


def test_typing_elsewhere_shows_no_completions(editor: CodeEditor, qtbot: Any) -> None:
    for text in ('{"text": "a', "b, c", '{"from": 5'):
        editor.clear()
        qtbot.keyClicks(editor, text)
        assert shown_completions(editor) == []


def test_completions_are_derived_from_the_catalog() -> None:
    offers = offers_of(built_in(), ["alice", "me"], with_templates=True)
    assert offers.values["event"] == built_in().names(Direction.TO_UI)
    assert [offers.values[name] for name in ("from", "to", "username")] == [["alice", "me"]] * 3
    assert offers.values["direction"] == ["received", "sent"]
    assert "text" not in offers.values
    assert {"uuid", "now", "faker.name"} <= set(offers.templates)
    assert not offers_of(built_in(), [], with_templates=False).templates
    from_ui = offers_of(built_in(), [], with_templates=False, direction=Direction.FROM_UI)
    assert from_ui.values["event"] == built_in().names(Direction.FROM_UI)
