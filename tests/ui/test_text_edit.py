"""Editors accept large texts unchanged, insert them in slices, and report texts that they reject."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent, QKeySequence, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.ui.widgets import text_edit
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.line_edit import MAX_CHARS, LineEdit
from app.ui.widgets.text_edit import LONG_LINE, MAX_LINES, MAX_SHOWN_CHARS, MAX_SHOWN_LINES, PIECE, TextEdit
from app.ui.widgets.text_rejection import MAX_TEXT_BYTES, TOO_LARGE
from tests.conftest import LONG, examples

MAX_SIZE = MAX_TEXT_BYTES
LARGE = {
    "one line": "x" * MAX_SIZE,
    "spaces": " " * MAX_SIZE,
    "JSON": ('{"a": "hello", "b": [1, null]},' * (MAX_SIZE // 31 + 1))[:MAX_SIZE],
    "Arabic": "مرحبا بالعالم " * (MAX_SIZE // 27),
    "emoji": "😀" * (MAX_SIZE // 4),
    "lines": "ab\n" * (MAX_LINES - 2),
    "Windows lines": "ab\r\n" * (MAX_LINES - 2),
    "both": "ab\n" * 9_000 + "x" * 200_000 + "\ncd\r\n",
}
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(["\n", "\r", "\r\n", "\u2028", "\u2029", "\u00a0", "\ufdd0", "\ufffc", "\0", "\ufeff"]),
        st.integers(LONG_LINE - 2, 3 * LONG_LINE).map(lambda length: "é😀x"[length % 3] * length),
    ),
    max_size=8,
).map("".join)
LINE = "".join(chr(ord("a") + n // PIECE) for n in range(3 * LONG_LINE))
"""Each piece consists of a different letter."""

SLOW = settings(
    max_examples=examples(40 if LONG else 15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class RejectionRecorder(QWidget):
    """Records the rejections of its editor."""

    def __init__(self, editor: QWidget) -> None:
        super().__init__()
        self.rejections: list[str] = []
        QVBoxLayout(self).addWidget(editor)

    def show_rejection(self, text: str) -> None:
        self.rejections.append(text)


@pytest.fixture
def editor(qtbot: Any) -> TextEdit:
    editor = TextEdit()
    editor.recorder = RejectionRecorder(editor)  # type: ignore[attr-defined]
    qtbot.addWidget(editor.recorder)  # type: ignore[attr-defined]
    return editor


def rejections(editor: TextEdit) -> list[str]:
    return list(editor.recorder.rejections)  # type: ignore[attr-defined]


def paste(editor: TextEdit, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    editor.insertFromMimeData(data)


def longest_block(editor: TextEdit) -> int:
    block, longest = editor.document().begin(), 0
    while block.isValid():
        longest = max(longest, block.length())
        block = block.next()
    return longest


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_shift_and_enter_begin_a_line(editor: TextEdit, key: Qt.Key) -> None:
    editor.set_text("one, two")
    editor.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClick(editor, key, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(editor, "three")
    assert editor.toPlainText() == "one, two\nthree"
    editor.setReadOnly(True)
    QTest.keyClick(editor, key, Qt.KeyboardModifier.ShiftModifier)
    assert editor.toPlainText() == "one, two\nthree"
    assert rejections(editor) == []


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_paste_is_kept_exactly_and_displayed_in_pieces(editor: TextEdit, text: str) -> None:
    changes: list[str] = []
    editor.textChanged.connect(lambda: changes.append(editor.toPlainText()))
    paste(editor, text)
    assert changes == [text]
    editor.flush()
    assert editor.toPlainText() == text
    assert longest_block(editor) <= LONG_LINE + 1
    assert changes == [text]
    assert rejections(editor) == []
    assert editor.isReadOnly() is False


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_text_set_by_code_is_kept_exactly(editor: TextEdit, text: str) -> None:
    assert editor.set_text(text)
    assert editor.toPlainText() == text
    editor.flush()
    assert editor.toPlainText() == text
    assert longest_block(editor) <= LONG_LINE + 1


def test_text_is_inserted_in_slices_and_complete_from_the_start(
    editor: TextEdit, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    monkeypatch.setattr(text_edit, "SLICE_S", 0.0)
    text = "one\n" * 1_000
    editor.set_text("<>")
    editor.moveCursor(QTextCursor.MoveOperation.Right)
    monkeypatch.setattr(editor, "_next_slice", ManualTimer(editor))
    paste(editor, text)
    assert editor.blockCount() == 1
    assert editor.isReadOnly()
    assert editor.toPlainText() == f"<{text}>"
    paste(editor, "another")
    assert rejections(editor) == ["The previous text is still being inserted."]
    monkeypatch.setattr(text_edit, "SLICE_S", 1e9)
    editor.flush()
    assert editor.blockCount() == 1_001
    assert not editor.isReadOnly()
    assert editor.toPlainText() == f"<{text}>"


class ManualTimer:
    """Replaces a timer: the test runs the slices itself."""

    def __init__(self, editor: TextEdit) -> None:
        self.started = 0

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        pass


@SLOW
@given(before=TEXTS, text=TEXTS, after=TEXTS)
def test_any_text_can_be_inserted_anywhere_and_undone(editor: TextEdit, before: str, text: str, after: str) -> None:
    editor.set_text(before)
    editor.flush()
    assert editor.toPlainText() == before
    editor.moveCursor(QTextCursor.MoveOperation.End)
    position = editor.textCursor().position()
    editor.insert_text(after)
    editor.flush()
    cursor = editor.textCursor()
    cursor.setPosition(position)
    editor.setTextCursor(cursor)
    complete = editor.toPlainText()
    assert complete == before + after
    editor.insert_text(text)
    assert editor.toPlainText() == before + text + after
    editor.flush()
    assert editor.toPlainText() == before + text + after
    if text:
        editor.undo()
        assert editor.toPlainText() == complete
        editor.redo()
        assert editor.toPlainText() == before + text + after
    editor.selectAll()
    assert editor.createMimeDataFromSelection().text() == before + text + after


@SLOW
@given(text=st.text("ab\n\u2028\u2029\u00a0\ufdd0", max_size=40), start=st.integers(0), end=st.integers(0))
def test_a_copied_selection_is_exact(editor: TextEdit, text: str, start: int, end: int) -> None:
    editor.set_text(text)
    start, end = sorted((start % (len(text) + 1), end % (len(text) + 1)))
    assert selected(editor, start, end) == text[start:end]


def selected(editor: TextEdit, start: int, end: int) -> str:
    """Select a part of the document, and return what would be copied."""
    cursor = editor.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    editor.setTextCursor(cursor)
    return editor.createMimeDataFromSelection().text()


def test_copied_text_of_a_long_line_has_no_line_breaks(editor: TextEdit) -> None:
    editor.set_text(f"😀\n{LINE}\r\nend")
    editor.flush()
    second, third = (editor.document().findBlockByNumber(number).position() for number in (2, 3))
    assert selected(editor, second - 3, third + 2) == LINE[PIECE - 2 : 2 * PIECE + 2]
    assert selected(editor, 0, second + 1) == f"😀\n{LINE[: PIECE + 1]}"
    editor.selectAll()
    assert editor.createMimeDataFromSelection().text() == f"😀\n{LINE}\r\nend"


def set_cursor(editor: TextEdit, position: int) -> None:
    cursor = editor.textCursor()
    cursor.setPosition(position)
    editor.setTextCursor(cursor)


def test_keys_edit_a_long_line_like_a_single_line(editor: TextEdit) -> None:
    editor.set_text(f"first\n{LINE}\nlast")
    editor.flush()
    piece = editor.document().findBlockByNumber(3)
    set_cursor(editor, piece.position() + 10)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    cut = 2 * PIECE + 10
    assert editor.toPlainText() == f"first\n{LINE[:cut]}\n{LINE[cut:]}\nlast"
    QTest.keyClick(editor, Qt.Key.Key_Backspace)
    assert editor.toPlainText() == f"first\n{LINE}\nlast"
    set_cursor(editor, editor.document().findBlockByNumber(3).position())
    QTest.keyClick(editor, Qt.Key.Key_Backspace)  # there is no character between two pieces
    assert editor.toPlainText() == f"first\n{LINE}\nlast"
    QTest.keyClick(editor, Qt.Key.Key_Backspace)
    assert editor.toPlainText() == f"first\n{LINE[: 2 * PIECE - 1]}{LINE[2 * PIECE :]}\nlast"
    for _ in range(4):
        editor.undo()
    assert editor.toPlainText() == f"first\n{LINE}\nlast"


def test_deleting_the_beginning_of_a_long_line_keeps_it_one_line(editor: TextEdit) -> None:
    editor.set_text(f"first\n{LINE}")
    editor.flush()
    second, third = (editor.document().findBlockByNumber(number).position() for number in (1, 2))
    cursor = editor.textCursor()
    cursor.setPosition(second)
    cursor.setPosition(third - 1, QTextCursor.MoveMode.KeepAnchor)
    editor.setTextCursor(cursor)
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert editor.toPlainText() == f"first\n{LINE[PIECE:]}"
    QTest.keyClick(editor, Qt.Key.Key_Delete)  # the break between two pieces
    assert editor.toPlainText() == f"first\n{LINE[PIECE:]}"


def press_paste(editor: TextEdit, text: str) -> None:
    QApplication.clipboard().setText(text)
    QTest.keySequence(editor, QKeySequence(QKeySequence.StandardKey.Paste))
    editor.flush()


def test_the_paste_key_inserts_the_text_unchanged_beside_a_long_line(editor: TextEdit) -> None:
    old, new = (json.dumps({"event": "x", "data": {"text": each}}) for each in ("A" * 3_000, "B" * 4_000))
    editor.set_text(old)
    editor.flush()
    editor.selectAll()
    press_paste(editor, new)
    assert editor.toPlainText() == new
    editor.undo()
    assert editor.toPlainText() == old
    editor.moveCursor(QTextCursor.MoveOperation.End)
    press_paste(editor, "C" * 3_000)
    press_paste(editor, "a\r\nb\r\nc")
    assert editor.toPlainText() == f"{old}{'C' * 3_000}a\r\nb\r\nc"


def cut_selection(editor: TextEdit) -> None:
    editor.cut()


def delete_from_the_menu(editor: TextEdit) -> None:
    menu = editor.createStandardContextMenu()
    next(each for each in menu.actions() if each.objectName() == "edit-delete").trigger()


def compose(editor: TextEdit) -> None:
    """Begin to compose text with an input method, which removes the selection, and cancel it."""
    QApplication.sendEvent(editor, QInputMethodEvent("x", []))
    QApplication.sendEvent(editor, QInputMethodEvent())


def replace_with_nothing(editor: TextEdit) -> None:
    editor.insert_text("")


def press_delete(editor: TextEdit) -> None:
    QTest.keyClick(editor, Qt.Key.Key_Delete)


REMOVALS = [cut_selection, delete_from_the_menu, compose, replace_with_nothing, press_delete]
MIXED = f"w\n\nx\r\n\r\ny\rz\n\u2029{'L' * (LONG_LINE + 10)}\n\r\n"


@pytest.mark.parametrize("remove", REMOVALS)
@pytest.mark.parametrize(
    ("text", "start", "end", "rest"),
    [
        (f"w\nhead\n{LINE}", 2, 7 + PIECE + 1, f"w\n{LINE[PIECE:]}"),
        ("w\nx\r\ny\nz", 2, 4, "w\ny\nz"),
        ("w\n\r\ny", 2, 3, "w\ny"),
        ("w\r\n\ny", 2, 3, "w\r\ny"),
        (f"{LINE}\r\nend", PIECE + 1, len(LINE) + len(LINE) // PIECE, f"{LINE[:PIECE]}end"),
    ],
)
def test_removing_a_selection_keeps_the_line_breaks_around_it(
    editor: TextEdit, remove: Callable[[TextEdit], None], text: str, start: int, end: int, rest: str
) -> None:
    editor.set_text(text)
    editor.flush()
    selected(editor, start, end)
    remove(editor)
    assert editor.toPlainText() == rest
    editor.undo()
    assert editor.toPlainText() == text


@SLOW
@given(
    start=st.integers(0), end=st.integers(0), remove=st.sampled_from(REMOVALS), text=st.sampled_from(["p", MIXED])
)
def test_any_selection_can_be_removed_and_replaced(
    editor: TextEdit, start: int, end: int, remove: Callable[[TextEdit], None], text: str
) -> None:
    editor.set_text(MIXED)
    editor.flush()
    length = editor.document().characterCount()
    start, end = sorted((start % length, end % length))
    before, after = selected(editor, 0, start), selected(editor, end, length - 1)
    selected(editor, start, end)
    if start < end:
        remove(editor)
        assert editor.toPlainText() == before + after
    press_paste(editor, text)
    assert editor.toPlainText() == before + text + after


def test_typing_in_an_empty_line_does_not_copy_its_line_break(editor: TextEdit) -> None:
    editor.set_text(f"{LINE}\r\n\r\n")
    editor.flush()
    editor.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.keyClicks(editor, "ab")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.toPlainText() == f"{LINE}\r\n\r\n\nab\n"
    editor.set_text("1\n2")
    assert editor.toPlainText() == "1\n2"
    editor.insert_text(LINE)
    editor.flush()
    assert editor.toPlainText() == f"{LINE}1\n2"


def test_a_line_that_grows_by_pastes_is_displayed_in_pieces(editor: TextEdit) -> None:
    for _ in range(50):
        paste(editor, "x" * (LONG_LINE - 1))
        set_cursor(editor, 0)
    assert editor.toPlainText() == "x" * (50 * (LONG_LINE - 1))
    assert longest_block(editor) <= 2 * LONG_LINE


def test_large_text_of_an_input_method_is_inserted_like_a_paste(editor: TextEdit) -> None:
    event = QInputMethodEvent()
    event.setCommitString("y" * 10_000 + "\nz")
    QApplication.sendEvent(editor, event)
    assert editor.toPlainText() == "y" * 10_000 + "\nz"
    assert longest_block(editor) <= LONG_LINE + 1


@pytest.mark.parametrize("text", ["x" * (MAX_SIZE + 1), "é" * (MAX_SIZE // 2 + 1), "x\n" * 25_000_000])
def test_a_too_large_text_is_rejected_completely(editor: TextEdit, text: str) -> None:
    editor.set_text("before")
    paste(editor, text)
    assert not editor.set_text(text)
    assert editor.toPlainText() == "before"
    assert rejections(editor) == [TOO_LARGE, TOO_LARGE]
    assert "Send from file …" in TOO_LARGE


def test_the_limit_applies_to_the_complete_text(editor: TextEdit) -> None:
    paste(editor, "x" * (MAX_SIZE - 1))
    editor.flush()
    paste(editor, "ab")
    assert rejections(editor) == [TOO_LARGE]
    editor.selectAll()
    paste(editor, "y" * MAX_SIZE)
    assert editor.toPlainText() == "y" * MAX_SIZE


def test_the_limit_counts_bytes_of_the_complete_text(editor: TextEdit) -> None:
    paste(editor, "€" * 80_000)
    editor.flush()
    paste(editor, "€" * 60_000)
    assert rejections(editor) == [TOO_LARGE]
    assert editor.set_text(editor.toPlainText())


def test_lines_that_are_replaced_do_not_count(editor: TextEdit) -> None:
    assert editor.set_text("\n" * 10_000)
    editor.flush()
    editor.selectAll()
    paste(editor, "x\n" * 10_000)
    editor.flush()
    assert editor.toPlainText() == "x\n" * 10_000
    paste(editor, "y\n" * 10_000)
    assert "too many lines (20,001)" in rejections(editor)[0]


def test_too_many_lines_are_rejected_with_their_number(editor: TextEdit) -> None:
    paste(editor, "\n" * MAX_LINES)
    assert editor.toPlainText() == ""
    assert rejections(editor) == [
        "The text has too many lines (20,001). The maximum is 20,000. "
        "To send a file as a raw frame, use Send from file … in Inject."
    ]


def test_a_read_only_editor_shows_the_beginning(qtbot: Any) -> None:
    view = JsonView("Raw", read_only=True)
    qtbot.addWidget(view)
    view.set_text("x" * (MAX_SHOWN_CHARS + 5_000))
    view.flush()
    assert view.toPlainText() == "x" * MAX_SHOWN_CHARS + "\n… 5,000 more characters"
    assert longest_block(view) <= LONG_LINE + 1
    view.set_text("a\n" * (MAX_SHOWN_LINES + 10))
    assert view.toPlainText() == "a\n" * (MAX_SHOWN_LINES - 1) + "a\n… 21 more characters"
    assert view.isReadOnly()


def test_setting_a_new_text_cancels_the_insertion_of_the_previous_one(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_edit, "SLICE_S", 0.0)
    view = JsonView("Raw", read_only=True)
    qtbot.addWidget(view)
    view.set_text("a\n" * 1_000)
    view.set_text("short")
    qtbot.wait(1)
    assert view.toPlainText() == "short"


# one line


@pytest.fixture
def line(qtbot: Any) -> LineEdit:
    line = LineEdit("before", limit=10)
    line.setAccessibleName("Name")
    line.recorder = RejectionRecorder(line)  # type: ignore[attr-defined]
    qtbot.addWidget(line.recorder)  # type: ignore[attr-defined]
    return line


def test_a_line_edit_accepts_text_up_to_its_limit(line: LineEdit) -> None:
    line.insert("1234")
    assert line.text() == "before1234"
    line.setText("y" * 10)
    assert line.text() == "y" * 10


@pytest.mark.parametrize("text", ["12345", "1" * 1_000_000, "😀😀😀"])
def test_a_line_edit_rejects_a_longer_text_completely(line: LineEdit, text: str, qtbot: Any) -> None:
    QApplication.clipboard().setText(text)
    line.paste()
    assert line.text() == "before"
    line.selectAll()
    line.setText(text * 3)
    assert line.text() == "before"
    assert set(line.recorder.rejections) == {"The text is too long for “Name”. The maximum is 10 characters."}  # type: ignore[attr-defined]


def test_a_json_field_can_hold_a_long_value(qtbot: Any) -> None:
    line = LineEdit(json.dumps(["x" * (MAX_CHARS - 4)]))
    qtbot.addWidget(line)
    assert len(line.text()) == MAX_CHARS
