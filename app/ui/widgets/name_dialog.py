"""A dialog that asks for a name to save, rename or record something, and validates it while the user types.
It is used for fixtures, scenarios, recordings, fault profiles and saved filters. The caller passes the functions
that check whether a name is valid, is taken or would replace something. The caller also acts on the chosen name.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.protocol.errors import RequestError
from app.protocol.fixture import BadFixture, valid_fixture_name
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

MARGIN = 20


def overwrite_warning(name: str, *, exists: bool, changed: bool = False) -> str:
    """Return a warning if saving under a name will replace a file, or unsaved changes of it; else an empty text."""
    sentences = [f"{name} already exists and will be replaced."] if exists else []
    if changed:
        whose = "Its unsaved changes" if exists else f"Unsaved changes of {name}"
        sentences.append(f"{whose} will be lost.")
    return " ".join(sentences)


class NameDialog(QDialog):
    """Emit ``chosen`` with a valid name when the user accepts. Call ``open()``; it does not block.

    With an ``option`` text, the dialog has a check box of that title, which is checked by default. A ``note`` is
    shown above the buttons.
    """

    chosen = Signal(str)

    def __init__(
        self,
        parent: QWidget,
        title: str,
        name: str,
        check: Callable[[str], str],
        option: str = "",
        *,
        valid_name: Callable[[str], str] = valid_fixture_name,
        hint: str = "Name. Use / for folders: bugs/late typing",
        label: str = "Name of the fixture",
        note: str = "",
    ) -> None:
        """``valid_name`` normalizes a text to a name. ``check`` returns a warning about a name, or an empty text.

        Both raise ``BadFixture`` or ``RequestError`` if the name must not be used.
        """
        super().__init__(parent)
        self._valid_name = valid_name
        self._check_name = check
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(420)
        explanation = PlainTextLabel(hint, wordWrap=True)
        explanation.setObjectName("muted")
        self.name = named(LineEdit(name, limit=200), label)
        self.note = named(PlainTextLabel(note, wordWrap=True), "Note", style_id="warning")
        self.note.setVisible(bool(note))
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.option = QCheckBox(option)
        self.option.setChecked(True)
        self.option.setVisible(bool(option))
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 16, MARGIN, 16)
        column.setSpacing(10)
        for widget in (explanation, self.name, self.problem, self.note, self.option, self.buttons):
            column.addWidget(widget)
        self.name.textChanged.connect(lambda _: self._check())
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        self.name.selectAll()
        self._check()

    def show_rejection(self, text: str) -> None:
        """Show why the input rejected a text, for example because it is too long. Called by ``text_rejection``."""
        self._show_problem(text)

    def _check(self) -> bool:
        """Show the problem or the warning about the name. Return whether the name can be accepted."""
        wrong, note = "", ""
        try:
            note = self._check_name(self._valid_name(self.name.text()))
        except (BadFixture, RequestError) as bad:
            wrong = str(bad)
        self._show_problem(f"{wrong[:1].upper()}{wrong[1:]}" or note)
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(not wrong)
        return not wrong

    def _show_problem(self, text: str) -> None:
        """Show a problem in full: the dialog grows with the number of its lines."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        width = max(self.width(), self.minimumWidth()) - 2 * MARGIN
        for label in (self.problem, self.note):
            label.setMinimumHeight(label.heightForWidth(width) if label.text() else 0)
        self.adjustSize()

    def _accept(self) -> None:
        """Accept the name, unless it has a problem or a warning that was not shown yet.

        What the name would replace may have appeared while the dialog was open.
        """
        shown = self.problem.text()
        if not self._check() or self.problem.text() not in ("", shown):
            return
        self.chosen.emit(self._valid_name(self.name.text()))
        self.accept()
