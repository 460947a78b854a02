"""Find the proxy for an address, for the update check and Supabase: that of the environment variables or, on
Windows and macOS, of the system's settings (not the companion's).
"""

from urllib.parse import urlsplit


def system_proxy(address: str) -> str | None:
    """Return the system's proxy for an address, or None. This may block for a DNS lookup.

    aiohttp's own lookup (``trust_env``) would also send passwords from ``.netrc``.
    """
    url = urlsplit(address)
    from urllib.request import getproxies, proxy_bypass

    host = f"{url.hostname}:{url.port}" if url.port else url.hostname or ""
    proxy = None if proxy_bypass(host) else getproxies().get(url.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
