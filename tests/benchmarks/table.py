"""The table of all lines: as text for a terminal, Markdown for README.md, JSON for a program."""

import json
from collections.abc import Iterable, Sequence

from tests.benchmarks.line import Line

TITLES = ("#", "what", "figure", "ratio", "goal", "status", "met?")
MARKS = {True: "✓", False: "✗", None: "–"}


def cells(line: Line) -> tuple[str, ...]:
    """Return a line's columns."""
    return (str(line.number), line.what, line.figure, line.ratio, str(line.goal), line.goal.status, MARKS[line.met])


def text(rows: Iterable[Sequence[str]]) -> str:
    """Return rows in columns."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """Return rows, the titles first, as a Markdown table."""
    titles, *rest = rows
    lines = [titles, ["---"] * len(titles), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(lines: Iterable[Line]) -> str:
    """Return lines as a JSON array, a line per benchmark."""
    told = [
        {
            "number": line.number,
            "what": line.what,
            "figure": line.figure,
            "value": line.value,
            "unit": line.goal.unit,
            "goal": str(line.goal),
            "status": line.goal.status,
            "met": line.met,
        }
        for line in lines
    ]
    return json.dumps(told, indent=1, ensure_ascii=False)
