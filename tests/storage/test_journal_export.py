"""Export of journal rows as JSON lines."""

import json
from pathlib import Path

import pytest

from app.hub.journal import Journal, Kind
from app.hub.row_codec import decode
from app.protocol.errors import StorageError
from app.storage.journal_export import ROWS_AT_ONCE, export_rows


def journal_with_rows(rows: int) -> Journal:
    journal = Journal(max_rows=rows)
    for number in range(rows):
        journal.append(Kind.TO_UI, "typing", payload=f'{{"n": {number}}}'.encode(), note="Ä\n")
    return journal


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def test_every_line_of_the_file_is_a_row(tmp_path: Path) -> None:
    journal = journal_with_rows(2 * ROWS_AT_ONCE + 3)
    journal.mark(2, pinned=True)
    file = tmp_path / "rows.ndjson"
    seqs = range(1, 2 * ROWS_AT_ONCE + 3)
    assert await export_rows(journal.rows.copy(), seqs, file) == len(seqs)
    lines = file.read_bytes().splitlines()
    assert [decode(line).seq for line in lines] == list(seqs)
    assert decode(lines[4]).payload == b'{"n": 4}'
    assert [json.loads(line)["pinned"] for line in lines[:3]] == [False, True, False]


async def test_discarded_rows_are_left_out(tmp_path: Path) -> None:
    journal = journal_with_rows(5)
    for _ in range(3):
        journal.append(Kind.SERVER, "x")
    assert await export_rows(journal.rows.copy(), [1, 3, 4, 8], tmp_path / "rows") == 2


async def test_a_failed_export_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be written"):
        await export_rows(journal_with_rows(1).rows.copy(), [1], tmp_path)
    assert names(tmp_path) == []
