"""The Scenarios room: edit scenarios as text and run them, open recordings, and make new recordings.
A scenario is a script of events to fire and of what the UI must send. A recording contains traffic as it happened;
it opens in a window of its own, which can play it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter
from typing_extensions import override

from app.companion import Companion
from app.hub.session_run import CheckedText
from app.protocol.counts import count
from app.protocol.session.saved import EditableText, SavedSession, hash_of
from app.ui.kept_drafts import KeptDrafts
from app.ui.keys import IN_CHILDREN, Action, Shortcut
from app.ui.models.folder_tree import NAME
from app.ui.models.scenarios import facts, title_of
from app.ui.room_tasks import RoomTasks
from app.ui.scenario_actions import ScenarioActions
from app.ui.scenario_check import ScenarioCheck
from app.ui.scenario_edits import NEW_TEXT, Scenario, ScenarioEdits, title_in
from app.ui.scenario_run_controls import ScenarioRunControls
from app.ui.widgets.confirm import confirm
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.list_and_pane import ListAndPane
from app.ui.widgets.navigation import Badge
from app.ui.widgets.record_controls import RecordControls
from app.ui.widgets.scenario_form import ScenarioForm
from app.ui.widgets.scenario_list import ScenarioList
from app.ui.widgets.text_edit import why_too_large
from app.ui.widgets.transcript_completion import TranscriptOffers, offers_from

if TYPE_CHECKING:
    from app.ui.window import MainWindow

DRAFTS = "scenarios/drafts"
"""The key of unsaved changes in the window's state file."""
TOO_LARGE = "The steps are too large for the editor: the maximum is 256 KiB and 20,000 lines. Select fewer rows."
MAX_TITLE = 80
"""At most this many characters of a title are in a question."""
NOTHING_SELECTED = ("No scenario is selected", "Select one in the list, or write a new one.")


def create(window: "MainWindow") -> "ScenariosRoom":
    """Build the room and connect it to the others."""
    room = ScenariosRoom(window.companion, window.memory)
    room.rows_requested.connect(lambda: _insert_rows(window, room))
    room.recording_requested.connect(window.open_recording)
    return room


def _insert_rows(window: "MainWindow", room: "ScenariosRoom") -> None:
    """Insert the rows that are selected in Events as steps."""
    if window.events.table.selected_count:
        window.events.row_actions.make_scenario(room.insert)
    else:
        room.status_message.emit("Select rows in Events first.")


class ScenariosRoom(FocusStart):
    """The list of scenarios, the selected one, the runs of others, and the run bar."""

    status_message = Signal(str)
    recording_requested = Signal(str)
    """Open the recording with this name."""
    rows_requested = Signal()
    """Insert the selected rows of the log."""
    badge_changed = Signal(object)
    """Emitted with the badge that says how many scenarios are running, or None."""

    def __init__(self, companion: Companion, memory: QSettings) -> None:
        """``memory`` keeps unsaved changes across restarts, also after a crash."""
        super().__init__()
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self.edits = ScenarioEdits()
        self._drafts = KeptDrafts(memory, DRAFTS, self.edits.to_json)
        self.edits.add_json(self._drafts.written, self._files)
        self._actions = ScenarioActions(self, companion, self.edits, self._do)
        self.list = ScenarioList()
        self.form = ScenarioForm(self._offers)
        self.record = RecordControls(companion, self.list.new)
        self.list.foot.addWidget(self.record)
        self.check = ScenarioCheck(companion, self.edits, self._do)
        self.controls = ScenarioRunControls(companion, self.check, self.form.editor, self._do)
        self.empty = EmptyState("scenarios", NOTHING_SELECTED[0], ("Open recording", self._open_recording))
        self._then: Callable[[], object] | None = None
        """What the user wants to do with the scenario that is being read, when it is shown."""
        self.start_at(self.list)
        self._lay_out()
        self._fill_menu()
        self._connect()
        self._add_shortcuts()
        self.recolor()

    # called by the window

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.status_message.emit(_without_advice(text))

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self._drafts.close_down()
        self._do.close()
        self.check.close_down()
        self.controls.close_down()
        self.record.close_down()
        for disconnect in self._disconnects:
            disconnect()

    def fire_or_stop(self) -> None:
        """Run the shown scenario, or stop its run."""
        self._when_shown(self.controls.run_or_stop)

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        """The parts whose sizes the window saves."""
        return {"scenarios/list": self.splitter}

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.list.recolor()
        self.empty.recolor()
        self.controls.bar.recolor()
        self.record.recolor()
        self.form.editor.show_selections()
        self.refresh()

    def focus_search(self) -> None:
        """Give the search field the keyboard focus, and select its text."""
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    def choose(self, key: str) -> None:
        """Select a scenario."""
        self.list.choose(key)

    def write(self, text: str) -> None:
        """Open a new scenario with a text, unless it is too large."""
        if why_too_large(text):
            self.status_message.emit(TOO_LARGE)
            return
        self._show(self.edits.create(text))
        self.form.editor.setFocus()

    def insert(self, steps: str) -> None:
        """Insert steps below the line of the cursor, or into a new scenario if none is open."""
        if self.edits.current and self.edits.current.is_editable:
            inserted = self.form.editor.insert_lines(steps)
            self.form.editor.setFocus()
            if inserted:
                self.status_message.emit(f"Inserted {count(len(steps.splitlines()), 'line')}")
        else:
            self.write(steps)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._do(self._companion.saved_sessions.read())
        self.refresh()

    # building

    def _lay_out(self) -> None:
        self.empty.show_text(*NOTHING_SELECTED, button=False)
        self.splitter = ListAndPane(self.list, (self.empty, self.form), (260, 600))
        self.splitter.fill(self, self.controls.others, self.controls.bar)

    def _fill_menu(self) -> None:
        menu = self.form.menu
        self._copies = [
            menu.addAction("Save as …", lambda: self._with_current(self._actions.save_as)),
            menu.addAction("Duplicate …", lambda: self._with_current(self._actions.duplicate)),
        ]
        menu.addSeparator()
        menu.addAction("Insert selected rows", self.rows_requested.emit)
        self._insert_fixture = menu.addAction("Insert fixture …", self._choose_fixture)
        menu.addSeparator()
        self._changes = [
            menu.addAction("Rename …", self._rename),
            menu.addAction("Delete …", self._delete),
        ]
        tree = self.list.tree  # it has the same entries: the form is hidden while a recording is selected
        self._list_changes = [
            Action("Rename …", tree, self._rename, "F2"),
            Action("Delete …", tree, self._delete, "Del"),
        ]
        tree.addActions(self._list_changes)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        tree.selectionModel().currentChanged.connect(lambda *_: self._show_list_changes())

    def _connect(self) -> None:
        self.list.searched.connect(self.refresh)
        self.list.chosen.connect(self._chosen)
        self.list.activated.connect(lambda: self._when_shown(self.controls.run))
        self.list.new.clicked.connect(lambda: self._new())
        form, actions = self.form, self._actions
        form.editor.textChanged.connect(self._on_change)
        form.editor.cursorPositionChanged.connect(self._show_line)
        form.editor.rows_dropped.connect(self.rows_requested)
        form.revert.clicked.connect(self._revert)
        form.save.clicked.connect(lambda: self._with_current(actions.save))
        self.check.checked.connect(self._on_checked)
        self.controls.changed.connect(self._on_run_changed)
        self.controls.others.show_requested.connect(self.choose)
        actions.stored.connect(self._on_stored)
        actions.deleted.connect(self._on_deleted)
        actions.status_message.connect(self.status_message)
        self.record.record_requested.connect(actions.record)
        self.record.stop_requested.connect(actions.stop_recording)
        self._disconnects = [
            self._companion.saved_sessions.renamed.connect(lambda renamed: self._on_renamed(*renamed)),
            self._companion.saved_sessions.changed.connect(lambda _: self._on_files_changed()),
            self._companion.fixtures.changed.connect(lambda _: self.check.check_again()),
            self._companion.catalog_changed.connect(lambda _: self.check.check_again()),
        ]

    def pause_or_resume(self) -> None:
        """Pause or resume the run of the scenario that is shown."""
        self.controls.pause_or_resume()

    def _add_shortcuts(self) -> None:
        keys = {
            "Ctrl+S": self._save,
            "Ctrl+N": self._new,
            "F10": lambda: self._when_shown(self.controls.step),
        }
        for key, act in keys.items():
            Shortcut(key, self, act, IN_CHILDREN)

    def _offers(self) -> TranscriptOffers:
        companion = self._companion
        fixtures = [each.name for each in companion.fixtures.all]
        clients = [companion.local_user, *(each.username for each in companion.hub.clients)]
        return offers_from(companion.catalog, companion.personas, fixtures, clients)

    # showing

    def refresh(self) -> None:
        """Show the current scenarios and runs. Unsaved changes are kept."""
        library = self._companion.saved_sessions
        self._show_list()
        self.list.show_warnings(library.warnings, library.folder)
        self._show_state()

    def _show_list(self) -> None:
        running = self.controls.runs.running_keys
        drafts, unsaved = self.edits.changed_keys, self.edits.unsaved
        saved, chosen = self._companion.saved_sessions.all, self.edits.chosen_key
        self.list.show_scenarios(saved, drafts, unsaved, running, chosen)
        self._show_list_changes()
        number = len(self.controls.runs.running)
        self.badge_changed.emit(Badge(str(number), f"{count(number, 'scenario')} running") if number else None)

    def _chosen(self, key: str) -> None:
        if key == self.edits.key:
            if self.edits.loading:
                self._stop_loading()
            return
        if draft := self.edits.drafts.get(key):
            self._show(draft)
            self._read_file(draft)
            return
        if saved := self._find(key):
            self._open(saved)

    def _open(self, saved: SavedSession) -> None:
        """Show a file; that of a scenario when it was read."""
        if saved.kind == "recording":
            self._show_placeholder(saved, "A recording of what happened. It cannot be edited here.")
        else:
            self._load(saved)

    def _load(self, saved: SavedSession, *, discard: bool = False) -> None:
        """Read and show a file. ``discard`` unsaved changes of it; without that, they are kept."""
        self.edits.loading, self._then = saved, None

        def loaded(text: EditableText) -> None:
            if self.edits.loading is saved:
                self.edits.loading, then = None, self._then
                self._on_loaded(saved, text, discard)
                if then:
                    then()

        def ended() -> None:
            if self.edits.loading is saved:  # it could not be read
                self._stop_loading()

        self._do(self._companion.saved_sessions.editable(saved), loaded, ended=ended)
        self._show_state()

    def _stop_loading(self) -> None:
        """Go on with the scenario that is shown."""
        self.edits.loading = self._then = None
        self._refresh_later()

    def _refresh_later(self) -> None:
        QTimer.singleShot(0, self, self.refresh)  # the list must not be rebuilt in its own signal

    def _when_shown(self, act: Callable[[], object]) -> None:
        """Call ``act``, or do so when the scenario that the user has chosen was read and is shown."""
        if self.edits.loading:
            self._then = act
        else:
            act()

    def _read_file(self, scenario: Scenario) -> None:
        """Read the file of a scenario that was saved, or whose changes were kept across a restart.

        If it is known what the file contained before the changes, the first *Save* over another text is refused.
        """
        is_known = bool(scenario.file_hashes)

        def loaded(content: EditableText) -> None:
            if not is_known or content.text == scenario.text:
                scenario.file_hashes += (hash_of(content.text),)
                self._drafts.write_soon()
            if scenario.saved_text is None:
                scenario.saved_text = content.text
                self.refresh()

        if scenario.saved and (scenario.saved_text is None or not is_known):
            self._do(self._companion.saved_sessions.editable(scenario.saved), loaded)

    def _on_loaded(self, saved: SavedSession, content: EditableText, discard: bool) -> None:
        current = self.edits.current
        if current and current.key == saved.name and current.has_changes and not discard:
            self._show_state()
            return  # typed while it was being read
        if current and current.key == saved.name and current.is_editable and current.edited == content:
            # Only its time has changed, or it is reverted to what it is: keep the cursor and the undo history.
            current.saved, current.saved_text, current.file_hashes = saved, content.text, (hash_of(content.text),)
            self.refresh()
            return
        if why := why_too_large(content.text):
            self._show_placeholder(saved, f"{_without_advice(why)} Use companion session run.")
            return
        text = content.text
        self._show(Scenario(saved.name, saved, text, text, content.notation, file_hashes=(hash_of(text),)))

    def _show_placeholder(self, saved: SavedSession, hint: str) -> None:
        """Show a file that cannot be edited."""
        self._show(Scenario(saved.name, saved, is_editable=False))
        self.empty.show_text(title_of(saved), f"{facts(saved)}\n{hint}", button=saved.kind == "recording")

    def _open_recording(self) -> None:
        if (current := self.edits.current) and current.saved:
            self.recording_requested.emit(current.saved.name)

    def _show(self, scenario: Scenario | None) -> None:
        """Show a scenario, or that none is selected."""
        self.edits.loading = self._then = None
        self.edits.show(scenario)
        self.check.forget()
        self.form.editor.show_problems([])
        self.form.editor.show_current(0)
        if scenario and scenario.is_editable:
            unchanged = not scenario.has_changes
            scenario.text = self.form.show_text(scenario.text)
            if unchanged:
                scenario.saved_text = scenario.text
            self.check.check()
        elif scenario is None:
            self.empty.show_text(*NOTHING_SELECTED, button=False)
        self._show_state()
        self._refresh_later()

    def _on_change(self) -> None:
        if not (current := self.edits.current) or not current.is_editable:
            return
        was_changed, title = current.has_changes, title_in(current.text)
        current.text = self.form.editor.toPlainText()
        if current.has_changes != was_changed or title_in(current.text) != title:
            self.refresh()
        else:
            self._show_state()
        self.check.check_soon()

    def _show_state(self) -> None:
        current = self.edits.current
        editable = current is not None and current.is_editable
        self.splitter.pane.setCurrentWidget(self.form if editable else self.empty)
        for action in (*self._copies, self._insert_fixture):
            action.setEnabled(editable)
        for action in self._changes:
            action.setEnabled(self._can_change)
        self._show_list_changes()
        if current and editable:
            saved, title = current.saved, title_in(current.text)
            self.form.title.setText(title_of(saved) if saved and not current.text.startswith("#") else title)
            self.form.facts.setText(facts(saved) if saved else "Not saved yet")
            why_not = self.check.problem
            can_save = current.has_changes and current.own and not why_not
            self.form.show_state(
                has_file=saved is not None,
                changed=current.has_changes,
                can_save=can_save,
                why_not=f"Not valid. {why_not}" if why_not else "",
            )
        self.controls.show()
        self._show_line()
        self._drafts.write_soon()

    @property
    def _can_change(self) -> bool:
        """Whether the current scenario can be renamed and deleted."""
        current = self.edits.current
        return current is not None and current.saved is not None and current.saved.own

    def _show_list_changes(self) -> None:
        """Enable the actions of the list, unless the current line is a folder."""
        is_file = bool(self.list.tree.currentIndex().data(NAME))
        for action in self._list_changes:
            action.setEnabled(is_file and self._can_change)

    def _show_line(self) -> None:
        """Show what is known about the line of the cursor, or about the first invalid line."""
        editor = self.form.editor
        line = editor.line
        problem, result = editor.problem_at(line), editor.result_at(line)
        if problem:
            self.form.show_info(f"Line {line}: {problem}", "problem")
        elif result:
            self.form.show_info(f"Line {line}: {result}", "muted" if result.startswith("Met ") else "problem")
        else:
            self.form.show_info(self.check.problem, "problem")

    def _on_checked(self, result: CheckedText) -> None:
        first = {result.problems[0].line: result.column} if result.column else None
        self.form.editor.show_problems(result.problems, first)
        self._show_state()

    def _on_run_changed(self) -> None:
        self._show_list()
        self._show_line()

    # user actions

    def _new(self) -> None:
        self.write(NEW_TEXT)

    def _with_current(self, act: Callable[[Scenario], object]) -> None:
        if (current := self.edits.current) and current.is_editable:
            act(current)

    def _save(self) -> None:
        """Save the changes; those of a built-in scenario under another name."""
        if self.edits.current and self.edits.current.has_changes:
            self._with_current(self._actions.save)

    def _with_saved(self, act: Callable[[SavedSession], object]) -> None:
        if (current := self.edits.current) and current.saved:
            act(current.saved)

    def _choose_fixture(self) -> None:
        self.form.editor.setFocus()
        self.form.editor.insert_fixture("")

    def _revert(self) -> None:
        current = self.edits.current
        if not current:
            return
        if current.saved:
            self._load(current.saved, discard=True)  # the file may have changed since it was read
        elif current.text == NEW_TEXT:
            self._discard(current)
        else:
            title = title_in(current.text)[:MAX_TITLE]
            confirm(
                self, f"Discard the scenario {title}?", "It has no file, and its text is lost.", "Discard",
                lambda: self._discard(current),
            )  # fmt: skip

    def _discard(self, scenario: Scenario) -> None:
        """Forget a scenario without a file."""
        self.edits.forget(scenario.key)
        self._show(None)
        self.list.setFocus()  # the button is hidden now, and Qt would focus another one

    def _rename(self) -> None:
        self._when_shown(lambda: self._with_saved(self._actions.rename))

    def _delete(self) -> None:
        self._when_shown(lambda: self._with_saved(self._actions.delete))

    def _on_stored(self, stored: Scenario, saved: SavedSession) -> None:
        """Show a scenario under the name that it was saved under. What was typed meanwhile is kept."""
        current = self.edits.current
        is_shown = current is not None and current.key == stored.key
        now = current if is_shown else self.edits.drafts.get(stored.key)
        self.controls.runs.rename(stored.key, saved.name, keep=stored.saved is not None)
        self.edits.forget(stored.key)
        self.edits.forget(saved.name)
        text = now.text if now else stored.text
        fresh = Scenario(saved.name, saved, stored.text, text, stored.notation)
        self._read_file(fresh)
        if is_shown or (current is None and now is None):
            if self.edits.loading and self.edits.loading.name == stored.key:
                self.edits.loading = self._then = None  # the old file was being read again
            self.edits.current = fresh
            self.list.search.clear()
        elif fresh.has_changes:
            self.edits.drafts[fresh.key] = fresh
        self.refresh()

    def _on_renamed(self, before: str, saved: SavedSession) -> None:
        """Keep a renamed file open. The library emits ``changed`` next."""
        self.controls.runs.rename(before, saved.name)
        if self.edits.loading and self.edits.loading.name == before:
            self._open(saved)
        for each in self.edits.of_file(before):
            if each.saved is None:
                each.file_name = saved.name
                continue
            self.edits.drafts.pop(each.key, None)
            each.key, each.saved = saved.name, saved
            if each is not self.edits.current:
                self.edits.drafts[each.key] = each
            elif not each.is_editable:
                self._open(saved)  # its text contains the name

    def _on_deleted(self, name: str) -> None:
        for each in self.edits.of_file(name):
            is_shown = each is self.edits.current
            self.edits.forget(each.key)
            if is_shown:
                self._show(None)
                self.list.setFocus()  # the button is hidden now, and Qt would focus another one
        self.refresh()

    def _on_files_changed(self) -> None:
        """Show changed files. A text with unsaved changes is kept, also if its file no longer exists."""
        current = self.edits.current
        lost, found = self.edits.lose_files(self._files), self.edits.find_files(self._files)
        for before, each in (*lost.items(), *found.items()):
            self.controls.runs.rename(before, each.key)
        if current and current in found.values():
            self._read_file(current)
        if current and current.saved:
            now = self._find(current.key)
            if now is None:
                self.edits.current = None
                self._show(None)
            elif now is not current.saved:
                current.saved = now
                if not current.has_changes and self.edits.chosen_key == current.key:
                    self._open(now)
        self.refresh()

    @property
    def _files(self) -> dict[str, SavedSession]:
        return {each.name: each for each in self._companion.saved_sessions.all}

    def _find(self, name: str) -> SavedSession | None:
        return self._files.get(name)


def _without_advice(text: str) -> str:
    """Return why a text is too large for an editor, without the advice to send it as a frame."""
    return text.partition(" To send a file")[0]
