"""The header of the details pane: event and facts of the selected row, its annotation, which can be edited, and
action buttons. It also lists the rules of the lint, which compares the traffic with the contract, that the row
violates. If several rows are selected, it shows how many. The buttons emit the title of their action, except
*Copy*, which opens a menu, and *Close*, which emits ``closed``. ``ui/row_actions.py`` carries out the actions, also
those of the menu.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.hub.journal import Kind, Row
from app.hub.origin import client_origin
from app.hub.row_marks import MAX_ANNOTATION, Mark
from app.protocol.counts import count
from app.protocol.lint.rules import BY_ID
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.log_text import ARROWS, clock, recipients, source, with_user
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.line_edit import LineEdit

RESEND = "Resend"
EDIT = "Edit in Inject"
SAVE = "Save as fixture …"
EXPORT = "Export …"
PIN = "Pin"
ANNOTATE = "Annotate …"
BREAK = "Break on this event"

COMPACT_WIDTH = 760
"""If the header is narrower, its buttons show only their icons."""
MIN_WIDTH = 380
MAX_NAME_CHARS = 100
TIPS = {
    RESEND: "Send the frame again, byte for byte, to the same recipients (R)",
    EDIT: "Open the event in Inject (E)",
    SAVE: "Save the frame as a fixture (S)",
    EXPORT: "Save the selected rows to a file: a test, a scenario, a bug report, JSON lines or HAR",
    PIN: "Pin or unpin the selected rows (M). The filter is:pinned shows them.",
    ANNOTATE: "Write a short note about the row (A)",
    BREAK: "Hold this event from now on, before it is sent or handled (B)",
}
TEXTS = {RESEND: "Resend", EDIT: "Edit in Inject", SAVE: "Save as fixture", EXPORT: "Export", PIN: "", ANNOTATE: "",
         BREAK: ""}  # fmt: skip
ICONS = {
    RESEND: "resend", EDIT: "edit", SAVE: "fixtures", EXPORT: "down", PIN: "pin", ANNOTATE: "note",
    BREAK: "breakpoint",
}  # fmt: skip


class RowHeader(QWidget):
    """Two lines, and more for violated rules and an annotation. ``triggered`` is emitted with an action's title."""

    triggered = Signal(str)
    closed = Signal()

    def __init__(self, number_of: Callable[[int], int] = int) -> None:
        """``number_of`` returns the number that is shown for a row."""
        super().__init__()
        self.number_of = number_of
        self.title = named(ElidedLabel(), "Row", style_id="detailHead")
        self.facts = named(PlainTextLabel(wordWrap=True), "About the row", style_id="muted")
        self.lint = named(PlainTextLabel(wordWrap=True), "Violated rules", style_id="warning")
        """Which rules of the lint the row violates; hidden if there are none."""
        self.annotation = AnnotationEdit()
        self.buttons = {title: self._button(title) for title in TEXTS}
        self.buttons[PIN].setCheckable(True)
        self.copy_menu = QMenu(self)
        self.copy = named(
            QPushButton("Copy"),
            "Copy",
            style_id="rowMenu",
            tip="Copy as JSON, as a command or for Playwright",
        )
        self.copy.setMenu(self.copy_menu)
        self.close_button = named(
            QPushButton(), "Close the details", style_id="flat", tip="Close the details (Esc)"
        )
        self.close_button.clicked.connect(self.closed)
        first = QHBoxLayout()
        first.setSpacing(4)
        first.addWidget(self.title, 1)
        for title in (RESEND, EDIT, SAVE, EXPORT):
            first.addWidget(self.buttons[title])
        first.addWidget(self.copy)
        for widget in (self.buttons[BREAK], self.buttons[PIN], self.buttons[ANNOTATE], self.close_button):
            first.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(first)
        column.addWidget(self.facts)
        column.addWidget(self.lint)
        column.addWidget(self.annotation)
        self.recolor()

    def show_row(self, row: Row, mark: Mark, why_not: Callable[[str], str]) -> None:
        """Show a row. ``why_not`` returns why an action is not possible, or an empty text."""
        self.title.setText(f"{row.event[:MAX_NAME_CHARS] or 'no event'} · {ARROWS[row.kind]}")
        self.facts.setText(" · ".join(_facts(row, self.number_of(row.seq))))
        self._enable(why_not)
        self.buttons[EXPORT].hide()
        self.show_mark(mark)

    def show_several(self, number: int, pinned: bool, why_not: Callable[[str], str]) -> None:
        """Show how many rows are selected, and what can be done with them."""
        self.title.setText(f"{count(number, 'row')} selected")
        self.facts.setText("Copy, Export and Pin apply to all of them.")
        self._enable(why_not)
        self.buttons[EXPORT].show()
        self.show_mark(Mark(pinned))

    def show_mark(self, mark: Mark) -> None:
        """Show whether the row is pinned, which rules it violates, and its annotation."""
        self.lint.setText("\n".join(_violation(each) for each in mark.lint))
        self.lint.setVisible(bool(mark.lint))
        self.buttons[PIN].setChecked(mark.pinned)
        self.annotation.show_saved(mark.annotation)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        muted = theme.colors().muted
        for title, name in ICONS.items():
            self.buttons[title].setIcon(ui_icon(name, muted))
        self.copy.setIcon(ui_icon("copy", muted))
        self.close_button.setIcon(ui_icon("close", muted))

    @override
    def minimumSizeHint(self) -> QSize:
        """Return the width with icons only: the pane that contains the header can become that narrow."""
        return QSize(MIN_WIDTH, super().minimumSizeHint().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        compact = event.size().width() < COMPACT_WIDTH
        for title, text in TEXTS.items():
            self.buttons[title].setText("" if compact else text)
        self.copy.setText("" if compact else "Copy")

    def _button(self, title: str) -> QPushButton:
        button = named(QPushButton(TEXTS[title]), title, style_id="rowAction")
        button.clicked.connect(lambda: self.triggered.emit(title))
        return button

    def _enable(self, why_not: Callable[[str], str]) -> None:
        for title, button in self.buttons.items():
            reason = why_not(title)
            button.setEnabled(not reason)
            set_tooltip(button, f"{title.removesuffix(' …')}: {reason}" if reason else TIPS[title])


class AnnotationEdit(LineEdit):
    """Edit the annotation of a row. The field is hidden while it is empty and not being edited."""

    saved = Signal(str)
    """Emitted with the text when the user presses Enter or leaves the field, if it has changed."""
    left = Signal()
    """Emitted when the user leaves the field with Enter or Esc."""

    def __init__(self) -> None:
        super().__init__(limit=MAX_ANNOTATION, placeholder="Annotation. Enter saves it, Esc cancels.")
        named(self, "Annotation", style_id="annotation")
        self._saved = ""
        self.hide()
        self.returnPressed.connect(self.left)
        self.editingFinished.connect(self._save)

    @property
    def _is_edited(self) -> bool:
        """Whether it has the focus of its window, which may be inactive for a moment."""
        return self.window().focusWidget() is self

    def show_saved(self, text: str) -> None:
        """Show an annotation, or hide the field if there is none."""
        self._saved = text
        if not self._is_edited:
            self.setText(text)
            self.setCursorPosition(0)
            self.setVisible(bool(text))
        set_tooltip(self, text)

    def finish(self) -> None:
        """Save the text that is being edited. Call this before another row is shown."""
        if self._is_edited:
            self.clearFocus()

    def begin(self) -> None:
        """Start editing."""
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.selectAll()

    @override
    def event(self, event: QEvent) -> bool:
        """Keep Esc for ``keyPressEvent``. Otherwise, it would close the details."""
        asked = event.type() == QEvent.Type.ShortcutOverride  # whether a key is a shortcut
        if asked and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self._saved)
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _save(self) -> None:
        text = " ".join(self.text().split())
        self.setVisible(bool(text) or self._is_edited)
        if text != self._saved:
            self.saved.emit(text)


def _violation(rule_id: str) -> str:
    """Return the title and the advice of a rule of the lint."""
    rule = BY_ID[rule_id]
    return f"▲ {rule.title} ({rule.id}). {rule.advice}"


def _facts(row: Row, number: int) -> list[str]:
    """Return the facts about a row: number in the log, time, client, source, size, and its note or verdict.

    Below the header, ``row_facts`` shows the note of a row without a frame.
    """
    facts = [f"#{number}", clock(row.wall)]
    if row.client:
        client = f"client {with_user(row.client, row.user)}"
        facts.append(client if row.kind is not Kind.TO_UI else f"to {recipients(row.client)}")
    if row.origin != client_origin(row.client) and row.kind is not Kind.SERVER:
        facts.append(f"source: {source(row.origin)}")
    return [*facts, *([f"{row.size:,} B"] if row.size else []), (row.payload and row.note) or row.verdict]
