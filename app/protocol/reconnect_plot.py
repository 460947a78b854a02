"""Plot the attempts to reconnect of a reconnect lab run against the expected delays: compute the geometry, return
it as an SVG, and describe each attempt in words. An expected delay is that of the guide, the UI's specification,
plus what the browser may add.

Pure code without Qt. The geometry is in pixels from the top left corner; ``ui.widgets.plot_painter`` paints it. The
delay is on a logarithmic axis, on which the guide's delays are a straight line.
"""

import math
import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from app.protocol.reconnect_lab import MAX_ATTEMPTS, LabReport
from app.protocol.reconnects import SLACK_S, Attempt, Band, Browser, Verdict, band

WIDTH, HEIGHT = 720.0, 424.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 56.0, 100.0
COLUMN_SHARE = 0.62
"""Width of a band as a share of the width of its column."""
MIN_BAND = 3.0
"""Pixels: a band of 0.5 s around 115 s would be thinner than a line."""
TICKS_S = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
MORE_TICKS_S = tuple(step * 10.0**power for power in range(-1, 3) for step in (1, 1.5, 2, 3, 4, 5, 7))
"""The ticks of an axis with fewer than ``MIN_TICKS`` of the others."""
MIN_TICKS = 3
SHORTEST_S = 0.1
"""Shorter delays are drawn here."""
MARGIN = 1.25
"""Factor between the smallest or largest value and the end of the axis."""
MAX_TITLE_CHARS = 90
RADIUS = 4.5
"""Radius of the mark of an attempt that fits."""
GUIDE_TEXT, BROWSER_TEXT = f"the guide’s delay (+ {SLACK_S:g} s)", "the browser may add"
FITS_TEXT, WRONG_TEXT, UNCLEAR_TEXT = "fits", "does not fit", "not judged"
LINE_CHARS, LINES = 105, 3
"""The verdict is wrapped to this width, and cut after this many lines. The description contains all of it."""


class Box(NamedTuple):
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float


AREA = Box(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
"""Where the delays are drawn in the SVG. The rest has room for the title, the labels and the verdict."""


class Mark(NamedTuple):
    """A measured attempt: its place, its verdict and its delay in words."""

    x: float
    y: float
    verdict: Verdict
    text: str


class Column(NamedTuple):
    """An attempt: the guide's range with a tolerance, the browser's share above it, and what was measured.

    ``mark`` is None if the attempt was not seen.
    """

    x: float
    label: str
    guide: Box
    browser: Box
    mark: Mark | None


class Tick(NamedTuple):
    """A line of the axis of delays."""

    y: float
    label: str


class Plot(NamedTuple):
    """The whole plot. ``columns`` are in the order of the attempts."""

    width: float
    height: float
    area: Box
    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]


class Expected(NamedTuple):
    """An attempt that is expected: its number and its band."""

    number: int
    band: Band


def expected_attempts(browser: Browser, count: int, *, first: int = 1, counts_up: bool = True) -> list[Expected]:
    """Return ``count`` attempts of a browser that remembers no failures before number 1. A UI gives up at last."""
    if not counts_up:
        return [Expected(1, band(1, browser, index)) for index in range(first - 1, first - 1 + count)]
    numbers = range(first, min(first + count, MAX_ATTEMPTS + 1))
    return [Expected(number, band(number, browser, number - 1)) for number in numbers]


def _later(report: LabReport) -> list[Expected]:
    """Return the attempts that a run expects after the measured ones."""
    options, seen = report.options, len(report.attempts)
    before = report.attempts[-1].attempt.number if seen and options.counts_up else seen
    count = max(0, options.attempts - seen)
    return expected_attempts(report.browser, count, first=before + 1, counts_up=options.counts_up)


def plot_report(report: LabReport, area: Box = AREA) -> Plot:
    """Return the plot of a run of the reconnect lab. ``area`` is where the delays are drawn, without the labels."""
    return plot_attempts([each.attempt for each in report.attempts], _later(report), area)


def column_texts(report: LabReport) -> list[str]:
    """Return each column of the plot in words: what was measured, or what is expected."""
    later = [f"attempt {each.number} is expected after {each.band}" for each in _later(report)]
    return report.lines + later


def lab_picture(report: LabReport) -> str:
    """Return a run of the reconnect lab as an SVG document."""
    return svg(plot_report(report), lab_title(report), report.text)


def lab_title(report: LabReport) -> str:
    """Return the title of the picture of a run."""
    page = report.origin or report.user_agent or "a program"
    return f"Reconnects of {page} ({report.options.mode})"


def plot_attempts(attempts: Sequence[Attempt], later: Sequence[Expected], area: Box = AREA) -> Plot:
    """Return the plot of measured attempts, and of the expected ones that follow them."""
    bands = [each.band for each in attempts] + [each.band for each in later]
    numbers = [each.number for each in attempts] + [each.number for each in later]
    axis = _Axis.of(area, attempts, bands)
    step = area.width / max(1, len(bands))
    columns = [
        _column(axis, area.x + (index + 0.5) * step, step, numbers[index], each, _at(attempts, index))
        for index, each in enumerate(bands)
    ]
    ticks = axis.ticks(TICKS_S)
    if len(ticks) < MIN_TICKS:
        ticks = axis.ticks(MORE_TICKS_S)
    width, height = area.x + area.width + RIGHT, area.y + area.height + BOTTOM
    return Plot(width, height, area, tuple(columns), tuple(ticks))


class _Axis(NamedTuple):
    """The axis of delays, from ``shortest`` to ``longest`` seconds."""

    area: Box
    shortest: float
    longest: float

    @classmethod
    def of(cls, area: Box, attempts: Sequence[Attempt], bands: Sequence[Band]) -> "_Axis":
        delays = [max(each.after_s, SHORTEST_S) for each in attempts if each.after_s is not None]
        delays += [value for each in bands for value in (each.earliest, each.latest)] or [1.0, 10.0]
        return cls(area, min(delays) / MARGIN, max(delays) * MARGIN)

    def y(self, seconds: float) -> float:
        """Return the place of a delay. One that is too short for the axis is at its end."""
        value = min(max(seconds, self.shortest), self.longest)
        share = math.log(value / self.shortest) / math.log(self.longest / self.shortest)
        return self.area.y + self.area.height * (1 - share)

    def ticks(self, delays_s: Iterable[float]) -> list[Tick]:
        """Return the ticks for the delays that are on the axis."""
        return [Tick(self.y(each), f"{each:g} s") for each in delays_s if self.shortest <= each <= self.longest]


def _column(axis: _Axis, x: float, step: float, number: int, expected: Band, attempt: Attempt | None) -> Column:
    width = step * COLUMN_SHARE
    tolerated = min(expected.earliest + SLACK_S, expected.latest)
    low, middle, high = axis.y(expected.earliest), axis.y(tolerated), axis.y(expected.latest)
    middle = min(middle, low - MIN_BAND)
    left = x - width / 2
    mark = None
    if attempt and attempt.after_s is not None:
        mark = Mark(x, axis.y(max(attempt.after_s, SHORTEST_S)), attempt.verdict, f"{attempt.after_s:.1f} s")
    return Column(
        x,
        str(number),
        Box(left, middle, width, low - middle),
        Box(left, high, width, max(0.0, middle - high)),
        mark,
    )


def label_y(mark: Mark, column: Column) -> float:
    """Return the baseline of the text of a mark: above the band, or between the band and a mark below it."""
    is_below = mark.y > column.guide.y + column.guide.height + RADIUS
    return (mark.y if is_below else min(mark.y, column.browser.y)) - 10


def _at(attempts: Sequence[Attempt], index: int) -> Attempt | None:
    return attempts[index] if index < len(attempts) else None


# the picture

STYLE = """
text { font: 12px sans-serif; fill: #333 }
.title { font-size: 14px; font-weight: bold }
.grid { stroke: #ddd }
.guide { fill: #7fb2e5 }
.browser { fill: #c9c9c9 }
.fits { fill: #12743b }
.wrong { stroke: #b3261e; stroke-width: 2.5 }
.unclear { fill: none; stroke: #666; stroke-width: 2 }
.wrongtext { fill: #b3261e; font-weight: bold }
"""


def svg(plot: Plot, title: str, verdict: str) -> str:
    """Return the plot as an SVG document, with a title above it and a verdict below it."""
    area = plot.area
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plot.width:g} {plot.height:g}" '
        f'width="{plot.width:g}" height="{plot.height:g}" role="img">',
        f"<title>{_text(title)}</title><desc>{_text(verdict)}</desc><style>{STYLE}</style>",
        f'<rect width="{plot.width:g}" height="{plot.height:g}" fill="white"/>',
        f'<text class="title" x="{LEFT:g}" y="22">{_text(title[:MAX_TITLE_CHARS])}</text>',
        *_legend(),
    ]
    for tick in plot.ticks:
        parts.append(f'<path class="grid" d="M{area.x:g} {tick.y:.1f}h{area.width:g}"/>')
        parts.append(f'<text text-anchor="end" x="{area.x - 8:g}" y="{tick.y + 4:.1f}">{tick.label}</text>')
    for column in plot.columns:
        parts += _column_svg(column, area)
    below, center = area.y + area.height + 36, area.x + area.width / 2
    parts.append(f'<text text-anchor="middle" x="{center:g}" y="{below:g}">Attempt</text>')
    for index, line in enumerate(textwrap.wrap(verdict, LINE_CHARS)[:LINES]):
        parts.append(f'<text x="{LEFT:g}" y="{plot.height - 44 + 16 * index:g}">{_text(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> list[str]:
    entries = (
        (
            '<rect class="guide" x="{x}" y="33" width="14" height="10"/>',
            GUIDE_TEXT,
            64,
        ),
        ('<rect class="browser" x="{x}" y="33" width="14" height="10"/>', BROWSER_TEXT, 252),
        ('<circle class="fits" cx="{x}" cy="38" r="4.5"/>', FITS_TEXT, 418),
        ('<path class="wrong" d="M{x} 34l8 8m0-8l-8 8"/>', WRONG_TEXT, 474),
        ('<circle class="unclear" cx="{x}" cy="38" r="4.5"/>', UNCLEAR_TEXT, 580),
    )
    return [f'{shape.format(x=x)}<text x="{x + 20}" y="42">{label}</text>' for shape, label, x in entries]


def _column_svg(column: Column, area: Box) -> list[str]:
    parts = [_rect("browser", column.browser), _rect("guide", column.guide)]
    below = area.y + area.height + 18
    parts.append(f'<text text-anchor="middle" x="{column.x:.1f}" y="{below:g}">{column.label}</text>')
    if mark := column.mark:
        parts += [_mark(mark), _mark_label(mark, column)]
    return parts


def _mark(mark: Mark) -> str:
    match mark.verdict:
        case Verdict.FITS:
            return f'<circle class="fits" cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{RADIUS:g}"/>'
        case Verdict.UNCLEAR:
            return f'<circle class="unclear" cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{RADIUS:g}"/>'
    return f'<path class="wrong" d="M{mark.x - 5:.1f} {mark.y - 5:.1f}l10 10m0-10l-10 10"/>'


def _mark_label(mark: Mark, column: Column) -> str:
    style = "" if mark.verdict in (Verdict.FITS, Verdict.UNCLEAR) else ' class="wrongtext"'
    y = label_y(mark, column)
    return f'<text text-anchor="middle"{style} x="{mark.x:.1f}" y="{y:.1f}">{_text(mark.text)}</text>'


def _rect(style: str, box: Box) -> str:
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    return f'<rect class="{style}" {place}/>'


def _text(text: str) -> str:
    """Return text for XML, with ``?`` for characters that XML does not allow."""
    return escape("".join(each if each.isprintable() else "?" for each in text))
