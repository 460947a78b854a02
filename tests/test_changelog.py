"""The changelog names each change once."""

from itertools import pairwise
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def test_no_entry_repeats_or_begins_another() -> None:
    """Regression: an entry that was extended elsewhere stayed beside the longer one."""
    text = CHANGELOG.read_text(encoding="utf-8").partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    entries = sorted(text.split("\n- ")[1:])
    assert [one for one, other in pairwise(entries) if other.startswith(one.rstrip())] == []
