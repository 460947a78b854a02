"""What the commands of rooms ask the user, and what they report."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.companion import Companion
from app.protocol.asyncapi_import.imported_file import FileStatus, ImportedEvent, ImportedFile
from app.protocol.contract import Direction
from app.protocol.faults.kinds import Loss
from app.protocol.faults.profiles import Profile, SavedProfile
from app.protocol.faults.rest import parse_rest_fault
from app.protocol.peers.keys import Identity
from app.protocol.peers.peer import Peer
from app.storage.peer_identity import PeerIdentity
from app.ui import document_import, source_commands
from app.ui.document_import import DocumentImport
from app.ui.fault_commands import FaultCommands
from app.ui.room_tasks import RoomTasks
from app.ui.source_commands import SourceCommands
from app.ui.source_watch import SourceWatch
from app.ui.widgets.verify_dialog import VerifyDialog
from app.ui.window import MainWindow
from tests.conftest import MakeCompanion, until
from tests.ui.frames import wait_until_idle


class Questions:
    """Takes the place of ``confirm``, and answers with yes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, parent: Any, question: str, details: str, verb: str, then: Any) -> None:
        self.asked.append(f"{question} {details}")
        then()


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> Questions:
    found = Questions()
    monkeypatch.setattr(source_commands, "confirm", found)
    monkeypatch.setattr(document_import, "confirm", found)
    return found


def peer(name: str, *, changed: bool = False) -> Peer:
    offered = Identity.generate().public if changed else None
    return Peer(username=name, keys=Identity.generate().public, offered=offered)


# peers


async def test_damaged_keys_are_replaced_by_a_backup_after_a_question(
    make_companion: MakeCompanion, window: MainWindow, questions: Questions, tmp_path: Path
) -> None:
    companion = await make_companion()
    companion.identity = PeerIdentity(tmp_path / "keys")
    backup = tmp_path / "backup.json"
    await companion.identity.obtain()
    await companion.identity.export(backup, "flat")
    node_id = companion.identity.node_id
    store = companion.identity._store
    assert store
    await store.store("{")
    companion.identity.current = None
    reports: list[str] = []
    SourceCommands(window, companion, reports.append, reports.append).restore(str(backup))
    await until(lambda: bool(reports))
    assert len(questions.asked) == 1
    assert reports == [f"Restored your keys from {backup}"]
    assert companion.identity.node_id == node_id


async def test_the_digits_that_were_shown_are_verified(window: MainWindow, qtbot: Any) -> None:
    dialog = VerifyDialog(window, peer("ben"))
    matched: list[str] = []
    dialog.matched.connect(matched.append)
    dialog.show_digits(["12345 " * 12])
    dialog.match.click()
    assert matched == ["12345 " * 12]


async def test_fingerprints_that_are_computed_late_bring_no_accepted_change_back(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = SourceWatch(companion)
    await until(lambda: watch._has_read)
    keyring = asyncio.Event()

    async def digits(*keys: Any) -> list[str]:
        await keyring.wait()
        return ["1"] * len(keys)

    monkeypatch.setattr(companion.identity, "fingerprints_with", digits)
    shown: list[int] = []
    watch.changed.connect(lambda: shown.append(len(watch.peers)))
    watch._show([peer("ben", changed=True)])
    assert shown == [1], "the list does not wait for the keyring"
    watch._show([peer("ben")])
    keyring.set()
    await wait_until_idle(companion)
    assert list(watch.changed_keys) == []
    watch.close_down()


# faults


async def test_an_armed_profile_is_reported_with_its_targets_routes_and_seeds(companion: Companion) -> None:
    reports: list[str] = []
    commands = FaultCommands(companion, reports.append, reports.append)
    frames, rest = (Loss(rate=0.5),), (parse_rest_fault("POST /messages", ["status=503"]),)
    for profile in (Profile(rest=rest), Profile(faults=frames, rest=rest), Profile(faults=frames)):

        async def look_up(_: str, profile: Profile = profile) -> SavedProfile:
            return SavedProfile("down", profile, own=True)

        companion.profiles.look_up = look_up  # type: ignore[method-assign, assignment]
        commands.arm_profile("down", seed=7)
        await wait_until_idle(companion)
    assert reports == [
        "Armed down for POST /messages of all clients (seed 7)",
        "Armed down for all clients (seed 7) and POST /messages of all clients (seed 7)",
        "Armed down for all clients (seed 7)",
    ]


# the contract


def imported(file: str, status: FileStatus) -> ImportedFile:
    event = ImportedEvent(file=file, event=file.partition(".")[0], direction=Direction.TO_UI, text="")
    return ImportedFile(event=event, status=status)


async def test_the_question_of_an_import_names_all_files_that_would_be_replaced(
    companion: Companion, window: MainWindow, questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = DocumentImport(window, companion, RoomTasks(companion.tasks, print), print)
    saved: list[bool] = []
    monkeypatch.setattr(importing, "_save", lambda _, *, force=False: saved.append(force))
    defined = imported("mine.json", FileStatus.DEFINED)
    importing._check(Path("a.json"), (None, [imported("new.json", FileStatus.NEW), defined]))  # type: ignore[arg-type]
    assert (questions.asked, saved) == ([], [False]), "nothing is replaced"
    importing._check(Path("a.json"), (None, [imported("bbb.json", FileStatus.DIFFERENT), defined]))  # type: ignore[arg-type]
    assert questions.asked == ["Replace 2 event files? bbb.json, mine.json would be replaced."]
    assert saved == [False, True]
