import pytest

from tests.hub.doubles import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
