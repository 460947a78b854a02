"""Check the form of the address and the API key of a project in Supabase, a database service on the Internet.

A publishable key, or an older key (a JWT) of the role ``anon``, is accepted. Other keys are refused: a secret key,
or one of ``service_role``, would give everyone who can read it on this computer all rights in the project.
"""

import base64
import binascii
import json
from ipaddress import ip_address
from urllib.parse import urlsplit

MAX_URL = 500
MAX_KEY = 4096
LOOPBACK = "localhost"
_SUFFIX = "/rest/v1"
_PUBLISHABLE = "sb_publishable_"


def url_problem(url: str) -> str:
    """Return why an address of a project cannot be used, or an empty text if it can."""
    if len(url) > MAX_URL:
        return f"must not be longer than {MAX_URL} characters"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a valid address: write it as https://PROJECT.supabase.co"
    if (
        parts.scheme not in ("http", "https")
        or not host
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        return "is not an address: write it as https://PROJECT.supabase.co"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or a password"
    if "?" in url or "#" in url:
        return "must not contain ? or #: write it as https://PROJECT.supabase.co"
    if f"{_SUFFIX}/" in base_url(url):
        return f"must not continue after {_SUFFIX}: write it as https://PROJECT.supabase.co"
    if parts.scheme == "http" and not is_loopback(host):
        return "must begin with https://: without encryption, others in the network could read the key"
    return ""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this computer's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOOPBACK


def base_url(url: str) -> str:
    """Return the address of the project's REST interface. ``url`` has no ``url_problem``."""
    return url.rstrip("/").removesuffix(_SUFFIX).rstrip("/") + _SUFFIX


def key_problem(key: str) -> str:
    """Return why an API key cannot be used, or an empty text if it can. The text never contains the key."""
    if not key:
        return "is missing: enter the project's publishable key (or its older anon key)"
    if len(key) > MAX_KEY or not key.isascii() or not key.isprintable() or " " in key:
        return "is not valid: copy the publishable key (or the older anon key) from the project's settings"
    if key.startswith("sb_secret_"):
        return "is a secret key, which has all rights in the project. Use the publishable key instead"
    role = _role(key)
    if role == "service_role":
        return (
            "is the service_role key, which has all rights in the project. Use the anon or publishable key instead"
        )
    if role and role != "anon":
        return "is not the key of the role anon. Use the anon or publishable key from the project's settings"
    if not role and (not key.startswith(_PUBLISHABLE) or key == _PUBLISHABLE):
        return (
            "is neither a publishable key (sb_publishable_…) nor a JWT of the role anon: "
            "copy it from the project's settings"
        )
    return ""


def is_jwt(key: str) -> bool:
    """Return whether a key has the form of a JSON Web Token: the gateway expects those as a bearer token too."""
    return _role(key) is not None


def _role(key: str) -> str | None:
    """Return the role in a key that is a JSON Web Token, which may be empty; None if it is not one."""
    parts = key.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    try:
        claims = json.loads(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    role = claims.get("role")
    return role if isinstance(role, str) else ""
