"""Interceptors see every cause before anything happens, and can hold, change or drop it."""

import asyncio
from collections.abc import Coroutine

import pytest

from app.hub.causes import Cause, Dropped, FiredEvent, FiredFrame, Interceptors
from app.hub.origin import PANEL
from app.hub.outgoing import Outgoing
from app.hub.target import ALL
from app.protocol.envelope import Envelope

EVENT = FiredEvent(event=Envelope("typing", {"typing": True}), to=ALL, origin=PANEL)


def rename(cause: Cause) -> Cause:
    assert isinstance(cause, FiredEvent)
    return cause.changed(event=Envelope(cause.event.event + "!", cause.event.data))


async def test_without_interceptors_the_cause_is_unchanged() -> None:
    interceptors = Interceptors()
    assert not interceptors
    assert interceptors.apply(EVENT) is EVENT


async def test_interceptors_run_in_order_and_change_the_cause() -> None:
    interceptors = Interceptors()
    interceptors.add(rename)
    interceptors.add(rename)
    assert (await interceptors.apply_and_wait(EVENT)).event.event == "typing!!"


async def test_a_resumed_cause_passes_changed_through_the_remaining_interceptors() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    interceptors.add(held.append)  # list.append returns None, which holds the cause
    interceptors.add(rename)
    waiting = interceptors.apply(EVENT)
    assert isinstance(waiting, Coroutine)
    held[0].resume(held[0].changed(event=Envelope("other", {})))
    assert (await waiting).event.event == "other!"


async def test_a_held_cause_may_be_held_again_by_the_next_interceptor() -> None:
    interceptors, first, second = Interceptors(), list[Cause](), list[Cause]()
    interceptors.add(first.append)
    interceptors.add(second.append)
    waiting = asyncio.ensure_future(interceptors.apply_and_wait(EVENT))
    await asyncio.sleep(0)
    first[0].resume()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(second) == 1
    assert not waiting.done()
    second[0].resume()
    assert (await waiting).changed(continuation=None) == EVENT


async def test_a_dropped_cause_raises_an_error_with_the_reason() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    interceptors.add(held.append)
    waiting = interceptors.apply_and_wait(EVENT)
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    held[0].drop("dropped by breakpoint 1")
    held[0].resume()  # no effect: the first decision counts
    with pytest.raises(Dropped, match="dropped by breakpoint 1"):
        await task


async def test_a_removed_interceptor_is_not_called() -> None:
    interceptors = Interceptors()
    registration = interceptors.add(rename)
    registration.remove()
    registration.remove()
    assert not interceptors
    assert interceptors.apply(EVENT) is EVENT


async def test_a_disarmed_interceptor_is_not_called_and_keeps_its_position() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    hold = interceptors.add(held.append, armed=False)
    interceptors.add(rename)
    assert (await interceptors.apply_and_wait(EVENT)).event.event == "typing!"
    hold.armed = True
    task = asyncio.ensure_future(interceptors.apply_and_wait(EVENT))
    await asyncio.sleep(0)
    held[0].resume()
    assert (await task).event.event == "typing!"


async def test_interceptors_are_falsy_if_none_is_armed() -> None:
    interceptors = Interceptors()
    registration = interceptors.add(rename)
    assert interceptors
    registration.armed = False
    assert not interceptors


async def test_no_interceptor_is_called_twice_if_others_are_armed_or_removed_while_a_cause_is_held() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    before = interceptors.add(rename)
    early = interceptors.add(rename, armed=False)
    interceptors.add(held.append)
    late = interceptors.add(rename, armed=False)
    task = asyncio.ensure_future(interceptors.apply_and_wait(EVENT))
    await asyncio.sleep(0)
    before.remove()
    early.armed = late.armed = True
    held[0].resume()
    assert (await task).event.event == "typing!!"  # renamed by `before` and by `late`


async def test_an_interceptor_must_not_change_the_type_of_a_cause() -> None:
    interceptors = Interceptors()
    interceptors.add(lambda cause: FiredFrame(outgoing=Outgoing("x", b"x", ALL, PANEL)))
    with pytest.raises(TypeError, match="turned a FiredEvent into a FiredFrame"):
        interceptors.apply(EVENT)
