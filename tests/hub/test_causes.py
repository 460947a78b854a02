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


async def test_without_interceptors_the_cause_goes_on_as_it_is() -> None:
    interceptors = Interceptors()
    assert not interceptors
    assert interceptors.apply(EVENT) is EVENT


async def test_interceptors_run_in_order_and_change_the_cause() -> None:
    interceptors = Interceptors()
    interceptors.add(rename)
    interceptors.add(rename)
    assert (await interceptors.apply_and_wait(EVENT)).event.event == "typing!!"


async def test_a_held_cause_goes_on_changed_through_the_remaining_interceptors() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    interceptors.add(held.append)  # append returns None: it holds
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
    assert await waiting == EVENT


async def test_a_dropped_cause_says_why() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    interceptors.add(held.append)
    waiting = interceptors.apply_and_wait(EVENT)
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    held[0].drop("dropped by breakpoint 1")
    held[0].resume()  # too late: the first decision counts
    with pytest.raises(Dropped, match="dropped by breakpoint 1"):
        await task


async def test_an_interceptor_that_is_removed_sees_nothing_more() -> None:
    interceptors = Interceptors()
    registration = interceptors.add(rename)
    registration.remove()
    registration.remove()
    assert not interceptors
    assert interceptors.apply(EVENT) is EVENT


async def test_an_interceptor_that_is_not_armed_is_not_asked_and_keeps_its_place() -> None:
    interceptors, held = Interceptors(), list[Cause]()
    hold = interceptors.add(held.append, armed=False)
    interceptors.add(rename)
    assert (await interceptors.apply_and_wait(EVENT)).event.event == "typing!"
    hold.armed = True
    task = asyncio.ensure_future(interceptors.apply_and_wait(EVENT))
    await asyncio.sleep(0)
    held[0].resume()
    assert (await task).event.event == "typing!"


async def test_no_armed_interceptor_is_as_good_as_none() -> None:
    interceptors = Interceptors()
    registration = interceptors.add(rename)
    assert interceptors
    registration.armed = False
    assert not interceptors


async def test_a_held_cause_is_not_asked_for_twice_when_others_are_armed_or_removed_meanwhile() -> None:
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
    assert (await task).event.event == "typing!!"  # by the one before, and by the one that was armed meanwhile


async def test_a_cause_cannot_become_one_of_another_kind() -> None:
    interceptors = Interceptors()
    interceptors.add(lambda cause: FiredFrame(outgoing=Outgoing("x", b"x", ALL, PANEL)))
    with pytest.raises(TypeError, match="turned a FiredEvent into a FiredFrame"):
        interceptors.apply(EVENT)
