"""Find the system's proxy for an address."""

from urllib.parse import urlsplit


def system_proxy(address: str) -> str | None:
    """Return the system's proxy for an address, or None. This may block for a DNS lookup.

    aiohttp's own lookup (``trust_env``) would also send passwords from ``.netrc``.
    """
    url = urlsplit(address)
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)
