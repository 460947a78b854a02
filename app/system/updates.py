"""Asks whether there is a newer version. It tells and downloads nothing; nobody asks unless a person wants it.

What is asked is a page of JSON like GitHub's ``releases/latest``: ``tag_name`` and ``html_url``. The request
carries the program's name and version, and nothing else of this computer.
"""

import json
import re
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import urlsplit

from app import __version__

PATIENCE_S = 10.0
MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 3
LOOPBACK = ("127.0.0.1", "::1", "localhost")
VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:[-.]?(a|b|rc|alpha|beta)[-.]?(\d{0,9}))?")


class UpdateError(Exception):
    """It could not be found out; the text says why."""


class Release(NamedTuple):
    """What the project says is its newest version, and the page that a person can open."""

    version: str
    page: str


def built_in_address() -> str:
    """Return where this build's releases are told; empty for one that nobody released."""
    there = files("resources").joinpath("updates.url")
    return there.read_text(encoding="utf-8").strip() if there.is_file() else ""


def address_problem(address: str) -> str:
    """Say why nothing can be asked there, or nothing. Only this computer may be asked without encryption."""
    try:
        url = urlsplit(address)
        host = url.hostname
    except ValueError:
        host = None
    if not host or not (url.scheme == "https" or (url.scheme == "http" and host in LOOPBACK)):
        return f"{address or 'nothing'} is no address that begins with https://"
    return ""


async def look(address: str, current: str = __version__) -> Release | None:
    """Return a release that is newer than ``current``, or None. Raises ``UpdateError``."""
    if wrong := address_problem(address):
        raise UpdateError(wrong)
    release = _release(await _fetch(address, current))
    return release if newer(release.version, current) else None


def newer(one: str, other: str) -> bool:
    """Return whether version ``one`` comes after ``other``; ``1.2.0rc1`` comes before ``1.2.0``.

    Raises ``UpdateError`` for what is no version.
    """
    return _order(one) > _order(other)


def _order(version: str) -> tuple[tuple[int, ...], bool, str, int]:
    found = VERSION.fullmatch(version.strip())
    if not found:
        raise UpdateError(f"{version[:40]!r} is no version")
    numbers = [int(each) for each in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 1.2 is 1.2.0
    return tuple(numbers), found[2] is None, (found[2] or "")[:1], int(found[3] or 0)


def _release(text: bytes) -> Release:
    try:
        said = json.loads(text)
        version, page = said["tag_name"], said["html_url"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UpdateError("the answer names no release") from None
    if not isinstance(version, str) or not isinstance(page, str) or address_problem(page):
        raise UpdateError("the answer names no release")
    return Release(version.strip().removeprefix("v"), page)


def _proxy(address: str) -> str | None:
    """Return the system's proxy for an address; may ask the network for a name.

    aiohttp would find it by itself, and send the passwords of ``.netrc`` along.
    """
    url = urlsplit(address)
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)


async def _fetch(address: str, current: str) -> bytes:
    """Return the page, of ``MAX_BYTES`` at most, within ``PATIENCE_S``. Raises ``UpdateError``."""
    import asyncio
    import ssl

    import aiohttp
    import truststore

    # The certificates that the system trusts: a bundle has none of its own, and a company's proxy has one of its.
    trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    headers = {"User-Agent": f"p2p-chat-companion/{current}", "Accept": "application/json"}
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            aiohttp.ClientSession(headers=headers) as session,
            session.get(
                address, ssl=trusted, max_redirects=MAX_REDIRECTS, proxy=await asyncio.to_thread(_proxy, address)
            ) as answer,
        ):
            if address_problem(str(answer.url)):
                raise UpdateError("it led to a page without encryption")
            if answer.status != 200:
                raise UpdateError(f"the answer was {answer.status}")
            text = await answer.content.read(MAX_BYTES + 1)
            while len(text) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES)):
                text += more
    except TimeoutError:
        raise UpdateError(f"no answer within {PATIENCE_S:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise UpdateError(f"it could not be reached ({type(error).__name__})") from None
    if len(text) > MAX_BYTES:
        raise UpdateError("the answer is too long")
    return text
