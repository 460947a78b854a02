"""The Sources room: sources of real messages with their state, the peers, and the user's own keys.
A peer is a friend with a companion of their own. There are two sources: the direct link to peers, and a project in
Supabase with a directory of users and a message queue. The keys encrypt and sign the messages to peers.
``source_commands`` carries out most actions; the room opens the dialogs.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHeaderView, QStackedWidget, QTabBar, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.switchable import ConnectionResult
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.peer import Peer
from app.system.settings import Settings
from app.ui.room_tasks import RoomTasks
from app.ui.source_commands import SourceCommands, own_keys
from app.ui.source_watch import SourceWatch
from app.ui.widgets.accessible_names import named
from app.ui.widgets.changed_keys import ChangedKeysBanner
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.own_keys_page import OwnKeysPage
from app.ui.widgets.peer_dialog import PeerDialog
from app.ui.widgets.peer_list import PeerList
from app.ui.widgets.personas_dialog import PersonasDialog
from app.ui.widgets.source_page import PEERS, SUPABASE, SourcePage
from app.ui.widgets.verify_dialog import VerifyDialog

if TYPE_CHECKING:
    from app.ui.window import MainWindow

TABS = SOURCE_TAB, PEER_TAB, KEY_TAB = "Sources", "Peers", "Your keys"
REFRESH_MS = 1000
"""Interval at which the times of the sources are shown again while the room is visible."""
ROWS_MS = 250
"""Debounce after new rows of the log, each of which may be about a peer."""
FIRST_SETTING = {PEERS: "peers", SUPABASE: "supabase"}


def create(window: "MainWindow") -> "SourcesRoom":
    """Build the room and connect it to the others."""
    room = SourcesRoom(window.companion, window.source_watch)
    room.setting_requested.connect(window.open_setting)
    return room


class SourcesRoom(FocusStart):
    """Three pages: the sources, the peers and the user's keys; above them a banner about changed keys."""

    status_message = Signal(str)
    setting_requested = Signal(str)
    """Emitted with the name of a setting that Settings should show."""

    def __init__(self, companion: Companion, watch: SourceWatch) -> None:
        super().__init__()
        self._companion = companion
        self._watch = watch
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._load = RoomTasks(companion.tasks, lambda problem: self.keys.show_keys(None, problem))
        self.commands = SourceCommands(self, companion, self.status_message.emit, self.status_message.emit)
        self.banner = ChangedKeysBanner()
        self.tabs = named(QTabBar(drawBase=False, expanding=False), "What to show", style_id="tabs")
        for title in TABS:
            self.tabs.addTab(title)
        self.page = SourcePage(companion)
        self.peers = PeerList()
        self.keys = OwnKeysPage(companion.clock.wall)
        self.pages = QStackedWidget()
        for page in (self.page, self.peers, self.keys):
            self.pages.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.tabs)
        whole.addWidget(self.banner)
        whole.addWidget(self.pages, 1)
        self._switch_page(0)
        self._clock = QTimer(self, interval=REFRESH_MS)
        self._rows = QTimer(self, interval=ROWS_MS, singleShot=True)
        self._visible = False
        self._chosen = ""
        """The peer to select once it is listed."""
        self._ask_about_personas = False
        """Whether to ask about personas with names of registered users once the directory is connected."""
        self._connect()
        self.refresh()

    # called by the window

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self._visible = False
        self._clock.stop()
        self._rows.stop()
        for disconnect in self._disconnects:
            disconnect()
        self._do.close()
        self._load.close()
        self.commands.close_down()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for page in (self.page, self.peers, self.keys):
            page.recolor()

    def follow_settings(self, settings: Settings) -> None:
        """Show the settings in use."""
        self._show_sources()

    @property
    def layout_parts(self) -> dict[str, QHeaderView]:
        """The parts whose sizes the window saves."""
        return {"sources/peers": self.peers.table.horizontalHeader()}

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._visible = True
        self._clock.start()
        self._wait_for_rows()
        self.refresh()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._visible = False
        self._clock.stop()
        self._rows.stop()

    # building

    def _connect(self) -> None:
        commands, watch = self.commands, self._watch
        self.tabs.currentChanged.connect(self._switch_page)
        for name, card in self.page.cards.items():
            card.switched.connect(partial(commands.switch, name))
            card.test_requested.connect(partial(commands.test, name))
            card.settings_requested.connect(partial(self.setting_requested.emit, FIRST_SETTING[name]))
            card.delete_requested.connect(partial(commands.ask_to_delete, name))
            card.resolve_requested.connect(self.resolve_names)
        self.page.begin_requested.connect(partial(commands.switch, PEERS, True))
        self.page.peer_options.lan_switched.connect(self._switch_lan)
        options = self.page.supabase_options
        options.url_saved.connect(lambda url: commands.change("Saved the address of the project", supabase_url=url))
        options.key_stored.connect(lambda key: commands.store_api_key(key, options.forget_typed_key))
        options.key_removal_requested.connect(commands.ask_to_remove_api_key)
        options.peek_switched.connect(
            lambda on: commands.change(f"Peek only: {'on' if on else 'off'}", supabase_peek_only=on)
        )
        commands.tested.connect(self._show_result)
        commands.switched_on.connect(self._switched_on)
        commands.settled.connect(self.refresh)
        self.banner.accept_requested.connect(commands.ask_to_accept)
        self.banner.reject_requested.connect(commands.reject)
        self.peers.add_requested.connect(self.add_peer)
        self.peers.edit_requested.connect(self.add_peer)
        self.peers.verify_requested.connect(self.verify_peer)
        self.peers.forget_requested.connect(lambda peer: commands.ask_to_forget(peer.username))
        self.keys.copy_requested.connect(commands.copy_own_keys)
        self.keys.back_up_requested.connect(commands.back_up)
        self.keys.restore_requested.connect(commands.restore)
        self.keys.rotate_requested.connect(commands.ask_to_rotate)
        self.keys.switch_on_requested.connect(partial(commands.switch, PEERS, True))
        watch.changed.connect(self._follow)
        self._clock.timeout.connect(self._show_sources)
        self._rows.timeout.connect(self._read_peers)
        self._disconnects = [self._companion.identity.changed.connect(lambda _: self._load_keys())]

    def _wait_for_rows(self) -> None:
        """Read the peers again soon after the next row of the log: each hop of a message is a row."""
        self._companion.journal.once(lambda: self._rows.start() if self._visible else None)

    def _read_peers(self) -> None:
        self._watch.read()
        self._wait_for_rows()

    # showing

    def refresh(self) -> None:
        """Show the current state of everything."""
        self._watch.read_soon()
        self._follow()
        self._load_key_place()
        self._load_keys()

    def open_page(self, title: str) -> None:
        """Show one of the pages."""
        self.tabs.setCurrentIndex(TABS.index(title))

    def _switch_page(self, number: int) -> None:
        self.pages.setCurrentIndex(number)
        self.start_at((self.page.cards[PEERS].switch, self.peers, self.keys)[number])

    def _follow(self) -> None:
        self._show_sources()
        self.peers.show_peers(list(self._watch.peers))
        if self._chosen in (each.username for each in self._watch.peers):
            self.peers.choose(self._chosen)
            self._chosen = ""
        self.banner.show_changes(self._watch.changed_keys)
        if self._ask_about_personas and self._companion.supabase.source.is_connected:
            self._ask_about_personas = False
            self.resolve_names()

    def _show_sources(self) -> None:
        self.page.show_sources()

    def _show_result(self, name: str, result: ConnectionResult | None) -> None:
        self.page.cards[name].show_result(result, self._companion.clock.wall())

    def _load_key_place(self) -> None:
        self._do(self._companion.supabase.key_place(), self.page.supabase_options.show_key_place)

    def _load_keys(self) -> None:
        """Show the user's keys, or why there are none. Reading them creates none."""
        companion = self._companion

        def show(identity: Identity) -> None:
            self.keys.show_keys(own_keys(companion, identity))

        self._load(companion.identity.load(), show)

    # user actions

    def _switch_lan(self, on: bool) -> None:
        done = "Other machines of your network can connect" if on else "Only this machine can connect"
        self.commands.change(done, peer_lan=on)

    def _switched_on(self, name: str) -> None:
        if name == SUPABASE:
            self._ask_about_personas = True
        self._follow()

    def resolve_names(self) -> None:
        """Ask to rename or remove personas that have the name of a registered user, if there are any."""
        companion = self._companion
        if names := companion.supabase.conflicting_personas:
            self.ask_for_names(list(names), lambda: self._do(companion.supabase.restart()))

    def add_peer(self, peer: Peer | None = None) -> PeerDialog:
        """Ask for a new peer, or for another address of a known one."""
        companion = self._companion
        dialog = PeerDialog(
            self.window(), companion.local_user, lambda name: name in companion.chat.played, peer
        )  # fmt: skip

        def stored(found: Peer) -> None:
            if dialog.is_open:
                dialog.accept()
            self.open_page(PEER_TAB)
            self._chosen = found.username
            self._watch.read_soon()

        def failed(problem: str) -> None:
            (dialog.show_problem if dialog.is_open else self.status_message.emit)(problem)

        def chosen(name: str, keys: PublicKeys | None, address: str) -> None:
            self.commands.add(name, keys, address if peer else address or None, stored, failed)

        dialog.chosen.connect(chosen)
        dialog.persona_conflict.connect(
            lambda name: self.ask_for_names([name], dialog.check, over=dialog)
        )  # fmt: skip
        dialog.open()
        return dialog

    def verify_peer(self, peer: Peer) -> VerifyDialog:
        """Show the fingerprint of a peer, and ask whether the friend sees the same."""
        dialog = VerifyDialog(self.window(), peer)
        keys = [peer.keys, *([peer.offered] if peer.offered else [])]
        dialog.matched.connect(
            lambda digits: self.commands.verify(peer.username, self._watch.read_soon, digits)
        )  # fmt: skip
        self._do(self._companion.identity.fingerprints_with(*keys), dialog.show_digits)
        dialog.open()
        return dialog

    def ask_for_names(
        self, names: list[str], then: Callable[[], object], over: QWidget | None = None
    ) -> PersonasDialog:
        """Ask to rename or remove personas, then call ``then``."""
        dialog = PersonasDialog(over or self.window(), self._companion, names)
        dialog.resolved.connect(then)
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        dialog.open()
        return dialog
