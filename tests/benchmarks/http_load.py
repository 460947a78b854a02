"""Post events to the control API over persistent connections, as fast as it responds."""

import asyncio
import json
import time
from uuid import uuid4

from tests.benchmarks.servers.load import MESSAGE


async def rate(port: int, token: str, in_flight: int, seconds: float) -> float:
    """Return the number of confirmed events per second with ``in_flight`` concurrent requests."""
    end = time.monotonic() + seconds
    done = await asyncio.gather(*(_post(port, token, end) for _ in range(in_flight)))
    return sum(done) / seconds


async def _post(port: int, token: str, end: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    try:
        while time.monotonic() < end:
            data = {**MESSAGE, "msg_id": str(uuid4()), "text": "hello"}
            body = json.dumps({"event": "new_message", "data": data})
            writer.write(
                f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            status, length = head.split(b" ", 2)[1], 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            answer = await reader.readexactly(length)
            if not status.startswith(b"2"):
                raise RuntimeError(f"POST /v1/events: {status.decode()}: {answer[:300]!r}")
            done += 1
    finally:
        writer.close()
    return done
