from collections.abc import AsyncIterator

import pytest

from tests.interceptors.doubles import Workbench
from tests.interceptors.fault_stage import FaultStage


@pytest.fixture
async def bench() -> Workbench:
    return Workbench()


@pytest.fixture
async def stage() -> AsyncIterator[FaultStage]:
    found = FaultStage()
    yield found
    await found.tasks.cancel()
