"""Settings: the form of all settings, and saving it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.companion import Companion
from app.hub.tasks import Tasks
from app.system.agent_token import AgentToken
from app.system.control_token import Token
from app.system.paths import Folders
from app.system.settings import TAURI_ORIGINS, Settings
from app.system.settings_checks import origin_problem
from app.ui.room_tasks import RoomTasks
from app.ui.rooms.settings import SettingsRoom
from app.ui.widgets.event_panel import EventPanel
from app.ui.widgets.token_buttons import TokenButtons
from app.ui.window import SETTINGS, MainWindow
from tests.conftest import until
from tests.ui.conftest import destroy_now

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def first_room() -> str:
    return SETTINGS


def new_room(tmp_path: Path, settings: Settings | None = None, switch: Any = None, **options: Any) -> SettingsRoom:
    tokens = TokenButtons(AgentToken, RoomTasks(Tasks(), print))
    return SettingsRoom(settings or Settings(), Folders.of(tmp_path), tokens, switch, **options)


@pytest.fixture
def room(tmp_path: Path, show: Callable[[QWidget], None]) -> SettingsRoom:
    room = new_room(tmp_path)
    show(room)
    return room


@pytest.fixture
def saved(room: SettingsRoom) -> list[Settings]:
    saved: list[Settings] = []
    room.save_requested.connect(saved.append)
    return saved


CHANGED = Settings(
    username="max",
    port=9001,
    allowed_origins=["http://localhost:3000"],
    rest=False,
    rest_port=9000,
    control=False,
    control_port=9002,
    fixtures="~/ui/fixtures",
    prime_browsers=False,
    presence_decays=False,
    journal_rows=5000,
    theme="dark",
    close_to_tray=False,
    confirm_quit=False,
    start_hidden=True,
    check_updates=True,
    updates_url="https://companion.example/latest",
    notify_messages=True,
    notify_refused=True,
    notify_disconnects=True,
    notify_expectations=True,
    repeat_shortcut="Ctrl+Alt+R",
    fire_bar_shortcut="F9",
)


def test_unchanged_settings_cannot_be_saved(room: SettingsRoom) -> None:
    assert room.fields.read(Settings()) == Settings()
    assert not room.bar.save.isEnabled()
    assert not room.bar.discard.isEnabled()
    assert room.bar.problem.text() == ""


@pytest.mark.parametrize(
    "settings", [Settings(), CHANGED, Settings(port=0), Settings(port=65535, journal_rows=100)]
)
def test_showing_the_settings_does_not_change_them(settings: Settings, tmp_path: Path, qapp: Any) -> None:
    room = new_room(tmp_path, settings)
    assert room.fields.read(Settings()) == settings
    assert not room.bar.save.isEnabled()
    destroy_now(room)


def test_every_setting_can_be_edited_and_saved(room: SettingsRoom, saved: list[Settings], qtbot: Any) -> None:
    room.fields.username.selectAll()
    qtbot.keyClicks(room.fields.username, " max ")
    room.fields.port.selectAll()
    qtbot.keyClicks(room.fields.port, "9001")
    room.fields.rest_port.selectAll()
    qtbot.keyClicks(room.fields.rest_port, "9000")
    room.fields.control_port.selectAll()
    qtbot.keyClicks(room.fields.control_port, "9002")
    qtbot.keyClicks(room.fields.fixtures, " ~/ui/fixtures ")
    room.fields.origins.setPlainText("\nhttp://localhost:3000 \n\n")
    room.fields.journal_rows.setValue(5000)
    qtbot.keyClicks(room.fields.theme, "D")
    qtbot.keyClicks(room.fields.updates_url, " https://companion.example/latest ")
    qtbot.keyClicks(room.fields.repeat_shortcut, " Ctrl+Alt+R ")
    qtbot.keyClicks(room.fields.fire_bar_shortcut, "F9")
    for name, check in room.fields.checks.items():
        if getattr(CHANGED, name) != getattr(Settings(), name):
            qtbot.keyClick(check, Qt.Key.Key_Space)
    assert room.bar.save.isEnabled()
    qtbot.keyClick(room.fields.origins, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert saved == [CHANGED]


def test_discard_restores_the_saved_settings(room: SettingsRoom, saved: list[Settings], qtbot: Any) -> None:
    room.show_settings(CHANGED)
    assert room.fields.read(Settings()) == CHANGED
    room.fields.username.setText("changed")
    room.fields.origins.setPlainText("")
    assert room.bar.discard.isEnabled()
    qtbot.mouseClick(room.bar.discard, LEFT)
    assert room.fields.read(Settings()) == CHANGED
    assert not room.bar.discard.isEnabled()
    assert saved == []


def test_ctrl_s_keeps_the_focus_and_the_save_button_gives_it_up(
    room: SettingsRoom, saved: list[Settings], qtbot: Any
) -> None:
    room.fields.fixtures.setFocus()
    room.fields.fixtures.setText(CHANGED.fixtures)
    qtbot.keyClick(room.fields.fixtures, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert len(saved) == 1
    assert room.fields.fixtures.hasFocus()
    room.bar.save.setFocus()
    qtbot.keyClick(room.bar.save, Qt.Key.Key_Space)
    assert len(saved) == 2
    assert room.fields.username.hasFocus()


def test_the_list_of_allowed_origins_can_be_empty(room: SettingsRoom, saved: list[Settings], qtbot: Any) -> None:
    room.fields.origins.clear()
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved[0].allowed_origins == []


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("username", "", "Your user name: "),
        ("username", "   ", "Your user name: "),
    ],
)
def test_an_invalid_value_is_reported_and_not_saved(
    room: SettingsRoom, saved: list[Settings], qtbot: Any, field: str, text: str, problem: str
) -> None:
    getattr(room.fields, field).setText(text)
    assert room.bar.problem.text().startswith(problem)
    assert not room.bar.save.isEnabled()
    assert room.bar.discard.isEnabled()
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved == []


INVALID_ORIGINS = (
    "*", "localhost:1420", "http://", "://x", "http://localhost:1420/", "http://localhost/app", "http://*.x.org",
    "HTTP://localhost", "http://LocalHost:1420",
)  # fmt: skip


def test_an_invalid_origin_is_rejected(room: SettingsRoom, subtests: pytest.Subtests) -> None:
    valid = room.fields.origins.toPlainText()
    for origin in INVALID_ORIGINS:
        with subtests.test(origin=origin):
            room.fields.origins.appendPlainText(origin)
            assert f"Allowed origins: {origin} " in room.bar.problem.text()
            assert not room.bar.save.isEnabled()
            room.fields.origins.setPlainText(valid)
            assert room.bar.problem.text() == ""


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("port", 8080, "REST port: 8080 is already the port of the event server"),
        ("rest_port", 8081, "REST port: 8081 is already the port of the event server"),
        ("control_port", 8080, "Control port: 8080 is already the port of the REST stand-in"),
    ],
)
def test_equal_ports_are_reported_and_cannot_be_saved(
    room: SettingsRoom, saved: list[Settings], qtbot: Any, field: str, value: int, problem: str
) -> None:
    getattr(room.fields, field).setValue(value)
    assert room.bar.problem.text() == problem
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved == []
    room.fields.checks["rest"].setChecked(False)
    assert room.bar.problem.text() == "", "the port of a disabled server is not checked"


def test_the_name_of_a_friend_is_rejected(tmp_path: Path, qapp: Any) -> None:
    room = new_room(tmp_path, friends=lambda: ["alice"])
    room.fields.username.setText("alice")
    assert room.bar.problem.text() == "Your user name: alice is a friend in this chat state. Choose another name"
    assert not room.bar.save.isEnabled()
    destroy_now(room)


@pytest.mark.parametrize("origin", [*TAURI_ORIGINS, "https://app.example", "http://[::1]:5173", "null-app://x"])
def test_a_valid_origin_is_accepted(origin: str) -> None:
    assert origin_problem(origin) == ""


def test_checking_for_updates_requires_a_valid_address(room: SettingsRoom, subtests: pytest.Subtests) -> None:
    for on, address, problem in (
        (False, "", ""),
        (False, "https://companion.example/latest", ""),
        (True, "https://companion.example/latest", ""),
        (True, "", "Update feed: enter an address: this build has no default"),
        (
            True,
            "companion.example",
            "Update feed: invalid URL 'companion.example'. Use a URL that begins with https://",
        ),
        (False, "ftp://x", "Update feed: invalid URL 'ftp://x'. Use a URL that begins with https://"),
    ):
        with subtests.test(address=address):
            room.fields.checks["check_updates"].setChecked(on)
            room.fields.updates_url.setText(address)
            assert room.bar.problem.text() == problem
            assert room.bar.save.isEnabled() is ((on or address != "") and not problem)


class FakeLoginItem:
    """A replacement for the login item of the system."""

    def __init__(self, on: bool = False, fails: bool = False) -> None:
        self.on = on
        self.fails = fails

    def is_on(self) -> bool:
        return self.on

    def turn_on(self) -> None:
        self._turn(True)

    def turn_off(self) -> None:
        self._turn(False)

    def _turn(self, on: bool) -> None:
        if self.fails:
            raise OSError(30, "Read-only file system")
        self.on = on


@pytest.mark.parametrize("on", [True, False])
def test_start_at_login_changes_the_login_item_and_no_setting(
    on: bool, tmp_path: Path, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    switch = FakeLoginItem(not on)
    room = new_room(tmp_path, switch=switch)
    show(room)
    messages: list[str] = []
    saved: list[Settings] = []
    room.status_message.connect(messages.append)
    room.save_requested.connect(saved.append)
    assert room.fields.autostart.isChecked() is not on
    qtbot.keyClick(room.fields.autostart, Qt.Key.Key_Space)
    assert switch.on is not on, "nothing changes before Save"
    assert room.bar.discard.isEnabled()
    qtbot.mouseClick(room.bar.save, LEFT)
    assert switch.on is on
    assert messages == ["Start at login is on" if on else "Start at login is off"]
    assert saved == []
    assert not room.bar.save.isEnabled()
    assert not room.bar.discard.isEnabled()


def test_a_failed_autostart_change_is_reported_and_the_check_box_is_reset(
    tmp_path: Path, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    room = new_room(tmp_path, switch=FakeLoginItem(fails=True))
    show(room)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.fields.autostart, Qt.Key.Key_Space)
    qtbot.mouseClick(room.bar.save, LEFT)
    assert messages == ["Start at login could not be changed: Read-only file system"]
    assert not room.fields.autostart.isChecked()
    assert not room.bar.save.isEnabled()


def test_discard_resets_the_check_box_without_changing_the_login_item(
    tmp_path: Path, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    switch = FakeLoginItem()
    room = new_room(tmp_path, switch=switch)
    show(room)
    room.fields.autostart.setChecked(True)
    room.fields.username.setText("max")
    qtbot.mouseClick(room.bar.discard, LEFT)
    assert not room.fields.autostart.isChecked()
    assert not switch.on


def test_a_login_item_changed_elsewhere_is_shown(tmp_path: Path, qapp: Any) -> None:
    switch = FakeLoginItem()
    room = new_room(tmp_path, switch=switch)
    switch.on = True
    room.show_settings(Settings())
    assert room.fields.autostart.isChecked()
    assert not room.bar.save.isEnabled()
    destroy_now(room)


def test_all_validation_errors_are_shown(room: SettingsRoom) -> None:
    room.fields.username.clear()
    room.fields.origins.setPlainText("one\ntwo")
    assert room.bar.problem.text().count(";") == 2


def test_the_path_of_the_settings_file_is_shown(room: SettingsRoom, tmp_path: Path) -> None:
    assert any(str(tmp_path / "settings.toml") in label.text() for label in room.findChildren(QLabel))


def test_the_token_is_copied_and_never_shown(room: SettingsRoom, qtbot: Any) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    assert not room.tokens.copy_main.isEnabled()
    room.show_token(Token("a-very-secret-token", "keyring"))
    qtbot.mouseClick(room.tokens.copy_main, LEFT)
    assert QGuiApplication.clipboard().text() == "a-very-secret-token"
    assert messages == ["Token copied. Anyone who has it can control this companion."]
    labels, lines = room.findChildren(QLabel), room.findChildren(QLineEdit)
    shown = [*(each.text() for each in labels), *(each.text() for each in lines)]
    assert not any("a-very-secret-token" in text for text in (*shown, *messages))
    room.show_token(None)
    assert not room.tokens.copy_main.isEnabled()


def test_the_tooltip_marks_a_token_in_memory_as_valid_for_this_run_only(room: SettingsRoom) -> None:
    room.show_token(Token("a-very-secret-token", "memory"))
    assert "for this run only" in room.tokens.copy_main.toolTip()


def test_the_tooltip_shows_where_the_token_is_stored(room: SettingsRoom, tmp_path: Path) -> None:
    room.show_token(Token("a-very-secret-token", "file", tmp_path / "control-token"))
    assert str(tmp_path / "control-token") in room.tokens.copy_main.toolTip()


def test_saving_keeps_what_was_changed_in_other_rooms(
    room: SettingsRoom, saved: list[Settings], qtbot: Any
) -> None:
    room.fields.username.setText("max")
    elsewhere: dict[str, Any] = {
        "pinned": ["basics/typing"],
        "saved_filters": {"errors": "is:invalid"},
        "lint_off": ["clock-skew"],
    }
    room.follow_settings(Settings(**elsewhere))
    assert room.fields.username.text() == "max"
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved == [Settings(username="max", **elsewhere)]


def test_edits_are_kept_when_another_setting_changes_elsewhere(
    room: SettingsRoom, saved: list[Settings], qtbot: Any
) -> None:
    room.fields.username.setText("max")
    room.fields.journal_rows.setValue(777)
    origins = ["https://example.org"]
    room.follow_settings(Settings(allowed_origins=origins, journal_rows=555, max_clients=7))
    assert room.fields.username.text() == "max"
    assert room.fields.journal_rows.value() == 777, "it was edited"
    assert room.fields.max_clients.value() == 7
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved == [Settings(username="max", allowed_origins=origins, journal_rows=777, max_clients=7)]
    room.follow_settings(saved[0])
    assert not room.bar.discard.isEnabled()
    room.follow_settings(Settings(journal_rows=888))
    assert room.fields.journal_rows.value() == 888, "it was saved"


def test_origins_that_are_being_written_are_kept_when_others_are_allowed_elsewhere(
    room: SettingsRoom, saved: list[Settings], qtbot: Any
) -> None:
    gone, *stay = Settings().allowed_origins
    editor = room.fields.origins
    editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "http://typed.example")
    room.follow_settings(Settings(allowed_origins=[*stay, "http://allowed.example"]))
    qtbot.keyClicks(editor, ":8")
    assert editor.toPlainText().splitlines() == [*stay, "http://typed.example:8", "http://allowed.example"]
    room.follow_settings(Settings(allowed_origins=[*stay]))
    assert editor.toPlainText().splitlines() == [*stay, "http://typed.example:8"]
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved == [Settings(allowed_origins=[*stay, "http://typed.example:8"])]
    editor.clear()
    room.follow_settings(Settings(allowed_origins=[*stay, "http://allowed.example"]))
    assert editor.toPlainText() == "http://allowed.example\n"
    qtbot.keyClicks(editor, "http://two.example")
    assert editor.toPlainText().splitlines() == ["http://allowed.example", "http://two.example"]
    qtbot.mouseClick(room.bar.discard, LEFT)
    assert editor.toPlainText().splitlines() == [*stay, "http://allowed.example"]
    assert gone not in room.fields.read(Settings()).allowed_origins


def test_an_empty_line_for_an_origin_is_kept_when_others_are_allowed_elsewhere(
    room: SettingsRoom, saved: list[Settings], qtbot: Any
) -> None:
    origins = Settings().allowed_origins
    editor = room.fields.origins
    editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    room.follow_settings(Settings(allowed_origins=[*origins, "http://allowed.example"]))
    qtbot.keyClicks(editor, "http://typed.example")
    assert editor.toPlainText().splitlines() == [*origins, "http://allowed.example", "http://typed.example"]
    qtbot.mouseClick(room.bar.discard, LEFT)
    editor.moveCursor(QTextCursor.MoveOperation.Down)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClick(editor, Qt.Key.Key_Up)
    room.follow_settings(Settings(allowed_origins=origins))
    qtbot.keyClicks(editor, "http://typed.example")
    assert editor.toPlainText().splitlines() == [origins[0], "http://typed.example", *origins[1:]]
    qtbot.keyClick(room, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    room.follow_settings(saved[-1])
    qtbot.keyClicks(editor, ":8")
    assert editor.toPlainText().splitlines()[1] == "http://typed.example:8", "saving moves no cursor"


def test_origins_in_another_order_are_shown(room: SettingsRoom) -> None:
    origins = Settings().allowed_origins[::-1]
    room.follow_settings(Settings(allowed_origins=origins))
    assert room.fields.origins.toPlainText().splitlines() == origins
    assert not room.bar.discard.isEnabled()


def test_the_origin_that_was_removed_elsewhere_is_removed_below_a_text_with_a_line_separator(
    room: SettingsRoom,
) -> None:
    first, second, *others = Settings().allowed_origins
    room.fields.origins.setPlainText("\n".join(["typed", first, second, *others]))
    cursor = QTextCursor(room.fields.origins.document())
    cursor.insertText("\u2028")
    room.follow_settings(Settings(allowed_origins=[first, *others]))
    assert room.fields.origins.toPlainText().split("\n")[-len(others) - 1 :] == [first, *others]


def test_settings_changed_elsewhere_are_shown(room: SettingsRoom) -> None:
    room.follow_settings(CHANGED)
    assert room.fields.read(Settings()) == CHANGED


def test_the_port_is_shown_without_separators(room: SettingsRoom) -> None:
    assert [box.text() for box in (room.fields.port, room.fields.rest_port, room.fields.control_port)] == [
        "8081",
        "8080",
        "8082",
    ]


# in the window


def test_saving_keeps_values_that_the_form_would_change(tmp_path: Path, qtbot: Any) -> None:
    settings = Settings(
        username="😀" * 40, envelope_event_key=" e", envelope_data_key="😀" * 40, fixtures="/x ",
        repeat_shortcut=f"Ctrl{' ' * 60}+R", allowed_origins=["http://localhost:1", "http://localhost:1"],
    )  # fmt: skip
    room = new_room(tmp_path, settings)
    qtbot.addWidget(room)
    assert not room.bar.discard.isEnabled(), "nothing was edited"
    assert room.fields.username.text() == settings.username
    saved: list[Settings] = []
    room.save_requested.connect(saved.append)
    room.fields.checks["rest"].toggle()
    qtbot.mouseClick(room.bar.save, LEFT)
    assert saved == [replace(settings, rest=not settings.rest)]


async def test_unsaved_changes_are_kept_when_the_server_changes(window: MainWindow, companion: Companion) -> None:
    window.open_room(SETTINGS)
    window.settings.fields.username.setText("half typed")
    companion.pause()
    companion.pause(False)
    await companion.stop()
    await companion.start()
    assert window.settings.fields.username.text() == "half typed"


async def test_applied_settings_are_shown_and_change_the_event_forms(
    window: MainWindow, companion: Companion
) -> None:
    await companion.apply(replace(companion.settings, username="max", prime_browsers=False))
    assert window.settings.fields.username.text() == "max"
    assert not window.settings.fields.checks["prime_browsers"].isChecked()
    message = window.inject.event_panel("new_message")
    assert message
    assert (message.form().value()["from"], message.form().value()["to"]) == ("alice", "max")


@pytest.mark.usefixtures("styled")
async def test_changing_the_theme_does_not_change_a_message_being_edited(
    window: MainWindow, companion: Companion
) -> None:
    message = window.inject.event_panel("new_message")
    assert message
    message.form().field("text").set_value("half written")
    await companion.apply(replace(companion.settings, theme="dark"))
    message = window.inject.event_panel("new_message")
    assert isinstance(message, EventPanel)
    assert message.form().value()["text"] == "half written"


async def test_a_new_user_name_is_assigned_to_the_next_client(
    window: MainWindow, companion: Companion, connect_client: Any
) -> None:
    await companion.apply(replace(companion.settings, username="max"))
    await connect_client()
    await until(lambda: companion.hub.clients)
    assert companion.hub.clients[0].username == "max"


async def test_a_changed_fixtures_folder_is_read_immediately(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "late.json").write_text('{"event": "typing", "data": {}}')
    await companion.apply(replace(companion.settings, fixtures=str(tmp_path / "other")))
    assert window.fixtures.list.model.index_of("late").isValid()
    assert window.settings.fields.fixtures.text() == str(tmp_path / "other")
    await companion.apply(replace(companion.settings, fixtures=""))
    assert not window.fixtures.list.model.index_of("late").isValid()


# sections, search, errors and unsaved changes


def test_every_setting_except_those_of_other_rooms_has_a_row(room: SettingsRoom) -> None:
    names = [name for row in room.form.rows for name in row.names]
    assert sorted(names) == sorted(set(Settings.__struct_fields__) - {"pinned", "saved_filters", "lint_off"})


def test_the_search_shows_only_matching_rows_and_sections(room: SettingsRoom, qtbot: Any) -> None:
    room.focus_search()
    qtbot.keyClicks(room.search, "origins")
    shown = [row.names for row in room.form.rows if row.isVisible()]
    assert shown == [("allowed_origins",)]
    assert [section.title for section in room.form.sections if section.isVisible()] == ["Who may connect"]
    room.search.setText("updates")
    assert [row.names for row in room.form.rows if row.isVisible()] == [("check_updates",), ("updates_url",)]
    room.search.setText("nonsense")
    assert room.form.nothing.text() == "No setting contains “nonsense”"
    room.search.clear()
    assert all(row.isVisible() for row in room.form.rows)


def shown_errors(room: SettingsRoom) -> dict[str, str]:
    errors = {row.names[0]: row.error for row in room.form.rows if row.names}
    return {name: error.text() for name, error in errors.items() if error and error.isVisible()}


def test_a_row_shows_the_error_of_its_value(room: SettingsRoom) -> None:
    room.fields.port.setValue(8080)
    room.fields.username.setText("bad\nname")
    errors = shown_errors(room)
    assert errors.keys() == {"rest_port", "username"}
    assert "8080 is already the port of the event server" in errors["rest_port"]
    assert not room.bar.save.isEnabled()
    room.fields.port.setValue(8081)
    room.fields.username.setText("me")
    assert shown_errors(room) == {}


def test_the_bar_and_the_badge_show_unsaved_changes(room: SettingsRoom) -> None:
    badges: list[Any] = []
    room.badge_changed.connect(badges.append)
    assert not room.bar.isVisible()
    room.fields.journal_rows.setValue(5000)
    assert room.bar.isVisible()
    assert room.bar.consequences.text() == "Unsaved changes · Rows in the log: takes effect at the next start"
    assert badges[-1].meaning == "unsaved changes"
    room.fields.journal_rows.setValue(Settings().journal_rows)
    assert not room.bar.isVisible()
    assert badges[-1] is None


def test_the_bar_shows_that_clients_will_be_disconnected(tmp_path: Path, show: Callable[[QWidget], None]) -> None:
    room = new_room(tmp_path, clients=lambda: 2)
    show(room)
    room.fields.port.setValue(9001)
    assert room.bar.consequences.text() == "Unsaved changes · 2 clients will be disconnected"
    room.fields.port.setValue(8081)
    room.fields.username.setText("max")
    assert room.bar.consequences.text() == "Unsaved changes"


def test_the_bar_warns_before_peers_no_longer_know_the_user(
    tmp_path: Path, show: Callable[[QWidget], None]
) -> None:
    room = new_room(tmp_path, peers=lambda: {"ben", "cleo"})
    show(room)
    room.fields.username.setText("max")
    assert room.bar.consequences.text() == (
        "Unsaved changes · Your peers (ben, cleo) know you as me: messages between you are refused until they add "
        "you as max"
    )


def test_show_setting_clears_the_search_and_focuses_the_setting(room: SettingsRoom) -> None:
    room.search.setText("theme")
    room.show_setting("updates_url")
    assert room.search.text() == ""
    assert room.fields.updates_url.hasFocus()
    assert room.fields.updates_url.visibleRegion().boundingRect().height() > 0


async def test_the_agent_token_is_copied_and_can_be_revoked(window: MainWindow, companion: Companion) -> None:
    tokens = window.settings.tokens
    messages: list[str] = []
    tokens.status_message.connect(messages.append)
    tokens.show_token(Token("x" * 32, "memory"))
    tokens.revoke.click()
    await until(lambda: messages == ["There is no agent token"])
    tokens.copy_agent.click()
    await until(lambda: len(messages) == 2)
    assert QGuiApplication.clipboard().text() == companion.agent_token.value != ""
    tokens.revoke.click()
    await until(lambda: messages[2:] == ["The agent token is no longer valid"])
    assert companion.agent_token.value == ""
    await companion.agent_token.create()
    tokens.revoke.click()  # one that a script has created
    await until(lambda: not companion.agent_token.value)


# system-wide shortcuts


def test_an_invalid_shortcut_cannot_be_saved(room: SettingsRoom) -> None:
    def errors() -> dict[str, str]:
        return shown_errors(room)

    room.fields.repeat_shortcut.setText("Ctrl+Banana")
    assert errors().keys() == {"repeat_shortcut"}
    assert "'banana' is not a key" in errors()["repeat_shortcut"]
    assert not room.bar.save.isEnabled()
    room.fields.repeat_shortcut.setText("ctrl+alt+r")
    assert errors() == {}
    assert room.bar.save.isEnabled()
    room.fields.fire_bar_shortcut.setText("Ctrl+Alt+R")
    assert errors() == {"fire_bar_shortcut": "✗ Ctrl+Alt+R already repeats the last event"}


def test_without_system_wide_shortcuts_the_form_shows_the_command(room: SettingsRoom) -> None:
    hints = [each.text() for each in room.findChildren(QLabel)]
    for command in ("companion trigger --last", "companion open --fire-bar"):
        assert any(each.endswith(f"to the command: {command}") for each in hints)


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("width", [700, 1000, 1400])
async def test_no_text_is_cut(room: SettingsRoom, width: int) -> None:
    room.resize(width, 640)

    def cut_texts() -> list[str]:
        labels = [each for each in room.form.findChildren(QLabel) if each.isVisible()]
        return [each.text() for each in labels if each.height() < each.heightForWidth(each.width())]

    await until(lambda: not cut_texts())


def test_check_boxes_and_fields_are_aligned(room: SettingsRoom) -> None:
    left = {row.control.mapTo(room, row.control.rect().topLeft()).x() for row in room.form.rows}
    assert len(left) == 1


def test_the_search_finds_the_choices_of_a_setting(room: SettingsRoom) -> None:
    room.search.setText("dark")
    assert [row.names for row in room.form.rows if row.isVisible()] == [("theme",)]
