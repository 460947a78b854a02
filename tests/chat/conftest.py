import pytest

from tests.chat.doubles import ChatStage


@pytest.fixture
def chat() -> ChatStage:
    return ChatStage()
