"""The HTTP libraries are loaded at the first request, which waits for them. Other clients do not wait."""

import asyncio
import importlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from app.companion import Companion
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


@pytest.mark.e2e
@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=pytest.mark.long)])
def test_the_http_libraries_are_not_loaded_before_the_first_request(loop: str) -> None:
    pytest.importorskip(loop)
    command = [sys.executable, "-c", START, loop]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout.splitlines(), result.stderr) == (["[]", "HTTP/1.1 200 OK", "True"], "")


class Loading:
    """Blocks loading until the test sets ``finish``. It then fails if ``failure`` is set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.finish = threading.Event()
        self.failure: Exception | None = None
        self.times = 0
        patch.setattr("app.endpoints.http_server.importlib.import_module", self._load)

    def _load(self, name: str) -> object:
        self.times += 1
        assert self.finish.wait(PATIENCE_S)
        if self.failure:
            raise self.failure
        return sys.modules.get(name) or importlib.__import__(name)


@pytest.fixture
async def loading(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Loading]:
    loading = Loading(monkeypatch)
    yield loading
    loading.finish.set()


@pytest.fixture
async def companion(make_companion: MakeCompanion) -> Companion:
    companion = await make_companion()
    assert await companion.start()
    assert await companion.start_service("rest")
    return companion


def request(companion: Companion) -> bytes:
    return b"GET /status HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % companion.rest.port


async def assert_no_answer(client: RawClient) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.receive()


async def assert_cut(client: RawClient) -> None:
    with suppress(ConnectionResetError):  # uvloop resets the connection
        assert await client.receive() == b""


async def test_requests_received_while_loading_wait_and_are_answered(
    companion: Companion, loading: Loading
) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(tcp_to(companion.rest.port)) for _ in range(5)]
        for client in clients:
            await client.send(request(companion))
        await assert_no_answer(clients[0])
        loading.finish.set()
        for client in clients:
            assert (await client.receive()).startswith(b"HTTP/1.1 200 ")
        assert loading.times == 1
        later = await stack.enter_async_context(tcp_to(companion.rest.port))
        await later.send(request(companion))
        assert (await later.receive()).startswith(b"HTTP/1.1 200 ")
        assert loading.times == 1


async def test_the_event_server_accepts_clients_while_loading(companion: Companion, loading: Loading) -> None:
    async with tcp_to(companion.rest.port) as client, tcp_to(companion.server.port) as events:
        await client.send(request(companion))
        await until(lambda: loading.times)
        host = f"127.0.0.1:{companion.server.port}"
        assert (await events.upgrade("/events", [("Host", host)])).startswith("HTTP/1.1 101 ")


async def test_a_connection_closed_while_loading_is_discarded(companion: Companion, loading: Loading) -> None:
    async with tcp_to(companion.rest.port) as waiting_client:
        async with tcp_to(companion.rest.port) as leaving_client:
            await leaving_client.send(request(companion))
            await waiting_client.send(request(companion))
            await until(lambda: loading.times)
            leaving_client.reset()
        loading.finish.set()
        assert (await waiting_client.receive()).startswith(b"HTTP/1.1 200 ")


async def test_stopping_while_loading_cuts_waiting_connections_immediately(
    companion: Companion, loading: Loading
) -> None:
    async with tcp_to(companion.rest.port) as client:
        await client.send(request(companion))
        await until(lambda: loading.times)
        async with asyncio.timeout(PATIENCE_S / 2):
            await companion.rest.stop()
        await assert_cut(client)
    loading.finish.set()
    assert await companion.start_service("rest")
    async with tcp_to(companion.rest.port) as second_client:
        await second_client.send(request(companion))
        assert (await second_client.receive()).startswith(b"HTTP/1.1 200 ")


async def test_after_a_failed_load_connections_are_cut_and_the_next_request_retries(
    companion: Companion, loading: Loading
) -> None:
    errors: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    loading.failure = ImportError("on purpose")
    loading.finish.set()
    async with tcp_to(companion.rest.port) as client:
        await client.send(request(companion))
        await assert_cut(client)
    assert [str(error) for error in errors] == ["on purpose"]
    loading.failure = None
    async with tcp_to(companion.rest.port) as second_client:
        await second_client.send(request(companion))
        assert (await second_client.receive()).startswith(b"HTTP/1.1 200 ")
