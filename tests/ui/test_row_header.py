"""The header of the details: facts, buttons with reasons, and the annotation."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import PANEL, Origin
from app.hub.row_marks import UNMARKED, Mark
from app.ui import theme
from app.ui.models.log_text import Col, colors, texts
from app.ui.row_actions import COPY_COMMAND, COPY_JSON, COPY_PLAYWRIGHT, why_not
from app.ui.widgets.row_header import ANNOTATE, COMPACT_WIDTH, EDIT, EXPORT, PIN, RESEND, SAVE, TEXTS, RowHeader

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton
TO_UI_ONLY = (RESEND, EDIT, SAVE, COPY_COMMAND)
ONE_ONLY = (*TO_UI_ONLY, COPY_PLAYWRIGHT, ANNOTATE)


class Pane(QWidget):
    """A header and another control that can have the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.header, self.other = RowHeader(), QLineEdit()
        column = QVBoxLayout(self)
        column.addWidget(self.header)
        column.addWidget(self.other)
        self.header.annotation.left.connect(self.other.setFocus)
        self.resize(900, 200)


@pytest.fixture
def pane(show: Callable[[QWidget], None], qtbot: Any) -> Pane:
    pane = Pane()
    show(pane)
    pane.activateWindow()
    pane.other.setFocus()
    qtbot.waitUntil(pane.other.hasFocus)
    return pane


def row(kind: Kind = Kind.TO_UI, **fields: Any) -> Row:
    return Journal().append(kind, "typing", payload=b"{}", **fields)


def show_row(pane: Pane, row: Row, mark: Mark = UNMARKED) -> None:
    pane.header.show_row(row, mark, lambda title: why_not(title, row, 1))


# available actions


def test_all_actions_are_available_for_frames_to_the_ui() -> None:
    for title in (*ONE_ONLY, COPY_JSON, PIN, EXPORT):
        assert why_not(title, row(), 1) == ""


@pytest.mark.parametrize("kind", [Kind.FROM_UI, Kind.SERVER])
def test_other_rows_cannot_be_fired(kind: Kind) -> None:
    for title in TO_UI_ONLY:
        assert why_not(title, row(kind), 1).startswith("Select a frame that was sent to the UI.")
    for title in (COPY_JSON, PIN, ANNOTATE, EXPORT):
        assert why_not(title, row(kind), 1) == ""
    assert bool(why_not(COPY_PLAYWRIGHT, row(kind), 1)) is (kind is Kind.SERVER)
    assert why_not(COPY_PLAYWRIGHT, row(Kind.FROM_UI, verdict=Verdict.INVALID), 1)


def test_several_rows_can_only_be_copied_pinned_and_exported() -> None:
    for title in ONE_ONLY:
        assert why_not(title, None, 3).startswith("Select one row. Several rows cannot be ")
    for title in (COPY_JSON, PIN, EXPORT):
        assert why_not(title, None, 3) == ""
        assert why_not(title, None, 0) == "Select a row."


# texts and buttons


def test_a_disabled_button_has_a_tooltip_with_the_reason(pane: Pane) -> None:
    show_row(pane, row(Kind.SERVER))
    resend = pane.header.buttons[RESEND]
    assert not resend.isEnabled()
    assert resend.toolTip() == "Resend: Select a frame that was sent to the UI. Other rows cannot be resent."
    show_row(pane, row())
    assert resend.isEnabled()
    assert "(R)" in resend.toolTip()


@pytest.mark.parametrize("title", [RESEND, EDIT, SAVE, PIN, ANNOTATE])
def test_a_button_triggers_its_action(pane: Pane, title: str, qtbot: Any) -> None:
    triggered: list[str] = []
    pane.header.triggered.connect(triggered.append)
    show_row(pane, row())
    qtbot.mouseClick(pane.header.buttons[title], LEFT)
    assert triggered == [title]
    assert pane.header.buttons[title].accessibleName() == title


def test_several_rows_are_counted_and_can_be_exported(pane: Pane) -> None:
    show_row(pane, row())
    assert not pane.header.buttons[EXPORT].isVisible()
    pane.header.show_several(12, True, lambda title: why_not(title, None, 12))
    assert pane.header.title.text() == "12 rows selected"
    assert pane.header.buttons[EXPORT].isVisible()
    assert pane.header.buttons[PIN].isChecked()
    assert not pane.header.buttons[RESEND].isEnabled()


def test_the_facts_contain_the_client_and_its_user_once(pane: Pane) -> None:
    show_row(pane, row(Kind.FROM_UI, client="2", user="bob", origin=Origin("client 2"), note="fine"))
    facts = pane.header.facts.text()
    assert facts.startswith("#1 · ")
    assert facts.endswith(" · client 2 · bob · 2 B · fine")


def test_a_narrow_header_shows_icons_only_and_clips_nothing(pane: Pane, qtbot: Any) -> None:
    long_row = Journal().append(Kind.TO_UI, "an_event_with_a_very_long_name_" * 3, note="a long note " * 20)
    for width in (COMPACT_WIDTH + 60, COMPACT_WIDTH - 60, 420):
        show_row(pane, long_row)

        def narrow(width: int = width) -> bool:
            pane.resize(width, 400)  # repeated, because the minimum width is smaller after the buttons have no text
            return pane.header.width() <= width

        qtbot.waitUntil(narrow)
        header = pane.header
        button_texts = {title: button.text() for title, button in header.buttons.items()}
        assert button_texts == (TEXTS if header.width() >= COMPACT_WIDTH else dict.fromkeys(TEXTS, ""))
        for button in (*header.buttons.values(), header.copy, header.close_button):
            if button.isVisible():
                assert button.width() >= button.sizeHint().width()
                assert header.rect().contains(button.geometry())
        assert header.facts.height() >= header.facts.heightForWidth(header.facts.width())
        assert header.title.toolTip().startswith("an_event_with")


# the annotation


def test_an_annotation_is_written_and_saved_with_enter(pane: Pane, qtbot: Any) -> None:
    saved: list[str] = []
    edit = pane.header.annotation
    edit.saved.connect(saved.append)
    edit.saved.connect(edit.show_saved)
    show_row(pane, row())
    assert not edit.isVisible()
    edit.begin()
    qtbot.keyClicks(edit, " too  late ")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert saved == ["too late"]
    assert pane.other.hasFocus()
    assert edit.isVisible()
    assert edit.text() == "too late"


def test_escape_discards_changes_of_the_annotation(pane: Pane, qtbot: Any) -> None:
    saved: list[str] = []
    edit = pane.header.annotation
    edit.saved.connect(saved.append)
    show_row(pane, row(), Mark(annotation="before"))
    assert edit.isVisible()
    edit.begin()
    qtbot.keyClicks(edit, "after")
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert (saved, edit.text()) == ([], "before")
    assert pane.other.hasFocus()


def test_leaving_the_field_saves_and_an_empty_text_removes_the_annotation(pane: Pane, qtbot: Any) -> None:
    saved: list[str] = []
    edit = pane.header.annotation
    edit.saved.connect(saved.append)
    edit.saved.connect(edit.show_saved)
    show_row(pane, row(), Mark(annotation="before"))
    edit.begin()
    edit.clear()
    pane.other.setFocus()
    assert saved == [""]
    assert not edit.isVisible()


def test_an_annotation_is_still_edited_after_a_visit_to_another_window(
    pane: Pane, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    edit, other = pane.header.annotation, QLineEdit()
    show_row(pane, row())
    edit.begin()
    show(other)
    other.setFocus()
    other.activateWindow()
    qtbot.waitUntil(other.hasFocus)
    show_row(pane, row())
    assert edit.isVisible()
    pane.activateWindow()
    qtbot.waitUntil(edit.hasFocus)
    qtbot.keyClicks(edit, "mine")
    other.activateWindow()
    qtbot.waitUntil(other.hasFocus)
    edit.finish()
    show_row(pane, row(), Mark(annotation="of another row"))
    assert edit.text() == "of another row"


def test_a_change_elsewhere_does_not_replace_a_text_being_edited(pane: Pane, qtbot: Any) -> None:
    edit = pane.header.annotation
    show_row(pane, row())
    edit.begin()
    qtbot.keyClicks(edit, "mine")
    pane.header.show_mark(Mark(True, "theirs"))
    assert edit.text() == "mine"
    assert pane.header.buttons[PIN].isChecked()


def test_violated_rules_are_shown_with_what_to_do(pane: Pane) -> None:
    shown = row(origin=PANEL)
    show_row(pane, shown)
    assert pane.header.lint.isHidden()
    show_row(pane, shown, Mark(lint=("duplicate-id", "clock-skew")))
    first, second = pane.header.lint.text().splitlines()
    assert first.startswith("▲ Message ID is used twice (duplicate-id). Give each message an ID of its own")
    assert "clock-skew" in second
    assert texts(shown, Mark(lint=("duplicate-id",)))[Col.RESULT] == "▲ duplicate-id · ok · from the window"
    scheme = theme.LIGHT
    assert colors(shown, scheme, Mark(lint=("duplicate-id",)))[Col.RESULT] == scheme.warning
