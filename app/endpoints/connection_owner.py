"""Whose process is at the other end of a loopback connection: Linux tells."""

import os
import socket
import struct
import sys
from pathlib import Path
from typing import NamedTuple

TABLE = Path("/proc/net/tcp")

Address = tuple[str, int]

# linux/inet_diag.h: one question about one connection, answered from the kernel's hash table.
_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBBI")
_CONNECTION = struct.Struct("!HH4s12x4s12x4x8s")
_NO_COOKIE = b"\xff" * 8
_STATE_AT = _HEADER.size + 1
_OWNER_AT = _HEADER.size + 4 + _CONNECTION.size + 12
_LISTEN = 10


class Gone(Exception):
    """Nobody holds the other end any more, and so nobody can say whose it was."""


class _Socket(NamedTuple):
    """What the system says of one end; an inode of 0 means that no process holds it."""

    state: int
    owner: int
    inode: int


def foreign_owner(peer: Address | None, own: Address | None) -> int | None:
    """Return the user id at the other end where it is known and not ours; None means welcome. Raises ``Gone``."""
    owner = owner_of(peer, own)
    return owner if owner is not None and owner != os.getuid() else None


def owner_of(peer: Address | None, own: Address | None) -> int | None:
    """Return the user id of the process that holds ``peer``, or None where the system does not tell.

    Raises ``Gone``: whoever sends a request and hangs up before it is read must not pass for one of us.
    """
    if sys.platform != "linux":
        return None
    if peer is None or own is None:  # so says a socket that was reset
        raise Gone
    try:
        owner = ask_kernel(peer, own)
    except OSError:  # a sandbox may forbid the question
        owner = None
    return look_up(peer, own) if owner is None else owner


def ask_kernel(peer: Address, own: Address) -> int | None:
    """Return the owner of one connection's end, in the same time however many there are.

    None where this kernel tells nothing. Raises ``Gone`` and ``OSError``.
    """
    if sys.platform != "linux":
        return None
    found = _ask(peer, own)
    if found is None and _ask(own, peer) is None:  # it does not know our own end, nor that we listen there
        return None
    return _held(found)


def _ask(this: Address, other: Address) -> _Socket | None:
    if sys.platform != "linux":
        return None
    ends = _CONNECTION.pack(this[1], other[1], socket.inet_aton(this[0]), socket.inet_aton(other[0]), _NO_COOKIE)
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends
    header = _HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _SOCK_DIAG) as kernel:
        kernel.send(header + question)
        answer = kernel.recv(4096)  # there already: the kernel answers while it is asked
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY or len(answer) < _OWNER_AT + 8:
        return None
    return _Socket(answer[_STATE_AT], *struct.unpack_from("=II", answer, _OWNER_AT))


def _held(found: _Socket | None) -> int:
    """Return the owner of an end that a process holds. A listener on its port is not that end."""
    if found is None or found.state == _LISTEN or not found.inode:
        raise Gone
    return found.owner


def look_up(peer: Address, own: Address) -> int | None:
    """Return the same from the kernel's table of all connections. Raises ``Gone``."""
    wanted, we_listen = f"{_hex(peer)} {_hex(own)} ", f"{_hex(own)} 00000000:0000 "
    listed = False
    try:
        with TABLE.open() as table:
            for line in table:
                _, _, rest = line.partition(": ")
                if rest.startswith(wanted):
                    fields = line.split()
                    return _held(_Socket(int(fields[3], 16), int(fields[7]), int(fields[9])))
                listed |= rest.startswith(we_listen)
    except (OSError, ValueError, IndexError):
        return None
    if listed:
        raise Gone
    return None  # a table that does not even know that we listen


def _hex(address: Address) -> str:
    """Return an address as the table writes it: ``0100007F:1F91``."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
