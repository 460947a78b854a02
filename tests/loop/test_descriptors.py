"""Readers and writers are called while their descriptor is ready, and never after they were removed."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from tests.conftest import PATIENCE_S, until
from tests.loop.conftest import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a proactor knows no readers")


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    try:
        yield ours, theirs
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        asyncio.get_running_loop().remove_writer(ours)
        ours.close()
        theirs.close()


async def short_sleep() -> None:
    await asyncio.sleep(0.03)


def test_a_reader_is_called_until_everything_is_read(run: Run[None]) -> None:
    async def main() -> None:
        async with pair() as (ours, theirs):
            received = bytearray()
            asyncio.get_running_loop().add_reader(ours, lambda: received.extend(ours.recv(3)))
            theirs.sendall(b"0123456789")
            await until(lambda: len(received) == 10)
            assert received == b"0123456789"

    run(main())


def test_a_reader_may_remove_itself_and_be_added_again(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with pair() as (ours, theirs):
            calls: list[bytes] = []

            def read() -> None:
                calls.append(ours.recv(1))
                assert loop.remove_reader(ours)

            loop.add_reader(ours, read)
            theirs.sendall(b"ab")
            await until(lambda: calls)
            await short_sleep()
            assert calls == [b"a"]
            loop.add_reader(ours, read)
            await until(lambda: len(calls) == 2)
            assert calls == [b"a", b"b"]
            assert not loop.remove_reader(ours)

    run(main())


def test_a_callback_may_remove_another_reader_that_is_ready(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with pair() as (first, to_first), pair() as (second, to_second):
            calls: list[str] = []

            def read(name: str, other: socket.socket) -> None:
                calls.append(name)
                loop.remove_reader(first)
                loop.remove_reader(second)

            loop.add_reader(first, read, "first", second)
            loop.add_reader(second, read, "second", first)
            to_first.send(b"x")
            to_second.send(b"x")
            await until(lambda: calls)
            await short_sleep()
            assert len(calls) == 1

    run(main())


def test_a_writer_is_called_while_the_socket_is_writable(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with pair() as (ours, theirs):
            sent = 0

            def write() -> None:
                nonlocal sent
                try:
                    sent += ours.send(bytes(64 * 1024))
                except BlockingIOError:
                    loop.remove_writer(ours)

            loop.add_writer(ours, write)
            await until(lambda: sent)
            await short_sleep()
            before = sent
            await short_sleep()
            assert sent == before  # the socket is full
            theirs.setblocking(False)
            loop.add_writer(ours, write)
            with contextlib.suppress(BlockingIOError):
                while theirs.recv(1 << 20):
                    pass
            await until(lambda: sent > before)

    run(main())


def test_a_reader_that_is_replaced_is_not_called_any_more(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with pair() as (ours, theirs):
            calls: list[str] = []
            loop.add_reader(ours, calls.append, "old")

            def read() -> None:
                calls.append("new")
                ours.recv(1)

            loop.add_reader(ours, read)
            theirs.send(b"x")
            await until(lambda: calls)
            assert calls == ["new"]

    run(main())


def test_the_number_of_a_closed_descriptor_may_be_reused(run: Run[None]) -> None:
    def receive(ours: socket.socket, received: asyncio.Future[bytes]) -> None:
        if not received.done():
            received.set_result(ours.recv(1))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(50):
            async with pair() as (ours, theirs):
                received: asyncio.Future[bytes] = loop.create_future()
                loop.add_reader(ours, receive, ours, received)
                theirs.send(b"x")
                assert await asyncio.wait_for(received, PATIENCE_S) == b"x"

    run(main())


def test_a_reader_is_called_once_per_byte_even_if_other_readers_are_slow(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        calls: list[bytes] = []
        async with contextlib.AsyncExitStack() as stack:
            pairs = [await stack.enter_async_context(pair()) for _ in range(20)]

            def read(ours: socket.socket) -> None:
                time.sleep(0.002)
                with contextlib.suppress(BlockingIOError):
                    calls.append(b"no data")
                    calls[-1] = ours.recv(1)

            for ours, theirs in pairs:
                loop.add_reader(ours, read, ours)
                theirs.sendall(b"x")
            await until(lambda: calls.count(b"x") == len(pairs))
            await short_sleep()
            assert calls == [b"x"] * len(pairs)

    run(main())


@pytest.mark.usefixtures("pumped_only")
def test_a_connection_reads_as_little_at_once_as_needs_no_mapping_of_memory(run: Run[None]) -> None:
    from app.loop.pumped import READ_BYTES  # not on Windows

    sizes: list[int] = []

    class Counted(asyncio.Protocol):
        @override
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))

    async def main() -> None:
        ours, theirs = socket.socketpair()
        transport, _ = await asyncio.get_running_loop().create_connection(Counted, sock=ours)
        with theirs:
            theirs.sendall(bytes(2 * READ_BYTES))
            await until(lambda: sum(sizes) == 2 * READ_BYTES)
        assert max(sizes) <= READ_BYTES
        transport.close()

    run(main())
