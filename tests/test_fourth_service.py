"""An additional service is registered with one entry, and is started, stopped and reported like the others."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from app.companion import Companion
from app.endpoints.listening import PortBusy
from app.endpoints.service import Service
from app.system.settings import Settings
from tests.conftest import MakeCompanion


class EchoServer:
    """An example of an additional server."""

    def __init__(self) -> None:
        self.server: asyncio.Server | None = None
        self.starts: list[int] = []

    @property
    def listening(self) -> bool:
        return self.server is not None

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server.sockets[0].getsockname()[1]}" if self.server else ""

    async def start(self, port: int) -> None:
        self.starts.append(port)
        if port == 1:
            raise PortBusy(port)
        self.server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)

    async def stop(self) -> None:
        if self.server:
            self.server.close()
            self.server = None


@pytest.fixture
def echo() -> EchoServer:
    return EchoServer()


@pytest.fixture
async def companion(make_companion: MakeCompanion, echo: EchoServer) -> Companion:
    companion = await make_companion()
    companion.services.add(
        Service(
            name="echo",
            title="The echo server",
            announcement="echoing",
            consequence="Nothing is echoed.",
            server=echo,
            port=lambda settings: settings.journal_rows,  # any setting works
            wanted=lambda settings: settings.close_to_tray,
        )
    )
    return companion


async def test_an_added_service_starts_and_stops_with_the_others(companion: Companion, echo: EchoServer) -> None:
    assert [each.name for each in companion.services] == ["events", "rest", "control", "peers", "echo"]
    assert await companion.start_service("echo")
    assert echo.listening
    await companion.close()
    assert not echo.listening


async def test_an_added_service_restarts_only_when_its_settings_change(
    companion: Companion, echo: EchoServer
) -> None:
    await companion.start_service("echo")
    await companion.apply(replace_settings(companion, journal_rows=5_000))
    await companion.apply(replace_settings(companion, username="zoe"))
    assert echo.starts == [100_000, 5_000]
    await companion.apply(replace_settings(companion, close_to_tray=False))
    assert not echo.listening
    assert not companion.services["echo"].error


async def test_a_start_error_is_stored_and_written_to_the_journal(companion: Companion, echo: EchoServer) -> None:
    companion.services["echo"].port = lambda _: 1
    assert not await companion.start_service("echo")
    assert companion.services["echo"].error.startswith("Port 1 is busy")
    assert [row.note for row in companion.journal if row.event == "not listening"] == [
        companion.services["echo"].error
    ]


async def test_a_service_name_can_be_registered_only_once(companion: Companion) -> None:
    with pytest.raises(ValueError, match="the service 'echo' is registered already"):
        companion.services.add(companion.services["echo"])


def replace_settings(companion: Companion, **changes: Any) -> Settings:
    return replace(companion.settings, **changes)
