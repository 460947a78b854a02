"""Fixtures for tests of sources."""

from collections.abc import AsyncIterator

import pytest

from tests.sources.theatre import Theatre


@pytest.fixture
async def theatre() -> AsyncIterator[Theatre]:
    theatre = Theatre()
    await theatre.companion.open()
    yield theatre
    await theatre.companion.close()
