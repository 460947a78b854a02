"""The Contract room: rules of the lint with their findings, turning rules off, and the events of the contract."""

import asyncio
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.event_type import StructEvent
from app.protocol.events import Typing
from app.protocol.lint.findings import Finding
from app.protocol.lint.rules import RULES
from app.ui import theme
from app.ui.document_export import DOCUMENTS, DocumentExport
from app.ui.models.lint_rules import Col, FindingsModel
from app.ui.palette_commands import commands
from app.ui.room_registry import CONTRACT, EVENTS, INJECT
from app.ui.room_tasks import RoomTasks
from app.ui.rooms import contract
from app.ui.rooms.contract import ContractRoom
from app.ui.widgets.lint_card import NOTHING, OFF
from app.ui.widgets.navigation import RoomButton
from app.ui.window import MainWindow
from tests.conftest import Connect, MakeCompanion, until


@pytest.fixture
def events_folder(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
async def companion(make_companion: MakeCompanion, events_folder: Path) -> Companion:
    companion = await make_companion(events_folder=str(events_folder))
    assert await companion.start(), companion.services["events"].error
    return companion


@pytest.fixture
def first_room() -> str:
    return CONTRACT


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> ContractRoom:
    window.save_requested.connect(lambda settings: companion.tasks.spawn(companion.apply(settings), "apply"))
    window.open_room(CONTRACT)
    return window.contract


async def violate(companion: Companion, times: int = 2) -> list[int]:
    """Fire the same presence repeatedly, and return the numbers of the rows."""
    event = Envelope("friend_online", {"username": "alice"})
    seqs = [(await companion.fire(event, origin=PANEL)).seq for _ in range(times)]
    await companion.contract_lint.catch_up()
    return seqs


def line(room: ContractRoom, rule: str) -> tuple[str, ...]:
    """Return the texts of a rule's line."""
    model = room.lint.model
    row = next(number for number, each in enumerate(model.lines) if each.rule.id == rule)
    return tuple(model.index(row, column, QModelIndex()).data() for column in Col)


async def test_all_rules_are_listed_and_the_first_is_selected(room: ContractRoom) -> None:
    assert [each.rule for each in room.lint.model.lines] == list(RULES)
    assert line(room, "blanks-ui") == ("✕ error", "Blanks the released UI", "–", "–", "–")
    card = room.lint.card
    assert card.title.text() == "Blanks the released UI"
    assert card.facts.text() == "blanks-ui · error · 0 findings"
    assert (card.why.text(), card.advice.text()) == (RULES[0].why, RULES[0].advice)
    assert (card.first.isEnabled(), card.filter.isEnabled(), card.switch.isEnabled()) == (False, False, True)
    assert card.nothing.text() == NOTHING
    assert room.lint.summary.text() == "No findings in this run"
    assert not room.lint.show_all.isEnabled()


async def test_findings_appear_while_the_room_is_visible(
    room: ContractRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client()
    _, second, third = await violate(companion, 3)
    await until(lambda: line(room, "presence-repeated")[2] == "2")
    assert line(room, "presence-repeated")[3:] == (f"#{second}", f"#{third}")
    assert room.lint.summary.text() == "2 findings of 1 rule"
    room.show_rule("presence-repeated")
    model = room.lint.card.model
    assert [each.seq for each in model.lines] == [second, third]
    assert model.index(0, 1, QModelIndex()).data() == f"alice is online since row #{second - 1}"
    await violate(companion)
    await until(lambda: line(room, "presence-repeated")[2] == "4")
    assert room.lint.selected is not None
    assert room.lint.selected.rule.id == "presence-repeated", "the selection stays"


async def test_the_buttons_select_rows_and_filter_events(
    room: ContractRoom, companion: Companion, window: MainWindow, connect_client: Connect
) -> None:
    await connect_client()
    _, second, third = await violate(companion, 3)
    room.lint.refresh()
    room.show_rule("presence-repeated")
    card = room.lint.card
    for button, seq in ((card.last, third), (card.first, second)):
        button.click()
        assert window.rooms.current == EVENTS
        assert window.events.selected is not None
        assert window.events.selected.seq == seq
        window.open_room(CONTRACT)
    card.filter.click()
    assert window.events.filter.text() == "lint:presence-repeated"
    await until(lambda: list(window.events.model.seqs) == [second, third])
    window.open_room(CONTRACT)
    room.lint.show_all.click()
    assert window.events.filter.text() == "is:lint"
    window.open_room(CONTRACT)
    card.table.activated.emit(card.model.index(1, 0, QModelIndex()))
    assert window.events.selected is not None
    assert window.events.selected.seq == third


async def test_a_row_that_is_no_longer_in_the_log_is_reported(
    room: ContractRoom, companion: Companion, window: MainWindow
) -> None:
    room.row_requested.emit(99_999)
    assert window.status.message.text() == "Row #99999 is not in the log view"


async def test_a_rule_is_turned_off_and_on_with_button_and_key(
    room: ContractRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client()
    await violate(companion)
    room.show_rule("presence-repeated")
    room.lint.card.switch.click()
    await until(lambda: companion.settings.lint_off == ["presence-repeated"])
    await until(lambda: line(room, "presence-repeated")[2] == "off")
    assert room.lint.card.nothing.text() == OFF
    assert room.lint.card.switch.text() == "Turn on"
    assert room.lint.summary.text() == "No findings in this run · 1 rule off"
    room.lint.table.setFocus()
    QTest.keyClick(room.lint.table, Qt.Key.Key_Delete)
    await until(lambda: companion.settings.lint_off == [])
    await until(lambda: line(room, "presence-repeated")[2] == "1")


async def test_the_context_menu_offers_the_same(room: ContractRoom, companion: Companion) -> None:
    room.show_rule("clock-skew")
    room.lint.table.customContextMenuRequested.emit(room.lint.table.rect().center())
    (menu,) = [each for each in room.lint.findChildren(QMenu) if each.isVisible()]
    assert [(each.text(), each.isEnabled()) for each in menu.actions()] == [
        ("First row", False), ("Last row", False), ("Filter Events", False), ("Turn off", True),
    ]  # fmt: skip
    menu.actions()[-1].trigger()
    await until(lambda: companion.settings.lint_off == ["clock-skew"])
    menu.close()


async def test_findings_are_saved_as_text_json_and_junit(
    room: ContractRoom, companion: Companion, connect_client: Connect, tmp_path: Path
) -> None:
    await connect_client()
    await violate(companion)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    for suffix in ("txt", "json", "xml"):
        room.export.save(tmp_path / f"lint.{suffix}")
    await until(lambda: len(messages) == 3)
    assert "presence-repeated  1×" in (tmp_path / "lint.txt").read_text(encoding="utf-8")
    report = json.loads((tmp_path / "lint.json").read_text(encoding="utf-8"))
    assert [each["rule"] for each in report["rules"] if each["count"]] == ["presence-repeated"]
    assert ElementTree.parse(tmp_path / "lint.xml").getroot()[0].get("tests") == str(len(RULES))
    room.export.save(tmp_path / "lint.pdf")
    assert messages[-1] == "The file name must end with .txt, .json or .xml, not .pdf."
    room.export.save(tmp_path / "missing" / "lint.txt")
    await until(lambda: len(messages) == 5)
    assert "could not be" in messages[-1]


async def test_new_errors_are_counted_at_the_room_until_it_is_opened(
    companion: Companion, window: MainWindow, connect_client: Connect
) -> None:
    window.open_room(EVENTS)
    await connect_client()
    await companion.fire(Envelope("typing", {"username": "alice"}), origin=PANEL, strict=False)
    await companion.contract_lint.catch_up()
    button = next(each for each in window.findChildren(RoomButton) if each.text() == "Contract")
    assert button.badge is not None
    assert (button.badge.text, button.badge.meaning) == ("1", "1 new violation of the contract")
    window.open_room(CONTRACT)
    assert button.badge is None
    await violate(companion)
    assert button.badge is None, "an info is no error"

    # violations that were seen stay seen when their rule is turned off and on again, and do not hide new ones
    window.open_room(EVENTS)
    for off in (["missing-field"], []):
        await companion.apply(replace(companion.settings, lint_off=off))
        assert button.badge is None
    await companion.fire(Envelope("typing", {"username": "alice", "typing": 1}), origin=PANEL, strict=False)
    await companion.contract_lint.catch_up()
    assert button.badge is not None
    await companion.apply(replace(companion.settings, lint_off=["missing-field"]))
    assert (button.badge.text, button.badge.meaning) == ("1", "1 new violation of the contract")


async def test_the_palette_turns_rules_off_and_filters_events(
    room: ContractRoom, window: MainWindow, companion: Companion
) -> None:
    def run(title: str) -> None:
        next(each for each in commands(window) if each.title == title).act()

    run("Turn off lint rule clock-skew")
    await until(lambda: companion.settings.lint_off == ["clock-skew"])
    run("Turn on lint rule clock-skew")
    await until(lambda: companion.settings.lint_off == [])
    run("Show violations of the contract")
    assert (window.rooms.current, window.events.filter.text()) == (EVENTS, "is:lint")


def test_a_new_finding_keeps_the_selection(qapp: QApplication) -> None:
    """Of more than 50 findings, the first 50 and the last are shown."""
    model = FindingsModel()
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    found = [Finding(RULES[0], number, "x") for number in range(60)]
    model.show(found[:50])
    for last in (50, 51, 51, 52):
        model.show([*found[:50], found[last]])
        assert [each.seq for each in model.lines] == [*range(50), last]
    assert len(resets) == 1
    model.show([])
    model.show([found[1]])
    model.show([found[2]])
    assert [each.seq for each in model.lines] == [2]
    assert len(resets) == 4


# events


def events(room: ContractRoom) -> list[tuple[str, ...]]:
    model = room.catalog.model
    return [
        tuple(model.index(row, column, QModelIndex()).data() for column in (0, 1, 3))
        for row in range(model.rowCount())
    ]


async def test_the_events_of_the_contract_are_listed_with_their_schema(
    room: ContractRoom, window: MainWindow
) -> None:
    room.tabs.setCurrentIndex(1)
    assert [each[:2] for each in events(room)] == [
        ("new_message", "To UI ↓"), ("friend_online", "To UI ↓"), ("friend_offline", "To UI ↓"),
        ("typing", "To UI ↓"), ("typing", "From UI ↑"), ("mark_read", "From UI ↑"),
    ]  # fmt: skip
    assert events(room)[0][2].endswith("delivered, delivery_method, reactions?")
    page = room.catalog
    assert json.loads(page.schema.toPlainText())["title"] == "new_message"
    page.table.selectRow(3)
    page.inject.click()
    assert window.rooms.current == INJECT
    assert window.inject.panels.currentWidget() is window.inject.event_panel("typing")
    page.table.selectRow(5)
    assert not page.inject.isEnabled()


async def test_the_list_follows_the_catalog_and_keeps_the_selection(
    room: ContractRoom, companion: Companion
) -> None:
    room.catalog.table.selectRow(4)
    companion.use_events([*companion.catalog, StructEvent("reaction", Direction.TO_UI, Typing)])
    assert ("reaction", "To UI ↓", "username, typing") in events(room)
    assert room.catalog.selected is not None
    assert room.catalog.selected.key == (Direction.FROM_UI, "typing")
    assert room.catalog.summary.text() == "7 events"


async def test_a_valid_event_that_another_file_defines_already_is_not_used(
    room: ContractRoom, companion: Companion, events_folder: Path
) -> None:
    for name in ("a.json", "b.json"):
        write_file(events_folder, name, {"event": "poke", "direction": "to_ui", "data": {}})
    await companion.event_files.read()
    (line,) = [each for each in room.catalog.model.lines if each.file == "b.json"]
    assert line.texts[:3] == ("poke (not used)", "To UI ↓", "b.json")
    assert "a.json" in line.texts[3]


async def test_the_title_of_an_event_is_shown_and_its_name_only_once(
    room: ContractRoom, companion: Companion, events_folder: Path, subtests: pytest.Subtests
) -> None:
    for texts, about in (
        ({}, "Defined in w.json."),
        ({"title": "Wave"}, "Wave. Defined in w.json."),
        ({"title": "Wave", "description": "Hello."}, "Wave: Hello. Defined in w.json."),
    ):
        with subtests.test(texts=texts):
            write_file(events_folder, "w.json", {"event": "wave", "direction": "to_ui", "data": {}, **texts})
            await companion.event_files.read()
            page = room.catalog
            page.table.selectRow(next(row for row, each in enumerate(page.model.lines) if each.file))
            assert page.title.text() == "wave · To UI ↓"
            assert page.about.text() == about


FILE = {"event": "reaction", "direction": "to_ui", "data": {"type": "object", "properties": {"emoji": {}}}}


def write_file(folder: Path, name: str, content: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def broken_and_valid(folder: Path) -> None:
    """Write a file that defines an event, and one that is not valid."""
    folder.mkdir(exist_ok=True)
    (folder / "reaction.json").write_text(json.dumps(FILE), encoding="utf-8")
    (folder / "broken.json").write_text("{", encoding="utf-8")


async def test_event_files_are_listed_with_their_errors(
    room: ContractRoom, companion: Companion, events_folder: Path
) -> None:
    broken_and_valid(events_folder)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    page = room.catalog
    page.reload.click()
    await until(lambda: messages == ["Read 2 event files: 1 error"])
    lines = {each.file: each for each in page.model.lines if each.file}
    assert lines["reaction.json"].texts == ("reaction", "To UI ↓", "reaction.json", "emoji?")
    assert lines["broken.json"].texts[:3] == ("not valid", "–", "broken.json")
    assert page.summary.text() == "7 events · 2 files · 1 with errors"
    page.table.selectRow(len(page.model.lines) - 1)
    assert page.title.text() == "broken.json"
    assert page.problems.text().startswith("broken.json")
    assert not page.inject.isEnabled()
    (events_folder / "broken.json").unlink()
    await companion.event_files.read()
    assert page.summary.text() == "7 events · 1 file"


async def test_the_folder_is_created_and_opened(
    room: ContractRoom, events_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(contract, "open_folder", opened.append)
    room.catalog.folder.click()
    await until(lambda: opened == [events_folder])
    assert await asyncio.to_thread(events_folder.is_dir)


DOCUMENT: dict[str, Any] = {
    "asyncapi": "3.0.0", "info": {"title": "Chat backend", "version": "1"},
    "channels": {"events": {"messages": {"edited": {"name": "edited", "payload": {
        "type": "object", "required": ["event", "data"],
        "properties": {"event": {"const": "edited"}, "data": {"type": "object", "properties": {"text": {}}}},
    }}}}},
    "operations": {"send": {"action": "send", "channel": {"$ref": "#/channels/events"}}},
}  # fmt: skip


async def test_a_document_is_imported_and_files_are_replaced_only_after_a_question(
    room: ContractRoom, events_folder: Path, tmp_path: Path
) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    document = tmp_path / "asyncapi.json"
    document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    room.documents.load(document)
    await until(lambda: bool(messages))
    assert messages[0].startswith("Imported 1 event of the backend")
    assert ("edited", "To UI ↓", "text?") in events(room)
    file = events_folder / "edited.json"
    file.write_text(json.dumps({**FILE, "event": "edited"}), encoding="utf-8")
    room.documents.load(document)
    box = await until_dialog()
    assert "edited" in box.informativeText()
    box.reject()
    assert "emoji" in file.read_text(encoding="utf-8")
    room.documents.load(document)
    next(each for each in (await until_dialog()).buttons() if each.text() == "Replace").click()
    await until(lambda: len(messages) == 2)
    assert "emoji" not in file.read_text(encoding="utf-8")
    document.write_text("no document", encoding="utf-8")
    room.documents.load(document)
    await until(lambda: len(messages) == 3)
    room.documents.load(tmp_path / "missing.json")
    await until(lambda: len(messages) == 4)
    assert "cannot be read" in messages[-1]


async def test_the_question_names_all_files_that_an_import_replaces(
    room: ContractRoom, events_folder: Path, tmp_path: Path
) -> None:
    messages = DOCUMENT["channels"]["events"]["messages"]
    other = json.loads(json.dumps(messages["edited"]).replace("edited", "removed"))
    document = tmp_path / "asyncapi.json"
    content = {**DOCUMENT, "channels": {"events": {"messages": {**messages, "removed": other}}}}
    document.write_text(json.dumps(content), encoding="utf-8")
    await asyncio.to_thread(events_folder.mkdir, exist_ok=True)
    for file, event in (("edited", "edited"), ("mine", "removed")):
        (events_folder / f"{file}.json").write_text(json.dumps({**FILE, "event": event}), encoding="utf-8")
    room.documents.load(document)
    box = await until_dialog()
    assert box.text() == "Replace 2 event files?"
    assert box.informativeText() == "edited.json, mine.json would be replaced."
    box.reject()


async def until_dialog() -> QMessageBox:
    await until(lambda: QApplication.activeModalWidget() is not None)
    found = QApplication.activeModalWidget()
    assert isinstance(found, QMessageBox)
    return found


async def test_documents_are_saved(room: ContractRoom, companion: Companion, tmp_path: Path) -> None:
    assert [each.text() for each in room.catalog.menu.actions()] == [each.title for each in DOCUMENTS]
    messages: list[Any] = []
    export = DocumentExport(room, companion, RoomTasks(companion.tasks, messages.append), messages.append)
    files = [tmp_path / f"{number}{each.suffix}" for number, each in enumerate(DOCUMENTS)]
    for document, file in zip(DOCUMENTS, files, strict=True):
        export.save(document, file)
    await until(lambda: len(messages) == len(DOCUMENTS))
    backend, client, types, page = (file.read_text(encoding="utf-8") for file in files)
    assert json.loads(backend)["asyncapi"] == "3.0.0"
    assert json.loads(backend)["operations"] != json.loads(client)["operations"]
    assert "export type WSEvent" in types
    assert page.startswith("# ")
    await companion.apply(replace(companion.settings, envelope_event_key="type"))
    export.save(DOCUMENTS[2], tmp_path / "keys.ts")
    await until(lambda: len(messages) == len(DOCUMENTS) + 1)
    assert 'type: "new_message"' in (tmp_path / "keys.ts").read_text(encoding="utf-8")


@pytest.mark.usefixtures("styled")
async def test_the_colours_follow_the_theme(room: ContractRoom, qapp: Any) -> None:
    for scheme in ("dark", "light"):
        theme.apply(qapp, scheme)
        room.recolor()
