"""The Fixtures room: the list of fixtures (saved events or frames), an editor, and the bar that fires them.

A fixture can have a note on what a correct UI must do, and an expectation: what the UI must send afterwards.
"""

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from PySide6.QtCore import QSettings, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter
from typing_extensions import override

from app.companion import Companion
from app.hub.expectation import Expectation
from app.hub.hub import Delivery
from app.hub.journal import Row
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.fixture import DEFAULT_WITHIN_S, Fixture, FixtureExpectation, SavedFixture
from app.ui.fixture_actions import FixtureActions, Stored
from app.ui.fixture_edits import FixtureEdits
from app.ui.kept_drafts import KeptDrafts
from app.ui.keys import IN_CHILDREN, Shortcut
from app.ui.models.fixtures import event_text
from app.ui.widgets.confirm import confirm
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.expect_row import WrittenExpectation, as_written
from app.ui.widgets.fire_bar import FireBar
from app.ui.widgets.fixture_form import FixtureForm
from app.ui.widgets.fixture_list import FixtureList
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.list_and_pane import ListAndPane

if TYPE_CHECKING:
    from app.ui.window import MainWindow

DRAFTS = "fixtures/drafts"
"""The key of unsaved changes in the window's state file."""


def create(window: "MainWindow") -> "FixturesRoom":
    """Build the room and connect it to the others."""
    room = FixturesRoom(window.companion, window.memory)
    room.pins_changed.connect(window.pin)
    room.bar.open_window.clicked.connect(window.fire_bar_requested)
    return room


class FixturesRoom(FocusStart):
    """The list of fixtures, a form for the selected one, and the fire bar."""

    pins_changed = Signal(list)
    """Emitted with the names of all pinned fixtures; the window saves them."""
    status_message = Signal(str)

    def __init__(self, companion: Companion, memory: QSettings) -> None:
        """``memory`` keeps unsaved changes across restarts, also after a crash."""
        super().__init__()
        self._companion = companion
        self.edits = FixtureEdits(companion)
        self._drafts = KeptDrafts(memory, DRAFTS, self.edits.to_json)
        self.edits.add_json(self._drafts.written)
        self._actions = FixtureActions(self, companion, self.edits)
        self.list = FixtureList()
        self.form = FixtureForm()
        self.bar = FireBar(companion)
        self.empty = EmptyState("fixtures", "No fixture is selected")
        self.start_at(self.list)
        self._lay_out()
        self._connect()
        self.recolor()
        self.refresh()

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.bar.show_rejection(text)

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self._drafts.close_down()
        self._actions.close_down()
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
        self.form.recolor()
        self.list.recolor()
        self.empty.recolor()
        self.refresh()

    def focus_search(self) -> None:
        """Give the search field the keyboard focus, and select its text."""
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    def choose(self, name: str) -> None:
        """Select a fixture."""
        self.list.choose(name)

    def save_row(self, row: Row) -> None:
        """Ask for a name and save the frame of a log row under it."""
        hub = self._companion.hub
        self._actions.save_frame(hub.wire_text(row), hub.wire_names, literal=True)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._actions.read_files()

    # building

    def _lay_out(self) -> None:
        self.empty.hint.setText("Select one in the list, save a row of the log in Events, or paste a frame.")
        self.splitter = ListAndPane(self.list, (self.empty, self.form), (320, 600))
        self.splitter.fill(self, self.bar)

    def _connect(self) -> None:
        self.bar.status_message.connect(self.status_message)
        self.list.searched.connect(self.refresh)
        self.list.chosen.connect(self._chosen)
        self.list.activated.connect(lambda: self.bar.fire())
        self.form.editor.textChanged.connect(self._on_change)
        self.bar.expect.changed.connect(self._on_change)
        self.bar.expect.within.valueChanged.connect(lambda _: self._on_change())
        self._connect_actions()
        self._disconnects = [
            self._companion.fixtures.changed.connect(lambda _: self.refresh()),
            self._companion.changed.connect(lambda _: self.refresh()),
            self._companion.catalog_changed.connect(lambda _: self._on_change()),
        ]

    def _connect_actions(self) -> None:
        actions, form = self._actions, self.form
        self.list.paste.clicked.connect(actions.paste)
        form.pin.clicked.connect(actions.pin)
        form.revert.clicked.connect(self._revert)
        form.save.clicked.connect(actions.save)
        form.save_as.clicked.connect(actions.save_as)
        form.rename.clicked.connect(actions.rename)
        form.delete.clicked.connect(actions.delete)
        Shortcut("Ctrl+S", self, self._save, IN_CHILDREN)
        self.list.add_key("F2", form.rename.click)
        self.list.add_key("Del", form.delete.click)
        actions.stored.connect(self._on_stored)
        actions.renamed.connect(self._on_renamed)
        actions.deleted.connect(self._on_deleted)
        actions.pins_changed.connect(self.pins_changed)
        actions.status_message.connect(self.status_message)

    # showing

    def refresh(self) -> None:
        """Show the current fixtures and pins. Unsaved changes are kept."""
        self._update_saved()
        library = self._companion.fixtures
        self.list.show_fixtures(self.edits.listed(), library.pinned_keys, self.edits.changed_names, self.edits.name)
        self.list.show_warnings(library.warnings, library.folder)
        self._show_state()

    def _update_saved(self) -> None:
        """Show the selected fixture as it is saved now. Unsaved changes are kept."""
        saved = self.edits.saved
        if saved is None:
            return
        now = next((each for each in self._companion.fixtures.all if each.name == saved.name), None)
        if now is None and not self.edits.has_changes:
            self.edits.deselect()
        elif now is not None and now != saved:
            self._show(now, keep_text=self.edits.has_changes)

    def _chosen(self, name: str) -> None:
        self.edits.keep_draft(name)
        self._show(next(each for each in self.edits.listed() if each.name == name))
        if draft := self.edits.drafts.pop(name, None):
            self.form.editor.setPlainText(draft.text)
            self._choose_expectation(draft.expect, draft.unfinished)
            self._on_change()
            if self.edits.has_changes:
                self.edits.known = draft.known
        self._refresh_later()

    def _refresh_later(self) -> None:
        QTimer.singleShot(0, self, self.refresh)  # the list must not be rebuilt in its own signal

    def _show(self, saved: SavedFixture, *, keep_text: bool = False) -> None:
        self.edits.saved = saved
        self.form.show_fixture(saved)
        self.edits.text_as_shown = text = event_text(saved.fixture)
        if not keep_text:
            self.edits.known = (saved.fixture,)
            self.edits.text_as_shown = self.form.show_text(text)
            self._choose_expectation(saved.fixture.expect)
        self._on_change()

    def _on_change(self) -> None:
        if self.edits.saved:
            had_changes = self.edits.has_changes
            self.edits.update(self.form.editor.toPlainText(), *self._chosen_expectation)
            if self.edits.has_changes != had_changes:
                self._refresh_later()
            self._show_state()

    def _show_state(self) -> None:
        self._drafts.write_soon()
        saved, edited = self.edits.saved, self.edits.edited
        self.splitter.pane.setCurrentIndex(1 if saved else 0)
        if saved is None or edited is None:
            self.bar.arm(None, why_not="Select a fixture")
            return
        form = self.form
        self._actions.report_pin()
        form.show_pinned(self.edits.pinned)
        form.revert.setEnabled(self.edits.has_changes)
        form.revert.show_file(self._has_file(saved))
        why_not = self.bar.expect.problem if self.edits.unfinished else ""
        form.show_can_save(save=edited != saved.fixture and saved.own, why_not=why_not)
        for button in (form.rename, form.delete):
            button.setEnabled(saved.own)
        form.show_problem(self.edits.problem())
        odd = edited.malformed or edited.raw
        self.bar.arm(
            partial(self._fire, edited), "Send malformed" if odd else "Fire", warns=odd,
            source=saved.name, content=edited,
        )  # fmt: skip

    # the expectation in the fire bar

    def _choose_expectation(
        self, expect: FixtureExpectation | None, unfinished: WrittenExpectation | None = None
    ) -> None:
        """Show an expectation in the fire bar, or one that is not valid yet."""
        row = self.bar.expect
        with QSignalBlocker(row):
            if unfinished:
                row.write(unfinished)
                return
            wanted = Expectation(expect.event, where=expect.where) if expect else None
            row.choose(wanted, expect.within if expect else DEFAULT_WITHIN_S)

    @property
    def _chosen_expectation(self) -> tuple[FixtureExpectation | None, WrittenExpectation | None]:
        """The expectation in the fire bar: the saved one if it is the same.

        If it is not valid and was changed: the saved one, and what is written.
        """
        row, saved = self.bar.expect, self.edits.saved.fixture.expect if self.edits.saved else None
        if (written := row.written) is None:
            return None, None
        if (expected := row.not_shown or row.expected) is None:
            return saved, None if saved and written == as_written(saved) else written
        chosen = FixtureExpectation(event=expected.event, where=dict(expected.where), within=written.within)
        rounded = saved and replace(saved, within=round(saved.within, 1))  # as the bar shows it
        return saved if chosen == rounded else chosen, None

    # user actions

    def _fire(self, fixture: Fixture, chosen: Target) -> Coroutine[Any, Any, Delivery]:
        to = None if chosen.user is None and chosen.clients is None else chosen
        return self._companion.composer.fire(fixture, to=to, origin=PANEL)

    def _save(self) -> None:
        """Save the changes; those of a built-in fixture under another name."""
        saved = self.edits.saved
        if self.edits.unfinished:
            self.status_message.emit(f"Not saved. {self.bar.expect.problem}")
        elif saved and not saved.own and self.edits.has_changes:
            self._actions.save_as()
        else:
            self.form.save.click()

    def _revert(self) -> None:
        if (saved := self.edits.saved) is None:
            return
        if self._has_file(saved):
            self._show(saved)
            self.refresh()
        else:
            confirm(
                self, f"Discard the fixture {saved.name}?", "It has no file, and its text is lost.", "Discard",
                lambda: self._on_deleted(saved.name),
            )  # fmt: skip

    def _has_file(self, saved: SavedFixture) -> bool:
        """Return whether the file of a fixture still exists."""
        return any(each.name == saved.name for each in self._companion.fixtures.all)

    def _on_stored(self, stored: Stored) -> None:
        """Select a fixture that was saved, unless the user has selected another one meanwhile."""
        edits, saved, before = self.edits, stored.saved, stored.selected
        name = before.saved.name if before else ""
        if edits.name not in ("", name):
            if not stored.is_other and (draft := edits.drafts.pop(name, None)) and not draft.has_edits_of(before):
                edits.drafts[name] = draft
            self.refresh()
            return
        if edits.draft and not stored.is_other and edits.draft.has_edits_of(before) and saved.name == name:
            self._show(saved, keep_text=True)
            edits.known = (saved.fixture,)
            edits.text_as_shown = self.form.editor.toPlainText()  # as the user has formatted it
            self._on_change()
            self.refresh()
            return
        if edits.draft and not stored.is_other and not edits.draft.has_edits_of(before):
            self._show(saved, keep_text=True)  # it was edited meanwhile
            if saved.name != name:
                edits.known = (saved.fixture,)
            self.list.search.clear()
            self.refresh()
            return
        if stored.is_other:
            edits.keep_draft(saved.name)
        edits.deselect()  # the text is saved now, or it was kept, and must not become a draft
        self.refresh()
        self.choose(saved.name)
        self._show(saved)

    def _on_renamed(self, before: str, saved: SavedFixture) -> None:
        if self.edits.name in ("", before):
            self._show(saved, keep_text=self.edits.has_changes)
        elif draft := self.edits.drafts.pop(before, None):
            self.edits.drafts[saved.name] = draft._replace(saved=saved)
        self.refresh()

    def _on_deleted(self, name: str) -> None:
        self.edits.drafts.pop(name, None)
        if self.edits.name in ("", name):
            self.edits.deselect()
            self.list.setFocus()  # the button is hidden now, and Qt would focus another one
        self.refresh()
