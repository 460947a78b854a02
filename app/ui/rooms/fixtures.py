"""The Fixtures room: the list of fixtures (saved events or frames), an editor, and the bar that fires them.

A fixture can have a note on what a correct UI must do, and an expectation: what the UI must send afterwards.
"""

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace
from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.companion import Companion
from app.hub.expectation import Expectation
from app.hub.hub import Delivery
from app.hub.journal import Row
from app.hub.origin import PANEL
from app.protocol.fixture import (
    DEFAULT_WITHIN_S,
    MAX_FIXTURE_BYTES,
    Fixture,
    FixtureExpectation,
    SavedFixture,
    from_frame,
)
from app.protocol.templates import TemplateError
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.fixtures import event_text, facts
from app.ui.plain_text import PlainTextLabel
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.confirm import confirm
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.fire_bar import FireBar
from app.ui.widgets.fixture_dialogs import FixtureDialogs
from app.ui.widgets.fixture_list import FixtureList
from app.ui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from app.ui.window import MainWindow


def create(window: "MainWindow") -> "FixturesRoom":
    """Build the room and connect it to the others."""
    room = FixturesRoom(window.companion)
    room.pins_changed.connect(window.pin)
    return room


class Draft(NamedTuple):
    """Unsaved changes of a fixture: its text and its expectation."""

    text: str
    expect: FixtureExpectation | None


class FixturesRoom(QWidget):
    """The list of fixtures, an editor for the selected one, and the fire bar."""

    pins_changed = Signal(list)
    """Emitted with the names of all pinned fixtures; the window saves them."""
    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._dialogs = FixtureDialogs(self, companion)
        self._shown: SavedFixture | None = None
        self._edited: Fixture | None = None
        """The edited fixture; None if no fixture is selected."""
        self._text_as_shown = ""
        """The text that the editor returns for the unedited fixture; its line ends can differ from the file's."""
        self._pinning = ""
        """The fixture that the user is pinning or unpinning; the window saves the settings later."""
        self._was_pinned = False
        self._drafts: dict[str, Draft] = {}
        """Unsaved changes of the fixtures that are not selected, by name."""
        self.list = FixtureList()
        self.title = named(PlainTextLabel(wordWrap=True), "Fixture", style_id="emptyTitle")
        self.name = named(PlainTextLabel(wordWrap=True), "Name", style_id="muted")
        self.must = named(PlainTextLabel(wordWrap=True), "Expected UI behaviour", style_id="duty")
        self.editor = JsonView("Event as JSON")
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.pin = named(QPushButton("Pin"), "Pin to the tray menu", tip="Show it in the tray icon's Fire menu")
        self.pin.setCheckable(True)
        self.revert = named(QPushButton("Revert"), "Revert to the saved version", tip="Discard the changes")
        self.save = named(QPushButton("Save"), "Save this fixture")
        self.save_as = named(QPushButton("Save as …"), "Save under another name")
        self.rename = named(QPushButton("Rename …"), "Rename this fixture")
        self.delete = named(QPushButton("Delete"), "Delete this fixture", style_id="danger")
        self.bar = FireBar(companion)
        self.bar.status_message.connect(self.status_message)
        self.empty = EmptyState("fixtures", "No fixture is selected")
        self.setFocusProxy(self.list)
        self._lay_out()
        self._connect()
        self.recolor()
        self.refresh()

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.bar.show_rejection(text)

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self._do.close()
        self.bar.close_down()
        for disconnect in self._disconnects:
            disconnect()

    def fire_or_stop(self) -> None:
        """Fire the selected fixture, or stop a running repeat."""
        self.bar.fire_or_stop()

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        """The parts whose sizes the window saves."""
        return {"fixtures/list": self.splitter}

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        self.pin.setIcon(ui_icon("pin", scheme.muted))
        self.list.recolor()
        self.empty.recolor()
        self.refresh()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Read the fixture files again: another program may have changed them."""
        super().showEvent(event)
        self._do(self._companion.fixtures.read())

    # building

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.pin)
        buttons.addStretch(1)
        for button in (self.revert, self.save, self.save_as, self.rename, self.delete):
            buttons.addWidget(button)
        pane = QWidget()
        column = QVBoxLayout(pane)
        column.setContentsMargins(12, 14, 20, 10)
        column.setSpacing(8)
        for widget in (self.title, self.name, self.must):
            column.addWidget(widget)
        for label in (self.title, self.name, self.must, self.problem):
            label.setMinimumWidth(1)  # a long name must not widen the window
        column.addWidget(self.editor, 1)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self.empty.hint.setText("Select one in the list, save a row of the log in Events, or paste a frame.")
        self.pane = QStackedWidget()
        self.pane.addWidget(self.empty)
        self.pane.addWidget(pane)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.list)
        self.splitter.addWidget(self.pane)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([300, 620])
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.splitter, 1)
        whole.addWidget(self.bar)

    def _connect(self) -> None:
        self.list.searched.connect(self.refresh)
        self.list.chosen.connect(self._chosen)
        self.list.activated.connect(lambda: self.bar.fire())
        self.editor.textChanged.connect(self._on_change)
        self.bar.expect.changed.connect(self._on_change)
        self.bar.expect.within.valueChanged.connect(lambda _: self._on_change())
        self.list.paste.clicked.connect(self._paste)
        self.pin.clicked.connect(self._pin)
        self.revert.clicked.connect(lambda: self._show(self._shown) if self._shown else None)
        self.save.clicked.connect(self._save)
        self.save_as.clicked.connect(self._save_as)
        self.rename.clicked.connect(self._rename)
        self.delete.clicked.connect(self._delete)
        self._disconnects = [
            self._companion.fixtures.changed.connect(lambda _: self.refresh()),
            self._companion.changed.connect(lambda _: self.refresh()),
            self._companion.catalog_changed.connect(lambda _: self._on_change()),
        ]

    # showing

    def refresh(self) -> None:
        """Show the current fixtures and pins. Unsaved changes are kept."""
        self._update_shown()
        library, shown = self._companion.fixtures, self._shown.name if self._shown else ""
        self.list.show_fixtures(library.all, self._companion.settings.pinned, self._drafts, shown)
        self.list.show_warnings(library.warnings, library.folder)
        self._show_state()

    def _update_shown(self) -> None:
        """Show the selected fixture as it is saved now. Unsaved changes are kept."""
        if self._shown is None:
            return
        now = next((each for each in self._companion.fixtures.all if each.name == self._shown.name), None)
        if now is None and not self._has_changes:
            self._shown = self._edited = None
        elif now is not None and now != self._shown:
            self._show(now, keep_text=self._has_changes)

    @property
    def _text_changed(self) -> bool:
        return self._shown is not None and self.editor.toPlainText() != self._text_as_shown

    @property
    def _has_changes(self) -> bool:
        """Whether the text or the expectation contains unsaved changes."""
        if self._shown is None or self._edited is None:
            return False
        return self._text_changed or self._edited.expect != self._shown.fixture.expect

    def choose(self, name: str) -> None:
        """Select a fixture."""
        self.list.choose(name)

    def _chosen(self, name: str) -> None:
        if self._shown and self._has_changes and self._shown.name != name:
            self._drafts[self._shown.name] = Draft(self.editor.toPlainText(), self._chosen_expectation)
        self._show(next(each for each in self._companion.fixtures.all if each.name == name))
        if draft := self._drafts.pop(name, None):
            self.editor.setPlainText(draft.text)
            self._choose_expectation(draft.expect)
            self._on_change()
        QTimer.singleShot(0, self, self.refresh)  # later: the list must not be rebuilt in its own signal

    def _show(self, saved: SavedFixture, *, keep_text: bool = False) -> None:
        self._shown = saved
        self.title.setText(saved.title)
        self.name.setText(facts(saved))
        self.must.setText(f"A correct UI must: {saved.fixture.must}")
        self.must.setVisible(bool(saved.fixture.must))
        self._text_as_shown = event_text(saved.fixture)
        if not keep_text:
            with QSignalBlocker(self.editor):
                if not self.editor.set_text(self._text_as_shown):
                    self.editor.clear()
            self._text_as_shown = self.editor.toPlainText()
            self._choose_expectation(saved.fixture.expect)
        self._on_change()

    def _on_change(self) -> None:
        saved = self._shown
        if saved is None:
            return
        fresh = from_frame(self.editor.toPlainText(), self._companion.catalog)
        kept = {name: getattr(saved.fixture, name) for name in ("title", "must", "to", "times", "order")}
        edited = replace(fresh, **kept) if self._text_changed else saved.fixture
        self._edited = replace(edited, expect=self._chosen_expectation)
        self._show_state()

    def _choose_expectation(self, expect: FixtureExpectation | None) -> None:
        """Show an expectation in the fire bar."""
        row = self.bar.expect
        with QSignalBlocker(row):
            wanted = Expectation(expect.event, where=expect.where) if expect else None
            row.choose(wanted, expect.within if expect else DEFAULT_WITHIN_S)

    @property
    def _chosen_expectation(self) -> FixtureExpectation | None:
        """The expectation in the fire bar; the saved one if it is the same, or if that in the bar is not valid."""
        row, saved = self.bar.expect, self._shown.fixture.expect if self._shown else None
        if row.problem:
            return saved
        if row.expected is None:
            return None
        chosen = FixtureExpectation(
            event=row.expected.event, where=dict(row.expected.where), within=round(row.within.value(), 1)
        )
        rounded = saved and replace(saved, within=round(saved.within, 1))  # as the bar shows it
        return saved if chosen == rounded else chosen

    def _show_state(self) -> None:
        saved, edited = self._shown, self._edited
        self.pane.setCurrentIndex(1 if saved else 0)
        if saved is None or edited is None:
            self.bar.arm(None, why_not="Select a fixture")
            return
        changed = edited != saved.fixture
        pinned = saved.name.casefold() in {name.casefold() for name in self._companion.settings.pinned}
        if self._pinning == saved.name and pinned is not self._was_pinned:
            self.status_message.emit("Pinned to the tray" if pinned else "Unpinned from the tray")
            self._pinning = ""
        self._was_pinned = pinned
        self.pin.setChecked(pinned)
        self.pin.setText("Pinned" if pinned else "Pin")
        self.revert.setEnabled(self._has_changes)
        self.save.setEnabled(changed and saved.own)
        for button in (self.rename, self.delete):
            button.setEnabled(saved.own)
        broken = edited.raw and not saved.fixture.raw
        self.problem.setText(
            "Not a valid event. It will be saved and sent as a raw frame." if broken else self._violation(edited)
        )
        self.problem.setVisible(bool(self.problem.text()))
        odd = edited.malformed or edited.raw
        self.bar.arm(
            partial(self._fire, edited), "Send malformed" if odd else "Fire", warns=odd,
            source=saved.name, content=edited,
        )  # fmt: skip

    def _violation(self, fixture: Fixture) -> str:
        """Return how an event violates the contract. Empty if it does not, or was saved as malformed on purpose."""
        if fixture.raw or (self._shown and self._shown.fixture.malformed):
            return ""
        try:
            event = self._companion.composer.preview(fixture.envelope())
        except TemplateError as error:
            return f"The event has {error}."
        problems = self._companion.catalog.problems(event)
        return f"Not valid: {'; '.join(map(str, problems))}" if problems else ""

    # user actions

    def _fire(self, fixture: Fixture) -> Coroutine[Any, Any, Delivery]:
        chosen = self.bar.target
        to = None if chosen.user is None and chosen.clients is None else chosen
        return self._companion.composer.fire(fixture, to=to, origin=PANEL)

    def save_row(self, row: Row) -> None:
        """Ask for a name and save the frame of a log row under it."""
        self.save_frame(row.payload.decode("utf-8", "replace"))

    def save_frame(self, text: str) -> None:
        """Ask for a name and save a frame under it."""
        self._dialogs.save_frame(text, self._store)

    def _paste(self) -> None:
        text = QGuiApplication.clipboard().text().strip()
        size = len(text.encode("utf-8", "replace"))
        if not text:
            self.status_message.emit(
                'The clipboard contains no text. Copy a frame first, like {"event": …, "data": …}.'
            )
        elif size > MAX_FIXTURE_BYTES:
            self.status_message.emit(
                f"The clipboard contains {size // 1024:,} KiB. A fixture has at most "
                f"{MAX_FIXTURE_BYTES // 1024} KiB."
            )
        else:
            self.save_frame(text)

    def _save(self) -> None:
        if self._shown and self._edited:
            self._store(self._edited, self._shown.name)

    def _save_as(self) -> None:
        if self._shown and self._edited:
            edited = self._edited
            self._dialogs.save_as(self._shown.name, lambda name: self._store(edited, name))

    def _rename(self) -> None:
        if self._shown:
            self._dialogs.rename(self._shown.name, partial(self._rename_to, self._shown.name))

    def _delete(self) -> None:
        if self._shown:
            name = self._shown.name
            question = f"Delete the fixture {name}?"
            confirm(self, question, "This deletes its file.", "Delete", partial(self._deleted, name))

    def _deleted(self, name: str) -> None:
        def deleted(_: None) -> None:
            self._shown = self._edited = None
            self.list.setFocus()  # the button is hidden now, and Qt would focus another one
            self.refresh()
            self.status_message.emit(f"Deleted {name}")

        self._do(self._companion.fixtures.delete(name), deleted)

    def _store(self, fixture: Fixture, name: str) -> None:
        def stored(saved: SavedFixture) -> None:
            self._shown = None  # the text is saved now and must not become a draft
            self.refresh()
            self.choose(saved.name)
            self._show(saved)
            self.status_message.emit(f"Saved {saved.name}")

        self._do(self._companion.fixtures.save(name, fixture), stored)

    def _rename_to(self, old: str, new: str) -> None:
        def renamed(saved: SavedFixture) -> None:
            pins = self._companion.settings.pinned
            if old in pins:
                self.pins_changed.emit([saved.name if name == old else name for name in pins])
            self._show(saved, keep_text=self._has_changes)
            self.refresh()
            self.status_message.emit(f"Renamed {old} to {saved.name}")

        self._do(self._companion.fixtures.rename(old, new), renamed)

    def _pin(self, on: bool) -> None:
        if self._shown is None:
            return
        others = [
            name for name in self._companion.settings.pinned if name.casefold() != self._shown.name.casefold()
        ]
        self._pinning = self._shown.name
        self.pins_changed.emit([*others, self._shown.name] if on else others)
