"""Parse the targets of links and pictures in the manual: a page, an address on the web, or a picture file.
Picture files must exist; a link may name a page that does not exist. It also makes the anchors of headings, as
GitHub does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PAGE = re.compile(r"(?:\./)?(?P<page>[A-Za-z0-9][\w-]*)\.md(?:#(?P<anchor>[^#]*))?", re.ASCII)
_PICTURE = re.compile(r"(?:\./)?pictures/(?P<file>[A-Za-z0-9][\w.-]*\.png)", re.ASCII)
_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class PageLink:
    """A place in the manual. An empty anchor is the top of the page."""

    page: str
    anchor: str = ""


@dataclass(frozen=True)
class WebLink:
    """An ``http`` or ``https`` address."""

    url: str


def resolve(page: str, target: str) -> PageLink | WebLink | None:
    """Return the page or the web address that a link on ``page`` names, or None for any other target.

    The page may not exist.
    """
    if target.startswith("#"):
        return PageLink(page, target[1:])
    if _WEB.match(target):
        return WebLink(target)
    if found := _PAGE.fullmatch(target):
        return PageLink(found["page"], found["anchor"] or "")
    return None


def picture_file(folder: Path, target: str, *, dark: bool = False) -> Path | None:
    """Return the file of a picture below ``folder/pictures``, or None if the manual has no such picture.

    A picture ``name-light.png`` has a twin ``name-dark.png`` for the dark theme, if that file exists.
    """
    found = _PICTURE.fullmatch(target)
    if not found:
        return None
    pictures = folder / "pictures"
    names = [found["file"]]
    if dark and found["file"].endswith("-light.png"):
        names.insert(0, found["file"].removesuffix("-light.png") + "-dark.png")
    root = pictures.resolve()
    files = ((root / name).resolve() for name in names)
    return next((file for file in files if file.parent == root and file.is_file()), None)


def anchors(headings: Iterable[str]) -> list[str]:
    """Return the anchors of a page's headings, as GitHub makes them: ``Filter the log`` is ``filter-the-log``."""
    used: dict[str, int] = {}
    for heading in headings:
        anchor = first = _NOT_IN_ANCHOR.sub("", heading.strip().lower()).replace(" ", "-")
        while anchor in used:
            used[first] += 1
            anchor = f"{first}-{used[first]}"
        used[anchor] = 0
    return list(used)
