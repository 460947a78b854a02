"""The hub: sending, recipients, journal rows, stalled clients and lost events."""

from collections.abc import Callable

import pytest

from app.hub.clients import OUTBOX_BYTES, Client
from app.hub.hub import LOSS_WINDOW_S, STALLED_S, Delivery
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL, SERVER, Origin
from app.hub.outgoing import Outgoing, ServerNote
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from tests.hub.doubles import RecordingTransport, Stage

ONLINE = Envelope("friend_online", {"username": "alice"})
ONLINE_FRAME = b'{"event":"friend_online","data":{"username":"alice"}}'
BIG = Envelope("x", {"text": "y" * (OUTBOX_BYTES // 2)})


def last_row(stage: Stage) -> Row:
    return list(stage.journal)[-1]


def pass_time(stage: Stage, seconds: float) -> None:
    """Advance the clock by ``seconds`` and run a sweep every five seconds."""
    for _ in range(int(seconds / 5)):
        stage.time.passed += 5
        stage.hub.sweep()


def test_clients_are_numbered_and_listed_oldest_first(stage: Stage) -> None:
    first, second = stage.join(), stage.join("alice")
    assert stage.hub.clients == (first, second)
    assert (first.id, second.id, stage.hub.connection_count) == (1, 2, 2)
    assert (stage.hub.client(2), stage.hub.client(3)) == (second, None)
    stage.hub.leave(first)
    assert stage.join().id == 3


def test_a_client_acts_as_the_local_user_unless_it_names_one(stage: Stage) -> None:
    assert stage.join().username == "me"
    assert stage.join("alice").username == "alice"
    stage.hub.local_user = "zoe"
    assert stage.join().username == "zoe"


def test_each_connect_and_disconnect_is_journaled_and_emitted(stage: Stage) -> None:
    counts: list[int] = []
    stage.hub.clients_changed.connect(lambda _: counts.append(stage.hub.connection_count))
    client = stage.join("alice")
    stage.hub.leave(client, "closed with 1000")
    stage.hub.leave(client, "again")
    assert counts == [1, 0]
    assert [(row.kind, row.event, row.client, row.note) for row in stage.journal] == [
        (Kind.SERVER, "connected", "1", "acts as alice"),
        (Kind.SERVER, "disconnected", "1", "closed with 1000"),
    ]


def test_every_client_receives_all_events_in_the_order_of_their_numbers(stage: Stage) -> None:
    clients = [stage.join() for _ in range(3)]
    events = [Envelope("x", {"n": n}) for n in range(20)]
    numbers = [stage.hub.broadcast(event).seq for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    for client in clients:
        assert stage.frames(client) == [event.encode() for event in events]


def test_an_event_is_encoded_once_for_all_clients(stage: Stage) -> None:
    clients = [stage.join() for _ in range(3)]
    stage.hub.broadcast(ONLINE)
    handed = [stage.frames(client)[0] for client in clients] + [last_row(stage).payload]
    assert all(frame is handed[0] for frame in handed)
    assert handed[0] == ONLINE_FRAME


def test_an_event_leaves_one_row(stage: Stage) -> None:
    stage.join()
    delivery = stage.hub.publish(ONLINE, origin=PANEL)
    row = last_row(stage)
    assert delivery == Delivery(row.seq, (1,), "delivered to 1 client")
    assert (row.kind, row.event, row.client, row.origin) == (Kind.TO_UI, "friend_online", "all", "panel")
    assert (row.payload, row.size, row.verdict) == (ONLINE_FRAME, len(ONLINE_FRAME), Verdict.OK)
    assert row.note == "delivered to 1 client"


def test_an_event_is_sent_to_a_user_to_some_clients_or_to_one(stage: Stage) -> None:
    alice, bob, carol = stage.join("alice"), stage.join("bob"), stage.join("carol")
    assert stage.hub.publish(ONLINE, to=Target(user="bob"), origin=PANEL).clients == (bob.id,)
    assert last_row(stage).client == "user:bob"
    some = Target(clients=frozenset({alice.id, carol.id}))
    assert stage.hub.publish(ONLINE, to=some, origin=PANEL).clients == (alice.id, carol.id)
    assert last_row(stage).client == "client:1,3"
    assert stage.hub.send_to(carol, ONLINE).delivered == 1
    assert [len(stage.frames(each)) for each in (alice, bob, carol)] == [1, 1, 2]


def test_frames_and_bytes_sent_to_a_client_are_counted(stage: Stage) -> None:
    client = stage.join()
    stage.hub.broadcast(ONLINE)
    stage.hub.broadcast(ONLINE)
    assert (client.frames_out, client.bytes_out) == (2, 2 * len(ONLINE_FRAME))
    assert (client.frames_in, client.bytes_in) == (0, 0)


def test_an_event_without_recipients_reports_why_it_was_not_sent(stage: Stage) -> None:
    assert stage.hub.broadcast(ONLINE).note == "not sent: no client is connected"
    assert last_row(stage).verdict is Verdict.WARNING
    stage.join("alice")
    assert stage.hub.publish(ONLINE, to=Target(user="bob"), origin=PANEL).note == "not sent: no client acts as bob"
    delivery = stage.hub.publish(ONLINE, to=Target(clients=frozenset({9})), origin=PANEL)
    assert (delivery.delivered, delivery.note) == (0, "not sent: client 9 has never connected")
    assert last_row(stage).note == delivery.note


@pytest.mark.parametrize("others", [0, 1])
def test_the_note_names_a_client_that_has_disconnected(stage: Stage, others: int) -> None:
    departed = stage.join()
    for _ in range(others):
        stage.join()
    stage.hub.leave(departed)
    assert stage.hub.send_to(departed, ONLINE).note == "not sent: client 1 has disconnected"
    both = Target(clients=frozenset({1, 9}))
    assert stage.hub.publish(ONLINE, to=both, origin=PANEL).note == "not sent: clients 1, 9 are not connected"


def test_a_stopped_server_takes_precedence_over_the_target_as_the_reason(stage: Stage) -> None:
    stage.hub.paused = True
    stage.hub.why_closed = lambda: "the server is stopped. Start the server"
    for to in (ALL, Target(user="bob"), Target(clients=frozenset({9}))):
        note = stage.hub.publish(ONLINE, to=to, origin=PANEL).note
        assert note == "not sent: the server is stopped. Start the server"


def test_a_paused_hub_sends_nothing_and_reports_why(stage: Stage) -> None:
    client = stage.join()
    stage.hub.paused = True
    delivery = stage.hub.broadcast(ONLINE)
    assert (delivery.delivered, delivery.note) == (
        0,
        "not sent: sending is paused, and events fired meanwhile are not sent later. "
        "Resume sending, then fire again",
    )
    assert last_row(stage).verdict is Verdict.WARNING
    stage.hub.paused = False
    assert stage.hub.broadcast(ONLINE).delivered == 1
    assert stage.frames(client) == [ONLINE_FRAME]


def test_each_change_of_the_pause_is_logged_and_emitted_once(stage: Stage) -> None:
    emitted: list[bool] = []
    stage.hub.pause_changed.connect(emitted.append)
    for paused in (False, True, True, False):
        stage.hub.pause(paused)
    assert emitted == [True, False]
    assert [row.event for row in stage.journal] == ["paused", "resumed"]


def test_a_raw_frame_is_sent_unchanged_and_its_row_is_invalid(stage: Stage) -> None:
    client = stage.join()
    delivery = stage.hub.send(Outgoing.raw("{nope ü", origin=PANEL, fault="not JSON"))
    assert stage.frames(client) == ["{nope ü".encode()]
    row = last_row(stage)
    assert (row.verdict, row.note) == (Verdict.INVALID, "sent on purpose: not JSON; delivered to 1 client")
    assert (row.size, delivery.delivered) == (8, 1)


def test_a_row_can_be_resent_to_the_same_target(stage: Stage) -> None:
    alice, bob = stage.join("alice"), stage.join("bob")
    stage.hub.publish(ONLINE, to=Target(user="alice"), origin=PANEL)
    sent = last_row(stage)
    delivery = stage.hub.send(Outgoing.again(sent, origin=PANEL))
    assert (stage.frames(alice), stage.frames(bob)) == ([ONLINE_FRAME] * 2, [])
    assert delivery.seq > sent.seq
    row = last_row(stage)
    assert (row.event, row.payload, row.client, row.verdict) == (sent.event, sent.payload, sent.client, Verdict.OK)
    assert f"#{sent.seq}" in row.note


def test_only_a_frame_to_the_ui_can_be_resent(stage: Stage) -> None:
    stage.join()
    with pytest.raises(ValueError, match="only a frame to the UI can be resent"):
        Outgoing.again(last_row(stage), origin=PANEL)


def test_identify_changes_the_user_that_a_client_acts_as(stage: Stage) -> None:
    client = stage.join("alice")
    usernames: list[str] = []
    stage.hub.clients_changed.connect(lambda _: usernames.append(client.username))
    stage.hub.identify(client, "bob")
    stage.hub.identify(client, "bob")
    assert usernames == ["bob"]
    assert stage.hub.publish(ONLINE, to=Target(user="bob"), origin=PANEL).clients == (client.id,)
    assert [row.note for row in stage.rows("identity changed")] == ["acts as bob"]


def test_a_blocked_client_does_not_delay_other_clients(stage: Stage) -> None:
    slow, quick = stage.join(), stage.join()
    slow.outbox.block()
    assert stage.hub.broadcast(ONLINE).delivered == 2
    assert (stage.frames(slow), stage.frames(quick)) == ([], [ONLINE_FRAME])
    slow.outbox.unblock()
    assert stage.frames(slow) == [ONLINE_FRAME]


def test_a_full_send_queue_aborts_the_client_once_with_one_row(stage: Stage) -> None:
    slow, quick = stage.join(), stage.join()
    slow.outbox.block()
    deliveries = [stage.hub.broadcast(BIG) for _ in range(4)]
    assert [delivery.clients for delivery in deliveries] == [(1, 2), (2,), (2,), (2,)]
    assert stage.transports[slow.id].aborted == 1
    (row,) = stage.rows("aborted")
    assert (row.kind, row.client, row.verdict) == (Kind.SERVER, str(slow.id), Verdict.WARNING)
    assert row.note == "the client does not read, and its send queue is full"
    assert stage.transports[quick.id].aborted == 0
    assert len(stage.frames(quick)) == 4


def stalled_client(stage: Stage) -> Client:
    client = stage.join()
    client.outbox.block()
    stage.hub.sweep()
    return client


def test_a_sweep_aborts_a_client_that_reads_nothing_for_20_s(stage: Stage) -> None:
    client = stalled_client(stage)
    pass_time(stage, STALLED_S)
    assert stage.transports[client.id].aborted == 0
    pass_time(stage, 5)
    assert stage.transports[client.id].aborted == 1
    (row,) = stage.rows("aborted")
    assert (row.note, row.verdict) == ("the client has read nothing for 20 s", Verdict.WARNING)


def test_a_sweep_aborts_a_stalled_client_once(stage: Stage) -> None:
    client = stalled_client(stage)
    pass_time(stage, 4 * STALLED_S)
    assert stage.transports[client.id].aborted == 1
    assert len(stage.rows("aborted")) == 1


def test_a_sweep_does_not_abort_a_client_again_that_overflowed(stage: Stage) -> None:
    client = stalled_client(stage)
    for _ in range(3):
        stage.hub.broadcast(BIG)
    pass_time(stage, 2 * STALLED_S)
    assert stage.transports[client.id].aborted == 1
    assert len(stage.rows("aborted")) == 1


def test_a_client_that_reads_again_is_not_aborted(stage: Stage) -> None:
    client = stalled_client(stage)
    pass_time(stage, STALLED_S)
    client.outbox.unblock()
    pass_time(stage, STALLED_S)
    client.outbox.block()
    pass_time(stage, STALLED_S)
    assert stage.transports[client.id].aborted == 0


def test_a_client_that_reads_slowly_but_steadily_is_not_aborted(stage: Stage) -> None:
    """Its socket is full at every sweep, but was writable in between."""
    client = stalled_client(stage)
    for _ in range(10):
        stage.time.passed += 4
        client.outbox.unblock()
        client.outbox.block()
        pass_time(stage, 5)
    assert stage.transports[client.id].aborted == 0


def test_an_idle_client_is_never_aborted(stage: Stage) -> None:
    client = stage.join()
    pass_time(stage, 10 * STALLED_S)
    assert stage.transports[client.id].aborted == 0


def test_a_row_to_or_about_one_client_names_its_user(stage: Stage) -> None:
    bob, zoe = stage.join("bob"), stage.join("zoe")
    assert [row.user for row in stage.journal] == ["bob", "zoe"]
    for target, user in (
        (Target(clients=frozenset({bob.id})), "bob"),
        (Target(clients=frozenset({bob.id, zoe.id})), ""),
        (Target(clients=frozenset({bob.id, 99})), ""),
        (Target(clients=frozenset({99})), ""),
        (Target(user="bob"), ""),
        (ALL, ""),
    ):
        stage.hub.publish(ONLINE, to=target, origin=PANEL)
        assert last_row(stage).user == user, target


def test_a_row_names_the_clients_that_a_frame_was_sent_to(stage: Stage) -> None:
    first, second = stage.join(), stage.join("bob")
    for to in (Target(), Target(), Target(user="bob"), Target(user="unknown")):
        stage.hub.publish(ONLINE, to=to, origin=Origin("test"))
    rows = [row for row in stage.journal if row.kind is Kind.TO_UI]
    both = (first.id, second.id)
    assert [row.recipients for row in rows] == [both, both, (second.id,), ()]
    assert rows[0].recipients is rows[1].recipients


def test_a_client_is_known_by_its_page_and_program(stage: Stage) -> None:
    stage.time.passed = 7.0
    client = stage.hub.join(RecordingTransport(), origin="http://localhost:5173", user_agent="Firefox")
    assert (client.origin, client.user_agent, client.connected_at) == (
        "http://localhost:5173", "Firefox", stage.time.clock.wall()
    )  # fmt: skip
    assert last_row(stage).note == "acts as me, from http://localhost:5173"
    assert stage.join().user_agent == ""


def test_the_row_of_a_disconnect_has_the_reason_and_the_verdict(stage: Stage) -> None:
    stage.hub.leave(stage.join())
    assert (last_row(stage).note, last_row(stage).verdict) == ("", Verdict.OK)
    stage.hub.leave(stage.join(), "closed with 1011", Verdict.WARNING)
    assert (last_row(stage).note, last_row(stage).verdict) == ("closed with 1011", Verdict.WARNING)


@pytest.mark.parametrize("others", [0, 1, 2])
def test_a_disconnect_right_after_a_delivery_is_reported_whatever_happens_in_between(
    stage: Stage, others: int
) -> None:
    client = stage.join("alice")
    sent = stage.hub.publish(ONLINE, origin=PANEL)
    stage.hub.identify(client, "bob")
    for _ in range(others):
        stage.join()
    stage.hub.leave(client)
    (row,) = stage.rows("disconnected after delivery")
    assert row.note == (f"client 1 disconnected within 100 ms of #{sent.seq}, so its UI may not show that event")
    assert (row.client, row.verdict) == ("1", Verdict.WARNING)


@pytest.mark.parametrize(("later", "reported"), [(LOSS_WINDOW_S, True), (LOSS_WINDOW_S + 0.001, False)])
def test_only_a_disconnect_within_100_ms_of_a_delivery_is_reported(
    stage: Stage, later: float, reported: bool
) -> None:
    client = stage.join()
    stage.hub.publish(ONLINE, origin=PANEL)
    stage.time.passed = later
    stage.hub.leave(client)
    assert bool(stage.rows("disconnected after delivery")) is reported


def test_a_delivery_to_an_earlier_client_is_not_reported(stage: Stage) -> None:
    stage.join()
    stage.hub.publish(ONLINE, origin=PANEL)
    stage.hub.leave(stage.join())
    assert stage.rows("disconnected after delivery") == []


def test_a_change_of_identity_is_a_row_about_that_client(stage: Stage) -> None:
    client = stage.join("alice")
    stage.hub.identify(client, "bob")
    row = last_row(stage)
    assert (row.event, row.client, row.user, row.note) == ("identity changed", "1", "bob", "acts as bob")


def test_a_row_of_the_server_names_no_client(stage: Stage) -> None:
    stage.hub.log_server_event("paused")
    row = last_row(stage)
    assert (row.client, row.user, row.note, row.verdict, row.origin) == ("", "", "", Verdict.OK, SERVER)
    stage.hub.log_server_event("paused", origin=PANEL)
    assert last_row(stage).origin == PANEL


def test_the_methods_of_the_guide_keep_the_origin(stage: Stage) -> None:
    client = stage.join()
    for origin in (SERVER, PANEL):
        stage.hub.broadcast(ONLINE, origin=origin)
        assert last_row(stage).origin == origin
        stage.hub.send_to(client, ONLINE, origin=origin)
        assert last_row(stage).origin == origin


def test_effects_are_sent_or_logged_with_their_verdict(stage: Stage) -> None:
    client = stage.join()
    stage.hub.carry_out([Outgoing("x", b"{}", ALL, PANEL), ServerNote("paused", "for a reason", Verdict.WARNING)])
    assert stage.frames(client) == [b"{}"]
    assert (last_row(stage).note, last_row(stage).verdict) == ("for a reason", Verdict.WARNING)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (Target(user="bob"), "no client is connected"),
        (Target(clients=frozenset()), "no client is connected"),
        (Target(clients=frozenset({0})), "client 0 has never connected"),
        (Target(clients=frozenset({2, 1})), "clients 1, 2 are not connected"),
    ],
)
def test_without_clients_the_reason_names_the_missing_ones(stage: Stage, to: Target, reason: str) -> None:
    assert stage.hub.publish(ONLINE, to=to, origin=PANEL).note == f"not sent: {reason}"


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (Target(excluded=1), "no other client is connected"),
        (Target(user="me", excluded=1), "no other client acts as me"),
        (Target(user="bob", excluded=9), "no client acts as bob"),
        (Target(clients=frozenset({1}), excluded=1), "client 1 is excluded"),
        (Target(clients=frozenset({1, 2}), excluded=1), "client 2 has never connected"),
    ],
)
def test_the_reason_is_not_wrong_for_an_excluded_client(stage: Stage, to: Target, reason: str) -> None:
    stage.join()
    assert stage.hub.publish(ONLINE, to=to, origin=PANEL).note == f"not sent: {reason}"


@pytest.mark.parametrize("end", [lambda client: client.close(1000, ""), Client.abort], ids=["close", "abort"])
def test_a_client_that_is_being_closed_is_not_a_recipient(stage: Stage, end: Callable[[Client], None]) -> None:
    """Regression: its frames were logged as delivered, and dropped."""
    one, two = stage.join(), stage.join()
    assert stage.hub.broadcast(ONLINE).clients == (one.id, two.id)
    end(one)
    assert stage.hub.broadcast(ONLINE).clients == (two.id,)
    end(two)
    assert stage.hub.broadcast(ONLINE).note == "not sent: no client is connected"


def test_interceptors_can_be_registered(stage: Stage) -> None:
    assert not stage.hub.interceptors
    stage.hub.interceptors.add(lambda cause: cause)
    assert stage.hub.interceptors
