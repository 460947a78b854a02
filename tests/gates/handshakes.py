"""Every hostile handshake is rejected, and every legitimate one is accepted."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from tests.gates.gate import Outcome, Server, server
from tests.gates.hostile import hostile, hostile_requests, legitimate, legitimate_requests

AT_LEAST = 250
AT_ONCE = 16
RESPONSE_S = 8.0
"""The server closes an incomplete handshake after 5 s."""


async def responds_with(port: int, data: bytes, expected: bytes) -> bool:
    """Send bytes, and return whether the response contains ``expected``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(RESPONSE_S):
                writer.write(data.replace(b"{port}", str(port).encode()))
                while expected not in got and (more := await reader.read(65_536)):
                    got += more
    finally:
        writer.transport.abort()
    return expected in got


async def _accepted(port: int, attempts: dict[str, bytes], expected: bytes) -> set[str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def attempt(data: bytes) -> bool:
        async with slots:
            return await responds_with(port, data, expected)

    results = await asyncio.gather(*map(attempt, attempts.values()))
    return {name for name, accepted in zip(attempts, results, strict=True) if accepted}


def accepted(port: int, attempts: dict[str, bytes], expected: bytes = b"HTTP/1.1 101 ") -> set[str]:
    """Return the names of the attempts that were accepted."""
    return asyncio.run(_accepted(port, attempts, expected))


def unique(attempts: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Return the attempts without duplicates, by name."""
    by_bytes = {data: name for name, data in attempts}
    return {name: data for data, name in by_bytes.items()}


def measure(program: Server) -> Outcome:
    bad, good = unique(hostile()), unique(legitimate())
    intruders = accepted(program.port, bad)
    connected_hostile = len(program.journal_rows("connected"))
    rejected = good.keys() - accepted(program.port, good)
    connected = len(program.journal_rows("connected"))
    plain = 0
    for port, path in ((program.program.rest_port, "/status"), (program.control_port, "/v1/status")):
        bad_ones = unique(hostile_requests(path, program.token))
        good_ones = unique(legitimate_requests(path, program.token))
        plain += len(bad_ones)
        intruders |= accepted(port, bad_ones, b"HTTP/1.1 2")
        rejected |= good_ones.keys() - accepted(port, good_ones, b"HTTP/1.1 200 ")
        good |= good_ones
    for name in sorted(intruders):
        print(f"  accepted: {name}")
    for name in sorted(rejected):
        print(f"  rejected: {name}")
    return Outcome(
        f"{len(intruders)} accepted of {len(bad)} hostile handshakes and {plain} requests to REST and control; "
        f"{len(rejected)} of {len(good)} legitimate ones rejected",
        f"0 of at least {AT_LEAST}; 0",
        not intruders
        and not connected_hostile
        and not rejected
        and len(bad) >= AT_LEAST
        and connected == len(dict(legitimate())),
    )


def run(long: bool) -> Outcome:
    with server() as program:
        return measure(program)
