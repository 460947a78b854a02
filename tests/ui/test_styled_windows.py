"""Every window, menu, list and dialog has the style sheet of the theme, also those opened before it changed."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage, QTextCursor
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.companion import Companion
from app.ui import theme
from app.ui.fire_bar_window import FireBarWindow
from app.ui.plain_text import show_tooltip
from app.ui.theme import DARK, LIGHT, Colors
from app.ui.tray import Tray
from app.ui.widgets.name_dialog import NameDialog
from app.ui.window import MainWindow

pytestmark = pytest.mark.usefixtures("styled")

CORNER = 3
"""Pixels from the edge of a widget to its background."""


@pytest.fixture
def use_theme(qapp: QApplication) -> Iterator[Callable[[str], None]]:
    yield lambda name: theme.apply(qapp, name)
    theme.apply(qapp, "light")


def colour_of(widget: QWidget, x: int = CORNER, y: int = CORNER) -> str:
    image: QImage = widget.grab().toImage()
    return QColor(image.pixelColor(x, y)).name()


def open_menu(window: MainWindow) -> QMenu:
    menu = QMenu(window)
    menu.addAction("Copy")
    menu.popup(window.mapToGlobal(QPoint(9, 9)))
    return menu


async def test_the_application_has_no_style_sheet(qapp: QApplication, window: MainWindow) -> None:
    """With one, opening a room takes three times as long."""
    assert qapp.styleSheet() == ""
    assert window.styleSheet()


@pytest.mark.parametrize(("name", "scheme"), [("light", LIGHT), ("dark", DARK)])
async def test_windows_menus_lists_and_tooltips_have_the_colours_of_the_theme(
    window: MainWindow, companion: Companion, use_theme: Callable[[str], None], name: str, scheme: Colors
) -> None:
    """Also if they were created before the theme was applied."""
    bar = FireBarWindow(companion, window.memory, lambda _: None)
    tray = Tray(companion)
    field = window.events.bar.field
    field.show_suggestions()
    panel = window.inject.event_panel("typing")
    assert panel is not None
    editor = panel.editor
    editor.setPlainText('{"event": "')
    editor.moveCursor(QTextCursor.MoveOperation.End)
    editor._offer()
    use_theme("dark" if name == "light" else "light")
    use_theme(name)

    menu = open_menu(window)
    tray.menu.popup(QPoint(9, 9))
    dialog = NameDialog(window, "Save", "", lambda _: "")
    dialog.open()
    colours = {
        "navigation": colour_of(window, CORNER, window.height() // 2),
        "fire bar": colour_of(bar),
        "menu": colour_of(menu),
        "tray menu": colour_of(tray.menu),
        "suggestions": colour_of(field.popup),
        "completions": colour_of(editor._popup),
        "dialog": colour_of(dialog),
    }
    show_tooltip(window.mapToGlobal(QPoint(50, 50)), "A tooltip", window.navigation)
    (tip,) = (each for each in QApplication.topLevelWidgets() if each.inherits("QTipLabel") and each.isVisible())
    colours["tooltip"] = colour_of(tip)
    tip.close()
    for each in (menu, tray.menu, dialog, field.popup, editor._popup):
        each.close()
    tray.close_down()
    bar.close_down()
    bar.deleteLater()
    surface = {"navigation", "fire bar", "menu", "tray menu", "suggestions"}
    selected = {"completions": scheme.accent_soft}
    others = {"dialog": scheme.window, "tooltip": scheme.raised}
    assert colours == dict.fromkeys(surface, scheme.surface) | selected | others
