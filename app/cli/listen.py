"""``companion listen``: print what arrives."""

import asyncio
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from websockets.exceptions import InvalidURI

from app.cli.control import FORGED, fail
from app.cli.event_client import EventClient
from app.cli.options import as_json
from app.protocol.constants import EVENTS_PATH
from app.protocol.summary import summarize
from app.system import instance
from app.system.exit_codes import Exit
from app.system.paths import Folders
from app.system.process_signals import ignore_more, on_stop
from app.system.terminal import discard_output, print_lines, say


def url_of(port: int) -> str:
    """Return the event server's address on ``port``."""
    return f"ws://127.0.0.1:{port}{EVENTS_PATH}"


def find(port: int | None, data_dir: Path | None) -> str:
    """Return where to connect: that port, or the running companion, or where one would be."""
    file = Folders.of(data_dir).instance_file
    if port is None and (found := instance.find(file)) and found.events:
        port = instance.events_port(found)
        if port is None:
            fail(FORGED.format(file, "event server"), Exit.FAILED)
    return url_of(port or 8081)


def run(
    url: str, username: str | None, *, as_json: bool, send: Sequence[str] = (), for_s: float | None = None
) -> int:
    """Listen until a signal (0), for a time (0, or 1 without a connection), or until it gave up (1).

    2: the address is none.
    """
    if username is not None:
        url += ("&" if "?" in url else "?") + "username=" + quote(username, safe="")
    client = EventClient(url, told=say, greeting=_frames(send))
    client.subscribe(_print_json if as_json else _print_line)
    try:
        return asyncio.run(_listen(client, for_s))
    except InvalidURI:
        say(f"{url} is not a WebSocket address; it looks like {url_of(8081)}")
        return Exit.USAGE
    except BrokenPipeError:  # `companion listen | head -1`
        discard_output()
        return Exit.OK


def _frames(send: Sequence[str]) -> list[str]:
    """Return what is to be sent; ``-`` is each line of standard input."""
    frames: list[str] = []
    for text in send:
        if text == "-":
            typed = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape")
            frames += [line.rstrip("\n") for line in typed]
        else:
            frames.append(text)
    return frames


async def _listen(client: EventClient, for_s: float | None) -> int:
    listening = asyncio.current_task()
    assert listening is not None
    on_stop(asyncio.get_running_loop(), listening.cancel)
    try:
        async with asyncio.timeout(for_s):
            return Exit.OK if await client.connect() else Exit.FAILED
    except TimeoutError:
        if client.connections:
            return Exit.OK
        say(f"no connection within {for_s:g} s")
        return Exit.FAILED
    except asyncio.CancelledError:
        return Exit.OK
    finally:
        ignore_more(asyncio.get_running_loop())


def _print_json(event: dict[str, Any]) -> None:
    print_lines(as_json(event))


def _print_line(event: dict[str, Any]) -> None:
    moment = time.strftime("%H:%M:%S")
    print_lines(f"{moment} ↓ {summarize(event['event']):<14} {summarize(event.get('data'))}")
