"""Ctrl+Break, closing the console of a program on Windows, and the end of standard input."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from app.system import process_signals
from app.system.interrupts import interrupted_by_signals
from app.system.process_signals import (
    CLOSE,
    console_handler,
    ignore_more,
    on_input_end,
    on_stop,
)


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the sleeps of a handler. They take no time."""
    sleeps: list[float] = []
    monkeypatch.setattr("app.system.process_signals.time.sleep", sleeps.append)
    return sleeps


async def test_closing_the_console_stops_the_program_and_waits_for_it(sleeps: list[float]) -> None:
    stopped = asyncio.Event()
    handle = console_handler(asyncio.get_running_loop(), stopped.set)
    assert await asyncio.to_thread(handle, CLOSE) is True
    await asyncio.wait_for(stopped.wait(), 10)
    assert sleeps == [process_signals.CONSOLE_CLOSE_S]
    assert sleeps[0] < 5, "Windows ends the process after 5 s"


@pytest.mark.parametrize("event", [0, 1])
async def test_ctrl_c_and_ctrl_break_are_left_to_the_signal_handlers(event: int, sleeps: list[float]) -> None:
    stopped = asyncio.Event()
    assert console_handler(asyncio.get_running_loop(), stopped.set)(event) is False
    await asyncio.sleep(0)
    assert not stopped.is_set()
    assert sleeps == []


def test_closing_the_console_after_the_loop_is_closed_has_no_effect(sleeps: list[float]) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert console_handler(loop, lambda: None)(CLOSE) is True


@pytest.fixture
def break_signal(monkeypatch: pytest.MonkeyPatch) -> Iterator[signal.Signals]:
    """Replace Ctrl+Break of Windows with a signal of this system."""
    number = signal.SIGTERM if sys.platform == "win32" else signal.SIGUSR2
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, number)}
    monkeypatch.setattr(signal, "SIGBREAK", number, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    yield number
    for each, handler in before.items():
        signal.signal(each, handler)


def test_a_second_ctrl_break_during_shutdown_is_ignored(break_signal: signal.Signals) -> None:
    loop = asyncio.new_event_loop()
    ignore_more(loop)
    loop.close()
    assert signal.getsignal(break_signal) is signal.SIG_IGN


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
async def test_an_ignored_hang_up_stays_ignored() -> None:
    """Regression: the program stopped when its terminal was closed, although ``nohup`` had started it."""
    loop, before = asyncio.get_running_loop(), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        on_stop(loop, lambda: None)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        with interrupted_by_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        signal.signal(signal.SIGHUP, before)


async def test_the_end_of_standard_input_stops_the_program_and_its_content_does_not() -> None:
    stopped = asyncio.Event()
    reading, writing = os.pipe()
    on_input_end(asyncio.get_running_loop(), stopped.set, reading)
    os.write(writing, b"ignored\n")
    await asyncio.sleep(0)
    assert not stopped.is_set()
    os.close(writing)
    await stopped.wait()
    os.close(reading)


async def test_a_missing_standard_input_counts_as_its_end() -> None:
    stopped = asyncio.Event()
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    on_input_end(asyncio.get_running_loop(), stopped.set, reading)
    await stopped.wait()
