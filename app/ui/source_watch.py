"""Follow the peers and sources for the window: the badge of the Sources room, and lines of the strip at its top.
A peer is a friend with a companion of their own. Two sources bring their messages: the direct link, and a project
in Supabase. The badge counts peers with changed keys, or else says that a source has failed. While another room is
open, the strip shows those peers with both fingerprints. The Sources room and the palette get the peers here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from app.hub.switchable import Condition as State
from app.protocol.counts import count
from app.protocol.peers.keys import PublicKeys
from app.protocol.peers.peer import Peer
from app.ui.room_registry import SOURCES
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.condition_strip import Condition
from app.ui.widgets.navigation import Badge

if TYPE_CHECKING:
    from app.companion import Companion
    from app.ui.window import MainWindow

DELAY_MS = 100
"""Debounce: many peers may change at once."""


class ChangedKeys(NamedTuple):
    """A peer whose name was seen with other keys, with both fingerprints.

    They are empty if the user has no keys. ``keys`` are the other keys: the user decides about these, and not about
    others that are offered later.
    """

    name: str
    pinned: str
    offered: str
    keys: PublicKeys


class SourceWatch(QObject):
    """The stored peers, and those whose keys have changed, kept up to date."""

    changed = Signal()
    """Emitted when ``peers`` or ``changed_keys`` have changed."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.peers: Sequence[Peer] = ()
        self.changed_keys: Sequence[ChangedKeys] = ()
        self._do = RoomTasks(companion.tasks, lambda _: None)  # the room reports what it cannot read
        self._without_keys: Callable[[], object] = lambda: None
        """Shows the peers with changed keys without fingerprints."""
        self._compute = RoomTasks(companion.tasks, lambda _: self._without_keys())
        self._timer = QTimer(self, interval=DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self.read)
        self._has_read = False
        self._disconnects = [
            companion.peers.changed.connect(lambda _: self.read_soon()),
            companion.identity.changed.connect(lambda _: self.read_soon()),
            companion.changed.connect(lambda _: self._follow()),
        ]
        self._follow()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._do.close()
        self._compute.close()
        self._timer.stop()
        for disconnect in self._disconnects:
            disconnect()

    def read_soon(self) -> None:
        """Read the peers again, a little later."""
        if not self._timer.isActive():
            self._timer.start()

    def read(self) -> None:
        """Read the peers again."""
        if self._companion.opened:
            self._has_read = True
            self._do(self._companion.peers.all(), self._show)

    @property
    def failed(self) -> list[str]:
        """A sentence about each source that has failed."""
        return [
            f"{each.title}: {each.status.text}"
            for each in self._companion.switchable_sources
            if each.status.condition is State.FAILED
        ]

    def _follow(self) -> None:
        """Read the peers once the chat state is open, and report changed states of the sources."""
        if not self._has_read:
            self.read()
        self.changed.emit()

    def _show(self, peers: list[Peer]) -> None:
        offered = [(each.username, each.keys, each.offered) for each in peers if each.offered]
        self.peers = peers
        if not offered:
            self._show_changed_keys([])
            return
        self.changed.emit()  # computing the fingerprints may have to wait for the keyring
        keys = [key for _, *both in offered for key in both]

        def show(digits: Sequence[str]) -> None:
            if self.peers is not peers:
                return
            pairs = zip(offered, digits[::2], digits[1::2], strict=True)
            self._show_changed_keys([ChangedKeys(name, old, new, other) for (name, _, other), old, new in pairs])

        self._without_keys = lambda: show([""] * len(keys))
        self._compute(self._companion.identity.fingerprints_with(*keys), show)

    def _show_changed_keys(self, changed: Sequence[ChangedKeys]) -> None:
        self.changed_keys = changed
        self.changed.emit()


class WatchedWindow(QObject):
    """Shows in a window what a ``SourceWatch`` has found: the badge of the room, and lines of the strip."""

    def __init__(self, window: MainWindow, watch: SourceWatch) -> None:
        super().__init__(window)
        self._window = window
        self._watch = watch
        watch.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self._window.navigation.set_badge(SOURCES, badge(self._watch))
        self._window.show_conditions()


def badge(watch: SourceWatch) -> Badge | None:
    """Return the badge of the room: peers with changed keys, or else failed sources."""
    if changed := len(watch.changed_keys):
        return Badge(str(changed), f"{count(changed, 'peer')} with changed keys", "error")
    if failed := watch.failed:
        return Badge("!", "; ".join(failed), "error")
    return None


def conditions(
    watch: SourceWatch, accept: Callable[[ChangedKeys], object], reject: Callable[[ChangedKeys], object]
) -> list[Condition]:
    """Return a line of the strip for each peer whose keys have changed."""
    return [
        Condition(
            changed_text(each),
            (("Accept …", partial(accept, each)), ("Reject", partial(reject, each))),
            "error",
        )
        for each in watch.changed_keys
    ]


def changed_text(changed: ChangedKeys) -> str:
    """Return a sentence about changed keys, with both fingerprints."""
    text = f"{changed.name} was seen with other keys, which are refused."
    if not changed.pinned:
        return text
    return f"{text} Fingerprints:\nso far {changed.pinned}\nnew {changed.offered}"
