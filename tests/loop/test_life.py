"""Start and stop of the loop, exceptions in callbacks, executors, signals and subprocesses."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from PySide6.QtCore import QTimer

from tests.conftest import PATIENCE_S, until
from tests.loop.conftest import Run

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")


def test_exceptions_in_callbacks_go_to_the_handler_and_the_loop_keeps_running(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        errors: list[Any] = []
        loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))

        def fail() -> None:
            raise ValueError("on purpose")

        loop.call_soon(fail)
        loop.call_later(0.01, fail)
        await until(lambda: len(errors) == 2)
        assert [str(error) for error in errors] == ["on purpose"] * 2

    run(main())


@pytest.mark.usefixtures("pumped_only")
@pytest.mark.parametrize("exception_type", [SystemExit, KeyboardInterrupt])
def test_an_exit_request_raised_in_a_callback_ends_the_loop(
    run: Run[None], exception_type: type[BaseException]
) -> None:
    async def main() -> None:
        def leave() -> None:
            raise exception_type

        asyncio.get_running_loop().call_soon(leave)
        await asyncio.sleep(5)

    with pytest.raises(exception_type):
        run(main())


def test_run_returns_the_result_of_the_coroutine_or_raises_its_error(run: Run[Any]) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("on purpose")

    assert run(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(LookupError, match="on purpose"):
        run(fails())
    assert run(asyncio.sleep(0, "again")) == "again"


def test_work_in_an_executor_does_not_block_the_loop(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        finish = threading.Event()
        waiting = asyncio.ensure_future(loop.run_in_executor(None, finish.wait, 10))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        finish.set()
        assert await waiting

    run(main())


@UNIX
def test_a_signal_wakes_a_sleeping_loop(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        received = loop.create_future()
        loop.add_signal_handler(signal.SIGTERM, received.set_result, "SIGTERM")
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        try:
            assert await asyncio.wait_for(received, PATIENCE_S) == "SIGTERM"
        finally:
            timer.join()
            loop.remove_signal_handler(signal.SIGTERM)

    run(main())


@pytest.mark.e2e
def test_a_subprocess_is_written_to_read_and_waited_for(run: Run[None]) -> None:
    async def main() -> None:
        code = "import sys; print(sys.stdin.read().upper()); sys.exit(3)"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(b"hello"), PATIENCE_S)
        assert (out.strip(), process.returncode) == (b"HELLO", 3)

    run(main())


def test_a_slot_may_stop_the_loop(run: Run[Any]) -> None:
    async def main() -> None:
        QTimer.singleShot(10, asyncio.get_running_loop().stop)
        await asyncio.sleep(60)

    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        run(main())


def test_pending_tasks_are_cancelled_when_the_loop_is_closed(run_and_close: Run[Any]) -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("task")

    async def main() -> Any:
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        return task

    task = run_and_close(main())
    assert ended == ["task"]
    assert task.cancelled()


@pytest.mark.usefixtures("pumped_only")
def test_async_generators_are_closed_when_the_loop_is_closed(run_and_close: Run[Any]) -> None:
    ended: list[str] = []

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.append("generator")

    async def main() -> Any:
        generator = endless()
        await anext(generator)
        return generator

    generator = run_and_close(main())
    assert ended == ["generator"]
    del generator


def test_a_closed_loop_runs_nothing(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    loop = make_loop()
    loop.close()
    loop.close()
    assert loop.is_closed()
    coroutine = asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        loop.run_until_complete(coroutine)
    coroutine.close()
