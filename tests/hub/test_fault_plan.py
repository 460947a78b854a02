"""A client with a fault plan gets its frames one by one, as its plan decides. Other clients are not affected."""

from collections.abc import Callable

import pytest

from app.hub.clients import Client
from app.hub.fault_plan import RecipientFrame
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.envelope import Envelope
from tests.hub.doubles import Stage


class LoseEverySecond:
    """Drops every second frame."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def pass_on(self, frame: RecipientFrame, deliver: Callable[[RecipientFrame], None]) -> None:
        self.seen.append(frame.event)
        if len(self.seen) % 2:
            deliver(frame)


class Reverse:
    """Holds two frames, then delivers the second one twice and then the first one."""

    def __init__(self) -> None:
        self.held: list[RecipientFrame] = []

    def pass_on(self, frame: RecipientFrame, deliver: Callable[[RecipientFrame], None]) -> None:
        self.held.append(frame)
        if len(self.held) == 2:
            for each in (self.held[1], self.held[1], self.held[0]):
                deliver(each)


def fire(stage: Stage, names: str, to: Target | None = None) -> None:
    for name in names:
        stage.hub.publish(Envelope("friend_online", {"username": name}), to=to or Target(), origin=PANEL)


def received(stage: Stage, number: int) -> str:
    return "".join(frame.decode().split('"username":"')[1][0] for frame in stage.transports[number + 1].frames)


def test_a_plan_drops_every_second_frame_of_one_of_three_clients(stage: Stage) -> None:
    clients = [stage.join() for _ in range(3)]
    plan = LoseEverySecond()
    stage.hub.set_fault_plan(clients[1], plan)
    fire(stage, "abcdef")
    assert [received(stage, number) for number in range(3)] == ["abcdef", "ace", "abcdef"]
    assert plan.seen == ["friend_online"] * 6
    assert [client.frames_out for client in clients] == [6, 3, 6]


def test_the_row_names_all_recipients_even_if_the_plan_drops_frames(stage: Stage) -> None:
    clients = [stage.join() for _ in range(2)]
    stage.hub.set_fault_plan(clients[0], LoseEverySecond())
    fire(stage, "ab")
    assert [row.recipients for row in stage.journal if row.recipients] == [(1, 2), (1, 2)]


def test_a_plan_may_reorder_and_repeat(stage: Stage) -> None:
    client = stage.join()
    stage.hub.set_fault_plan(client, Reverse())
    fire(stage, "ab")
    assert received(stage, 0) == "bba"


def test_without_a_plan_the_client_is_back_in_the_shared_batch(stage: Stage) -> None:
    client = stage.join()
    stage.hub.set_fault_plan(client, LoseEverySecond())
    fire(stage, "ab")
    stage.hub.set_fault_plan(client, None)
    fire(stage, "cd")
    assert received(stage, 0) == "acd"
    assert stage.hub.recipients(Target()).faulty == ()


def test_a_frame_that_is_delivered_after_its_client_has_left_is_dropped(stage: Stage) -> None:
    client = stage.join()
    plan = Reverse()
    stage.hub.set_fault_plan(client, plan)
    fire(stage, "a")
    stage.hub.leave(client)
    fire(stage, "b")
    assert len(plan.held) == 1
    assert received(stage, 0) == ""


def test_a_target_by_user_reaches_plain_and_faulty_clients(stage: Stage) -> None:
    for name in ("bob", "bob", "carol"):
        stage.join(name)
    stage.hub.set_fault_plan(stage.hub.clients[0], LoseEverySecond())
    fire(stage, "abc", Target(user="bob"))
    assert [received(stage, number) for number in range(3)] == ["ac", "abc", ""]


def test_what_a_plan_delivers_is_written_as_a_frame_for_one_client(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batcher need not wait for others: they get the frame separately."""
    client, _ = stage.join(), stage.join()
    stage.hub.set_fault_plan(client, LoseEverySecond())
    calls: list[tuple[tuple[Client, ...], bool]] = []
    monkeypatch.setattr(
        stage.hub.batcher, "put", lambda _, __, clients, *, to_all=True: calls.append((clients, to_all))
    )
    fire(stage, "a")
    assert ((client,), False) in calls
