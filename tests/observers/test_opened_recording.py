"""Opening a recording: its rows are read in slices; what is wrong with a file is reported with its place."""

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.recorded_rows import row_line
from app.observers import opened_recording as module
from app.observers.opened_recording import open_recording
from app.protocol.errors import Conflict, Invalid, Malformed, NotFound, TooLarge

HEADER = b'{"session": 1, "kind": "recording", "title": "Bug", "started": "2026-01-01T00:00:00Z"}'


def line(seq: int, after: float = 1.0, verdict: Verdict = Verdict.OK) -> bytes:
    payload = json.dumps({"event": "friend_online", "data": {"username": f"user{seq}"}}).encode()
    row = Row(
        seq, 0.0, 0.0, Kind.TO_UI, "all", "friend_online", payload, len(payload), verdict, "", PANEL, "", (1, 2)
    )  # fmt: skip
    return row_line(row, after)


def write(folder: Path, *lines: bytes, end: bytes = b"\n") -> Path:
    file = folder / "bug.session.jsonl"
    file.write_bytes(b"\n".join([HEADER, *lines]) + end)
    return file


async def test_rows_times_marks_gaps_and_invalid_rows_are_read(tmp_path: Path) -> None:
    file = write(
        tmp_path, line(7), b"# a comment", b"", b'{"mark": "here"}', line(8, 0.5, Verdict.INVALID),
        line(12, 60.0, Verdict.WARNING),
    )  # fmt: skip
    opened = await open_recording("bug", file)
    assert not opened.done
    await opened.load()
    assert opened.done
    assert not opened.error
    assert opened.header.title == "Bug"
    assert [opened.seq(number) for number in (1, 2, 3)] == [7, 8, 12]
    assert list(opened.times) == [1.0, 1.5, 61.5]
    assert (list(opened.invalid), list(opened.warnings), opened.gaps) == ([2], [3], [3])
    assert [(each.text, each.at, each.row) for each in opened.marks] == [("here", 1.0, 2)]
    assert [opened.row_at(at) for at in (0.0, 1.2, 1.5, 60.0, 100.0)] == [1, 1, 2, 2, 3]


async def test_clients_that_were_connected_at_the_begin_are_known(tmp_path: Path) -> None:
    file = write(tmp_path, line(7))
    clients = b'"clients": [{"client": 1, "user": "me", "page": "tauri://x"}]'
    file.write_bytes(file.read_bytes().replace(b'"title": "Bug"', clients))
    opened = await open_recording("bug", file)
    await opened.load()
    assert opened.clients == {1: "me"}
    assert [(each.id, each.username, each.origin) for each in opened.run.clients] == [(1, "me", "tauri://x")]


async def test_equal_recipients_share_one_key(tmp_path: Path) -> None:
    opened = await open_recording("bug", write(tmp_path, *(line(seq) for seq in range(1, 50))))
    await opened.load()
    assert len(set(opened.journal.rows.columns(1, 49).keys)) == 1


async def test_a_cut_off_file_is_read_to_the_cut(tmp_path: Path) -> None:
    opened = await open_recording("bug", write(tmp_path, line(1), line(2)[:40], end=b""))
    await opened.load()
    assert len(opened.times) == 1
    assert opened.error == "The recording is cut off: line 3 is incomplete. The rows before it are shown."


async def test_an_invalid_line_is_named(tmp_path: Path) -> None:
    opened = await open_recording("bug", write(tmp_path, line(1), b'{"s2c": 5}', line(3)))
    await opened.load()
    assert len(opened.times) == 1
    assert opened.error.startswith("Line 3 of bug.session.jsonl is invalid: ")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (b'{"rest": "GET /friends", "response": ' + b"[" * 100_000, "JSON is nested too deeply"),
        (b'{"s2c": "typing", "seq": 9223372036854775808}', "seq"),
        (b'{"s2c": "typing", "after": -1}', "after"),
        (b'{"s2c": "typing", "after": 1e308}', "after"),
    ],
)
async def test_values_that_no_recording_has_are_reported(tmp_path: Path, wrong: bytes, reason: str) -> None:
    """Regression: ``RecursionError`` or ``OverflowError``, or rows whose times are not in order."""
    opened = await open_recording("bug", write(tmp_path, line(1), wrong, line(3)))
    await opened.load()
    assert len(opened.times) == 1
    assert opened.error.startswith("Line 3 of bug.session.jsonl is invalid: ")
    assert reason in opened.error


async def test_a_row_without_a_number_has_none_in_the_log(tmp_path: Path) -> None:
    opened = await open_recording("bug", write(tmp_path, line(0), line(0)))
    await opened.load()
    assert opened.run.row_number(0) is None


async def test_a_file_that_replaces_the_opened_one_is_not_read(tmp_path: Path) -> None:
    file = write(tmp_path, line(1))
    opened = await open_recording("bug", file)
    content = file.read_bytes()
    file.write_bytes(content + line(2) + b"\n")
    assert opened.read(Path.read_bytes).endswith(line(2) + b"\n"), "it may be written meanwhile"

    def replace(file: Path) -> bytes:
        file.write_bytes(content.replace(b"Bug", b"Other"))
        return file.read_bytes()

    with pytest.raises(Conflict, match=r"has changed\. Open it again\."):
        opened.read(replace)
    with pytest.raises(Conflict):
        opened.read(Path.read_bytes)
    await opened.load()
    assert opened.error == "The file of the recording bug has changed. Open it again."
    assert not opened.times
    file.unlink()
    with pytest.raises(NotFound):
        opened.read(Path.read_bytes)


async def test_a_long_header_is_not_compared_to_its_end(tmp_path: Path) -> None:
    file = write(tmp_path, line(1))
    file.write_bytes(file.read_bytes().replace(b'"Bug"', b'"Bug", "state": "' + b"x" * 200_000 + b'"', 1))
    opened = await open_recording("bug", file)
    assert opened.read(Path.stat).st_size > 200_000
    await opened.load()
    assert len(opened.times) == 1
    assert not opened.error


@pytest.mark.parametrize("first", [b"", b"no json", b"[]", b'{"title": "x"}', b"\xff", b'{"session": 9}'])
async def test_a_file_without_a_header_is_no_recording(tmp_path: Path, first: bytes) -> None:
    file = tmp_path / "x.session.jsonl"
    file.write_bytes(first + b"\n")
    with pytest.raises(Malformed, match=r"x\.session\.jsonl is not a recording: line 1: "):
        await open_recording("x", file)


async def test_a_scenario_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "x.session.jsonl"
    file.write_bytes(b'{"session": 1, "title": "x"}\n{"fire": "friend_online", "data": {"username": "bob"}}\n')
    with pytest.raises(Invalid, match=r"x\.session\.jsonl is a scenario. Only recordings can be opened."):
        await open_recording("x", file)


async def test_a_file_without_a_kind_that_has_recorded_rows_is_opened(tmp_path: Path) -> None:
    """Regression: it was called a scenario, although commands read it."""
    file = write(tmp_path, b"# a comment", b'{"mark": "here"}', line(1), line(2))
    file.write_bytes(file.read_bytes().replace(b'"kind": "recording", ', b""))
    opened = await open_recording("bug", file)
    await opened.load()
    assert [opened.seq(number) for number in (1, 2)] == [1, 2]
    assert len(opened.marks) == 1


@pytest.mark.parametrize("name", ["bug.zip", "BUG.HAR", "log.ndjson"])
async def test_a_file_of_another_format_can_be_converted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(Malformed, match="Make one of it: companion session convert"):
        await open_recording("x", tmp_path / name)


async def test_a_missing_file_and_a_folder_are_not_opened(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NotFound, match="is not a file"):
            await open_recording("x", file)


async def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(TooLarge, match="can be opened"):
        await open_recording("x", write(tmp_path, line(1)))


async def test_other_tasks_run_while_a_large_recording_is_read(tmp_path: Path) -> None:
    opened = await open_recording("bug", write(tmp_path, *(line(seq) for seq in range(1, 20_000))))
    turns = itertools.count()

    async def work() -> None:
        while not opened.done:
            next(turns)
            await asyncio.sleep(0)

    await asyncio.gather(opened.load(), work())
    assert next(turns) > 5


async def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    opened = await open_recording("bug", write(tmp_path, *(line(seq) for seq in range(1, 20_000))))
    task = asyncio.ensure_future(opened.load())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(opened.times) < 19_999
