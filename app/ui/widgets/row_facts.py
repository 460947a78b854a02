"""Details of a log row that has no frame, such as "connected": what happened, details, client, time and result.
The details pane (``details``) shows this widget instead of its tabs, which are for frames. The module has a table
that explains common events of the server, by their name in the log.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import REST
from app.protocol.times import local
from app.ui.models.log_text import SIGNS, client_text
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named

MEANINGS = {
    "aborted": "The companion ended a connection at once, without a closing handshake.",
    "accepting again": "The event server accepts all connections again.",
    "chat state loaded": "The chat state was replaced by a saved one.",
    "chat state reset": "The chat state was replaced by that of the first start.",
    "closed early": "A client closed its connection before it was accepted. Browsers do that now and then.",
    "connected": "A client connected to the event server.",
    "disconnected": "The connection of a client ended.",
    "disconnected after delivery": "A client disconnected so soon after an event that its UI may not show it.",
    "dropped": "An event or a frame was dropped before it changed anything.",
    "duplicate": "A message of a peer arrived again. It was confirmed, and not stored a second time.",
    "fault": "A fault that is armed acted on a frame or a REST call. The details say how, with the seed.",
    "faults armed": "Faults were armed: frames of these clients are disrupted on purpose.",
    "faults cleared": "Faults were cleared. Frames that waited were sent.",
    "identity changed": "A client acts as another user now.",
    "listening socket lost": "The system closed the port of a server. It is opened again.",
    "listening": "A server accepts connections.",
    "listening again": "The port of a server is open again.",
    "mark": "A scenario or a script set this mark in the log.",
    "not listening": "A server could not listen on its port.",
    "not primed": "A client did not get the messages that every new client gets.",
    "not sent": "An event was not sent.",
    "paused": "Sending is paused. Events that are fired now are not sent, and not sent later.",
    "peer keys changed": "A peer was seen with other keys, which are refused until you accept them.",
    "persona renamed": "A persona has another name, also in its messages.",
    "queue": "A message in the Supabase queue could not be stored in the chat state.",
    "reconnect lab": "The reconnect lab has ended, with this verdict.",
    "REST faults armed": "Faults were armed: calls of this route fail or wait on purpose.",
    "REST faults cleared": "Faults of REST calls were cleared.",
    "refused": "A connection was not accepted.",
    "refusing": "The event server refuses connections on purpose.",
    "resumed": "Sending was resumed.",
    "scenario": "A scenario reports its progress.",
    "source failed": "A source of events ended with an error.",
    "stopped listening": "A server was stopped.",
    "too fast": "A client or a peer sends more frames than its rate limit allows.",
}
"""What the events of the server mean, by their name in the log."""
REST_MEANING = "A REST call without a body."
EMPTY_MEANING = "An empty frame."


class RowFacts(QScrollArea):
    """A list of labels and texts. The texts can be selected, and scroll if they do not fit."""

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        named(self, "Details of the row")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().rangeChanged.connect(self._take_focus_if_it_scrolls)
        self.meaning = self._text("What happened")
        self.note = self._text("Details")
        self.client = self._text("Client")
        self.time = self._text("Time")
        self.result = self._text("Result")
        self._heads: dict[PlainTextLabel, PlainTextLabel] = {}
        inner = QWidget()
        self.setWidget(inner)
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 8, 8, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for line, (title, label) in enumerate((
            ("What happened", self.meaning), ("Details", self.note), ("Client", self.client), ("Time", self.time),
            ("Result", self.result),
        )):  # fmt: skip
            head = self._heads[label] = PlainTextLabel(title)
            head.setObjectName("muted")
            grid.addWidget(head, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, line, 1)
        grid.setRowStretch(len(self._heads), 1)

    def show_row(self, row: Row) -> None:
        """Show what is known about a row. A line without a text is hidden."""
        self.verticalScrollBar().setValue(0)
        moment = local(row.wall)
        for label, text in (
            (self.meaning, meaning_of(row)),
            (self.note, row.note),
            (self.client, "" if row.client == REST else client_text(row.kind, row.client, row.user)),
            (self.time, f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"),
            (self.result, f"{SIGNS[row.verdict]}{row.verdict}" if row.verdict is not Verdict.OK else ""),
        ):
            label.setText(text)
            for each in (label, self._heads[label]):
                each.setVisible(bool(text))

    def _take_focus_if_it_scrolls(self, _: int, end: int) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if end else Qt.FocusPolicy.NoFocus)

    @staticmethod
    def _text(name: str) -> PlainTextLabel:
        label = named(PlainTextLabel(wordWrap=True), name)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setMinimumWidth(1)  # a long note must not widen the window
        return label


def meaning_of(row: Row) -> str:
    """Return what a row without a frame means, in a sentence; empty if it is not known."""
    if row.kind is Kind.SERVER:
        return MEANINGS.get(row.event, "")
    return REST_MEANING if row.origin == REST else EMPTY_MEANING
