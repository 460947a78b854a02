"""The dialog that renames or removes personas that have the name of a peer or of a user in the Supabase project.
A persona is a friend whom the user plays; a peer is a friend with a companion of their own. They cannot share a
name. The user decides for each persona; *Later* keeps those that are left.
"""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.companion import Companion
from app.ui.plain_text import PlainTextLabel
from app.ui.plain_text_dialogs import PlainTextInputDialog
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.confirm import confirm
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.line_edit import bound_all

WHY = (
    "A persona and a peer cannot share a name. Rename or remove these personas to chat with the peers of these "
    "names. A renamed persona keeps its messages."
)
MAX_SHOWN = 8
"""At most this many personas are shown. The others follow when these are renamed or removed."""


class PersonasDialog(QDialog):
    """A line with two buttons for each persona. It closes when none is left."""

    resolved = Signal()
    """Emitted when the last persona was renamed or removed."""

    def __init__(self, parent: QWidget, companion: Companion, names: Sequence[str]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Resolve names")
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self._show_problem)
        self.names = list(names)
        self.rows: dict[str, tuple[QPushButton, QPushButton]] = {}
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.problem.hide()
        self.later = named(QPushButton("Later"), "Later", tip="Keep the personas for now. Their names stay yours.")
        self.later.clicked.connect(self.reject)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(8)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.later)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.addWidget(PlainTextLabel(WHY, wordWrap=True))
        column.addLayout(self._lines)
        column.addWidget(self.problem)
        column.addLayout(foot)
        self.setMinimumWidth(460)
        self._do.close_with(self)
        self._show_names()

    def rename(self, old: str, new: str) -> None:
        """Rename a persona."""
        self._do(self._companion.chat.rename_person(old, new), lambda _: self._done(old))

    def _show_names(self) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self.rows = {}
        for name in self.names[:MAX_SHOWN]:
            line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8)
            rename = named(QPushButton("Rename …"), f"Rename the persona {name}")
            remove = named(QPushButton("Remove …"), f"Remove the persona {name}", style_id="danger")
            rename.clicked.connect(partial(self._ask_for_name, name))
            remove.clicked.connect(partial(self._ask_to_remove, name))
            label = ElidedLabel()
            label.setText(name)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # no wider dialog
            row.addWidget(label, 1)
            row.addWidget(rename)
            row.addWidget(remove)
            self._lines.addWidget(line)
            self.rows[name] = (rename, remove)

    def _ask_for_name(self, old: str) -> None:
        dialog = PlainTextInputDialog(self, "Rename persona", f"New name of {old}", old)
        bound_all(dialog)
        dialog.textValueSelected.connect(partial(self.rename, old))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _ask_to_remove(self, name: str) -> None:
        def remove() -> None:
            self._do(self._companion.chat.remove_person(name), lambda _: self._done(name))

        confirm(self, f"Remove the persona {name}?", "Its messages stay. This cannot be undone.", "Remove", remove)

    def _done(self, name: str) -> None:
        self.problem.hide()
        self.names = [each for each in self.names if each != name]
        self._show_names()
        if not self.names:
            self.resolved.emit()
            self.accept()

    def _show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.show()
        for name in self.names:
            if name not in self._companion.personas:  # removed meanwhile, so its name is free, too
                self._done(name)
