"""Dialogs have no stock icons, and the text of their buttons is a verb."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton

from app.ui.plain_text_dialogs import PlainTextInputDialog, PlainTextMessageBox
from app.ui.widgets.name_dialog import NameDialog
from app.ui.window import MainWindow
from tests.conftest import until

STOCK = QDialogButtonBox.StandardButton
Make = Callable[[MainWindow], QDialog]


def message(window: MainWindow) -> QDialog:
    box = PlainTextMessageBox(window, "Delete?", "Delete the fixture bugs/late?")
    box.addButton("Delete", box.ButtonRole.AcceptRole)
    box.addButton(box.StandardButton.Cancel)
    return box


def dialog_with_all_stock_buttons(window: MainWindow) -> QDialog:
    dialog = QDialog(window)
    QDialogButtonBox(STOCK.Save | STOCK.Cancel | STOCK.Ok | STOCK.Discard | STOCK.Apply | STOCK.Help, dialog)
    return dialog


async def test_no_dialog_has_stock_icons(window: MainWindow, subtests: pytest.Subtests) -> None:
    for make in (
        message,
        dialog_with_all_stock_buttons,
        lambda window: NameDialog(window, "Save as", "bugs/late", lambda _: ""),
        lambda window: PlainTextInputDialog(window, "Add persona", "Name of the new persona"),
    ):
        with subtests.test(make=make):
            dialog = make(window)
            dialog.open()
            await until(dialog.isVisible)
            buttons = dialog.findChildren(QPushButton)
            assert buttons
            assert [each.text() for each in buttons if not each.icon().isNull()] == []
            if isinstance(dialog, PlainTextMessageBox):
                assert dialog.icon() is PlainTextMessageBox.Icon.NoIcon
            dialog.close()


async def test_the_button_of_an_input_dialog_is_a_verb(window: MainWindow) -> None:
    dialogs = [
        PlainTextInputDialog(window, "Add persona", "Name of the new persona"),
        PlainTextInputDialog(window, "Persona", "Name of the new persona", verb="Rename"),
    ]
    texts = []
    for dialog in dialogs:
        dialog.open()
        await until(dialog.isVisible)
        texts.append(dialog.findChildren(QPushButton)[0].text())
        dialog.close()
    assert texts == ["Add", "Rename"]
