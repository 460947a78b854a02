"""The loop survives: PySide6 6.12.0 on Python 3.11 lost a reference at every wake-up and aborted."""

import asyncio

import pytest
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

WAKE_UPS = 200_000


@pytest.mark.timeout(110)
def test_a_loop_wakes_up_two_hundred_thousand_times(qapp: QApplication) -> None:
    async def soak() -> int:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        count = 0

        def wake_up() -> None:
            nonlocal count
            count += 1
            if count < WAKE_UPS:
                loop.call_soon(wake_up)
            else:
                done.set_result(count)

        loop.call_soon(wake_up)
        return await done

    with asyncio.Runner(loop_factory=lambda: QEventLoop(qapp)) as runner:
        assert runner.run(soak()) == WAKE_UPS
