"""Measured reconnects over the control API, with clients on real sockets."""

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control
from tests.endpoints.http_client import PAGE

CHROME = "Mozilla/5.0 Chrome/140.0.0.0"


async def report(control: Control, **query: object) -> dict[str, Any]:
    (found,) = await control.get_json("/v1/reconnects", **query)
    return dict(found)


async def gone(control: Control) -> None:
    await until(lambda: not control.companion.hub.clients)


async def test_a_page_that_reconnects_at_once_is_too_early(make_control: MakeControl) -> None:
    control = await make_control(allowed_origins=[PAGE])
    assert await control.get_json("/v1/reconnects") == []
    await control.connect(origin=PAGE, user_agent_header=CHROME)
    first = await report(control)
    assert (first["state"], first["clients"], first["attempts"]) == ("connected", [1], [])
    await control.post("/v1/clients/drop")
    await gone(control)
    assert (await report(control))["state"] == "waiting"
    await control.connect(origin=PAGE, user_agent_header=CHROME)
    found = await report(control, client=1)
    (attempt,) = found["attempts"]
    assert (attempt["number"], attempt["verdict"], attempt["client"]) == (1, "early", 2)
    assert attempt["expected"]["earliest"] == 3
    assert 3.5 < attempt["expected"]["latest"] < 3.6
    assert found["text"] == attempt["text"]
    assert found["text"].endswith("✗ too early")
    assert (found["origin"], found["browser"], found["verdict"]) == (PAGE, "chromium", "early")
    assert (await control.get("/v1/reconnects", query={"client": 99})).status == 404


async def test_a_page_that_closes_with_1001_was_closed(make_control: MakeControl) -> None:
    control = await make_control(allowed_origins=[PAGE])
    page = await control.connect(origin=PAGE, user_agent_header=CHROME)
    await page.close(1001)
    await gone(control)
    assert (await report(control))["state"] == "closed"


async def test_a_page_that_closes_its_connection_is_not_the_server(make_control: MakeControl) -> None:
    control = await make_control(allowed_origins=[PAGE])
    page = await control.connect(origin=PAGE, user_agent_header=CHROME)
    await page.close(1000)
    await gone(control)
    assert (await report(control))["text"].startswith("the UI closed the connection; attempt 1 is expected")


async def test_a_page_that_disappears_without_a_handshake_is_expected_again(make_control: MakeControl) -> None:
    control = await make_control(allowed_origins=[PAGE])
    page = await control.connect(origin=PAGE, user_agent_header=CHROME)
    page.transport.abort()
    await gone(control)
    assert (await report(control))["text"].startswith("attempt 1 is expected")


async def test_handshakes_of_an_origin_that_is_not_allowed_are_not_attempts(control: Control) -> None:
    """Regression: a reload was judged to be too early, because the page's REST calls are refused, too."""
    for _ in range(2):
        with pytest.raises(InvalidStatus):
            await control.connect(origin="http://evil.example", user_agent_header=CHROME)
    found = await report(control)
    assert (found["origin"], found["clients"]) == ("http://evil.example", [])
    assert (found["attempts"], found["text"]) == ([], "its origin is not allowed, so it is not measured")


async def test_attempts_cannot_be_seen_while_the_server_is_stopped(make_control: MakeControl) -> None:
    control = await make_control(allowed_origins=[PAGE])
    await control.connect(origin=PAGE, user_agent_header=CHROME)
    await control.post("/v1/server/stop")
    assert (await report(control))["state"] == "unseen"
    await control.post("/v1/server/start")
    assert (await report(control))["state"] == "waiting"
