"""Fixtures of the chat tests."""

from collections.abc import AsyncIterator

import pytest

from tests.chat.doubles import ChatStage


@pytest.fixture
async def chat() -> AsyncIterator[ChatStage]:
    stage = ChatStage()
    await stage.service.store.open()
    await stage.service.store.fill()
    yield stage
    await stage.database.close()
