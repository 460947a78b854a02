"""Clients and their outboxes: order, the size limit, and close codes."""

import pytest
from typing_extensions import override

from app.hub.clients import OUTBOX_BYTES, Outbox
from app.protocol.close_codes import may_close_with
from tests.hub.doubles import RecordingTransport, Stage


class BlockingTransport(RecordingTransport):
    """A transport whose socket is full again after every ``room`` frames."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.outbox = Outbox(self, lambda: None)

    @override
    def write(self, frame: bytes) -> None:
        super().write(frame)
        if len(self.frames) % self.room == 0:
            self.outbox.block()


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def overflows() -> list[str]:
    return []


@pytest.fixture
def outbox(transport: RecordingTransport, overflows: list[str]) -> Outbox:
    return Outbox(transport, lambda: overflows.append("overflow"), limit=10)


def test_a_frame_is_written_immediately_while_the_socket_is_writable(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    assert outbox.put(b"a" * 1_000)
    assert transport.frames == [b"a" * 1_000]
    assert outbox.waiting == 0


def test_frames_for_a_full_socket_are_queued_and_written_in_order(
    outbox: Outbox, transport: RecordingTransport
) -> None:
    outbox.put(b"1")
    outbox.block()
    assert outbox.put(b"2")
    assert outbox.put(b"333")
    assert (transport.frames, outbox.waiting) == ([b"1"], 4)
    outbox.unblock()
    assert outbox.put(b"4")
    assert (transport.frames, outbox.waiting) == ([b"1", b"2", b"333", b"4"], 0)


def test_the_queue_is_written_before_the_closing_handshake(stage: Stage) -> None:
    """Regression: frames that were logged as delivered were lost."""
    transport = RecordingTransport()
    client = stage.hub.join(transport, "me")
    client.outbox.block()
    for number in range(3):
        client.send(b"%d" % number, 1, 1)
    assert transport.frames == []
    client.close(1012, "")
    assert (transport.frames, client.outbox.waiting) == ([b"0", b"1", b"2"], 0)


def test_writing_queued_frames_stops_when_the_socket_is_full_again() -> None:
    transport = BlockingTransport(room=2)
    for number in range(7):
        transport.outbox.put(b"%d" % number)
    assert (transport.frames, transport.outbox.waiting) == ([b"0", b"1"], 5)
    transport.outbox.unblock()
    assert (transport.frames, transport.outbox.waiting, transport.outbox.blocked) == (
        [b"0", b"1", b"2", b"3"],
        3,
        True,
    )
    transport.outbox.put(b"7")
    while transport.outbox.blocked and transport.outbox.waiting:
        transport.outbox.unblock()
    assert transport.frames == [b"%d" % number for number in range(8)]


def test_a_frame_that_fills_the_outbox_exactly_is_queued(outbox: Outbox, overflows: list[str]) -> None:
    outbox.block()
    assert outbox.put(b"x" * 10)
    assert overflows == []


def test_a_single_frame_may_be_larger_than_the_outbox(
    outbox: Outbox, transport: RecordingTransport, overflows: list[str]
) -> None:
    """Regression: of two raw frames of 3 MB, the first filled the socket, and the second aborted the client."""
    outbox.put(b"1" * 100)
    outbox.block()
    assert outbox.put(b"2" * 100)
    assert overflows == []
    outbox.unblock()
    assert (transport.frames, outbox.waiting) == ([b"1" * 100, b"2" * 100], 0)
    outbox.block()
    outbox.put(b"3" * 100)
    assert not outbox.put(b"4")
    assert overflows == ["overflow"]


def test_a_full_outbox_overflows_once_and_rejects_further_frames(
    outbox: Outbox, transport: RecordingTransport, overflows: list[str]
) -> None:
    outbox.block()
    outbox.put(b"x" * 10)
    assert not outbox.put(b"y")
    assert not outbox.put(b"z")
    outbox.unblock()
    assert not outbox.put(b"z")
    assert (overflows, transport.frames, outbox.waiting) == (["overflow"], [], 0)


def test_a_closed_outbox_rejects_frames(
    outbox: Outbox, transport: RecordingTransport, overflows: list[str]
) -> None:
    outbox.close()
    assert not outbox.put(b"x")
    assert (transport.frames, overflows) == ([], [])


def test_the_outbox_limit_is_256_kib() -> None:
    assert OUTBOX_BYTES == 256 * 1024


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999])
def test_close_codes_that_an_endpoint_may_send(code: int) -> None:
    assert may_close_with(code)


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65536])
def test_close_codes_that_no_endpoint_may_send(code: int) -> None:
    assert not may_close_with(code)
