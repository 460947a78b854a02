"""What all doors have in common: they listen on the loopback address only, and a port may be busy."""

import asyncio
import errno
from typing import Any

HOST = "127.0.0.1"

# Windows answers WSAEACCES (10013) where another program holds the port exclusively.
_BUSY = (errno.EADDRINUSE, 10013, 10048)


class PortBusy(Exception):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is busy")
        self.port = port


def is_busy(error: OSError) -> bool:
    """Return whether a bind failed because the port is taken."""
    return error.errno in _BUSY


def ends_of(transport: asyncio.BaseTransport) -> tuple[Any, Any]:
    """Return the addresses of a connection's ends, the other's and ours; None for one that was reset."""
    try:
        return transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    except AttributeError:  # uvloop asks a socket that it has given back
        return None, None
