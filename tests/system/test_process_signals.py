"""Ctrl+Break and closing the console of a program on Windows."""

import asyncio
import signal
import sys
from collections.abc import Iterator

import pytest

from app.system import process_signals
from app.system.process_signals import CLOSE, LOG_OFF, SHUT_DOWN, console_handler, ignore_more


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a handler slept; it takes no time."""
    naps: list[float] = []
    monkeypatch.setattr(process_signals.time, "sleep", naps.append)
    return naps


@pytest.mark.parametrize("event", [CLOSE, LOG_OFF, SHUT_DOWN])
async def test_closing_the_console_ends_the_program_and_gives_it_time(event: int, naps: list[float]) -> None:
    stopped = asyncio.Event()
    handle = console_handler(asyncio.get_running_loop(), stopped.set)
    assert await asyncio.to_thread(handle, event) is True
    await asyncio.wait_for(stopped.wait(), 10)
    assert naps == [process_signals.CONSOLE_CLOSE_S]
    assert naps[0] < 5, "Windows waits no longer"


@pytest.mark.parametrize("event", [0, 1])
async def test_ctrl_c_and_ctrl_break_are_left_to_the_signals(event: int, naps: list[float]) -> None:
    stopped = asyncio.Event()
    assert console_handler(asyncio.get_running_loop(), stopped.set)(event) is False
    await asyncio.sleep(0)
    assert not stopped.is_set()
    assert naps == []


def test_a_console_that_closes_after_the_end_does_no_harm(naps: list[float]) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert console_handler(loop, lambda: None)(CLOSE) is True


@pytest.fixture
def break_signal(monkeypatch: pytest.MonkeyPatch) -> Iterator[signal.Signals]:
    """A signal that stands in for Windows' Ctrl+Break."""
    number = signal.SIGTERM if sys.platform == "win32" else signal.SIGUSR2
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, number)}
    monkeypatch.setattr(signal, "SIGBREAK", number, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    yield number
    for each, handler in before.items():
        signal.signal(each, handler)


def test_a_second_ctrl_break_does_not_disturb_the_end(break_signal: signal.Signals) -> None:
    loop = asyncio.new_event_loop()
    ignore_more(loop)
    loop.close()
    assert signal.getsignal(break_signal) is signal.SIG_IGN
