"""Long calls of the control API end when nobody waits for their result any more."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from app.hub.long_calls import GivenUp
from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control

CALLS = {
    "app.recording_bundle.bundle_of": ("GET", "/v1/recordings/this-run/bundle", None),
    "app.protocol.asyncapi_import.convert.import_asyncapi": (
        "POST", "/v1/contract/import", {"document": "asyncapi: 3.0.0", "dry_run": True},
    ),
}  # fmt: skip
"""The functions that take long, each with a request that calls it."""


class Endless:
    """A function that runs until it is given up."""

    def __init__(self) -> None:
        self.began, self.given_up, self.calls = threading.Event(), threading.Event(), 0

    def __call__(self, *given: Any, **_: Any) -> None:
        (go_on,) = (each for each in given if callable(each))
        self.calls += 1
        self.began.set()
        try:
            while not self.given_up.wait(0.001):
                go_on()
        except GivenUp:
            self.given_up.set()
            raise


@pytest.fixture(params=CALLS)
async def begun(
    request: pytest.FixtureRequest, make_control: MakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Return a companion, an endless function, and two requests of an agent, one of which has begun it."""
    control, endless = await make_control(recordings_folder=tmp_path / "recordings"), Endless()
    monkeypatch.setattr(request.param, endless)
    method, path, body = CALLS[request.param]
    token = await control.companion.agent_token.create()
    agent = {"Authorization": f"Bearer {token.value}"}
    calls = [asyncio.create_task(control.call(method, path, body, headers=agent))]
    await until(endless.began.is_set)
    calls.append(asyncio.create_task(control.call(method, path, body, headers=agent)))
    await until(lambda: len(control.companion.agent_token._uses) == 2)
    yield control, endless, calls
    endless.given_up.set()
    await asyncio.gather(*calls, return_exceptions=True)


Begun = tuple[Control, Endless, list[asyncio.Task[Any]]]


async def test_a_call_ends_when_its_client_disconnects(begun: Begun) -> None:
    """Regression: it went on, also those that waited, and held up others and the end of the process."""
    control, endless, calls = begun
    for each in reversed(calls):
        each.cancel()
        await asyncio.wait([each])
    await until(endless.given_up.is_set)
    await until(lambda: not control.companion.agent_token._uses)
    assert endless.calls == 1


async def test_a_call_ends_when_the_token_is_revoked(begun: Begun) -> None:
    control, endless, calls = begun
    await control.companion.agent_token.revoke()
    assert [(await each).status for each in calls] == [401, 401]
    await until(endless.given_up.is_set)
    assert endless.calls == 1


async def test_a_call_has_ended_when_the_companion_has_closed(begun: Begun) -> None:
    """Regression: the process lived until the call had ended."""
    control, endless, _ = begun
    await control.companion.close()
    assert endless.given_up.is_set()
    assert endless.calls == 1
