"""Corking: what comes close together leaves together, in one piece for each client."""

import asyncio
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.clock import Clock

SHARE = 2.0
"""After a flush the next one waits this much longer than it took: flushing takes a third of the loop at most."""
LONGEST_WAIT_S = 0.008
WRITE_S = 0.00003
"""A write that seems to take longer was interrupted: that is no reason to wait."""
SHORT_S = SHARE * WRITE_S
"""Systems sleep a millisecond at least, so what is to wait for less than this leaves at the loop's next turn."""
PIECE_BYTES = 64 * 1024
"""More than this is never waited for: it bounds the latency within a burst."""


class Corked(NamedTuple):
    """One frame that waits. ``size``: bytes of its payload."""

    frame: bytes
    size: int
    clients: tuple[Client, ...]


class Cork:
    """Hands frames on to clients: at once while little happens, else what has gathered in a few milliseconds.

    Every client gets its frames in the order of the calls. One that leaves meanwhile gets nothing more.
    """

    def __init__(self, clock: Clock, *, wait: bool) -> None:
        """``wait`` False: everything is handed on at once, and no loop has to run."""
        self._clock = clock
        self.wait = wait
        self._gathered: list[Corked] = []
        self._bytes = 0
        self._free_at = 0.0
        self._timer: asyncio.Handle | None = None

    def put(self, frame: bytes, size: int, clients: tuple[Client, ...]) -> None:
        """Take one frame for some clients."""
        if not self._gathered and (not self.wait or self._clock.mono() >= self._free_at):
            self._hand_on([(frame, 1, size, clients)])
            return
        self._gathered.append(Corked(frame, size, clients))
        self._bytes += len(frame)
        if self._bytes >= PIECE_BYTES:
            self.flush()
        elif self._timer is None:
            loop, wait_s = asyncio.get_running_loop(), self._free_at - self._clock.mono()
            if wait_s > SHORT_S:
                self._timer = loop.call_later(wait_s, self._on_time)
            else:
                self._timer = loop.call_soon(self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.flush()

    def flush(self) -> None:
        """Hand on what has gathered."""
        if not self._gathered:
            return
        gathered, self._gathered, self._bytes = self._gathered, [], 0
        self._hand_on(_pieces(gathered))

    def _hand_on(self, pieces: "list[Piece]") -> None:
        began, writes = self._clock.mono(), 0
        for piece, frames, size, clients in pieces:
            writes += len(clients)
            for client in clients:
                client.send(piece, frames, size)
        ended = self._clock.mono()
        self._free_at = ended + min(SHARE * min(ended - began, writes * WRITE_S), LONGEST_WAIT_S)

    def close(self) -> None:
        """Hand on what has gathered, and wait for nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()


Piece = tuple[bytes, int, int, tuple[Client, ...]]
"""Frames in one piece of bytes, how many they are, the bytes of their payloads, and who gets them."""


def _pieces(gathered: list[Corked]) -> list[Piece]:
    first = gathered[0].clients
    if all(each.clients is first for each in gathered):  # the same for all: put together once
        return [_piece(gathered, first)]
    for_each: dict[Client, list[Corked]] = {}
    for each in gathered:
        for client in each.clients:
            for_each.setdefault(client, []).append(each)
    return [_piece(its, (client,)) for client, its in for_each.items()]


def _piece(gathered: list[Corked], clients: tuple[Client, ...]) -> Piece:
    if len(gathered) == 1:
        return gathered[0].frame, 1, gathered[0].size, clients
    together = b"".join([each.frame for each in gathered])
    return together, len(gathered), sum([each.size for each in gathered]), clients
