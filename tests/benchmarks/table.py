"""Format the table of all lines: as text, as Markdown, or as JSON."""

import json
from collections.abc import Iterable, Sequence

from tests.benchmarks.line import Line

TITLES = ("#", "what", "figure", "ratio", "goal", "status", "met?")
MARKS = {True: "✓", False: "✗", None: "–"}


def cells(line: Line) -> tuple[str, ...]:
    """Return the columns of a line."""
    return (str(line.number), line.what, line.figure, line.ratio, str(line.goal), line.goal.status, MARKS[line.met])


def text(rows: Iterable[Sequence[str]]) -> str:
    """Format rows as text with aligned columns."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """Format rows as a Markdown table. The first row contains the titles."""
    titles, *rest = rows
    lines = [titles, ["---"] * len(titles), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(lines: Iterable[Line]) -> str:
    """Format lines as a JSON array, with one object per line."""
    values = [
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
    return json.dumps(values, indent=1, ensure_ascii=False)
