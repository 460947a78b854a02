"""A peer as the chat state stores it: a person with a companion of their own, and the public keys that are pinned.
Other keys are refused until the user accepts them. A peer may no longer be a friend.
Also functions that check an IP address or host name, and parse the address of a peer (``HOST:PORT``).
"""

import re
from ipaddress import ip_address

from msgspec import Struct

from app.protocol.errors import Malformed
from app.protocol.peers.keys import PublicKeys

DEFAULT_PORT = 9100
MAX_ADDRESS_CHARS = 300
MAX_HOST_CHARS = 253
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_IPV6 = re.compile(r"\[([0-9a-fA-F:.]+)\](?::([0-9]{1,5}))?")


class Peer(Struct, frozen=True, kw_only=True):
    """A peer. ``address`` is ``HOST:PORT``; if it is empty, the peer is reached at the usual port of ``last_ip``,
    from which its last verified frame came, or else of ``registered_ip``, which anyone may have written to the
    directory.

    ``verified`` says whether the user has compared the fingerprint. ``offered`` are other keys that were seen
    with this name, which are refused until the user accepts them. ``rejected`` are those that the user has
    rejected: the directory does not offer them again until it offers others. Times are in seconds since the epoch.
    """

    username: str
    keys: PublicKeys
    address: str = ""
    node_id: str = ""
    verified: bool = False
    offered: PublicKeys | None = None
    rejected: PublicKeys | None = None
    is_friend: bool = True
    online: bool = False
    last_seen: float = 0.0
    last_ip: str = ""
    registered_ip: str = ""
    added_at: float = 0.0
    acknowledges: bool = False
    """Whether it has ever acknowledged something that was sent to it."""
    waiting: int = 0
    """Number of messages that have not reached the peer."""

    @property
    def changed_note(self) -> str:
        """A sentence about the offered keys."""
        return (
            f"{self.username} was seen with other keys, which are refused. Ask the friend, compare the new "
            f"fingerprint (companion peers verify {self.username}), then accept or reject them."
        )

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port to connect to first. The host is empty if none is known."""
        return self.endpoints[0]

    @property
    def endpoints(self) -> list[tuple[str, int]]:
        """Hosts and ports to connect to, one after the other until one can be reached; at least one."""
        if self.address:
            return [parse_address(self.address)]
        hosts = [self.last_ip, *({self.registered_ip} - {self.last_ip, ""})]
        return [(host, DEFAULT_PORT) for host in hosts]


def is_host(text: str) -> bool:
    """Return whether a text is an IP address or a host name, such as another user may enter in the directory."""
    if len(text) > MAX_HOST_CHARS or not text.isascii() or not text.isprintable():
        return False
    try:
        ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``, ``HOST`` or ``[IPV6]:PORT``. Raises ``Malformed``."""
    if match := _IPV6.fullmatch(text):
        host, port = match[1], match[2] or str(DEFAULT_PORT)
    else:
        host, separator, port = text.partition(":")
        port = port if separator else str(DEFAULT_PORT)
    plain = host and host.isascii() and host.isprintable() and not set(host) & set(" /@[]?#%")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536
    if not plain or len(host) > MAX_HOST_CHARS or not is_port:
        raise Malformed(f"{text[:80]!r} is not an address. Write HOST:PORT, such as 192.168.1.20:{DEFAULT_PORT}.")
    return host, int(port)
