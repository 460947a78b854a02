"""Peers and sources for the pictures of the Sources room: a stand-in for a project, and four friends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from app.companion import Companion
from app.protocol.backend import RestCaller
from app.protocol.peers.keys import Identity
from app.ui.room_registry import CHATS, EVENTS, SOURCES
from app.ui.rooms.sources import KEY_TAB, PEER_TAB, SOURCE_TAB
from app.ui.window import MainWindow
from tests.conftest import until
from tests.postgrest_stand_in.server import PUBLISHABLE, StandIn

Picture = Callable[[str], Awaitable[None]]
SEEN = 1_790_000_000.0


@asynccontextmanager
async def real_traffic(companion: Companion) -> AsyncIterator[None]:
    """Switch both sources on for a while, with peers in all states."""
    async with StandIn() as project:
        await companion.supabase.set_key(PUBLISHABLE)
        await companion.change_settings(
            lambda before: replace(
                before, username="anna", peers=True, peer_port=0, supabase_url=project.url, supabase=True
            )
        )
        await friends(companion)
        await until(lambda: companion.supabase.source.is_connected)
        yield
        await companion.change_settings(lambda before: replace(before, supabase=False))
        for name in ("ben", "clara", "dora", "emil"):
            await companion.peers.forget(name)
        await companion.change_settings(lambda before: replace(before, peers=False, username="me"))


async def friends(companion: Companion) -> None:
    """Add peers: one is verified, another one was seen with other keys, and messages wait for a third."""
    own = (await companion.identity.obtain()).public
    for name, address in (("ben", "192.168.1.20:9100"), ("clara", ""), ("dora", "[fd00::7]:9100"), ("emil", "")):
        await companion.peers.add(name, Identity.generate().public, address)
    await companion.peers.verify("ben", own, "", verified=True)
    await companion.peers.note_address("clara", "192.168.1.31")
    await companion.peers.add("clara", Identity.generate().public)
    companion.chat.store.note_seen("ben", SEEN)
    await companion.chat.store.send("dora", "Are you back?")
    await companion.chat.friends_changed()


async def source_pictures(
    companion: Companion, window: MainWindow, open_room: Callable[[str], None], picture: Picture
) -> None:
    """Take pictures of the room: all off, sources, peers with dialogs, keys; and of a peer in Chats and Events."""
    open_room(SOURCES)
    room = window.sources
    await picture("sources-empty")
    room.open_page(PEER_TAB)
    await picture("sources-no-peers")
    room.open_page(KEY_TAB)
    await picture("sources-no-keys")
    room.open_page(SOURCE_TAB)
    async with real_traffic(companion):
        room.page.cards["peers"].test.click()
        room.page.cards["supabase"].test.click()
        await asyncio.sleep(0.5)
        await picture("sources")
        room.page.verticalScrollBar().setValue(10_000)
        await picture("sources-end")
        room.open_page(PEER_TAB)
        room.peers.choose("ben")
        await picture("sources-peers")
        verify = room.verify_peer(await companion.peers.get("ben"))
        (digits,) = await companion.identity.fingerprints_with((await companion.peers.get("ben")).keys)
        verify.typed.setText(digits[:30])
        await picture("sources-verify")
        verify.typed.setText(digits[:24] + "00000")
        await picture("sources-verify-wrong")
        verify.reject()
        form = room.add_peer()
        form.fields["username"].setText("bob")
        form.fields["public_key"].setText("abc")
        form.fields["address"].setText("10.0.0.1:x")
        await picture("sources-add")
        form.reject()
        personas = room.ask_for_names(["alice", "bob"], lambda: None)
        await picture("sources-names")
        personas.reject()
        room.open_page(KEY_TAB)
        await picture("sources-keys")
        open_room(CHATS)
        await asyncio.sleep(0.3)
        model = window.chats.model
        window.chats.list.setCurrentIndex(model.index(model.line_of("dora"), 0))
        await picture("chats-peer")
        open_room(EVENTS)
        posted = await companion.chat.post_message("ben", "hello", RestCaller("", ""))
        companion.hub.carry_out(posted.effects)
        await asyncio.sleep(0.3)
        await picture("events-peer")
    room.open_page(SOURCE_TAB)
