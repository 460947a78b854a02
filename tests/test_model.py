"""Compares a companion and its clients with a small model after random sequences of operations."""

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
from typing_extensions import override
from websockets.asyncio.client import ClientConnection, connect

from app.companion import Companion
from app.hub.journal import Kind
from app.hub.origin import Origin
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from tests.conftest import LONG, newest_client, until

EXAMPLES, STEPS = (15 if LONG else 5), 30
"""The gate ``model`` runs more examples."""
FRIENDS = ("alice", "bob")
USERS = ("me", *FRIENDS)
MAX_CLIENTS = 6
"""The maximum number of simultaneous clients."""
RECEIVE_S = 5.0

users, friends, indexes = st.sampled_from(USERS), st.sampled_from(FRIENDS), st.integers(0, 2**16)


@dataclass
class ModelClient:
    """A connected client, with the events that it must still receive."""

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
    """Each rule performs one operation on the companion, waits until it is done, and updates the model."""

    steps = 0
    """The number of steps of all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="companion-model-")
        self.runner = asyncio.Runner()
        self.clients: list[ModelClient] = []
        self.chats: dict[str, list[Message]] = {name: [] for name in FRIENDS}
        self.arrived = 0

    # the companion

    async def _open(self) -> None:
        model_settings = Settings(port=0, presence_decays=False, rest=False, control=False)
        self.companion = Companion(model_settings, chat_file=Path(self.folder.name) / "chat.db")
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
        """Restart the companion: all clients are disconnected, and the chat state is unchanged."""

        async def go() -> None:
            await self.companion.close()
            for client in self.clients:
                await asyncio.wait_for(client.socket.wait_closed(), RECEIVE_S)
                assert client.socket.close_code == 1001
            await self._open()

        self.runner.run(go())
        self.clients.clear()

    # clients

    @precondition(lambda self: len(self.clients) < MAX_CLIENTS)
    @rule(user=users)
    def connect(self, user: str) -> None:
        async def go() -> ModelClient:
            newest = newest_client(self.companion.hub)
            socket = await connect(f"{self.companion.server.url}?username={user}", proxy=None)
            await until(lambda: newest_client(self.companion.hub) > newest)
            return ModelClient(socket, self.companion.hub.clients[-1].id, user)

        self.clients.append(self.runner.run(go()))

    @precondition(lambda self: self.clients)
    @rule(index=indexes, gracefully=st.booleans())
    def drop(self, index: int, gracefully: bool) -> None:
        client = self.clients.pop(index % len(self.clients))

        async def go() -> None:
            if gracefully:
                await client.socket.close()
            else:
                client.socket.transport.abort()
                await client.socket.wait_closed()
            await until(lambda: self.companion.hub.client(client.number) is None)

        self.runner.run(go())

    def _send_event(self, client: ModelClient, event: str, **data: Any) -> None:
        """Send a client's event, and wait until it was handled."""

        def client_event_count() -> int:
            return sum(row.kind is Kind.FROM_UI for row in self.companion.journal)

        async def go() -> None:
            before = client_event_count()
            await client.socket.send(json.dumps({"event": event, "data": data}))
            await until(lambda: client_event_count() > before)

        self.runner.run(go())

    @precondition(lambda self: self.clients)
    @rule(index=indexes, other=st.none() | users, typing=st.booleans())
    def typing(self, index: int, other: str | None, typing: bool) -> None:
        """Send typing to another user, or to the own user: then the other clients of this user receive it."""
        sender = self.clients[index % len(self.clients)]
        to = other or sender.user
        self._send_event(sender, "typing", to=to, typing=typing)
        for client in self.clients:
            if client.user == to and client is not sender:
                client.due.append({"event": "typing", "data": {"username": sender.user, "typing": typing}})

    @precondition(lambda self: self.clients and any(self.chats.values()))
    @rule(index=indexes, message_index=indexes, peer=st.none() | friends)
    def mark_read(self, index: int, message_index: int, peer: str | None) -> None:
        """Mark a chat as read up to a message. A message of another chat changes nothing."""
        known = [(name, each) for name, chat in self.chats.items() for each in chat]
        owner, marked = known[message_index % len(known)]
        self._send_event(
            self.clients[index % len(self.clients)], "mark_read", peer=peer or owner, msg_id=marked.number
        )
        if peer in (None, owner):
            for each in self.chats[owner]:
                each.read |= (each.minute, each.arrival) <= (marked.minute, marked.arrival)

    @precondition(lambda self: self.clients)
    @rule(index=indexes, peer=friends)
    def mark_an_unknown_message(self, index: int, peer: str) -> None:
        unknown_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        self._send_event(self.clients[index % len(self.clients)], "mark_read", peer=peer, msg_id=unknown_id)

    # firing

    def _fire(self, event: Envelope, index: int, target_kind: str) -> None:
        """Fire an event to all clients, to a user or to one client, and note it for the recipients."""
        client = self.clients[index % len(self.clients)] if self.clients else None
        target, recipients = ALL, list(self.clients)
        if target_kind == "user" or client is None:
            user = USERS[index % len(USERS)]
            target, recipients = Target(user=user), [each for each in self.clients if each.user == user]
        elif target_kind == "client":
            target, recipients = Target(clients=frozenset({client.number})), [client]
        delivery = self.runner.run(self.companion.fire(event, to=target, origin=Origin("model")))
        assert sorted(delivery.clients) == sorted(each.number for each in recipients)
        for each in recipients:
            each.due.append({"event": event.event, "data": event.data})

    @rule(peer=friends, typing=st.booleans(), index=indexes, target_kind=st.sampled_from(["all", "user", "client"]))
    def fire_typing(self, peer: str, typing: bool, index: int, target_kind: str) -> None:
        self._fire(Envelope("typing", {"username": peer, "typing": typing}), index, target_kind)

    @rule(
        peer=friends, number=st.uuids(version=4), minute=st.integers(0, 5), index=indexes,
        target_kind=st.sampled_from(["all", "user", "client"]),
    )  # fmt: skip
    def fire(self, peer: str, number: UUID, minute: int, index: int, target_kind: str) -> None:
        """Fire a message. It may be older than existing messages."""
        data = {
            "msg_id": str(number), "from": peer, "to": "me", "text": f"message {self.arrived} 😀",
            "timestamp": f"2024-01-15T10:{minute:02}:00Z", "direction": "received", "delivered": True,
            "delivery_method": "direct",
        }  # fmt: skip
        known = {each.number for chat in self.chats.values() for each in chat}
        self._fire(Envelope("new_message", data), index, target_kind)
        if str(number) not in known:
            self.arrived += 1
            self.chats[peer].append(Message(str(number), minute, self.arrived))

    # invariants

    @invariant()
    def agree(self) -> None:
        Model.steps += 1
        if hasattr(self, "companion"):
            self.runner.run(self._agree())

    async def _agree(self) -> None:
        hub = self.companion.hub
        assert [(each.id, each.username) for each in hub.clients] == [(w.number, w.user) for w in self.clients]
        for client in self.clients:
            received = [json.loads(await asyncio.wait_for(client.socket.recv(), RECEIVE_S)) for _ in client.due]
            assert received == client.due
            client.due.clear()
        unread = {each.person.username: each.unread for each in await self.companion.chat.conversations()}
        for name, chat in self.chats.items():
            assert unread[name] == sum(not each.read for each in chat)
            messages, total = await self.companion.chat.store.page(name, 1000, 0)
            expected = sorted(chat, key=lambda each: (each.minute, each.arrival))
            assert [each["msg_id"] for each in messages] == [each.number for each in expected]
            assert total == len(chat)
        numbers = [row.seq for row in self.companion.journal]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True

    @override
    def teardown(self) -> None:
        async def go() -> None:
            await self.companion.send_raw("the end", origin=Origin("model"))
            for client in self.clients:  # a client received no other frame before this one
                assert await asyncio.wait_for(client.socket.recv(), RECEIVE_S) == "the end"
                await client.socket.close()

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
    """Run random sequences of operations on the companion and the model."""
    model_settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Model, settings=model_settings)


@pytest.mark.timeout(110)
def test_the_companion_and_the_model_agree() -> None:
    run_model(EXAMPLES, STEPS)
