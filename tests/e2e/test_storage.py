"""Confirmed writes are never lost: after kill -9 while writing, on a full disk, and with a damaged file."""

import http.client
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from app.storage.migrations import STEPS
from tests.conftest import LONG

from . import sockets
from .browser import UI_PORT
from .conftest import Start
from .processes import COMPANION, Companion, Program, own_options, serve, wait_until, without_recording
from .rest import Rest
from .tools import linux_only, need

ROUNDS = 200 if LONG else 8
TIMEOUT_S = 900 if LONG else 150
DISK_MB, BALLAST_MB = 6, 2
LONG_TEXT = "x" * 9_000
FULL = "The chat state could not be used: the disk that holds {folder} is full: free some space and try again."


def texts(rest: Rest, peer: str) -> list[str]:
    return [each["text"] for each in rest.history(peer)]


# kill -9


class Writer(threading.Thread):
    """Post messages as fast as possible, and record which texts were sent and which were confirmed."""

    def __init__(self, program: Companion, number: int) -> None:
        super().__init__(daemon=True)
        self.sent: list[str] = []
        self.confirmed: dict[str, str] = {}
        self._program = program
        self._name = f"round {number}, message"

    @override
    def run(self) -> None:
        try:
            with Rest(self._program) as rest:
                while True:
                    text = f"{self._name} {len(self.sent)} " + "ü" * random.randrange(200)
                    self.sent.append(text)
                    self.confirmed[rest.post(("alice", "bob")[len(self.sent) % 2], text)["msg_id"]] = text
        except (OSError, http.client.HTTPException):
            return  # the server was killed


@pytest.mark.timeout(TIMEOUT_S + 30)
def test_kill_9_while_writing_loses_no_confirmed_message(running: Start, data_dir: Path) -> None:
    """The same file is used repeatedly. Every tenth time, the program is also killed while it starts."""
    without_recording(data_dir)  # which would report the kills
    rng = random.Random(20240115)
    command = (*COMPANION, "serve", "--port", "0", "--rest-port", "0", *own_options(data_dir))
    confirmed: dict[str, str] = {}
    sent: set[str] = set()
    for number in range(ROUNDS):
        with serve(data_dir) as program:
            with Rest(program) as rest:
                rest.friends()  # the first request waits until the web framework is loaded
            writer = Writer(program, number)
            writer.start()
            time.sleep(rng.uniform(0.0, 0.2))
            program.process.kill()
            program.wait()
            writer.join(10)
            assert not writer.is_alive()
            assert program.err == [], "no warnings"
        confirmed |= writer.confirmed
        sent |= set(writer.sent)
        if number % 10 == 9:
            with Program("serve", *command) as program:
                time.sleep(rng.uniform(0.1, 0.4))
                program.process.kill()
                program.wait()
                assert program.err == []
    assert len(confirmed) > ROUNDS, "too few writes for a meaningful test"
    last = running(serve(data_dir))
    with Rest(last) as rest:
        stored = rest.history("alice") + rest.history("bob")
        assert rest.post("alice", "still works")
    last.stop()
    assert last.err == []
    found = {each["msg_id"]: each["text"] for each in stored}
    assert len(found) == len(stored), "no duplicates"
    assert {number: text for number, text in confirmed.items() if found.get(number) != text} == {}
    assert {text for text in found.values() if text.startswith("round")} <= sent, "no partial texts"
    assert max(Counter(found.values()).values()) == 1
    names = sorted(each.name for each in data_dir.iterdir())
    assert not [name for name in names if "damaged" in name], names
    kept = sorted(each.name for each in (data_dir / "backups").iterdir())
    assert len([name for name in kept if name.endswith(".db")]) == 3


def test_an_unfinished_backup_is_removed(running: Start, data_dir: Path) -> None:
    """A process that is killed during a backup leaves a part of the copy."""
    running(serve(data_dir)).stop()
    unfinished = data_dir / "backups" / "chat-1700000000000000000-start.part"
    journal = unfinished.with_name(f"{unfinished.name}-journal")
    for each in (unfinished, journal):
        each.write_bytes(b"part of a copy")
    running(serve(data_dir)).stop()
    assert not [each.name for each in (unfinished, journal) if each.exists()]


# a full disk


class Disk:
    """A small disk that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        self._ballast.write_bytes(bytes(BALLAST_MB * 2**20))

    def fill(self, free: int = 0) -> None:
        """Fill the disk, except for ``free`` bytes."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
            os.truncate(self._ballast, file.tell() - free)

    def make_room(self) -> None:
        """Free some space again."""
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = need("mount", install="apt-get install mount")
    command: list[str | Path] = [mount, "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk to fill can only be mounted by root: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run([need("umount", install="apt-get install mount"), "--lazy", folder], check=True)


def post_until_full(rest: Rest) -> list[str]:
    """Post messages until one is rejected. Return the texts of the stored ones."""
    stored: list[str] = []
    for n in range(2000):
        text = f"{n} {LONG_TEXT}"
        answer = rest.request("POST", "/messages", {"to": "alice", "text": text})
        if answer.status == 500:
            return stored
        assert answer.status == 200
        stored.append(text)
    raise AssertionError("the disk did not get full")


@linux_only
def test_a_full_disk_is_reported_and_no_data_is_lost(running: Start, disk: Disk) -> None:
    data_dir = without_recording(disk.folder / "data")  # so that only the chat state needs space
    server = running(serve(data_dir))
    with Rest(server, "http://localhost:1420") as rest:
        before = texts(rest, "alice")
        stored = post_until_full(rest)
        assert stored
        disk.fill()
        answer = rest.request("POST", "/messages", {"to": "alice", "text": LONG_TEXT})
        assert (answer.status, answer.body) == (500, {"error": FULL.format(folder=data_dir)})
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:1420"
        answer = rest.request("POST", "/friends", {"username": "erin"})
        if answer.status == 201:  # it fits in space that the file has from the rejected message
            known = {"erin"}
        else:
            assert (answer.status, answer.body) == (500, {"error": FULL.format(folder=data_dir)})
            known = set()
        assert texts(rest, "alice") == before + stored, "reading still works"
        assert rest.friends().keys() & {"erin"} == known
        assert rest.request("GET", "/status").status == 200
        disk.make_room()
        rest.post("alice", "there is space again")
        assert rest.request("POST", "/friends", {"username": "frank"}).status == 201
    server.stop()
    assert server.err == []
    with Rest(again := running(serve(data_dir))) as rest:
        assert texts(rest, "alice") == [*before, *stored, "there is space again"]
        assert rest.friends().keys() & {"erin", "frank"} == known | {"frank"}
    assert again.err == []


@linux_only
def test_events_work_when_the_disk_is_full(running: Start, disk: Disk) -> None:
    """Client frames, allowed pages and rejected pages are handled without a traceback."""
    data_dir = disk.folder / "data"
    server = running(serve(data_dir))
    with ExitStack() as stack, Rest(server) as rest, sockets.client(server.url, "bob") as bob:
        rest.request("POST", "/friends", {"username": "erin"})
        (newest,) = rest.page("alice", 1)["messages"]
        post_until_full(rest)
        disk.fill()
        me = stack.enter_context(sockets.client(server.url))
        sockets.send(me, "mark_read", peer="alice", msg_id=newest["msg_id"])
        sockets.send(me, "typing", to="bob", typing=True)
        assert sockets.receive(bob)["data"] == {"username": "me", "typing": True}, "after mark_read was handled"
        with sockets.raw(server.port) as page:
            assert "101" in sockets.handshake(page, "/events", f"Origin: http://localhost:{UI_PORT}")
        with sockets.raw(server.port) as page:
            assert "403" in sockets.handshake(page, "/events", "Origin: http://elsewhere.example")
        sockets.send(me, "typing", to="bob", typing=False)
        assert sockets.receive(bob)["data"] == {"username": "me", "typing": False}
        assert rest.request("GET", "/status").status == 200
    server.stop()
    assert server.err == []


@linux_only
@pytest.mark.parametrize("before", ["nothing", "stopped", "killed"])
def test_a_start_on_a_full_disk_serves_events(running: Start, disk: Disk, before: str, tmp_path: Path) -> None:
    data_dir = disk.folder / "data"
    data_dir.mkdir()
    known: list[str] = []
    if before != "nothing":
        with Rest(first := running(serve(data_dir))) as rest:
            rest.post("alice", "before the disk was full")
            known = texts(rest, "alice")
        if before == "stopped":
            first.stop()
            shutil.rmtree(data_dir / "backups")  # a backup would hide a loss
        else:
            first.process.kill()
            first.wait()
    disk.fill()
    server = running(serve(data_dir, "--token-file", tmp_path / "token"))
    with sockets.client(server.url, "bob") as bob, sockets.client(server.url, "alice") as alice:
        sockets.send(alice, "typing", to="bob", typing=True)
        assert sockets.receive(bob)["data"]["username"] == "alice"
    with Rest(server) as rest:
        assert rest.request("GET", "/status").status == 200
        answer = rest.request("POST", "/messages", {"to": "alice", "text": "x"})
        assert answer.status in (200, 500), answer
        if answer.status == 200:  # kept in memory only, so the user must be warned
            assert "in memory until you quit" in "\n".join(server.err)
            assert str(data_dir) in "\n".join(server.err)
    server.stop()
    assert "Traceback" not in "\n".join(server.err), server
    disk.make_room()
    with Rest(again := running(serve(data_dir))) as rest:
        found = texts(rest, "alice")
        assert rest.post("alice", "there is space again")
    again.stop()
    assert not [each.name for each in data_dir.iterdir() if "damaged" in each.name], (
        "a full disk is not reported as damage"
    )
    assert again.err == []
    assert found[: len(known)] == known


@linux_only
@pytest.mark.parametrize("kib_free", [0, 32, 64])
def test_a_start_on_an_almost_full_disk_with_expired_presence_succeeds(
    running: Start, disk: Disk, tmp_path: Path, kib_free: int
) -> None:
    """Friends whose presence has expired must be stored as offline at the start."""
    data_dir = disk.folder / "data"
    with serve(data_dir) as first:
        first.stop()
    state = tmp_path / "state.json"
    command = (*COMPANION, "state")
    assert running(Program("save", *command, "save", state, "--data-dir", data_dir)).wait() == 0
    scene = json.loads(state.read_text())
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).timestamp()
    scene["people"] = [each | {"online": True, "last_seen": hour_ago} for each in scene["people"]]
    state.write_text(json.dumps(scene))
    assert running(Program("load", *command, "load", state, "--data-dir", data_dir)).wait() == 0
    disk.fill(free=kib_free * 1024)
    server = running(serve(data_dir))
    with Rest(server) as rest:
        assert rest.request("GET", "/status").status == 200
    server.stop()
    assert "Traceback" not in "\n".join(server.err), server


# damage

PAGE_BYTES = 4096


def truncate(file: Path) -> None:
    """Cut off the second half, in the middle of a page."""
    os.truncate(file, file.stat().st_size // 2 + 100)


def overwrite_header(file: Path) -> None:
    """Overwrite the header, which identifies the file as a database."""
    with file.open("r+b") as content:
        content.write(b"\xff" * 100)


def garbage_pages(file: Path) -> None:
    """Overwrite some pages in the middle."""
    noise = random.Random(1)
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // PAGE_BYTES // 2 * PAGE_BYTES)
        content.write(noise.randbytes(3 * PAGE_BYTES))


def garbage_text(file: Path) -> None:
    """Make a stored text invalid UTF-8. The pages stay well-formed."""
    content = file.read_bytes()
    at = content.index(b"message 77 of many")
    with file.open("r+b") as written:
        written.seek(at)
        written.write(b"\xff\xfe\xff")


def empty(file: Path) -> None:
    """Truncate the file to zero bytes."""
    os.truncate(file, 0)


Damage = Callable[[Path], None]
REPAIRED = (
    r"The chat state was damaged \(.+?\)\. The file was renamed to (chat\.db\.damaged-\d{8}-\d{6})\. "
    r"The backup of \d{4}-\d\d-\d\d \d\d:\d\d is in use\."
)


def fill_chat_state(running: Start, data_dir: Path) -> list[str]:
    """Create a chat state of many pages, and return the texts of alice's chat."""
    with Rest(first := running(serve(data_dir))) as rest:
        for n in range(150):
            rest.post("alice", f"message {n} of many " + "ä" * 300)
        known = texts(rest, "alice")
    first.stop()
    return known


DAMAGES = (
    overwrite_header,
    *(pytest.param(each, marks=pytest.mark.long) for each in (truncate, garbage_pages, empty)),
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_damage_is_repaired_from_the_last_backup(running: Start, data_dir: Path, damage: Damage) -> None:
    known = fill_chat_state(running, data_dir)
    file = data_dir / "chat.db"
    damage(file)
    damaged = file.read_bytes()
    server = running(serve(data_dir))
    found = re.search(REPAIRED, repair_message(server), re.DOTALL)
    assert found, server
    assert (data_dir / found[1]).read_bytes() == damaged, "the damaged file is kept unchanged"
    with Rest(server) as rest:
        assert texts(rest, "alice") == known
        assert sorted(rest.friends()) == ["alice", "bob", "carol", "dave"]
        rest.post("bob", "it works")
    server.stop()
    with Rest(again := running(serve(data_dir))) as rest:
        assert texts(rest, "alice") == known
        assert texts(rest, "bob")[-1] == "it works"
    again.stop()
    assert again.err == []


@pytest.mark.parametrize("damage", [garbage_pages], ids=lambda each: each.__name__)
def test_a_damaged_database_is_reported_once_in_one_line(running: Start, data_dir: Path, damage: Damage) -> None:
    fill_chat_state(running, data_dir)
    damage(data_dir / "chat.db")
    server = running(serve(data_dir))
    repair_message(server)
    server.stop()
    assert len(server.err) == 1


def repair_message(server: Companion) -> str:
    """Wait until the server has reported the repair, and return its standard error."""
    server.wait_for_line(r"is in use\.$|starts empty\.$", among="err")
    return "\n".join(server.err)


def test_a_damaged_database_without_a_backup_starts_with_a_new_state(running: Start, data_dir: Path) -> None:
    fill_chat_state(running, data_dir)
    shutil.rmtree(data_dir / "backups")
    overwrite_header(data_dir / "chat.db")
    server = running(serve(data_dir))
    assert "There was no backup, so the state starts empty." in repair_message(server)
    with Rest(server) as rest:
        assert len(rest.friends()) == 4
        assert rest.post("alice", "it works")
    assert list(data_dir.glob("chat.db.damaged-*"))


def test_a_damaged_backup_is_skipped(running: Start, data_dir: Path) -> None:
    known = fill_chat_state(running, data_dir)
    with Rest(server := running(serve(data_dir))) as rest:
        assert rest.post("bob", "only in the newest backup")
    server.stop()
    newest = max((data_dir / "backups").iterdir(), key=lambda file: file.stat().st_mtime)
    garbage_pages(newest)
    garbage_pages(data_dir / "chat.db")
    with Rest(server := running(serve(data_dir))) as rest:
        assert texts(rest, "alice") == known
    assert "is in use." in repair_message(server)


def test_damage_within_a_text_does_not_stop_the_program(running: Start, data_dir: Path) -> None:
    """SQLite's integrity check does not find this damage."""
    known = fill_chat_state(running, data_dir)
    garbage_text(data_dir / "chat.db")
    with Rest(server := running(serve(data_dir))) as rest:
        found = texts(rest, "alice")
        assert len(found) == len(known)
        assert sum(one != other for one, other in zip(found, known, strict=True)) <= 1
    server.stop()
    assert "Traceback" not in "\n".join(server.err)


def test_damage_within_the_newest_text_does_not_stop_the_program(running: Start, data_dir: Path) -> None:
    """The newest texts are read during the start."""
    with Rest(first := running(serve(data_dir))) as rest:
        rest.post("alice", "message 77 of many")
    first.stop()
    garbage_text(data_dir / "chat.db")
    with Rest(server := running(serve(data_dir))) as rest:
        assert len(rest.friends()) == 4
        assert rest.page("alice")["messages"]
    server.stop()
    assert "Traceback" not in "\n".join(server.err)


def test_two_damaged_files_in_a_row_are_both_kept(running: Start, data_dir: Path) -> None:
    fill_chat_state(running, data_dir)
    for _ in range(2):
        overwrite_header(data_dir / "chat.db")
        program = running(serve(data_dir))
        repair_message(program)
        program.stop()
        time.sleep(1)  # their names contain the time in seconds
    wait_until(lambda: len(list(data_dir.glob("chat.db.damaged-*"))) == 2, "both files")


@pytest.mark.parametrize("command", [("serve",), ("state", "save", "x.json"), ("state", "reset")], ids=" ".join)
def test_a_chat_state_of_a_newer_version_is_rejected_and_not_changed(
    running: Start, data_dir: Path, command: tuple[str, ...]
) -> None:
    running(serve(data_dir)).stop()
    file = data_dir / "chat.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    program = running(Program("newer", *COMPANION, *command, "--data-dir", data_dir))
    assert program.wait() == 1
    assert program.out == []
    assert (
        f"{file} was written by a newer version of the companion (schema 99; this version supports {len(STEPS)})."
        in program.err[0]
    )
    assert len(program.err) == 1
    assert file.read_bytes() == before
    assert sorted(each.name for each in data_dir.glob("chat.db*")) == ["chat.db"]
