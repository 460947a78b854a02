import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from tests.conftest import MakeCompanion, new_loop
from tests.endpoints.control_api import TOKEN, Control
from tests.endpoints.http_client import Rest
from tests.endpoints.login_item import LoginItem, own_login_item


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """``COMPANION_TEST_LOOP=uvloop`` lets the doors be tested on the loop that ``serve`` prefers."""
    if os.environ.get("COMPANION_TEST_LOOP") == "uvloop":
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": new_loop}


@pytest.fixture
async def rest(make_companion: MakeCompanion) -> AsyncIterator[Rest]:
    """A companion that answers REST, and a caller."""
    companion = await make_companion(prime_browsers=False)
    assert await companion.start(), companion.services["events"].error
    assert await companion.start_service("rest"), companion.services["rest"].error
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Rest(companion, session)


class MakeControl(Protocol):
    """Makes a companion that serves events and the control API, and a caller of it."""

    async def __call__(self, **settings: Any) -> Control: ...


@pytest.fixture
async def make_control(make_companion: MakeCompanion, tmp_path: Path) -> AsyncIterator[MakeControl]:
    """Makes callers; their clients are closed when the test ends."""
    made: list[Control] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:

        async def make(*, chat_file: Path | None = None, **settings: Any) -> Control:
            (tmp_path / "fixtures").mkdir(exist_ok=True)
            wanted = {"control_port": 0, "fixtures": str(tmp_path / "fixtures"), "prime_browsers": False}
            companion = await make_companion(chat_file=chat_file, **{**wanted, **settings})
            companion.control.token = TOKEN
            await companion.start()
            assert await companion.start_service("control"), companion.services["control"].error
            made.append(Control(companion, session))
            return made[-1]

        yield make
        for each in made:
            await each.close_clients()


@pytest.fixture
async def control(make_control: MakeControl) -> Control:
    """A companion that listens for clients and for the control API, and a caller."""
    return await make_control()


@pytest.fixture
def login_item(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoginItem]:
    """The companion's entry among what starts at login, in a place of the test's own."""
    with own_login_item(monkeypatch, tmp_path) as item:
        yield item
