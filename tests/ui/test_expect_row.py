"""Expectations of the fire bar: what the UI must send after an event, and the shown result."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.expectation import Expectation, ExpectationResult
from app.hub.hub import Delivery
from app.hub.journal import Journal, Kind, Row
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.contract import Direction, Event
from app.protocol.envelope import Envelope
from app.protocol.event_type import StructEvent
from app.ui.widgets.expect_row import NOTHING, ExpectRow, result_text
from app.ui.widgets.fire_bar import FireBar
from app.ui.window import FIXTURES, INJECT, MainWindow
from tests.conftest import Connect, until
from tests.ui.conftest import destroy_now
from tests.ui.frames import frame, wait_until_idle
from tests.ui.parts import child

LEFT = Qt.MouseButton.LeftButton
Fire = Callable[[Target], Coroutine[Any, Any, Delivery]]
Show = Callable[[QWidget], None]
TYPING = '{"event": "typing", "data": {"to": "alice", "typing": true}}'


class Reacted(Event, frozen=True, kw_only=True):
    """The user reacted."""

    emoji: str


@pytest.fixture
def bar(companion: Companion, show: Show) -> Any:
    bar = FireBar(companion)
    event = Envelope("friend_online", {"username": "alice"})
    bar.arm(lambda to: companion.composer.fire_event(event, to=to, origin=PANEL))
    show(bar)
    yield bar
    bar.close_down()


def expect(bar: FireBar, name: str, within_s: float = 10.0) -> None:
    bar.expect.choice.setCurrentText(name)
    bar.expect.within.setValue(within_s)


def running_expectations(companion: Companion) -> list[str]:
    return [task.get_name() for task in companion.tasks._running if task.get_name() == "Companion.expect"]


async def fire(bar: FireBar, client: ClientConnection, qtbot: Any) -> None:
    qtbot.mouseClick(bar.now, LEFT)
    assert (await frame(client))["event"] == "friend_online"


def tone(bar: FireBar) -> str:
    return str(bar.status.property("tone"))


# the row


async def test_nothing_is_expected_by_default(companion: Companion, show: Show, qtbot: Any) -> None:
    row = ExpectRow(companion.catalog)
    show(row)
    items = [row.choice.itemText(number) for number in range(row.choice.count())]
    assert items == [
        NOTHING,
        "typing",
        "mark_read",
        "POST /messages",
        "POST /friends",
        "GET /messages",
        "GET /friends",
    ]
    assert row.expected is None
    assert not row.within.isEnabled()
    qtbot.keyClick(row.choice, Qt.Key.Key_Down)
    assert row.expected == Expectation("typing")
    assert row.within.isEnabled()
    assert (row.within.text(), row.within.value()) == ("within 2.0 s", 2.0)


async def test_conditions_are_part_of_the_expectation(companion: Companion, show: Show, qtbot: Any) -> None:
    row = ExpectRow(companion.catalog)
    show(row)
    assert not row.where.isVisible()
    row.choice.setCurrentText("typing")
    qtbot.keyClicks(row.where, "to=alice typing=true")
    assert row.expected == Expectation("typing", where={"to": "alice", "typing": True})
    assert row.problem == ""
    row.choice.setCurrentText("POST /messages")
    row.where.setText('text="hi there"')
    assert row.expected == Expectation("POST /messages", where={"text": "hi there"})
    row.choice.setCurrentText(NOTHING)
    assert row.expected is None


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("typing", "'typing' is not in the form path=value, for example data.text=hi"),
        ("typ=true", "typing has no field 'typ'"),
        ('to="alice', "a quotation mark is not closed"),
    ],
)
async def test_invalid_conditions_show_an_error_and_prevent_firing(
    bar: FireBar, connect_client: Connect, where: str, error: str
) -> None:
    await connect_client()
    expect(bar, "typing")
    bar.expect.where.setText(where)
    assert bar.expect.problem.startswith(f"Then expect, where: {error}")
    assert bar.expect.expected is None
    assert [each.isVisible() for each in bar.expect.findChildren(QLabel, "problem")] == [True]
    assert not bar.now.isEnabled()
    assert error in bar.now.toolTip()
    bar.fire()
    assert bar.status.text().startswith(f"Not fired. Then expect, where: {error}")
    bar.expect.where.setText("to=alice")
    assert bar.now.isEnabled()


async def test_only_a_frame_that_meets_the_conditions_matches(
    bar: FireBar, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    expect(bar, "typing")
    bar.expect.where.setText("typing=false")
    await fire(bar, client, qtbot)
    await client.send(TYPING)
    await client.send('{"event": "typing", "data": {"to": "alice", "typing": false}}')
    await until(lambda: bar.status.text().startswith("✓ typing with typing=false received after "))


async def test_choose_shows_an_expectation(companion: Companion, qapp: Any) -> None:
    row = ExpectRow(companion.catalog)
    expected = Expectation("POST /messages", where={"text": "it's me", "n": 3})
    row.choose(expected, 4.5)
    assert (row.expected, row.within.value()) == (expected, 4.5)
    row.choose(None)
    assert (row.expected, row.choice.currentText()) == (None, NOTHING)
    destroy_now(row)


@pytest.mark.parametrize(
    ("instead", "expected_text"),
    [
        ([], "nothing else was received"),
        (["mark_read"], "received instead: mark_read"),
        (["mark_read", "typing", "mark_read", ""], "received instead: mark_read, typing, an invalid frame"),
    ],
)
async def test_each_event_received_instead_is_listed_once(instead: list[str], expected_text: str) -> None:
    journal = Journal(Clock(), 100)
    rows = [journal.append(Kind.FROM_UI, event=name) for name in instead]
    assert result_text(Expectation("typing"), ExpectationResult(None, 2.5, rows), 2.5) == (
        f"✗ no typing within 2.5 s; {expected_text}",
        "error",
    )


async def test_the_result_shows_milliseconds_and_the_row() -> None:
    row: Row = Journal(Clock(), 100).append(Kind.FROM_UI, event="typing")
    text, tone_of_result = result_text(Expectation("typing"), ExpectationResult(row, 1.2345, []), 2.0)
    assert text == f"✓ typing received after 1,234 ms · #{row.seq}"
    assert tone_of_result == "ok"


# the result of an expectation


async def test_an_answer_in_time_is_shown_in_green_with_its_delay(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    expect(bar, "typing")
    await fire(bar, client, qtbot)
    await until(lambda: bar.status.text().endswith(" · waiting for typing …"))
    assert bar.status.text().startswith("Delivered to 1 client · #")
    await client.send(TYPING)
    await until(lambda: bar.status.text().startswith("✓ typing received after "))
    row = companion.journal.row(companion.journal.last_seq)
    assert row
    assert bar.status.text().endswith(f" ms · #{row.seq}")
    assert (row.kind, row.event) == (Kind.FROM_UI, "typing")
    assert tone(bar) == "ok"
    await until(lambda: not running_expectations(companion))


def result_of(row: ExpectRow) -> tuple[Expectation | None, str]:
    return row.expected, row.problem


def answered(
    companion: Companion, client: ClientConnection, *answers: str
) -> Callable[[Target], Coroutine[Any, Any, Delivery]]:
    """Return a function that fires and returns when the answers have arrived, however short the expectation is."""

    async def fire(_: Target) -> Delivery:
        delivery = await companion.fire(Envelope("friend_online", {"username": "alice"}), origin=PANEL)
        for each in answers:
            await client.send(each)
        await until(lambda: sum(row.kind is Kind.FROM_UI for row in companion.journal) == len(answers))
        return delivery

    return fire


async def test_an_answer_received_before_the_result_of_the_fire_matches(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    expect(bar, "typing")
    bar.arm(answered(companion, await connect_client(), TYPING))
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: bar.status.text().startswith("✓ typing received after "))


@pytest.mark.parametrize(
    ("event", "data"),
    [("mark_read", {"peer": "alice", "msg_id": "1"}), ("typing", {"to": "alice", "typing": False})],
)
async def test_each_client_event_can_be_expected(
    bar: FireBar, connect_client: Connect, qtbot: Any, event: str, data: dict[str, Any]
) -> None:
    client = await connect_client()
    expect(bar, event)
    await fire(bar, client, qtbot)
    await client.send(json.dumps({"event": event, "data": data}))
    await until(lambda: bar.status.text().startswith(f"✓ {event} received after "))


async def test_a_missing_answer_is_shown_in_red(
    bar: FireBar, connect_client: Connect, companion: Companion, qtbot: Any
) -> None:
    client = await connect_client()
    expect(bar, "typing", 0.1)
    await fire(bar, client, qtbot)
    await until(lambda: bar.status.text().startswith("✗"))
    assert bar.status.text() == "✗ no typing within 0.1 s; nothing else was received"
    assert tone(bar) == "error"


async def test_events_received_instead_are_shown_in_red(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    expect(bar, "mark_read", 0.1)
    bar.arm(answered(companion, await connect_client(), TYPING, "not JSON"))
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: bar.status.text().startswith("✗"))
    assert bar.status.text() == "✗ no mark_read within 0.1 s; received instead: typing, an invalid frame"


async def test_an_answer_that_violates_the_contract_does_not_match(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    expect(bar, "typing", 0.1)
    wrong = '{"event": "typing", "data": {"to": "alice", "typing": "yes"}}'
    bar.arm(answered(companion, await connect_client(), wrong))
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: bar.status.text().startswith("✗"))
    assert bar.status.text().endswith("received instead: typing")


async def test_events_received_before_the_fire_do_not_match(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await client.send(TYPING)
    await until(lambda: any(row.event == "typing" for row in companion.journal))
    expect(bar, "typing", 0.1)
    await fire(bar, client, qtbot)
    await until(lambda: bar.status.text().startswith("✗"))
    assert bar.status.text().endswith("nothing else was received")


async def test_without_a_client_no_answer_is_expected(bar: FireBar, companion: Companion, qtbot: Any) -> None:
    expect(bar, "typing")
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    assert bar.status.text().startswith("Not sent: no client is connected")
    assert running_expectations(companion) == []


async def test_an_event_fired_when_a_client_connects_waits_for_the_answer(
    bar: FireBar, connect_client: Connect, qtbot: Any
) -> None:
    expect(bar, "typing")
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    qtbot.mouseClick(bar.when_connected, LEFT)
    client = await connect_client()
    await frame(client)
    await client.send(TYPING)
    await until(lambda: bar.status.text().startswith("✓"))


async def test_each_event_of_a_series_restarts_the_expectation(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    expect(bar, "typing")
    bar.times.setValue(3)
    bar.every.setValue(20)
    qtbot.mouseClick(bar.now, LEFT)
    for _ in range(3):
        await frame(client)
        await until(lambda: len(running_expectations(companion)) <= 1)
    await until(lambda: bar.now.text() == "Fire")
    assert bar.status.text().startswith("3 of 3 · Delivered to 1 client")
    assert bar.status.text().endswith("waiting for typing …")
    await until(lambda: len(running_expectations(companion)) == 1)
    last = companion.journal.last_seq
    await client.send(TYPING)
    await until(lambda: bar.status.text().startswith("✓"))
    assert bar.status.text().endswith(f"#{last + 1}")
    await wait_until_idle(companion)


async def test_a_fire_without_expectation_cancels_the_previous_one(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    expect(bar, "typing")
    await fire(bar, client, qtbot)
    await until(lambda: running_expectations(companion))
    expect(bar, NOTHING)
    await fire(bar, client, qtbot)
    await until(lambda: not running_expectations(companion))
    assert bar.status.text().startswith("Delivered to 1 client")
    assert "waiting" not in bar.status.text()


async def test_an_expectation_that_another_tab_cancels_is_reported_as_not_checked(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()

    async def fire(to: Target) -> Delivery:
        return await companion.composer.fire_event(
            Envelope("friend_online", {"username": "alice"}), to=to, origin=PANEL
        )

    bar.arm(fire, source="A", content=1)
    expect(bar, "typing")
    qtbot.mouseClick(bar.now, Qt.MouseButton.LeftButton)
    await until(lambda: "waiting for typing" in bar.status.text())
    bar.arm(fire, source="B", content=2)
    qtbot.mouseClick(bar.now, Qt.MouseButton.LeftButton)
    await until(lambda: "waiting for typing" in bar.status.text())
    bar.arm(fire, source="A", content=1)
    assert bar.status.text() == "Another event was fired before the UI sent typing, so it was not checked."


async def test_the_expectation_result_is_shown_in_the_status_bar(
    window: MainWindow, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    window.open_room(INJECT)
    expect(window.inject.bar, "typing", 0.1)
    qtbot.mouseClick(window.inject.bar.now, LEFT)
    await frame(client)
    await until(lambda: window.status.message.text() == "✗ no typing within 0.1 s; nothing else was received")


@pytest.mark.parametrize("room", [INJECT, FIXTURES])
async def test_closing_the_window_cancels_the_expectation(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any, room: str
) -> None:
    client = await connect_client()
    window.open_room(room)
    window.fixtures.choose("basics/online")
    bar = (window.fixtures if room == FIXTURES else window.inject).bar
    expect(bar, "typing")
    qtbot.mouseClick(bar.now, LEFT)
    await frame(client)
    await until(lambda: running_expectations(companion))
    window.close_down()
    await until(lambda: not running_expectations(companion))
    text = bar.status.text()
    await client.send(TYPING)
    await asyncio.sleep(0.05)
    assert bar.status.text() == text


async def test_a_changed_contract_keeps_an_expectation_that_is_not_listed(companion: Companion, show: Show) -> None:
    row = ExpectRow(companion.catalog)
    show(row)
    row.choose(Expectation("DELETE /friends/bob"))
    row.list_events()
    assert row.expected == Expectation("DELETE /friends/bob")


@pytest.mark.parametrize(
    "where", [{"data.to": "x" * 2_500}, {"data.to": "😀" * 1_500}, {"a=b": 1}, {"to": "bob", "=a": 1}]
)
async def test_conditions_that_the_field_cannot_show_are_reported(
    companion: Companion, show: Show, where: dict[str, Any]
) -> None:
    row = ExpectRow(companion.catalog)
    show(row)
    row.choose(Expectation("typing", where={"data.to": "alice"}))
    row.choose(Expectation("typing", where=where))
    assert (row.expected, row.where.text()) == (None, "")
    start = "Then expect, where: the saved conditions have more than 2,000 characters, or a path with ="
    assert row.problem.startswith(start)
    row.where.setText("data.to=bob")
    assert row.problem == ""


async def test_a_problem_with_the_event_is_not_one_of_the_conditions(bar: FireBar) -> None:
    bar.expect.choose(Expectation("gone", where={"to": "alice"}))
    assert bar.expect.problem.startswith("Then expect: There is no client event 'gone'. Use typing, ")
    assert child(bar.expect, QLabel, "problem").text() == bar.expect.problem
    bar.fire()
    assert bar.status.text().startswith("Not fired. Then expect: There is no client event 'gone'. ")


async def test_an_event_named_nothing_can_be_expected(companion: Companion, show: Show) -> None:
    row = ExpectRow(companion.catalog)
    show(row)
    companion.use_events([*companion.catalog, StructEvent(NOTHING, Direction.FROM_UI, Reacted)])
    row.list_events()
    assert result_of(row) == (None, "")
    row.choose(Expectation(NOTHING, where={"emoji": "x"}))
    row.list_events()
    assert row.expected == Expectation(NOTHING, where={"emoji": "x"})
    row.choice.setCurrentIndex(0)
    assert result_of(row) == (None, "")
    row.choice.setCurrentIndex(row.choice.findText("mark_read") + 1)
    row.choose(None)
    row.list_events()
    assert result_of(row) == (None, "")
    companion.use_events([each for each in companion.catalog if each.name != NOTHING])
    row.choose(Expectation(NOTHING))
    assert row.problem.startswith("Then expect: There is no client event 'nothing'")
