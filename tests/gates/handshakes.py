"""No hostile handshake is let in, and every legitimate one is."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from tests.gates.gate import Outcome, Server, server
from tests.gates.hostile import hostile, hostile_ordinary, welcome, welcome_ordinary

AT_LEAST = 250
AT_ONCE = 16
ANSWER_S = 8.0
"""A handshake without end is cut off after 5 s."""


async def answer(port: int, data: bytes, yes: bytes) -> bool:
    """Send these bytes; return whether ``yes`` comes before the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                writer.write(data.replace(b"{port}", str(port).encode()))
                while yes not in got and (more := await reader.read(65_536)):
                    got += more
    finally:
        writer.transport.abort()
    return yes in got


async def _admitted(port: int, attempts: dict[str, bytes], yes: bytes) -> set[str]:
    door = asyncio.Semaphore(AT_ONCE)

    async def attempt(data: bytes) -> bool:
        async with door:
            return await answer(port, data, yes)

    let_in = await asyncio.gather(*map(attempt, attempts.values()))
    return {name for name, inside in zip(attempts, let_in, strict=True) if inside}


def admitted(port: int, attempts: dict[str, bytes], yes: bytes = b"HTTP/1.1 101 ") -> set[str]:
    """Return which of these were let in."""
    return asyncio.run(_admitted(port, attempts, yes))


def different(attempts: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Return each of the attempts once."""
    by_bytes = {data: name for name, data in attempts}
    return {name: data for data, name in by_bytes.items()}


def measure(program: Server) -> Outcome:
    bad, good = different(hostile()), different(welcome())
    intruders = admitted(program.port, bad)
    joined = len(program.told("connected"))
    refused = good.keys() - admitted(program.port, good)
    welcomed = len(program.told("connected"))
    plain = 0
    for port, path in ((program.program.rest_port, "/status"), (program.control_port, "/v1/status")):
        bad_ones = different(hostile_ordinary(path, program.token))
        good_ones = different(welcome_ordinary(path, program.token))
        plain += len(bad_ones)
        intruders |= admitted(port, bad_ones, b"HTTP/1.1 2")
        refused |= good_ones.keys() - admitted(port, good_ones, b"HTTP/1.1 200 ")
        good |= good_ones
    for name in sorted(intruders):
        print(f"  let in: {name}")
    for name in sorted(refused):
        print(f"  turned away: {name}")
    return Outcome(
        f"{len(intruders)} let in of {len(bad)} hostile handshakes and {plain} requests to REST and control; "
        f"{len(refused)} of {len(good)} legitimate ones refused",
        f"0 of at least {AT_LEAST}; 0",
        not intruders and not joined and not refused and len(bad) >= AT_LEAST and welcomed == len(dict(welcome())),
    )


def run(long: bool) -> Outcome:
    with server() as program:
        return measure(program)
