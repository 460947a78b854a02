import asyncio

import pytest
from msgspec.structs import replace

from app.endpoints.listening import PortBusy
from app.endpoints.service import Service, Services
from app.system.settings import Settings

BUSY = 1
SETTINGS = Settings(port=10, rest_port=20)


class RecordingServer:
    """Listens unless its port is ``BUSY``."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.listening = False
        self.url = f"http://{name}"
        self._name = name
        self._calls = calls

    async def start(self, port: int) -> None:
        self._calls.append(f"start {self._name} {port}")
        if port == BUSY:
            raise PortBusy(port)
        self.listening = True

    async def stop(self) -> None:
        self._calls.append(f"stop {self._name}")
        self.listening = False


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def services(calls: list[str]) -> Services:
    async def prepare() -> None:
        calls.append("prepare")

    def service(name: str, port: str, switch: str) -> Service:
        return Service(
            name=name, title=f"The server {name}", announcement=name, consequence="",
            server=RecordingServer(name, calls),
            port=lambda settings: getattr(settings, port), wanted=lambda settings: getattr(settings, switch),
        )  # fmt: skip

    services = Services([service("a", "port", "close_to_tray"), service("b", "rest_port", "rest")], prepare)
    services.changed.connect(lambda _: calls.append("changed"))
    services.failed.connect(lambda each: calls.append(f"failed {each.name}: {each.error}"))
    return services


async def test_a_start_is_prepared_and_reported(services: Services, calls: list[str]) -> None:
    assert await services.start("a", SETTINGS)
    assert calls == ["prepare", "start a 10", "changed"]


async def test_a_failure_is_reported_with_its_reason(services: Services, calls: list[str]) -> None:
    assert not await services.start("b", replace(SETTINGS, rest_port=BUSY))
    assert calls[2:] == ["failed b: Port 1 is busy.", "changed"]


async def test_only_services_whose_port_or_switch_changed_restart(services: Services, calls: list[str]) -> None:
    for name in "ab":
        await services.start(name, SETTINGS)
    calls.clear()
    await services.restart_changed(SETTINGS, replace(SETTINGS, username="zoe"))
    assert calls == []
    await services.restart_changed(SETTINGS, replace(SETTINGS, rest_port=30))
    assert calls == ["stop b", "prepare", "start b 30", "changed"]
    calls.clear()
    await services.restart_changed(SETTINGS, replace(SETTINGS, close_to_tray=False))
    assert calls == ["stop a", "prepare", "changed"]
    assert not services["a"].server.listening


async def test_a_service_that_is_stopped_while_it_starts_is_off(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it counted as started, so that the wait for a REST call did not end with the reason."""
    beginning, goes_on, service = asyncio.Event(), asyncio.Event(), services["a"]
    in_order, start, stop = asyncio.Lock(), service.server.start, service.server.stop

    async def start_slowly(port: int) -> None:
        async with in_order:
            beginning.set()
            await goes_on.wait()
            await start(port)

    async def stop_in_order() -> None:
        async with in_order:
            await stop()

    monkeypatch.setattr(service.server, "start", start_slowly)
    monkeypatch.setattr(service.server, "stop", stop_in_order)
    starting = asyncio.create_task(services.start("a", SETTINGS))
    await beginning.wait()
    stopping = asyncio.create_task(services.stop("a"))
    for _ in range(5):  # the stop begins
        await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(starting, stopping)
    assert (service.started, service.server.listening, service.why_off(SETTINGS)) == (False, False, "stopped")


async def test_services_can_swap_their_ports(services: Services, calls: list[str]) -> None:
    """Regression: the first service was started on a port that the second one had not released yet."""
    await services.restart_changed(SETTINGS, replace(SETTINGS, port=20, rest_port=10))
    assert [each for each in calls if each[0] == "s"] == ["stop a", "stop b", "start a 20", "start b 10"]


async def test_an_error_stays_until_a_restart_succeeds(services: Services, calls: list[str]) -> None:
    busy = replace(SETTINGS, port=BUSY)
    await services.start("a", busy)
    await services.restart_changed(busy, SETTINGS)
    assert services["a"].error == ""
    assert services["a"].server.listening


async def test_a_stop_clears_the_error(services: Services, calls: list[str]) -> None:
    await services.start("a", replace(SETTINGS, port=BUSY))
    calls.clear()
    await services.stop("a")
    assert (services["a"].error, calls) == ("", ["stop a", "changed"])


async def test_all_services_stop_in_reverse_order(services: Services, calls: list[str]) -> None:
    await services.stop_all()
    assert calls == ["stop b", "stop a"]
