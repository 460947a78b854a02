"""Every test in this folder runs on each loop that the system supports: the pumped one and stock qasync."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from PySide6.QtWidgets import QApplication

from app.loop import has_watchable_selector, new_loop, stock_loop

T = TypeVar("T")

Run = Callable[[Coroutine[Any, Any, T]], T]
"""Runs a coroutine to its end."""

LOOPS = {"pumped": new_loop, "qasync": stock_loop} if has_watchable_selector() else {"qasync": stock_loop}


@pytest.fixture(autouse=True)
def _collect() -> Iterator[None]:
    """Collect on Qt's thread only, as the program does: qasync's timers die with their loop, wherever that is."""
    enabled = gc.isenabled()
    gc.disable()
    yield
    gc.collect()
    if enabled:
        gc.enable()


@pytest.fixture(params=LOOPS)
def kind(request: pytest.FixtureRequest) -> str:
    """The loop that the test runs on."""
    return str(request.param)


@pytest.fixture
def pumped_only(kind: str) -> None:
    """Skip the test on stock qasync: it checks what only the pumped loop guarantees."""
    if kind != "pumped":
        pytest.skip("qasync does not promise that")


@pytest.fixture
def new(kind: str, qapp: QApplication) -> Callable[[], asyncio.AbstractEventLoop]:
    """Makes a loop."""
    qapp.setQuitOnLastWindowClosed(False)
    return lambda: LOOPS[kind](qapp)


@pytest.fixture
def run(new: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[Run[Any]]:
    """Runs coroutines on one loop, which is closed when the test ends."""
    with asyncio.Runner(loop_factory=new) as runner:
        yield runner.run


@pytest.fixture
def run_and_close(new: Callable[[], asyncio.AbstractEventLoop]) -> Run[Any]:
    """Runs one coroutine on a loop that is closed afterwards."""

    def once(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=new) as runner:
            return runner.run(coroutine)

    return once
