"""Clients that connect and disconnect leak no file descriptors, tasks or memory."""

import asyncio
import signal
import sys
import time

from websockets.asyncio.client import connect

from tests.e2e.processes import wait_until
from tests.gates.gate import MIB, Outcome, Server, server

ROUNDS, ROUNDS_LONG = 2_000, 20_000
WARM_UP, MAX_WARM_UP = 3_000, 20_000
LEVEL = MIB // 4
"""The warm-up ends when a batch of connections adds less memory than this."""
BATCH = 2_000
AT_ONCE = 32
MAY_GROW = 2 * MIB
READINGS = 10
JOURNAL_ROWS = 500
"""Small, so that the warm-up fills the journal, which grows until it is full."""
WATCHED = (sys.executable, "-m", "tests.gates.watched")


async def _connect_and_disconnect(url: str, times: int) -> None:
    left = iter(range(times))

    async def connect_in_turn(number: int) -> None:
        for turn in left:
            client = await connect(f"{url}?username=u{turn % 7}", proxy=None, compression=None)
            if turn % 2:
                await client.close()
            else:
                client.transport.abort()
                await client.wait_closed()

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(connect_in_turn(number))


def connect_and_disconnect(program: Server, times: int) -> None:
    """Connect and disconnect ``times`` times, every other time without a closing handshake."""
    asyncio.run(_connect_and_disconnect(program.url, times))
    wait_until(lambda: not program.clients(), "the last clients to disconnect")


def tasks(program: Server) -> int:
    """Return the minimum of several task counts, because tasks that close connections end a little later."""
    readings = []
    for _ in range(READINGS):
        readings.append(_tasks_now(program))
        time.sleep(0.1)
    return min(readings)


def _tasks_now(program: Server) -> int:
    lines = program.program.out
    before = len(lines)
    program.program.send(signal.SIGUSR1)
    wait_until(lambda: len(lines) > before, "the number of tasks")
    return int(lines[before].removeprefix("tasks "))


def warm_up(program: Server) -> None:
    """Connect and disconnect until the allocator's pools and the caches are full and memory use is level.

    A leak never levels off: the warm-up then ends at its limit, and the measurement shows the growth.
    """
    connect_and_disconnect(program, WARM_UP)
    for _ in range(WARM_UP, MAX_WARM_UP, BATCH):
        before = program.memory()
        connect_and_disconnect(program, BATCH)
        if program.memory() - before < LEVEL:
            return


def measure(program: Server, rounds: int) -> tuple[int, int, int]:
    """Return the growth of file descriptors, tasks and memory."""
    warm_up(program)
    files, running, memory = program.files(), tasks(program), program.memory()
    connect_and_disconnect(program, rounds)
    return program.files() - files, tasks(program) - running, program.memory() - memory


def run(long: bool) -> Outcome:
    rounds = ROUNDS_LONG if long else ROUNDS
    with server(WATCHED, journal_rows=JOURNAL_ROWS) as program:
        files, running, memory = measure(program, rounds)
    return Outcome(
        f"after {rounds} connections {files:+d} file descriptors, {running:+d} tasks, {memory / MIB:+.2f} MiB",
        f"+0, +0, {MAY_GROW / MIB:+.0f} MiB",
        files <= 0 and running <= 0 and memory <= MAY_GROW,
    )
