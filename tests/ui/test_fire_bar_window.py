"""The fire bar: a window with recent events and pinned fixtures that never takes the focus."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import CONTROL, PANEL
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture, FixtureExpectation
from app.storage.fixtures import FixtureLibrary
from app.storage.library_folders import library_for
from app.ui.fire_bar_window import FireBarWindow
from app.ui.widgets.fire_buttons import EMPTY
from app.ui.window import CHATS, MainWindow
from tests.conftest import Connect, until
from tests.ui.conftest import destroy_now
from tests.ui.frames import SENTINEL, all_frames, frame, wait_until_idle
from tests.ui.test_clipping import cut_texts

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def memory(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def fired() -> list[Delivery]:
    return []


@pytest.fixture(autouse=True)
def _pointer_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report that the mouse is not over the bar.

    An earlier test may have left the pointer there, and then the bar does not move its buttons.
    """
    monkeypatch.setattr(FireBarWindow, "underMouse", lambda _: False)


@pytest.fixture
async def bar(companion: Companion, memory: QSettings, fired: list[Delivery]) -> AsyncIterator[FireBarWindow]:
    bar = FireBarWindow(companion, memory, fired.append)
    bar.present()
    yield bar
    bar.close_down()
    await wait_until_idle(companion)
    destroy_now(bar)


def titles(bar: FireBarWindow) -> list[str]:
    return [each.accessibleName().removeprefix("Fire: ") for each in bar.entries]


def headings(bar: FireBarWindow) -> list[str]:
    return [each.text() for each in bar.findChildren(QLabel, "fireBarHeading") if each.isVisible()]


async def fire(companion: Companion, name: str, to: Target | None = None) -> None:
    await companion.composer.fire(Fixture(event="friend_online", data={"username": name}), to=to, origin=PANEL)


def pinned_titles(companion: Companion) -> list[str]:
    return [saved.title for saved in companion.fixtures.pinned]


async def test_the_bar_lists_the_pinned_fixtures_and_the_last_five_different_events(
    bar: FireBarWindow, companion: Companion
) -> None:
    pinned = pinned_titles(companion)
    assert (headings(bar), titles(bar)) == (["Pinned"], pinned)
    bar.close()
    for name in ("a", "b", "c", "d", "e", "f", "b"):
        await fire(companion, name)
    bar.present()
    assert headings(bar) == ["Pinned", "Last fired"]
    assert titles(bar) == [*pinned, *(f"friend_online · {name}" for name in "bfedc")]


async def test_the_bar_is_updated_when_events_are_fired_or_fixtures_are_pinned(
    bar: FireBarWindow, companion: Companion
) -> None:
    await fire(companion, "zoe")
    await until(lambda: "friend_online · zoe" in titles(bar))
    companion.settings.pinned = []
    companion.changed.emit(None)
    await until(lambda: titles(bar) == ["friend_online · zoe"])


async def test_buttons_keep_their_places_while_the_bar_is_visible(bar: FireBarWindow, companion: Companion) -> None:
    pinned = pinned_titles(companion)
    for name in ("a", "b", "c"):
        await fire(companion, name)
        bar.refresh()
    places = {each.entry.title: each.mapTo(bar, QPoint()) for each in bar.entries}
    await fire(companion, "a")
    await fire(companion, "d")
    bar.refresh()
    assert titles(bar) == [*pinned, *(f"friend_online · {name}" for name in "abcd")]
    assert {each.entry.title: each.mapTo(bar, QPoint()) for each in bar.entries}.items() >= places.items()
    for name in ("e", "f"):
        await fire(companion, name)
    bar.refresh()
    assert titles(bar) == [*pinned, *(f"friend_online · {name}" for name in "afcde")], "f replaces b, the oldest"
    bar.close()
    bar.present()
    assert titles(bar) == [*pinned, *(f"friend_online · {name}" for name in "fedac")]


async def test_the_bar_says_as_whom_and_to_whom_it_fires(bar: FireBarWindow, companion: Companion) -> None:
    await companion.composer.fire_message("carol", "hi", origin=PANEL)
    await fire(companion, "zoe", Target(user="bob"))
    await companion.composer.fire_text("not json", origin=PANEL)
    bar.refresh()
    shown = {each.entry.title: each.direction.text() for each in bar.entries}
    assert shown["A friend says hi"] == "As alice · to everyone"
    assert shown["new_message · carol → me: hi"] == "As carol · to everyone"
    assert shown["friend_online · zoe"] == "As zoe · to bob"
    assert shown["Frame: not json"] == "To everyone"
    assert bar.entries[0].accessibleDescription() == "As alice · to everyone"


async def test_a_message_from_chats_can_be_fired_again(
    window: MainWindow, bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    window.open_room(CHATS)
    await until(lambda: window.chats._username)
    friend = window.chats._username
    window.chats._send_message("{{uuid}} literally")
    assert (await frame(client))["data"]["text"] == "{{uuid}} literally"
    title = f"new_message · {friend} → me: {{{{uuid}}}} literally"
    await until(lambda: title in titles(bar))
    qtbot.mouseClick(bar.entries[titles(bar).index(title)], LEFT)
    repeated = await frame(client)
    assert (repeated["data"]["from"], repeated["data"]["text"]) == (friend, "{{uuid}} literally")


# keyboard


async def test_the_keys_1_to_9_the_arrows_and_enter_fire_once_the_bar_has_the_focus(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    assert not bar.keys.isVisible()
    bar.present_or_focus()
    assert bar.by_keyboard
    assert bar.isVisible()
    assert bar.keys.isVisible()
    assert not bar.windowFlags() & Qt.WindowType.WindowDoesNotAcceptFocus
    assert [each.digit.text() for each in bar.entries[:2]] == ["1", "2"]
    qtbot.keyClick(bar.entries[0], Qt.Key.Key_2)
    assert (await frame(client))["event"] == "friend_online"
    bar.entries[0].setFocus()
    qtbot.keyClick(bar.entries[0], Qt.Key.Key_Down)
    assert bar.focusWidget() is bar.entries[1]
    qtbot.keyClick(bar.entries[1], Qt.Key.Key_Down)
    qtbot.keyClick(bar.entries[2], Qt.Key.Key_Return)
    assert (await frame(client))["event"] == "friend_offline"
    bar.refresh()
    assert titles(bar) == pinned_titles(companion), "nothing is added while the keyboard is used"
    qtbot.keyClick(bar.entries[2], Qt.Key.Key_Escape)
    assert not bar.by_keyboard
    assert bar.isVisible()
    assert bar.windowFlags() & Qt.WindowType.WindowDoesNotAcceptFocus
    assert not bar.entries[0].digit.text()
    bar.refresh()
    assert len(titles(bar)) == len(pinned_titles(companion)) + 2


async def test_the_shortcut_shows_the_bar_then_gives_it_the_focus_then_hides_it(
    bar: FireBarWindow, qtbot: Any
) -> None:
    bar.close()
    bar.toggle()
    assert (bar.isVisible(), bar.by_keyboard) == (True, False)
    bar.toggle()
    assert (bar.isVisible(), bar.by_keyboard) == (True, True)
    bar.toggle()
    assert not bar.isVisible()
    bar.toggle()
    assert (bar.isVisible(), bar.by_keyboard) == (True, False)


async def test_a_bar_at_the_bottom_of_the_screen_scrolls_instead_of_moving(
    bar: FireBarWindow, companion: Companion, qtbot: Any
) -> None:
    bottom = bar.screen().availableGeometry().bottom()
    bar.move(40, bottom - bar.height())
    before = bar.pos()
    for name in ("a", "b", "c", "d", "e"):
        await fire(companion, name)
    bar.refresh()
    assert bar.pos() == before
    assert bar.geometry().bottom() <= bottom
    scroll = bar.buttons.verticalScrollBar()
    await until(lambda: scroll.maximum() > 0)
    bar.use_keyboard()
    assert bar.focusWidget() is bar.entries[0]
    for _ in bar.entries[1:]:
        qtbot.keyClick(bar.focusWidget(), Qt.Key.Key_Down)
    assert bar.focusWidget() is bar.entries[-1]
    assert scroll.value() > 0


async def test_an_empty_bar_shows_a_hint(bar: FireBarWindow, companion: Companion) -> None:
    companion.settings.pinned = []
    bar.refresh()
    assert headings(bar) == [EMPTY]


async def test_a_click_fires_again_with_new_values_to_the_same_recipients(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, fired: list[Delivery], qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    await companion.composer.fire_message("carol", "hi", origin=PANEL)
    await fire(companion, "zoe", Target(user="bob"))
    bar.refresh()
    again = bar.entries[titles(bar).index("friend_online · zoe")]
    assert again.toolTip() == "friend_online · zoe\nAs zoe · to bob"
    qtbot.mouseClick(again, LEFT)
    await until(lambda: fired)
    assert [each["event"] for each in await all_frames(companion, alice)] == ["new_message"]
    assert [each["event"] for each in await all_frames(companion, bob)] == [
        "new_message", "friend_online", "friend_online",
    ]  # fmt: skip
    message = next(each for each in bar.entries if "carol" in each.accessibleName())
    qtbot.mouseClick(message, LEFT)
    assert (await frame(alice))["event"] == SENTINEL.event  # sent by all_frames() for bob
    repeated = await frame(alice)
    assert (repeated["data"]["from"], repeated["data"]["text"]) == ("carol", "hi")


async def test_a_pinned_fixture_is_fired_and_the_result_is_shown(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.mouseClick(bar.entries[0], LEFT)
    assert (await frame(client))["event"] == "new_message"
    await until(bar.result.text)
    assert bar.result.text().endswith(" Fired: A friend says hi → 1 client")


async def test_the_reason_is_shown_if_an_event_was_not_sent(bar: FireBarWindow, qtbot: Any) -> None:
    qtbot.mouseClick(bar.entries[0], LEFT)
    await until(bar.result.text)
    assert "not sent: no client is connected" in bar.result.text()


async def test_no_button_is_added_or_replaced_while_the_mouse_is_over_the_bar(
    bar: FireBarWindow, companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fire(companion, "a")
    bar.refresh()
    before = titles(bar)
    monkeypatch.setattr(FireBarWindow, "underMouse", lambda _: True)
    await fire(companion, "b")
    bar.refresh()
    assert titles(bar) == before
    monkeypatch.setattr(FireBarWindow, "underMouse", lambda _: False)
    bar.refresh()
    assert titles(bar) == [*before, "friend_online · b"]


async def test_the_bar_never_takes_the_focus(window: MainWindow, companion: Companion, memory: QSettings) -> None:
    bar = FireBarWindow(companion, memory, lambda _: None)
    bar.present()
    flags = bar.windowFlags()
    assert flags & Qt.WindowType.WindowDoesNotAcceptFocus
    assert flags & Qt.WindowType.WindowStaysOnTopHint
    assert flags & Qt.WindowType.Tool == Qt.WindowType.Tool
    assert bar.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    assert bar.testAttribute(Qt.WidgetAttribute.WA_MacAlwaysShowToolWindow)
    bar.close_down()
    destroy_now(bar)


async def test_the_bar_is_reopened_at_its_last_position(
    bar: FireBarWindow, memory: QSettings, companion: Companion
) -> None:
    bar.move(40, 50)
    bar.close()
    assert not bar.isVisible()
    second = FireBarWindow(companion, memory, lambda _: None)
    second.present()
    assert second.pos() == QPoint(40, 50)
    second.close_down()
    destroy_now(second)


async def test_a_saved_position_outside_of_all_screens_is_ignored(
    companion: Companion, memory: QSettings, bar: FireBarWindow
) -> None:
    bar.close()
    memory.setValue("fireBar/place", QPoint(-5000, 90_000))
    bar.toggle()
    assert bar.isVisible()
    assert QGuiApplication.primaryScreen().availableGeometry().contains(bar.geometry())


async def test_the_bar_can_be_dragged_by_its_title(bar: FireBarWindow, qtbot: Any) -> None:
    bar.move(100, 100)
    qtbot.mousePress(bar, LEFT, pos=QPoint(60, 12))
    qtbot.mouseMove(bar, QPoint(90, 32))
    assert bar.pos() == QPoint(130, 120)
    qtbot.mouseRelease(bar, LEFT, pos=QPoint(60, 12))


async def test_a_long_title_is_elided_and_shown_in_the_tooltip(bar: FireBarWindow, companion: Companion) -> None:
    await companion.composer.fire_message("alice", "a & b " * 40, origin=PANEL)
    bar.refresh()
    button = bar.entries[-1]
    assert button.title.fontMetrics().horizontalAdvance(button.title.text()) > button.title.width()
    assert button.width() <= bar.width()
    assert "alice → me: a &amp; b" in button.toolTip()
    assert bar.testAttribute(Qt.WidgetAttribute.WA_AlwaysShowToolTips), "the bar is never the active window"
    assert button.shortcut().isEmpty()


async def test_no_text_of_the_bar_is_cut_without_a_tooltip(bar: FireBarWindow, companion: Companion) -> None:
    await companion.composer.fire_message("alice", "a long message " * 12, origin=PANEL)
    await fire(companion, "zoe", Target(user="wilhelmina-" + "w" * 50))
    bar.refresh()
    bar.show_result("a long result " * 12)
    bar.use_keyboard()
    await until(lambda: bar.entries[-1].isVisible() and bar.result.height() > 40)
    assert list(cut_texts(bar)) == []


async def test_a_raw_frame_is_listed(bar: FireBarWindow, companion: Companion) -> None:
    await companion.composer.fire_text("not json", origin=PANEL)
    bar.refresh()
    assert titles(bar)[-1] == "Frame: not json"


async def test_the_palette_can_open_the_bar(window: MainWindow, qtbot: Any) -> None:
    requests: list[bool] = []
    window.fire_bar_requested.connect(lambda: requests.append(True))
    palette = window.open_palette()
    qtbot.keyClicks(palette.search, "fire bar")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert requests == [True]


async def test_events_fired_elsewhere_are_listed(bar: FireBarWindow, companion: Companion) -> None:
    await companion.composer.fire_event(Envelope("typing", {"username": "bob", "typing": True}), origin=CONTROL)
    assert companion.composer.recent[0].title == "typing · bob is typing"


async def test_a_button_fires_the_latest_of_two_events_with_the_same_title(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    for name in ("alice", "bob"):
        fixture = Fixture(title="A friend comes online", event="friend_online", data={"username": name})
        await companion.composer.fire(fixture, origin=PANEL)
        bar.refresh()
        await frame(client)
    qtbot.mouseClick(bar.entries[-1], LEFT)
    assert (await frame(client))["data"]["username"] == "bob"


async def test_a_changed_pinned_fixture_is_fired_in_its_current_form(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any, tmp_path: Path
) -> None:
    await companion.fixtures.use(library_for(FixtureLibrary, str(tmp_path / "own"), None))
    client = await connect_client()
    companion.settings.pinned = ["mine/online"]
    for name in ("alice", "bob"):
        fixture = Fixture(title="A friend comes online", event="friend_online", data={"username": name})
        await companion.fixtures.save("mine/online", fixture)
    await until(lambda: titles(bar) == ["A friend comes online"] and not bar._refresh.isActive())
    qtbot.mouseClick(bar.entries[0], LEFT)
    assert (await frame(client))["data"]["username"] == "bob"


async def test_two_pinned_fixtures_may_have_the_same_title(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any, tmp_path: Path
) -> None:
    await companion.fixtures.use(library_for(FixtureLibrary, str(tmp_path / "own"), None))
    client = await connect_client()
    companion.settings.pinned = ["mine/a", "mine/b"]
    for name, friend in (("mine/a", "alice"), ("mine/b", "bob")):
        fixture = Fixture(title="A friend comes online", event="friend_online", data={"username": friend})
        await companion.fixtures.save(name, fixture)
    await until(lambda: titles(bar) == ["A friend comes online"] * 2)
    bar.refresh()
    assert [each.direction.text() for each in bar.entries] == ["As alice · to everyone", "As bob · to everyone"]
    qtbot.mouseClick(bar.entries[1], LEFT)
    assert (await frame(client))["data"]["username"] == "bob"


async def test_the_expectation_of_a_pinned_fixture_is_checked(
    bar: FireBarWindow, companion: Companion, connect_client: Connect, qtbot: Any, tmp_path: Path
) -> None:
    await companion.fixtures.use(library_for(FixtureLibrary, str(tmp_path / "own"), None))
    await connect_client()
    expect = FixtureExpectation(event="mark_read", within=0.1)
    fixture = Fixture(title="Expects", event="friend_online", data={"username": "alice"}, expect=expect)
    companion.settings.pinned = ["mine/expects"]
    await companion.fixtures.save("mine/expects", fixture)
    await until(lambda: titles(bar) == ["Expects"])
    qtbot.mouseClick(bar.entries[0], LEFT)
    await until(lambda: "no mark_read within 0.1 s" in bar.result.text())


@pytest.mark.parametrize("key", [Qt.Key.Key_1, Qt.Key.Key_Return])
async def test_a_key_that_is_held_down_fires_once(
    bar: FireBarWindow, companion: Companion, fired: list[Delivery], key: Qt.Key
) -> None:
    bar.use_keyboard()
    bar.entries[0].setFocus()
    for number in range(5):
        QTest.simulateEvent(bar, True, key, Qt.KeyboardModifier.NoModifier, "", number > 0, -1)
    await until(lambda: bool(fired))
    await wait_until_idle(companion)
    assert len(fired) == 1
