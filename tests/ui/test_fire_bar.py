"""The fire bar of a room: target, repeat, delay and Fire."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.templates import UUID
from app.ui.widgets import fire_bar
from app.ui.widgets.fire_bar import FireBar
from tests.conftest import Connect, until
from tests.ui.frames import all_frames, frame, wait_until_idle, wait_until_series_ended

LEFT = Qt.MouseButton.LeftButton
Show = Callable[[QWidget], None]


@pytest.fixture
def bar(companion: Companion, show: Show) -> Any:
    bar = make_bar(companion)
    show(bar)
    yield bar
    bar.close_down()


def make_bar(companion: Companion) -> FireBar:
    bar = FireBar(companion)

    def fire(to: Target) -> Coroutine[Any, Any, Delivery]:
        event = Envelope("friend_online", {"username": UUID})
        return companion.composer.fire_event(event, to=to, origin=PANEL)

    bar.arm(fire)
    return bar


def targets(bar: FireBar) -> list[str]:
    return [bar.target_box.itemText(number) for number in range(bar.target_box.count())]


def choose(bar: FireBar, title: str) -> None:
    bar.target_box.setCurrentIndex(targets(bar).index(title))


async def test_a_click_fires_once_and_shows_the_result(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.mouseClick(bar.now, LEFT)
    assert len(await all_frames(companion, client)) == 1
    assert bar.status.text().startswith("Delivered to 1 client · #")
    assert bar.status.property("tone") == "ok"
    assert bar.when_connected.isHidden()


async def test_the_status_text_is_emitted_as_a_status_message(bar: FireBar, qtbot: Any) -> None:
    messages: list[str] = []
    bar.status_message.connect(messages.append)
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: messages)
    assert messages == [bar.status.text()]


async def test_a_series_fires_the_chosen_number_of_times_with_new_values(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    bar.times.setValue(5)
    bar.every.setValue(1)
    qtbot.mouseClick(bar.now, LEFT)
    assert bar.now.text() == bar.now.accessibleName() == "Stop"
    assert not bar.later.isEnabled()
    await until(lambda: bar.now.text() == "Fire")
    frames = await all_frames(companion, client)
    assert len(frames) == 5
    assert len({each["data"]["username"] for each in frames}) == 5
    assert bar.status.text().startswith("5 of 5 · Delivered to 1 client")
    assert bar.later.isEnabled()


async def test_a_running_series_can_be_stopped(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    bar.times.setValue(100_000)
    bar.every.setValue(2)
    qtbot.mouseClick(bar.now, LEFT)
    await frame(client)
    await frame(client)
    qtbot.mouseClick(bar.now, LEFT)
    assert bar.status.text() == "Stopped"
    await until(lambda: bar.now.text() == "Fire")
    await wait_until_series_ended(companion)
    await all_frames(companion, client)
    await asyncio.sleep(0.05)
    assert await all_frames(companion, client) == []
    bar.times.setValue(1)
    qtbot.mouseClick(bar.now, LEFT)
    assert len(await all_frames(companion, client)) == 1


async def test_fire_later_waits_for_its_delay(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fire_bar.DELAY_S == 3
    assert bar.later.text() == "Fire in 3 s"
    monkeypatch.setattr(fire_bar, "DELAY_S", 1.0)
    client = await connect_client()
    qtbot.mouseClick(bar.later, LEFT)
    assert bar.status.text().startswith("Firing in")
    assert await all_frames(companion, client) == []
    assert bar.now.text() == "Stop"
    assert (await frame(client))["event"] == "friend_online"
    await until(lambda: bar.now.text() == "Fire")
    assert bar.status.text().startswith("Delivered to 1 client")


async def test_stop_cancels_a_delayed_fire(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.mouseClick(bar.later, LEFT)
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: bar.now.text() == "Fire")
    assert bar.status.text() == "Stopped"
    assert await all_frames(companion, client) == []


async def test_the_countdown_shows_the_remaining_seconds_and_can_be_cancelled(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect_client()
    qtbot.mouseClick(bar.later, LEFT)
    assert bar.later.text() == "Cancel (3 s)"
    assert bar.later.accessibleName() == "Cancel the countdown"
    assert bar.status.text() == "Firing in 3 s. Focus your UI now."
    monkeypatch.setattr(bar._countdown, "_end", bar._countdown._end - 1.5)
    bar._countdown.tick()
    assert bar.later.text() == "Cancel (2 s)"
    assert bar.status.text() == "Firing in 2 s. Focus your UI now."
    qtbot.mouseClick(bar.later, LEFT)
    assert bar.status.text() == "Stopped"
    await until(lambda: bar.now.text() == "Fire")
    assert bar.later.text() == "Fire in 3 s"
    assert await all_frames(companion, client) == []


async def test_repeat_shows_its_inputs_and_without_them_an_event_is_fired_once(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    assert not bar.times.isVisible()
    assert not bar.every.isVisible()
    qtbot.mouseClick(bar.repeat.toggle, LEFT)
    assert bar.times.isVisible()
    assert bar.every.isVisible()
    assert bar.times.value() == 10
    bar.times.setValue(3)
    bar.every.setValue(1)
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: bar.now.text() == "Fire")
    assert len(await all_frames(companion, client)) == 3
    qtbot.mouseClick(bar.repeat.toggle, LEFT)
    assert not bar.times.isVisible()
    qtbot.mouseClick(bar.now, LEFT)
    assert len(await all_frames(companion, client)) == 1
    qtbot.mouseClick(bar.repeat.toggle, LEFT)
    assert bar.times.value() == 3


# results that are no longer current


def stamp(bar: FireBar) -> str:
    return bar.result.stamp.text()


def outdated(bar: FireBar) -> str:
    """Return why the result is out of date; empty if it is current."""
    assert ("out of date" in stamp(bar)) is bool(bar.status.toolTip())
    return bar.status.toolTip()


async def test_a_result_shows_its_time(bar: FireBar, connect_client: Connect, qtbot: Any) -> None:
    await connect_client()
    assert not bar.result.stamp.isVisible()
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", stamp(bar))
    assert outdated(bar) == ""


async def test_the_result_not_sent_is_out_of_date_when_a_client_connects(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    assert outdated(bar) == ""
    client = await connect_client()
    assert outdated(bar) == "Out of date: the number of connected clients has changed since."
    assert bar.status.property("tone") == "muted"
    assert not bar.when_connected.isVisible()
    await client.close()
    await until(lambda: not companion.hub.connection_count)
    assert outdated(bar)
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: not outdated(bar))
    assert bar.when_connected.isVisible()


async def test_a_result_is_out_of_date_when_the_server_changes(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    companion.pause()
    assert outdated(bar) == "Out of date: the state of the server has changed since."


async def test_a_result_is_out_of_date_when_other_recipients_are_chosen(
    bar: FireBar, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("bob")
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    choose(bar, "1 · bob")
    assert outdated(bar) == "Out of date: other recipients were chosen since."


async def test_each_source_keeps_its_own_result_and_buttons(bar: FireBar, qtbot: Any) -> None:
    fire = bar._fire
    bar.arm(fire, source="one", content=1)
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    bar.arm(fire, source="two", content=2)
    assert (bar.status.text(), bar.when_connected.isVisible()) == ("", False)
    bar.show_status("about two", "ok")
    bar.arm(fire, source="one", content=1)
    assert bar.status.text().startswith("Not sent")
    assert bar.when_connected.isVisible()
    bar.arm(fire, source="one", content=3)
    assert outdated(bar) == "Out of date: the event was edited since."
    bar.arm(fire, source="two", content=2)
    assert (bar.status.text(), outdated(bar)) == ("about two", "")


async def test_the_result_of_an_expectation_belongs_to_the_source_that_fired(
    bar: FireBar, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    fire = bar._fire
    bar.arm(fire, source="one", content=1)
    bar.expect.choice.setCurrentText("typing")
    bar.expect.within.setValue(0.1)
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: "waiting" in bar.status.text())
    messages: list[str] = []
    bar.status_message.connect(messages.append)
    bar.arm(fire, source="two", content=2)
    await until(lambda: messages)
    assert bar.status.text() == ""
    bar.arm(fire, source="one", content=1)
    assert bar.status.text().startswith("✗ no typing")


async def test_progress_is_never_out_of_date(bar: FireBar, connect_client: Connect, qtbot: Any) -> None:
    qtbot.mouseClick(bar.later, LEFT)
    await connect_client()
    assert bar.status.text().startswith("Firing in")
    assert not bar.result.stamp.isVisible()
    qtbot.mouseClick(bar.later, LEFT)


async def test_an_invalid_event_disables_both_buttons_and_shows_the_reason(
    bar: FireBar, companion: Companion
) -> None:
    bar.arm(None, why_not="data.text: must not be empty")
    assert not bar.now.isEnabled()
    assert not bar.later.isEnabled()
    assert bar.now.toolTip() == "data.text: must not be empty"
    bar.fire_or_stop()
    bar.fire()
    assert not companion.composer.can_fire_again
    assert bar.status.text() == "Not fired. data.text: must not be empty"


async def test_a_series_can_be_stopped_when_the_form_becomes_invalid(bar: FireBar, qtbot: Any) -> None:
    bar.times.setValue(1000)
    qtbot.mouseClick(bar.now, LEFT)
    bar.arm(None, why_not="invalid")
    assert bar.now.isEnabled()
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: not bar.now.isEnabled())


async def test_the_targets_list_the_connected_clients(
    bar: FireBar, companion: Companion, connect_client: Connect
) -> None:
    assert targets(bar) == ["Everyone"]
    await connect_client("bob")
    await connect_client("alice")
    await connect_client("bob")
    assert targets(bar) == [
        "Everyone", "All clients of alice", "All clients of bob", "1 · bob", "2 · alice", "3 · bob",
    ]  # fmt: skip
    client = companion.hub.client(1)
    assert client
    companion.hub.identify(client, "carol")
    assert "1 · carol" in targets(bar)
    assert "All clients of carol" in targets(bar)


async def test_the_chosen_target_stays_when_other_clients_connect_and_disconnect(
    bar: FireBar, connect_client: Connect
) -> None:
    first = await connect_client("alice")
    await connect_client("bob")
    choose(bar, "2 · bob")
    await connect_client("carol")
    await first.close()
    await until(lambda: "All clients of alice" not in targets(bar))
    assert bar.target_box.currentText() == "2 · bob"
    assert bar.target == Target(clients=frozenset({2}))


async def test_a_disconnected_target_stays_chosen_and_is_marked_as_disconnected(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    other = await connect_client("alice")
    target = await connect_client("bob")
    choose(bar, "2 · bob")
    await target.close()
    await until(lambda: bar.target_box.currentText() == "Client 2 (disconnected)")
    bar.resize(712, bar.height())
    await until(lambda: bar.target_box.width() >= bar.target_box.sizeHint().width())  # the text is not cut
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    assert bar.status.text().startswith("Not sent: client 2 has disconnected")
    assert bar.status.property("tone") == "warning"
    assert await all_frames(companion, other) == []
    choose(bar, "Everyone")
    assert bar.target == ALL


async def test_connected_targets_that_are_not_in_the_list_are_not_marked(
    bar: FireBar, connect_client: Connect
) -> None:
    for name in ("alice", "bob"):
        await connect_client(name)
    box = bar.target_box
    for target, title in (("client:1,2", "Clients 1, 2"), ("all except:2", "Everyone except client 2")):
        box.list_targets(Target.parse(target))
        assert box.currentText() == title
    box.list_targets(Target.parse("client:2 except:2"))
    assert box.currentText() == "Client 2 except client 2 (disconnected)"


async def test_all_controls_have_room_in_a_window_of_1000_pixels(
    bar: FireBar, connect_client: Connect, companion: Companion
) -> None:
    client = await connect_client("bob")
    bar.resize(832, bar.height())
    choose(bar, "1 · bob")
    bar.repeat.toggle.setChecked(True)
    bar.expect.choice.setCurrentText("mark_read")
    await client.close()
    await until(lambda: "disconnected" in bar.target_box.currentText())
    await until(lambda: bar.now.geometry().right() <= bar.width())
    for control in (bar.now, bar.later, bar.repeat.times, bar.repeat.every, bar.open_window):
        assert control.width() >= control.minimumSizeHint().width() or control.width() >= control.minimumWidth() > 0


@pytest.mark.usefixtures("styled")
async def test_the_inputs_of_repeat_fit_into_a_window_of_880_pixels(bar: FireBar) -> None:
    bar.repeat.toggle.setChecked(True)
    await until(lambda: bar.minimumSizeHint().width() <= 712)
    bar.resize(712, bar.height())
    await until(lambda: 0 < bar.every.geometry().right() < bar.repeat.width())
    assert bar.every.lineEdit().width() > bar.every.fontMetrics().horizontalAdvance(bar.every.text())


async def test_a_long_recipient_is_shown_in_the_tooltip(bar: FireBar, connect_client: Connect) -> None:
    name = "wilhelmina-" + "w" * 50
    await connect_client(name)
    box = bar.target_box
    box.setCurrentText(f"All clients of {name}")
    assert box.width() < box.sizeHint().width()
    assert box.toolTip().startswith(f"All clients of {name}\n")
    box.showPopup()
    assert box.view().minimumWidth() > box.fontMetrics().horizontalAdvance(box.currentText()), "the list is wider"
    box.hidePopup()


async def test_a_target_user_that_reconnects_is_not_marked_as_disconnected(
    bar: FireBar, connect_client: Connect
) -> None:
    first = await connect_client("alice")
    choose(bar, "All clients of alice")
    await first.close()
    await until(lambda: bar.target_box.currentText() == "All clients of alice (disconnected)")
    await connect_client("alice")
    assert bar.target_box.currentText() == "All clients of alice"
    assert targets(bar).count("All clients of alice") == 1


async def test_only_the_target_receives_the_event(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    choose(bar, "All clients of bob")
    qtbot.mouseClick(bar.now, LEFT)
    choose(bar, "1 · alice")
    qtbot.mouseClick(bar.now, LEFT)
    qtbot.mouseClick(bar.now, LEFT)
    assert len(await all_frames(companion, bob)) == 1
    assert len(await all_frames(companion, alice)) == 2


async def test_firing_without_clients_shows_a_warning_and_a_button_to_wait(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    assert bar.status.text().startswith("Not sent: no client is connected")
    assert bar.status.property("tone") == "warning"
    assert bar.when_connected.isVisible()
    qtbot.mouseClick(bar.when_connected, LEFT)
    assert bar.status.text() == f"Waiting for a client at {companion.server.url} …"
    assert bar.now.text() == "Stop"
    client = await connect_client()
    assert (await frame(client))["event"] == "friend_online"
    await until(lambda: bar.status.text().startswith("Delivered to 1 client"))
    assert bar.now.text() == "Fire"
    second = await connect_client()
    assert await all_frames(companion, second) == []


async def test_waiting_ignores_a_client_that_disconnects_immediately(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    qtbot.mouseClick(bar.when_connected, LEFT)
    await (await connect_client()).close()
    await until(lambda: not companion.hub.connection_count)
    assert bar.now.text() == "Stop"
    client = await connect_client()
    assert (await frame(client))["event"] == "friend_online"
    await until(lambda: bar.now.text() == "Fire")


async def test_waiting_for_a_client_can_be_cancelled(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    qtbot.mouseClick(bar.when_connected, LEFT)
    qtbot.mouseClick(bar.now, LEFT)
    assert bar.now.text() == "Fire"
    client = await connect_client()
    assert await all_frames(companion, client) == []


async def test_a_series_goes_to_the_recipients_that_were_chosen_when_it_began(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    bar.times.setValue(5)
    bar.every.setValue(1)
    qtbot.mouseClick(bar.now, LEFT)
    await frame(alice)
    bar.choose_client(2)
    bar.expect.choice.setCurrentText("typing")
    await until(lambda: bar.now.text() == "Fire")
    assert len(await all_frames(companion, alice)) == 4
    assert len(await all_frames(companion, bob)) == 5
    assert "typing" not in bar.status.text()


async def test_waiting_fires_the_current_event_when_a_client_connects(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    bar.times.setValue(3)
    bar.every.setValue(0)
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    await until(lambda: bar.now.text() == "Fire")
    qtbot.mouseClick(bar.when_connected, LEFT)
    client = await connect_client()
    await until(lambda: bar.now.text() == "Fire")
    assert len(await all_frames(companion, client)) == 3


async def stop_everything(bar: FireBar, companion: Companion, client: ClientConnection, qtbot: Any) -> None:
    """Press Stop, and check that nothing is fired afterwards."""
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: bar.now.text() == "Fire")
    await wait_until_series_ended(companion)
    await all_frames(companion, client)
    await asyncio.sleep(0.1)
    assert await all_frames(companion, client) == []


async def test_stop_ends_everything_after_a_series_was_replaced_by_waiting(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    bar.times.setValue(1000)
    bar.every.setValue(20)
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    qtbot.mouseClick(bar.when_connected, LEFT)
    await wait_until_series_ended(companion)
    last = companion.journal.last_seq
    await asyncio.sleep(0.1)
    assert companion.journal.last_seq == last
    assert bar.status.text().startswith("Waiting for a client at ")
    client = await connect_client()
    await frame(client)
    assert bar.now.text() == "Stop"
    await asyncio.sleep(0.05)
    await stop_everything(bar, companion, client, qtbot)


async def test_stop_ends_everything_after_an_offline_friend_was_switched_online_during_a_series(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    bar.arm(lambda _: companion.fire(companion.message_from("bob", "Hi"), origin=PANEL))
    bar.times.setValue(1000)
    bar.every.setValue(20)
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.online_first.isVisible)
    qtbot.mouseClick(bar.online_first, LEFT)
    await until(lambda: bar.status.text().startswith("2 of 1000 · Delivered") and bar.online_first.isHidden())
    assert bar.now.text() == "Stop"
    await stop_everything(bar, companion, client, qtbot)


async def test_waiting_for_another_source_replaces_the_previous_wait(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    for name in ("one", "two"):
        bar.arm(bar._fire, source=name)
        qtbot.mouseClick(bar.now, LEFT)
        await until(bar.when_connected.isVisible)
    qtbot.mouseClick(bar.when_connected, LEFT)
    bar.arm(bar._fire, source="one")
    qtbot.mouseClick(bar.when_connected, LEFT)
    qtbot.mouseClick(bar.now, LEFT)
    assert bar.now.text() == "Fire"
    bar.arm(bar._fire, source="two")
    assert bar.status.text() == "Stopped"
    client = await connect_client()
    await until(lambda: all(each.ready for each in companion.hub.clients))
    assert await all_frames(companion, client) == []


async def test_waiting_does_not_end_without_a_message_if_the_form_is_invalid(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.when_connected.isVisible)
    qtbot.mouseClick(bar.when_connected, LEFT)
    bar.arm(None, why_not="data.text: must not be empty")
    await connect_client()
    await wait_until_idle(companion)
    assert not bar.status.text().startswith("Waiting") or bar.now.text() == "Stop"


async def test_firing_while_sending_is_paused_shows_a_warning_without_a_button_to_wait(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    companion.pause()
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    assert bar.status.text().startswith(
        "Not sent: sending is paused, and events fired meanwhile are not sent later. "
        "Resume sending, then fire again"
    )
    assert bar.when_connected.isHidden()


async def test_firing_while_the_server_is_stopped_shows_no_button_to_wait(
    bar: FireBar, companion: Companion, qtbot: Any
) -> None:
    await companion.stop()
    qtbot.mouseClick(bar.now, LEFT)
    await until(bar.status.text)
    assert bar.status.text().startswith("Not sent: the server is stopped. Start the server · #")
    assert bar.when_connected.isHidden()


async def test_a_message_from_an_offline_friend_shows_a_button_to_switch_it_online(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    bar.arm(lambda _: companion.fire(companion.message_from("bob", "Hi"), origin=PANEL))
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: "bob is offline" in bar.status.text())
    assert bar.status.property("tone") == "warning"
    assert bar.online_first.text() == "Switch bob online and fire again"
    qtbot.mouseClick(bar.online_first, LEFT)
    await until(lambda: "offline" not in bar.status.text())
    assert bar.online_first.isHidden()
    frames = await all_frames(companion, client)
    assert [each["event"] for each in frames] == ["new_message", "friend_online", "new_message"]


async def test_an_offline_friend_is_no_remedy_if_the_recipient_has_disconnected(
    bar: FireBar, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    bar.arm(
        lambda _: companion.fire(
            companion.message_from("bob", "Hi"), to=Target(clients=frozenset({7})), origin=PANEL
        )
    )
    qtbot.mouseClick(bar.now, LEFT)
    await until(lambda: "client 7" in bar.status.text())
    assert bar.online_first.isHidden()


async def test_close_down_cancels_a_series_and_waiting_for_a_client(
    companion: Companion, connect_client: Connect, show: Show, qtbot: Any
) -> None:
    series, waiting = make_bar(companion), make_bar(companion)
    for bar in (series, waiting):
        show(bar)
    series.times.setValue(1000)
    qtbot.mouseClick(series.later, LEFT)
    qtbot.mouseClick(waiting.now, LEFT)
    await until(waiting.when_connected.isVisible)
    qtbot.mouseClick(waiting.when_connected, LEFT)
    for bar in (series, waiting):
        bar.close_down()
    client = await connect_client()
    assert await all_frames(companion, client) == []


async def test_clients_that_connected_while_the_bar_was_hidden_are_listed_when_it_is_shown(
    bar: FireBar, companion: Companion, connect_client: Connect
) -> None:
    bar.hide()
    await connect_client("bob")
    assert "1 · bob" not in targets(bar)
    bar.show()
    assert "1 · bob" in targets(bar)
