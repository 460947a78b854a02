"""The command ``companion listen``: connect to the event server as the UI does, and print each event.
It ends at Ctrl+C or SIGTERM, after a given time, when all attempts to connect have failed, or when it prints after
its output was closed. It can also send given frames after each connect. ``main`` defines its options, and
``event_client`` has the connection.
"""

import asyncio
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import InvalidURI

from app.cli.control import UNEXPECTED_ADDRESS, fail, segment
from app.cli.event_client import EventClient
from app.cli.options import as_json
from app.protocol.constants import EVENTS_PATH
from app.protocol.summary import summarize
from app.system import instance
from app.system.exit_codes import Exit
from app.system.paths import Folders
from app.system.process_signals import ignore_more, on_stop
from app.system.terminal import discard_output, print_lines, say

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def url_of(port: int, path: str = EVENTS_PATH) -> str:
    """Return the WebSocket address of an event server on ``port``."""
    return f"ws://127.0.0.1:{port}{path}"


def find_server(port: int | None, data_dir: Path | None) -> str:
    """Return the address for ``port``, or else of the running companion, or else of the default port."""
    file = Folders.of(data_dir).instance_file
    found = instance.find(file)
    if found and port is not None:
        _check_port(port, found)
    if port is None and found and found.events:
        address = instance.events_address(found)
        if address is None:
            fail(UNEXPECTED_ADDRESS.format(file, "event server"), Exit.FAILED)
        return url_of(*address)
    return url_of(port or 8081)


def _check_port(port: int, found: instance.Instance) -> None:
    """Exit with an error if another server of the running companion has this port."""
    others = {instance.control_port(found): "the control API", instance.rest_port(found): "the REST stand-in"}
    if port in others:
        address = instance.events_address(found)
        own = f"The event server has port {address[0]}" if address else "The event server is stopped"
        fail(f"Port {port} is the one of {others[port]}. {own}.", Exit.USAGE)


def envelope_keys(url: str, data_dir: Path | None) -> tuple[str, str]:
    """Return the keys of a frame: those of the running companion if ``url`` is its address, or the usual ones."""
    found = instance.find(Folders.of(data_dir).instance_file)
    own = instance.events_address(found) if found else None
    try:
        parts = urlsplit(url)
        is_own = own is not None and parts.hostname in LOOPBACK and parts.port == own[0]
    except ValueError:  # the connection reports it
        is_own = False
    return (found.event_key, found.data_key) if found and is_own else ("event", "data")


def run(
    url: str,
    username: str | None,
    *,
    as_json: bool,
    send: Sequence[str] = (),
    for_s: float | None = None,
    keys: tuple[str, str] = ("event", "data"),
) -> int:
    """Print events until Ctrl+C or SIGTERM, or for ``for_s`` seconds. Return the exit code.

    0 after a signal or after ``for_s``; 1 if it could not connect; 2 if ``url`` is not a WebSocket address.
    """
    if username is not None:
        url += ("&" if "?" in url else "?") + "username=" + segment(username)
    client = EventClient(url, on_status=say, greeting=frames_of(send), keys=keys)
    client.subscribe(_print_json if as_json else _print_line)
    try:
        return asyncio.run(_listen(client, for_s))
    except InvalidURI:
        say(f"{url} is not a WebSocket address. Use an address like {url_of(8081)}")
        return Exit.USAGE
    except BrokenPipeError:  # `companion listen | head -1`
        discard_output()
        return Exit.OK


def frames_of(send: Sequence[str]) -> list[str]:
    """Return the texts to send, with ``-`` replaced by the lines of standard input."""
    frames: list[str] = []
    for text in send:
        if text == "-":
            stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape")
            frames += [line.rstrip("\n") for line in stdin]
            stdin.detach()  # or it closes standard input
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
