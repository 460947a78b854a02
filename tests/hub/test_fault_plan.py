"""A client with a fault plan gets its frames one by one, as its plan decides. Other clients are not affected."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from app.hub.client_frames import AnyFrame
from app.hub.clients import Client
from app.hub.fault_plan import CarryOut, FaultPlan, HandleFrame, RecipientFrame
from app.hub.journal import Verdict
from app.hub.origin import FAULTS, PANEL
from app.hub.target import Target
from app.protocol.envelope import Envelope
from tests.hub.doubles import Stage


class Plan(FaultPlan):
    """Passes on everything that a client sends."""

    def __init__(self, stage: Stage, client: Client) -> None:
        self.hub, self.client = stage.hub, client
        self.seen: list[str] = []
        stage.hub.set_fault_plan(client, self)

    @override
    def receive(self, frame: AnyFrame, payload: bytes, handle: HandleFrame) -> bool:
        return False

    @override
    def delayed(self) -> list[int]:
        return []

    def instead(self, *frames: RecipientFrame) -> CarryOut:
        """Deliver these frames instead of the one that is decided about."""

        def carry_out(seq: int) -> int:
            for frame in frames:
                self.hub.deliver(self.client, frame.event, frame.payload, f"#{seq}", seq)
            return self.client.id

        return carry_out


class LoseEverySecond(Plan):
    """Drops every second frame."""

    @override
    def decide(self, frame: RecipientFrame) -> CarryOut | None:
        self.seen.append(frame.event)
        return None if len(self.seen) % 2 else self.instead()


class Reverse(Plan):
    """Holds two frames, then delivers the second one twice and then the first one."""

    def __init__(self, stage: Stage, client: Client) -> None:
        super().__init__(stage, client)
        self.held: list[RecipientFrame] = []

    @override
    def decide(self, frame: RecipientFrame) -> CarryOut | None:
        self.held.append(frame)
        return self.instead(*(self.held[1], *reversed(self.held)) if len(self.held) == 2 else ())


def fire(stage: Stage, names: str, to: Target | None = None) -> None:
    for name in names:
        stage.hub.publish(Envelope("friend_online", {"username": name}), to=to or Target(), origin=PANEL)


def received(stage: Stage, number: int) -> str:
    return "".join(frame.decode().split('"username":"')[1][0] for frame in stage.transports[number + 1].frames)


def test_a_plan_drops_every_second_frame_of_one_of_three_clients(stage: Stage) -> None:
    clients = [stage.join() for _ in range(3)]
    plan = LoseEverySecond(stage, clients[1])
    fire(stage, "abcdef")
    assert [received(stage, number) for number in range(3)] == ["abcdef", "ace", "abcdef"]
    assert plan.seen == ["friend_online"] * 6
    assert [client.frames_out for client in clients] == [6, 3, 6]


def test_the_row_names_only_the_recipients_that_got_the_frame(stage: Stage) -> None:
    clients = [stage.join() for _ in range(2)]
    LoseEverySecond(stage, clients[0])
    fire(stage, "ab")
    assert [row.recipients for row in stage.journal if row.recipients] == [(1, 2), (2,)]
    delivery = stage.hub.broadcast(Envelope("friend_online", {"username": "c"}))
    assert (delivery.clients, delivery.note) == ((1, 2), "delivered to 2 clients")
    delivery = stage.hub.broadcast(Envelope("friend_online", {"username": "d"}))
    assert (delivery.clients, delivery.note) == ((1, 2), "delivered to 1 client; faults act on it for 1 client")


def test_a_plan_may_reorder_and_repeat_and_each_delivery_has_a_row(stage: Stage) -> None:
    Reverse(stage, stage.join())
    fire(stage, "ab")
    assert received(stage, 0) == "bba"
    rows = [row for row in stage.journal if row.origin == FAULTS]
    assert [row.note for row in rows] == ["#3"] * 3
    assert {row.recipients for row in rows} == {(1,)}


def test_without_a_plan_the_client_is_back_in_the_shared_batch(stage: Stage) -> None:
    client = stage.join()
    LoseEverySecond(stage, client)
    fire(stage, "ab")
    stage.hub.set_fault_plan(client, None)
    fire(stage, "cd")
    assert received(stage, 0) == "acd"
    assert stage.hub.recipients(Target()).faulty == ()


def test_a_frame_that_is_delivered_after_its_client_has_left_is_dropped(stage: Stage) -> None:
    client = stage.join()
    plan = Reverse(stage, client)
    fire(stage, "a")
    stage.hub.leave(client)
    plan.instead(*plan.held)(1)
    assert received(stage, 0) == ""
    assert not [row for row in stage.journal if row.origin == FAULTS]


def test_a_frame_that_is_due_while_sending_is_paused_is_not_sent(stage: Stage) -> None:
    """Regression: it was sent, although clients receive nothing during a pause."""
    plan = Reverse(stage, stage.join())
    fire(stage, "a")
    stage.hub.pause(True)
    plan.instead(*plan.held)(1)
    assert received(stage, 0) == ""
    rows = [row for row in stage.journal if row.origin == FAULTS]
    assert {(row.recipients, row.verdict) for row in rows} == {((), Verdict.WARNING)}
    assert rows[0].note.endswith("; not sent: sending is paused")


def test_a_target_by_user_reaches_plain_and_faulty_clients(stage: Stage) -> None:
    for name in ("bob", "bob", "carol"):
        stage.join(name)
    LoseEverySecond(stage, stage.hub.clients[0])
    fire(stage, "abc", Target(user="bob"))
    assert [received(stage, number) for number in range(3)] == ["ac", "abc", ""]


def test_what_a_plan_delivers_is_written_as_a_frame_for_one_client(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batcher need not wait for others: they get the frame separately."""
    client, _ = stage.join(), stage.join()
    LoseEverySecond(stage, client)
    calls: list[tuple[tuple[Client, ...], bool]] = []
    put: Callable[..., None] = lambda _, __, clients, *, to_all=True: calls.append((clients, to_all))  # noqa: E731
    monkeypatch.setattr(stage.hub.batcher, "put", put)
    fire(stage, "a")
    assert ((client,), False) in calls
