"""Takes pictures of every room in light and dark, of the real window with real clients.

``python -m tests.screenshots FOLDER [SCALE] [--size 1000x640]``. Look at them after a change of the UI.
``python -m tests.screenshots --manual`` takes the pictures of the manual and of README: see ``manual_pictures.py``.
"""

import asyncio
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if "--size" in sys.argv:
    WIDTH, HEIGHT = map(int, sys.argv[sys.argv.index("--size") + 1].split("x"))
else:
    WIDTH, HEIGHT = 1120, 720
if len(sys.argv) > 2 and sys.argv[2].isdecimal():
    os.environ["QT_SCALE_FACTOR"] = sys.argv[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.companion import Companion
from app.loop import new_loop
from app.protocol.envelope import Envelope
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui import theme
from app.ui.fire_bar_window import FireBarWindow
from app.ui.window import CHATS, CLIENTS, EVENTS, FIXTURES, HELP, INJECT, SETTINGS, MainWindow
from tests.manual_pictures import take_manual_pictures


async def take_pictures(app: QApplication, out: Path, scheme: str) -> None:
    theme.apply(app, scheme)
    with tempfile.TemporaryDirectory() as folder:
        companion = Companion(Settings())
        window = MainWindow(Folders.of(Path(folder))).fill(companion)
        window.resize(WIDTH, HEIGHT)
        window.show()

        async def picture(name: str) -> None:
            await asyncio.sleep(0.25)
            window.grab().save(str(out / f"{name}-{scheme}.png"))

        companion.services["events"].error = "Port 8081 is busy: node (pid 4711) listens on it."
        companion.changed.emit(None)
        await picture("busy")
        await companion.start()
        await picture("empty")
        window.open_room(CLIENTS)
        await picture("clients-empty")
        url = companion.server.url
        async with connect(url, origin="http://localhost:1420") as ui, connect(url + "?username=alice") as alice:
            await alice.send('{"event": "typing", "data": {"to": "me", "typing": true}}')
            message = window.inject.event_panel("new_message")
            assert message
            window.open_room(INJECT)
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
            await companion.fire(Envelope("friend_online", {"username": "carol"}), origin="panel")
            await companion.fire(Envelope("typing", {"username": "carol", "typing": True}), origin="panel")
            window.open_room(EVENTS)
            await asyncio.sleep(0.1)
            model = window.events.model
            lines = range(model.rowCount())
            window.events.table.selectRow(next(line for line in lines if model.row(line).event == "new_message"))
            await picture("events")
            for origin in ("http://localhost:5173", "http://localhost:5173", "null"):
                with suppress(InvalidStatus):
                    await connect(url, origin=origin)
            window.open_room(CLIENTS)
            window.clients.table.selectRow(0)
            await picture("clients")
            window.open_room(FIXTURES)
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
            window.open_room(CHATS)
            await asyncio.sleep(0.3)
            window.chats.bubbles.setCurrentIndex(window.chats.bubbles.model().index(3, 0))
            await picture("chats")
            window.open_room(SETTINGS)
            await picture("settings")
            window.settings.fields.checks["check_updates"].setChecked(True)
            window.settings.form.verticalScrollBar().setValue(10_000)
            await picture("settings-end")
            window.open_room(HELP)
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
        window.close_down()
        await companion.close()
        window.hide()


def main() -> None:
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    with asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner:
        if "--manual" in sys.argv:
            runner.run(take_manual_pictures(app))
            return
        out = Path(sys.argv[1])
        out.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            runner.run(take_pictures(app, out, scheme))


if __name__ == "__main__":
    main()
