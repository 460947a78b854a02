"""The plot of reconnects: its geometry, and the SVG."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from app.protocol import reconnects as maths
from app.protocol.constants import reconnect_delay_ms
from app.protocol.reconnect_lab import LabOptions, LabReport
from app.protocol.reconnect_plot import (
    MIN_BAND,
    Plot,
    column_texts,
    expected_attempts,
    lab_picture,
    plot_attempts,
    plot_report,
)
from app.protocol.reconnect_report import Measured
from app.protocol.reconnects import Attempt, Browser, Verdict
from app.protocol.refusals import parse_mode

SVG = "{http://www.w3.org/2000/svg}"


def attempt(number: int, after_s: float, browser: Browser = Browser.CHROMIUM) -> Attempt:
    return maths.judge(number, after_s, maths.band(number, browser, number - 1))


def report(
    *attempts: Attempt, mode: str = "503", wanted: int = 5, origin: str = "http://localhost:1420"
) -> LabReport:
    measured = tuple(Measured(each, 0.0, 0.0, None, False) for each in attempts)
    return LabReport(LabOptions(parse_mode(mode), wanted), origin, "Chrome/140", Browser.CHROMIUM, (1,), measured)


def plot(*attempts: Attempt, browser: Browser = Browser.CHROMIUM, count: int = 10) -> Plot:
    return plot_attempts(attempts, expected_attempts(browser, count)[len(attempts) :])


def test_the_guides_delays_are_a_straight_line_of_columns() -> None:
    columns = plot().columns
    assert [each.label for each in columns] == [str(number) for number in range(1, 11)]
    lows = [each.guide.y + each.guide.height for each in columns]
    steps = [before - after for before, after in pairwise(lows)]
    assert max(steps) - min(steps) < 0.1
    assert min(steps) > 0
    assert all(each.mark is None for each in columns)
    assert all(each.guide.height >= MIN_BAND for each in columns)


def test_a_mark_is_in_the_band_exactly_if_the_attempt_fits() -> None:
    first, second, third = plot(attempt(1, 3.2), attempt(2, 2.0), attempt(3, 9.0)).columns[:3]
    assert first.mark
    assert second.mark
    assert third.mark
    assert first.guide.y < first.mark.y < first.guide.y + first.guide.height
    assert second.mark.y > second.guide.y + second.guide.height, "too early is below the band"
    assert third.mark.y < third.browser.y, "too late is above it"
    assert [each.mark.verdict for each in (first, second, third) if each.mark] == ["fits", "early", "late"]
    assert first.mark.text == "3.2 s"


def test_the_share_of_the_browser_is_above_that_of_the_guide() -> None:
    (firefox,) = plot(browser=Browser.FIREFOX, count=2).columns[1:]
    assert firefox.browser.height > 1
    assert firefox.browser.y + firefox.browser.height == firefox.guide.y
    (unknown,) = plot(browser=Browser.UNKNOWN, count=1).columns
    assert unknown.browser.height > unknown.guide.height


@pytest.mark.parametrize("after_s", [0.0, 0.0001, 10_000.0])
def test_every_delay_is_within_the_plot(after_s: float) -> None:
    found = plot(attempt(1, after_s))
    mark = found.columns[0].mark
    assert mark
    assert found.area.y <= mark.y <= found.area.y + found.area.height
    assert found.ticks
    assert all(found.area.y <= each.y <= found.area.y + found.area.height for each in found.ticks)


def test_columns_of_connections_that_were_closed_at_once_have_the_same_number() -> None:
    found = plot_report(report(attempt(1, 3.1), attempt(1, 3.1), mode="close:1013", wanted=3))
    assert [each.label for each in found.columns] == ["1", "1", "1"]
    assert found.columns[0].guide.y == found.columns[2].guide.y


def test_attempts_that_are_expected_follow_the_measured_ones() -> None:
    found = plot_report(report(attempt(1, 3.1), attempt(2, 4.6)))
    assert [each.label for each in found.columns] == ["1", "2", "3", "4", "5"]
    assert [each.mark is not None for each in found.columns] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("measured", "later"), [((1, 1), (2, 3, 4)), ((3,), (4, 5, 6, 7)), ((9,), (10,)), ((), (1, 2, 3, 4, 5))]
)
def test_an_expected_attempt_has_label_band_and_text_of_one_number(
    measured: tuple[int, ...], later: tuple[int, ...]
) -> None:
    """Two tabs may both make their first attempt, and the first attempt that is seen may be a later one."""
    run = report(*(attempt(number, reconnect_delay_ms(number) / 1000) for number in measured))
    found = plot_report(run)
    assert [each.label for each in found.columns] == [str(each) for each in (*measured, *later)]
    lows = [each.guide.y + each.guide.height for each in found.columns[len(measured) :]]
    assert lows == sorted(lows, reverse=True)
    assert column_texts(run)[len(measured) :] == [
        f"attempt {number} is expected after {maths.band(number, Browser.CHROMIUM, number - 1)}" for number in later
    ]


def test_more_attempts_than_expected_have_columns_of_their_own() -> None:
    extra = Attempt(11, reconnect_delay_ms(11) / 1000, maths.band(11, Browser.CHROMIUM, 10), Verdict.EXTRA)
    found = plot_report(
        report(*(attempt(number, reconnect_delay_ms(number) / 1000) for number in range(1, 11)), extra)
    )
    assert found.columns[-1].label == "11"


def test_more_attempts_than_the_guide_allows_are_said_to_be_more() -> None:
    attempts = [attempt(number, reconnect_delay_ms(number) / 1000) for number in range(1, 12)]
    assert report(*attempts).text.startswith("11 attempts seen, 10 expected · attempt 11 after ")


def test_the_picture_is_xml_with_the_verdict_also_for_hostile_texts() -> None:
    origin = 'http://x"><script>alert(1)</script>&\x00\x1b\ufffe\ud800'
    picture = lab_picture(report(attempt(1, 3.1), attempt(2, 2.0), origin=origin))
    root = ET.fromstring(picture.encode())
    assert root.tag == f"{SVG}svg"
    assert not list(root.iter(f"{SVG}script"))
    description = root.find(f"{SVG}desc")
    assert description is not None
    assert description.text == "2 of 10 attempts seen · attempt 2 after 2.0 s (4.5 s) ✗ too early"
    assert len(root.findall(f"{SVG}circle[@class='fits']")) == 2  # one in the legend
    assert len(root.findall(f"{SVG}path[@class='wrong']")) == 2
    assert len(root.findall(f"{SVG}rect[@class='guide']")) == 6


def test_an_empty_plot_has_no_columns() -> None:
    assert plot_attempts((), ()).columns == ()


def test_a_short_axis_has_enough_ticks() -> None:
    assert [each.label for each in plot(count=2).ticks] == ["3 s", "4 s", "5 s"]
    assert [each.label for each in plot().ticks] == ["3 s", "10 s", "30 s", "100 s"]
