"""Nothing in the window interprets text as HTML."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeGuard

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QUrl
from PySide6.QtGui import QAccessible, Qt, QTextDocument
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QPushButton, QWidget
from typing_extensions import override

import app
from app.companion import Companion
from app.ui.plain_text import (
    MAX_TOOLTIP_CHARS,
    PlainTextLabel,
    notification_text,
    set_tooltip,
    tooltip_text,
    without_mnemonics,
)
from app.ui.plain_text_dialogs import PlainTextInputDialog, PlainTextMessageBox
from app.ui.widgets.accessible_names import named
from app.ui.widgets.manual_document import FEATURES
from app.ui.window import ROOMS, MainWindow
from tests.conftest import Connect

pytestmark = pytest.mark.usefixtures("all_rooms")

SOURCE = Path(app.__file__).parent
HELPERS = (SOURCE / "ui" / "plain_text.py", SOURCE / "ui" / "plain_text_dialogs.py")
MANUAL = "ui/widgets/manual_document.py"
"""The only module that shows Markdown: the manual, which is a part of the program."""
MARKUP = '<img src="/tmp/canary.png"> <b>bold</b> &lt;i> a & b'

BANNED_METHODS = {
    "setToolTipDuration", "setWhatsThis", "setStatusTip", "setHtml", "insertHtml", "appendHtml",
    "setMarkdown", "about", "information", "critical", "question", "getText",
}  # fmt: skip
"""Methods that interpret a text as HTML."""
METHODS_WITH_HELPER = {
    "setToolTip": ("notification_text", (0,)),  # of a tray icon; all others have set_tooltip
    "setTabToolTip": ("tooltip_text", (1,)),
    "setItemToolTip": ("tooltip_text", (1,)),
    "showMessage": ("notification_text", (0, 1)),
}
"""Other methods that interpret HTML, with the helper that the arguments at these positions must come from."""
PROPERTIES = {"toolTip", "whatsThis", "statusTip", "textFormat", "html", "markdown", "informativeText"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("ui", "desktop"):
        for file in sorted((SOURCE / folder).rglob("*.py")):
            if file not in HELPERS:
                yield file.relative_to(SOURCE).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def unsafe_call(node: ast.Call) -> str:
    """Return the problem of a call; empty if it cannot interpret HTML."""
    for keyword in node.keywords:
        if keyword.arg in PROPERTIES:
            return f"sets {keyword.arg}="
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name in BANNED_METHODS:
        return f"calls {name}"
    if name == "addRow" and any(is_text(each) and ast.unparse(each) != "''" for each in node.args):
        return "passes a text to addRow, which becomes a QLabel"  # an empty text creates no QLabel
    helper, positions = METHODS_WITH_HELPER.get(name, ("", ()))
    if any(not calls(node.args[each], helper) for each in positions):
        return f"calls {name} with a text that is not from {helper}"
    return ""


def unsafe_role(tree: ast.Module) -> Iterator[int]:
    """Find lines at which a model returns a tooltip that is not from ``tooltip_text(…)``."""
    mentions = {id(node): node.lineno for node in ast.walk(tree) if is_tooltip_role(node)}
    for case in (node for node in ast.walk(tree) if isinstance(node, ast.match_case)):
        tooltip_roles = [node for node in ast.walk(case.pattern) if is_tooltip_role(node)]
        returned = [node for each in case.body for node in ast.walk(each) if isinstance(node, ast.Return)]
        if tooltip_roles and all(node.value and calls(node.value, "tooltip_text") for node in returned):
            for node in tooltip_roles:
                del mentions[id(node)]
    yield from mentions.values()


def is_tooltip_role(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr in ("ToolTipRole", "StatusTipRole", "WhatsThisRole")


def is_markdown_without_html(node: ast.Call) -> bool:
    """Return whether a call is ``setMarkdown(text, FEATURES)``; see the test of ``FEATURES``."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return name == "setMarkdown" and [ast.unparse(each) for each in node.args[1:]] == ["FEATURES"]


def faults(tree: ast.Module, module: str = "") -> list[str]:
    found = [f"{line}: returns a tooltip without tooltip_text" for line in unsafe_role(tree)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and module == MANUAL and is_markdown_without_html(node):
            continue
        if isinstance(node, ast.Call) and (problem := unsafe_call(node)):
            found.append(f"{node.lineno}: {problem}")
        if isinstance(node, ast.Attribute) and node.attr in ("RichText", "AutoText", "MarkdownText"):
            found.append(f"{node.lineno}: uses {node.attr}")
    return found


def test_the_source_shows_text_only_through_the_helpers() -> None:
    assert {name: found for name, tree in modules() if (found := faults(tree, name))} == {}


def test_the_manual_may_be_markdown_but_not_html() -> None:
    assert QTextDocument.MarkdownFeature.MarkdownNoHTML in FEATURES
    line = "document.setMarkdown(text, FEATURES)"
    assert faults(ast.parse(line), MANUAL) == []
    assert faults(ast.parse(line), "ui/rooms/chats.py")
    assert faults(ast.parse("document.setMarkdown(text)"), MANUAL)
    assert faults(ast.parse("document.setHtml(text)"), MANUAL)


@pytest.mark.parametrize(
    "line",
    [
        "w.setToolTip(text)",
        "w.setTabToolTip(1, text)",
        "w.setTabToolTip(1, 'text')",
        "w.setWhatsThis(tooltip_text(text))",
        "QLabel(text, textFormat=x)",
        "QPushButton(text, toolTip=x)",
        "form.addRow('title', field)",
        "form.addRow(f'{title}', field)",
        "icon.showMessage(title, notification_text(text))",
        "QMessageBox.information(self, title, text)",
        "item.setData(text, Qt.ItemDataRole.ToolTipRole)",
        "match role:\n    case Qt.ItemDataRole.ToolTipRole:\n        return text",
        "label.setTextFormat(Qt.TextFormat.RichText)",
        "document.setHtml(text)",
    ],
)
def test_the_check_finds_unsafe_calls(line: str) -> None:
    assert faults(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "w.setTabToolTip(n, tooltip_text(text))",
        "set_tooltip(w, text)",
        "icon.showMessage(notification_text(title), notification_text(text), icon('app'), 8000)",
        "form.addRow('', check_box)",
        "match role:\n    case Qt.ItemDataRole.ToolTipRole if x:\n        return tooltip_text(text)",
    ],
)
def test_the_check_allows_safe_calls(line: str) -> None:
    assert faults(ast.parse(line)) == []


class LoadRecorder(QTextDocument):
    """Records the resources that its HTML loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.setHtml(html)
        self.size()

    @override
    def loadResource(self, kind: int, name: QUrl | str) -> object:
        self.loaded.append(QUrl(name).toString())
        return None


def visible_text(tooltip: str) -> str:
    """Return the visible text of a tooltip."""
    if not Qt.mightBeRichText(tooltip):
        return tooltip
    document = LoadRecorder(tooltip)
    assert document.loaded == []
    return document.toPlainText()


def test_markup_loads_a_file_where_html_is_allowed(qapp: object) -> None:
    assert set(LoadRecorder(MARKUP).loaded) == {"/tmp/canary.png"}


@pytest.mark.parametrize("text", [MARKUP, "one\ntwo", "a & b", "<", "", "  two  spaces", "&lt;", "</p><b>"])
def test_a_tooltip_shows_text_literally(qapp: object, text: str) -> None:
    assert visible_text(tooltip_text(text)) == text


@given(st.text(alphabet="<>&;'\"/abimgsrc= \n"))
def test_no_text_becomes_markup_in_a_tooltip(qapp: object, text: str) -> None:
    assert visible_text(tooltip_text(text)).strip("\n") == text.strip("\n")


def test_a_long_tooltip_is_cut(qapp: object) -> None:
    assert visible_text(tooltip_text("<" * 100_000)) == "<" * MAX_TOOLTIP_CHARS + " …"


def test_a_widget_gets_a_literal_tooltip(qapp: object) -> None:
    button = QPushButton()
    set_tooltip(button, MARKUP)
    assert visible_text(button.toolTip()) == MARKUP


def formats(root: QWidget) -> set[Qt.TextFormat]:
    return {each.textFormat() for each in root.findChildren(QLabel) if each.text()}


def test_labels_and_dialogs_show_plain_text(qapp: object, show: Callable[[QWidget], None]) -> None:
    parent = QWidget()
    label = PlainTextLabel(MARKUP, parent=parent, wordWrap=True)
    box = PlainTextMessageBox(parent, MARKUP, MARKUP, MARKUP)
    ask = PlainTextInputDialog(parent, MARKUP, MARKUP, MARKUP)
    show(parent)
    assert label.wordWrap()
    assert formats(parent) == formats(box) == formats(ask) == {Qt.TextFormat.PlainText}
    assert len([each for each in box.findChildren(QLabel) if each.text() == MARKUP]) == 2
    assert ask.textValue() == MARKUP


def test_a_notification_has_no_tags() -> None:
    assert notification_text(MARKUP) == '‹img src="/tmp/canary.png"> ‹b>bold‹/b> &lt;i> a & b'


def test_an_ampersand_in_a_name_does_not_create_a_mnemonic(qapp: object) -> None:
    label, line = PlainTextLabel(without_mnemonics("a&b")), QLineEdit()
    label.setBuddy(line)
    assert QPushButton("a&b").shortcut().toString() == "Alt+B"
    assert QPushButton(without_mnemonics("a&b")).shortcut().isEmpty()


async def test_every_label_of_every_room_and_dialog_shows_plain_text(
    window: MainWindow, companion: Companion, connect_client: Connect
) -> None:
    await connect_client()
    companion.rejection_log.add("events", MARKUP, MARKUP, MARKUP)
    window.banner.show_notice(MARKUP)
    for room in ROOMS:
        window.open_room(room.name)
    window.open_palette()
    window.open_about()
    window.show_shortcuts()
    tops = [each for each in QApplication.topLevelWidgets() if each is window or each.parent() is window]
    wrong = [
        label.text()
        for top in tops
        for label in top.findChildren(QLabel)
        if label.text() and label.textFormat() is not Qt.TextFormat.PlainText
    ]
    for dialog in window.findChildren(QDialog):
        dialog.close()
    assert wrong == []


def test_a_screen_reader_gets_the_name_and_the_text_of_a_label(qapp: QApplication) -> None:
    label = named(PlainTextLabel("12 rows shown"), "Number of rows")
    interface = QAccessible.queryAccessibleInterface(label)
    assert interface.text(QAccessible.Text.Name) == "Number of rows: 12 rows shown"
    label.setText("")
    assert interface.text(QAccessible.Text.Name) == "Number of rows"
