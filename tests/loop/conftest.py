"""Run every test in this folder on each loop that the system supports: the pumped loop and stock qasync."""

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


@pytest.fixture(scope="module", autouse=True)
def _leave_other_objects_alone() -> None:
    """Exclude what other tests have left, which can be millions of objects, from the collections of these tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _collect_garbage() -> Iterator[None]:
    """Collect garbage on Qt's thread only, as the program does: qasync's timers are destroyed with their loop."""
    enabled = gc.isenabled()
    gc.disable()
    yield
    gc.collect()
    if enabled:
        gc.enable()


@pytest.fixture(params=LOOPS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of the loop that the test runs on."""
    return str(request.param)


@pytest.fixture
def pumped_only(kind: str) -> None:
    """Skip the test on stock qasync: it checks what only the pumped loop guarantees."""
    if kind != "pumped":
        pytest.skip("qasync does not guarantee this")


@pytest.fixture
def make_loop(kind: str, qapp: QApplication) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return a function that creates a loop."""
    qapp.setQuitOnLastWindowClosed(False)
    return lambda: LOOPS[kind](qapp)


@pytest.fixture
def run(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[Run[Any]]:
    """Return a function that runs coroutines on one loop, which is closed when the test ends."""
    with asyncio.Runner(loop_factory=make_loop) as runner:
        yield runner.run


@pytest.fixture
def run_and_close(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Run[Any]:
    """Return a function that runs one coroutine on a loop and closes the loop."""

    def once(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            return runner.run(coroutine)

    return once
