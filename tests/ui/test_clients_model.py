"""The table model of the connected clients."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableView

from app.hub.client_activity import ClientActivity
from app.protocol.envelope import Envelope
from app.ui.models.clients import RATES, ClientsModel, Col
from app.ui.models.units import ago, amount
from tests.hub.doubles import NoTasks, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def model(stage: Stage, qtmodeltester: Any) -> Any:
    model = ClientsModel(stage.hub, ClientActivity(stage.hub, NoTasks()), stage.hub.identify)
    qtmodeltester.check(model)
    yield model
    model.close()


def ids(model: ClientsModel) -> list[int]:
    return [model.client(line).id for line in range(model.rowCount())]


def text(model: ClientsModel, line: int, column: Col) -> str:
    return str(model.data(model.index(line, column), Qt.ItemDataRole.DisplayRole))


def test_clients_connected_before_the_model_was_created_are_listed(stage: Stage) -> None:
    stage.join("alice")
    model = ClientsModel(stage.hub, ClientActivity(stage.hub, NoTasks()), stage.hub.identify)
    assert ids(model) == [1]
    model.close()


def test_the_list_follows_connects_and_disconnects(stage: Stage, model: ClientsModel) -> None:
    alice, bob, carol = (stage.join(name) for name in ("alice", "bob", "carol"))
    assert ids(model) == [1, 2, 3]
    stage.hub.leave(bob)
    assert ids(model) == [1, 3]
    stage.join("dave")
    assert ids(model) == [1, 3, 4]
    for client in (alice, carol):
        stage.hub.leave(client)
    assert ids(model) == [4]


def test_the_selection_stays_with_its_client(stage: Stage, model: ClientsModel, qtbot: Any) -> None:
    first, *_ = (stage.join(name) for name in ("alice", "bob", "carol"))
    table = QTableView()
    qtbot.addWidget(table)
    table.setModel(model)
    table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    table.selectRow(1)

    def selected_ids() -> list[int]:
        return [model.client(index.row()).id for index in table.selectionModel().selectedRows()]

    stage.hub.leave(first)
    assert selected_ids() == [2]
    stage.join("dave")
    assert selected_ids() == [2]
    stage.hub.identify(model.client(0), "bertha")
    assert selected_ids() == [2]


def test_editing_the_identity_changes_the_client_and_is_journalled(stage: Stage, model: ClientsModel) -> None:
    client = stage.join("alice")
    index = model.index(0, Col.CLIENT)
    assert model.flags(index) & Qt.ItemFlag.ItemIsEditable
    assert model.data(index, Qt.ItemDataRole.EditRole) == "alice"
    assert model.setData(index, "  bob ")
    assert client.username == "bob"
    assert text(model, 0, Col.CLIENT) == "1 · bob"
    (row,) = stage.rows("identity changed")
    assert (row.client, row.note) == ("1", "acts as bob")


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a/b", "a\x1b[2Jb", "a\nb"])
def test_an_invalid_name_is_rejected(stage: Stage, model: ClientsModel, name: str) -> None:
    client = stage.join("alice")
    assert not model.setData(model.index(0, Col.CLIENT), name)
    assert client.username == "alice"
    assert stage.rows("identity changed") == []


def test_a_client_that_has_disconnected_cannot_be_edited(stage: Stage, model: ClientsModel) -> None:
    alice = stage.join("alice")
    accepted: list[bool] = []
    model.rowsAboutToBeRemoved.connect(lambda: accepted.append(model.setData(model.index(0, Col.CLIENT), "bob")))
    stage.hub.leave(alice)
    assert accepted == [False]
    assert stage.rows("identity changed") == []


def test_a_client_may_leave_while_another_one_is_removed(stage: Stage, model: ClientsModel) -> None:
    alice, bob, carol = (stage.join(name) for name in ("alice", "bob", "carol"))

    def leave() -> None:
        for client in (bob, carol):
            stage.hub.leave(client)

    model.rowsAboutToBeRemoved.connect(leave)
    stage.hub.leave(alice)
    assert ids(model) == []
    stage.join("dave")
    assert ids(model) == [4]


def test_only_the_username_can_be_edited(stage: Stage, model: ClientsModel) -> None:
    stage.join("alice")
    for column in Col:
        if column is not Col.CLIENT:
            assert not model.flags(model.index(0, column)) & Qt.ItemFlag.ItemIsEditable
            assert not model.setData(model.index(0, column), "x")


def test_refresh_updates_the_counters(stage: Stage, model: ClientsModel) -> None:
    client = stage.join()
    changes: list[Any] = []
    model.dataChanged.connect(lambda *area: changes.append(area))
    client.received(2048)
    client.send(b"x" * 10, 1, 10)
    model.refresh()
    assert text(model, 0, Col.FROM_UI) == "1 · 2.0 KiB"
    assert text(model, 0, Col.TO_UI) == "1 · 10 B"
    assert text(model, 0, Col.QUEUE) == "–"
    client.outbox.block()
    client.send(b"y" * 30, 1, 30)
    assert text(model, 0, Col.QUEUE) == "30 B"
    assert changes


def test_a_missing_origin_agent_or_ping_is_shown_as_a_placeholder(stage: Stage, model: ClientsModel) -> None:
    stage.join()
    assert text(model, 0, Col.ORIGIN) == "not a browser"
    assert text(model, 0, Col.AGENT) == "–"
    assert text(model, 0, Col.PING) == "–"


def test_the_ready_column_shows_whether_a_client_is_ready(stage: Stage, model: ClientsModel) -> None:
    client = stage.join()
    assert text(model, 0, Col.READY) == "not yet"
    client.ready = True
    assert text(model, 0, Col.READY) == "yes"
    assert "GET /friends" in model.data(model.index(0, Col.READY), Qt.ItemDataRole.ToolTipRole)


def test_a_closed_model_ignores_new_clients(stage: Stage, model: ClientsModel) -> None:
    model.close()
    stage.join()
    assert model.rowCount() == 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (3_355_443, "3.2 MiB")],
)
def test_amount_formats_bytes(size: int, expected: str) -> None:
    assert amount(size) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-3, "0 s"), (8.9, "8 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 5 min")]
)
def test_ago_formats_seconds(seconds: float, expected: str) -> None:
    assert ago(seconds) == expected


def test_a_client_is_shown_with_its_user_and_what_it_was_last_sent(stage: Stage, model: ClientsModel) -> None:
    stage.join("alice")
    assert text(model, 0, Col.CLIENT) == "1 · alice"
    assert text(model, 0, Col.LAST_SENT) == "nothing yet"
    stage.hub.broadcast(Envelope("friend_online", {"username": "bob"}))
    stage.time.passed += 65
    assert text(model, 0, Col.LAST_SENT) == "friend_online · 1 min ago"
    assert text(model, 0, Col.READY) == "not yet"


def test_the_rate_has_a_number_and_a_graph(stage: Stage, qtmodeltester: Any) -> None:
    activity = ClientActivity(stage.hub, NoTasks())
    model = ClientsModel(stage.hub, activity, stage.hub.identify)
    client = stage.join()
    for frames in (5, 2):
        for _ in range(frames):
            client.received(1)
        activity.measure()
    index = model.index(0, Col.RATE)
    assert text(model, 0, Col.RATE) == "2"
    assert index.data(RATES)[-2:] == [5, 2]
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "2 frames/s, at most 5 in the last 30 s"
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Frames/s: 2"
    model.close()
