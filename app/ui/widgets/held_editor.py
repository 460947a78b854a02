"""The editor for the content of an event, a frame or a REST call that a breakpoint holds.
The text is validated while the user types. The edit is emitted; ``held_strip`` applies it and lets the item
continue.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.held_items import Edit, HeldItem, HeldKind
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame
from app.protocol.errors import RequestError
from app.protocol.event_type import EventProblem, InvalidEvent
from app.protocol.json_format import format_json
from app.ui.models.held_items import title_of
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_completion import Offers, offers_of
from app.ui.widgets.code_editor import CodeEditor
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.text_edit import fits

CHECK_MS = 100
"""The text is validated this soon after a change."""
LOOSE, LOOSE_TIP = "Allow invalid", "Let the item continue even if its event violates the contract"
GONE = "is no longer held. Copy the text if you need it, then cancel."
TOO_LARGE = "The content is over 256 KiB. companion breakpoints resolve --set can change single values of it."


class HeldEditor(QWidget):
    """An editor for one held item. ``check`` raises ``RequestError`` or ``InvalidEvent`` if it rejects an edit."""

    applied = Signal(object)
    """Emitted with a valid ``Edit`` when the user applies it."""
    cancelled = Signal()

    def __init__(self, companion: Companion, check: Callable[[Edit, list[int]], object]) -> None:
        super().__init__()
        self._check_edit = check
        self.item: HeldItem | None = None
        """The item that is edited, also when it is no longer held; None if none is."""
        self._original = ""
        self._gone = False
        self.title = named(ElidedLabel(), "Edited item", style_id="detailHead")
        self.loose = named(QCheckBox(LOOSE), LOOSE, tip=LOOSE_TIP)
        self.format = named(QPushButton("Format"), "Format the content", tip="Indent the JSON")
        self.cancel = named(QPushButton("Cancel"), "Cancel editing", tip="Discard the changes (Esc)")
        self.apply_button = named(
            QPushButton("Apply and continue"),
            "Apply and continue",
            style_id="primary",
            tip="Change the item, and let it continue (Ctrl+Enter or F8)",
        )
        self._companion = companion
        self.editor = CodeEditor("Content of the held item", self._offers)
        self.problem = named(ElidedLabel(), "Problem of the content", style_id="problem")
        self._soon = QTimer(self, interval=CHECK_MS, singleShot=True)
        self._soon.timeout.connect(self.check)
        self._lay_out()
        self.editor.textChanged.connect(self._on_edited)
        self.editor.inserted.connect(self.check)
        self.loose.toggled.connect(lambda _: self.check())
        self.format.clicked.connect(self._format)
        self.cancel.clicked.connect(self.cancelled)
        self.apply_button.clicked.connect(self.apply)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.title, 1)
        for widget in (self.loose, self.format, self.cancel, self.apply_button):
            top.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.editor, 1)
        column.addWidget(self.problem)

    def _offers(self) -> Offers:
        """Return what can be completed: the events of the item's direction and their values."""
        companion = self._companion
        from_ui = self.item is not None and self.item.kind is HeldKind.CLIENT_FRAME
        return offers_of(
            companion.catalog, [*companion.personas, companion.local_user], with_templates=False,
            direction=Direction.FROM_UI if from_ui else Direction.TO_UI,
        )  # fmt: skip

    @property
    def changed(self) -> bool:
        """Whether the text differs from the content of the item."""
        return self.editor.toPlainText() != self._original

    def edit(self, item: HeldItem) -> None:
        """Show an item's content, and give the editor the keyboard focus."""
        self.item, self._gone = item, False
        self.title.setText(f"Edit {title_of(item)}")
        self.loose.setChecked(False)
        self.loose.setVisible(item.kind in (HeldKind.EVENT, HeldKind.CLIENT_FRAME))
        self._original = _shown_text(item)
        self.editor.set_text(self._original)
        self.check()
        self.editor.setFocus()

    def stop(self) -> None:
        """Forget the item and the text."""
        self.item = None
        self._soon.stop()
        self.editor.set_text("")

    def show_gone(self) -> None:
        """Say that the item is no longer held. The text stays, so that the user can copy it."""
        self._gone = True
        self.check()

    def apply(self) -> bool:
        """Emit the edit if it is valid. Return False if it is not."""
        if self.item is None or not self.check():
            return False
        self.applied.emit(self._edit)
        return True

    def check(self) -> bool:
        """Validate the text, and show what is wrong with it. Return whether it is valid."""
        self._soon.stop()
        if self.item is None:
            return False
        problem = ""
        problems: tuple[EventProblem, ...] = ()
        try:
            if self._gone:
                problem = f"Item {self.item.number} {GONE}"
            elif not self.editor.inserting:
                self._check_edit(self._edit, [self.item.number])
        except InvalidEvent as invalid:
            problem, problems = in_one_line(invalid.problems), invalid.problems
        except RequestError as error:
            problem = error.reason
        self.editor.show_problems(problems)
        self._show_problem(problem, problems)
        self.apply_button.setEnabled(not problem and not self.editor.inserting)
        return self.apply_button.isEnabled()

    @property
    def _edit(self) -> Edit:
        return Edit(text=self.editor.toPlainText(), loose=self.loose.isChecked())

    def _on_edited(self) -> None:
        if self.item and not self._soon.isActive():
            self._soon.start()

    def _format(self) -> None:
        if why := self.editor.format_text():
            self._show_problem(why, ())

    def _show_problem(self, text: str, problems: Sequence[EventProblem]) -> None:
        self.problem.setText(text)
        if len(problems) > 1:
            set_tooltip(self.problem, "\n".join(map(str, problems)))


def in_one_line(problems: Sequence[EventProblem]) -> str:
    """Return the first problem, and how many more there are: the editor underlines all of them."""
    more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else ""


def why_not_editable(item: HeldItem, check: Callable[[Edit, list[int]], object]) -> str:
    """Return why the content of an item cannot be edited here, or an empty text if it can."""
    if not fits(_shown_text(item)):
        return TOO_LARGE
    try:
        check(Edit(text=item.text, loose=True), [item.number])
    except (RequestError, InvalidEvent) as error:
        # An event that is valid JSON can always be edited, and so can a body: only a request without one cannot.
        return str(error)
    return ""


def _shown_text(item: HeldItem) -> str:
    """Return the content, indented if it is JSON. A raw frame is shown as it is: its exact text matters."""
    if item.kind is HeldKind.RAW_FRAME:
        return item.text
    try:
        return format_json(item.text)
    except BadFrame:
        return item.text
