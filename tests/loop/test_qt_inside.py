"""Nested Qt loops, such as menus and native dialogs run: the server goes on meanwhile."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMenu

from tests.conftest import until
from tests.loop.conftest import Run

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")  # Qt's offscreen platform, of menus

Opened = tuple[Callable[[], object], Callable[[], object]]
"""How a nested loop is opened and closed."""


class Served:
    """An echo server, and a client that talks to it as long as it lives."""

    def __init__(self) -> None:
        self.answers = 0

    async def __aenter__(self) -> "Served":
        self._server = await asyncio.start_server(self._echo, "127.0.0.1", 0)
        self._client = asyncio.create_task(self._talk(self._server.sockets[0].getsockname()[1]))
        await until(lambda: self.answers)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.cancel()
        await asyncio.gather(self._client, return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the client leaves in the middle of a word
            while line := await reader.readline():
                writer.write(line)
        writer.close()

    async def _talk(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(b"hello\n")
                assert await reader.readline() == b"hello\n"
                self.answers += 1
                await asyncio.sleep(0.001)
        finally:
            writer.close()


def when_served(served: Served, more: int, then: Callable[[], object]) -> QTimer:
    """Call ``then`` when so many more answers have come; give up after ten seconds."""
    wanted = served.answers + more
    timer = QTimer(interval=5)
    chances = 2000

    def look() -> None:
        nonlocal chances
        chances -= 1
        if served.answers >= wanted or not chances:
            timer.stop()
            then()

    timer.timeout.connect(look)
    timer.start()
    return timer


def nested() -> Opened:
    inner = QEventLoop()
    return inner.exec, inner.quit


def menu() -> Opened:
    shown = QMenu()
    shown.addAction("Fire")
    return shown.exec, shown.close


def dialog() -> Opened:
    shown = QDialog()
    return shown.exec, shown.reject


KINDS = pytest.mark.parametrize("make", [nested, menu, dialog], ids=lambda make: make.__name__)


@KINDS
def test_a_loop_that_a_slot_opens(run: Run[None], make: Callable[[], Opened]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with Served() as served:
            open_, close = make()
            closed = loop.create_future()
            before = served.answers
            timer = when_served(served, 20, close)

            def slot() -> None:
                open_()
                closed.set_result(served.answers)

            QTimer.singleShot(0, slot)
            assert await asyncio.wait_for(closed, 30) >= before + 20
            timer.stop()

    run(main())


@pytest.mark.usefixtures("pumped_only")
@KINDS
def test_a_loop_that_a_task_opens(run: Run[None], make: Callable[[], Opened]) -> None:
    async def main() -> None:
        async with Served() as served:
            open_, close = make()
            before, me = served.answers, asyncio.current_task()
            timer = when_served(served, 20, close)
            open_()
            timer.stop()
            assert served.answers >= before + 20
            assert asyncio.current_task() is me
            await asyncio.sleep(0)

    run(main())


@pytest.mark.usefixtures("pumped_only")
def test_qts_own_quit_does_not_end_it(run: Run[str], qapp: QApplication) -> None:
    async def main() -> str:
        QTimer.singleShot(10, qapp.quit)
        await asyncio.sleep(0.1)
        return "still here"

    assert run(main()) == "still here"


@pytest.mark.usefixtures("pumped_only")
def test_while_it_stands_qt_runs_none_of_its_callbacks(run: Run[Any]) -> None:
    came: list[str] = []

    async def first() -> None:
        asyncio.get_running_loop().call_later(0.01, came.append, "timer")

    run(first())
    inner = QEventLoop()
    QTimer.singleShot(50, inner.quit)
    inner.exec()
    assert came == []
    run(asyncio.sleep(0.05))
    assert came == ["timer"]
