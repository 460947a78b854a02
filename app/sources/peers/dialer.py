"""Connect to a peer, write frames, and wait up to a timeout for the peer's acknowledgements.
The result says which frames were written and which of them were acknowledged, or why that failed. Each call makes a
connection of its own. ``outbox`` decides what is sent again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from app.protocol.peers.ack_and_ping import Ack, Busy
from app.protocol.peers.envelopes import read
from app.protocol.peers.errors import PeerProtocolError
from app.protocol.peers.frames import FrameReader, frame
from app.protocol.summary import one_line

CONNECT_S = 5.0
WRITE_S = 5.0
ACK_S = 5.0
READ_BYTES = 16 * 1024
MAX_ANSWERS = 100
"""At most this many frames of a peer are read while waiting for its acknowledgements."""


class OutgoingItem(NamedTuple):
    """An envelope, as JSON, and the id with which the peer acknowledges it."""

    id: str
    envelope: bytes


class Exchange(NamedTuple):
    """The result of a connection: which items were written completely, and which of them were acknowledged.

    ``error`` is why items were not written, as a phrase; empty if all were. ``closed``: the peer closed the
    connection before it had acknowledged all items, so it may have read none of the others: a companion with too
    many connections closes further ones. ``busy``: it cannot store more; only acknowledged items count as
    written.
    """

    written: frozenset[str] = frozenset()
    acked: frozenset[str] = frozenset()
    error: str = ""
    closed: bool = False
    busy: bool = False


class _End(Enum):
    """Why waiting for acknowledgements ended. ``OPEN``: all have arrived, or time or number of frames is over."""

    OPEN = 0
    CLOSED = 1
    BUSY = 2


async def exchange(
    host: str, port: int, peer: str, items: Sequence[OutgoingItem], *, ack_s: float = ACK_S
) -> Exchange:
    """Send items to a peer on one connection, and wait up to ``ack_s`` seconds for its acknowledgements."""
    if not host:
        return Exchange(error="no address is known: set one with companion peers add")
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Exchange(error=f"{host}:{port} did not answer within {CONNECT_S:g} s")
    except OSError as error:
        return Exchange(error=f"{one_line(host)}:{port} cannot be reached: {error.strerror or error}")
    except (ValueError, OverflowError):  # a label of more than 63 characters, or a port above 65535
        return Exchange(error=f"{one_line(host)}:{port} cannot be reached: the address is not valid")
    try:
        return await _send(reader, writer, peer, items, ack_s)
    finally:
        writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()


async def _send(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    peer: str,
    items: Sequence[OutgoingItem],
    ack_s: float,
) -> Exchange:
    writer.transport.set_write_buffer_limits(0)  # drain() waits until the system has taken all bytes
    written: set[str] = set()
    error = ""
    try:
        for item in items:
            writer.write(frame(item.envelope))
            async with asyncio.timeout(WRITE_S):
                await writer.drain()
            written.add(item.id)
    except TimeoutError:
        error = f"the peer has read nothing for {WRITE_S:g} s"
    except OSError as failure:
        error = f"the connection was lost: {failure.strerror or failure}"
    acked: set[str] = set()
    end = _End.OPEN
    if ack_s:
        try:
            async with asyncio.timeout(ack_s):
                end = await _collect(reader, peer, written, acked)
        except (TimeoutError, PeerProtocolError):
            pass
        except OSError:  # for example reset
            end = _End.CLOSED
    if end is _End.BUSY:
        written, error = acked, f"{peer} cannot store anything at the moment"
    return Exchange(frozenset(written), frozenset(acked), error, closed=end is _End.CLOSED, busy=end is _End.BUSY)


async def _collect(reader: asyncio.StreamReader, peer: str, written: set[str], acked: set[str]) -> _End:
    """Add to ``acked`` what the peer acknowledges, until it is all that was written or the connection ends."""
    frames, left = FrameReader(), MAX_ANSWERS
    while acked < written:
        received = await reader.read(READ_BYTES)
        if not received:
            return _End.CLOSED
        for body in frames.feed(received):
            if not left:
                return _End.OPEN
            left -= 1
            with suppress(PeerProtocolError):  # another frame, such as a ping; only acknowledgements count here
                answer = read(body)
                if isinstance(answer, Busy) and answer.sender == peer:
                    return _End.BUSY
                if isinstance(answer, Ack) and answer.sender == peer and answer.msg_id in written:
                    acked.add(answer.msg_id)
    return _End.OPEN
