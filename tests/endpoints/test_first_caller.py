"""What answers HTTP is loaded when somebody asks: whoever comes first waits for it, and nobody else does."""

import asyncio
import importlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from app.companion import Companion
from app.endpoints import http_server
from tests.conftest import PATIENCE_S, MakeCompanion, until
from tests.endpoints.raw import RawClient, tcp_to

START = """
import asyncio, sys
from app.companion import Companion
from app.system.settings import Settings

async def main():
    companion = Companion(Settings(port=0, rest_port=0, control_port=0))
    companion.control.token = "t" * 20
    assert all([await companion.start_service(each.name) for each in companion.services])
    heavy = {"aiohttp", "faker", "regex", "keyring", "pydantic"}
    print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
    reader, writer = await asyncio.open_connection("127.0.0.1", companion.rest.port)
    writer.write(f"GET /status HTTP/1.1\\r\\nHost: 127.0.0.1:{companion.rest.port}\\r\\n\\r\\n".encode())
    print((await reader.readline()).decode().strip())
    print("aiohttp" in sys.modules)
    writer.close()
    await companion.close()

with asyncio.Runner(loop_factory=getattr(__import__(sys.argv[1]), "new_event_loop")) as runner:
    runner.run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_http_libraries_are_not_loaded_before_the_first_request(loop: str) -> None:
    pytest.importorskip(loop)
    command = [sys.executable, "-c", START, loop]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout.splitlines(), ended.stderr) == (["[]", "HTTP/1.1 200 OK", "True"], "")


class Loading:
    """Holds the loading until the test lets it go on, or fail."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.failure: Exception | None = None
        self.times = 0
        patch.setattr(http_server.importlib, "import_module", self._load)

    def _load(self, name: str) -> object:
        self.times += 1
        assert self.go.wait(PATIENCE_S)
        if self.failure:
            raise self.failure
        return sys.modules.get(name) or importlib.__import__(name)


@pytest.fixture
async def loading(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Loading]:
    loading = Loading(monkeypatch)
    yield loading
    loading.go.set()


@pytest.fixture
async def companion(make_companion: MakeCompanion) -> Companion:
    companion = await make_companion()
    assert await companion.start()
    assert await companion.start_service("rest")
    return companion


def ask(companion: Companion) -> bytes:
    return b"GET /status HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % companion.rest.port


async def nothing_comes(client: RawClient) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.receive()


async def is_cut(client: RawClient) -> None:
    with suppress(ConnectionResetError):  # uvloop says good-bye
        assert await client.receive() == b""


async def test_requests_received_while_loading_wait_and_are_answered(
    companion: Companion, loading: Loading
) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(tcp_to(companion.rest.port)) for _ in range(5)]
        for client in clients:
            await client.send(ask(companion))
        await nothing_comes(clients[0])
        loading.go.set()
        for client in clients:
            assert (await client.receive()).startswith(b"HTTP/1.1 200 ")
        assert loading.times == 1
        later = await stack.enter_async_context(tcp_to(companion.rest.port))
        await later.send(ask(companion))
        assert (await later.receive()).startswith(b"HTTP/1.1 200 ")
        assert loading.times == 1


async def test_events_go_on_meanwhile(companion: Companion, loading: Loading) -> None:
    async with tcp_to(companion.rest.port) as client, tcp_to(companion.server.port) as events:
        await client.send(ask(companion))
        await until(lambda: loading.times)
        host = f"127.0.0.1:{companion.server.port}"
        assert (await events.upgrade("/events", [("Host", host)])).startswith("HTTP/1.1 101 ")


async def test_a_connection_closed_while_loading_is_discarded(companion: Companion, loading: Loading) -> None:
    async with tcp_to(companion.rest.port) as stays:
        async with tcp_to(companion.rest.port) as leaves:
            await leaves.send(ask(companion))
            await stays.send(ask(companion))
            await until(lambda: loading.times)
            leaves.reset()
        loading.go.set()
        assert (await stays.receive()).startswith(b"HTTP/1.1 200 ")


async def test_a_stop_meanwhile_cuts_them_and_takes_no_time(companion: Companion, loading: Loading) -> None:
    async with tcp_to(companion.rest.port) as client:
        await client.send(ask(companion))
        await until(lambda: loading.times)
        async with asyncio.timeout(PATIENCE_S / 2):
            await companion.rest.stop()
        await is_cut(client)
    loading.go.set()
    assert await companion.start_service("rest")
    async with tcp_to(companion.rest.port) as again:
        await again.send(ask(companion))
        assert (await again.receive()).startswith(b"HTTP/1.1 200 ")


async def test_where_it_cannot_be_loaded_they_are_cut_and_the_next_one_tries_again(
    companion: Companion, loading: Loading
) -> None:
    heard: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
    loading.failure = ImportError("not today")
    loading.go.set()
    async with tcp_to(companion.rest.port) as client:
        await client.send(ask(companion))
        await is_cut(client)
    assert [str(error) for error in heard] == ["not today"]
    loading.failure = None
    async with tcp_to(companion.rest.port) as again:
        await again.send(ask(companion))
        assert (await again.receive()).startswith(b"HTTP/1.1 200 ")
