"""The reconnect lab over the control API, with independent UIs on real sockets that reconnect as the guide says, or
with a planted bug. The lab's verdict finds each bug.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control
from tests.endpoints.http_client import PAGE
from tests.reconnecting_ui import BUGS, ReconnectingUi

CORRECT = ""
FIRST_FITS = r"attempt 1 after 3\.\d s \(3 s\) ✓"
SECOND_FITS = r"attempt 2 after [45]\.\d s \(4\.5 s\) ✓"


async def follow(control: Control, **body: Any) -> dict[str, Any]:
    """Run the lab until it ends, and return its result."""
    run = await start(control, **body)
    while run["outcome"] == "running":
        run = await control.get_json("/v1/reconnects/lab", seen=run["version"], wait=20)
    return run


async def start(control: Control, **body: Any) -> dict[str, Any]:
    answer = await control.post("/v1/reconnects/lab", body)
    assert answer.status == 200, answer.body
    return dict(answer.json)


async def examined(control: Control, bug: str) -> dict[str, Any]:
    """Connect a UI to a companion, and return the result of the lab."""
    ui = ReconnectingUi(control.companion.server.url, PAGE, bug)
    running = asyncio.ensure_future(ui.run())
    await until(lambda: control.companion.hub.connection_count == 1)
    try:
        return await follow(control, attempts=2)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_the_verdict_finds_each_planted_bug_and_none_in_a_correct_ui(make_control: MakeControl) -> None:
    variants = (CORRECT, *BUGS)
    controls = [await make_control(allowed_origins=[PAGE]) for _ in variants]
    results = await asyncio.gather(*(examined(*each) for each in zip(controls, variants, strict=True)))
    found = dict(zip(variants, results, strict=True))
    assert {bug: each["outcome"] for bug, each in found.items()} == {
        CORRECT: "fits",
        "no-growth": "deviates",
        "gives-up-early": "incomplete",
        "at-once-after-503": "deviates",
    }, found
    assert found[CORRECT]["text"] == "2 of 10 attempts seen · all fit ✓"
    for line, pattern in zip(found[CORRECT]["lines"], (FIRST_FITS, SECOND_FITS), strict=True):
        assert re.fullmatch(pattern, line), line
    assert re.search(r" · attempt 2 after 3\.\d s \(4\.5 s\) ✗ too early", found["no-growth"]["text"])
    assert "1 of 10 attempts seen · all fit ✓ · gave up after 1 ✗" in found["gives-up-early"]["text"]
    assert found["gives-up-early"]["gave_up"] == "missing"
    assert re.search(r" · attempt 2 after 0\.\d s \(4\.5 s\) ✗ too early", found["at-once-after-503"]["text"])
    for each, control in zip(results, controls, strict=True):
        assert (each["origin"], each["browser"], each["closed"]) == (PAGE, "chromium", [1])
        assert await control.get_json("/v1/server/refusals") == []
    picture = await controls[0].get("/v1/reconnects/lab/picture")
    assert picture.headers["Content-Type"].startswith("image/svg+xml")
    root = ET.fromstring(picture.body)
    assert len(root.findall(".//{*}circle[@class='fits']")) == 1 + 2, "one is in the legend"


@pytest.fixture
async def watched(make_control: MakeControl) -> AsyncIterator[Control]:
    """A companion with one connected UI."""
    control = await make_control(allowed_origins=[PAGE])
    running = asyncio.ensure_future(ReconnectingUi(control.companion.server.url, PAGE).run())
    await until(lambda: control.companion.hub.connection_count == 1)
    yield control
    running.cancel()
    await asyncio.wait([running])


async def test_a_run_closes_the_clients_with_the_code_and_can_be_stopped(watched: Control) -> None:
    assert (await watched.get("/v1/reconnects/lab")).status == 404
    assert (await watched.get("/v1/reconnects/lab/picture")).status == 404
    assert (await watched.delete("/v1/reconnects/lab")).status == 404
    run = await start(watched, mode="reset", attempts=3, code=3456)
    assert (run["outcome"], run["version"], run["mode"], run["expected_attempts"]) == ("running", 0, "reset", 3)
    assert run["within_s"] == 3 + 4.5 + 6.75 + 30
    (armed,) = await watched.get_json("/v1/server/refusals")
    assert (armed["page"], armed["text"]) == (PAGE, f"the next 3 connections of {PAGE} (reset)")
    await until(lambda: not watched.companion.hub.clients)
    assert "closed with 3456: reconnect lab" in [row["note"] for row in await watched.rows("disconnected")]
    answer = await watched.post("/v1/reconnects/lab", {})
    assert answer.status == 409
    waiting = asyncio.ensure_future(watched.get_json("/v1/reconnects/lab", seen=0, wait=60))
    stopped = (await watched.delete("/v1/reconnects/lab")).json
    assert (stopped["outcome"], stopped["text"]) == ("stopped", "0 of 10 attempts seen · stopped")
    assert (await waiting)["outcome"] == "stopped"
    assert await watched.get_json("/v1/server/refusals") == []


async def test_the_event_server_and_the_companion_stop_during_a_run(watched: Control) -> None:
    await start(watched, mode="silence")
    await watched.companion.stop()
    await watched.companion.close()
    run = watched.companion.reconnect_lab.run
    assert run
    assert run.ended
    assert watched.companion.refusals.armed == ()


async def test_bad_input_is_reported(control: Control, subtests: pytest.Subtests) -> None:
    for body in [
        {"mode": "404"},
        {"attempts": 11},
        {"attempts": 0},
        {"within": 901},
        {"code": 1005},
        {"expect": "x"},
    ]:
        with subtests.test(body=body):
            answer = await control.post("/v1/reconnects/lab", body)
            assert answer.status == 422, answer.body


async def test_without_a_client_there_is_nothing_to_examine(control: Control) -> None:
    answer = await control.post("/v1/reconnects/lab", {})
    assert (answer.status, answer.json["detail"]) == (409, "No client is connected. Open your UI, then try again.")
