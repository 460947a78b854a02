"""The light and the dark colour scheme: colours by role, Qt's colour palette, and the style sheet of the windows.
``apply`` switches palette and style sheet to a theme: light, dark, or that of the system. The caller then calls
``recolor`` of the windows, for icons and highlighted text. ``style_window`` must be called for each new window
without a parent. The text of the style sheet is ``resources/style.qss``. ``palette`` is the command palette.
"""

from string import Template

from msgspec import Struct
from msgspec.structs import asdict
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from resources import FOLDER

FONT_PIXELS = 13
"""The font size of the style sheet."""
_SHEET = "style sheet of the theme"
"""The property of the application that contains the style sheet."""


class Colors(Struct, frozen=True):
    """A colour scheme. The field names are the placeholders in ``resources/style.qss``.

    ``border`` separates areas. ``outline`` surrounds inputs and states: its contrast is 3:1 on every background.
    """

    window: str
    surface: str
    raised: str
    hover: str
    border: str
    outline: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    accent_soft: str
    on_accent: str
    ok: str
    warning: str
    warning_soft: str
    error: str
    error_soft: str


LIGHT = Colors(
    window="#f5f5f7", surface="#ffffff", raised="#fafafb", hover="#ececf1", border="#dcdce3",
    outline="#7f828d", text="#1b1c20", muted="#61646f", faint="#9598a3", accent="#5753c6", accent_hover="#4a46b4",
    accent_soft="#e9e8fb", on_accent="#ffffff", ok="#1f7a4d", warning="#985900", warning_soft="#fdf1dc",
    error="#c4262c", error_soft="#fde8e8",
)  # fmt: skip
DARK = Colors(
    window="#17181c", surface="#1e2025", raised="#25272d", hover="#2d3037", border="#363942",
    outline="#7a7e8a", text="#e9eaee", muted="#a3a6b2", faint="#767a86", accent="#8f8bf5", accent_hover="#a4a1f8",
    accent_soft="#2f2e57", on_accent="#14141c", ok="#56c48c", warning="#e8b04b", warning_soft="#3a2f18",
    error="#ff7b7f", error_soft="#42201f",
)  # fmt: skip


def colors() -> Colors:
    """Return the colour scheme in use."""
    return DARK if QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def mono() -> QFont:
    """Return the fixed-width font for frames and numbers."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def apply(app: QApplication, theme: str) -> None:
    """Apply a theme (``system``, ``light`` or ``dark``): the palette, and the style sheet of all styled windows."""
    hints = app.styleHints()
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    dark = schemes.get(theme, hints.colorScheme()) is Qt.ColorScheme.Dark
    scheme = DARK if dark else LIGHT
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(scheme))
    font = app.font()
    font.setPixelSize(FONT_PIXELS)  # as in the style sheet, for widgets that measure text before they have a window
    app.setFont(font)
    pictures = {
        name: FOLDER / "icons" / "style" / f"{name}-{'dark' if dark else 'light'}.svg"
        for name in ("chevron", "right", "check")
    }
    paths = {name: path.as_posix() for name, path in pictures.items()}
    sheet = (FOLDER / "style.qss").read_text(encoding="utf-8")
    app.setProperty(_SHEET, Template(sheet).substitute(asdict(scheme), **paths))
    for widget in app.topLevelWidgets():
        if widget.styleSheet():
            style_window(widget)


def style_window(window: QWidget) -> None:
    """Give a window the style sheet of the theme. Its children and their dialogs and menus inherit it.

    The application has none, because Qt would then style the widgets of a room again for each of their ancestors
    that is put into a layout. Call this for every widget that has no parent when it is shown.
    """
    app = QApplication.instance()
    assert app
    window.setStyleSheet(app.property(_SHEET) or "")


def _palette(scheme: Colors) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for each, name in {
        role.Window: scheme.window, role.WindowText: scheme.text, role.Base: scheme.surface,
        role.AlternateBase: scheme.raised, role.Text: scheme.text, role.Button: scheme.raised,
        role.ButtonText: scheme.text, role.ToolTipBase: scheme.raised, role.ToolTipText: scheme.text,
        role.PlaceholderText: scheme.muted, role.Highlight: scheme.accent_soft,
        role.HighlightedText: scheme.text, role.Link: scheme.accent, role.Mid: scheme.border,
        role.Accent: scheme.accent,
    }.items():  # fmt: skip
        palette.setColor(each, QColor(name))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(scheme.faint))
    return palette
