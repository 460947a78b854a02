"""Whose process is at the other end of a loopback connection: Linux tells."""

import os
import socket
import struct
import sys
from pathlib import Path

TABLE = Path("/proc/net/tcp")

Address = tuple[str, int]

# linux/inet_diag.h: one question about one connection, answered from the kernel's hash table.
_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBBI")
_CONNECTION = struct.Struct("!HH4s12x4s12x4x8s")
_NO_COOKIE = b"\xff" * 8
_UID_AT = _HEADER.size + 4 + _CONNECTION.size + 12


def foreign_owner(peer: Address, own: Address) -> int | None:
    """Return the user id at the other end where it is known and not ours; None means welcome."""
    owner = owner_of(peer, own)
    return owner if owner is not None and owner != os.getuid() else None


def owner_of(peer: Address, own: Address) -> int | None:
    """Return the user id of the process that holds ``peer``, or None where the system does not tell."""
    if sys.platform != "linux":
        return None
    try:
        return ask_kernel(peer, own)
    except OSError:  # a sandbox may forbid the question
        return look_up(peer, own)


def ask_kernel(peer: Address, own: Address) -> int | None:
    """Return the owner of one connection's end, in the same time however many there are. Raises ``OSError``."""
    if sys.platform != "linux":
        return None
    connection = _CONNECTION.pack(peer[1], own[1], socket.inet_aton(peer[0]), socket.inet_aton(own[0]), _NO_COOKIE)
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + connection
    header = _HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _SOCK_DIAG) as kernel:
        kernel.send(header + question)
        answer = kernel.recv(4096)  # there already: the kernel answers while it is asked
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY or len(answer) < _UID_AT + 4:
        return None
    return int(struct.unpack_from("=I", answer, _UID_AT)[0])


def look_up(peer: Address, own: Address) -> int | None:
    """Return the same from the kernel's table of all connections."""
    wanted = f"{_hex(peer)} {_hex(own)} "
    try:
        with TABLE.open() as table:
            for line in table:
                _, _, rest = line.partition(": ")
                if rest.startswith(wanted):
                    return int(line.split()[7])
    except (OSError, ValueError, IndexError):
        return None
    return None


def _hex(address: Address) -> str:
    """Return an address as the table writes it: ``0100007F:1F91``."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
