"""Colours with sufficient contrast, and icons for every state."""

import re
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import asdict
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage, QPainter, QRegion
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionViewItem, QWidget

from app.hub.journal import Journal, Kind, Verdict
from app.protocol.backend import Conversation, Person
from app.ui import theme
from app.ui.icons import icon
from app.ui.models.conversations import ConversationDelegate, ConversationsModel
from app.ui.models.event_log import Col, EventLogModel
from app.ui.theme import DARK, LIGHT, Colors
from app.ui.widgets.switch import Switch
from resources import FOLDER

pytestmark = pytest.mark.usefixtures("styled")

READABLE = 4.5
"""WCAG 2 AA for text."""
VISIBLE = 3.0
"""WCAG 2 AA for the borders of inputs and for states (1.4.11)."""


ApplyTheme = Callable[[str], None]


def luminance(name: str) -> float:
    color = QColor(name)
    assert color.isValid(), name
    channels = (color.redF(), color.greenF(), color.blueF())
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_calculated_as_in_wcag_2() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["surface", "window"])
@pytest.mark.parametrize("ink", ["text", "muted", "accent", "ok", "warning", "error"])
def test_text_is_readable(scheme: Colors, ground: str, ink: str) -> None:
    colors = asdict(scheme)
    assert contrast(colors[ink], colors[ground]) >= READABLE


DEFAULT_BACKGROUNDS = ("surface", "window")
"""The backgrounds of texts whose rule in the style sheet sets none."""
PAINTED_PAIRS = {
    ("text", "accent_soft"), ("text", "hover"), ("muted", "hover"), ("warning", "warning_soft"), ("error", "hover"),
    ("text", "raised"), ("accent", "raised"), ("ok", "raised"),
    ("error", "accent_soft"), ("warning", "accent_soft"),
}  # fmt: skip
"""Pairs that widgets paint themselves: selected rows, badges, JSON and code in boxes."""


def pairs_of_the_style_sheet() -> set[tuple[str, str]]:
    """Return the pairs of text colour and background. Disabled controls are exempt, as in WCAG 2."""
    sheet = (FOLDER / "style.qss").read_text(encoding="utf-8")
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    pairs: set[tuple[str, str]] = set()
    own: dict[str, str] = {}  # the text colours of selectors without a state
    for selectors, body in re.findall(r"([^{}]+){([^{}]*)}", sheet):
        if all(":disabled" in each for each in selectors.split(",")):
            continue
        rules = dict(re.findall(r"(?:^|;)\s*([a-z-]+)\s*:\s*([^;]+)", body))
        first = selectors.split(",")[0].strip()
        if "color" in rules and ":" not in first:
            own[first] = rules["color"].strip().removeprefix("$")
        for ink, ground in (("color", "background"), ("selection-color", "selection-background-color")):
            colors = [rules.get(each, "").strip().removeprefix("$") for each in (ink, ground)]
            if colors[0].startswith("#"):
                continue  # a widget of Qt's own with a fixed background: the tray's notification
            if colors[0]:
                pairs |= {
                    (colors[0], each) for each in ((colors[1],) if colors[1] in ROLES else DEFAULT_BACKGROUNDS)
                }
            elif colors[1] in ROLES and ground == "background" and "::" not in selectors:
                pairs.add((own.get(first.split(":")[0], "text"), colors[1]))
    return pairs


INPUTS = ("QLineEdit", "QPlainTextEdit", "QComboBox", "QAbstractSpinBox", "QCheckBox::indicator")


def borders_of_inputs() -> set[tuple[str, str]]:
    """Return the border colour of every input in the style sheet, with each colour that it must differ from.

    These are its background and those around it. Disabled and read-only inputs are exempt (WCAG 1.4.11).
    """
    sheet = re.sub(r"/\*.*?\*/", "", (FOLDER / "style.qss").read_text("utf-8"), flags=re.DOTALL)
    borders: dict[str, str] = {}
    grounds: dict[str, str] = {}
    for selectors, body in re.findall(r"([^{}]+){([^{}]*)}", sheet):
        rules = dict(re.findall(r"(?:^|;)\s*([a-z-]+)\s*:\s*([^;]+)", body))
        for selector in (each.strip() for each in selectors.split(",")):
            kind = re.match(r"\w+(::indicator)?", selector)
            exempt = ":disabled" in selector or "readOnly" in selector or " " in selector
            if not kind or kind.group() not in INPUTS or exempt:
                continue
            border = rules.get("border-color") or rules.get("border", "")
            if found := re.search(r"\$(\w+)", border):
                borders[selector] = found.group(1)
            if found := re.fullmatch(r"\$(\w+)", rules.get("background", "").strip()):
                grounds[selector] = found.group(1)
    pairs = set()
    for selector, border in borders.items():
        pairs |= {(border, each) for each in DEFAULT_BACKGROUNDS}
        pairs |= {
            (border, ground)
            for each, ground in grounds.items()
            # The background of the input itself, or of one with an ID or a state that has the same border.
            if each == selector or (re.split("[#:]", each)[0] == selector and each not in borders)
        }
    return {(border, ground) for border, ground in pairs if border != ground}  # a checked box is filled


def test_the_borders_of_inputs_are_found() -> None:
    pairs = borders_of_inputs()
    assert {("outline", "window"), ("outline", "warning_soft"), ("accent", "surface"), ("text", "window")} <= pairs
    assert not {"border", "faint"} & {border for border, _ in pairs}


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_borders_of_inputs_are_visible(scheme: Colors) -> None:
    colors = asdict(scheme)
    ratios = {pair: round(contrast(colors[pair[0]], colors[pair[1]]), 2) for pair in borders_of_inputs()}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < VISIBLE} == {}


def strongest_contrast(image: QImage, ground: str) -> float:
    """Return the contrast of the pixel that differs most from the colour ``ground``."""
    pixels = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    return max(contrast(each, ground) for each in pixels)


@pytest.mark.parametrize(("name", "scheme"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("online", [False, True])
def test_the_dot_of_a_friend_is_visible(
    apply_theme: ApplyTheme, name: str, scheme: Colors, selected: bool, online: bool
) -> None:
    apply_theme(name)
    model = ConversationsModel()
    model.show_chats([Conversation(person=Person(username="bob", online=online))])
    option = QStyleOptionViewItem()
    option.rect = QRect(0, 0, 200, 54)
    if selected:
        option.state |= QStyle.StateFlag.State_Selected
    ground = scheme.accent_soft if selected else scheme.surface
    image = QImage(200, 54, QImage.Format.Format_RGB32)
    image.fill(QColor(ground))
    with QPainter(image) as painter:
        ConversationDelegate().paint(painter, option, model.index(0, 0))
    dot = image.copy(QRect(12, 0, 20, 54))  # left of the name
    assert strongest_contrast(dot, ground) >= VISIBLE


@pytest.mark.parametrize(("name", "scheme"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("on", [False, True])
def test_a_switch_is_visible(apply_theme: ApplyTheme, name: str, scheme: Colors, on: bool) -> None:
    apply_theme(name)
    switch = Switch()
    switch.setChecked(on)
    switch.resize(36, 20)
    image = QImage(switch.size(), QImage.Format.Format_RGB32)
    image.fill(QColor(scheme.window))
    switch.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    assert strongest_contrast(image.copy(QRect(0, 8, 3, 4)), scheme.window) >= VISIBLE, "its left edge"


ROLES = set(asdict(LIGHT))
WITHOUT_TEXT = {("text", "border"), ("text", "faint")}
"""Handles of splitters: there is no text on them."""


def test_the_pairs_of_the_style_sheet_are_found() -> None:
    pairs = pairs_of_the_style_sheet()
    assert {("on_accent", "accent"), ("muted", "surface"), ("text", "warning_soft"), ("error", "window")} <= pairs
    assert {each for pair in pairs for each in pair} <= ROLES


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_colours_in_use_is_readable(scheme: Colors) -> None:
    colors = asdict(scheme)
    pairs = (pairs_of_the_style_sheet() | PAINTED_PAIRS) - WITHOUT_TEXT
    ratios = {pair: round(contrast(colors[pair[0]], colors[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < READABLE} == {}


@pytest.fixture
def apply_theme(qapp: QApplication) -> Iterator[ApplyTheme]:
    yield lambda name: theme.apply(qapp, name)
    theme.apply(qapp, "light")


def test_apply_sets_the_colours_of_the_theme(apply_theme: ApplyTheme) -> None:
    apply_theme("dark")
    assert theme.colors() is DARK
    apply_theme("light")
    assert theme.colors() is LIGHT


@pytest.mark.parametrize(("name", "scheme"), [("light", LIGHT), ("dark", DARK)])
def test_rows_have_readable_colours_of_the_theme(apply_theme: ApplyTheme, name: str, scheme: Colors) -> None:
    journal = Journal()
    for kind in Kind:
        for verdict in Verdict:
            journal.append(kind, "typing", payload=b"{}", verdict=verdict)
    model = EventLogModel(journal)
    apply_theme(name)
    used = set()
    for line in range(model.rowCount()):
        for column in Col:
            color = model.data(model.index(line, column), 9)  # Qt.ItemDataRole.ForegroundRole
            if color is not None:
                used.add(color.name())
                assert contrast(color.name(), scheme.surface) >= READABLE
    assert used == {scheme.error, scheme.warning, scheme.accent, scheme.ok, scheme.muted}
    model.close()


@pytest.mark.parametrize("state", ["listening", "connected", "paused", "busy", "stopped"])
def test_every_state_has_an_icon_at_every_size(state: str) -> None:
    built = icon(f"tray/{state}")
    for size in (16, 22, 24, 32, 48, 64):
        image = built.pixmap(size, size).toImage()
        assert any(image.pixelColor(x, y).alpha() for x in range(size) for y in range(size))


def test_the_icons_of_the_states_differ_by_shape() -> None:
    def shape(state: str) -> tuple[bool, ...]:
        image = icon(f"tray/{state}").pixmap(32, 32).toImage()
        pixels = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
        return tuple(
            pixel.alpha() > 127 and pixel.lightness() < 220 for pixel in pixels
        )  # the symbols inside are white

    shapes = [shape(state) for state in ("listening", "connected", "paused", "busy", "stopped")]
    for number, first in enumerate(shapes):
        for second in shapes[number + 1 :]:
            assert sum(a != b for a, b in zip(first, second, strict=True)) >= 20
