"""Write, find and remove the instance file, by which commands find the running companion.
It contains the process id, the URLs of the control API, the event server and the REST stand-in, the names of the
two JSON keys of a frame (usually ``event`` and ``data``), whether there is a window, and where the token is kept,
but no token.

It is in the folder ``Folders.runtime``, and only this user can read it. If its process has ended, it is ignored.
"""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.system.files import read_file, write_file

VERSION = 1
MAX_BYTES = 64 * 1024
MAX_TARGET = 8_000
"""Characters of a path and its query in requests to the control API. aiohttp accepts lines of 8,190."""
TARGET_TOO_LONG = f"A value is too long: it is sent in a URL, which can have at most {MAX_TARGET:,} characters."
_HTTP = r"http://127\.0\.0\.1:([0-9]{1,5})"


class Instance(Struct, kw_only=True):
    """A running companion. ``token_in`` is the kind of place where its token is stored, ``token_file`` the file."""

    version: int = VERSION
    pid: int
    started: Annotated[float, Meta(description="Start time of the process, from the system")]
    booted: Annotated[float, Meta(description="Boot time of the system on Linux; it moves with the clock")] = 0.0
    control: Annotated[str, Meta(description="Base URL of the control API; empty if it is off")]
    token_in: str
    token_file: str = ""
    folder: Annotated[str, Meta(description="This file's folder, as the companion spells it")] = ""
    events: Annotated[str, Meta(description="URL of the event server; empty if it is stopped")] = ""
    event_key: Annotated[str, Meta(description="Key of the event's name in frames")] = "event"
    data_key: Annotated[str, Meta(description="Key of the event's data in frames")] = "data"
    rest: Annotated[str, Meta(description="Base URL of the REST stand-in; empty if it is off")] = ""
    window: Annotated[bool, Meta(description="Whether it has a window; older versions do not write this")] = True


def write(
    file: Path,
    control: str,
    token_in: str,
    token_file: Path | None = None,
    events: str = "",
    *,
    rest: str = "",
    window: bool = True,
    keys: tuple[str, str] = ("event", "data"),
) -> None:
    """Write the file with mode 0600. Raise ``OSError``."""
    import psutil

    me = Instance(
        pid=os.getpid(), started=psutil.Process().create_time(), booted=_booted(), control=control,
        token_in=token_in, token_file=str(token_file or ""), events=events, rest=rest, window=window,
        event_key=keys[0], data_key=keys[1], folder=str(file.parent),
    )  # fmt: skip
    write_file(file, msgspec.json.encode(me).decode() + "\n", durable=False)


def _booted() -> float:
    """Return the boot time on Linux. If the clock is set, it moves, and the start times of processes with it."""
    import psutil

    return psutil.boot_time() if sys.platform == "linux" else 0.0


def control_port(found: Instance) -> int | None:
    """Return the port of the control API, or None if the file names another address: it may be forged."""
    return _port(_HTTP, found.control)


def rest_port(found: Instance) -> int | None:
    """Return the port of the REST stand-in, or None as for the control API."""
    return _port(_HTTP, found.rest)


def events_address(found: Instance) -> tuple[int, str] | None:
    """Return the port and the path of the event server, or None if the file names another address."""
    match = re.fullmatch(r"ws://127\.0\.0\.1:([0-9]{1,5})(/[A-Za-z0-9._~/-]*)", found.events)
    return (int(match[1]), match[2]) if match and 0 < int(match[1]) <= 65535 else None


def _port(pattern: str, address: str) -> int | None:
    match = re.fullmatch(pattern, address)
    return int(match[1]) if match and 0 < int(match[1]) <= 65535 else None


def folder_of(found: Instance, folder: Path) -> Path:
    """Return ``folder``, that of the instance file, as the companion spells it.

    The account in the keyring and the socket of the window are named by it.
    On macOS, a folder is found under several spellings, which differ in case or in the form of Unicode.
    """
    with suppress(OSError, ValueError):  # ValueError: a NUL in the path
        if found.folder and Path(found.folder).samefile(folder):  # the file may be forged
            return Path(found.folder)
    return folder


def remove(file: Path) -> None:
    """Delete the file. May be called twice."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


def find(file: Path) -> Instance | None:
    """Return the companion of the file, or None if its process has ended or the file is not valid."""
    import psutil

    try:
        found = msgspec.json.decode(read_file(file, MAX_BYTES), type=Instance)
        process = psutil.Process(found.pid)
        started = found.started + (_booted() - found.booted if found.booted else 0.0)
        alive = abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, msgspec.DecodeError, psutil.Error, ValueError):
        return None
    return found if alive and found.version == VERSION else None
