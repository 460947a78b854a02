"""``python -m tests.benchmarks.servers.recording FILE``: read a recording, and print the times and the memory."""

import asyncio
import json
import sys
from pathlib import Path
from time import perf_counter

import msgspec
import psutil

from app.hub.recorded_rows import RecordedLine
from app.observers.opened_recording import open_recording


def main(file: Path) -> None:
    decoder = msgspec.json.Decoder(RecordedLine)
    with file.open("rb") as lines:
        next(lines)
        began = perf_counter()
        for line in lines:
            decoder.decode(line)
        plain = perf_counter() - began
    found = asyncio.run(_opened(file))
    found["plain"] = plain
    print(f"read {json.dumps(found)}", flush=True)


async def _opened(file: Path) -> dict[str, float]:
    """Open the recording as the window does."""
    process = psutil.Process()
    before = process.memory_info().rss
    began = perf_counter()
    opened = await open_recording("long", file)
    first: list[float] = []
    opened.progressed.connect(lambda _: first.append(perf_counter() - began))
    await opened.load()
    taken = perf_counter() - began
    memory = (process.memory_info().rss - before) / 1e6
    return {"first": first[0], "all": taken, "memory": memory}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
