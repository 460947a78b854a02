"""The clock that is used if the system's monotonic clock is coarse, as on Windows before Python 3.13."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from app.hub.clock import Clock, use_fine_clock


@pytest.fixture
def coarse_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    get_clock_info = time.get_clock_info
    windows: dict[str, Any] = {"monotonic": SimpleNamespace(resolution=0.015625)}
    monkeypatch.setattr(time, "get_clock_info", lambda name: windows.get(name) or get_clock_info(name))


@pytest.mark.usefixtures("coarse_clock")
def test_a_coarse_clock_is_replaced_by_the_performance_counter() -> None:
    assert Clock().mono is time.perf_counter


@pytest.mark.usefixtures("coarse_clock")
def test_a_loop_measures_with_the_same_clock() -> None:
    loop = asyncio.SelectorEventLoop()
    try:
        loop._clock_resolution = 0.015625  # type: ignore[attr-defined]
        use_fine_clock(loop)
        assert loop.time is time.perf_counter
        assert loop._clock_resolution < 0.001  # type: ignore[attr-defined]
    finally:
        loop.close()


def test_a_fine_clock_is_kept() -> None:
    if time.get_clock_info("monotonic").resolution > 0.001:
        pytest.skip("the clock of this Python is coarse")
    loop = asyncio.SelectorEventLoop()
    try:
        time_before = loop.time
        use_fine_clock(loop)
        assert loop.time == time_before
        assert Clock().mono is time.monotonic
    finally:
        loop.close()
