"""Takes pictures of every room in light and dark, of the real window with real clients.

``python -m tests.screenshots FOLDER [SCALE] [--size 1000x640]``. Look at them after a change of the UI.
It fails if a room has no picture.
``python -m tests.screenshots --manual`` takes the pictures of the manual and of README: see ``manual_pictures.py``.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from app.companion import Companion
from app.hub.held_items import BreakpointOptions
from app.hub.origin import PANEL
from app.hub.target import ALL, Target
from app.loop import new_loop
from app.protocol.envelope import Envelope
from app.protocol.refusals import RefusalKind
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui import theme
from app.ui.fire_bar_window import FireBarWindow
from app.ui.room_registry import (
    CHATS,
    CLIENTS,
    CONTRACT,
    EVENTS,
    FAULTS,
    FIXTURES,
    HELP,
    INJECT,
    ROOMS,
    SCENARIOS,
    SETTINGS,
    UI_STATE,
)
from app.ui.side_window import SideWindow
from app.ui.widgets.held_strip import EDIT
from app.ui.widgets.held_strip import INJECT as INJECT_AFTER
from app.ui.window import MainWindow
from tests.lab_runs import FIREFOX, shown_run
from tests.manual_pictures import SCENARIO, call, take_manual_pictures
from tests.source_pictures import source_pictures
from tests.ui.test_recording_window import HEADER
from tests.ui.test_recording_window import lines as recorded_lines


async def take_pictures(app: QApplication, out: Path, scheme: str, size: tuple[int, int]) -> None:
    theme.apply(app, scheme)
    with tempfile.TemporaryDirectory() as folder:
        companion = Companion(Settings(port=0, rest_port=0))
        window = MainWindow(Folders.of(Path(folder))).fill(companion)
        window.resize(*size)
        window.show()

        opened: set[str] = set()

        def open_room(name: str) -> None:
            opened.add(name)
            window.open_room(name)

        async def picture(name: str) -> None:
            await asyncio.sleep(0.25)
            dialogs: list[QWidget] = [each for each in window.findChildren(QDialog) if each.isVisible()]
            (dialogs or [window])[0].grab().save(str(out / f"{name}-{scheme}.png"))

        companion.services["events"].error = "Port 8081 is busy: node (pid 4711) listens on it."
        companion.changed.emit(None)
        await picture("busy")
        await companion.start()
        await companion.start_service("rest")
        await picture("empty")
        open_room(CLIENTS)
        await picture("clients-empty")
        url = companion.server.url
        async with (
            connect(url, origin=Origin("http://localhost:1420")) as ui,
            connect(url + "?username=alice") as alice,
        ):
            await alice.send('{"event": "typing", "data": {"to": "me", "typing": true}}')
            message = window.inject.event_panel("new_message")
            assert message
            open_room(INJECT)
            window.inject.bar.fire()
            await asyncio.sleep(0.05)
            await ui.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
            await ui.send('{"event": "typing", "data": {"to": "alice", "typing": "yes"}}')
            await picture("inject-message")
            form = message.form()
            form.field("reactions").set_value([{"emoji": "👍", "from": "bob"}, {"emoji": "🎉", "from": "carol"}])
            form.field("msg_id").set_value("not-a-uuid")
            form.field("from").set_value("")
            await picture("inject-problems")
            form.field("msg_id").set_value("{{uuid}}")
            form.field("from").set_value("alice")
            message.show_view(1)
            await picture("inject-json")
            for number, name in ((1, "inject-presence"), (2, "inject-typing"), (3, "inject-raw")):
                window.inject.tabs.setCurrentIndex(number)
                await picture(name)
            await companion.fire(Envelope("friend_online", {"username": "carol"}), origin=PANEL)
            await companion.fire(Envelope("typing", {"username": "carol", "typing": True}), origin=PANEL)
            open_room(EVENTS)
            await asyncio.sleep(0.1)
            model = window.events.model
            lines = range(model.rowCount())
            window.events.table.selectRow(next(line for line in lines if model.row(line).event == "new_message"))
            await picture("events")
            await breakpoint_pictures(companion, window, picture)
            for origin in ("http://localhost:5173", "http://localhost:5173", "null"):
                with suppress(InvalidStatus):
                    await connect(url, origin=Origin(origin))
            open_room(CLIENTS)
            window.clients.table.selectRow(0)
            await picture("clients")
            for name, opened_window in await reconnect_windows(window):
                opened_window.grab().save(str(out / f"{name}-{scheme}.png"))
                opened_window.close()
            companion.refusals.disarm_all()
            open_room(FIXTURES)
            await asyncio.sleep(0.2)
            window.fixtures.choose("nasty/markup")
            window.fixtures.bar.expect.choice.setCurrentText("mark_read")
            window.fixtures.bar.expect.within.setValue(0.2)
            window.fixtures.bar.fire()
            await asyncio.sleep(0.3)
            await picture("fixtures")
            palette = window.open_palette()
            palette.search.setText("typ")
            await asyncio.sleep(0.2)
            palette.grab().save(str(out / f"palette-{scheme}.png"))
            palette.close()
            open_room(CHATS)
            await asyncio.sleep(0.3)
            window.chats.bubbles.setCurrentIndex(window.chats.bubbles.model().index(3, 0))
            await picture("chats")
            open_room(SCENARIOS)
            await asyncio.sleep(0.3)
            await picture("scenarios-empty")
            window.scenarios.write(SCENARIO)
            window.scenarios.controls.run()
            await asyncio.sleep(1)
            await picture("scenarios")
            window.scenarios.fire_or_stop()
            window.scenarios.form.editor.insert_lines("alice says hi")
            await asyncio.sleep(0.5)
            await picture("scenarios-problem")
            window.scenarios.form.revert.click()
            await picture("scenarios-discard")
            next(each for each in window.findChildren(QDialog) if each.isVisible()).accept()
            await contract_pictures(companion, window, open_room, picture)
            await source_pictures(companion, window, open_room, picture)
            open_room(FAULTS)
            await asyncio.sleep(0.3)
            await picture("faults-empty")
            window.faults.choose("flaky-cafe")
            window.faults.bar.arm.click()
            await asyncio.sleep(0.2)
            window.faults.choose_target(Target(user="alice"))
            window.faults.tabs.setCurrentIndex(1)
            window.faults.form.words.setText("loss=0.5,correlation=0.5 latency=30~20")
            window.faults.form.only.setText("event:typing,new_message")
            window.faults.form.route.setCurrentText("POST /messages")
            window.faults.form.effects.setText("status=503 rate=0.5")
            window.faults.bar.seed_field.setText("7")
            window.faults.bar.arm.click()
            for typing in (True, False) * 6:
                await companion.fire(Envelope("typing", {"username": "bob", "typing": typing}), origin=PANEL)
            await asyncio.sleep(0.5)
            window.faults.armed.table.selectRow(1)
            await picture("faults-single")
            window.faults.form.words.setText("loss=0.5 latncy=30")
            window.faults.form.effects.setText("stauts=503")
            await picture("faults-problems")
            window.faults.tabs.setCurrentIndex(0)
            await picture("faults")
            window.faults.armed.reset.click()
            await asyncio.sleep(0.2)
            for path in ("/status", "/friends", "/messages?peer=alice&limit=50&offset=0"):
                await call(companion, path)
            open_room(UI_STATE)
            await companion.fire(companion.message_from("bob", "The build is green"), origin=PANEL)
            await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)
            await asyncio.sleep(0.5)
            await picture("ui-state")
            file = Path(folder) / "night.session.jsonl"
            file.write_bytes(b"\n".join([HEADER, *recorded_lines()]) + b"\n")
            recording = window.recordings.show(await companion.recording_actions.open(file))
            recording.resize(*size)
            await asyncio.sleep(0.5)
            recording.room.show_row(21)
            await asyncio.sleep(0.25)
            recording.grab().save(str(out / f"recording-{scheme}.png"))
            recording.close()
            open_room(SETTINGS)
            await picture("settings")
            window.settings.fields.checks["check_updates"].setChecked(True)
            window.settings.form.verticalScrollBar().setValue(10_000)
            await picture("settings-end")
            open_room(HELP)
            await picture("help")
            window.open_help("events")
            await picture("help-page")
            window.help.search.setText("filter")
            window.help.pages.choose_current()
            await picture("help-search")
            window.show_first_steps()
            await picture("first-steps")
            window.show_first_steps().hide()
            bar = FireBarWindow(companion, window.memory, lambda _: None)
            bar.present()
            await asyncio.sleep(0.2)
            bar.grab().save(str(out / f"fire-bar-{scheme}.png"))
            bar.close_down()
            bar.hide()
            shortcuts = window.show_shortcuts()
            await asyncio.sleep(0.2)
            shortcuts.grab().save(str(out / f"shortcuts-{scheme}.png"))
            shortcuts.close()
            about = window.open_about()
            await asyncio.sleep(0.2)
            about.grab().save(str(out / f"about-{scheme}.png"))
            about.close()
        missing = {room.name for room in ROOMS} - opened
        assert not missing, f"rooms without a picture: {missing}"
        window.close_down()
        await companion.close()
        window.hide()


async def contract_pictures(
    companion: Companion,
    window: MainWindow,
    open_room: Callable[[str], None],
    picture: Callable[[str], Awaitable[None]],
) -> None:
    """Take pictures of the Contract room: without and with findings, a rule that is off, and the events."""
    open_room(CONTRACT)
    await picture("contract-first")
    for _ in range(2):
        await companion.fire(Envelope("friend_online", {"username": "carol"}), origin=PANEL)
    message = companion.message_from("alice", "hi")
    for _ in range(3):
        await companion.fire(message, to=ALL, origin=PANEL, strict=False)
        await companion.fire(Envelope("typing", {"username": "alice"}), origin=PANEL, strict=False)
    await companion.contract_lint.catch_up()
    await asyncio.sleep(0.5)
    window.contract.show_rule("missing-field")
    await picture("contract")
    window.contract.switch("presence-repeated", False)
    await companion.apply(replace(companion.settings, lint_off=["presence-repeated"]))
    window.contract.show_rule("presence-repeated")
    await picture("contract-off")
    window.contract.tabs.setCurrentIndex(1)
    await picture("contract-events")


async def breakpoint_pictures(
    companion: Companion, window: MainWindow, picture: Callable[[str], Awaitable[None]]
) -> None:
    """Take pictures of the strip of held items, its forms, and the list of breakpoints."""
    strip = window.events.held
    assert strip
    window.events.table.clearSelection()
    companion.breakpoints.add(BreakpointOptions(filter="event:new_message,typing"))
    companion.breakpoints.add(BreakpointOptions(filter="is:invalid", hits=3, once=True, timeout_s=30))
    await companion.fire(companion.message_from("alice", "Lunch at twelve?"), origin=PANEL)
    await companion.fire(Envelope("typing", {"username": "carol", "typing": True}), origin=PANEL)
    await picture("held")
    strip.table.selectRow(0)
    await picture("held-selected")
    strip.trigger(EDIT)
    strip.editor.editor.setPlainText(strip.editor.editor.toPlainText().replace('"alice"', "7"))
    await picture("held-edit")
    strip.editor.cancel.click()
    strip.trigger(INJECT_AFTER)
    await picture("held-inject")
    strip.inject.cancel.click()
    window.open_room(CHATS)
    await picture("held-elsewhere")
    window.open_room(EVENTS)
    dialog = window.open_breakpoints()
    await picture("breakpoints")
    dialog.reject()
    companion.breakpoints.clear()
    companion.breakpoints.drop()
    await asyncio.sleep(0.2)


async def reconnect_windows(window: MainWindow) -> list[tuple[str, SideWindow]]:
    """Show a run of the reconnect lab, and two armed refusals."""
    windows = window.reconnect_windows
    windows.open_lab(1)
    windows.lab.show_run(shown_run("http://localhost:1420", FIREFOX))
    windows.open_refuse()
    windows.refuse.arm()
    windows.refuse.mode.choose(RefusalKind.CLOSE)
    windows.refuse.by_time.setChecked(True)
    windows.refuse.arm()
    await asyncio.sleep(0.25)
    return [("reconnect-lab", windows.lab), ("refuse", windows.refuse)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the pictures are written")
    parser.add_argument("scale", nargs="?", default="1", help="the scale factor of the screen")
    parser.add_argument("--size", default="1120x720", help="the size of the window")
    parser.add_argument("--manual", action="store_true", help="take the pictures of the manual")
    chosen = parser.parse_args()
    if not chosen.manual and not chosen.folder:
        parser.error("FOLDER is missing")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = chosen.scale
    width, height = map(int, chosen.size.split("x"))
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    with asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner:
        if chosen.manual:
            runner.run(take_manual_pictures(app))
            return
        chosen.folder.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            runner.run(take_pictures(app, chosen.folder, scheme, (width, height)))


if __name__ == "__main__":
    main()
