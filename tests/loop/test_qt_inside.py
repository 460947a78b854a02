"""The server keeps running inside nested Qt loops, such as menus and native dialogs."""

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QMenu
from typing_extensions import override

from app.loop import pumped
from app.loop.pumped import PumpedLoop
from tests.conftest import PATIENCE_S, until
from tests.loop.conftest import Run

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support")  # Qt's offscreen platform, of menus

Opened = tuple[Callable[[], object], Callable[[], object]]
"""How a nested loop is opened and closed."""


class EchoServer:
    """An echo server with a client that sends to it until it is closed."""

    def __init__(self) -> None:
        self.answers = 0
        self._disconnected = asyncio.Event()

    async def __aenter__(self) -> "EchoServer":
        self._server = await asyncio.start_server(self._echo, "127.0.0.1", 0)
        self._client = asyncio.create_task(self._talk(self._server.sockets[0].getsockname()[1]))
        await until(lambda: self.answers)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.cancel()
        await asyncio.gather(self._client, return_exceptions=True)
        # Otherwise, the runner cancels the handler, and asyncio's streams log an error.
        await asyncio.wait_for(self._disconnected.wait(), PATIENCE_S)
        self._server.close()
        await self._server.wait_closed()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # the client disconnects in the middle of a line
            while line := await reader.readline():
                writer.write(line)
        writer.close()
        self._disconnected.set()

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


def after_answers(server: EchoServer, more: int, callback: Callable[[], object]) -> QTimer:
    """Call ``callback`` after ``more`` further answers, or after about ``PATIENCE_S`` seconds."""
    expected_answers = server.answers + more
    timer = QTimer(interval=5)
    attempts = round(PATIENCE_S / 0.005)

    def check() -> None:
        nonlocal attempts
        attempts -= 1
        if server.answers >= expected_answers or not attempts:
            timer.stop()
            callback()

    timer.timeout.connect(check)
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
def test_the_server_runs_while_a_slot_runs_a_nested_loop(run: Run[None], make: Callable[[], Opened]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with EchoServer() as server:
            open_, close = make()
            closed = loop.create_future()
            before = server.answers
            timer = after_answers(server, 20, close)

            def slot() -> None:
                open_()
                closed.set_result(server.answers)

            QTimer.singleShot(0, slot)
            assert await asyncio.wait_for(closed, PATIENCE_S) >= before + 20
            timer.stop()

    run(main())


@pytest.mark.usefixtures("pumped_only")
@KINDS
def test_the_server_runs_while_a_task_runs_a_nested_loop(run: Run[None], make: Callable[[], Opened]) -> None:
    async def main() -> None:
        async with EchoServer() as server:
            open_, close = make()
            before, task = server.answers, asyncio.current_task()
            timer = after_answers(server, 20, close)
            open_()
            timer.stop()
            assert server.answers >= before + 20
            assert asyncio.current_task() is task
            await asyncio.sleep(0)

    run(main())


@pytest.mark.usefixtures("pumped_only")
def test_quit_of_the_qt_application_does_not_stop_the_loop(run: Run[str], qapp: QApplication) -> None:
    async def main() -> str:
        QTimer.singleShot(10, qapp.quit)
        await asyncio.sleep(0.1)
        return "still here"

    assert run(main()) == "still here"


@pytest.mark.usefixtures("pumped_only")
def test_without_a_display_the_loop_exits_instead_of_spinning(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingApplication:
        def exec(self) -> int:
            return 1

    loop = PumpedLoop(qapp)
    monkeypatch.setattr(loop, "_app", FailingApplication())
    with pytest.raises(SystemExit):
        loop.run_forever()
    loop.close()


@pytest.mark.usefixtures("pumped_only")
def test_qt_runs_no_callbacks_of_a_loop_that_is_not_running(run: Run[Any]) -> None:
    fired: list[str] = []

    async def first() -> None:
        asyncio.get_running_loop().call_later(0.05, fired.append, "timer")

    run(first())
    before = list(fired)  # empty, unless the machine is so slow that the loop ran until the timer was due
    inner = QEventLoop()
    QTimer.singleShot(100, inner.quit)
    inner.exec()
    assert fired == before
    run(asyncio.sleep(0.05))
    assert fired == ["timer"]


async def _ping_pong(near: socket.socket, far: socket.socket, until_done: Callable[[], bool]) -> int:
    """Send a byte back and forth as fast as possible, and return how often."""
    loop, times = asyncio.get_running_loop(), 0

    async def echo() -> None:
        while True:
            await loop.sock_sendall(far, await loop.sock_recv(far, 1))

    other = asyncio.create_task(echo())
    while not until_done():
        await loop.sock_sendall(near, b".")
        await loop.sock_recv(near, 1)
        times += 1
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    return times


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield near, far


def test_traffic_without_a_pause_does_not_starve_qt(
    run: Run[int], pair: tuple[socket.socket, socket.socket]
) -> None:
    fired: list[int] = []
    timer = QTimer(interval=1)
    timer.timeout.connect(lambda: fired.append(1))
    timer.start()
    assert run(_ping_pong(*pair, lambda: len(fired) >= 20)) > 0, "Qt does not starve the loop either"
    timer.stop()


@pytest.mark.usefixtures("pumped_only")
def test_fast_traffic_is_handled_without_returning_to_qt(
    run: Run[int], pair: tuple[socket.socket, socket.socket]
) -> None:
    pumps = 0

    class CountingLoop(PumpedLoop):
        @override
        def _pump(self) -> None:
            nonlocal pumps
            pumps += 1
            super()._pump()

    app = QApplication.instance()
    assert app
    rounds = iter(range(5_000))
    with asyncio.Runner(loop_factory=lambda: CountingLoop(app)) as runner:
        times = runner.run(_ping_pong(*pair, lambda: next(rounds, None) is None))
    assert times > 2 * pumps


@pytest.mark.usefixtures("pumped_only")
def test_waiting_for_fast_traffic_delays_no_timer(
    run: Run[Any], pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed_s = 0.0
    waits = 0
    too_long: list[float] = []
    wait_s = PumpedLoop._wait_s

    def recording_wait_s(loop: PumpedLoop, now: float) -> float:
        """Record how long the loop may wait, counted from ``now``."""
        nonlocal allowed_s
        allowed_s = min((timer._when for timer in loop._scheduled), default=math.inf) - now
        return wait_s(loop, now)

    monkeypatch.setattr(PumpedLoop, "_wait_s", recording_wait_s)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, PumpedLoop)
        select = loop._selector.select

        def recording_select(timeout: float | None = None) -> Any:
            nonlocal waits
            assert timeout is not None
            if timeout > 0:
                waits += 1
                if timeout > allowed_s:
                    too_long.append(timeout - allowed_s)
            return select(timeout)

        setattr(loop._selector, "select", recording_select)  # noqa: B010

        def tick() -> None:
            loop.call_later(0.003, tick)

        tick()
        await _ping_pong(*pair, lambda: waits > 2000)

    run(main())
    assert too_long == []


@pytest.mark.usefixtures("pumped_only")
def test_a_restarted_sleep_is_not_rounded_up_again(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(pumped, "monotonic", lambda: now)
    loop = PumpedLoop(qapp)
    try:
        loop.call_at(1000.0041, lambda: None)
        loop._set_timer()
        assert loop._qt_timer.interval() == 5
        now = 1000.0008  # Qt's timer would fire 5 ms later, at 1000.0058
        loop._set_timer()
        assert loop._qt_timer.interval() == 4
        monkeypatch.delattr(loop, "_qt_timer")  # a timer that is set already is not touched
        now = 1000.0009
        loop._set_timer()
    finally:
        loop.close()
