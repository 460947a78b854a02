"""Find and read the pages of the manual, ``resources/help/*.md``, and its table of contents.

``index.md`` lists them: each ``## Heading`` begins a group, and the links below it are the pages of that group.
Pages without a link are in a last group. The first group has no title; it has the index itself and the pages that
are linked before the first heading.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.manual.links import PageLink, resolve
from app.manual.plain import inline_text
from resources import FOLDER

INDEX = "index"
UNLISTED = "More"
"""The group of pages that the index does not mention."""

_LINK = re.compile(r"(?<!!)\[(?P<title>[^\]]+)\]\((?P<target>[^)\s]+)[^)]*\)")


class ManualMissing(Exception):
    """The manual cannot be read. The message says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """A page in the table of contents: its name (the file's, without ``.md``) and its title."""

    name: str
    title: str


@dataclass(frozen=True)
class Group:
    """A heading of the index with its pages."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Page:
    """A page with its Markdown text."""

    name: str
    title: str
    text: str


@dataclass(frozen=True)
class GeneratedPage:
    """A page whose text is made each time it is read. The table of contents lists it after the page ``after``."""

    name: str
    title: str
    after: str
    text: Callable[[], str]


class Manual:
    """The pages in a folder, and generated ones. A page of the folder is read when it is first needed."""

    def __init__(self, folder: Path, generated: Sequence[GeneratedPage] = ()) -> None:
        self.folder = folder
        self._generated = {each.name: each for each in generated}
        self._pages: dict[str, Page] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all pages. Raise ``ManualMissing`` if there is no index."""
        try:
            found = frozenset(file.stem for file in self.folder.iterdir() if file.suffix == ".md")
        except OSError:
            found = frozenset()
        if INDEX not in found:
            raise ManualMissing(f"The manual is missing from {self.folder}. Install the program again.")
        return found | self._generated.keys()

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The table of contents. Each page is in one group."""
        groups = {"": [Entry(INDEX, self.page(INDEX).title)]}
        listed = {INDEX}
        for heading, entry in _links_of(self.page(INDEX).text):
            if entry.name in self.names - listed:
                listed.add(entry.name)
                beside = [
                    Entry(each.name, each.title) for each in self._generated.values() if each.after == entry.name
                ]
                listed |= {each.name for each in beside}
                groups.setdefault(heading, []).extend([entry, *beside])
        for name in sorted(self.names - listed):
            groups.setdefault(UNLISTED, []).append(Entry(name, self.page(name).title))
        return tuple(Group(title, tuple(entries)) for title, entries in groups.items())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All pages in reading order."""
        return tuple(each for group in self.groups for each in group.entries)

    def group_of(self, name: str) -> str:
        """Return the heading under which the index lists a page; empty for the first group."""
        return next((group.title for group in self.groups if name in {each.name for each in group.entries}), "")

    def page(self, name: str) -> Page:
        """Read a page. Raise ``KeyError`` if there is no such page, and ``ManualMissing`` if it is unreadable."""
        if name not in self.names:
            raise KeyError(name)
        if made := self._generated.get(name):
            return Page(name, made.title, made.text())
        if name not in self._pages:
            file = self.folder / f"{name}.md"
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                why = f"{file} cannot be read: {error.strerror}."
                raise ManualMissing(f"{why} Install the program again.") from None
            self._pages[name] = Page(name, _title(text) or name, text)
        return self._pages[name]

    def is_generated(self, name: str) -> bool:
        """Return whether the text of a page can change while the program runs."""
        return name in self._generated

    def name_about(self, topic: str) -> str:
        """Return the name of the page about a room or a command; empty if there is none.

        A page of that name comes first, so ``clients`` is the room, and ``cli-clients`` the command.
        """
        names = (topic, f"cli-{topic}")
        return next((name for name in names if name in self.names), "")


def installed(generated: Sequence[GeneratedPage] = ()) -> Manual:
    """Return the manual of this installation. It is read later, so this never fails."""
    return Manual(FOLDER / "help", generated)


def _title(text: str) -> str:
    first = text.lstrip("\ufeff \n").partition("\n")[0]
    return inline_text(first.lstrip("#")).strip() if first.startswith("#") else ""


def _links_of(index: str) -> Iterator[tuple[str, Entry]]:
    """Yield each link to a page with the heading it stands under; the heading is empty before the first one."""
    heading = ""
    for line in index.splitlines():
        if line.startswith("## "):
            heading = inline_text(line.lstrip("#")).strip()
        for found in _LINK.finditer(line):
            link = resolve(INDEX, found["target"])
            if isinstance(link, PageLink):
                yield heading, Entry(link.page, inline_text(found["title"]))
