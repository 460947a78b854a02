"""The room that arms and clears faults, the strip, the badge and the palette's commands."""

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.faults.profiles import Profile
from app.protocol.faults.rest import parse_rest_fault
from app.protocol.faults.words import parse_fault
from app.ui.models.fault_text import armed_summary, explain, explain_rest
from app.ui.palette_commands import commands
from app.ui.room_registry import EVENTS, FAULTS
from app.ui.rooms.faults import FaultsRoom
from app.ui.widgets.fault_form import EFFECTS, KINDS
from app.ui.widgets.name_dialog import NameDialog
from app.ui.widgets.navigation import RoomButton
from app.ui.window import MainWindow
from tests.conftest import Connect, MakeCompanion, until

BOB = Target(user="bob")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
async def companion(make_companion: MakeCompanion, folder: Path) -> Companion:
    companion = await make_companion(faults=str(folder))
    assert await companion.start(), companion.services["events"].error
    return companion


@pytest.fixture
def first_room() -> str:
    return FAULTS


@pytest.fixture
async def room(window: MainWindow) -> FaultsRoom:
    window.open_room(FAULTS)
    return window.faults


def listed(room: FaultsRoom) -> dict[str, list[str]]:
    """Return the titles in each folder of the list of profiles."""
    model = room.list.model
    tops = [model.index(row, 0) for row in range(model.rowCount(QModelIndex()))]
    return {top.data(): [model.index(row, 0, top).data() for row in range(model.rowCount(top))] for top in tops}


def armed(room: FaultsRoom) -> list[tuple[str, ...]]:
    """Return the texts of the list of armed faults."""
    model = room.armed.model
    return [
        tuple(model.index(row, column, QModelIndex()).data() for column in range(model.columnCount()))
        for row in range(model.rowCount())
    ]


def write(room: FaultsRoom, words: str = "", rest: str = "", effects: str = "") -> None:
    """Open the form for single faults, and write into it."""
    room.tabs.setCurrentIndex(1)
    room.form.words.setText(words)
    room.form.route.setCurrentText(rest)
    room.form.effects.setText(effects)


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if not file.name.endswith(".schema.json")]


def dialog() -> NameDialog:
    found = QApplication.activeModalWidget()
    assert isinstance(found, NameDialog)
    return found


async def type_as_bob(companion: Companion, times: int = 1) -> None:
    for number in range(times):
        event = Envelope("typing", {"username": "bob", "typing": number % 2 == 0})
        await companion.fire(event, origin=PANEL)


# profiles


async def test_built_in_and_own_profiles_are_listed(room: FaultsRoom, companion: Companion) -> None:
    assert listed(room)["Profiles · built in"][:2] == ["3G", "Flaky café Wi-Fi"]
    await companion.profiles.save("mine/slow", Profile(title="Slow", faults=(parse_fault("latency=900"),)))
    assert next(iter(listed(room).items())) == ("mine · yours", ["Slow"])
    room.list.search.setText("tunnel")
    assert listed(room) == {"Profiles · built in": ["Train in a tunnel"]}


async def test_the_selected_profile_is_explained(room: FaultsRoom) -> None:
    await until(lambda: room.profiles.pane.currentWidget() is room.empty)
    assert not room.bar.arm.isEnabled()
    room.list.choose("train-tunnel")
    assert room.card.title.text() == "Train in a tunnel"
    assert room.card.about.text().startswith("After every 25 frames, nothing arrives")
    model = room.card.model
    lines = [[model.index(row, column).data() for column in range(3)] for row in range(model.rowCount())]
    assert lines == [
        ["latency=150~50", "Both", "Delays each frame by 150 ms, plus or minus 50 ms."],
        ["stall=25,for=8000", "To UI ↓", "Pauses for 8 s after every 25 frames."],
        ["limit=60,then=reset", "To UI ↓", "Resets the connection after every 60 frames."],
        ["* /* rate=0.15 offline", "REST", "Resets the connection of 15 % of the calls."],
    ]
    assert room.bar.seed_field.placeholderText() == "1 (profile)"


async def test_a_profile_is_armed_for_the_chosen_clients_with_a_seed(
    room: FaultsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("bob")
    room.list.choose("lossy")
    room.choose_target(BOB)
    room.bar.seed_field.setText("42")
    qtbot.mouseClick(room.bar.arm, Qt.MouseButton.LeftButton)
    await until(lambda: len(companion.faults.armed) == 1)
    found = companion.faults.armed[0]
    assert (found.to, found.seed, found.profile) == (BOB, 42, "lossy")
    await until(lambda: bool(armed(room)))
    assert armed(room) == [
        ("clients of bob", "lossy: loss=0.2,correlation=0.3 direction both", "42", "1", "0 frames", "nothing yet")
    ]


async def test_ctrl_enter_arms_and_an_empty_seed_is_that_of_the_profile(
    room: FaultsRoom, companion: Companion, qtbot: Any
) -> None:
    room.list.choose("flaky-cafe")
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: len(companion.faults.armed) == 1)
    assert (companion.faults.armed[0].to, companion.faults.armed[0].seed) == (ALL, 1)
    assert [each.fault.route for each in companion.faults.rest.armed] == ["* /*", "POST /messages"]
    await until(lambda: [line[0] for line in armed(room)] == ["all clients", "* /*", "POST /messages"])


async def test_a_broken_profile_is_shown_as_a_warning(window: MainWindow, room: FaultsRoom, folder: Path) -> None:
    (folder / "good.json").write_text('{"faults": [{"fault": "loss", "rate": 1}]}', encoding="utf-8")
    (folder / "bad.json").write_text('{"faults": [{"fault": "loss", "rate": 7}]}', encoding="utf-8")
    window.open_room(EVENTS)
    window.open_room(FAULTS)
    await until(lambda: "bad.json" in room.list.warnings.text())
    assert room.list.warnings.isVisible()
    assert "rate" in room.list.warnings.text()
    assert listed(room)["Profiles · yours"] == ["good"]


async def test_own_profiles_can_be_renamed_and_deleted(
    room: FaultsRoom, companion: Companion, folder: Path
) -> None:
    room.list.choose("lossy")
    assert not room.card.more.isVisible(), "a built-in profile cannot be changed"
    await companion.profiles.save("slow", Profile(faults=(parse_fault("latency=900"),)))
    room.list.choose("slow")
    rename, delete = room.card.menu.actions()
    assert room.card.more.isVisible()
    rename.trigger()
    dialog().name.setText("slower")
    dialog().buttons.accepted.emit()
    await until(lambda: room.card.facts.text().startswith("slower"))
    assert names(folder) == ["slower.json"]
    delete.trigger()
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    next(button for button in box.buttons() if button.text() == "Delete").click()
    await until(lambda: not names(folder))
    await until(lambda: room.profiles.pane.currentWidget() is room.empty)


# single faults


async def test_words_are_checked_and_explained_while_the_user_types(room: FaultsRoom) -> None:
    write(room, "loss=0.5 latency=200~50")
    assert room.form.frames_info.text() == (
        "Drops 50 % of the frames. Delays each frame by 200 ms, plus or minus 50 ms."
    )
    assert room.bar.arm.isEnabled()
    room.form.words.setText("loss=0.5 latncy=200")
    assert room.form.frames_info.text() == "There is no fault 'latncy'; did you mean latency?"
    assert room.form.frames_info.objectName() == "problem"
    assert not room.bar.arm.isEnabled()
    assert not room.bar.save.isEnabled()
    room.form.words.setText("loss=1.5")
    assert "rate" in room.form.frames_info.text()
    room.form.words.setText("loss")
    room.form.only.setText("dir:sideways")
    assert "loss" in room.form.frames_info.text()
    room.form.words.setText("loss=1")
    assert room.form.frames_info.text().startswith("The filter 'dir:sideways' is not valid: ")
    room.form.only.setText("/a+/")
    assert "has a regular expression" in room.form.frames_info.text()
    room.form.words.setText("limit=1,code=1006")
    assert room.form.frames_info.text().startswith("The close code 1006 cannot be sent")
    room.form.words.setText("loss=1")
    room.form.only.setText("event:typing")
    assert room.form.frames_info.text() == "Drops every frame. Only event:typing."
    room.bar.seed_field.setText("-1")
    assert room.bar.problem.text().startswith("The seed must be a whole number")
    assert not room.bar.arm.isEnabled()
    room.bar.seed_field.clear()
    room.form.clear()
    assert room.bar.arm.toolTip() == "Write a fault first."


async def test_single_faults_act_on_the_frames(
    room: FaultsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    bob = await connect_client("bob")
    other = await connect_client("carol")
    write(room, "loss=1")
    room.form.only.setText("event:typing")
    room.choose_target(BOB)
    room.bar.seed_field.setText("7")
    qtbot.keyClick(room.form.words, Qt.Key.Key_Return)
    assert [line[:4] for line in armed(room)] == [("clients of bob", "loss=1 only event:typing", "7", "1")]
    await type_as_bob(companion, 3)
    await companion.fire(Envelope("friend_online", {"username": "alice"}), origin=PANEL)
    assert json.loads(await bob.recv())["event"] == "friend_online"
    assert json.loads(await other.recv())["event"] == "typing"
    await until(lambda: armed(room)[0][4:] == ("4 frames", "loss 3"))


async def test_enter_in_the_field_of_the_route_arms_the_faults(room: FaultsRoom, qtbot: Any) -> None:
    write(room, rest="GET /friends", effects="status=503")
    qtbot.keyClick(room.form.route_text, Qt.Key.Key_Return)
    assert len(armed(room)) == 1


async def test_direction_and_rest_faults(room: FaultsRoom, companion: Companion) -> None:
    write(room, "duplicate", "POST /messages", "status=503 rate=0.5")
    room.form.direction.setCurrentIndex(room.form.direction.findData("from_ui"))
    assert room.form.rest_info.text() == "Answers 50 % of the calls with status 503 and does not handle them."
    room.fire_or_stop()
    assert companion.faults.armed[0].faults[0].direction == "from_ui"
    assert companion.faults.rest.armed[0].fault == parse_rest_fault("POST /messages", ["status=503", "rate=0.5"])
    room.form.route.setCurrentText("POST /mesages")
    assert " The REST API has no 'POST /mesages'; did you mean POST /messages? " in room.form.rest_info.text()
    room.form.route.setCurrentText("POST /messages")
    room.form.effects.setText("stauts=503")
    assert room.form.rest_info.text() == "'stauts=503' is unknown; did you mean status?"
    room.form.effects.setText("rate=0.5")
    assert room.form.rest_info.text().startswith("The fault has no effect: add status=503")
    room.form.effects.setText("offline")
    room.form.route.setCurrentText("PUT messages")
    assert room.form.rest_info.text().startswith("'PUT messages' is not a route.")
    room.form.words.clear()
    room.form.route.setCurrentText("GET /friends")
    room.fire_or_stop()
    assert len(companion.faults.armed) == 1, "only a fault of REST calls was written"
    assert [each.fault.route for each in companion.faults.rest.armed] == ["POST /messages", "GET /friends"]


async def test_the_menus_insert_words(room: FaultsRoom) -> None:
    room.tabs.setCurrentIndex(1)
    for button, words, field in (
        (room.form.add, KINDS, room.form.words),
        (room.form.add_effect, EFFECTS, room.form.effects),
    ):
        menu = button.menu()
        assert isinstance(menu, QMenu)
        for action in menu.actions():
            action.trigger()
        assert field.text().split() == list(words)
        assert all(action.toolTip() == words[action.text().partition("\t")[0]] for action in menu.actions())
    room.form.route.setCurrentText("* /*")
    assert room.form.problem == ""
    room.form.words.setText("loss=0.9 latency=1")
    room.form.add.menu().actions()[2].trigger()
    assert room.form.words.text() == "latency=1 loss=0.1"


async def test_single_faults_are_saved_as_a_profile(room: FaultsRoom, folder: Path, qtbot: Any) -> None:
    write(room, "loss=0.5", "* /*", "delay=300")
    room.bar.seed_field.setText("9")
    qtbot.mouseClick(room.bar.save, Qt.MouseButton.LeftButton)
    dialog().name.setText("mine/half")
    dialog().buttons.accepted.emit()
    await until(lambda: room.card.title.text() == "half")
    assert room.tabs.currentIndex() == 0
    assert json.loads((folder / "mine" / "half.json").read_text("utf-8")) == {
        "$schema": "../profile.schema.json",
        "seed": 9,
        "faults": [{"fault": "loss", "rate": 0.5}],
        "rest": [{"route": "* /*", "delay": 300.0}],
    }


async def test_why_faults_cannot_be_armed_is_shown(room: FaultsRoom, companion: Companion) -> None:
    for number in range(100):
        companion.faults.arm(Target(user=f"user{number}"), [parse_fault("loss=1")])
    write(room, "loss=1")
    room.fire_or_stop()
    assert room.bar.problem.text() == "Faults are armed for 100 targets already; clear some first."
    room.form.words.setText("loss=0.9")
    assert room.bar.problem.text() == ""

    companion.faults.clear()
    for number in range(100):
        companion.faults.rest.arm(parse_rest_fault(f"GET /{number}", ["offline"]))
    write(room, "loss=1", "POST /messages", "offline")
    room.fire_or_stop()
    assert room.bar.problem.text() == "Faults can be armed for at most 100 routes; clear some first."
    assert companion.faults.armed == (), "neither is armed if one cannot be"


# what is armed


async def test_entries_are_cleared_one_by_one_or_all_at_once(
    room: FaultsRoom, companion: Companion, qtbot: Any
) -> None:
    faults = companion.faults
    faults.arm(ALL, [parse_fault("loss=0.5")], 1)
    faults.arm(BOB, [parse_fault("duplicate")], 2)
    faults.rest.arm(parse_rest_fault("GET /friends", ["offline"]), 3)
    await until(lambda: len(armed(room)) == 3)
    assert not room.armed.clear.isEnabled()
    room.armed.table.selectRow(1)
    qtbot.mouseClick(room.armed.clear, Qt.MouseButton.LeftButton)
    assert [each.to for each in faults.armed] == [ALL]
    assert room.armed.selected is None, "the selection does not jump to a neighbour"
    room.armed.table.setFocus()
    room.armed.table.selectRow(1)
    qtbot.keyClick(room.armed.table, Qt.Key.Key_Delete)
    assert not faults.rest.armed
    faults.rest.arm(parse_rest_fault("GET /friends", ["offline"]), 3)
    qtbot.mouseClick(room.armed.reset, Qt.MouseButton.LeftButton)
    assert not faults.armed
    assert not faults.rest.armed
    assert room.armed.body.currentWidget() is room.armed.empty
    assert not room.armed.reset.isEnabled()


async def test_the_selection_stays_while_the_counts_change(
    room: FaultsRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client("bob")
    companion.faults.arm(ALL, [parse_fault("duplicate")], 1)
    companion.faults.arm(BOB, [parse_fault("latency=1")], 1)
    await until(lambda: len(armed(room)) == 2)
    room.armed.table.selectRow(1)
    await type_as_bob(companion)
    await until(lambda: armed(room)[1][4] == "1 frame")
    assert room.armed.selected == BOB
    companion.faults.clear(ALL)
    await until(lambda: len(armed(room)) == 1)
    assert room.armed.selected == BOB


async def test_the_list_is_updated_rarely_and_not_while_the_room_is_hidden(
    window: MainWindow, room: FaultsRoom, companion: Companion, connect_client: Connect, monkeypatch: Any
) -> None:
    await connect_client("bob")
    companion.faults.arm(ALL, [parse_fault("loss=1")], 1)
    await until(lambda: len(armed(room)) == 1)
    shown: list[object] = []
    monkeypatch.setattr(room.armed, "show_faults", shown.append)
    await type_as_bob(companion, 50)
    assert not shown
    await until(lambda: bool(shown))
    assert len(shown) == 1
    window.open_room(EVENTS)
    await type_as_bob(companion, 5)
    assert not room._timer.isActive()
    assert not companion.faults.acted, "nothing is connected while the room is hidden"


async def test_the_list_of_targets_is_rebuilt_only_when_clients_change(
    room: FaultsRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client("bob")
    companion.faults.arm(ALL, [parse_fault("loss=1")], 1)
    await until(lambda: room.bar.target_box.count() == 3 and len(armed(room)) == 1)
    rebuilt: list[object] = []
    room.bar.target_box.model().modelReset.connect(lambda: rebuilt.append(None))
    room.bar.target_box.model().rowsRemoved.connect(lambda *_: rebuilt.append(None))
    await type_as_bob(companion, 3)
    await until(lambda: armed(room)[0][4] == "3 frames")
    assert not rebuilt, "an open popup would be closed"
    await connect_client("carol")
    await until(lambda: room.bar.target_box.count() == 5)


async def test_after_reset_a_second_press_does_nothing(room: FaultsRoom, companion: Companion, qtbot: Any) -> None:
    companion.faults.arm(ALL, [parse_fault("loss=1")], 1)
    await until(lambda: len(armed(room)) == 1)
    room.armed.reset.setFocus()
    qtbot.keyClick(room.armed.reset, Qt.Key.Key_Space)
    assert not companion.faults.armed
    assert not room.armed.isAncestorOf(QApplication.focusWidget() or room.armed.table)


async def test_a_title_with_line_breaks_and_a_long_description_do_not_change_the_layout(
    window: MainWindow, room: FaultsRoom, companion: Companion
) -> None:
    window.resize(1000, 640)
    profile = Profile(title="\n".join("title"), about="word \n" * 160, faults=(parse_fault("loss=1"),))
    await companion.profiles.save("long", profile)
    room.list.choose("long")
    assert room.card.title.text() == "t i t l e"
    assert window.grab().height() == 640
    assert room.card.about.height() < 100
    companion.faults.arm(Target(user="b\no\nb"), [parse_fault("loss=1")], 1)
    assert armed_summary(companion) == "Faults are armed for clients of b o b: loss=1."


# the rest of the window


async def test_the_strip_and_the_badge_show_what_is_armed(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    companion.faults.arm(ALL, [parse_fault("loss=0.5"), parse_fault("latency=200~50")], 1)
    await until(lambda: bool(window.strip.lines))
    assert window.strip.lines[0].text.text() == "Faults are armed for all clients: loss=0.5 latency=200~50."
    button = next(each for each in window.findChildren(RoomButton) if each.text() == "Faults")
    await until(lambda: "1 set of faults armed" in button.accessibleName() + button.toolTip())
    reset = next(each for each in window.strip.buttons if each.text() == "Reset faults")
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    await until(lambda: not window.strip.isVisible())
    assert not companion.faults.armed
    await until(lambda: "armed" not in button.accessibleName() + button.toolTip())


async def test_the_palette_arms_a_profile_and_resets(window: MainWindow, companion: Companion) -> None:
    found = {each.title: each for each in commands(window)}
    found["Arm flaky-cafe for all"].act()
    await until(lambda: len(companion.faults.armed) == 1)
    assert companion.faults.armed[0].profile == "flaky-cafe"
    found["Reset faults"].act()
    assert not companion.faults.armed
    assert not companion.faults.rest.armed
    assert window.status.message.text() == "Cleared 3 sets of faults"


async def test_the_decisions_are_shown_in_events(
    window: MainWindow, room: FaultsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("bob")
    companion.faults.arm(ALL, [parse_fault("loss=1")], 7)
    await type_as_bob(companion)
    qtbot.mouseClick(room.armed.decisions, Qt.MouseButton.LeftButton)
    assert window.rooms.current == EVENTS
    model = window.events.model
    await until(lambda: [model.row(line).event for line in range(model.rowCount())] == ["faults armed", "fault"])
    assert "dropped by loss (seed 7, draw 1)" in model.row(1).note


async def test_faults_are_armed_for_a_client_of_the_clients_room(
    window: MainWindow, connect_client: Connect, companion: Companion
) -> None:
    await connect_client("bob")
    client = companion.hub.clients[0].id
    window.clients.faults_requested.emit(client)
    assert window.rooms.current == FAULTS
    assert window.faults.bar.target_box.target == Target(clients=frozenset({client}))
    assert window.faults.bar.target_box.currentText() == f"{client} · bob"


async def test_f1_opens_the_page_about_faults(window: MainWindow, room: FaultsRoom, qtbot: Any) -> None:
    qtbot.keyClick(room, Qt.Key.Key_F1)
    assert window.help.page == "faults"


# texts


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("bandwidth=50", "Sends at most 50 KB per second."),
        ("bandwidth=1000000", "Sends at most 1,000,000 KB per second."),
        ("loss=0.99999", "Drops 99.999 % of the frames."),
        ("loss=0.07", "Drops 7 % of the frames."),
        ("loss=0.05,correlation=0.5", "Drops 5 % of the frames, in bursts."),
        ("duplicate", "Sends every frame twice."),
        ("reorder=1,rate=1", "Sends every frame after up to 1 later one."),
        ("truncate", "Cuts every frame at a random place."),
        ("truncate,bytes=1", "Cuts every frame after 1 byte."),
        ("corrupt=0.1", "Replaces one character in 10 % of the frames."),
        ("limit=1", "Closes the connection with 1012 after every frame."),
    ],
)
def test_faults_in_sentences(word: str, text: str) -> None:
    assert explain([parse_fault(word)]) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("delay=300", "Delays each call by 300 ms."),
        ("delay=1500 jitter=100 rate=0.5", "Delays 50 % of the calls by 1.5 s, plus or minus 100 ms."),
        (
            "delay=300 status=503 count=1",
            "Delays each call by 300 ms; answers it with status 503 and does not handle it, 1 time at most.",
        ),
        ("hang", "Never answers any call."),
        ("wrong-json", "Cuts the JSON of the answer to each call."),
        ("offline no-cors", "Resets the connection of each call."),
        ("no-cors rate=0.1", "Leaves out the CORS header of the answer to 10 % of the calls."),
    ],
)
def test_rest_faults_in_sentences(words: str, text: str) -> None:
    assert explain_rest(parse_rest_fault("* /*", words.split())) == text


async def test_a_summary_of_everything_that_is_armed(companion: Companion) -> None:
    faults = companion.faults
    assert armed_summary(companion) == ""
    faults.rest.arm(parse_rest_fault("GET /friends", ["offline"]))
    assert armed_summary(companion) == "Faults are armed for REST calls: GET /friends offline."
    faults.arm(BOB, [parse_fault("loss=1", "both", "event:typing")])
    assert armed_summary(companion) == (
        "Faults are armed for clients of bob: loss=1 direction both only event:typing, and for 1 REST route."
    )
    faults.arm(ALL, [parse_fault("loss=1")])
    assert armed_summary(companion) == "Faults are armed for 2 targets, and for 1 REST route."
