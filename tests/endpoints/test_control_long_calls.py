"""Long calls of the control API end when nobody waits for their result any more."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.endpoints.body import LARGE_CHARS
from app.endpoints.control.session_runs import SMALL_CHARS
from app.hub.long_calls import GivenUp, compute
from app.protocol.errors import Malformed
from tests.conftest import PATIENCE_S, until
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


async def test_a_check_of_a_session_ends_when_its_client_disconnects(
    make_control: MakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it went on, and others waited for it."""
    control, endless = await make_control(), Endless()
    monkeypatch.setattr("app.endpoints.control.session_runs.parse_session", endless)
    call = asyncio.create_task(control.post("/v1/runs/check", {"text": LONG_SESSION}))
    try:
        await until(endless.began.is_set)
        call.cancel()
        await asyncio.wait([call])
        await until(endless.given_up.is_set)
    finally:
        endless.given_up.set()


async def test_a_short_session_does_not_wait_for_long_ones(make_control: MakeControl) -> None:
    control, may_end = await make_control(), threading.Event()
    others = [asyncio.create_task(compute(may_end.wait, 60)) for _ in range(8)]
    try:
        checking = control.post("/v1/runs/check", {"text": "alice: hi"})
        assert (await asyncio.wait_for(checking, PATIENCE_S)).json["steps"] == 1
    finally:
        may_end.set()
        await asyncio.gather(*others)


LARGE = "x" * (LARGE_CHARS + 1)
LONG_SESSION = "#" * (SMALL_CHARS + 1)


@pytest.mark.parametrize(
    ("function", "method", "path", "body"),
    [
        ("app.endpoints.control.session_runs.parse_session", "POST", "/v1/runs/check", {"text": LONG_SESSION}),
        ("app.storage.session_library.parse_session", "PUT", "/v1/sessions/x", b"alice: hi"),
        ("app.endpoints.body.parse_json", "PUT", "/v1/state", {"x": LARGE}),
        ("app.chat.service.parse_snapshot", "PUT", "/v1/state", {}),
        ("app.export_actions.session_of_rows", "POST", "/v1/journal/export", {"as": "har", "filter": ""}),
    ],
    ids=["session", "saved session", "body", "chat state", "export"],
)
async def test_a_computation_occupies_no_thread_for_files_and_chats(
    make_control: MakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    function: str, method: str, path: str, body: Any,
) -> None:  # fmt: skip
    """Regression: chats, recordings and the end of the program waited until it had ended."""
    control, began, may_end = await make_control(recordings_folder=tmp_path), threading.Event(), threading.Event()

    def held(*_: object) -> None:
        began.set()
        may_end.wait(60)
        raise Malformed("no")

    monkeypatch.setattr(function, held)
    with ThreadPoolExecutor(1) as only:
        asyncio.get_running_loop().set_default_executor(only)
        call = asyncio.create_task(control.call(method, path, body))
        try:
            await until(began.is_set)
            assert (await control.get("/v1/recordings")).status == 200
            assert (await control.post("/v1/state/reset")).status == 204
        finally:
            may_end.set()
            await call
        await control.companion.close()
