"""Deviations in reports that are discarded stay known, also if the rest is compared again."""

from typing import Any

import pytest

from app.hub.hub import Hub
from app.hub.journal import Journal
from app.observers import ui_pages, ui_reports
from app.observers.ui_reports import UiReports, Work
from app.observers.ui_state import UiStates
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_deviations import Report
from app.protocol.ui_stores import Flavour, UiStores
from tests.hub.doubles import FakeTime, RecordingTransport


def done(work: Work[Any]) -> Any:
    """Run work that can be paused to its end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def state(chat: str | None) -> Any:
    found = as_plain(UiStores(Flavour.GUIDE).to_json())
    return {**found, "chatStore": {**found["chatStore"], "activeChat": chat}}


@pytest.mark.parametrize("flavour", list(Flavour))
def test_what_deviated_in_discarded_reports_is_kept_when_the_comparison_starts_again(
    monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setattr(ui_reports, "MAX_REPORTS", 4)
    reports = UiReports()
    chats = [None, "alice", None, None, "bob", "bob", None, "carol"]
    for number, chat in enumerate(chats, 1):
        now = 10.0 * number
        done(reports.deviations(flavour, lambda _: [], now))
        reports.add(Report.of(now, number, state(chat)))
    assert len(reports._reports) < len(chats), "the test has discarded reports"

    def deviating() -> list[Any]:
        found = done(reports.deviations(flavour, lambda _: [], 1000.0))
        return [each.reported for each in found if each.path == "chatStore.activeChat"]

    assert deviating() == ["alice", "bob", "carol"]
    for _ in range(2):
        reports.start_again(5.0)
        assert deviating() == ["alice", "bob", "carol"]


async def test_the_reports_of_all_pages_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui_pages, "MAX_REPORT_BYTES", 10_000)
    time = FakeTime()
    hub = Hub(Journal(time.clock, 1_000), time.clock)
    states = UiStates(hub)
    compared: list[UiReports] = []
    compare_all = UiReports.compare_all

    def compare_all_and_record(reports: UiReports, *args: Any) -> Any:
        compared.append(reports)
        return compare_all(reports, *args)

    monkeypatch.setattr(UiReports, "compare_all", compare_all_and_record)
    for number in range(1, 9):  # the page is reloaded again and again
        client = hub.join(RecordingTransport(), origin="http://localhost:1420", user_agent="a browser")
        assert client.id == number
        for text in ("x" * 1_000, "y" * 1_000):
            await states.make_room(number, 1_300)
            states.report(number, {**state("alice"), "extraStore": text})
            time.passed += 2.0
        hub.leave(client)
        time.passed += 0.5
        assert sum(page.reports.bytes for page in states._pages.all) <= 10_000
    assert len(compared) <= 9, "each page is compared when its reports are discarded, not at each report"
    kept = [states.reported(number) is not None for number in range(1, 9)]
    assert kept == sorted(kept), "the oldest ones were discarded"
    assert sum(kept) > 4, "of pages that have left, the last report is kept first"
    assert kept[0] is False
    for number in range(1, 9):
        found = await states.deviations(number, Flavour.GUIDE)
        assert "chatStore.activeChat" in [each.path for each in found], "what deviated stays known"


@pytest.mark.parametrize("flavour", list(Flavour))
def test_a_deviation_contains_no_large_value(flavour: Flavour) -> None:
    reports = UiReports()
    junk = {"m" * 5_000: 1, "n": ["ü" * 5_000]}
    reports.add(Report.of(10.0, 1, {"chatStore": {"messages": junk}}))
    found = done(reports.deviations(flavour, lambda _: [], 1000.0))
    assert [each for each in found if "messages" in each.path]
    assert all(len(each.path) <= 501 and len(str(each.reported)) <= 501 for each in found)
    assert any(str(each.reported).endswith("ü…") for each in found)


def test_a_report_is_kept_as_json() -> None:
    report = Report.of(1.0, 1, {"b": [1, 2.5, None], "a": "ü"}, partial=True)
    assert report == Report(1.0, 1, '{"a":"ü","b":[1,2.5,null]}'.encode(), True)
    assert report.state == {"b": [1, 2.5, None], "a": "ü"}
