"""A dialog that asks for a name, of a fixture by default, and validates it while the user types."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.protocol.errors import RequestError
from app.protocol.fixture import BadFixture, valid_fixture_name
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit


class NameDialog(QDialog):
    """Emit ``chosen`` with a valid name when the user accepts. Call ``open()``; it does not block.

    With an ``option`` text, the dialog has a check box of that title, which is checked by default.
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
    ) -> None:
        """``valid_name`` returns a text as a name. ``check`` returns a warning about a name.

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
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.option = QCheckBox(option)
        self.option.setChecked(True)
        self.option.setVisible(bool(option))
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        for widget in (explanation, self.name, self.problem, self.option, self.buttons):
            column.addWidget(widget)
        self.name.textChanged.connect(lambda _: self._check())
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        self.name.selectAll()
        self._check()

    def show_rejection(self, text: str) -> None:
        """Show why the editor rejected a text."""
        self.problem.setText(text)
        self.problem.setVisible(True)

    def _check(self) -> None:
        wrong, note = "", ""
        try:
            note = self._check_name(self._valid_name(self.name.text()))
        except (BadFixture, RequestError) as bad:
            wrong = str(bad)
        self.problem.setText(wrong or note)
        self.problem.setVisible(bool(wrong or note))
        self.adjustSize()  # a wrapped line needs more height
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(not wrong)

    def _accept(self) -> None:
        self.chosen.emit(self._valid_name(self.name.text()))
        self.accept()
