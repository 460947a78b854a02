"""How the command line finds the running companion: a file in the runtime folder, for this user alone."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.system.files import read_file, write_file

VERSION = 1
MAX_BYTES = 64 * 1024


class Instance(Struct, kw_only=True):
    """A running companion. ``token_in`` says where its token is kept, ``token_file`` in which file."""

    version: int = VERSION
    pid: int
    started: Annotated[float, Meta(description="When the process began, as the system tells")]
    control: Annotated[str, Meta(description="Base of the control API; empty: switched off")]
    token_in: str
    token_file: str = ""
    events: Annotated[str, Meta(description="Where the UI connects; empty: the server is stopped")] = ""
    window: Annotated[bool, Meta(description="Whether it has a window; older versions do not say")] = True


def announce(
    file: Path,
    control: str,
    token_in: str,
    token_file: Path | None = None,
    events: str = "",
    *,
    window: bool = True,
) -> None:
    """Write the file (mode 0600). Raises ``OSError``."""
    import psutil

    me = Instance(
        pid=os.getpid(), started=psutil.Process().create_time(), control=control, token_in=token_in,
        token_file=str(token_file or ""), events=events, window=window,
    )  # fmt: skip
    write_file(file, msgspec.json.encode(me).decode() + "\n")


def control_port(found: Instance) -> int | None:
    """Return the port of the control API, or None if the file names another address: it may be forged."""
    return _port(r"http://127\.0\.0\.1:([0-9]{1,5})", found.control)


def events_port(found: Instance) -> int | None:
    """Return the port of the event server, or None if the file names another address."""
    return _port(r"ws://127\.0\.0\.1:([0-9]{1,5})/events", found.events)


def _port(pattern: str, address: str) -> int | None:
    match = re.fullmatch(pattern, address)
    return int(match[1]) if match and 0 < int(match[1]) <= 65535 else None


def withdraw(file: Path) -> None:
    """Remove the file. May be called twice."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


def find(file: Path) -> Instance | None:
    """Return the companion that the file tells of, if its process still runs."""
    import psutil

    try:
        told = msgspec.json.decode(read_file(file, MAX_BYTES), type=Instance)
        process = psutil.Process(told.pid)
        alive = abs(process.create_time() - told.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, msgspec.DecodeError, psutil.Error, ValueError):
        return None
    return told if alive and told.version == VERSION else None
