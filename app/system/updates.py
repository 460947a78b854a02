"""Check the update feed for a newer version, and return its number and web page. The update is not downloaded.

``ui.updates`` checks at start and once a day if the setting is on; the About dialog and the control API check on
request. The update feed is JSON like GitHub's ``releases/latest``, with ``tag_name`` and ``html_url``. The request
contains the name and version of the program, and nothing else about this computer.
"""

import json
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from app import __version__
from app.system.proxy import system_proxy
from resources import FOLDER

TIMEOUT_S = 10.0
MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 3
LOOPBACK = ("127.0.0.1", "::1", "localhost")
GITHUB_FEED = re.compile(r"https://api\.github\.com/repos/([\w.-]+/[\w.-]+)/releases/latest")
VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:[-.]?(a|b|rc|alpha|beta)[-.]?(\d{0,9}))?")


class UpdateError(Exception):
    """The check failed, or a version number is invalid. The text says why and is shown to users."""


class Release(NamedTuple):
    """The newest version according to the update feed, and its web page."""

    version: str
    page: str


def built_in_address() -> str:
    """Return the update feed of this build; empty for a build from source."""
    there = FOLDER / "updates.url"
    return there.read_text(encoding="utf-8").strip() if there.is_file() else ""


def project_page() -> str:
    """Return the page of the GitHub repository that this build comes from; empty for a build from source."""
    repository = GITHUB_FEED.fullmatch(built_in_address())
    return f"https://github.com/{repository[1]}" if repository else ""


def address_problem(address: str) -> str:
    """Return why an address cannot be used, or an empty text. Without TLS, only this computer is allowed."""
    try:
        url = urlsplit(address)
        host = url.hostname
    except ValueError:
        host = None
    if not host or not (url.scheme == "https" or (url.scheme == "http" and host in LOOPBACK)):
        return f"invalid URL {address!r}. Use a URL that begins with https://"
    return ""


async def look(address: str, current: str = __version__) -> Release | None:
    """Return the newest release if it is newer than ``current``, else None. Raise ``UpdateError``."""
    if wrong := address_problem(address):
        raise UpdateError(wrong)
    release = _release(await _fetch(address, current))
    return release if newer(release.version, current) else None


def newer(one: str, other: str) -> bool:
    """Return whether version ``one`` comes after ``other``; ``1.2.0rc1`` comes before ``1.2.0``.

    Raise ``UpdateError`` if one of them is not a version.
    """
    return _order(one) > _order(other)


def _order(version: str) -> tuple[tuple[int, ...], bool, str, int]:
    found = VERSION.fullmatch(version.strip())
    if not found:
        raise UpdateError(f"{version[:40]!r} is not a version")
    numbers = [int(each) for each in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 1.2 equals 1.2.0
    return tuple(numbers), found[2] is None, (found[2] or "")[:1], int(found[3] or 0)


def _release(text: bytes) -> Release:
    try:
        feed = json.loads(text)
        version, page = feed["tag_name"], feed["html_url"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UpdateError("the update feed contains no valid release") from None
    if not isinstance(version, str) or not isinstance(page, str) or address_problem(page):
        raise UpdateError("the update feed contains no valid release")
    return Release(version.strip().removeprefix("v"), page)


async def _fetch(address: str, current: str) -> bytes:
    """Download the update feed: at most ``MAX_BYTES``, within ``TIMEOUT_S``. Raise ``UpdateError``."""
    import asyncio
    import ssl

    import aiohttp
    import truststore

    # Use the system's certificates: a bundle contains none, and a company's proxy may need its own.
    trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    headers = {"User-Agent": f"p2p-chat-companion/{current}", "Accept": "application/json"}
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(headers=headers) as session,
            session.get(
                address,
                ssl=trusted,
                max_redirects=MAX_REDIRECTS,
                proxy=await asyncio.to_thread(system_proxy, address),
            ) as answer,
        ):
            if address_problem(str(answer.url)):
                raise UpdateError("the address redirects to a page without encryption")
            if answer.status != 200:
                raise UpdateError(f"the server answered with HTTP status {answer.status}")
            text = await answer.content.read(MAX_BYTES + 1)
            while len(text) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES)):
                text += more
    except TimeoutError:
        raise UpdateError(f"no response within {TIMEOUT_S:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise UpdateError(f"the server could not be reached ({type(error).__name__})") from None
    if len(text) > MAX_BYTES:
        raise UpdateError("the update feed is too large")
    return text
