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
    """With ``COMPANION_TEST_LOOP=uvloop``, run the tests on the loop that ``serve`` prefers."""
    if os.environ.get("COMPANION_TEST_LOOP") == "uvloop":
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": new_loop}


@pytest.fixture
async def rest(make_companion: MakeCompanion) -> AsyncIterator[Rest]:
    """Return an HTTP client of a companion that answers REST."""
    companion = await make_companion(prime_browsers=False)
    assert await companion.start(), companion.services["events"].error
    assert await companion.start_service("rest"), companion.services["rest"].error
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Rest(companion, session)


class MakeControl(Protocol):
    """Creates a companion that serves events and the control API, and returns a client of the API."""

    async def __call__(self, **settings: Any) -> Control: ...


@pytest.fixture
async def make_control(make_companion: MakeCompanion, tmp_path: Path) -> AsyncIterator[MakeControl]:
    """Return a function that creates control API clients. Their WebSocket clients are closed when the test ends."""
    controls: list[Control] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:

        async def make(
            *, chat_file: Path | None = None, recordings_folder: Path | None = None, **settings: Any
        ) -> Control:
            (tmp_path / "fixtures").mkdir(exist_ok=True)
            (tmp_path / "sessions").mkdir(exist_ok=True)
            folders = {name: str(tmp_path / name) for name in ("fixtures", "sessions", "faults")}
            defaults = {"control_port": 0, "prime_browsers": False, **folders}
            companion = await make_companion(
                chat_file=chat_file, recordings_folder=recordings_folder, **{**defaults, **settings}
            )
            companion.control.token = TOKEN
            await companion.start()
            assert await companion.start_service("control"), companion.services["control"].error
            controls.append(Control(companion, session))
            return controls[-1]

        yield make
        for each in controls:
            await each.close_clients()


@pytest.fixture
async def control(make_control: MakeControl) -> Control:
    """Return a control API client of a companion that also listens for WebSocket clients."""
    return await make_control()


@pytest.fixture
def login_item(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoginItem]:
    """Return the login item of the companion, in a folder or registry key of the test."""
    with own_login_item(monkeypatch, tmp_path) as item:
        yield item
