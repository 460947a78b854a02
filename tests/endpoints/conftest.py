from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.conftest import MakeCompanion
from tests.endpoints.http import Rest


@pytest.fixture
async def rest(make_companion: MakeCompanion) -> AsyncIterator[Rest]:
    """A companion that answers REST, and a caller."""
    companion = await make_companion(prime_browsers=False)
    assert await companion.start(), companion.trouble
    assert await companion.start_rest(), companion.rest_trouble
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Rest(companion, session)
