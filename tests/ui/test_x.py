import asyncio
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from app.ui.window import Window
from tests.conftest import until

async def test_loop(window, qtbot, connect_client):
    c = await connect_client()
    qtbot.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window.rooms.currentIndex() == 2
    qtbot.mouseClick(window.inject.bar.now, Qt.MouseButton.LeftButton)
    print(await asyncio.wait_for(c.recv(), 5))

def test_sync(still):
    pass
async def test_present(window):
    window.hide()
    window.present()
    await until(window.isVisible)
