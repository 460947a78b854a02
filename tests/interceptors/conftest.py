import pytest

from tests.interceptors.doubles import Workbench


@pytest.fixture
async def bench() -> Workbench:
    return Workbench()
