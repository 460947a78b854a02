"""The first steps: a panel with the three steps that a new user needs."""

from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.companion import Companion
from app.hub.origin import CONTROL, TRAY
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from app.ui.widgets.first_steps import FirstSteps
from app.ui.window import EVENTS, HELP, MainWindow
from tests.conftest import Connect, until
from tests.ui.frames import frame
from tests.ui.test_accessibility import accessible_text, controls

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton
PAGE = "http://localhost:5173"


@pytest.fixture
async def steps(window: MainWindow, companion: Companion) -> FirstSteps:
    def save(settings: Settings) -> None:
        companion.tasks.spawn(companion.apply(settings), "apply settings")

    window.save_requested.connect(save)
    return window.show_first_steps()


def results(steps: FirstSteps) -> list[str]:
    return [each.text() for each in steps.results]


async def test_an_address_is_checked_and_allowed(steps: FirstSteps, companion: Companion, qtbot: Any) -> None:
    assert steps.address.hasFocus()
    assert not steps.allow.isEnabled()
    qtbot.keyClicks(steps.address, "local host")
    assert "is not an origin" in results(steps)[0]
    assert not steps.allow.isEnabled()
    steps.address.setText(f"{PAGE.upper()}/chat?x=1")
    assert results(steps)[0] == ""
    qtbot.mouseClick(steps.allow, LEFT)
    await until(lambda: PAGE in companion.settings.allowed_origins)
    await until(lambda: results(steps)[0] == f"✓ {PAGE} is allowed. Reload the page.")
    assert not steps.allow.isEnabled()


async def test_the_address_of_a_rejected_page_is_filled_in(steps: FirstSteps, companion: Companion) -> None:
    companion.rejection_log.add("events", "not allowed", PAGE)
    assert steps.address.text() == PAGE
    companion.rejection_log.add("events", "not allowed", "http://other.example")
    assert steps.address.text() == PAGE


async def test_a_connected_client_completes_the_first_step(steps: FirstSteps, connect_client: Connect) -> None:
    await connect_client()
    assert results(steps)[0] == "✓ 1 client connected"


async def test_the_name_is_checked_and_saved(steps: FirstSteps, companion: Companion, qtbot: Any) -> None:
    assert steps.name.text() == "me"
    assert results(steps)[1] == "✓ Your UI acts as me"
    for name, error in (("alice", "alice is a friend"), ("a/b", "must not contain"), ("", "must not be empty")):
        steps.name.setText(name)
        assert error in results(steps)[1], name
        assert not steps.save.isEnabled()
        qtbot.keyClick(steps.name, Qt.Key.Key_Return)
    assert companion.settings.username == "me"
    steps.name.setText("max")
    assert results(steps)[1] == ""
    qtbot.keyClick(steps.name, Qt.Key.Key_Return)
    await until(lambda: companion.settings.username == "max")
    await until(lambda: results(steps)[1] == "✓ Your UI acts as max")


async def test_a_name_that_was_saved_elsewhere_is_shown(steps: FirstSteps, companion: Companion) -> None:
    await companion.apply(replace(companion.settings, username="dana"))
    assert (steps.name.text(), results(steps)[1]) == ("dana", "✓ Your UI acts as dana")
    assert not steps.save.isEnabled()
    steps.name.setText("half typed")
    await companion.apply(replace(companion.settings, username="erin"))
    assert steps.name.text() == "half typed"


async def test_the_first_event_reaches_the_ui(steps: FirstSteps, connect_client: Connect, qtbot: Any) -> None:
    qtbot.mouseClick(steps.fire, LEFT)
    await until(lambda: results(steps)[2])
    assert results(steps)[2] == "Not sent: no client is connected. Open your UI, then fire again."
    assert steps.skip.text() == "Skip"
    client = await connect_client()
    qtbot.mouseClick(steps.fire, LEFT)
    data = (await frame(client))["data"]
    assert (data["from"], data["to"], data["text"]) == ("alice", "me", "Hi from alice!")
    await until(lambda: results(steps)[2] == "✓ Delivered to 1 client")
    assert steps.skip.text() == "Close"


async def test_the_steps_can_be_skipped_and_reopened(window: MainWindow, steps: FirstSteps, qtbot: Any) -> None:
    qtbot.mouseClick(steps.skip, LEFT)
    assert not steps.isVisible()
    palette = window.open_palette()
    qtbot.keyClicks(palette.search, "first steps")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert steps.isVisible()
    steps.hide()
    window.open_room(HELP)
    qtbot.mouseClick(window.help.first_steps, LEFT)
    assert steps.isVisible()
    assert window.first_steps is steps


async def test_the_panel_does_not_block_the_rooms(window: MainWindow) -> None:
    window.open_room(EVENTS)
    before = QApplication.focusWidget()
    steps = window.show_first_steps(focus=False)
    assert QApplication.focusWidget() is before
    assert QApplication.activeModalWidget() is None
    await until(lambda: steps.height() > 50)
    assert steps.geometry().bottom() < window.rooms.geometry().top()
    window.open_room(HELP)
    assert window.rooms.current == HELP


async def test_no_text_is_cut(
    window: MainWindow, companion: Companion, steps: FirstSteps, subtests: pytest.Subtests
) -> None:
    def cut_texts() -> list[str]:
        labels = steps.findChildren(QLabel)
        return [each.text() for each in labels if each.height() < each.heightForWidth(each.width())]

    steps.address.setText("http://localhost:5173/x y")
    steps.name.setText("alice")
    for width in (880, 1000, 1400):
        with subtests.test(width=width):
            window.resize(width, 640)
            await until(lambda least=width - 200: steps.width() > least)
            await until(lambda: not cut_texts())
            assert all(each.width() >= each.sizeHint().width() for each in (steps.allow, steps.save, steps.fire))


async def test_every_control_has_a_name(steps: FirstSteps) -> None:
    steps.address.setText(PAGE)
    steps.name.setText("max")
    found = set()
    for step in steps.steps:
        steps.open_step(step)
        found |= set(controls(steps))
    assert {steps.address, steps.allow, steps.name, steps.save, steps.fire, steps.skip} <= found
    assert all(accessible_text(steps, each) for each in found)


async def test_each_step_says_whether_it_is_done(steps: FirstSteps, connect_client: Connect) -> None:
    assert [step.tab.text()[0] for step in steps.steps] == ["○", "✓", "○"]
    assert steps.steps[0].tab.accessibleName() == "Step 1, Your UI's address: not done"
    assert steps.steps[1].tab.accessibleName() == "Step 2, Your name: done"
    await connect_client()
    assert steps.steps[0].tab.text()[0] == "✓"
    steps.name.setText("alice")  # a friend
    assert steps.steps[1].tab.text()[0] == "○"


async def test_a_step_is_opened_by_its_tab(window: MainWindow, steps: FirstSteps, qtbot: Any) -> None:
    assert steps.address.isVisible()
    assert not steps.fire.isVisible()
    qtbot.mouseClick(steps.steps[2].tab, LEFT)
    assert steps.fire.isVisible()
    assert not steps.address.isVisible()
    window.show_first_steps()
    assert steps.fire.hasFocus()


@pytest.mark.parametrize("focus", [False, True])
async def test_the_next_step_opens_when_one_is_done_elsewhere_but_not_while_the_user_types(
    window: MainWindow, connect_client: Connect, monkeypatch: pytest.MonkeyPatch, focus: bool
) -> None:
    monkeypatch.setattr(FirstSteps, "underMouse", lambda _: False)
    window.open_room(EVENTS)
    steps = window.show_first_steps(focus=focus)
    await connect_client()
    assert steps.fire.isVisible() is not focus
    assert steps.address.isVisible() is focus


async def test_the_panel_is_low_in_a_small_window(window: MainWindow, steps: FirstSteps) -> None:
    window.resize(1000, 640)
    await until(lambda: steps.width() > 800)
    for step in steps.steps:
        steps.open_step(step)
        await until(lambda: steps.height() <= 96)


async def test_an_event_that_was_fired_elsewhere_completes_the_last_step(
    steps: FirstSteps, companion: Companion, connect_client: Connect
) -> None:
    event = Envelope("friend_online", {"username": "bob"})
    await companion.fire(event, origin=CONTROL)
    await connect_client()  # it gets a message per friend, which is not a fired event
    assert steps.skip.text() == "Skip"
    await companion.fire(event, origin=CONTROL)
    await until(lambda: results(steps)[2] == "✓ friend_online delivered to 1 client")
    assert steps.steps[2].done
    assert steps.skip.text() == "Close"


async def test_an_event_that_was_fired_before_the_panel_was_opened_counts(
    window: MainWindow, companion: Companion, connect_client: Connect
) -> None:
    await connect_client()
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=TRAY)
    steps = window.show_first_steps()
    assert [step.done for step in steps.steps] == [True, True, True]
    assert steps.fire.isVisible()


async def test_the_panel_is_updated_when_settings_change(steps: FirstSteps, companion: Companion) -> None:
    await companion.apply(replace(companion.settings, allowed_origins=[PAGE]))
    assert results(steps)[0] == f"✓ {PAGE} is allowed. Reload the page."


async def test_the_origin_is_completed_from_an_address(steps: FirstSteps, subtests: pytest.Subtests) -> None:
    for entered, origin in (
        ("localhost:3000", "http://localhost:3000"),
        (" HTTP://LocalHost:3001/chat?x=1 ", "http://localhost:3001"),
        ("https://ui.example", "https://ui.example"),
    ):
        with subtests.test(entered=entered):
            requested: list[str] = []
            steps.allow_requested.connect(requested.append)
            steps.address.setText(entered)
            steps.allow.click()
            assert requested == [origin]


async def test_the_tab_key_reaches_the_open_step_and_its_controls(
    window: MainWindow, steps: FirstSteps, qtbot: Any
) -> None:
    """Regression: it entered the panel at the controls, and never reached the titles of the steps."""
    window.open_room(EVENTS)
    steps.setFocus()
    assert steps.address.hasFocus()
    visited: list[QWidget | None] = []
    while not visited or QApplication.focusWidget() is not steps.address:
        visited.append(focused := QApplication.focusWidget())
        assert focused
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert visited[-2:] == [steps.steps[0].tab, steps.skip]
