"""The expected delay of a reconnect, and the verdict on a measured one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, reconnect_delay_ms
from app.protocol.reconnects import (
    EARLY_S,
    SLACK_S,
    Attempt,
    Browser,
    Verdict,
    band,
    browser_of,
    browser_share,
    failures_that_count,
    gave_up,
    jitter,
    judge,
    likely_number,
    unseen_attempts,
)

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WEBKIT = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"

attempts = st.integers(1, WS_MAX_RECONNECT_ATTEMPTS)
failures = st.integers(0, 40)
browsers = st.sampled_from(Browser)


def attempt(number: int, after_s: float, failed: int = 0, browser: Browser = Browser.CHROMIUM) -> Attempt:
    return judge(number, after_s, band(number, browser, failed))


@given(attempts, browsers, failures)
def test_the_band_begins_with_the_delay_of_the_guide_and_grows_with_the_failures(
    number: int, browser: Browser, failed: int
) -> None:
    found = band(number, browser, failed)
    assert found.earliest == reconnect_delay_ms(number) / 1000
    assert math.isclose(found.latest, found.earliest + found.browser_s + SLACK_S)
    assert band(number, browser, failed + 1).latest >= found.latest


@given(attempts, failures, st.integers(0, 40), st.floats(1, 5), st.floats(0, SLACK_S))
def test_what_chromium_adds_is_in_the_band(
    number: int, failed: int, succeeded: int, drawn_s: float, late_s: float
) -> None:
    added = drawn_s * 2 ** min(failed // (succeeded + 1), 16) / 65_536
    delay = reconnect_delay_ms(number) / 1000 + added + late_s
    for browser in (Browser.CHROMIUM, Browser.UNKNOWN):
        assert attempt(number, delay - 1e-9, failed, browser).verdict is Verdict.FITS


@given(attempts, failures, st.floats(0.2, 0.4), st.floats(0, SLACK_S))
def test_what_firefox_adds_is_in_the_band(number: int, failed: int, drawn_s: float, late_s: float) -> None:
    added = min(drawn_s * 1.5 ** (failed - 1), 60) if failed else 0
    delay = reconnect_delay_ms(number) / 1000 + added + late_s
    for browser in (Browser.FIREFOX, Browser.UNKNOWN):
        assert attempt(number, delay - 1e-9, failed, browser).verdict is Verdict.FITS


@given(attempts, browsers, failures, st.floats(0.001, 100))
def test_a_delay_outside_the_band_does_not_fit(number: int, browser: Browser, failed: int, off_s: float) -> None:
    expected = band(number, browser, failed)
    assert judge(number, expected.earliest - EARLY_S - off_s, expected).verdict is Verdict.EARLY
    assert judge(number, expected.latest + off_s, expected).verdict is Verdict.LATE


@given(attempts, browsers, st.data())
def test_the_band_of_unseen_attempts_is_the_sum_of_theirs(
    number: int, browser: Browser, data: st.DataObject
) -> None:
    unseen = data.draw(st.integers(0, number - 1))
    parts = [band(each, browser, index) for index, each in enumerate(range(number - unseen, number + 1))]
    found = band(number, browser, 0, unseen)
    assert math.isclose(found.earliest, sum(each.earliest for each in parts))
    assert found.latest >= sum(each.latest for each in parts) - 1e-9


@given(attempts, st.floats(0, SLACK_S))
def test_the_number_of_an_attempt_follows_from_its_delay(number: int, late_s: float) -> None:
    assert likely_number(reconnect_delay_ms(number) / 1000 + late_s, Browser.CHROMIUM, 0) == number


@pytest.mark.parametrize(
    ("agent", "browser"),
    [(CHROME, Browser.CHROMIUM), (f"{CHROME} Edg/140.0", Browser.CHROMIUM), (FIREFOX, Browser.FIREFOX),
     (WEBKIT, Browser.UNKNOWN), ("", Browser.UNKNOWN), ("Python/3.12 websockets/17", Browser.UNKNOWN)],
)  # fmt: skip
def test_the_browser_of_a_user_agent(agent: str, browser: Browser) -> None:
    assert browser_of(agent) is browser


def test_what_browsers_add_to_the_delay() -> None:
    assert browser_share(Browser.CHROMIUM, 10) == pytest.approx(0.078, abs=0.001)
    assert browser_share(Browser.CHROMIUM, 16) == browser_share(Browser.CHROMIUM, 99) == 5
    assert [browser_share(Browser.FIREFOX, each) for each in (0, 1, 2, 99)] == pytest.approx([0, 0.4, 0.6, 60])
    assert browser_share(Browser.UNKNOWN, 0) == 5


def test_chromium_remembers_failures_for_minutes_and_firefox_until_it_connects() -> None:
    failed = [0.0, 100.0, 300.0]
    assert failures_that_count(Browser.CHROMIUM, failed, 200.0, 330.0) == 2
    assert failures_that_count(Browser.FIREFOX, failed, 200.0, 330.0) == 1


def test_verdicts_in_words() -> None:
    assert str(attempt(4, 10.13)) == "attempt 4 after 10.1 s (expected 10.1–10.6 s) ✓"
    assert str(attempt(2, 0.2)) == "attempt 2 after 0.2 s (expected 4.5–5.0 s) ✗ too early"
    assert str(attempt(1, 5)) == "attempt 1 after 5.0 s (expected 3.0–3.5 s) ✗ too late, or the tab is hidden"
    assert str(attempt(11, 173)) == "attempt 11 after 173.0 s ✗ (expected none: the UI gives up after 10)"
    assert str(judge(3, 14.3, band(3, Browser.CHROMIUM, 0, 2), 2)) == (
        "attempt 3 after 14.3 s (expected 14.2–20.8 s) ✓; 2 attempts could not be seen while the server was stopped"
    )
    assert unseen_attempts(1) == "1 attempt could not be seen while the server was stopped"


def test_giving_up_in_words() -> None:
    def text(number: int, unseen: int = 0) -> str:
        return str(gave_up(number, band(number, Browser.CHROMIUM, 0, unseen), unseen))

    assert text(11) == "gave up after 10 ✓"
    assert text(12) == "gave up after 11 ✗ (expected after 10)"
    assert text(4) == "gave up after 3 ✗ (attempt 4 expected after 10.1–10.6 s), or the page was closed"
    assert text(1) == "did not reconnect ✗ (attempt 1 expected after 3.0–3.5 s), or the page was closed"
    assert "not judged; 2 attempts could not be seen" in text(5, 2)


def test_jitter_is_known_after_three_attempts() -> None:
    exact = [attempt(each, reconnect_delay_ms(each) / 1000 + 0.02) for each in (1, 2, 3)]
    assert jitter(exact[:2]) == ""
    assert jitter(exact).startswith("no jitter: ")
    assert jitter([*exact, attempt(4, 10.9)]) == "the delays vary by 0.8 s"
