"""The path of the event server's URL is a setting."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.cli.listen import find_server
from app.companion import Companion
from app.system import instance
from app.system.paths import Folders
from app.system.settings_checks import check


async def test_clients_connect_at_the_path_of_the_settings(companion: Companion, tmp_path: Path) -> None:
    usual = companion.server.url
    await companion.apply(replace(companion.settings, events_path="/api/ws"))
    assert companion.client_url == f"ws://127.0.0.1:{companion.server.port}/api/ws"
    async with connect(companion.client_url, proxy=None):
        pass
    with pytest.raises(InvalidStatus) as refused:
        await connect(usual, proxy=None)
    assert b"the event stream is at /api/ws" in (refused.value.response.body or b"")
    instance.write(Folders.of(tmp_path).instance_file, "", "memory", events=companion.server.url)
    assert find_server(None, tmp_path) == companion.server.url


@pytest.mark.parametrize(
    "path", ["", "events", "/a b", "/a?b", "/ä", "/a\n", "//evil", "/..", "/a/../b", "/a/.", "/" + "x" * 100]
)
def test_other_texts_are_no_path(path: str) -> None:
    assert check("events_path", path)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/a b", "ws://evil.example:1/events", "ws://127.0.0.1:0/x", ""])
def test_a_forged_instance_file_names_no_address(url: str) -> None:
    assert instance.events_address(instance.Instance(pid=1, started=1, control="", token_in="", events=url)) is None


@pytest.mark.parametrize("path", ["/", "/events", "/a.b/..c/d..", "/api/v1/~x_y-z/", "/a//b"])
def test_a_path_that_browsers_request_as_it_is(path: str) -> None:
    assert check("events_path", path) is None
