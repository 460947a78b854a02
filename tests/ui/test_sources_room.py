"""The Sources room: sources with their state, peers with their fingerprints, changed keys, and the user's keys."""

import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QPushButton

from app.companion import Companion
from app.hub.switchable import ConnectionResult
from app.protocol.backend import RestCaller
from app.protocol.errors import StorageError
from app.ui.models.log_text import summary
from app.ui.models.peers import CHANGED, NOT_COMPARED, VERIFIED, Col
from app.ui.palette_commands import commands
from app.ui.room_registry import CHATS, SOURCES
from app.ui.rooms.sources import KEY_TAB, PEER_TAB, SourcesRoom
from app.ui.source_commands import own_keys
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.fingerprint import difference, groups_of, in_lines
from app.ui.widgets.peer_dialog import NO_JSON
from app.ui.widgets.personas_dialog import PersonasDialog
from app.ui.widgets.source_card import STALE
from app.ui.widgets.source_options import NO_NAME
from app.ui.widgets.source_page import PEERS
from app.ui.widgets.verify_dialog import MATCH, NEW_MATCH, OLD_ONLY, VerifyDialog
from app.ui.window import MainWindow
from tests.conftest import MakeCompanion, until
from tests.postgrest_stand_in.server import PUBLISHABLE, StandIn
from tests.ui.conftest import Windows
from tests.ui.frames import wait_until_idle


@pytest.fixture
async def companion(make_companion: MakeCompanion) -> Companion:
    companion = await make_companion(username="anna", peers=True, peer_port=0, presence_decays=False)
    assert await companion.start(), companion.services["events"].error
    assert await companion.start_service("peers"), companion.services["peers"].error
    return companion


@pytest.fixture
async def ben(make_companion: MakeCompanion) -> Companion:
    """Return the companion of a friend."""
    ben = await make_companion(username="ben", peers=True, peer_port=0, presence_decays=False)
    assert await ben.start_service("peers"), ben.services["peers"].error
    return ben


@pytest.fixture
def first_room() -> str:
    return SOURCES


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> SourcesRoom:
    await wait_until_idle(companion)
    return window.sources


async def test_the_tab_key_reaches_the_button_above_the_cards(room: SourcesRoom) -> None:
    """Regression: it entered the page at the switch of the first card."""
    room.page.intro.show()
    room.tabs.setFocus()
    QTest.keyClick(room.tabs, Qt.Key.Key_Tab)
    assert room.page.begin.hasFocus()
    QTest.keyClick(room.page.begin, Qt.Key.Key_Tab)
    assert room.page.cards[PEERS].switch.hasFocus()
    room.tabs.setFocus()
    room.setFocus()
    assert room.page.cards[PEERS].switch.hasFocus()


async def keys_json(companion: Companion) -> str:
    """Return what the window of a friend copies, and ``companion peers key`` prints."""
    return own_keys(companion, await companion.identity.load()).json


async def introduce(companion: Companion, ben: Companion) -> None:
    """Let two companions know each other, with the addresses of their listeners."""
    for one, other in ((companion, ben), (ben, companion)):
        keys = (await other.identity.load()).public
        await one.peers.add(other.local_user, keys, f"127.0.0.1:{other.peer_server.port}")


def line(room: SourcesRoom, number: int = 0) -> list[str]:
    """Return the texts of a line of the table of peers."""
    model = room.peers.model
    return [model.index(number, column, QModelIndex()).data() for column in Col]


def answer(window: MainWindow, verb: str) -> str:
    """Press a button of the message box that is open, and return its texts."""
    box = next(each for each in window.findChildren(QMessageBox) if each.isVisible())
    text = f"{box.text()} {box.informativeText()}"
    next(each for each in box.buttons() if each.text().replace("&", "") == verb).click()
    return text


# sources


async def test_the_room_introduces_the_sources_while_all_are_off(
    make_companion: MakeCompanion, windows: Windows
) -> None:
    companion = await make_companion(peer_port=0)
    window: MainWindow = windows(companion)
    window.present()
    window.open_room(SOURCES)
    room = window.sources
    await wait_until_idle(companion)
    assert room.page.intro.isVisible()
    assert [card.state.text() for card in room.page.cards.values()] == ["○ Off", "○ Off"]
    assert room.page.peer_options.name_note.text() == NO_NAME
    assert room.page.peer_options.name_note.isVisible()
    room.page.begin.click()
    await until(lambda: room.page.cards["peers"].state.text() == "● OK")
    assert not room.page.intro.isVisible()
    assert room.page.cards["peers"].switch.isChecked()
    assert companion.settings.peers
    room.page.cards["peers"].switch.click()
    await until(lambda: room.page.cards["peers"].state.text() == "○ Off")
    assert not companion.settings.peers


async def test_the_state_of_the_peer_link_and_its_test(room: SourcesRoom, companion: Companion) -> None:
    card = room.page.cards["peers"]
    assert card.state.text() == "● OK"
    assert card.text.text() == f"Listening at {companion.peer_server.url}."
    assert card.facts.text() == "Connections 0"
    assert not room.page.peer_options.name_note.isVisible()
    card.test.click()
    assert card.result.text() == "Testing …"
    await until(lambda: "for this machine only" in card.result.text())
    assert card.result.property("tone") == "ok"
    assert card.test.isEnabled()


async def test_other_machines_may_connect_after_one_click(room: SourcesRoom, companion: Companion) -> None:
    room.page.peer_options.lan.click()
    await until(lambda: companion.settings.peer_lan)
    await wait_until_idle(companion)
    card = room.page.cards["peers"]
    card.test.click()
    await until(lambda: "for other machines in your network" in card.result.text())


async def test_an_old_result_of_a_test_is_marked_after_a_change(room: SourcesRoom, companion: Companion) -> None:
    card = room.page.cards["peers"]
    card.test.click()
    await until(lambda: "for this machine only" in card.result.text())
    card.switch.click()
    await until(lambda: card.result.text().endswith(STALE))
    assert card.result.property("tone") == "muted"
    await wait_until_idle(companion)


async def test_a_failed_source_is_a_badge(room: SourcesRoom, companion: Companion, window: MainWindow) -> None:
    assert window.navigation.badge(SOURCES) is None
    room.page.cards["supabase"].switch.click()
    await until(lambda: room.page.cards["supabase"].state.text() == "✕ Failed")
    assert "address of the project is missing" in room.page.cards["supabase"].text.text()
    badge = window.navigation.badge(SOURCES)
    assert badge
    assert "address of the project is missing" in badge.meaning
    room.page.cards["supabase"].switch.click()
    await until(lambda: window.navigation.badge(SOURCES) is None)
    await wait_until_idle(companion)


async def test_the_palette_opens_the_room_for_a_peer(
    window: MainWindow, companion: Companion, ben: Companion
) -> None:
    await introduce(companion, ben)
    await until(lambda: window.source_watch.peers)
    found = {each.title: each.act for each in commands(window)}
    assert not [title for title in found if "ben online" in title or "accept" in title]
    found["Peers: verify ben …"]()
    assert window.rooms.current == SOURCES
    (dialog,) = window.findChildren(VerifyDialog)
    await until(lambda: dialog.match.isEnabled())
    dialog.match.click()
    await until(lambda: window.sources.peers.model.peers and line(window.sources)[Col.KEYS] == VERIFIED)


async def test_settings_are_opened_at_the_source(room: SourcesRoom, window: MainWindow) -> None:
    room.page.cards["supabase"].settings.click()
    assert window.rooms.current == "settings"


async def test_address_and_key_of_a_project(room: SourcesRoom, companion: Companion, window: MainWindow) -> None:
    options = room.page.supabase_options
    assert not options.save.isEnabled()
    options.url.setText("http://example.com")
    assert options.url_note.text().startswith("The address must begin with https://")
    assert not options.save.isEnabled()
    options.url.setText("https://example.supabase.co")
    options.save.click()
    await until(lambda: companion.settings.supabase_url == "https://example.supabase.co")
    assert not options.remove.isEnabled()
    options.url.setText("https://half-typed")
    await companion.apply(replace(companion.settings, supabase_url="https://elsewhere.supabase.co"))
    assert options.url.text() == "https://half-typed"
    options.key.setText("sb_secret_123")
    assert "all rights" in options.key_note.text()
    assert not options.store.isEnabled()
    options.key.setText(PUBLISHABLE)
    options.store.click()
    await until(lambda: options.remove.isEnabled())
    assert options.key.text() == ""
    assert options.key_note.text() == "A key is stored in memory, for this run only. It is not shown again."
    assert options.store.text() == "Replace"
    options.remove.click()
    answer(window, "Remove")
    await until(lambda: not options.remove.isEnabled())
    assert await companion.supabase.key_place() == ""


async def test_a_persona_with_the_name_of_a_registered_user_is_asked_about(
    room: SourcesRoom, companion: Companion, window: MainWindow
) -> None:
    async with StandIn() as project:
        keys = {"public_key": "A" * 43 + "=", "signing_key": "B" * 43 + "="}
        await project.add("users", {"username": "alice", "node_id": "f" * 32, "last_ip": "192.0.2.1", **keys})
        await companion.supabase.set_key(PUBLISHABLE)
        options = room.page.supabase_options
        options.url.setText(project.url)
        options.save.click()
        await until(lambda: companion.settings.supabase_url == project.url)
        card = room.page.cards["supabase"]
        card.switch.click()
        await until(lambda: card.state.text() == "● OK")
        await until(lambda: window.findChildren(PersonasDialog))
        (dialog,) = window.findChildren(PersonasDialog)
        assert list(dialog.rows) == ["alice"]
        assert card.resolve.isVisible()
        dialog.rows["alice"][0].click()
        (asked,) = [each for each in dialog.findChildren(QInputDialog) if each.isVisible()]
        asked.setTextValue("alice-played")
        asked.accept()
        await until(lambda: "alice-played" in companion.personas)
        await until(lambda: companion.supabase.source.is_connected and not card.resolve.isVisible())
        options.peek.click()
        await until(lambda: companion.settings.supabase_peek_only)
        card.switch.click()
        await until(lambda: not companion.settings.supabase)
        await wait_until_idle(companion)


@pytest.mark.usefixtures("styled")
async def test_a_long_name_of_a_persona_cuts_no_button(room: SourcesRoom) -> None:
    dialog = room.ask_for_names(["alice", "W" * 64, *"bcdef"], lambda: None)
    await until(dialog.isVisible)
    await until(lambda: dialog.height() >= dialog.heightForWidth(dialog.width()) > 0)
    assert dialog.width() == dialog.minimumWidth()
    for button in (*dialog.rows["W" * 64], dialog.later):
        assert button.height() >= button.sizeHint().height()
    assert "W" * 64 in [label.toolTip() for label in dialog.findChildren(ElidedLabel)]
    dialog.reject()


async def test_a_persona_that_was_removed_meanwhile_needs_no_new_name(
    room: SourcesRoom, companion: Companion
) -> None:
    resolved: list[bool] = []
    dialog = room.ask_for_names(["alice", "bob"], lambda: resolved.append(True))
    for name in ("alice", "bob"):
        await companion.chat.remove_person(name)
    dialog.rename("alice", "ann")
    await until(lambda: resolved)
    assert not dialog.rows


async def test_all_data_of_a_source_is_deleted_after_a_question(
    room: SourcesRoom, companion: Companion, ben: Companion, window: MainWindow
) -> None:
    await introduce(companion, ben)
    room.page.cards["peers"].delete.click()
    assert "your own keys are deleted" in answer(window, "Delete")
    await until(lambda: companion.identity.current is None)
    await until(lambda: not room.peers.model.peers)
    await wait_until_idle(companion)
    assert not companion.settings.peers
    assert await companion.peers.all() == []


# peers


async def test_a_pasted_json_fills_the_form_and_the_peer_is_verified_by_voice(
    room: SourcesRoom, companion: Companion, ben: Companion
) -> None:
    room.open_page(PEER_TAB)
    assert room.peers.body.currentWidget() is room.peers.empty
    dialog = room.add_peer()
    assert not dialog.accept_button.isEnabled()
    QGuiApplication.clipboard().setText("nothing")
    dialog.paste.click()
    assert dialog.notes["public_key"].text() == NO_JSON
    dialog.fields["address"].setText(await keys_json(ben))  # pasted into any field
    assert dialog.name == "ben"
    assert dialog.accept_button.isEnabled()
    dialog.fields["address"].setText("127.0.0.1:x")
    assert "is not an address" in dialog.notes["address"].text()
    assert not dialog.accept_button.isEnabled()
    dialog.fields["address"].setText(f"127.0.0.1:{ben.peer_server.port}")
    dialog.accept_button.click()
    await until(lambda: room.peers.selected is not None)
    assert not dialog.is_open
    assert line(room)[Col.NAME] == "ben"
    assert line(room)[Col.ADDRESS] == f"127.0.0.1:{ben.peer_server.port}"
    assert line(room)[Col.KEYS] == NOT_COMPARED
    own = (await companion.identity.load()).public
    await ben.peers.add("anna", own)
    (digits,) = await ben.identity.fingerprints_with(own)  # as ben's window shows it
    assert room.peers.selected
    verify = room.verify_peer(room.peers.selected)
    await until(lambda: "·" not in verify.pinned.digits.text())
    assert verify.pinned.digits.text() == in_lines(digits)
    verify.typed.setText(digits[:11])
    assert verify.info.text() == "10 of 60 digits match so far."
    assert verify.theirs.digits.text().startswith(f"{digits[:11]} ····· ·····\n·····")
    assert not verify.match.isEnabled()
    other = "1" if digits[0] == "0" else "0"
    verify.typed.setText(other + digits[1:])
    assert verify.info.text().startswith("Group 1 differs")
    assert not verify.match.isEnabled()
    verify.typed.setText(digits)
    assert verify.info.text() == MATCH
    verify.match.click()
    await until(lambda: line(room)[Col.KEYS] == VERIFIED)


async def test_typed_digits_are_also_compared_with_those_of_new_keys(
    room: SourcesRoom, companion: Companion, ben: Companion
) -> None:
    await introduce(companion, ben)
    before = (await ben.identity.load()).public
    after = (await ben.identity.rotate()).public
    dialog = room.verify_peer(await companion.peers.add("ben", after))
    assert OLD_ONLY in dialog.how.text()
    await until(lambda: "·" not in dialog.offered.digits.text())
    old, new = await companion.identity.fingerprints_with(before, after)
    part = new[: next(at for at, (one, other) in enumerate(zip(old, new, strict=True), 1) if one != other)]
    dialog.typed.setText(part)
    assert dialog.info.text() == f"{len(part.replace(' ', ''))} of 60 digits match so far."
    dialog.typed.setText(new)
    assert dialog.info.text() == NEW_MATCH
    assert not dialog.match.isEnabled()
    dialog.typed.setText(old)
    assert dialog.info.text() == MATCH
    assert dialog.match.isEnabled()
    dialog.typed.setText("x")
    assert "is not a digit" in dialog.info.text()
    dialog.reject()


async def test_a_test_that_cannot_run_can_be_repeated(
    room: SourcesRoom, companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> ConnectionResult:
        raise StorageError("The key cannot be read.")

    monkeypatch.setattr(companion.switchable_sources.look_up("supabase"), "test", fail)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    card = room.page.cards["supabase"]
    card.test.click()
    assert not card.test.isEnabled()
    await until(card.test.isEnabled)
    assert not card.result.isVisible()
    assert messages == ["The key cannot be read."]


async def test_each_field_of_the_form_is_checked(room: SourcesRoom, companion: Companion) -> None:
    dialog = room.add_peer()
    fields, notes = dialog.fields, dialog.notes
    fields["username"].setText("anna")
    assert notes["username"].text() == "anna is your own user name. Enter the name of your friend."
    fields["username"].setText("a/b")
    assert "slash" in notes["username"].text()
    fields["public_key"].setText("abc")
    assert "not base64" in notes["public_key"].text()
    fields["public_key"].setText("AAAA")
    assert notes["public_key"].text() == "Public key: 3 bytes are too few; 32 are needed."
    key = "A" * 43 + "="
    fields["public_key"].setText(key)
    assert notes["public_key"].text() == ""
    fields["signing_key"].setText(key)
    assert "not a usable X25519 key" in notes["public_key"].text()
    assert not dialog.accept_button.isEnabled()
    dialog.reject()


async def test_a_persona_with_the_name_of_a_new_peer_is_removed_from_the_form(
    room: SourcesRoom, companion: Companion, ben: Companion, window: MainWindow
) -> None:
    dialog = room.add_peer()
    dialog.fill(await keys_json(ben))
    dialog.fields["username"].setText("bob")
    assert "bob is a persona here" in dialog.notes["username"].text()
    assert dialog.persona.isVisible()
    dialog.persona.click()
    (personas,) = dialog.findChildren(PersonasDialog)
    personas.rows["bob"][1].click()
    box = next(each for each in window.findChildren(QMessageBox) if each.isVisible())
    next(each for each in box.buttons() if each.text().replace("&", "") == "Remove").click()
    await until(lambda: "bob" not in companion.personas)
    await until(lambda: dialog.accept_button.isEnabled())
    dialog.accept_button.click()
    await until(lambda: [each.username for each in room.peers.model.peers] == ["bob"])
    assert "bob" not in companion.personas
    assert "bob" in companion.friends


async def test_the_address_is_edited_and_a_peer_is_forgotten(
    room: SourcesRoom, companion: Companion, ben: Companion, window: MainWindow
) -> None:
    await introduce(companion, ben)
    await until(lambda: len(room.peers.model.peers) == 1)
    room.open_page(PEER_TAB)
    room.peers.choose("ben")
    dialog = room.add_peer(room.peers.selected)
    assert not dialog.fields["username"].isEnabled()
    dialog.fields["address"].setText("192.0.2.5:9100")
    dialog.accept_button.click()
    await until(lambda: line(room)[Col.ADDRESS] == "192.0.2.5:9100")
    dialog = room.add_peer(await companion.peers.get("ben"))
    dialog.fields["address"].clear()
    dialog.accept_button.click()
    await until(lambda: not dialog.is_open)
    assert (await companion.peers.get("ben")).address == ""
    window.activateWindow()
    await until(window.isActiveWindow)
    room.peers.table.setFocus()
    QTest.keyClick(room.peers.table, Qt.Key.Key_Delete)
    assert "are deleted. The chat stays" in answer(window, "Cancel")
    assert len(room.peers.model.peers) == 1
    room.peers.forget.click()
    answer(window, "Forget")
    await until(lambda: not room.peers.model.peers)
    assert room.peers.body.currentWidget() is room.peers.empty


async def test_editing_the_address_is_no_decision_about_changed_keys(
    room: SourcesRoom, companion: Companion, ben: Companion
) -> None:
    """Regression: *Save* withdrew the changed keys, with their warning."""
    await introduce(companion, ben)
    after = (await ben.identity.rotate()).public
    await companion.peers.offer("ben", after)
    dialog = room.add_peer(await companion.peers.get("ben"))
    dialog.fields["address"].setText("192.0.2.5:9100")
    dialog.accept_button.click()
    await until(lambda: not dialog.is_open)
    stored = await companion.peers.get("ben")
    assert (stored.address, stored.offered) == ("192.0.2.5:9100", after)
    await until(room.banner.isVisible)


async def test_the_keys_of_another_friend_are_not_those_of_a_known_peer(
    room: SourcesRoom, companion: Companion, ben: Companion
) -> None:
    keys = (await companion.identity.load()).public
    await companion.peers.add("alice2", keys)
    dialog = room.add_peer(await companion.peers.get("alice2"))
    dialog.fields["public_key"].setText(await keys_json(ben))
    assert "those of ben, not of alice2" in dialog.notes["public_key"].text()
    assert dialog.keys == keys
    assert dialog.fill((await keys_json(ben)).replace('"ben"', '"alice2"'))
    assert dialog.keys == (await ben.identity.load()).public
    dialog.reject()


async def test_changed_keys_are_shown_in_room_strip_and_badge_until_they_are_accepted(
    room: SourcesRoom, companion: Companion, ben: Companion, window: MainWindow
) -> None:
    await introduce(companion, ben)
    before = (await ben.identity.load()).public
    after = (await ben.identity.rotate()).public
    await companion.peers.add("ben", after)
    await until(lambda: room.banner.isVisible())
    old, new = await companion.identity.fingerprints_with(before, after)
    shown = [each.text() for each in room.banner.findChildren(type(room.peers.empty.title))]
    assert in_lines(old) in shown
    assert in_lines(new) in shown
    assert not [each for each in window.strip.lines if "ben" in each.text.text()], "the room shows a banner itself"
    window.open_room(CHATS)
    (strip,) = [each for each in window.strip.lines if "ben was seen" in each.text.text()]
    assert old in strip.text.text()
    assert new in strip.text.text()
    badge = window.navigation.badge(SOURCES)
    assert badge
    assert badge.text == "1"
    assert line(room)[Col.KEYS] == CHANGED
    _, reject = strip.buttons
    reject.click()
    await until(lambda: not window.source_watch.changed_keys)
    window.open_room(SOURCES)
    assert (await companion.peers.get("ben")).keys == before
    await companion.peers.add("ben", after)
    await until(lambda: room.banner.isVisible())
    room.banner.buttons[0].click()
    unseen = (await ben.identity.rotate()).public
    await companion.peers.offer("ben", unseen)
    answer(window, "Accept")
    await until(lambda: "have just changed" in window.status.message.text())
    assert (await companion.peers.get("ben")).keys == before
    await companion.peers.offer("ben", after)
    await until(lambda: [each.keys for each in window.source_watch.changed_keys] == [after])
    room.banner.buttons[0].click()
    asked = answer(window, "Accept")
    assert "reads the new fingerprint" in asked
    assert new in asked
    await until(lambda: not room.banner.isVisible())
    assert (await companion.peers.get("ben")).keys == after
    window.open_room(CHATS)
    assert not [each for each in window.strip.lines if "ben" in each.text.text()]


async def test_a_message_to_a_peer_that_is_away_is_counted(
    room: SourcesRoom, companion: Companion, ben: Companion
) -> None:
    await introduce(companion, ben)
    await ben.services.stop("peers")
    await until(lambda: len(room.peers.model.peers) == 1)
    posted = await companion.chat.post_message("ben", "hello", RestCaller("", ""))
    companion.hub.carry_out(posted.effects)
    await until(lambda: line(room)[Col.WAITING] == "1")


# keys


async def test_own_keys_are_copied_backed_up_restored_and_replaced(
    room: SourcesRoom, companion: Companion, window: MainWindow, tmp_path: Path
) -> None:
    room.open_page(KEY_TAB)
    await until(lambda: room.keys.card.isVisible())
    QGuiApplication.clipboard().clear()
    room.keys.copy.click()
    await until(lambda: QGuiApplication.clipboard().text().startswith("{"))
    copied = json.loads(QGuiApplication.clipboard().text())
    identity = await companion.identity.load()
    assert copied == {"username": "anna", "node_id": identity.node_id, **identity.public.as_json()}
    assert room.keys.values["Public key"].text() == copied["public_key"]
    file = tmp_path / "backup.json"
    room.keys.back_up.click()
    dialog = next(each for each in room.keys.findChildren(QFileDialog) if each.isVisible())
    dialog.fileSelected.emit(str(file))
    dialog.reject()
    await until(file.exists)
    await wait_until_idle(companion)
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0
    room.keys.back_up_requested.emit(str(file))
    await until(lambda: "exists already" in window.status.message.text())
    room.keys.rotate.click()
    assert "friends refuse your messages" in answer(window, "Replace keys")
    await until(lambda: room.keys.values["Public key"].text() != copied["public_key"])
    room.keys.restore_requested.emit(str(file))
    assert "backup.json" in answer(window, "Replace")
    await until(lambda: room.keys.values["Public key"].text() == copied["public_key"])


async def test_without_keys_the_page_says_how_to_get_them(make_companion: MakeCompanion, windows: Windows) -> None:
    companion = await make_companion(username="anna", peer_port=0)
    window: MainWindow = windows(companion)
    window.present()
    window.open_room(SOURCES)
    window.sources.open_page(KEY_TAB)
    await wait_until_idle(companion)
    assert window.sources.keys.nothing.isVisible()
    button = next(
        each for each in window.sources.keys.empty.findChildren(QPushButton) if each.text() == "Switch peers on"
    )
    button.click()
    await until(lambda: window.sources.keys.card.isVisible())


# elsewhere


async def test_a_peer_is_shown_as_such_in_chats(window: MainWindow, companion: Companion, ben: Companion) -> None:
    await introduce(companion, ben)
    window.open_room(CHATS)
    chats = window.chats
    await until(lambda: chats.model.line_of("ben") >= 0)
    chats.list.setCurrentIndex(chats.model.index(chats.model.line_of("ben"), 0))
    await until(lambda: chats.header.name.text() == "ben")
    assert chats.header.role.text() == "Peer"
    assert not chats.header.online.isVisible()
    assert not chats.composer.isVisible()
    assert chats.about_peer.isVisible()
    chats.menu.aboutToShow.emit()
    enabled = {action.text(): action.isEnabled() for action in chats.menu.actions() if action.text()}
    assert not enabled["Rename this persona …"]
    assert not enabled["Remove this persona …"]
    assert enabled["End this friendship"]
    await companion.chat.post_message("ben", "hello", RestCaller("", ""))
    await until(lambda: [each["text"] for each in chats.bubbles.messages] == ["hello"])
    chats.bubbles.setCurrentIndex(chats.bubbles.model().index(0, 0))
    assert not chats.bubbles.actions_bar.react.isVisible()
    assert not chats.bubbles.actions_bar.deliver.isVisible()
    assert chats.bubbles.actions_bar.delete.isVisible()
    chats.list.setCurrentIndex(chats.model.index(chats.model.line_of("alice"), 0))
    assert chats.composer.isVisible()
    assert chats.header.role.text() == "You play"
    titles = [each.title for each in commands(window)]
    assert "Type as alice" in titles
    assert "Type as ben" not in titles


async def test_a_row_of_a_peer_has_the_sealed_and_the_opened_view(
    window: MainWindow, companion: Companion, ben: Companion
) -> None:
    await introduce(companion, ben)
    posted = await companion.chat.post_message("ben", "hello ben", RestCaller("", ""))
    companion.hub.carry_out(posted.effects)
    await until(lambda: any(row.event == "peer sent" for row in companion.journal))
    row = next(row for row in companion.journal if row.event == "peer sent")
    assert summary(row) == row.note != ""
    details = window.events.details
    details.show_row(row)
    tabs = details.tabs
    titles = [tabs.tabText(at) for at in range(tabs.count()) if tabs.isTabVisible(at)]
    assert titles[-2:] == ["Opened", "Sealed"]
    tabs.setCurrentWidget(details.opened)
    assert "hello ben" in details.opened.toPlainText()
    tabs.setCurrentWidget(details.sealed)
    assert "hello ben" not in details.sealed.toPlainText()
    assert '"ciphertext"' in details.sealed.toPlainText()
    details.show_row(next(row for row in companion.journal if row.event == "listening"))
    assert not tabs.isTabVisible(tabs.indexOf(details.sealed))


def test_digits_are_compared_group_by_group() -> None:
    digits = " ".join(f"{number:05}" for number in range(12))
    assert groups_of(digits)[:2] == ["00000", "00001"]
    assert len(in_lines(digits).splitlines()) == 3
    assert difference(digits, digits.replace(" ", "")) == ""
    assert difference(digits, "00000 0000x") == "'x' is not a digit. A fingerprint has 60 digits."
    assert difference(digits, "00000 00002").startswith("Group 2 differs: 00001 here, 00002 there.")
    assert difference(digits, digits + " 1") == "You have typed 61 digits, but a fingerprint has 60."
