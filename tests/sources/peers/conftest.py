from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeCompanion
from tests.sources.peers.pair import ManualTime, Pair


@pytest.fixture
async def pair(make_companion: MakeCompanion) -> AsyncIterator[Pair]:
    time = ManualTime()
    companion = await make_companion(
        clock=time.clock, username="anna", peers=True, peer_port=0, presence_decays=False
    )
    pair = Pair(companion, time)
    await pair.introduce()
    yield pair
    await pair.close()
