"""Convert the manual's Markdown to plain text: single lines for titles and the search, or a page for a terminal."""

import re
from collections.abc import Iterator
from itertools import zip_longest

FENCE = re.compile(r" {0,3}(```+|~~~+)")
_MARKUP = re.compile(r"[\\`*_<\[\0]")
_CODE = re.compile(r"(`+)(.+?)\1")
_PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_AUTOLINK = re.compile(r"<(https?://[^>\s]+)>")
_STRONG = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
_EMPHASIS = re.compile(r"\*(\S(?:.*?\S)?)\*|(?<!\w)_(\S(?:.*?\S)?)_(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_CELLS = re.compile(r"(?<!\\)\|")


def inline_text(text: str, *, keep_code: bool = False) -> str:
    """Return a line without emphasis, links and pictures. Backticks around code stay if ``keep_code`` is set."""
    if not _MARKUP.search(text):
        return text
    codes = list(_CODE.finditer(text))
    text = _CODE.sub("\0", text.replace("\0", ""))  # code is literal: it takes no part in what follows
    text = _AUTOLINK.sub(r"\1", _LINK.sub(r"\1", _PICTURE.sub(r"\1", text)))
    text = _EMPHASIS.sub(lambda found: found[1] or found[2], _STRONG.sub(r"\1", text))
    parts = _ESCAPE.sub(r"\1", text).split("\0")
    spans = [code[0] if keep_code else code[2].strip() for code in codes]
    return "".join(part for pair in zip_longest(parts, spans, fillvalue="") for part in pair)


def heading_of(line: str) -> tuple[int, str]:
    """Return the level and the text of a heading, or 0 and an empty text if the line is none."""
    found = _HEADING.fullmatch(line.strip())
    return (len(found[1]), inline_text(found[2])) if found else (0, "")


def lines_with_code(markdown: str) -> Iterator[tuple[str, bool]]:
    """Yield each line, and whether it is in a fenced code block. The fences are left out."""
    fence = ""
    for line in markdown.splitlines():
        found = FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence):
            fence = ""
        else:
            yield line, bool(fence)


def for_terminal(markdown: str) -> list[str]:
    """Return a page as lines for a terminal: underlined headings, indented code, aligned tables."""
    lines: list[str] = []
    table: list[list[str]] = []
    for line, code in lines_with_code(markdown):
        if not code and is_table_row(line):
            if cells := cells_of(line, keep_code=True):
                table.append(cells)
            continue
        lines += _aligned(table)
        table = []
        level, heading = heading_of(line)
        if code:
            lines.append(f"    {line}" if line.strip() else "")
        elif level:
            lines += [heading, ("=" if level == 1 else "-") * len(heading)]
        else:
            lines.append(inline_text(line, keep_code=True))
    return [*lines, *_aligned(table)]


def is_table_row(line: str) -> bool:
    """Return whether a line is a row of a table, or the rule below its head."""
    return line.lstrip().startswith("|")


def cells_of(line: str, *, keep_code: bool = False) -> list[str]:
    """Return the cells of a row of a table. The rule below its head has none."""
    if _RULE.fullmatch(line.strip()):
        return []
    cells = _CELLS.split(line.strip().removeprefix("|").removesuffix("|"))
    return [inline_text(cell.strip().replace(r"\|", "|"), keep_code=keep_code) for cell in cells]


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip_longest(*table, fillvalue="")]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
