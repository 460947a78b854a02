"""The table model of the reconnect panel in Clients: how UI pages reconnect, compared with the guide.
Each browser at an origin (all its tabs together) or other program has a line per measured or missing attempt to
reconnect, the newest first. Above them are a line for what it does now, unless it is connected, and one about
jitter, if there is something to say. The guide is the UI's specification, which requires the delays.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import takewhile
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.protocol.reconnect_report import Measured, ReconnectReport, ReconnectState
from app.protocol.reconnects import Browser, Verdict
from app.ui import theme
from app.ui.models.log_text import clock
from app.ui.models.titled_table import TitledTable

MAX_CHARS = 80
BAD = (Verdict.EARLY, Verdict.LATE, Verdict.EXTRA, Verdict.MISSING)


class Col(IntEnum):
    """Columns, left to right."""

    TIME = 0
    PAGE = 1
    CLIENT = 2
    VERDICT = 3


TITLES = ("Time", "Page", "Client", "Reconnect")


class Line(NamedTuple):
    """A line of the table. ``bad``: the UI deviates from the guide."""

    time: str
    page: str
    client: str
    text: str
    bad: bool


def page_title(report: ReconnectReport) -> str:
    """Return the Origin and the browser of a lineage, in a few words."""
    browser = report.user_agent if report.browser is Browser.UNKNOWN else report.browser.title()
    return " · ".join(part[:MAX_CHARS] for part in (report.origin or "no browser", browser) if part)


def is_worth_showing(report: ReconnectReport) -> bool:
    """Return whether an attempt was measured or is expected."""
    return bool(report.attempts) or report.state not in (ReconnectState.CONNECTED, ReconnectState.CLOSED)


def lines_of(reports: Iterable[ReconnectReport]) -> list[Line]:
    """Return the lines of some lineages: what each does now unless it is connected, and its attempts."""
    lines = []
    for report in reports:
        page = page_title(report)
        attempts = [
            Line(
                clock(each.wall)[:8], page, _client_text(each), each.text, each.attempt.verdict in BAD
            )
            for each in reversed(report.attempts)
        ]  # fmt: skip
        if report.state is not ReconnectState.CONNECTED:
            bad = report.state is ReconnectState.GAVE_UP and report.verdict in BAD
            lines.append(Line("now", page, "–", report.text, bad))
        if report.jitter:
            lines.append(Line("–", page, "–", report.jitter, bad=False))
        lines += attempts
    return lines


def _client_text(measured: Measured) -> str:
    if measured.attempt.after_s is None:
        return "–"
    return "refused" if measured.client is None else str(measured.client)


class ReconnectsModel(TitledTable[Line]):
    """One line per attempt, and one per page that is not connected."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines. Unchanged ones at both ends stay, with their selection."""
        old = self._lines
        same = takewhile(lambda pair: pair[0] == pair[1], zip(old, lines, strict=False))
        first = sum(1 for _ in same)
        rest = min(len(old), len(lines)) - first
        same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(old), reversed(lines), strict=False))
        last = min(sum(1 for _ in same), rest)
        none = QModelIndex()
        if len(old) - last > first:
            self.beginRemoveRows(none, first, len(old) - last - 1)
            self._lines = [*old[:first], *old[len(old) - last :]]
            self.endRemoveRows()
        if len(lines) - last > first:
            self.beginInsertRows(none, first, len(lines) - last - 1)
            self._lines = list(lines)
            self.endInsertRows()

    @override
    def text(self, line: Line, column: int) -> str:
        return str(line[column])

    @override
    def other_data(self, line: Line, column: int, role: int) -> QColor | None:
        is_bad = line.bad and column == Col.VERDICT
        return QColor(theme.colors().error) if is_bad and role == Qt.ItemDataRole.ForegroundRole else None
