"""Look up which system user owns the process at the other end of a loopback connection (Linux only). The access
policy uses this to reject the processes of other users.
"""

import os
import socket
import struct
import sys
from pathlib import Path
from typing import NamedTuple

TABLE = Path("/proc/net/tcp")

Address = tuple[str, int]

# linux/inet_diag.h: a query for one connection, which the kernel answers from its hash table.
_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBBI")
_CONNECTION = struct.Struct("!HH4s12x4s12x4x8s")
_ANY_COOKIE = b"\xff" * 8
_STATE_OFFSET = _HEADER.size + 1
_OWNER_OFFSET = _HEADER.size + 4 + _CONNECTION.size + 12
_LISTENING = 10


class ConnectionGone(Exception):
    """The other end is closed, so its owner cannot be identified any more."""


class _Socket(NamedTuple):
    """One end of a connection as the kernel reports it. The inode is 0 if no process holds it."""

    state: int
    owner: int
    inode: int


def foreign_owner(peer: Address | None, own: Address | None) -> int | None:
    """Return the user id at the other end if it is known and not ours, else None. Raises ``ConnectionGone``."""
    owner = owner_of(peer, own)
    return owner if owner is not None and owner != os.getuid() else None


def owner_of(peer: Address | None, own: Address | None) -> int | None:
    """Return the user id of the process that holds ``peer``, or None if the system does not report it.

    Raises ``ConnectionGone``. The caller has to reject such a connection: otherwise a process of another user could
    send a request and close the connection before its owner is looked up.
    """
    if sys.platform != "linux":
        return None
    if peer is None or own is None:  # the connection was reset
        raise ConnectionGone
    try:
        owner = query_kernel(peer, own)
    except OSError:  # a sandbox may forbid the query
        owner = None
    return scan_table(peer, own) if owner is None else owner


def query_kernel(peer: Address, own: Address) -> int | None:
    """Return the owner of one end from a query for this connection, in constant time.

    None if this kernel does not answer such queries. Raises ``ConnectionGone`` and ``OSError``.
    """
    if sys.platform != "linux":
        return None
    found = _query(peer, own)
    if found is None and _query(own, peer) is None:  # the kernel does not even report our own end
        return None
    return _holder(found)


def _query(this: Address, other: Address) -> _Socket | None:
    if sys.platform != "linux":
        return None
    ends = _CONNECTION.pack(this[1], other[1], socket.inet_aton(this[0]), socket.inet_aton(other[0]), _ANY_COOKIE)
    query = _QUERY.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends
    header = _HEADER.pack(_HEADER.size + len(query), _BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _SOCK_DIAG) as kernel:
        kernel.send(header + query)
        answer = kernel.recv(4096)  # never blocks: the kernel answers before send() returns
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY or len(answer) < _OWNER_OFFSET + 8:
        return None
    return _Socket(answer[_STATE_OFFSET], *struct.unpack_from("=II", answer, _OWNER_OFFSET))


def _holder(found: _Socket | None) -> int:
    """Return the owner of an end. Raises ``ConnectionGone`` if it is closed; a listening socket is not an end."""
    if found is None or found.state == _LISTENING or not found.inode:
        raise ConnectionGone
    return found.owner


def scan_table(peer: Address, own: Address) -> int | None:
    """Return the owner of ``peer`` from the table of all connections, or None. Raises ``ConnectionGone``."""
    wanted, our_listener = f"{_hex(peer)} {_hex(own)} ", f"{_hex(own)} 00000000:0000 "
    listed = False
    try:
        with TABLE.open() as table:
            for line in table:
                _, _, rest = line.partition(": ")
                if rest.startswith(wanted):
                    fields = line.split()
                    return _holder(_Socket(int(fields[3], 16), int(fields[7]), int(fields[9])))
                listed |= rest.startswith(our_listener)
    except (OSError, ValueError, IndexError):
        return None
    if listed:
        raise ConnectionGone
    return None  # the table does not even contain our listening socket


def _hex(address: Address) -> str:
    """Return an address in the format of the table: ``0100007F:1F91``."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
