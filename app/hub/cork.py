"""Corking: what comes close together leaves together, and for each client in one piece."""

import asyncio
import math
from collections import deque
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.clock import Clock

SHARE = 0.5
"""What has gathered waits for half as long as a flush took: flushing takes two thirds of the loop at most."""
ALONE = 1.0
"""What comes so many times as long as that after a flush, and alone, goes at once."""
BUSY = 3.0
"""For so many times as long as a flush took, what comes for others goes with what else the same turn brings: one
write that wakes its reader costs as much as several that find it awake."""
PROMPTS = 15
"""So many of those go at once after one that waited for nothing, since no other came: a turn has its price."""
SHORTEST_CYCLE_S = 0.001
"""From a flush to that of what has gathered: no system sleeps for less, and what waits may well wait for others."""
LONGEST_WAIT_S = 0.008
WRITE_S = 0.00003
"""A write that seems to take longer was interrupted: that is no reason to wait."""
PIECE_BYTES = 64 * 1024
"""More than this is never waited for while sockets take it: it bounds the latency within a burst."""
BURST_BYTES = 16 * 1024 * 1024
"""So much may wait for full sockets: nobody is given up who had no time to read."""
PAUSE_S, PAUSES = 0.001, 8
"""So long, and so often, 64 KB of a burst wait for full sockets; whoever does not read is given up soon."""
SLICE_S = 0.0003
"""So long a flush goes on before others have their turn: the window, say."""
FEW = 10
"""So many clients are handed something between two looks at the clock."""
LARGE_BYTES = 4 * 1024
"""Smaller frames cannot fill the sockets of more than a few within one turn of the loop: writing takes too long."""


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
        self._gathered: deque[Corked] = deque()
        self._bytes = 0
        self._free_at = self._busy_until = 0.0
        """From when on a frame goes at once, and one for a client by name in a busy loop."""
        self._prompts_left = 0
        """How many frames for a client by name still go at once in a busy loop."""
        self._due = 0.0
        """From when on what has gathered may go; never, while it is to go with this turn or a burst anyway."""
        self._writes: deque[Piece] = deque()
        """What is left of the flush under way."""
        self._began = self._took_s = self._most_s = 0.0
        """When that flush began, how long it has taken so far, and how long it may be taken to take."""
        self._bursting = False
        """Whether more came than the sockets took: the rest, and what comes behind it, goes turn by turn."""
        self._pauses = 0
        """How often what is left of that flush may still wait for a full socket."""
        self._timer: asyncio.Handle | None = None
        """Of the next flush, or of this one's next slice."""

    def put(self, frame: bytes, size: int, clients: tuple[Client, ...], *, to_all: bool = True) -> None:
        """Take one frame for some clients. ``to_all``: whoever is there; another frame is likely to follow."""
        now = self._clock.mono()
        prompt = not to_all and len(clients) == 1 and self._timer is None
        free = self._timer is None and now >= (self._busy_until if prompt else self._free_at)
        if prompt and not free and self._prompts_left:
            self._prompts_left -= 1
            free = True
        full = free and (len(clients) <= FEW or size >= LARGE_BYTES) and _full(clients)
        if not self.wait or (free and not full):
            self._begin(now, [(frame, 1, size, clients)])
            self._write(now, SLICE_S)
            self._rest()
            return
        self._gathered.append(Corked(frame, size, clients))
        self._bytes += len(frame)
        if self._bytes >= BURST_BYTES:
            self._make_room()
        elif self._bytes >= PIECE_BYTES and not self._bursting:
            if _full(clients):
                self._bursting = True
                self._come_soon()
            else:
                self.flush()
        elif prompt or full or (self._timer is not None and now >= self._due):
            self._come_soon()
        elif self._timer is None:
            self._rest()

    def flush(self) -> None:
        """Hand on what has gathered, all of it."""
        self._forget_timer()
        self._bursting = False
        while self._writes or self._gathered:
            self._write(self._clock.mono(), math.inf)

    def settle(self, client: Client) -> None:
        """Hand on at once what is for that client, which takes nothing more after this: the others have time."""
        for piece, frames, size, clients in self._writes:
            if client in clients:
                client.send(piece, frames, size)
        groups = {id(each.clients): each.clients for each in self._gathered}  # few, for many frames
        its = {key for key, clients in groups.items() if client in clients}
        if waiting := [each for each in self._gathered if id(each.clients) in its]:
            piece, frames, size, _ = _piece(waiting, (client,))
            client.send(piece, frames, size)

    def _make_room(self) -> None:
        while self._bytes >= BURST_BYTES:
            self._write(self._clock.mono(), math.inf)

    def _rest(self) -> None:
        """Come back for what is left of the flush under way, or for the next."""
        if self._writes and self._held(self._writes[0]):
            self._pauses -= 1
            self._due = math.inf
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._on_time)
        elif self._writes or (self._bursting and self._gathered):
            self._come_soon()
        elif self._gathered:
            wait_s = self._due - self._clock.mono()
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._come_soon)

    def _come_soon(self) -> None:
        """Come back when all that is due by now has had its turn: what it sends goes with the rest."""
        self._forget_timer()
        self._due = math.inf
        self._timer = asyncio.get_running_loop().call_soon(self._on_time)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _held(self, piece: "Piece") -> bool:
        """Return whether a piece waits for those who get it."""
        return self._pauses > 0 and _full(piece[3])

    def _on_time(self) -> None:
        self._timer = None
        if not self._writes:
            self._prompts_left = PROMPTS if len(self._gathered) == 1 else 0
        self._write(self._clock.mono(), SLICE_S)
        self._bursting = self._bytes >= PIECE_BYTES or (self._bursting and bool(self._writes or self._gathered))
        self._rest()

    def _begin(self, now: float, pieces: "list[Piece]") -> None:
        self._began = now
        self._pauses = PAUSES if self._bursting else 0
        writes = 0
        for piece, frames, size, clients in pieces:
            writes += len(clients)
            if len(clients) <= FEW:
                self._writes.append((piece, frames, size, clients))
            else:
                parts = [clients[at : at + FEW] for at in range(0, len(clients), FEW)]
                self._writes.extend([(piece, frames, size, part) for part in parts])
        self._took_s = 0.0
        self._most_s = WRITE_S * writes

    def _write(self, began: float, for_s: float) -> None:
        """Go on with the flush under way, or begin the next, until others have to have their turn."""
        mono, writes, until = self._clock.mono, self._writes, began + for_s if self.wait else math.inf
        if not writes:
            self._begin(began, _pieces(self._take()))
        now = began
        while writes and now < until and (until == math.inf or not self._held(writes[0])):
            piece, frames, size, clients = writes.popleft()
            for client in clients:
                client.send(piece, frames, size)
            now = mono()
        self._took_s += now - began
        took_s = min(self._took_s, self._most_s)
        self._free_at = now + min(ALONE * took_s, LONGEST_WAIT_S)
        self._busy_until = now + BUSY * took_s
        self._due = max(now + min(SHARE * took_s, LONGEST_WAIT_S), self._began + SHORTEST_CYCLE_S)

    def _take(self) -> list[Corked]:
        """Take the oldest of what has gathered: all of it, or as much of a burst as goes in one piece."""
        if self._bytes < PIECE_BYTES:
            taken = list(self._gathered)
            self._gathered.clear()
            self._bytes = 0
            return taken
        taken, room = [], PIECE_BYTES
        while room > 0 and self._gathered:
            taken.append(self._gathered.popleft())
            room -= len(taken[-1].frame)
        self._bytes -= PIECE_BYTES - room
        return taken

    def close(self) -> None:
        """Hand on what has gathered, and wait for nothing more."""
        self.flush()


Piece = tuple[bytes, int, int, tuple[Client, ...]]
"""Frames in one piece of bytes, how many they are, the bytes of their payloads, and who gets them."""


def _full(clients: tuple[Client, ...]) -> bool:
    """Return whether the socket of one of those has enough for now."""
    for client in clients:  # noqa: SIM110 - any() takes twice as long, and this runs for nearly every frame
        if client.outbox.blocked and not client.outbox.closed:
            return True
    return False


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
