"""Carry out commands about sources, peers and the user's keys, for the Sources room, the strip and the palette.
For example, switch a source on, test it or change its settings; add, verify or forget a peer; accept a peer's
changed keys; back up or replace the user's keys. It asks before it deletes data or the API key, forgets a
peer, accepts changed keys or replaces the user's keys. A peer is a friend with a companion of their own; the strip
is the notices at the top of the window (``widgets.condition_strip``).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.companion import Companion
from app.hub.pipeline import FIRE_ERRORS
from app.hub.switchable import ConnectionResult
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.peer import Peer
from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings
from app.ui.room_tasks import RoomTasks
from app.ui.source_watch import ChangedKeys
from app.ui.widgets.confirm import confirm, confirm_with_option

ERRORS = (*FIRE_ERRORS, InvalidSettings)
ACCEPT = (
    "Accept only if your friend says that the keys are new, and reads the new fingerprint to you. Otherwise "
    "an attacker could write in this name. The peer is not verified afterwards."
)
FORGET = "Its pinned keys and the messages that wait to be sent to it are deleted. The chat stays."
ROTATE = (
    "Your friends refuse your messages until they accept the new keys (Accept in their Sources room) and "
    "compare the fingerprint again. Messages that were sent to the old keys and have not arrived cannot be "
    "read. Back up the old keys first."
)
RESTORE = "The keys in use are replaced and lost, unless you have backed them up."
DELETE = {
    "peers": (
        "All peers, the messages that wait to be sent to them, and your own keys are deleted. Your chats stay. "
        "Without your keys, friends have to add you again."
    ),
    "supabase": (
        "The API key and the address of the project are deleted on this computer, and the source is switched off. "
        "The registration can only be deleted while no messages for you wait in the project."
    ),
}
REMOTE = "First delete my registration in the project"


class OwnKeys(NamedTuple):
    """The user's public keys, as ``companion peers key`` prints them."""

    username: str
    node_id: str
    public_key: str
    signing_key: str

    @property
    def json(self) -> str:
        """One line of JSON, for a friend."""
        return msgspec.json.encode(self._asdict()).decode()


def own_keys(companion: Companion, identity: Identity) -> OwnKeys:
    """Return the public part of an identity."""
    keys = identity.public.as_json()
    return OwnKeys(companion.local_user, identity.node_id, keys["public_key"], keys["signing_key"])


class SourceCommands(QObject):
    """``report`` is called with results, ``failed`` with errors. Dialogs open over ``parent``."""

    tested = Signal(str, object)
    """Emitted with the name of a source and its ``ConnectionResult``; None if the test could not run."""
    switched_on = Signal(str)
    """Emitted with the name of a source that the user has switched on."""
    settled = Signal()
    """Emitted after each command that can change something, and after a test, whether it failed or not."""

    def __init__(
        self,
        parent: QWidget,
        companion: Companion,
        report: Callable[[str], object],
        failed: Callable[[str], object],
    ) -> None:
        super().__init__(parent)
        self._parent = parent
        self._companion = companion
        self._report = report
        self._do = RoomTasks(companion.tasks, failed, ERRORS)
        self._testing: set[str] = set()

    def close_down(self) -> None:
        """Stop reporting results."""
        self._do.close()

    # sources

    def switch(self, name: str, on: bool) -> None:
        """Switch a source on or off."""
        source = self._companion.switchable_sources.look_up(name)

        def switched(_: None) -> None:
            self._report(f"{source.title}: switched {'on' if on else 'off'}")
            if on:
                self.switched_on.emit(name)

        self._do(source.switch(on), switched, ended=self.settled.emit)

    def test(self, name: str) -> None:
        """Test the connection of a source, and report the result."""
        if name in self._testing:
            return
        self._testing.add(name)
        source = self._companion.switchable_sources.look_up(name)
        result: ConnectionResult | None = None

        def tested(found: ConnectionResult) -> None:
            nonlocal result
            result = found
            self._report(found.text)

        def ended() -> None:
            self._testing.discard(name)
            self.tested.emit(name, result)
            self.settled.emit()

        self._do(source.test(), tested, ended=ended)

    def ask_to_delete(self, name: str) -> None:
        """Ask whether to delete all data of a source."""
        source = self._companion.switchable_sources.look_up(name)
        question = f"Delete all data of {source.title}?"

        def delete(remote: bool) -> None:
            self._do(source.delete_data(remote=remote), self._report, ended=self.settled.emit)

        if name == self._companion.supabase.name:
            confirm_with_option(self._parent, question, DELETE[name], "Delete", REMOTE, delete)
        else:
            confirm(self._parent, question, DELETE[name], "Delete", partial(delete, False))

    def change(self, done: str, **values: object) -> None:
        """Change settings, and save them."""

        def change(before: Settings) -> Settings:
            return replace(before, **values)

        self._do(self._companion.change_settings(change), lambda _: self._report(done), ended=self.settled.emit)

    def store_api_key(self, key: str, then: Callable[[], object]) -> None:
        """Store the API key of the Supabase project, then call ``then``."""

        def stored(place: str) -> None:
            self._report(f"The API key is stored in {place}")
            then()

        self._do(self._companion.supabase.set_key(key), stored, ended=self.settled.emit)

    def ask_to_remove_api_key(self) -> None:
        """Ask whether to delete the stored API key."""

        def remove() -> None:
            self._do(
                self._companion.supabase.remove_key(),
                lambda place: self._report(f"Deleted the API key{f'; {place} is used now' if place else ''}"),
                ended=self.settled.emit,
            )

        confirm(self._parent, "Remove the API key?", "The project cannot be used without one.", "Remove", remove)

    # peers

    def add(
        self,
        name: str,
        keys: PublicKeys | None,
        address: str | None,
        then: Callable[[Peer], object],
        failed: Callable[[str], object],
    ) -> None:
        """Add a peer, or change keys and address of one (None: the old ones).

        ``then`` is called with the stored peer, ``failed`` with the error.
        """

        def added(peer: Peer) -> None:
            self._report(peer.changed_note if peer.offered else f"Stored {peer.username}")
            then(peer)

        do = RoomTasks(self._companion.tasks, failed, ERRORS)
        do(self._companion.peers.add(name, keys, address), added, ended=self.settled.emit)

    def verify(self, name: str, then: Callable[[], object], digits: str = "") -> None:
        """Store that the fingerprint of a peer was compared.

        ``digits`` are compared with it, unless they are empty.
        """

        def verified(_: Peer) -> None:
            self._report(f"{name} is verified")
            then()

        def check(own: Identity) -> None:
            self._do(self._companion.peers.verify(name, own.public, digits, verified=True), verified)

        self._do(self._companion.identity.load(), check, ended=self.settled.emit)

    def ask_to_accept(self, changed: ChangedKeys) -> None:
        """Ask whether to accept the changed keys of a peer, but no others that are offered meanwhile."""
        details = f"{ACCEPT}\n\nThe new fingerprint:\n{changed.offered}" if changed.offered else ACCEPT
        confirm(
            self._parent, f"Accept the new keys of {changed.name}?", details, "Accept",
            partial(self._decide, changed, True),
        )  # fmt: skip

    def reject(self, changed: ChangedKeys) -> None:
        """Reject the changed keys of a peer."""
        self._decide(changed, False)

    def _decide(self, changed: ChangedKeys, accept: bool) -> None:
        text = f"{'Accepted' if accept else 'Rejected'} the new keys of {changed.name}"
        self._do(
            self._companion.peers.decide(changed.name, accept=accept, shown=changed.keys),
            lambda _: self._report(text), ended=self.settled.emit,
        )  # fmt: skip

    def ask_to_forget(self, name: str) -> None:
        """Ask whether to forget a peer."""

        def forget() -> None:
            done = f"Forgot {name}"
            self._do(self._companion.peers.forget(name), lambda _: self._report(done), ended=self.settled.emit)

        confirm(self._parent, f"Forget the peer {name}?", FORGET, "Forget", forget)

    # the user's keys

    def copy_own_keys(self) -> None:
        """Copy the user's public keys as JSON."""

        def copy(identity: Identity) -> None:
            QGuiApplication.clipboard().setText(own_keys(self._companion, identity).json)
            self._report("Copied your public keys. Send them to your friend by any means.")

        self._do(self._companion.identity.load(), copy)

    def back_up(self, file: str) -> None:
        """Write the secret keys to a new private file. An existing file is not overwritten."""
        text = f"Backed up your keys to {file}. Anyone who has this file can read your messages."
        self._do(self._companion.identity.export(Path(file), "flat"), lambda _: self._report(text))

    def restore(self, file: str) -> None:
        """Use the keys in a file. Ask first if there are keys."""

        def restore(replace_keys: bool) -> None:
            self._do(
                self._companion.identity.restore(Path(file), replace=replace_keys),
                lambda _: self._report(f"Restored your keys from {file}"),
                ended=self.settled.emit,
            )

        def ask(have_keys: bool) -> None:
            if not have_keys:
                restore(False)
                return
            confirm(
                self._parent, f"Replace your keys with those in {Path(file).name}?", RESTORE, "Replace",
                partial(restore, True),
            )  # fmt: skip

        if self._companion.identity.current:
            ask(True)
        else:
            self._do(self._companion.identity.exist(), ask)

    def ask_to_rotate(self) -> None:
        """Ask whether to replace the user's keys by new ones."""

        def rotate() -> None:
            self._do(
                self._companion.identity.rotate(),
                lambda _: self._report("Replaced your keys. Send the new public keys to your friends."),
                ended=self.settled.emit,
            )

        confirm(self._parent, "Replace your keys with new ones?", ROTATE, "Replace keys", rotate)
