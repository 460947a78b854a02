"""A companion with sockets, against a model of a few lines: whatever happens in whatever order, they agree."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from websockets.asyncio.client import ClientConnection, connect

from app.companion import Companion
from app.hub.journal import Kind
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from tests.conftest import until

EXAMPLES, STEPS = 15, 30
FRIENDS = ("alice", "bob")
USERS = ("me", *FRIENDS)
AT_MOST = 6
"""Clients at once."""
RECEIVE_S = 5.0

users, friends, some = st.sampled_from(USERS), st.sampled_from(FRIENDS), st.integers(0, 2**16)


@dataclass
class Window:
    """A connected client: what it has not been seen to receive yet."""

    socket: ClientConnection
    number: int
    user: str
    due: list[Any] = field(default_factory=list)


@dataclass
class Message:
    """A message that a friend sent."""

    number: str
    minute: int
    arrival: int
    read: bool = False


class Model(RuleBasedStateMachine):
    """Every rule does one thing to the companion, waits until it is done, and says what that must lead to."""

    steps = 0
    """Of all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="companion-model-")
        self.runner = asyncio.Runner()
        self.windows: list[Window] = []
        self.chats: dict[str, list[Message]] = {name: [] for name in FRIENDS}
        self.arrived = 0

    # the companion

    async def _open(self) -> None:
        wanted = Settings(port=0, presence_decays=False, rest=False, control=False)
        self.companion = Companion(wanted, chat_file=Path(self.folder.name) / "chat.db")
        assert await self.companion.start(), self.companion.services["events"].error
        assert self.companion.warnings == []

    async def _empty(self) -> None:
        people = (await self.companion.chat.store.snapshot())["people"]
        await self.companion.chat.restore({"version": 1, "people": people, "messages": []})

    @initialize()
    def begin(self) -> None:
        self.runner.run(self._open())
        self.runner.run(self._empty())

    @rule()
    def restart(self) -> None:
        """Everybody is cut off, and the chat is as it was."""

        async def go() -> None:
            await self.companion.close()
            for window in self.windows:
                await asyncio.wait_for(window.socket.wait_closed(), RECEIVE_S)
                assert window.socket.close_code == 1001
            await self._open()

        self.runner.run(go())
        self.windows.clear()

    # clients

    @precondition(lambda self: len(self.windows) < AT_MOST)
    @rule(user=users)
    def connect(self, user: str) -> None:
        async def go() -> Window:
            there = self.companion.hub.connection_count
            socket = await connect(f"{self.companion.server.url}?username={user}", proxy=None)
            await until(lambda: self.companion.hub.connection_count > there)
            return Window(socket, self.companion.hub.clients[-1].id, user)

        self.windows.append(self.runner.run(go()))

    @precondition(lambda self: self.windows)
    @rule(which=some, politely=st.booleans())
    def drop(self, which: int, politely: bool) -> None:
        window = self.windows.pop(which % len(self.windows))

        async def go() -> None:
            if politely:
                await window.socket.close()
            else:
                window.socket.transport.abort()
                await window.socket.wait_closed()
            await until(lambda: self.companion.hub.client(window.number) is None)

        self.runner.run(go())

    def _say(self, window: Window, event: str, **data: Any) -> None:
        """Send a client's event, and wait until it was handled."""

        def heard() -> int:
            return sum(row.kind is Kind.FROM_UI for row in self.companion.journal)

        async def go() -> None:
            before = heard()
            await window.socket.send(json.dumps({"event": event, "data": data}))
            await until(lambda: heard() > before)

        self.runner.run(go())

    @precondition(lambda self: self.windows)
    @rule(which=some, other=st.none() | users, typing=st.booleans())
    def typing(self, which: int, other: str | None, typing: bool) -> None:
        """Type to somebody, or to oneself: one's other windows see it."""
        sender = self.windows[which % len(self.windows)]
        to = other or sender.user
        self._say(sender, "typing", to=to, typing=typing)
        for window in self.windows:
            if window.user == to and window is not sender:
                window.due.append({"event": "typing", "data": {"username": sender.user, "typing": typing}})

    @precondition(lambda self: self.windows and any(self.chats.values()))
    @rule(which=some, up_to=some, peer=st.none() | friends)
    def mark_read(self, which: int, up_to: int, peer: str | None) -> None:
        """Mark a chat as read up to a message; one of another chat changes nothing."""
        known = [(name, each) for name, chat in self.chats.items() for each in chat]
        owner, marked = known[up_to % len(known)]
        self._say(self.windows[which % len(self.windows)], "mark_read", peer=peer or owner, msg_id=marked.number)
        if peer in (None, owner):
            for each in self.chats[owner]:
                each.read |= (each.minute, each.arrival) <= (marked.minute, marked.arrival)

    @precondition(lambda self: self.windows)
    @rule(which=some, peer=friends)
    def mark_what_nobody_wrote(self, which: int, peer: str) -> None:
        nobody = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        self._say(self.windows[which % len(self.windows)], "mark_read", peer=peer, msg_id=nobody)

    # firing

    def _fire(self, event: Envelope, which: int, how: str) -> None:
        """Fire to all, to a user, or to a client; whom that means sees it next."""
        window = self.windows[which % len(self.windows)] if self.windows else None
        target, meant = ALL, list(self.windows)
        if how == "user" or window is None:
            user = USERS[which % len(USERS)]
            target, meant = Target(user=user), [each for each in self.windows if each.user == user]
        elif how == "client":
            target, meant = Target(clients=frozenset({window.number})), [window]
        delivery = self.runner.run(self.companion.fire(event, to=target, origin="model"))
        assert sorted(delivery.clients) == sorted(each.number for each in meant)
        for each in meant:
            each.due.append({"event": event.event, "data": event.data})

    @rule(peer=friends, typing=st.booleans(), which=some, how=st.sampled_from(["all", "user", "client"]))
    def fire_typing(self, peer: str, typing: bool, which: int, how: str) -> None:
        self._fire(Envelope("typing", {"username": peer, "typing": typing}), which, how)

    @rule(
        peer=friends, number=st.uuids(version=4), minute=st.integers(0, 5), which=some,
        how=st.sampled_from(["all", "user", "client"]),
    )  # fmt: skip
    def fire(self, peer: str, number: UUID, minute: int, which: int, how: str) -> None:
        """A message arrives; it may be older than others that are there."""
        data = {
            "msg_id": str(number), "from": peer, "to": "me", "text": f"message {self.arrived} 😀",
            "timestamp": f"2024-01-15T10:{minute:02}:00Z", "direction": "received", "delivered": True,
            "delivery_method": "direct",
        }  # fmt: skip
        known = {each.number for chat in self.chats.values() for each in chat}
        self._fire(Envelope("new_message", data), which, how)
        if str(number) not in known:
            self.arrived += 1
            self.chats[peer].append(Message(str(number), minute, self.arrived))

    # what must hold between any two steps

    @invariant()
    def agree(self) -> None:
        Model.steps += 1
        if hasattr(self, "companion"):
            self.runner.run(self._agree())

    async def _agree(self) -> None:
        hub = self.companion.hub
        assert [(each.id, each.username) for each in hub.clients] == [(w.number, w.user) for w in self.windows]
        for window in self.windows:
            got = [json.loads(await asyncio.wait_for(window.socket.recv(), RECEIVE_S)) for _ in window.due]
            assert got == window.due
            window.due.clear()
        unread = {each.person.username: each.unread for each in await self.companion.chat.conversations()}
        for name, chat in self.chats.items():
            assert unread[name] == sum(not each.read for each in chat)
            messages, total = await self.companion.chat.store.page(name, 1000, 0)
            expected = sorted(chat, key=lambda each: (each.minute, each.arrival))
            assert [each["msg_id"] for each in messages] == [each.number for each in expected]
            assert total == len(chat)
        numbers = [row.seq for row in self.companion.journal]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True

    def teardown(self) -> None:
        async def go() -> None:
            await self.companion.send_raw("the end", origin="model")
            for window in self.windows:  # so nobody got more than was due
                assert await asyncio.wait_for(window.socket.recv(), RECEIVE_S) == "the end"
                await window.socket.close()

        try:
            if hasattr(self, "companion"):
                try:
                    self.runner.run(go())
                finally:
                    self.runner.run(self.companion.close())
        finally:
            self.runner.close()
            self.folder.cleanup()


def run_model(examples: int, steps: int) -> None:
    """Let the companion and the model disagree if they can."""
    some_time = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Model, settings=some_time)


@pytest.mark.timeout(110)
def test_the_companion_and_the_model_agree() -> None:
    run_model(EXAMPLES, STEPS)
