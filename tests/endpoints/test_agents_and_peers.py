"""What the agent token cannot do in the chats with peers: nothing that it requests is sent to them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from app.protocol.backend import Person, RestCaller
from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control, message, typing
from tests.endpoints.http_client import Rest
from tests.endpoints.test_control_scopes import agent_headers
from tests.independent_peer import new_id
from tests.sources.peers.pair import ManualTime, Pair


class Agent:
    """The companion of ``anna`` with the peer ``ben``, and an agent that calls its control API."""

    def __init__(self, control: Control, pair: Pair, headers: dict[str, str]) -> None:
        self.control, self.pair, self.headers = control, pair, headers
        self.companion = control.companion

    async def message_from_ben(self) -> str:
        """Fire a message from ben that ben never sent, and return its id."""
        event = message("made up", **{"from": "ben", "to": "anna"})
        assert (await self.control.post("/v1/events", event, headers=self.headers)).status == 200
        return str(event["data"]["msg_id"])


@pytest.fixture
async def agent(make_control: MakeControl) -> AsyncIterator[Agent]:
    time = ManualTime()
    control = await make_control(clock=time.clock, username="anna", peers=True, peer_port=0, presence_decays=False)
    pair = Pair(control.companion, time)
    await pair.introduce()
    yield Agent(control, pair, await agent_headers(control))
    await pair.close()


async def test_an_agent_cannot_react_to_a_peer_in_the_users_name(agent: Agent) -> None:
    """Regression: the companion connected to the peer, and sent the reaction signed with the user's keys."""
    control, path = agent.control, f"/v1/messages/{await agent.message_from_ben()}/reactions"
    refused: list[Any] = [
        await control.put(path, {"emoji": "👍", "by": "anna"}, headers=agent.headers),
        await control.delete(path, query={"emoji": "👍", "by": "anna"}, headers=agent.headers),
    ]
    assert [each.status for each in refused] == [403, 403]
    assert "in your name in the chat with a peer" in refused[0].detail
    assert (await control.put(path, {"emoji": "👀", "by": "ben"}, headers=agent.headers)).status == 200
    assert (await control.put(path, {"emoji": "🎉", "by": "anna"})).status == 200
    assert (await agent.pair.ben.next_message())["opened"]["emoji"] == "🎉"
    assert agent.pair.ben.received.empty()


async def test_an_agent_cannot_make_a_peer_a_friend_again(agent: Agent) -> None:
    """Regression: the companion sent what was waiting for a peer that the user had removed."""
    control, chat = agent.control, agent.companion.chat
    unfriend, befriend = {"is_friend": False}, {"is_friend": True}
    assert (await control.patch("/v1/personas/ben", unfriend, headers=agent.headers)).status == 403
    await chat.store.send("ben", "for later")
    await chat.remove_friend("ben")
    answer = await control.patch("/v1/personas/ben", befriend, headers=agent.headers)
    assert (answer.status, answer.detail[:62]) == (
        403,
        "The agent token cannot change whether a peer is your friend, b",
    )
    await agent.companion.peer_link.outbox.send_due()
    assert agent.pair.ben.received.empty()
    assert (await control.patch("/v1/personas/ben", befriend)).status == 200


async def test_a_persona_that_was_just_removed_is_not_looked_up_in_the_directory(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: an agent that deleted the persona at the same time made the companion ask the directory."""
    chat, asked = agent.companion.chat, []
    people = chat.store.people

    async def people_before() -> list[Person]:
        found = await people()
        monkeypatch.undo()
        await chat.remove_person("gina")
        return found

    async def find_peer(username: str) -> None:
        asked.append(username)

    await chat.add_person("gina", is_friend=False)
    monkeypatch.setattr(chat.store, "people", people_before)
    chat.find_peer = find_peer
    answer = await agent.control.patch("/v1/personas/gina", {"is_friend": True}, headers=agent.headers)
    assert (answer.status, asked) == (404, [])


async def test_an_agent_cannot_exchange_a_message_that_waits_for_a_peer(agent: Agent) -> None:
    """Regression: a message with the id of a deleted one was sent in its place, signed with the user's keys."""
    control, chat = agent.control, agent.companion.chat
    sent, _ = await chat.store.send("ben", "mine")
    assert (await control.delete(f"/v1/messages/{sent['msg_id']}", headers=agent.headers)).status == 204
    event = {"event": "new_message", "data": {**sent, "text": "not mine"}}
    assert (await control.post("/v1/events", event, headers=agent.headers)).status == 200
    await agent.companion.peer_link.outbox.send_due()
    await chat.post_message("ben", "also mine", RestCaller("", ""))
    assert (await agent.pair.ben.next_message())["opened"]["text"] == "also mine"
    assert agent.pair.ben.received.empty()


async def test_a_made_up_message_that_the_ui_marks_as_read_sends_no_receipt(agent: Agent) -> None:
    """Regression: a UI that shows the chat marks it as read at once, and so the companion connected to the peer."""
    ui = await agent.control.connect("anna")
    real = (await agent.pair.exchange(agent.pair.ben.a("hi", new_id())))["ack_msg_id"]
    for msg_id in (await agent.message_from_ben(), real):
        await ui.send(json.dumps({"event": "mark_read", "data": {"peer": "ben", "msg_id": msg_id}}))
    assert (await agent.pair.ben.next_message())["opened"]["msg_id"] == real
    assert agent.pair.ben.received.empty()


async def test_an_agent_cannot_redirect_what_the_ui_sends_to_a_peer(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    """Regression: a held REST call that was changed sent any message to a peer, signed with the user's keys."""
    control, companion, headers = agent.control, agent.companion, agent.headers
    await companion.start_service("rest")
    ui = await control.connect("anna")
    await control.post("/v1/breakpoints", {"direction": "from_ui"}, headers=headers)
    await control.post("/v1/breakpoints", {"direction": "rest"}, headers=headers)
    await ui.send(typing())
    rest = Rest(companion, control._session)
    call = asyncio.create_task(rest.post("/messages", {"to": "alice", "text": "Hi"}))
    await until(lambda: len(companion.breakpoints.held) == 2)
    for item, change in (
        ("1", {"set": {"to": "ben"}}),
        ("1", {"text": '{"event":"mark_read","data":{"peer":"b\\u0065n","msg_id":"1"}}'}),
        ("2", {"set": {"to": "ben"}}), ("2", {"data": {"to": "ben", "text": "not mine"}}),
    ):  # fmt: skip
        with subtests.test(item=item, change=change):
            path, body = f"/v1/breakpoints/held/{item}", {"action": "modify", **change}
            answer = await control.post(path, body, headers=headers)
            assert (answer.status, answer.detail[:32]) == (403, "The agent token cannot change wh")
    modified = await control.post(
        "/v1/breakpoints/held/2", {"action": "modify", "set": {"text": "Hello"}}, headers=headers
    )
    assert modified.status == 200
    assert (await call).status == 200
    assert agent.pair.ben.received.empty()


async def test_an_agent_cannot_ask_the_directory_for_a_user(agent: Agent) -> None:
    control, companion, headers = agent.control, agent.companion, agent.headers
    await companion.start_service("rest")
    await control.post("/v1/breakpoints", {"direction": "rest"}, headers=headers)
    call = asyncio.create_task(Rest(companion, control._session).post("/friends", {"username": "alice"}))
    await until(lambda: companion.breakpoints.held)
    companion.current_settings.values = replace(companion.settings, supabase=True)
    path, body = "/v1/breakpoints/held/all", {"action": "modify", "set": {"username": "zoe"}}
    answer = await control.post(path, body, headers=headers)
    assert (answer.status, answer.detail[:32]) == (403, "The agent token cannot change wh")
    await control.post(path, {"action": "continue"}, headers=headers)
    assert (await call).status == 409
