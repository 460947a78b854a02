"""Format rows of the log as text: for the report of a failed test, and for the error of ``Companion.expect``.
``printable`` escapes what others sent in such texts.
"""

import re
from collections.abc import Sequence

from pytest_p2p_companion.shapes import JournalRow

SHOWN_CHARS = 400
ARROWS = {"c2s": "↑", "s2c": "↓", "server": "·"}
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]|#(?=#\\[)"
)
"""Control characters, and the beginning of a command to the runner of GitHub Actions, such as ``##[error]``."""


def journal_text(rows: Sequence[JournalRow], left_out: int = 0) -> str:
    """Return rows as lines: number, time (UTC), direction, event, client and frame.

    ``left_out`` is the number of earlier rows, which a first line names.
    """
    earlier = "1 earlier row is" if left_out == 1 else f"{left_out} earlier rows are"
    lines = [f"({earlier} left out)"] if left_out else []
    return "\n".join([*lines, *map(_line, rows)])


def printable(text: str) -> str:
    """Return a text for one line of a report: terminals and runners of CI find no commands in it."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _line(row: JournalRow) -> str:
    text = row["frame"]
    if len(text) > SHOWN_CHARS:
        text = text[:SHOWN_CHARS] + "…"
    verdict = "" if row["verdict"] == "ok" else row["verdict"]
    notes = ": ".join(each for each in (verdict, row["note"]) if each)
    parts = (
        f"#{row['seq']}", row["time"][11:23], ARROWS.get(row["direction"], "·"), row["event"] or "–",
        row["user"] or row["client"], text, f"({notes})" if notes else "",
    )  # fmt: skip
    return printable(" ".join(each for each in parts if each))
