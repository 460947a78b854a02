"""Recordings of the run and of the user: content, order, size limit, and what is left after a crash."""

import asyncio
import errno
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from app.companion import Companion
from app.headless import serve
from app.hub.filter import parse
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.origin import CONTROL, REST
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind
from app.observers import recordings as module
from app.observers.recorder import Recorder
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, NotFound, StorageError
from app.protocol.session.lines import parse_lines
from app.protocol.session.steps import ConnectedClient, header_to_json
from app.protocol.ui_stores import Flavour
from app.recorded_state import recorded_state
from app.storage import recording_file, recording_store
from app.storage.recording_store import RecordingStore
from app.storage.session_library import SessionLibrary
from app.system.data_directory import Overrides
from app.system.exit_codes import Exit
from app.system.settings import Settings
from tests.conftest import in_use, make_link, until
from tests.hub.doubles import RecordingTransport


def lines_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


async def make(tmp_path: Path, **settings: Any) -> Companion:
    companion = Companion(
        Settings(port=0, **settings),
        sessions_folder=tmp_path / "sessions",
        recordings_folder=tmp_path / "recordings",
    )
    assert await companion.start()
    return companion


async def fire(companion: Companion, count: int = 1, text: str = "hi") -> None:
    for _ in range(count):
        await companion.fire(companion.message_from("alice", text), origin=CONTROL)


async def test_the_whole_run_is_recorded_from_the_start(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    file = tmp_path / "recordings" / "this-run.session.jsonl"
    before = await companion.chat.snapshot()
    await fire(companion, 3)
    await until(lambda: sum("s2c" in each for each in lines_of(file)) == 3)
    header, *steps = lines_of(file)
    assert (header["session"], header["kind"], header["me"]) == (1, "recording", "me")
    assert header["state"] == before
    assert [each["s2c"] for each in steps if "s2c" in each] == ["new_message"] * 3
    assert [each["seq"] for each in steps] == sorted(each["seq"] for each in steps)
    assert parse_lines(file.read_text(encoding="utf-8")).session.header.title == "This run"
    await companion.close()
    assert lines_of(file.with_name("run-before.session.jsonl"))[-1] == {"mark": "end"}


async def test_the_file_is_private(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    file = tmp_path / "recordings" / "this-run.session.jsonl"
    assert file.stat().st_mode & 0o077 == 0 or file.drive
    await companion.close()


async def test_the_run_before_is_kept_and_a_crash_is_reported(tmp_path: Path) -> None:
    first = await make(tmp_path)
    await fire(first)
    await first.close()
    second = await make(tmp_path)
    assert second.warnings == []
    assert [each.name for each in await second.recording_actions.runs()] == ["this-run", "run-before"]
    await second.close()
    ended = tmp_path / "recordings" / "run-before.session.jsonl"
    file = ended.with_name("this-run.session.jsonl")
    file.write_text(
        ended.read_text(encoding="utf-8").replace('{"mark":"end"}\n', '{"s2c":"cut o'), encoding="utf-8"
    )
    third = await make(tmp_path)
    assert third.warnings == [
        "The companion did not end normally last time. What happened until then is in "
        f"{tmp_path / 'recordings' / 'run-before.session.jsonl'}."
    ]
    await third.close()


async def test_a_large_recording_continues_in_the_next_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    companion = await make(tmp_path, recording_mb=1)
    earlier = tmp_path / "recordings" / "this-run-earlier.session.jsonl"
    await fire(companion, 120, "x" * 6000)
    await until(earlier.exists)
    await fire(companion, 1, "last")
    await companion.close()
    folder = tmp_path / "recordings"
    one, two = (lines_of(folder / f"{name}.session.jsonl") for name in ("run-before-earlier", "run-before"))
    seqs = [each["seq"] for each in (*one, *two) if "seq" in each]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "no row is missing between the parts"
    assert len(two[0]["state"]["messages"]) > len(one[0]["state"]["messages"])


class Gate:
    """Holds the calls of a function, which are made in a thread, until ``open``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.reached = threading.Event()
        self._goes_on = threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        self.reached.set()
        assert self._goes_on.wait(10)
        return self._function(*arguments)

    def open(self) -> None:
        self._goes_on.set()


def gate_of(companion: Companion, method: str, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Put a gate before a method of the store."""
    gate = Gate(getattr(companion.recording_store, method))
    monkeypatch.setattr(companion.recording_store, method, gate)
    return gate


async def make_while_next_part_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Companion, Gate]:
    """Return a companion whose recording of the run is full, and the gate that holds the next part."""
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    companion = await make(tmp_path, recording_mb=1)
    gate = gate_of(companion, "begin_part", monkeypatch)
    await fire(companion, 120, "x" * 6000)
    await until(gate.reached.is_set)
    return companion, gate


async def test_ending_while_the_next_part_begins_loses_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the new part was left without its rows and its end when the program quit at that moment."""
    companion, gate = await make_while_next_part_begins(tmp_path, monkeypatch)
    await fire(companion, 1, "last")
    closing = asyncio.create_task(companion.close())
    for _ in range(10):
        await asyncio.sleep(0)
    gate.open()
    await closing
    _header, *rows, end = lines_of(tmp_path / "recordings" / "run-before.session.jsonl")
    assert "last" in json.dumps([row for row in rows if row.get("s2c") == "new_message"][-1])
    assert end == {"mark": "end"}


def emit_call(companion: Companion, path: str) -> None:
    now = companion.clock.mono()
    companion.hub.rest_exchanges.emit(
        RestExchange("GET", path, "", b"", 200, b"[]", "tauri://x", "Firefox", now, now)
    )


async def test_calls_and_pages_while_the_next_part_begins_are_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: rows were, but calls were lost, and connections had no page."""
    companion, gate = await make_while_next_part_begins(tmp_path, monkeypatch)
    companion.hub.join(RecordingTransport(), origin="tauri://x", user_agent="Firefox")
    emit_call(companion, "/friends")
    gate.open()
    await companion.close()
    one, two = (
        lines_of(tmp_path / "recordings" / f"{name}.session.jsonl") for name in ("run-before-earlier", "run-before")
    )
    assert one[-1] == two[-1] == {"mark": "end"}
    (connected,) = (each for each in two if each.get("server") == "connected")
    assert (connected["page"], connected["agent"]) == ("tauri://x", "Firefox")
    assert [each["rest"] for each in (*one, *two) if "rest" in each] == ["GET /friends"]
    seqs = [each["seq"] for each in (*one, *two) if "seq" in each]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "no row is missing between the parts, or in both"


async def test_what_happens_while_the_file_is_created_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was neither in the chat state of the recording nor in its rows."""
    companion = await make(tmp_path)
    gate = gate_of(companion, "begin", monkeypatch)
    starting = asyncio.create_task(companion.recordings.start("x"))
    await until(gate.reached.is_set)
    await fire(companion, 1, "meanwhile")
    emit_call(companion, "/status")
    gate.open()
    await starting
    await fire(companion, 1, "then")
    _header, *steps, _end = lines_of((await companion.recordings.stop()).file.file)
    assert [json.loads(each["payload"])["data"]["text"] for each in steps if "s2c" in each] == ["meanwhile", "then"]
    assert [each["rest"] for each in steps if "rest" in each] == ["GET /status"]
    await companion.close()


async def test_the_header_does_not_stop_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: with a large chat state, all clients waited until it was converted to JSON."""
    companion = await make(tmp_path)
    await fire(companion, 2 * module.ITEMS_AT_ONCE, "é")
    state = await companion.chat.snapshot()
    gate = Gate(header_to_json)
    monkeypatch.setattr(module, "header_to_json", gate)
    starting = asyncio.create_task(companion.recordings.start("x"))
    await until(gate.reached.is_set)
    await fire(companion, 1, "meanwhile")
    gate.open()
    file = (await starting).file.file
    await companion.recordings.stop()
    header, *steps = file.read_text("utf-8").splitlines()
    assert json.loads(header)["state"] == state
    assert header == json.dumps(json.loads(header), ensure_ascii=False)
    assert any("meanwhile" in each for each in steps)
    await companion.close()


@pytest.mark.parametrize(
    "value", [{}, [], {"a": {}, "b": []}, {"é": [1] * 250, "c": {"d": [{"\ud800": None}] * 200}}, [[], {}], "text"]
)
def test_json_in_parts_is_the_same(value: Any) -> None:
    assert b"".join(module._json(value)) == json.dumps(value, ensure_ascii=False).encode(errors="replace")


async def test_recordings_that_start_at_the_same_time_keep_the_limits(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    recordings = companion.recordings
    names = ["n1", "n1", *(f"n{number}" for number in range(2, module.MAX_RECORDINGS + 3))]
    found = await asyncio.gather(*map(recordings.start, names), return_exceptions=True)
    errors = [str(each) for each in found if isinstance(each, Conflict)]
    assert errors == ["'n1' is being recorded already.", *["5 recordings are running. Stop one first."] * 2]
    assert len(recordings.active) == module.MAX_RECORDINGS
    await companion.close()


async def test_a_recording_that_starts_while_the_companion_ends_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    companion = await make(tmp_path)
    gate = gate_of(companion, "begin", monkeypatch)
    starting = asyncio.create_task(companion.recordings.start("late"))
    await until(gate.reached.is_set)
    await companion.close()
    gate.open()
    with pytest.raises(Conflict, match="The companion is ending"):
        await starting
    assert lines_of(tmp_path / "sessions" / "late.session.jsonl")[-1] == {"mark": "end"}


async def test_a_chat_state_that_is_larger_than_the_limit_does_not_push_out_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: each part was full as soon as its header was written, and replaced the one before."""
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    companion = await make(tmp_path, recording_mb=1)
    earlier = tmp_path / "recordings" / "this-run-earlier.session.jsonl"
    await fire(companion, 150, "x" * 6000)
    await until(earlier.exists)
    await asyncio.sleep(0.1)
    await fire(companion, 1, "last")
    await companion.close()
    lines = lines_of(earlier.with_name("run-before-earlier.session.jsonl"))
    rows = [each for each in lines if each.get("s2c") == "new_message"]
    assert len(rows) > 20, "a part that had only its header would have none"


def test_a_file_that_is_in_use_for_a_moment_does_not_end_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: on Windows, a virus scanner that had the file open ended the recording of the run."""
    store = RecordingStore(tmp_path, lambda name: tmp_path / name)
    store.begin_run()
    with in_use(monkeypatch):
        store.begin_part(b"{}").close()
    with in_use(monkeypatch):
        store.begin_part(b"{}").close()
    assert store.names_of_files() == ["this-run", "this-run-earlier"]
    with in_use(monkeypatch):
        store.end_run()
    assert store.names_of_files() == ["run-before", "run-before-earlier"]


def is_in_use(*_: object, **__: object) -> NoReturn:
    raise PermissionError(13, "The process cannot access the file")


@pytest.mark.parametrize("reason", ["another program reads it", "the chat state is locked"])
async def test_a_part_is_continued_while_the_next_one_cannot_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """Regression: the recording of the run ended. Windows cannot rename a file that is read."""
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    companion = await make(tmp_path, recording_mb=1)
    attempts: list[object] = []

    async def fail() -> NoReturn:
        attempts.append("")
        raise StorageError("database is locked")

    def replace(*files: object) -> NoReturn:
        attempts.append(files)
        is_in_use()

    with monkeypatch.context() as patched:
        if reason == "the chat state is locked":
            patched.setattr(companion.recordings, "_snapshot", fail)
        else:
            patched.setattr(recording_store, "replace", replace)
        await fire(companion, 100, "x" * 6000)
        await until(lambda: len(attempts) >= 2)
        await fire(companion, 1, "meanwhile")
    await until((tmp_path / "recordings" / "this-run-earlier.session.jsonl").exists)
    await fire(companion, 1, "last")
    assert companion.recordings.error == ""
    await companion.close()
    assert_no_row_is_missing(tmp_path / "recordings")


def assert_no_row_is_missing(folder: Path) -> None:
    """Both parts have an end, and no row is missing or there twice."""
    one, two = (lines_of(folder / f"{name}.session.jsonl") for name in ("run-before-earlier", "run-before"))
    seqs = [each["seq"] for each in (*one, *two) if "seq" in each]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert [each for each in (*one, *two) if "mark" in each] == [{"mark": "end"}] * 2
    assert (one[-1], two[-1]) == ({"mark": "end"}, {"mark": "end"})


async def test_a_part_that_is_always_in_use_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    monkeypatch.setattr(recording_store, "replace", is_in_use)
    companion = await make(tmp_path, recording_mb=1)
    await fire(companion, 240, "x" * 6000)
    await until(lambda: companion.recordings.error)
    assert companion.recordings.error.startswith("The recording of this run has stopped: ")
    await companion.close()
    assert lines_of(tmp_path / "recordings" / "this-run.session.jsonl")[-1] == {"mark": "end"}


async def test_a_run_is_recorded_as_soon_as_the_run_before_is_not_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: on Windows, the whole run was not recorded if another program read the recording at the start."""
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    await (await make(tmp_path)).close()
    file = tmp_path / "recordings" / "this-run.session.jsonl"
    file.write_text("the run that crashed")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", is_in_use)
        companion = await make(tmp_path)
        assert companion.recordings.error.startswith("This run is not recorded: ")
    await until(lambda: not companion.recordings.error)
    assert companion.recording_store.path("run-before").read_text() == "the run that crashed"
    await companion.close()


async def test_a_run_that_ended_while_its_recording_was_in_use_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: on Windows, the next start reported a crash, because the recording could not be renamed."""
    companion = await make(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(recording_store, "replace", is_in_use)
        await companion.close()
    assert [each.name for each in (tmp_path / "recordings").iterdir()] == ["this-run.session.jsonl"]
    companion = await make(tmp_path)
    assert companion.warnings == []
    assert [each.name for each in await companion.recording_actions.runs()] == ["this-run", "run-before"]
    await companion.close()


def test_the_earlier_part_of_a_run_is_kept_after_a_crash_and_a_normal_end(tmp_path: Path) -> None:
    """Regression: only the last part was kept, which may have just begun."""

    def run(parts: int, *, ends: bool) -> tuple[dict[str, int], bool]:
        store = RecordingStore(tmp_path, lambda name: tmp_path / name)
        store.begin_run()
        found = {each.name: each.size for each in store.runs()}
        for part in range(parts):
            file = store.begin_part(b"x" * (10 * parts + part))
            file.close()
        if ends:
            store.end_run()
        return found, store.crashed is not None

    assert run(2, ends=False) == ({}, False)
    assert run(2, ends=True) == ({"run-before": 22, "run-before-earlier": 21}, True)
    assert run(0, ends=True) == ({"run-before": 22, "run-before-earlier": 21}, False)
    assert run(1, ends=True) == ({"run-before": 22, "run-before-earlier": 21}, False)
    assert run(0, ends=True) == ({"run-before": 11}, False)


def test_a_run_never_gets_the_earlier_part_of_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: if that part could not be deleted, it became the earlier part of the next run."""

    def run(*parts: bytes) -> RecordingStore:
        store = RecordingStore(tmp_path, lambda name: tmp_path / name)
        store.begin_run()
        for each in parts:
            store.begin_part(each).close()
        return store

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    run(b"first", b"last").end_run()
    second = run(b"other")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", fail)
        second.end_run()
        with pytest.raises(StorageError):
            run()
    assert second.names_of_files() == ["this-run", "run-before", "run-before-earlier"]
    assert second.path("run-before").read_bytes() == b"last\n"

    def fails_for(part: str) -> Callable[[Path, Path], None]:
        def replace(old: Path, new: Path) -> None:
            if new.name.startswith(f"{part}."):
                fail()
            old.replace(new)

        return replace

    run(b"a", b"b").end_run()
    for part, content in (("run-before-earlier", b"c"), ("run-before", b"e")):
        third = run(content, b"last")
        assert len(third.names_of_files()) == 4
        with monkeypatch.context() as patched:
            patched.setattr(recording_store, "replace", fails_for(part))
            third.end_run()
        assert len(third.names_of_files()) == 2, "nothing of another run"
        fourth = run()
        assert fourth.names_of_files() == ["run-before", "run-before-earlier"]
        assert fourth.path("run-before").read_bytes() == b"last\n"
        assert fourth.path("run-before-earlier").read_bytes() == content + b"\n"


def test_a_run_that_was_killed_before_its_next_part_is_the_run_before(tmp_path: Path) -> None:
    """Regression: its recording became the earlier part of another run, and nothing said that it had crashed."""

    def run(*parts: bytes) -> RecordingStore:
        store = RecordingStore(tmp_path, lambda name: tmp_path / name)
        store.begin_run()
        for each in parts:
            store.begin_part(each).close()
        return store

    run(b"a", b"b").end_run()
    killed = run(b"c")
    killed.path("this-run").replace(tmp_path / "this-run-earlier.session.jsonl")
    found = run()
    assert found.names_of_files() == ["run-before"]
    assert found.path("run-before").read_bytes() == b"c\n"
    assert found.crashed == found.path("run-before")


@pytest.mark.parametrize("failing", ["open", "write"])
async def test_a_full_disk_at_the_begin_of_a_part_keeps_the_part_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Regression: the next start deleted it, without a warning."""
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    companion = await make(tmp_path, recording_mb=1)

    def full(target: Any, content: Any, *_: Any) -> int:
        if failing == "write" and bytes(content[:9]) != b'{"session':
            return os.write(target, content)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(recording_file, "os", SimpleNamespace(**{**vars(os), failing: full}))
        await fire(companion, 120, "x" * 6000)
        await until(lambda: companion.recordings.error)
    assert companion.recordings.error.endswith("No space left on device.")
    await companion.close()
    folder = tmp_path / "recordings"
    assert [each.name for each in folder.iterdir()] == ["run-before.session.jsonl"]
    again = await make(tmp_path)
    assert [each.name for each in await again.recording_actions.runs()] == ["this-run", "run-before"]
    await again.close()


async def test_a_run_is_not_recorded_any_further_if_the_next_part_cannot_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the file grew without a limit if the chat state could not be read."""
    monkeypatch.setattr(module, "CHECK_S", 0.01)
    companion = await make(tmp_path, recording_mb=1)

    async def fail() -> Any:
        raise StorageError("disk I/O error")

    monkeypatch.setattr(companion.recordings, "_snapshot", fail)
    await fire(companion, 240, "x" * 6000)
    await until(lambda: companion.recordings.error)
    assert companion.recordings.error == "The recording of this run has stopped: disk I/O error."
    await fire(companion, 1, "later")
    await companion.close()
    (file,) = (tmp_path / "recordings").iterdir()
    assert "later" not in file.read_text("utf-8")
    assert RecordingStore(file.parent, lambda name: file).runs()[0].complete


async def test_recording_of_runs_can_be_switched_off_and_on(tmp_path: Path) -> None:
    companion = await make(tmp_path, record_runs=False)
    assert await companion.recording_actions.runs() == []
    await companion.apply(Settings(port=0))
    assert [each.name for each in await companion.recording_actions.runs()] == ["this-run"]
    await companion.close()


async def test_a_change_of_the_settings_keeps_the_run_before(tmp_path: Path) -> None:
    """Regression: this run so far replaced it, although a notice offered to open it after a crash."""
    file = tmp_path / "recordings" / "this-run.session.jsonl"
    file.parent.mkdir()
    file.write_text("the run that crashed")
    companion = await make(tmp_path)
    await companion.apply(Settings(port=0, recording_mb=100))
    await companion.apply(Settings(port=0, record_runs=False))
    await companion.apply(Settings(port=0))
    before = file.with_name("run-before.session.jsonl")
    assert companion.recording_store.crashed == before
    assert before.read_text() == "the run that crashed"
    assert lines_of(file.with_name("this-run-earlier.session.jsonl"))[-1] == {"mark": "end"}
    await companion.apply(Settings(port=0, record_runs=False))
    await companion.close()
    assert lines_of(before)[0]["title"] == "This run"


async def test_a_crash_is_reported_if_this_run_is_not_recorded(tmp_path: Path) -> None:
    """Regression: the recording of the run that crashed was listed as that of this run."""
    file = tmp_path / "recordings" / "this-run.session.jsonl"
    file.parent.mkdir()
    for name in (file.name, "this-run-earlier.session.jsonl"):
        file.with_name(name).write_text("the run that crashed")
    companion = await make(tmp_path, record_runs=False)
    assert [each.name for each in await companion.recording_actions.runs()] == ["run-before", "run-before-earlier"]
    assert len(companion.warnings) == 1
    assert companion.warnings[0].startswith("The companion did not end normally last time.")
    await companion.close()


def test_a_start_that_fails_keeps_the_run_before(tmp_path: Path, own_logging: None) -> None:
    """Regression: its recording, in which nothing happens, replaced that of a crash, which a warning names."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "this-run.session.jsonl").write_text("the run that crashed")
    with socket.create_server(("127.0.0.1", 0)) as other:
        for _ in range(2):
            assert serve(Overrides(port=other.getsockname()[1]), tmp_path, None) == Exit.BUSY
    (before,) = folder.iterdir()
    assert before.name == "run-before.session.jsonl"
    assert before.read_text() == "the run that crashed"


async def test_a_run_in_which_no_port_was_free_is_kept(tmp_path: Path) -> None:
    """Regression: its recording was deleted, although the window stays open then."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        companion = Companion(Settings(port=other.getsockname()[1]), recordings_folder=tmp_path)
        assert not await companion.start()
        await fire(companion)
        await companion.close()
    before = lines_of(tmp_path / "run-before.session.jsonl")
    assert [each["s2c"] for each in before if "s2c" in each] == ["new_message"]


async def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("a file")
    companion = await make(tmp_path)
    assert len(companion.warnings) == 1
    assert companion.warnings[0].startswith("This run is not recorded:")
    await companion.close()


async def test_a_recording_of_the_user_has_the_rows_that_match(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    await fire(companion, 1, "before")
    await companion.recordings.start("mine/bug", parse("event:new_message"))
    await fire(companion, 2)
    await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=CONTROL)
    ended = await companion.recordings.stop()
    assert [each.get("s2c") for each in lines_of(ended.file.file)[1:]] == ["new_message", "new_message", None]
    await companion.saved_sessions.read()
    assert companion.saved_sessions.find("mine/bug").kind == "recording"
    await companion.close()


async def test_a_recording_in_progress_is_not_replaced_renamed_or_deleted(tmp_path: Path) -> None:
    """Regression: it was, and its end was reported as a success although nothing was left of it."""
    companion = await make(tmp_path)
    sessions = companion.saved_sessions
    await companion.recordings.start("mine/rec")
    await sessions.read()
    for change in (
        sessions.save("mine/Rec", "alice: hi\n", ".chat"),
        sessions.rename("rec", "other"),
        sessions.delete("mine/REC"),
    ):
        with pytest.raises(Conflict, match=r"(?i)'mine/rec' is being recorded\. Stop the recording first\."):
            await change
    await fire(companion, 2)
    ended = await companion.recordings.stop()
    assert len(lines_of(ended.file.file)) > 2
    await sessions.delete("mine/rec")
    await companion.close()


async def test_names_of_recordings_are_checked(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    await companion.recordings.start("x")
    with pytest.raises(Conflict, match="'x' is being recorded already"):
        await companion.recordings.start("x")
    await companion.recordings.stop("x")
    with pytest.raises(Conflict, match="A session 'x' already exists"):
        await companion.recordings.start("x")
    with pytest.raises(NotFound, match="Nothing is being recorded"):
        await companion.recordings.stop()
    for number in range(module.MAX_RECORDINGS):
        await companion.recordings.start(f"n{number}")
    with pytest.raises(Conflict, match="5 recordings are running"):
        await companion.recordings.start("more")
    await companion.close()


@pytest.mark.parametrize("taken", ["mine/X.chat", "mine/x.chat", "mine/X.session.jsonl"])
async def test_a_recording_does_not_take_the_name_of_a_session(tmp_path: Path, taken: str) -> None:
    """Regression: the recording was played in place of the scenario with its name."""
    companion = await make(tmp_path)
    file = tmp_path / "sessions" / taken
    file.parent.mkdir(parents=True)
    file.write_text("alice: hi\n" if taken.endswith("chat") else '{"session": 1}\n')
    with pytest.raises(Conflict, match="A session 'mine/x' already exists"):
        await companion.recordings.start("mine/x")
    await companion.close()


async def test_a_recording_of_the_user_does_not_have_the_name_of_a_run(tmp_path: Path) -> None:
    """Regression: it could not be opened by its name."""
    companion = await make(tmp_path)
    with pytest.raises(Conflict, match="run-before is the name of the recording of a run"):
        await companion.recordings.start("run-before")
    await companion.close()


async def test_a_recording_is_not_written_through_a_link(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    for name in ("elsewhere", "sessions"):
        (tmp_path / name).mkdir(exist_ok=True)
    make_link(tmp_path / "sessions" / "link", tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="a link leads to"):
        await companion.recordings.start("link/x")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    await companion.close()


async def test_clients_are_recorded_with_their_pages(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    page = Origin("tauri://localhost")
    async with connect(companion.server.url, origin=page, user_agent_header="Firefox", proxy=None):
        await until(lambda: companion.hub.connection_count == 1)
    await until(lambda: companion.hub.connection_count == 0)
    await companion.close()
    lines = lines_of(tmp_path / "recordings" / "run-before.session.jsonl")
    connected = next(each for each in lines if each.get("server") == "connected")
    assert (connected["page"], connected["agent"], connected["client"]) == (page, "Firefox", 1)


async def test_clients_that_were_connected_before_have_an_incomplete_state(tmp_path: Path) -> None:
    """Regression: the recording had no page, so there was no UI state."""
    companion = await make(tmp_path)
    client = companion.hub.join(RecordingTransport(), "me", origin="tauri://x", user_agent="Firefox")
    await companion.recordings.start("x")
    await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=CONTROL)
    file = (await companion.recordings.stop()).file.file
    found = await asyncio.to_thread(recorded_state, file, built_in(), None, Flavour.GUIDE, None)
    assert (found["client"], found["complete"]) == (client.id, False)
    assert "alice" in json.dumps(found["stores"])
    (known,) = parse_lines(file.read_text(encoding="utf-8")).session.header.clients
    assert known == ConnectedClient(client=client.id, user="me", page="tauri://x", agent="Firefox")
    await companion.close()


def test_no_folder_for_sessions_is_reported() -> None:
    library = SessionLibrary(None, Path("none"))
    store = RecordingStore(None, library.new_recording)
    with pytest.raises(StorageError, match="there is no folder for sessions"):
        store.begin("x", b"{}")
    assert store.runs() == []


async def test_many_rows_at_once_are_written_in_parts_and_in_order(tmp_path: Path) -> None:
    companion = await make(tmp_path)
    parts: list[list[bytes]] = []
    recorder = Recorder(companion.hub, parts.append)
    for number in range(1_200):
        companion.hub.broadcast(companion.message_from("alice", str(number)))
    exchange = RestExchange("GET", "/friends", "", b"", 200, b"[]", "", "", 0.0, companion.clock.mono())
    companion.hub.rest_exchanges.emit(exchange)
    await until(lambda: recorder.lines == 1_201)
    assert [len(each) for each in parts] == [500, 500, 201]
    steps = [json.loads(line) for part in parts for line in part]
    assert [json.loads(each["payload"])["data"]["text"] for each in steps[:-1]] == list(map(str, range(1_200)))
    assert steps[-1]["rest"] == "GET /friends"
    companion.hub.broadcast(companion.message_from("alice", "last"))
    recorder.close()
    assert recorder.lines == 1_202
    await companion.close()


@pytest.mark.parametrize(
    "make_journal", [partial(Journal, max_rows=100), partial(Journal, max_bytes=4_000)], ids=["rows", "bytes"]
)
async def test_rows_that_leave_the_log_at_once_are_recorded(make_journal: Callable[[], Journal]) -> None:
    """Regression: rows that the log dropped before they were written were missing, without a warning."""
    hub = Hub(make_journal())
    lines: list[bytes] = []
    recorder = Recorder(hub)
    for number in range(900):
        if number == 600:
            recorder.write_to(lines.extend)
        row = hub.journal.append(Kind.FROM_UI, "POST /messages", payload=b"{}" * 20, origin=REST, client="rest")
        exchange = RestExchange("POST", "/messages", "", b"", 200, b"", "", "", 0.0, row.mono, row.seq)
        hub.rest_exchanges.emit(exchange)
        hub.join(RecordingTransport(), origin="tauri://x")
    recorder.close()
    steps = [json.loads(line) for line in lines]
    assert [each["seq"] for each in steps] == list(range(1, 1_801))
    assert sum("rest" in each for each in steps) == 900
    assert sum(each.get("page") == "tauri://x" for each in steps) == 900
    assert hub.journal.rows.needed == sys.maxsize
