"""The update check, with a server of the test. Every invalid answer is reported as an ``UpdateError``."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from app.system import updates
from app.system.updates import Release, UpdateError, address_problem, look, newer

PAGE = "https://companion.example/releases/v9.9.9"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """``await serve(handler)`` returns the address of a server with this handler."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_get("/{rest:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return f"http://127.0.0.1:{port}/latest"

    yield start
    for runner in runners:
        await runner.cleanup()


def respond_with(value: Any, status: int = 200) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=value if isinstance(value, bytes) else json.dumps(value).encode(), status=status)

    return handler


async def test_a_newer_version_is_returned_with_its_page(serve: Any) -> None:
    address = await serve(respond_with({"tag_name": "v9.9.9", "html_url": PAGE, "body": "…"}))
    assert await look(address) == Release("9.9.9", PAGE)


@pytest.mark.parametrize("tag", ["v0.1.0", "0.1", "v0.0.9", "v0.1.0rc1"])
async def test_a_version_that_is_not_newer_is_ignored(serve: Any, tag: str) -> None:
    address = await serve(respond_with({"tag_name": tag, "html_url": PAGE}))
    assert await look(address, "0.1.0") is None


async def test_the_request_identifies_the_application_and_sends_no_other_data(
    serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login max password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    requests: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        requests.append(request)
        return web.json_response({"tag_name": "v1", "html_url": PAGE})

    await look(await serve(handler), "0.1.0")
    (request,) = requests
    assert request.headers["User-Agent"] == "p2p-chat-companion/0.1.0"
    assert set(request.headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
    assert request.query_string == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b"\xff\xfe",
        [],
        None,
        {},
        {"tag_name": "v9"},
        {"tag_name": 9, "html_url": PAGE},
        {"tag_name": "v9", "html_url": None},
        {"tag_name": "v9", "html_url": "file:///etc/passwd"},
        {"tag_name": "v9", "html_url": "javascript:alert(1)"},
    ],
)
async def test_an_answer_without_a_valid_release_is_rejected(serve: Any, body: Any) -> None:
    with pytest.raises(UpdateError, match="contains no valid release"):
        await look(await serve(respond_with(body)))


@pytest.mark.parametrize("tag", ["", "latest", "v", "1.2.3.4.5", "1" * 5000, "v1.0-nightly"])
async def test_an_invalid_version_tag_is_rejected(serve: Any, tag: str) -> None:
    with pytest.raises(UpdateError, match="is not a version"):
        await look(await serve(respond_with({"tag_name": tag, "html_url": PAGE})))


@pytest.mark.parametrize("status", [204, 403, 404, 500])
async def test_an_unexpected_http_status_is_reported(serve: Any, status: int) -> None:
    with pytest.raises(UpdateError, match=f"HTTP status {status}"):
        await look(await serve(respond_with({"tag_name": "v9", "html_url": PAGE}, status)))


async def test_reading_a_too_large_answer_is_stopped(serve: Any) -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while sent < 100 * updates.MAX_BYTES:
                await response.write(b" " * 65536)
                sent += 65536
        return response

    with pytest.raises(UpdateError, match="too large"):
        await look(await serve(handler))
    assert sent < 50 * updates.MAX_BYTES


async def test_a_server_that_does_not_answer_times_out(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "TIMEOUT_S", 0.2)

    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    with pytest.raises(UpdateError, match=r"no response within 0\.2 s"):
        await look(await serve(handler))


async def test_a_proxy_of_the_environment_is_used(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        requests.append(str(request.url))
        return web.json_response({"tag_name": "v9.9.9", "html_url": PAGE})

    address = await serve(handler)
    monkeypatch.setenv("http_proxy", address.removesuffix("/latest"))
    monkeypatch.setenv("no_proxy", "companion.example")
    assert await look("http://localhost:1/latest") == Release("9.9.9", PAGE)
    assert requests == ["http://localhost:1/latest"]
    monkeypatch.setenv("no_proxy", "localhost")
    with pytest.raises(UpdateError, match="could not be reached"):
        await look("http://localhost:1/latest")


async def test_an_unreachable_server_is_reported() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # does not listen, and no other test can get the port
        with pytest.raises(UpdateError, match="could not be reached"):
            await look(f"http://127.0.0.1:{bound.getsockname()[1]}/latest")


async def test_an_https_address_without_tls_is_reported_as_unreachable(serve: Any) -> None:
    """A server without TLS at an https address fails before the request is sent."""
    address = (await serve(respond_with({}))).replace("http://", "https://")
    with pytest.raises(UpdateError, match="could not be reached"):
        await look(address)


async def test_endless_redirects_are_reported(serve: Any) -> None:
    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/again")

    with pytest.raises(UpdateError, match="TooManyRedirects"):
        await look(await serve(redirect))


@pytest.mark.parametrize(
    "address", ["https://api.github.com/repos/x/y/releases/latest", "http://127.0.0.1:1/x", "http://localhost/x"]
)
def test_valid_update_addresses(address: str) -> None:
    assert address_problem(address) == ""


@pytest.mark.parametrize(
    "address", ["", "x", "http://companion.example/", "ftp://x/", "https://", "file:///etc/passwd", "https://[::1"]
)
async def test_invalid_update_addresses(address: str) -> None:
    assert "begins with https://" in address_problem(address)
    with pytest.raises(UpdateError, match="begins with https://"):
        await look(address)


def test_versions_are_compared_numerically() -> None:
    ordered = ["0.9", "v0.10.0a1", "0.10.0b2", "0.10.0rc1", "0.10.0-rc.2", "0.10.0", "0.10.1", "1", "1.0.1", "10.0"]
    for older, newer_version in pairwise(ordered):
        assert newer(newer_version, older), (older, newer_version)
        assert not newer(older, newer_version), (older, newer_version)
    assert not newer("1.0.0", "1")
    assert not newer("1", "1.0.0")


def test_an_unreleased_build_has_no_update_address() -> None:
    assert updates.built_in_address() == ""
