"""The form over the settings file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.companion import Companion
from app.system.control_token import Token
from app.system.paths import Folders
from app.system.settings import TAURI_ORIGINS, Settings, origin_problem
from app.ui.rooms.settings import SettingsRoom
from app.ui.widgets.event_panel import EventPanel
from app.ui.window import SETTINGS, MainWindow
from tests.conftest import until
from tests.ui.conftest import forget

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def room(tmp_path: Path, show: Callable[[QWidget], None]) -> SettingsRoom:
    room = SettingsRoom(Settings(), Folders.of(tmp_path))
    show(room)
    return room


@pytest.fixture
def saved(room: SettingsRoom) -> list[Settings]:
    saved: list[Settings] = []
    room.save_requested.connect(saved.append)
    return saved


OTHER = Settings(
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
)


def test_untouched_settings_cannot_be_saved(room: SettingsRoom) -> None:
    assert room.edited() == Settings()
    assert not room.save.isEnabled()
    assert not room.revert.isEnabled()
    assert room.problem.text() == ""


@pytest.mark.parametrize("settings", [Settings(), OTHER, Settings(port=0), Settings(port=65535, journal_rows=100)])
def test_showing_the_settings_does_not_change_them(settings: Settings, tmp_path: Path, qapp: Any) -> None:
    room = SettingsRoom(settings, Folders.of(tmp_path))
    assert room.edited() == settings
    assert not room.save.isEnabled()
    forget(room)


def test_every_setting_can_be_edited_and_saved(room: SettingsRoom, saved: list[Settings], qtbot: Any) -> None:
    room.username.selectAll()
    qtbot.keyClicks(room.username, " max ")
    room.port.selectAll()
    qtbot.keyClicks(room.port, "9001")
    room.rest_port.selectAll()
    qtbot.keyClicks(room.rest_port, "9000")
    room.control_port.selectAll()
    qtbot.keyClicks(room.control_port, "9002")
    qtbot.keyClicks(room.fixtures, " ~/ui/fixtures ")
    room.origins.setPlainText("\nhttp://localhost:3000 \n\n")
    room.journal_rows.setValue(5000)
    qtbot.keyClicks(room.theme, "D")
    qtbot.keyClicks(room.updates_url, " https://companion.example/latest ")
    for box in (
        room.rest, room.control, room.prime, room.decay, room.close_to_tray, room.confirm_quit, room.start_hidden,
        room.check_updates,
    ):  # fmt: skip
        qtbot.keyClick(box, Qt.Key.Key_Space)
    assert room.save.isEnabled()
    qtbot.mouseClick(room.save, LEFT)
    assert saved == [OTHER]


def test_revert_shows_the_saved_settings_again(room: SettingsRoom, saved: list[Settings], qtbot: Any) -> None:
    room.show_settings(OTHER)
    assert room.edited() == OTHER
    room.username.setText("somebody")
    room.origins.setPlainText("")
    assert room.revert.isEnabled()
    qtbot.mouseClick(room.revert, LEFT)
    assert room.edited() == OTHER
    assert not room.revert.isEnabled()
    assert saved == []


def test_no_origin_at_all_is_allowed(room: SettingsRoom, saved: list[Settings], qtbot: Any) -> None:
    room.origins.clear()
    qtbot.mouseClick(room.save, LEFT)
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
    getattr(room, field).setText(text)
    assert room.problem.text().startswith(problem)
    assert not room.save.isEnabled()
    assert room.revert.isEnabled()
    qtbot.mouseClick(room.save, LEFT)
    assert saved == []


@pytest.mark.parametrize(
    "origin",
    ["*", "localhost:1420", "http://", "://x", "http://localhost:1420/", "http://localhost/app", "http://*.x.org",
     "HTTP://localhost", "http://LocalHost:1420"],
)  # fmt: skip
def test_what_no_browser_sends_as_origin_is_refused(room: SettingsRoom, origin: str) -> None:
    room.origins.appendPlainText(origin)
    assert f"Allowed origins: {origin} " in room.problem.text()
    assert not room.save.isEnabled()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("port", 8080, "REST port: 8080 is already the port of the event server"),
        ("rest_port", 8081, "REST port: 8081 is already the port of the event server"),
        ("control_port", 8080, "Control port: 8080 is already the port of the REST stand-in"),
    ],
)
def test_equal_ports_name_the_field_and_cannot_be_saved(
    room: SettingsRoom, saved: list[Settings], qtbot: Any, field: str, value: int, problem: str
) -> None:
    getattr(room, field).setValue(value)
    assert room.problem.text() == problem
    qtbot.mouseClick(room.save, LEFT)
    assert saved == []
    room.rest.setChecked(False)
    assert room.problem.text() == "", "a server that is off needs no port"


def test_the_name_of_a_friend_cannot_be_taken(tmp_path: Path, qapp: Any) -> None:
    room = SettingsRoom(Settings(), Folders.of(tmp_path), friends=lambda: ["alice"])
    room.username.setText("alice")
    assert room.problem.text() == "Your user name: alice is a friend in this chat state"
    assert not room.save.isEnabled()
    forget(room)


@pytest.mark.parametrize("origin", [*TAURI_ORIGINS, "https://app.example", "http://[::1]:5173", "null-app://x"])
def test_what_browsers_send_as_origin_is_accepted(origin: str) -> None:
    assert origin_problem(origin) == ""


@pytest.mark.parametrize(
    ("on", "address", "problem"),
    [
        (False, "", ""),
        (False, "https://companion.example/latest", ""),
        (True, "https://companion.example/latest", ""),
        (True, "", "Update feed: enter an address: this build has no default"),
        (
            True,
            "companion.example",
            "Update feed: companion.example is not an address that begins with https://",
        ),
        (False, "ftp://x", "Update feed: ftp://x is not an address that begins with https://"),
    ],
)
def test_newer_versions_need_an_address_that_can_be_asked(
    room: SettingsRoom, on: bool, address: str, problem: str
) -> None:
    room.check_updates.setChecked(on)
    room.updates_url.setText(address)
    assert room.problem.text() == problem
    assert room.save.isEnabled() is ((on or address != "") and not problem)


class Switch:
    """Stands in for the system's own: what starts at login."""

    def __init__(self, on: bool = False, refuses: bool = False) -> None:
        self.on = on
        self.refuses = refuses

    def is_on(self) -> bool:
        return self.on

    def turn_on(self) -> None:
        self._turn(True)

    def turn_off(self) -> None:
        self._turn(False)

    def _turn(self, on: bool) -> None:
        if self.refuses:
            raise OSError(30, "Read-only file system")
        self.on = on


@pytest.mark.parametrize("on", [True, False])
def test_start_at_login_is_the_systems_switch_and_no_setting(
    on: bool, tmp_path: Path, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    switch = Switch(not on)
    room = SettingsRoom(Settings(), Folders.of(tmp_path), switch)
    show(room)
    told: list[str] = []
    saved: list[Settings] = []
    room.status_message.connect(told.append)
    room.save_requested.connect(saved.append)
    assert room.autostart.isChecked() is not on
    qtbot.keyClick(room.autostart, Qt.Key.Key_Space)
    assert switch.on is not on, "nothing happens before Save"
    assert room.revert.isEnabled()
    qtbot.mouseClick(room.save, LEFT)
    assert switch.on is on
    assert told == ["Start at login is on" if on else "Start at login is off"]
    assert saved == []
    assert not room.save.isEnabled()
    assert not room.revert.isEnabled()


def test_a_failed_autostart_change_is_reported_and_the_check_box_is_reset(
    tmp_path: Path, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    room = SettingsRoom(Settings(), Folders.of(tmp_path), Switch(refuses=True))
    show(room)
    told: list[str] = []
    room.status_message.connect(told.append)
    qtbot.keyClick(room.autostart, Qt.Key.Key_Space)
    qtbot.mouseClick(room.save, LEFT)
    assert told == ["Start at login could not be changed: Read-only file system"]
    assert not room.autostart.isChecked()
    assert not room.save.isEnabled()


def test_reverting_puts_the_switch_back_and_leaves_the_system_alone(
    tmp_path: Path, show: Callable[[QWidget], None], qtbot: Any
) -> None:
    switch = Switch()
    room = SettingsRoom(Settings(), Folders.of(tmp_path), switch)
    show(room)
    room.autostart.setChecked(True)
    room.username.setText("max")
    qtbot.mouseClick(room.revert, LEFT)
    assert not room.autostart.isChecked()
    assert not switch.on


def test_what_the_systems_own_tools_switched_is_shown_when_settings_are(tmp_path: Path, qapp: Any) -> None:
    switch = Switch()
    room = SettingsRoom(Settings(), Folders.of(tmp_path), switch)
    switch.on = True
    room.show_settings(Settings())
    assert room.autostart.isChecked()
    assert not room.save.isEnabled()
    forget(room)


def test_all_validation_errors_are_shown(room: SettingsRoom) -> None:
    room.username.clear()
    room.origins.setPlainText("one\ntwo")
    assert room.problem.text().count(";") == 2


def test_the_place_of_the_file_is_shown(room: SettingsRoom, tmp_path: Path) -> None:
    assert any(str(tmp_path / "settings.toml") in label.text() for label in room.findChildren(QLabel))


def test_the_token_is_copied_and_never_shown(room: SettingsRoom, qtbot: Any) -> None:
    told: list[str] = []
    room.status_message.connect(told.append)
    assert not room.copy_token.isEnabled()
    room.show_token(Token("a-very-secret-token", "keyring"))
    qtbot.mouseClick(room.copy_token, LEFT)
    assert QGuiApplication.clipboard().text() == "a-very-secret-token"
    assert told == ["Token copied. Anyone who has it can control this companion."]
    shown = [each.text() for each in (*room.findChildren(QLabel), *room.findChildren(QLineEdit))]
    assert not any("a-very-secret-token" in text for text in (*shown, *told))
    room.show_token(None)
    assert not room.copy_token.isEnabled()


def test_the_tooltip_marks_a_token_in_memory_as_valid_for_this_run_only(room: SettingsRoom) -> None:
    room.show_token(Token("a-very-secret-token", "memory"))
    assert "for this run only" in room.copy_token.toolTip()


def test_the_button_says_where_the_token_is_kept(room: SettingsRoom, tmp_path: Path) -> None:
    room.show_token(Token("a-very-secret-token", "file", tmp_path / "control-token"))
    assert str(tmp_path / "control-token") in room.copy_token.toolTip()


def test_pins_that_changed_meanwhile_are_saved_with_the_form(
    room: SettingsRoom, saved: list[Settings], qtbot: Any
) -> None:
    room.username.setText("max")
    room.follow_settings(Settings(pinned=["basics/typing"]))
    assert room.username.text() == "max"
    qtbot.mouseClick(room.save, LEFT)
    assert saved == [Settings(username="max", pinned=["basics/typing"])]


def test_other_settings_that_came_into_use_are_shown(room: SettingsRoom) -> None:
    room.username.setText("half typed")
    room.follow_settings(OTHER)
    assert room.edited() == OTHER


def test_the_port_is_shown_without_separators(room: SettingsRoom) -> None:
    assert [box.text() for box in (room.port, room.rest_port, room.control_port)] == ["8081", "8080", "8082"]


# in the window


async def test_unsaved_edits_survive_what_happens_meanwhile(window: MainWindow, companion: Companion) -> None:
    window.open_room(SETTINGS)
    window.settings.username.setText("half typed")
    companion.pause()
    companion.pause(False)
    await companion.stop()
    await companion.start()
    assert window.settings.username.text() == "half typed"


async def test_settings_in_use_are_shown_as_saved_and_change_the_forms(
    window: MainWindow, companion: Companion
) -> None:
    await companion.apply(replace(companion.settings, username="max", prime_browsers=False))
    assert window.settings.username.text() == "max"
    assert not window.settings.prime.isChecked()
    message = window.inject.event_panel("new_message")
    assert message
    assert (message.form().value()["from"], message.form().value()["to"]) == ("alice", "max")


async def test_a_message_that_is_being_written_survives_another_appearance(
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


async def test_another_folder_of_fixtures_is_looked_into_at_once(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "late.json").write_text('{"event": "typing", "data": {}}')
    await companion.apply(replace(companion.settings, fixtures=str(tmp_path / "other")))
    assert window.fixtures.list.model.index_of("late").isValid()
    assert window.settings.fixtures.text() == str(tmp_path / "other")
    await companion.apply(replace(companion.settings, fixtures=""))
    assert not window.fixtures.list.model.index_of("late").isValid()
