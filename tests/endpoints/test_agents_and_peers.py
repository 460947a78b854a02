"""What the agent token cannot do in the chats with peers: nothing that it requests is sent to them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control, message
from tests.endpoints.test_control_scopes import agent_headers
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
