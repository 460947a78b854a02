"""The right side of the Fixtures room: title and properties of the selected fixture, an editor, and buttons.
A fixture is a saved event or raw frame. The room connects the buttons: *Revert* discards the changes, and
``ui/fixture_actions.py`` carries out the others, such as *Save* and *Pin*.
"""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.protocol.fixture import SavedFixture
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.fixtures import facts
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.revert_button import RevertButton

PIN, PINNED = "Pin", "Pinned"
SAVE_TIP = "Save (Ctrl+S)"


class FixtureForm(QWidget):
    """Show a fixture and let the user edit its event as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.title = named(PlainTextLabel(wordWrap=True), "Fixture", style_id="emptyTitle")
        self.name = named(PlainTextLabel(wordWrap=True), "Name", style_id="muted")
        self.must = named(PlainTextLabel(wordWrap=True), "Expected UI behaviour", style_id="duty")
        self.editor = JsonView("Event as JSON")
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.pin = named(QPushButton(PIN), "Pin to the tray menu", tip="Show it in the tray icon's Fire menu")
        self.pin.setCheckable(True)
        self.revert = RevertButton("fixture")
        self.save = named(QPushButton("Save"), "Save this fixture", tip=SAVE_TIP)
        self.save_as = named(QPushButton("Save as …"), "Save under another name")
        self.rename = named(QPushButton("Rename …"), "Rename this fixture", tip="Rename (F2 in the list)")
        self.delete = named(
            QPushButton("Delete"), "Delete this fixture", style_id="danger", tip="Delete (Del in the list)"
        )
        self._lay_out()

    def show_fixture(self, saved: SavedFixture) -> None:
        """Show the title and the facts of a fixture."""
        self.title.setText(saved.title)
        self.name.setText(facts(saved))
        self.must.setText(f"What your UI should do: {saved.fixture.must}")
        self.must.setVisible(bool(saved.fixture.must))

    def show_text(self, text: str) -> str:
        """Replace the text of the editor without a signal. Return the text as the editor has it."""
        with QSignalBlocker(self.editor):
            if not self.editor.set_text(text):
                self.editor.clear()
        return self.editor.toPlainText()

    def show_problem(self, text: str) -> None:
        """Show what is wrong with the event, or hide the line if nothing is."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_can_save(self, *, save: bool, why_not: str) -> None:
        """Show whether *Save* is possible, and why nothing can be saved, if so."""
        self.save.setEnabled(save and not why_not)
        self.save_as.setEnabled(not why_not)
        set_tooltip(self.save, why_not or SAVE_TIP)
        set_tooltip(self.save_as, why_not)

    def show_pinned(self, pinned: bool) -> None:
        """Show whether the fixture is pinned."""
        self.pin.setChecked(pinned)
        self.pin.setText(PINNED if pinned else PIN)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.pin.setIcon(ui_icon("pin", theme.colors().muted))

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Make the pin button wide enough for both of its texts, so that nothing moves when it changes."""
        super().showEvent(event)
        text = self.pin.text()
        self.pin.setText(PINNED)
        self.pin.setMinimumWidth(self.pin.sizeHint().width())
        self.pin.setText(text)
        if layout := self.layout():
            layout.activate()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title, 1)
        head.addWidget(self.pin, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.revert, self.save, self.save_as, self.rename, self.delete):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.name)
        column.addWidget(self.must)
        for label in (self.title, self.name, self.must, self.problem):
            label.setMinimumWidth(1)  # a long name must not widen the window
        column.addWidget(self.editor, 1)
        column.addWidget(self.problem)
        column.addLayout(buttons)
