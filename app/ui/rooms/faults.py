"""The Faults room: choose or write faults, arm them for clients or a REST route, and see and clear what is armed.
A fault disturbs frames or REST calls on purpose, for example drops or delays them. To arm it is to switch it on. A
profile is a named set of faults in a file; profiles are chosen, saved, renamed and deleted here.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.target import Target
from app.protocol.faults.profiles import Profile, SavedProfile
from app.ui.fault_commands import FaultCommands
from app.ui.profile_actions import ProfileActions
from app.ui.room_registry import EVENTS
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.arm_bar import ArmBar
from app.ui.widgets.armed_list import ArmedList
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.fault_form import FaultForm
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.list_and_pane import ListAndPane
from app.ui.widgets.profile_card import ProfileCard
from app.ui.widgets.profile_list import ProfileList

if TYPE_CHECKING:
    from app.ui.window import MainWindow

REFRESH_MS = 250
"""The list of armed faults is updated at most this often: faults may act on every frame."""
TABS = PROFILES, OWN = "Profiles", "Single faults"
DECISIONS = "event:fault"
"""The filter of the rows that say what faults have decided, and when they were armed and cleared."""
NOTHING_SELECTED = ("No profile is selected", "Select one in the list, or write single faults.")


def create(window: "MainWindow") -> "FaultsRoom":
    """Build the room and connect it to the others."""
    room = FaultsRoom(window.companion)
    room.armed.decisions_requested.connect(lambda: _show_decisions(window))
    return room


def _show_decisions(window: "MainWindow") -> None:
    """Open Events with the rows that say what faults have decided."""
    window.events.filter.replace_text(DECISIONS)
    window.open_room(EVENTS)


class FaultsRoom(FocusStart):
    """Profiles and single faults above the bar that arms them, and below it what is armed."""

    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.bar = ArmBar(companion)
        self._do = RoomTasks(companion.tasks, self.bar.show_problem)
        self.commands = FaultCommands(companion, self.status_message.emit, self.bar.show_problem)
        self._actions = ProfileActions(self, companion, self._do)
        self.tabs = named(QTabBar(drawBase=False, expanding=False), "What to arm", style_id="tabs")
        for title in TABS:
            self.tabs.addTab(title)
        self.list = ProfileList()
        self.card = ProfileCard()
        self.form = FaultForm(companion.faults.check)
        self.empty = EmptyState("faults", NOTHING_SELECTED[0])
        self.empty.show_text(*NOTHING_SELECTED)
        self.armed = ArmedList()
        self._chosen = ""
        """The name of the selected profile."""
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._disconnects: list[Callable[[], None]] = []
        """Disconnect from the signals that are only followed while the room is visible."""
        self._lay_out()
        self._fill_menu()
        self._connect()
        self.recolor()

    # called by the window

    def show_rejection(self, text: str) -> None:
        """Show why a field rejected a text."""
        self.bar.show_problem(text)

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self._follow(False)
        self._do.close()
        self.commands.close_down()
        self._disconnect()

    def fire_or_stop(self) -> None:
        """Arm what is shown, if that is possible."""
        self.bar.arm.click()

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        """The parts whose sizes the window saves."""
        return {"faults/list": self.profiles, "faults/armed": self.splitter}

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for part in (self.list, self.empty, self.bar, self.armed):
            part.recolor()
        self.refresh()

    def focus_search(self) -> None:
        """Give the search field of the profiles the keyboard focus."""
        self.tabs.setCurrentIndex(TABS.index(PROFILES))
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    def choose_target(self, to: Target) -> None:
        """Choose the clients that faults are armed for."""
        self.bar.target_box.list_targets(to)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow(True)
        self._do(self._companion.profiles.read())
        self.refresh()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow(False)

    # building

    def _lay_out(self) -> None:
        self.profiles = ListAndPane(self.list, (self.empty, self.card), (240, 600))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.profiles)
        self.pages.addWidget(self.form)
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addWidget(self.pages, 1)
        column.addWidget(self.bar)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(upper)
        self.splitter.addWidget(self.armed)
        self.splitter.setSizes([380, 220])
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self.start_at(self.list)

    def _fill_menu(self) -> None:
        self.card.menu.addAction("Rename …", lambda: self._with_profile(self._actions.rename))
        self.card.menu.addAction("Delete …", lambda: self._with_profile(self._actions.delete))

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._switch)
        self.list.searched.connect(self.refresh)
        self.list.chosen.connect(self.choose)
        self.list.activated.connect(self.bar.arm.click)
        self.form.submitted.connect(self.bar.arm.click)
        self.form.changed.connect(self._show_bar)
        self.bar.arm_requested.connect(self._arm)
        self.bar.save_requested.connect(self._save)
        self.armed.clear_requested.connect(self._clear)
        self.armed.reset_requested.connect(self._reset)
        self._actions.stored.connect(self._on_stored)
        self._actions.status_message.connect(self.status_message)
        self._timer.timeout.connect(self._show_armed)
        self._disconnect = self._companion.profiles.changed.connect(lambda _: self.refresh())

    def _follow(self, on: bool) -> None:
        """Follow what faults do and which clients are connected, or stop doing so."""
        for disconnect in self._disconnects:
            disconnect()
        self._timer.stop()
        faults, hub = self._companion.faults, self._companion.hub
        signals = (faults.changed, faults.acted, hub.clients_changed) if on else ()
        self._disconnects = [each.connect(lambda _: self._show_soon()) for each in signals]
        if on:  # not with the list: that would rebuild it, and close its popup, whenever a fault acts
            self._disconnects.append(hub.clients_changed.connect(lambda _: self.bar.target_box.follow_clients()))

    # showing

    def refresh(self) -> None:
        """Show the current profiles, and what is armed."""
        library = self._companion.profiles
        self.list.show_profiles(library.all, self._chosen)
        self.list.show_warnings(library.warnings, library.folder)
        self._show_profile()
        self._show_armed()

    def choose(self, name: str) -> None:
        """Select a profile."""
        self._chosen = name
        self.refresh()

    def _switch(self, number: int) -> None:
        self.pages.setCurrentIndex(number)
        self.start_at(self.form if self._shows_form else self.list)
        self._show_bar()

    def _show_soon(self) -> None:
        if not self._timer.isActive():  # restarting it at each frame would delay it forever
            self._timer.start()

    def _show_armed(self) -> None:
        self.armed.show_faults(self._companion)

    @property
    def _profile(self) -> SavedProfile | None:
        return next((each for each in self._companion.profiles.all if each.name == self._chosen), None)

    def _show_profile(self) -> None:
        saved = self._profile
        if saved:
            self.card.show_profile(saved)
        for action in self.card.menu.actions():
            action.setEnabled(saved is not None and saved.own)
        self.card.more.setVisible(saved is not None and saved.own)
        self.profiles.pane.setCurrentWidget(self.card if saved else self.empty)
        self._show_bar()

    @property
    def _shows_form(self) -> bool:
        return self.tabs.currentIndex() == TABS.index(OWN)

    def _show_bar(self) -> None:
        saved = self._profile
        if self._shows_form:
            why_not = self.form.problem or ("" if self.form.own else "Write a fault first.")
            self.bar.show_state(why_not=why_not, seed=None, can_save=True)
        else:
            seed = saved.profile.seed if saved else None
            self.bar.show_state(why_not="" if saved else "Select a profile first.", seed=seed, can_save=False)

    # user actions

    def _arm(self) -> None:
        to, seed = self.bar.target_box.target, self.bar.seed
        if self._shows_form:
            self.commands.arm(self.form.own, to, seed)
            self._show_armed()
        else:
            self.commands.arm_profile(self._chosen, to, seed)

    def _save(self) -> None:
        own = self.form.own
        rest = (own.rest,) if own.rest else ()
        self._actions.save(Profile(seed=self.bar.seed, faults=own.faults, rest=rest))

    def _clear(self, key: Target | str) -> None:
        self.commands.clear(key)
        self._show_armed()

    def _reset(self) -> None:
        self.commands.reset()
        self._show_armed()

    def _on_stored(self, name: str) -> None:
        self.tabs.setCurrentIndex(TABS.index(PROFILES))
        self.list.search.clear()
        self.choose(name)

    def _with_profile(self, act: Callable[[SavedProfile], None]) -> None:
        if saved := self._profile:
            act(saved)
