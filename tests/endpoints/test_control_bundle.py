"""Bug report bundles of recordings through the control API."""

import asyncio
import threading
from pathlib import Path

import pytest

from app.protocol.bundle.archive import read_bundle
from app.system.supabase_key import KEY_VARIABLE, URL_VARIABLE
from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import TOKEN

NAME = "Zaphod Beeblebrox"


async def test_the_bundle_of_this_run_is_redacted_unless_that_is_not_wanted(
    make_control: MakeControl, tmp_path: Path
) -> None:
    control = await make_control(recordings_folder=tmp_path)
    data = {"event": "friend_online", "data": {"username": NAME}}
    await control.post("/v1/events", data)
    await control.post("/v1/recordings", {"name": "mine"})
    await control.post("/v1/events", data)
    await control.post("/v1/recordings/stop", {})
    for name in ("this-run", "mine"):
        answer = await control.get(f"/v1/recordings/{name}/bundle")
        assert answer.headers["Content-Type"] == "application/zip"
        found = read_bundle(answer.body)
        assert found.manifest["redacted"] is True
        assert NAME not in found.recording
        plain = read_bundle((await control.get(f"/v1/recordings/{name}/bundle?redact=false")).body)
        assert plain.manifest["redacted"] is False
        assert NAME in plain.recording
        assert TOKEN not in str(plain)


async def test_no_bundle_contains_the_key_and_the_address_of_a_supabase_project(
    make_control: MakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, host = "sb_secret_0123456789abcdef", "myproject.supabase.co"
    monkeypatch.setenv(KEY_VARIABLE, key)
    monkeypatch.setenv(URL_VARIABLE, f"https://{host}")
    control = await make_control(recordings_folder=tmp_path)
    await control.post("/v1/frames", f"{host} with {key}")
    for redact in (True, False):
        found = str(
            read_bundle((await control.get(f"/v1/recordings/this-run/bundle?redact={redact}".lower())).body)
        )
        assert ("removed with removed" in found) is not redact
        assert key not in found
        assert host not in found


async def test_bundles_are_made_one_after_the_other(
    make_control: MakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes up to minutes of computing time."""
    meeting = threading.Barrier(2)
    met = []

    def bundle(*_: object, **__: object) -> bytes:
        try:
            meeting.wait(0.1)
            met.append(True)
        except threading.BrokenBarrierError:
            meeting.reset()
        return b""

    control = await make_control(recordings_folder=tmp_path)
    monkeypatch.setattr("app.recording_bundle.bundle_of", bundle)
    answers = await asyncio.gather(*(control.get("/v1/recordings/this-run/bundle") for _ in range(3)))
    assert [each.status for each in answers] == [200, 200, 200]
    assert not met


async def test_a_preview_does_not_wait_for_the_bundle_of_another_client(
    make_control: MakeControl, tmp_path: Path
) -> None:
    """Regression: it was another long call, behind those that had been queued meanwhile."""
    companion = (await make_control(recordings_folder=tmp_path)).companion
    bundling, began, may_go_on, may_end = companion.bundling, *(threading.Event() for _ in range(3))

    def wait(_: object) -> None:
        began.set()
        may_go_on.wait(60)

    before = asyncio.create_task(bundling.run(wait))
    await until(began.is_set)
    preview = asyncio.create_task(companion.recording_actions.bundle_with_preview("this-run"))
    await until(lambda: bundling._waiting)
    behind = asyncio.create_task(bundling.run(lambda _: may_end.wait(60)))
    await until(lambda: len(bundling._waiting) == 2)
    may_go_on.set()
    try:
        await until(preview.done)
        assert not behind.done()
    finally:
        may_end.set()
    content, text = await preview
    assert read_bundle(content).manifest["redacted"] is True
    assert text
    await asyncio.gather(before, behind)


async def test_a_recording_that_does_not_exist_has_no_bundle(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(recordings_folder=tmp_path)
    for name in ("run-before", "nothing", "..%2Fx"):
        answer = await control.get(f"/v1/recordings/{name}/bundle")
        assert answer.status == 404
    assert (await control.get("/v1/recordings/this-run/bundle?redact=perhaps")).status in (400, 422)
