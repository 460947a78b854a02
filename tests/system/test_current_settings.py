import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.system.current_settings import CurrentSettings
from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings


async def test_listeners_are_called_in_order_and_only_if_their_settings_changed() -> None:
    current, calls = CurrentSettings(Settings()), list[str]()

    def recording_listener(name: str) -> Callable[[Settings, Settings], None]:
        return lambda before, after: calls.append(f"{name}: {before.username} {after.username}")

    async def slow(_: Settings, after: Settings) -> None:
        await asyncio.sleep(0)
        calls.append(f"slow: {after.username}")

    current.on_change(recording_listener("port"), "port", "rest_port")
    current.on_change(slow, "username")
    current.on_change(recording_listener("any"))
    await current.use(Settings(username="zoe"))
    await current.use(Settings(username="zoe", rest_port=1))
    await current.use(Settings(username="zoe", rest_port=1))
    assert calls == ["slow: zoe", "any: me zoe", "port: zoe zoe", "any: zoe zoe", "any: zoe zoe"]


async def test_listeners_are_called_after_the_new_values_are_in_use() -> None:
    current, seen = CurrentSettings(Settings()), list[str]()
    current.on_change(lambda *_: seen.append(current.values.username))
    await current.use(Settings(username="zoe"))
    assert seen == ["zoe"]


def test_saved_settings_are_written_and_not_used_yet() -> None:
    current, written = CurrentSettings(Settings()), list[Settings]()
    current.save(Settings(port=1), [])
    current.write = lambda values, _: written.append(values)
    current.save(Settings(username="zoe"), ["alice"])
    assert (written, current.values) == ([Settings(username="zoe")], Settings())


async def test_temporary_settings_are_not_written_until_the_user_changes_them() -> None:
    """Regression: the next change of any setting wrote them to the file."""
    current, written = CurrentSettings(Settings(port=9000)), list[Settings]()
    current.write = lambda values, _: written.append(values)
    await current.use_temporarily(port=9001)
    await current.use_temporarily(port=9002, log_get_requests=True)
    assert (current.values.port, current.values.log_get_requests) == (9002, True)
    await current.change(lambda values: replace(values, username="zoe"), [])
    assert (written[-1], current.values.port) == (Settings(port=9000, username="zoe"), 9002)
    await current.change(lambda values: replace(values, port=9003), [])
    await current.change(lambda values: replace(values, port=9002), [])
    assert written[-1] == Settings(port=9002, username="zoe")


def test_settings_that_conflict_are_not_written() -> None:
    current, written = CurrentSettings(Settings()), list[Settings]()
    current.write = lambda values, _: written.append(values)
    with pytest.raises(InvalidSettings) as caught:
        current.save(Settings(username="alice", port=9000, rest_port=9000), ["alice"])
    assert {each.name for each in caught.value.errors} == {"username", "rest_port"}
    assert written == []


def test_a_disk_error_is_raised() -> None:
    current = CurrentSettings(Settings())

    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    current.write = fail
    with pytest.raises(OSError, match="No space"):
        current.save(Settings(username="zoe"), [])


async def test_a_change_before_the_reactions_to_an_earlier_one_ran_does_not_undo_it() -> None:
    current, written = CurrentSettings(Settings()), list[Settings]()
    current.write = lambda values, _: written.append(values)
    patched = replace(current.values, theme="dark")
    current.save(patched, [])
    applying = asyncio.create_task(current.use(patched))  # as the control API and the window do
    await current.change(lambda before: replace(before, peers=True), [])
    await applying
    assert written[-1] == current.values == replace(Settings(), theme="dark", peers=True)


async def test_reactions_to_two_changes_do_not_overlap_and_see_each_change_once() -> None:
    current, calls = CurrentSettings(Settings()), list[str]()

    async def restart(before: Settings, after: Settings) -> None:
        calls.append(f"stop {before.port}")
        await asyncio.sleep(0)
        calls.append(f"start {after.port}")

    current.on_change(restart, "port")
    first = asyncio.create_task(current.use(Settings(port=1)))
    await asyncio.sleep(0)
    await asyncio.gather(first, *(current.use(Settings(port=port)) for port in (2, 3)))
    assert calls == ["stop 8081", "start 1", "stop 1", "start 3"]


@pytest.mark.parametrize(("failing", "kind"), [(1, OSError), (2, ExceptionGroup)])
async def test_all_reactions_are_called_even_if_one_fails(failing: int, kind: type[Exception]) -> None:
    """Regression: the reactions after it were never called for this change."""
    current, seen = CurrentSettings(Settings()), list[str]()

    def fail(*_: Settings) -> None:
        raise OSError("no space left")

    for _ in range(failing):
        current.on_change(fail, "port")
    current.on_change(lambda *_: seen.append("theme"), "theme")
    with pytest.raises(kind):
        await current.use(Settings(port=1, theme="dark"))
    assert seen == ["theme"]
