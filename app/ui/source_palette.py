"""Return the palette commands about sources and peers: "Peers: verify bob …", "Sources: test supabase".
There are commands for each source, for each peer, and to add a peer or copy the user's public keys. A peer is a
friend with a companion of their own. The command palette (Ctrl+K) lists these commands.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.protocol.peers.peer import Peer
from app.ui.palette import Command
from app.ui.room_registry import SOURCES

if TYPE_CHECKING:
    from app.ui.rooms.sources import SourcesRoom
    from app.ui.window import MainWindow

command = partial(Command, browsable=False)


def source_commands(window: MainWindow) -> list[Command]:
    """Return the commands for every source and peer, and for the user's keys."""
    do = window.source_commands
    found = []
    for each in window.companion.switchable_sources:
        to = "off" if each.is_on else "on"
        found += [
            command(f"Sources: switch {each.name} {to}", partial(do.switch, each.name, not each.is_on), each.title),
            command(f"Sources: test {each.name}", partial(do.test, each.name), each.title, keywords="connection"),
        ]
    found += [
        command("Peers: add peer …", _in_room(window, lambda room: room.add_peer())),
        command("Peers: copy your public keys", do.copy_own_keys, "JSON"),
    ]
    for peer in window.source_watch.peers:
        found += _commands_for(peer, window)
    for changed in window.source_watch.changed_keys:
        found += [
            command(f"Peers: accept the new keys of {changed.name} …", partial(do.ask_to_accept, changed)),
            command(f"Peers: reject the new keys of {changed.name}", partial(do.reject, changed)),
        ]
    return found


def _commands_for(peer: Peer, window: MainWindow) -> list[Command]:
    do, name = window.source_commands, peer.username
    return [
        command(f"Peers: verify {name} …", _in_room(window, lambda room: room.verify_peer(peer)), "fingerprint"),
        command(f"Peers: forget {name} …", partial(do.ask_to_forget, name)),
    ]


def _in_room(window: MainWindow, act: Callable[[SourcesRoom], object]) -> Callable[[], object]:
    """Return a function that opens the room, and then calls ``act`` with it."""

    def run() -> None:
        window.open_room(SOURCES)
        act(window.sources)

    return run
