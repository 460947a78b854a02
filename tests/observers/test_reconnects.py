"""The reconnect watch with a fake clock: pages that connect, disconnect, reload and are refused."""

from collections.abc import Iterator

import pytest

from app.hub.clients import Client, Ending, Handshake
from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.rest_exchange import RestExchange
from app.observers import lineages, reconnects
from app.observers.reconnects import ReconnectWatch
from app.protocol.constants import reconnect_delay_ms
from app.protocol.errors import NotFound
from app.protocol.reconnect_report import ReconnectReport, ReconnectState
from app.protocol.reconnects import Verdict
from tests.hub.doubles import FakeTime, RecordingTransport

PAGE = "http://localhost:1420"
CHROME = "Chrome/140.0.0.0"
BY_SERVER = Ending(1001, by_client=False)
RELOADED = Ending(1001, by_client=True)
BY_UI = Ending(1005, by_client=True)


class Watched:
    """A hub with the watch, and pages of one browser. ``wait`` advances the clock."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.asleep = 0.0
        """For how long the monotonic clock has stood still, because the computer slept."""
        clock = Clock(self.time.clock.wall, lambda: self.time.passed - self.asleep, self.time.sleep)
        self.hub = Hub(Journal(clock), clock)
        self.watch = ReconnectWatch(self.hub)
        self.hub.listening_changed.emit(True)

    def wait(self, seconds: float) -> None:
        self.time.passed += seconds

    def join(self, origin: str = PAGE, agent: str = CHROME) -> Client:
        return self.hub.join(RecordingTransport(), origin=origin, user_agent=agent)

    def leave(self, client: Client, ending: Ending = BY_SERVER) -> None:
        client.ending = ending
        self.hub.leave(client)

    def refuse(self, origin: str = PAGE, agent: str = CHROME) -> None:
        self.hub.refused.emit(Handshake(origin, agent))

    def load(self) -> None:
        """Send the REST requests of a page that is being loaded."""
        now = self.hub.clock.mono()
        for path in ("/status", "/friends"):
            self.hub.rest_exchanges.emit(
                RestExchange("GET", path, "", b"", 200, b"[]", PAGE, CHROME, now, now + 0.01)
            )

    def refuse_attempts(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.wait(reconnect_delay_ms(number) / 1000 + 0.02)
            self.refuse()

    @property
    def report(self) -> ReconnectReport:
        (report,) = self.watch.reports()
        return report

    @property
    def verdicts(self) -> list[tuple[int, Verdict]]:
        return [(each.attempt.number, each.attempt.verdict) for each in self.report.attempts]


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.watch.close()


def test_the_first_connection_is_no_attempt(watched: Watched) -> None:
    client = watched.join()
    report = watched.report
    assert (report.state, report.verdict, report.text) == (ReconnectState.CONNECTED, None, "no reconnect seen yet")
    assert (report.clients, report.attempts, report.browser) == ((client.id,), (), "chromium")


def test_a_reconnect_after_three_seconds_fits(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(2)
    assert (watched.report.state, watched.report.text) == (
        ReconnectState.WAITING,
        "attempt 1 is expected after 3.0–3.5 s",
    )
    watched.wait(1.05)
    again = watched.join()
    assert watched.report.text == "attempt 1 after 3.0 s (expected 3.0–3.5 s) ✓"
    assert (watched.report.verdict, watched.report.attempts[0].client) == (Verdict.FITS, again.id)


def test_each_connection_resets_the_count(watched: Watched) -> None:
    for _ in range(3):
        watched.leave(watched.join())
        watched.wait(3.02)
    watched.join()
    assert watched.verdicts == [(1, Verdict.FITS)] * 3


def test_refused_attempts_count_and_the_ui_gives_up_after_ten(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.refuse_attempts(1, 10)
    assert watched.verdicts == [(number, Verdict.FITS) for number in range(1, 11)]
    assert watched.report.attempts[3].text == "attempt 4 after 10.1 s (expected 10.1–10.6 s) ✓, refused"
    watched.wait(172)
    assert (watched.report.state, watched.report.text) == (
        ReconnectState.WAITING,
        "10 attempts; expected to give up",
    )
    watched.wait(2)
    assert (watched.report.state, watched.report.text) == (ReconnectState.GAVE_UP, "gave up after 10 ✓")
    assert watched.report.jitter.startswith("no jitter")


def test_a_ui_that_gives_up_too_early(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.refuse_attempts(1, 3)
    watched.wait(11)
    assert watched.report.state is ReconnectState.GAVE_UP
    assert watched.report.verdict is Verdict.MISSING
    assert watched.report.text.startswith("gave up after 3 ✗ (attempt 4 expected after 10.1–")


def test_a_ui_that_never_gives_up(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.refuse_attempts(1, 11)
    assert watched.verdicts[-1] == (11, Verdict.EXTRA)
    watched.wait(300)
    assert watched.report.text == "gave up after 11 ✗ (expected after 10)"


def test_a_constant_delay_is_too_early_from_the_second_attempt(watched: Watched) -> None:
    watched.leave(watched.join())
    for _ in range(3):
        watched.wait(3.01)
        watched.refuse()
    assert watched.verdicts == [(1, Verdict.FITS), (2, Verdict.EARLY), (3, Verdict.EARLY)]


def test_a_late_attempt_may_come_from_a_hidden_tab(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(5)
    watched.join()
    assert watched.verdicts == [(1, Verdict.LATE)]
    assert "or the tab is hidden" in watched.report.text


def test_a_page_that_was_reloaded_makes_no_attempt(watched: Watched) -> None:
    watched.leave(watched.join(), RELOADED)
    watched.wait(0.2)
    watched.join()
    assert watched.report.text == "no reconnect seen yet"
    assert not watched.report.is_guess


def test_a_closed_page_is_not_expected_to_reconnect(watched: Watched) -> None:
    watched.leave(watched.join(), RELOADED)
    watched.wait(100)
    assert (watched.report.state, watched.report.text) == (ReconnectState.CLOSED, "the page was closed")


def test_a_page_that_was_closed_after_a_reconnect_is_closed(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(3.1)
    watched.leave(watched.join(), RELOADED)
    watched.wait(60)
    assert (watched.report.state, watched.report.text) == (ReconnectState.CLOSED, "the page was closed")
    assert watched.verdicts == [(1, Verdict.FITS)]
    assert watched.report.verdict is Verdict.FITS


@pytest.mark.parametrize("seconds", [0.4, 20.0])
def test_a_page_that_was_loaded_while_it_was_disconnected_makes_no_attempt(
    watched: Watched, seconds: float
) -> None:
    watched.leave(watched.join())
    watched.wait(seconds)
    watched.join()
    assert watched.verdicts == [(1, Verdict.EARLY if seconds < 1 else Verdict.LATE)]
    watched.wait(0.1)
    watched.load()
    assert watched.report.text == "no reconnect seen yet"


def test_the_first_connection_of_a_page_that_was_loaded_may_be_refused(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.refuse_attempts(1, 2)
    watched.wait(4)
    watched.load()
    watched.refuse()
    watched.refuse_attempts(1, 1)
    assert watched.verdicts == [(1, Verdict.FITS), (2, Verdict.FITS), (1, Verdict.FITS)]


def test_the_released_ui_reconnects_after_it_has_closed_the_connection(watched: Watched) -> None:
    watched.leave(watched.join(), BY_UI)
    assert watched.report.text == "the UI closed the connection; attempt 1 is expected after 3.0–3.5 s"
    watched.wait(3.1)
    watched.join()
    assert watched.verdicts == [(1, Verdict.FITS)]


def test_a_ui_that_stays_closed_after_it_has_closed_the_connection_is_no_error(watched: Watched) -> None:
    watched.leave(watched.join(), BY_UI)
    watched.wait(4)
    assert (watched.report.state, watched.report.verdict) == (ReconnectState.CLOSED, None)
    watched.join()
    assert watched.report.attempts == ()


def test_the_short_connections_of_react_strict_mode(watched: Watched) -> None:
    for _ in range(2):
        client = watched.join()
        watched.wait(0.01)
        watched.leave(client, BY_UI)
    watched.wait(3.01)
    watched.join()
    watched.wait(10)
    assert watched.verdicts == [(1, Verdict.FITS)]
    assert (watched.report.state, watched.report.is_guess) == (ReconnectState.CONNECTED, False)


def test_the_number_of_an_attempt_is_derived_if_the_ui_was_already_trying(watched: Watched) -> None:
    watched.refuse()
    assert watched.report.text == "refused; the number of its attempts is not known yet"
    watched.refuse_attempts(4, 5)
    assert watched.verdicts == [(4, Verdict.FITS), (5, Verdict.FITS)]


def test_a_page_whose_origin_is_no_longer_allowed_is_not_followed(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(0.5)
    watched.hub.origin_refused.emit(Handshake(PAGE, CHROME))
    watched.wait(3600)
    assert (watched.report.state, watched.report.attempts) == (ReconnectState.CLOSED, ())
    watched.join()
    assert (watched.report.state, watched.report.attempts) == (ReconnectState.CONNECTED, ())
    watched.leave(watched.join(), Ending(1001, by_client=True))
    assert watched.report.text != "its origin is not allowed, so it is not measured"


def test_a_program_that_was_refused_once_and_does_not_come_again_is_not_judged(watched: Watched) -> None:
    watched.refuse()
    watched.wait(3600)
    assert watched.report.state is ReconnectState.UNSEEN
    assert watched.report.text == (
        "no further attempt was seen: not judged; it was never connected, so it is not known how many attempts it "
        "has made"
    )


def test_two_tabs_are_a_guess(watched: Watched) -> None:
    first, second = watched.join(), watched.join()
    watched.leave(first)
    watched.leave(second)
    watched.wait(3.01)
    watched.join()
    watched.wait(0.01)
    watched.join()
    assert watched.verdicts == [(1, Verdict.FITS), (1, Verdict.FITS)]
    assert watched.report.is_guess
    assert watched.report.text.endswith("✓ (a guess: several pages are open)")


def test_a_tab_that_does_not_come_back_is_kept_as_the_last_entry(watched: Watched) -> None:
    watched.join()
    watched.leave(watched.join())
    watched.wait(5)
    assert watched.report.state is ReconnectState.CONNECTED
    assert watched.verdicts == [(1, Verdict.MISSING)]


def test_a_tab_that_may_still_come_back_makes_attempts_a_guess(watched: Watched) -> None:
    first = watched.join()
    watched.leave(watched.join())
    watched.wait(5)
    assert watched.report.is_guess
    watched.leave(first)
    watched.wait(3.01)
    watched.join()
    assert watched.report.attempts[-1].text.endswith("✓ (a guess: several pages are open)")
    watched.leave(watched.join(), RELOADED)  # it has come back, and is closed
    assert not watched.report.is_guess


def test_browsers_are_followed_separately(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(0.1)
    watched.join(agent="Firefox/140.0")
    assert [each.browser for each in watched.watch.reports()] == ["firefox", "chromium"]
    assert not any(each.attempts for each in watched.watch.reports())


def test_attempts_while_the_server_is_stopped_cannot_be_seen(watched: Watched) -> None:
    client = watched.join()
    watched.hub.listening_changed.emit(False)
    watched.leave(client)
    watched.wait(15)
    assert (watched.report.state, watched.report.text) == (
        ReconnectState.UNSEEN,
        "3 attempts could not be seen while the server was stopped",
    )
    watched.hub.listening_changed.emit(True)
    watched.wait(9.6)
    watched.join()
    assert watched.verdicts == [(4, Verdict.FITS)]
    assert watched.report.attempts[0].attempt.unseen == 3
    assert "3 attempts could not be seen" in watched.report.text


def test_an_attempt_that_the_stop_has_made_unpredictable_is_not_judged(watched: Watched) -> None:
    client = watched.join()
    watched.hub.listening_changed.emit(False)
    watched.leave(client)
    watched.wait(4)
    watched.hub.listening_changed.emit(True)
    watched.wait(1)
    watched.join()
    assert watched.verdicts[0][1] is Verdict.UNCLEAR
    assert "not judged" in watched.report.text


def test_a_restart_between_two_attempts_hides_none(watched: Watched) -> None:
    client = watched.join()
    watched.hub.listening_changed.emit(False)
    watched.leave(client)
    watched.wait(1)
    watched.hub.listening_changed.emit(True)
    watched.wait(2.01)
    watched.join()
    assert watched.verdicts == [(1, Verdict.FITS)]
    assert watched.report.attempts[0].attempt.unseen == 0


def test_an_attempt_during_a_sleep_of_the_computer_is_not_judged(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(30)
    watched.asleep = 20
    watched.join()
    assert watched.verdicts == [(1, Verdict.UNCLEAR)]


def test_a_program_that_ends_its_connection_is_not_expected_to_reconnect(watched: Watched) -> None:
    watched.leave(watched.join(origin=""), Ending(None, by_client=True))
    watched.wait(1)
    watched.join(origin="")
    assert watched.report.attempts == ()
    watched.leave(watched.hub.clients[0])
    watched.wait(3.1)
    client = watched.join(origin="")
    assert watched.verdicts == [(1, Verdict.FITS)]
    watched.leave(client, Ending(None, by_client=True))
    assert watched.report.text == "the program closed its connection"


def test_a_start_long_after_the_band_is_no_attempt(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(300)
    watched.join()
    assert watched.verdicts == [(1, Verdict.MISSING)]
    assert watched.report.state is ReconnectState.CONNECTED


def test_a_lineage_is_found_by_the_number_of_an_earlier_client(watched: Watched) -> None:
    client = watched.join()
    watched.leave(client)
    assert watched.watch.report(client.id) == watched.report
    with pytest.raises(NotFound, match="Client 99 is unknown"):
        watched.watch.report(99)


def test_headers_that_are_not_utf_8_are_shown_with_question_marks(watched: Watched) -> None:
    watched.refuse(agent="Chrome/1 \udcff")
    assert watched.report.user_agent == "Chrome/1 ?"


def test_the_memory_is_bounded(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnects, "MAX_LINEAGES", 3)
    kept = watched.join()
    for number in range(5):
        watched.refuse(agent=f"agent {number}")
    assert len(watched.watch.reports()) == 3
    assert watched.watch.report(kept.id).clients == (kept.id,)
    for _ in range(lineages.MAX_ATTEMPTS + 5):
        watched.wait(1)
        watched.refuse(agent="agent 4")
    assert len(watched.watch.reports()[0].attempts) == lineages.MAX_ATTEMPTS


def test_waiting_pages_are_limited(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnects, "MAX_PAGES", 2)
    clients = [watched.join() for _ in range(5)]
    for client in clients:
        watched.leave(client)
    watched.wait(3.1)
    for _ in clients:
        watched.join()
    assert len(watched.report.attempts) == 2


# connections that are refused on purpose


def test_a_page_that_is_closed_at_once_counts_from_one_again(watched: Watched) -> None:
    watched.leave(watched.join())
    for _ in range(3):
        watched.wait(3.02)
        watched.hub.closed_at_once.emit(Handshake(PAGE, CHROME))
    assert watched.verdicts == 3 * [(1, Verdict.FITS)]
    assert watched.report.text.startswith("attempt 1 is expected after 3.0")


def test_a_delay_counts_from_the_end_of_an_unanswered_handshake(watched: Watched) -> None:
    watched.leave(watched.join())
    for number in (1, 2):
        watched.wait(reconnect_delay_ms(number) / 1000 + 0.02)
        watched.hub.unanswered.emit((Handshake(PAGE, CHROME), number))
        watched.wait(100)
        assert watched.report.state is ReconnectState.WAITING
        assert watched.report.text == "its connection gets no answer, on purpose"
        watched.hub.unanswered_ended.emit((Handshake(PAGE, CHROME), number))
    assert watched.verdicts == [(1, Verdict.FITS), (2, Verdict.FITS)]
    assert watched.report.text.startswith("attempt 3 is expected after 6.8")
    watched.wait(6.77)
    watched.join()
    assert watched.verdicts[-1] == (3, Verdict.FITS)


def test_the_handshake_of_another_tab_is_not_that_of_the_unanswered_one(watched: Watched) -> None:
    watched.leave(watched.join())
    watched.wait(3.02)
    watched.hub.unanswered.emit((Handshake(PAGE, CHROME), 1))
    watched.join()
    watched.wait(5)
    watched.hub.unanswered_ended.emit((Handshake(PAGE, CHROME), 1))
    watched.wait(4.52)
    watched.join()
    assert watched.verdicts == [(1, Verdict.FITS), (2, Verdict.FITS)]
