"""The filter of the log in the Events room: chips, context menu, help, saved filters and count."""

from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QMenu, QPushButton

from app.companion import Companion
from app.hub import saved_filters
from app.hub.journal import Kind
from app.hub.origin import PANEL, REST
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from app.ui.models.event_log import Col
from app.ui.rooms.events import EventsRoom
from app.ui.widgets.filter_bar import MIN_FIELD
from app.ui.widgets.name_dialog import NameDialog
from app.ui.window import EVENTS, HELP, MainWindow
from tests.conftest import Connect, until

LEFT = Qt.MouseButton.LeftButton
SAVE = QDialogButtonBox.StandardButton.Save


@pytest.fixture
def first_room() -> str:
    return EVENTS


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> EventsRoom:
    """Return the Events room. Settings that it saves are applied immediately, as in the program."""

    def save(settings: Settings) -> None:
        companion.tasks.spawn(companion.apply(settings), "apply settings")

    window.save_requested.connect(save)
    return window.events


async def fire(companion: Companion, *events: str) -> None:
    for event in events:
        data = {"username": "alice"} | ({"typing": True} if event == "typing" else {})
        await companion.fire(Envelope(event, data), origin=PANEL)


def events(room: EventsRoom) -> list[str]:
    return [room.model.row(line).event for line in range(room.model.rowCount())]


async def test_a_chip_changes_the_filter_and_the_filter_checks_the_chips(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await fire(companion, "typing", "friend_online")
    companion.journal.append(Kind.FROM_UI, "POST /messages", origin=REST, client="rest")
    room.model.flush()
    qtbot.mouseClick(room.bar.chips.switches["To UI ↓"], LEFT)
    assert room.filter.text() == "dir:s2c"
    await until(lambda: events(room) == ["typing", "friend_online"])
    assert room.bar.count.text() == "2 of 4"
    room.filter.setText("origin:rest")
    assert room.bar.chips.switches["REST"].isChecked()
    assert not room.bar.chips.switches["To UI ↓"].isChecked()
    await until(lambda: events(room) == ["POST /messages"])
    qtbot.mouseClick(room.bar.chips.all, LEFT)
    await until(lambda: len(events(room)) == 4)
    assert room.bar.count.text() == "4 rows"


async def test_the_menus_offer_the_catalog_and_the_connected_clients(
    room: EventsRoom, connect_client: Connect
) -> None:
    await connect_client("bob")
    for chip, expected in ((room.bar.chips.event_menu, "mark_read"), (room.bar.chips.client_menu, "1 · bob")):
        chip.menu().aboutToShow.emit()
        assert expected in [action.text() for action in chip.menu().actions()]


async def test_the_client_chip_shows_the_changed_user_of_a_client(
    room: EventsRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client("bob")
    room.filter.setText("client:1")
    assert room.bar.chips.client_menu.accessibleName() == "Client: 1 · bob"
    companion.hub.identify(companion.hub.clients[0], "carol")
    assert room.bar.chips.client_menu.accessibleName() == "Client: 1 · carol"


async def test_the_field_suggests_events_users_clients_and_saved_filters(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("bob")
    await companion.apply(replace(companion.settings, saved_filters={"errors": "is:invalid"}))

    def suggested(text: str) -> list[str]:
        room.filter.setText(text)
        room.filter.show_suggestions()
        model = room.filter.popup.model()
        return [model.index(line, 0).data() for line in range(model.rowCount())]

    assert "event:mark_read" in suggested("event:")
    assert {"user:alice", "user:bob", "user:me"} <= set(suggested("user:"))
    assert suggested("client:") == ["client:1"]
    assert suggested("@") == ["@errors"]
    room.filter.popup.hide()


async def choose(room: EventsRoom, event: str, title: str) -> None:
    """Trigger an entry of the context menu of the newest row of an event."""
    room.model.flush()
    line = max(number for number, name in enumerate(events(room)) if name == event)
    room.table.selectRow(line)
    room.table.scrollTo(room.model.index(line, Col.TIME))
    room.table.customContextMenuRequested.emit(room.table.visualRect(room.model.index(line, Col.TIME)).center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.text() == title).trigger()
    menu.close()


async def test_the_context_menu_filters_by_the_row(
    room: EventsRoom, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client("bob")
    await fire(companion, "typing", "friend_online", "typing")
    await client.send('{"event": "mark_read", "data": {"peer": "alice"}}')
    await until(lambda: any(row.event == "mark_read" for row in companion.journal))
    await choose(room, "typing", "Show only typing")
    assert room.filter.text() == "event:typing"
    await until(lambda: events(room) == ["typing", "typing"])
    await choose(room, "typing", "Clear the filter")
    await until(lambda: "mark_read" in events(room))
    await choose(room, "mark_read", "Hide client 1 · bob")
    assert room.filter.text() == "-client:1"
    await until(lambda: "mark_read" not in events(room))
    await choose(room, "listening", "Hide server rows")
    assert room.filter.text() == "-client:1 -dir:server"
    await until(lambda: events(room) == ["typing", "friend_online", "typing"])


async def test_the_help_adds_an_example_to_the_filter(room: EventsRoom, qtbot: Any) -> None:
    room.filter.setText("hello")
    qtbot.mouseClick(room.bar.help_button, LEFT)
    card = QApplication.activePopupWidget()
    assert card is not None
    assert card.accessibleName() == "How to filter the log"
    button = next(each for each in card.examples if each.text() == "is:invalid")  # type: ignore[attr-defined]
    qtbot.mouseClick(button, LEFT)
    assert room.filter.text() == "hello is:invalid"
    assert room.filter.selectedText() == "is:invalid"
    assert QApplication.activePopupWidget() is None


async def test_the_help_is_operated_by_keyboard_and_opens_the_manual(
    window: MainWindow, room: EventsRoom, qtbot: Any
) -> None:
    card = room.bar.show_help()
    assert card.focusWidget() is card.examples[0]
    qtbot.keyClick(card, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None
    qtbot.mouseClick(room.bar.show_help().manual, LEFT)
    assert window.rooms.current == HELP
    assert window.help.page == "filter"


async def test_the_log_does_not_move_when_the_filter_has_a_problem(window: MainWindow, room: EventsRoom) -> None:
    def places() -> list[QPoint | int]:
        window.grab()
        return [room.table.mapTo(window, QPoint()), room.table.height(), room.bar.count.mapTo(window, QPoint()).y()]

    window.resize(QSize(1000, 640))
    await room._companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    room.model.flush()
    await until(room.table.isVisible)
    before = places()
    room.filter.setText("online -colour:red")
    await until(room.filter_problem.isVisible)
    await until(lambda: room.table.isVisible() and not room.filtering)
    assert places() == before
    assert not room.bar.chips.isVisible()
    assert "unknown key 'colour'" in room.filter_problem.text()
    await until(lambda: room.filter_problem.width() > 500)
    assert room.filter_problem.text() in room.filter_problem.toolTip() or not room.filter_problem.toolTip()
    room.filter.clear()
    await until(room.bar.chips.isVisible)
    assert places() == before


@pytest.mark.usefixtures("styled")
async def test_the_help_stays_within_a_small_window(window: MainWindow, room: EventsRoom) -> None:
    window.resize(QSize(1000, 640))
    window.show_first_steps(focus=False)  # they push the filter down
    window.banner.show_notice("A long notice pushes it down, too. " * 10)
    window.grab()
    card = room.bar.show_help()
    inside = window.geometry()
    assert inside.size() == QSize(1000, 640)
    assert inside.contains(card.geometry()), (inside, card.geometry())
    below = room.bar.help_button.mapToGlobal(QPoint(0, room.bar.help_button.height()))
    assert below.y() + card.height() > inside.bottom(), "below the button, there is no room for the card"
    card.close()


async def entries(room: EventsRoom) -> dict[str, Any]:
    menu = room.bar.saved.menu()
    menu.aboutToShow.emit()
    return {action.text(): action for action in menu.actions() if action.text()}


async def test_a_filter_is_saved_chosen_renamed_and_deleted(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    assert not (await entries(room))["No filter is saved yet"].isEnabled()
    assert not (await entries(room))["Save this filter …"].isEnabled()
    room.filter.setText("is:invalid dir:c2s")
    (await entries(room))["Save this filter …"].trigger()
    dialog = window.findChild(NameDialog)
    assert dialog
    dialog.name.setText("@wrong")
    assert not dialog.buttons.button(SAVE).isEnabled()
    assert dialog.problem.isVisible()
    dialog.name.setText("errors")
    qtbot.mouseClick(dialog.buttons.button(SAVE), LEFT)
    await until(lambda: companion.settings.saved_filters == {"errors": "is:invalid dir:c2s"})
    assert messages == ["Saved the filter as errors"]
    assert room.bar.saved.text() == "errors"

    room.filter.setText("")
    assert room.bar.saved.text() == "Saved"
    (await entries(room))["errors\tis:invalid dir:c2s"].trigger()
    assert room.filter.text() == "is:invalid dir:c2s"

    (await entries(room))["Rename errors …"].trigger()
    dialog = next(each for each in window.findChildren(NameDialog) if each.isVisible())
    assert dialog.name.text() == "errors"
    dialog.name.setText("my errors")
    qtbot.mouseClick(dialog.buttons.button(SAVE), LEFT)
    await until(lambda: companion.settings.saved_filters == {"my errors": "is:invalid dir:c2s"})

    (await entries(room))["Delete my errors"].trigger()
    await until(lambda: companion.settings.saved_filters == {})
    assert room.filter.text() == "is:invalid dir:c2s", "the filter stays, so that it can be saved again"


async def test_a_renamed_filter_stays_in_the_field_as_a_reference(
    room: EventsRoom, companion: Companion, window: MainWindow
) -> None:
    await companion.apply(replace(companion.settings, saved_filters={"old": "is:invalid"}))
    room.filter.setText("@old")
    room.bar.saved.rename()
    dialog = window.findChild(NameDialog)
    assert dialog
    dialog.name.setText("new name")
    dialog.buttons.accepted.emit()
    assert room.filter.text() == '@"new name"'
    await until(lambda: companion.settings.saved_filters == {"new name": "is:invalid"})
    assert room.bar.saved.text() == "new name"


async def test_an_invalid_filter_is_not_saved(room: EventsRoom, window: MainWindow) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    room.filter.setText("is:odd")
    room.bar.saved.save()
    assert messages[0].startswith("The filter is not valid: invalid is:odd")
    assert window.findChild(NameDialog) is None


async def test_saving_with_an_existing_name_shows_a_warning(
    room: EventsRoom, companion: Companion, window: MainWindow
) -> None:
    await companion.apply(replace(companion.settings, saved_filters={"errors": "is:invalid"}))
    room.filter.setText("is:warning")
    room.bar.saved.save()
    dialog = window.findChild(NameDialog)
    assert dialog
    dialog.name.setText("errors")
    assert dialog.problem.text() == "This replaces the saved filter errors: is:invalid"
    assert dialog.buttons.button(SAVE).isEnabled()
    dialog.close()


async def test_no_more_filters_than_the_settings_can_contain_are_saved(
    room: EventsRoom, companion: Companion, window: MainWindow
) -> None:
    full = {f"filter {number}": "is:ok" for number in range(saved_filters.MAX_FILTERS)}
    await companion.apply(replace(companion.settings, saved_filters=full))
    room.filter.setText("is:warning")
    room.bar.saved.save()
    dialog = window.findChild(NameDialog)
    assert dialog
    dialog.name.setText("one more")
    assert dialog.problem.text() == "There are 100 saved filters already. Delete one first."
    assert not dialog.buttons.button(SAVE).isEnabled()
    dialog.close()


async def test_a_filter_that_a_script_deletes_meanwhile_cannot_be_renamed(
    room: EventsRoom, companion: Companion, window: MainWindow
) -> None:
    await companion.apply(replace(companion.settings, saved_filters={"errors": "is:invalid"}))
    room.filter.setText("@errors")
    room.bar.saved.rename()
    dialog = window.findChild(NameDialog)
    assert dialog
    dialog.name.setText("my errors")
    await companion.apply(replace(companion.settings, saved_filters={}))
    dialog.buttons.accepted.emit()
    assert dialog.problem.text() == "There is no saved filter 'errors'."
    assert companion.settings.saved_filters == {}


async def test_a_filter_saved_by_a_script_is_applied_immediately(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await fire(companion, "typing", "friend_online")
    room.filter.setText("@online")
    await until(room.filter_problem.isVisible)
    assert "there is no saved filter 'online'" in room.filter_problem.text()
    await companion.apply(replace(companion.settings, saved_filters={"online": "event:friend_online"}))
    await until(lambda: events(room) == ["friend_online"])
    assert not room.filter_problem.isVisible()
    assert room.bar.saved.text() == "online"


@pytest.mark.usefixtures("styled")
async def test_nothing_is_cut_in_a_small_window(
    window: MainWindow, room: EventsRoom, connect_client: Connect
) -> None:
    await connect_client("bob")
    window.resize(1000, 640)
    room.filter.setText("dir:s2c is:invalid origin:rest event:new_message,typing client:1")
    bar = room.bar
    bar.show_count(12_345, 100_000)
    row = [bar.chips.all, *bar.chips.switches.values(), bar.chips.event_menu, bar.chips.client_menu]
    first = [bar.help_button, bar.saved, room.time_style, room.freeze, room.clear_button]
    for widget in (*row, *first):
        await until(lambda widget=widget: widget.width() >= widget.minimumSizeHint().width())
    await until(lambda: bar.count.width() >= bar.count.sizeHint().width())
    assert bar.mapTo(window, bar.rect().bottomRight()).x() <= window.width()
    await until(lambda: bar.chips.client_menu.text() == "1 · bob")


async def test_a_chip_shows_the_filter_of_the_field_if_its_change_is_too_long(room: EventsRoom, qtbot: Any) -> None:
    bar = room.bar
    text = "x" * 1_995
    bar.field.setText(text)
    errors = next(iter(bar.chips.switches.values()))
    qtbot.mouseClick(errors, LEFT)
    assert bar.field.text() == text
    assert not errors.isChecked()


def hides_text(button: QPushButton) -> bool:
    return button.width() < button.fontMetrics().horizontalAdvance(button.text())


@pytest.mark.usefixtures("styled")
async def test_in_a_narrow_window_buttons_hide_their_texts_and_the_filter_can_be_read(
    window: MainWindow, room: EventsRoom
) -> None:
    needed = room.filter.fontMetrics().horizontalAdvance("event:typing dir:s2c") + 60
    for width, short in ((880, True), (1400, False), (880, True)):
        window.resize(width, 560)
        for button in (room.freeze, room.clear_button):
            await until(lambda button=button, short=short: hides_text(button) is short)
        assert room.filter.width() >= needed
    assert room.freeze.text() == "Freeze log"


@pytest.mark.usefixtures("styled")
async def test_a_button_with_a_longer_text_leaves_room_for_the_filter(window: MainWindow, room: EventsRoom) -> None:
    """Regression: only another width of the window hid the texts of the buttons."""
    window.resize(1400, 560)
    QApplication.processEvents()
    window.resize(window.width() - (room.filter.width() - MIN_FIELD), 560)
    await until(lambda: room.filter.width() == MIN_FIELD)
    for short in (True, False):
        room.freeze.click()
        for button in (room.freeze, room.clear_button):
            await until(lambda button=button, short=short: hides_text(button) is short)
        assert room.filter.width() >= MIN_FIELD
