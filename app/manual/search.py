"""Search the manual: for each page that contains all words, return its best section, the best page first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.manual.links import anchors
from app.manual.pages import Page
from app.manual.plain import cells_of, heading_of, inline_text, is_table_row, lines_with_code

SNIPPET_CHARS = 120
LEAD_CHARS = 30
"""Characters of a snippet before the first word that was found."""


@dataclass(frozen=True)
class Hit:
    """The best matching section of a page. The anchor is empty for the top of the page."""

    page: str
    title: str
    heading: str
    anchor: str
    snippet: str


@dataclass(frozen=True)
class _Section:
    heading: str
    anchor: str
    text: str
    folded: str


class SearchIndex:
    """The text of all pages, prepared once for all searches. Pages with equal scores keep their order."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = [(page, _sections(page)) for page in pages]

    def find(self, query: str) -> list[Hit]:
        """Return one hit per page that contains all words of ``query``, the best first."""
        words = query.casefold().split()
        if not words:
            return []
        found = [
            (_score(page.title, words), *_best(sections, words), page)
            for page, sections in self._pages
            if all(any(word in each.folded for each in sections) for word in words)
        ]
        found.sort(key=lambda each: (-each[0], -each[1]))
        return [
            Hit(page.name, page.title, section.heading, section.anchor, _snippet(section.text, words))
            for _, _, section, page in found
        ]


def _sections(page: Page) -> list[_Section]:
    parts: list[tuple[str, list[str]]] = [(page.title, [])]
    titled = False
    for line, code in lines_with_code(page.text):
        level, heading = (0, "") if code else heading_of(line)
        if level == 1 and not titled:
            titled = True
        elif level:
            parts.append((heading, []))
        else:
            parts[-1][1].append(line if code else _text_of(line))
    names = anchors(heading for heading, _ in parts)
    found = []
    for number, (heading, lines) in enumerate(parts):
        text = " ".join(" ".join(lines).split())
        anchor = names[number] if number else ""
        found.append(_Section(heading if number else "", anchor, text, f"{heading} {text}".casefold()))
    return found


def _text_of(line: str) -> str:
    return " · ".join(filter(None, cells_of(line))) if is_table_row(line) else inline_text(line).strip("> ")


def _best(sections: Sequence[_Section], words: Sequence[str]) -> tuple[int, _Section]:
    scores = [_score(each.heading, words) + sum(word in each.folded for word in words) for each in sections]
    best = max(scores)
    return best, sections[scores.index(best)]


def _score(title: str, words: Sequence[str]) -> int:
    """Return the score of a title: 20 per search word that starts a word of it, 10 per one elsewhere in it."""
    folded = title.casefold()
    starts = folded.split()
    return sum(20 if any(each.startswith(word) for each in starts) else 10 * (word in folded) for word in words)


def _snippet(text: str, words: Sequence[str]) -> str:
    """Return the part of a text around the first of the words that it contains, cut between words."""
    folded = text.casefold()
    at = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    start = max(0, at - LEAD_CHARS)
    if start:
        start = text.find(" ", start) + 1 or start
    end = start + SNIPPET_CHARS
    part = text[start:end]
    if end < len(text):
        part = part.rpartition(" ")[0] or part
    return ("… " if start else "") + part + (" …" if end < len(text) else "")
