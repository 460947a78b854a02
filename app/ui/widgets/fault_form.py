"""The form of the Faults room for faults without a profile, written as text such as ``loss=0.5 latency=200``.
One part takes faults of frames, with a direction and a filter; the other takes a route, and effects on its REST
calls. Menus insert examples. Each part is checked while the user types; what it does, or what is wrong with it, is
shown below the text. The room arms the faults.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.protocol.errors import Invalid
from app.protocol.faults.kinds import DIRECTIONS, AnyFault
from app.protocol.faults.rest import RestFault, parse_rest_fault, why_no_calls
from app.protocol.faults.words import InvalidFault, parse_fault
from app.ui.models.fault_text import DIRECTION_TITLES, explain, explain_rest
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

MAX_WIDTH = 720
KINDS = {
    "latency=200~50": "Delay each frame by 200 ms, plus or minus 50 ms",
    "bandwidth=50": "Send at most 50 kilobytes per second",
    "loss=0.1": "Drop 10 % of the frames; loss=0.1,correlation=0.5 drops them in bursts",
    "duplicate=0.1": "Send 10 % of the frames twice",
    "reorder=3": "Send half of the frames after up to 3 later ones",
    "truncate,bytes=20": "Cut each frame after 20 bytes; truncate alone cuts at a random place",
    "corrupt=0.1": "Replace a character in 10 % of the frames; corrupt=0.1,utf8=false makes them invalid UTF-8",
    "stall=20,for=3000": "Pause for 3 s after every 20 frames",
    "limit=50": "Close the connection after every 50 frames; limit=50,then=reset resets it",
}
"""The word that the menu inserts for each kind of fault, and what it does."""
EFFECTS = {
    "status=503": "Answer with this status; the call changes nothing",
    "delay=300": "Answer 300 ms later",
    "jitter=100": "Vary the delay by up to 100 ms",
    "offline": "Reset the connection; the call changes nothing",
    "hang": "Never answer; the call changes nothing",
    "wrong-json": "Cut the JSON of the answer",
    "no-cors": "Leave out the header that lets a page read the answer",
    "rate=0.5": "Act on half of the calls",
    "count=3": "Act three times, then no more",
}
"""The words for REST calls that the menu inserts, and what they do."""
ROUTES = ("POST /messages", "GET /messages*", "GET /friends", "GET /status", "* /*")
WORDS_HINT = "Write one or more faults, or add them from the menu."
REST_HINT = "Write a method and a path, and what happens to these calls. * stands for any method or text."


class OwnFaults(NamedTuple):
    """What the form describes."""

    faults: tuple[AnyFault, ...] = ()
    rest: RestFault | None = None

    def __bool__(self) -> bool:
        return bool(self.faults or self.rest)


class FaultForm(QWidget):
    """Faults of frames and of REST calls, as words."""

    submitted = Signal()
    """Emitted when the user presses Enter in a field."""
    changed = Signal()
    """Emitted when the user has changed anything."""

    def __init__(self, check: Callable[[Sequence[AnyFault]], None]) -> None:
        """``check`` raises ``Invalid`` if faults cannot be armed."""
        super().__init__()
        self._check_faults = check
        self.words = named(LineEdit(limit=2000, placeholder="loss=0.5 latency=200~50"), "Faults of frames")
        self.add = _menu_button("Add fault", self.words, KINDS)
        self.frames_info = named(PlainTextLabel(wordWrap=True), "About the faults of frames", style_id="muted")
        self.direction = named(QComboBox(), "Direction", tip="Which frames the faults act on")
        for direction in DIRECTIONS:
            self.direction.addItem(DIRECTION_TITLES[direction], direction)
        self.only = named(
            LineEdit(limit=500, placeholder="event:typing", clear_button=True), "Only",
            tip="A filter as in Events: the faults act only on the frames that match it",
        )  # fmt: skip
        self.route = named(QComboBox(editable=True), "REST route", tip="Method and path of the calls")
        self.route_text = named(LineEdit(limit=200, placeholder="POST /messages"), "REST route")
        self.route.setLineEdit(self.route_text)
        self.route.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.route.addItems(ROUTES)
        self.route.setCurrentIndex(-1)
        self.effects = named(LineEdit(limit=2000, placeholder="status=503 rate=0.5"), "Effects on REST calls")
        self.add_effect = _menu_button("Add effect", self.effects, EFFECTS)
        self.rest_info = named(PlainTextLabel(wordWrap=True), "About the faults of REST calls", style_id="muted")
        self.problem = ""
        """Why nothing can be armed, or an empty text."""
        self.own = OwnFaults()
        """What the form describes, if there is no problem."""
        self._lay_out()
        for field in (self.words, self.only, self.effects):
            field.textChanged.connect(lambda _: self._check())
            field.returnPressed.connect(self.submitted)
        self.direction.currentIndexChanged.connect(lambda _: self._check())
        self.route.currentTextChanged.connect(lambda _: self._check())
        self.route_text.returnPressed.connect(self.submitted)
        self.setFocusProxy(self.words)
        self._check()

    def clear(self) -> None:
        """Empty all fields."""
        for field in (self.words, self.only, self.effects):
            field.clear()
        self.route.setCurrentIndex(-1)
        self.route.clearEditText()
        self.direction.setCurrentIndex(0)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for info in (self.frames_info, self.rest_info):
            info.setMinimumSize(1, 2 * info.fontMetrics().lineSpacing())  # the fields below must not move
            info.setAlignment(Qt.AlignmentFlag.AlignTop)
        choice = QHBoxLayout()
        choice.setSpacing(8)
        choice.addWidget(self.direction)
        choice.addWidget(_label("Only", self.only))
        choice.addWidget(self.only, 1)
        effects = QHBoxLayout()
        effects.setSpacing(8)
        self.route.setMinimumWidth(180)
        effects.addWidget(self.route)
        effects.addWidget(self.effects, 1)
        grid.addWidget(_label("Frames", self.words), 0, 0)
        grid.addWidget(self.words, 0, 1)
        grid.addWidget(self.add, 0, 2)
        grid.addWidget(self.frames_info, 1, 1, 1, 2)
        grid.addWidget(_label("Direction", self.direction), 2, 0)
        grid.addLayout(choice, 2, 1, 1, 2)
        grid.setRowMinimumHeight(3, 8)
        grid.addWidget(_label("REST calls", self.route), 4, 0)
        grid.addLayout(effects, 4, 1)
        grid.addWidget(self.add_effect, 4, 2)
        grid.addWidget(self.rest_info, 5, 1, 1, 2)
        inner = QWidget()
        inner.setMaximumWidth(MAX_WIDTH)
        inner.setLayout(grid)
        grid.setContentsMargins(0, 0, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 8)
        line = QHBoxLayout()
        line.addWidget(inner, 1)
        line.addStretch(0)
        column.addLayout(line)
        column.addStretch(1)

    def _check(self) -> None:
        faults, frames_problem, frames_text = self._read_frames()
        rest, rest_problem, rest_text = self._read_rest()
        _show(self.frames_info, frames_problem or frames_text, bad=bool(frames_problem))
        _show(self.rest_info, rest_problem or rest_text, bad=bool(rest_problem))
        self.problem = frames_problem or rest_problem
        self.own = OwnFaults() if self.problem else OwnFaults(faults, rest)
        self.changed.emit()

    def _read_frames(self) -> tuple[tuple[AnyFault, ...], str, str]:
        """Return the faults of frames, what is wrong with them, and what they do."""
        words, only = self.words.text().split(), self.only.text().strip()
        try:
            faults = tuple(parse_fault(each, self.direction.currentData(), only) for each in words)
            self._check_faults(faults)
        except (InvalidFault, Invalid) as error:
            return (), str(error), ""
        return faults, "", explain(faults) or WORDS_HINT

    def _read_rest(self) -> tuple[RestFault | None, str, str]:
        """Return the fault of REST calls, what is wrong with it, and what it does."""
        route, effects = self.route.currentText().strip(), self.effects.text().split()
        if not (route or effects):
            return None, "", REST_HINT
        try:
            fault = parse_rest_fault(route, effects)
        except InvalidFault as error:
            return None, str(error), ""
        return fault, "", " ".join(filter(None, (explain_rest(fault), why_no_calls(fault))))


def _label(text: str, buddy: QWidget) -> PlainTextLabel:
    label = PlainTextLabel(text)
    label.setObjectName("muted")
    label.setBuddy(buddy)
    return label


def _menu_button(title: str, field: LineEdit, words: Mapping[str, str]) -> QPushButton:
    """Return a button with a menu whose entries add a word to a field."""
    button = named(QPushButton(title), title, style_id="menuButton")
    menu = QMenu(button)
    menu.setToolTipsVisible(True)
    for word, meaning in words.items():
        action = menu.addAction(f"{word}\t{meaning.partition(';')[0]}")
        set_tooltip(action, meaning)
        action.triggered.connect(lambda _=False, word=word: _add(field, word))
    button.setMenu(menu)
    return button


def _add(field: LineEdit, word: str) -> None:
    """Add a word to a field, in place of the one of the same kind, if there is one."""
    others = [each for each in field.text().split() if _kind(each) != _kind(word)]
    field.setText(" ".join([*others, word]))
    field.setFocus()


def _kind(word: str) -> str:
    return word.partition(",")[0].partition("=")[0]


def _show(label: PlainTextLabel, text: str, *, bad: bool) -> None:
    label.setText(text)
    style = "problem" if bad else "muted"
    if label.objectName() != style:
        label.setObjectName(style)
        label.style().polish(label)
