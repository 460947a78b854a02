"""Fixtures: saved events, fired with one key; each may say what a correct UI must do with it."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
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
from app.hub.hub import Delivery
from app.hub.journal import Row
from app.hub.origin import PANEL
from app.protocol.fixture import BadFixture, Fixture, SavedFixture, from_frame, with_fresh_values
from app.protocol.templates import TemplateError
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel, PlainTextMessageBox
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.empty import EmptyState
from app.ui.widgets.fire_bar import FireBar
from app.ui.widgets.fixture_list import FixtureList
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.name_dialog import NameDialog
from app.ui.widgets.naming import named

if TYPE_CHECKING:
    from app.ui.window import MainWindow

OWN_FOLDER = "mine/"
RENEW = "New ID and time each time it is sent"


def create(window: "MainWindow") -> "FixturesRoom":
    """Build the room and connect it to the others."""
    room = FixturesRoom(window.companion)
    room.pins_changed.connect(window.pin)
    return room


class FixturesRoom(QWidget):
    """Asks for ``pins_changed`` with the new list; emits ``status_message`` with its results and errors."""

    pins_changed = Signal(list)
    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._shown: SavedFixture | None = None
        self._edited: Fixture | None = None
        """What the pane holds; None while it holds no event."""
        self._as_shown = ""
        """What the editor made of the fixture's text: it has its own line ends."""
        self._drafts: dict[str, str] = {}
        """What was typed into fixtures that are not shown now, by name."""
        self.list = FixtureList()
        self.title = named(PlainTextLabel(wordWrap=True), "Fixture", style_id="emptyTitle")
        self.name = named(PlainTextLabel(wordWrap=True), "Name", style_id="muted")
        self.must = named(PlainTextLabel(wordWrap=True), "What a correct UI must do", style_id="duty")
        self.editor = JsonView("Event as JSON")
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.pin = named(QPushButton("Pin"), "Pin to the tray menu", tip="Show it in the tray icon's Fire menu")
        self.pin.setCheckable(True)
        self.revert = named(QPushButton("Revert"), "Revert to what is saved")
        self.save = named(QPushButton("Save"), "Save this fixture")
        self.save_as = named(QPushButton("Save as …"), "Save under another name")
        self.rename = named(QPushButton("Rename …"), "Rename this fixture")
        self.delete = named(QPushButton("Delete"), "Delete this fixture", style_id="danger")
        self.bar = FireBar(companion)
        self.bar.status_message.connect(self.status_message)
        self.empty = EmptyState("fixtures", "No fixture is chosen")
        self.setFocusProxy(self.list)
        self._lay_out()
        self._connect()
        self.recolor()
        self.refresh()

    def show_rejection(self, text: str) -> None:
        """Show why an editor has rejected a text."""
        self.bar.show_rejection(text)

    def close_down(self) -> None:
        """Stop listening to the companion; what is still under way finds nobody."""
        self._do.close()
        self.bar.close_down()
        for disconnect in self._disconnects:
            disconnect()

    def fire_or_stop(self) -> None:
        """Fire the fixture that is shown, or stop what is running."""
        self.bar.fire_or_stop()

    def recolor(self) -> None:
        """Take the colours of the scheme in force."""
        scheme = theme.colors()
        self.pin.setIcon(ui_icon("pin", scheme.muted))
        self.list.recolor()
        self.empty.recolor()
        self.refresh()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Qt tells: somebody may have edited a file meanwhile."""
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
        self.empty.hint.setText("Choose one on the left, save a row of the log (Events), or paste a frame.")
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
        """Show the library and the pins of now; what is being edited stays."""
        self._follow()
        library, shown = self._companion.fixtures, self._shown.name if self._shown else ""
        self.list.show_fixtures(library.all, self._companion.settings.pinned, self._drafts, shown)
        self.list.show_warnings(library.warnings, library.folder)
        self._show_state()

    def _follow(self) -> None:
        """See what became of the shown fixture elsewhere; what was typed stays."""
        if self._shown is None:
            return
        now = next((each for each in self._companion.fixtures.all if each.name == self._shown.name), None)
        if now is None and not self._typed:
            self._shown = self._edited = None
        elif now is not None and now != self._shown:
            self._show(now, keep_text=self._typed)

    @property
    def _typed(self) -> bool:
        """Whether the editor holds something else than the fixture."""
        return self._shown is not None and self.editor.toPlainText() != self._as_shown

    def choose(self, name: str) -> None:
        """Show a fixture."""
        self.list.choose(name)

    def _chosen(self, name: str) -> None:
        if self._shown and self._typed and self._shown.name != name:
            self._drafts[self._shown.name] = self.editor.toPlainText()
        self._show(next(each for each in self._companion.fixtures.all if each.name == name))
        if draft := self._drafts.pop(name, ""):
            self.editor.setPlainText(draft)
        QTimer.singleShot(0, self, self.refresh)  # the list must not change under the one that tells of it

    def _show(self, saved: SavedFixture, *, keep_text: bool = False) -> None:
        self._shown = saved
        self.title.setText(saved.title)
        self.name.setText(_facts(saved))
        self.must.setText(f"A correct UI must: {saved.fixture.must}")
        self.must.setVisible(bool(saved.fixture.must))
        self._as_shown = _text(saved.fixture)
        if not keep_text:
            with QSignalBlocker(self.editor):
                if not self.editor.set_text(self._as_shown):
                    self.editor.clear()
            self._as_shown = self.editor.toPlainText()
        self._on_change()

    def _on_change(self) -> None:
        saved = self._shown
        if saved is None:
            return
        fresh = from_frame(self.editor.toPlainText(), self._companion.catalog)
        kept = {name: getattr(saved.fixture, name) for name in ("title", "must", "to", "times", "order")}
        self._edited = replace(fresh, **kept) if self._typed else saved.fixture
        self._show_state()

    def _show_state(self) -> None:
        saved, edited = self._shown, self._edited
        self.pane.setCurrentIndex(1 if saved else 0)
        if saved is None or edited is None:
            self.bar.arm(None, why_not="Choose a fixture")
            return
        changed = edited != saved.fixture
        pinned = saved.name.casefold() in {name.casefold() for name in self._companion.settings.pinned}
        self.pin.setChecked(pinned)
        self.pin.setText("Pinned" if pinned else "Pin")
        self.revert.setEnabled(self._typed)
        self.save.setEnabled(changed and saved.own)
        for button in (self.rename, self.delete):
            button.setEnabled(saved.own)
        broken = edited.raw and not saved.fixture.raw
        self.problem.setText(
            "This is no event: saved or fired, it is a raw frame." if broken else self._breach(edited)
        )
        self.problem.setVisible(bool(self.problem.text()))
        self.bar.arm(
            partial(self._fire, edited), title="Send malformed" if edited.malformed or edited.raw else "Fire"
        )

    def _breach(self, fixture: Fixture) -> str:
        """Return how an event violates the contract; empty if it was saved as malformed on purpose."""
        if fixture.raw or (self._shown and self._shown.fixture.malformed):
            return ""
        try:
            event = self._companion.composer.preview(fixture.envelope())
        except TemplateError as error:
            return f"It has {error}."
        problems = self._companion.catalog.problems(event)
        return f"It breaks the contract: {'; '.join(map(str, problems))}" if problems else ""

    # doing

    def _fire(self, fixture: Fixture) -> Coroutine[Any, Any, Delivery]:
        chosen = self.bar.target
        to = None if chosen.user is None and chosen.clients is None else chosen
        return self._companion.composer.fire(fixture, to=to, origin=PANEL)

    def save_row(self, row: Row) -> None:
        """Save what a row of the log sent."""
        self.save_frame(row.payload.decode("utf-8", "replace"))

    def save_frame(self, text: str) -> None:
        """Ask for a name and save a frame under it."""
        literal = from_frame(text, self._companion.catalog)
        with_templates = with_fresh_values(literal, self._companion.catalog)
        name = f"{OWN_FOLDER}{literal.event or 'frame'}"
        option = RENEW if with_templates != literal else ""
        dialog = NameDialog(self.window(), "Save as fixture", name, self._warn_of_own, option)
        dialog.chosen.connect(
            lambda name: self._store(with_templates if dialog.option.isChecked() else literal, name)
        )
        dialog.open()

    def _paste(self) -> None:
        text = QGuiApplication.clipboard().text().strip()
        if text:
            self.save_frame(text)
        else:
            self.status_message.emit(
                'The clipboard contains no text. Copy a frame first, like {"event": …, "data": …}.'
            )

    def _save(self) -> None:
        if self._shown and self._edited:
            self._store(self._edited, self._shown.name)

    def _save_as(self) -> None:
        if self._shown and self._edited:
            name = self._shown.name if self._shown.own else OWN_FOLDER + self._shown.name.rpartition("/")[2]
            self._ask_name("Save as", name, partial(self._store, self._edited))

    def _rename(self) -> None:
        if self._shown:
            old = self._shown.name
            self._ask_name("Rename", old, partial(self._give_name, old), partial(self._refuse_others, old))

    def _delete(self) -> None:
        if self._shown is None:
            return
        name = self._shown.name
        box = PlainTextMessageBox(self.window(), "Delete?", f"Delete the fixture {name}?", "Its file is removed.")
        yes = box.addButton("Delete", box.ButtonRole.DestructiveRole)
        box.addButton(box.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.finished.connect(lambda _: self._deleted(name) if box.clickedButton() is yes else None)
        box.open()

    def _deleted(self, name: str) -> None:
        def gone(_: None) -> None:
            self._shown = self._edited = None
            self.list.setFocus()  # the button is hidden now; Qt would give the focus to some other one
            self.refresh()
            self.status_message.emit(f"Deleted {name}")

        self._do(self._companion.fixtures.delete(name), gone)

    def _store(self, fixture: Fixture, name: str) -> None:
        def stored(saved: SavedFixture) -> None:
            self._shown = None  # what was typed is saved now, so it is no draft
            self.refresh()
            self.choose(saved.name)
            self._show(saved)
            self.status_message.emit(f"Saved {saved.name}")

        self._do(self._companion.fixtures.save(name, fixture), stored)

    def _give_name(self, old: str, new: str) -> None:
        def given(saved: SavedFixture) -> None:
            pins = self._companion.settings.pinned
            if old in pins:
                self.pins_changed.emit([saved.name if name == old else name for name in pins])
            self._show(saved, keep_text=self._typed)
            self._listed = None  # the new name is the chosen one
            self.refresh()
            self.status_message.emit(f"{old} is now {saved.name}")

        self._do(self._companion.fixtures.rename(old, new), given)

    def _pin(self, on: bool) -> None:
        if self._shown is None:
            return
        others = [
            name for name in self._companion.settings.pinned if name.casefold() != self._shown.name.casefold()
        ]
        self.pins_changed.emit([*others, self._shown.name] if on else others)

    def _ask_name(
        self, title: str, name: str, then: Callable[[str], None], taken: Callable[[str], str] | None = None
    ) -> None:
        dialog = NameDialog(self.window(), title, name, taken or self._warn_of_own)
        dialog.chosen.connect(then)
        dialog.open()

    def _warn_of_own(self, name: str) -> str:
        return f"{name} exists: it will be replaced." if self._is_own(name) else ""

    def _refuse_others(self, old: str, name: str) -> str:
        if name.casefold() != old.casefold() and self._is_own(name):
            raise BadFixture(f"{name} exists already")
        return ""

    def _is_own(self, name: str) -> bool:
        own = (each.name.casefold() for each in self._companion.fixtures.all if each.own)
        return name.casefold() in own


def _facts(saved: SavedFixture) -> str:
    facts = [saved.name]
    if saved.fixture.to != "all":
        facts.append(f"to {saved.fixture.to}")
    if saved.fixture.times > 1:
        facts.append(f"sent {saved.fixture.times} times")
    if not saved.own:
        facts.append("built in: change it and save it under your own name")
    return " · ".join(facts)


def _text(fixture: Fixture) -> str:
    if fixture.raw:
        return str(fixture.frame)
    event = fixture.envelope()
    return msgspec.json.format(msgspec.json.encode(event), indent=2).decode()
