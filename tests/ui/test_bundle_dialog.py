"""The dialog *Bug report*: what it shows is what it saves."""

import json
from pathlib import Path

import pytest

from app.protocol.bundle.archive import read_bundle
from app.ui.bundle_dialog import BundleDialog
from app.ui.window import MainWindow
from tests.conftest import until
from tests.ui.frames import wait_until_idle
from tests.ui.parts import child

SECRET = "Zaphod"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    frame = json.dumps({"event": "friend_online", "data": {"username": SECRET}})
    file = tmp_path / "bug.session.jsonl"
    lines = ({"session": 1, "kind": "recording"}, {"s2c": "friend_online", "seq": 1, "payload": frame})
    file.write_text("".join(f"{json.dumps(each)}\n" for each in lines), encoding="utf-8")
    return file


async def test_names_are_replaced_unless_the_user_does_not_want_that(
    window: MainWindow, recording: Path, tmp_path: Path
) -> None:
    dialog = window.recordings.report(recording)
    await until(dialog.save.isEnabled)
    shown = dialog.preview.toPlainText()
    assert "redacted" in shown
    assert SECRET not in shown
    file = tmp_path / "bug.zip"
    dialog.save_to(file)
    await until(lambda: dialog.message.text() == f"Saved to {file}")
    assert SECRET not in read_bundle(file.read_bytes()).recording
    dialog.redact.setChecked(False)
    assert not dialog.save.isEnabled(), "what would be saved is not what is shown"
    await until(dialog.save.isEnabled)
    assert "NOT redacted" in dialog.preview.toPlainText()
    dialog.save_to(file)
    await until(lambda: SECRET in read_bundle(file.read_bytes()).recording)
    dialog.accept()


async def test_a_recording_that_cannot_be_read_is_reported(window: MainWindow, tmp_path: Path) -> None:
    dialog = window.recordings.report(tmp_path / "none.session.jsonl")
    await until(lambda: "cannot be read" in dialog.message.text())
    assert not dialog.save.isEnabled()
    dialog.accept()


async def test_the_menu_and_the_window_of_a_recording_offer_a_bug_report(
    window: MainWindow, recording: Path
) -> None:
    menu = window.recordings.menu(["this-run"], window.events.open_recording)
    assert menu.actions()[-1].text() == "Bug report of this run …"
    menu.deleteLater()
    window.open_recording(recording)
    await until(lambda: window.recordings.windows)
    opened = window.recordings.windows[0]
    opened.report.click()
    dialog = child(opened, BundleDialog)
    await until(dialog.save.isEnabled)
    dialog.accept()
    opened.close()


async def test_the_window_of_a_recording_can_be_closed_while_its_bug_report_is_made(
    window: MainWindow, recording: Path
) -> None:
    window.open_recording(recording)
    await until(lambda: window.recordings.windows)
    opened = window.recordings.windows[0]
    opened.report.click()
    opened.close()
    await wait_until_idle(window.companion)
