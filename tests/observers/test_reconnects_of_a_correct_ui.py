"""A UI that reconnects exactly by the guide never gets a bad verdict, whatever the server does."""

from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.hub.clients import Client, Ending, Handshake
from app.observers.reconnects import ReconnectWatch
from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, reconnect_delay_ms
from app.protocol.reconnect_report import ReconnectState
from app.protocol.reconnects import Verdict
from tests.hub.doubles import RecordingTransport, Stage

CHROME = Handshake("http://localhost:1420", "Chrome/140")
GOOD = (Verdict.FITS, Verdict.UNCLEAR, None)
LATE_S = 0.4
CLOSED_PORT_S = 2.0
ACTIONS = ("accept", "refuse", "close", "stop", "start")


@dataclass
class CorrectUi:
    """The guide's ``scheduleReconnect`` in Chromium, with timers that are up to ``LATE_S`` late."""

    stage: Stage
    random: Random
    client: Client | None = None
    attempts: int = 0
    due: float | None = 0.0
    """When it makes its next attempt; None if it is connected or has given up."""
    listening: bool = True
    accepting: bool = True

    @property
    def now(self) -> float:
        return self.stage.time.passed

    def disconnected(self, at: float) -> None:
        self.client, self.due = None, None
        if self.attempts < WS_MAX_RECONNECT_ATTEMPTS:
            self.attempts += 1
            self.due = at + reconnect_delay_ms(self.attempts) / 1000 + self.random.uniform(0, LATE_S)

    def connect(self) -> None:
        hub = self.stage.hub
        if not self.listening:
            self.disconnected(self.now + self.random.uniform(0, CLOSED_PORT_S))
        elif self.accepting:
            self.client = hub.join(RecordingTransport(), origin=CHROME.origin, user_agent=CHROME.user_agent)
            self.attempts, self.due = 0, None
        else:
            hub.refused.emit(CHROME)
            self.disconnected(self.now)

    def leave(self, code: int) -> None:
        if self.client:
            self.client.ending = Ending(code, by_client=False)
            self.stage.hub.leave(self.client)
            self.disconnected(self.now)

    def act(self, action: str) -> None:
        match action:
            case "accept" | "refuse":
                self.accepting = action == "accept"
            case "close":
                self.leave(1012)
            case "stop" if self.listening:
                self.listening = False
                self.stage.hub.listening_changed.emit(False)
                self.leave(1001)
            case "start" if not self.listening:
                self.listening = True
                self.stage.hub.listening_changed.emit(True)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.due is not None and self.due <= end:
            self.stage.time.passed = self.due
            self.connect()
        self.stage.time.passed = end


steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.floats(0.01, 90)), min_size=1, max_size=12)


@given(steps, st.integers(0, 2**32))
def test_every_verdict_is_good(plan: list[tuple[str, float]], seed: int) -> None:
    stage = Stage()
    watch = ReconnectWatch(stage.hub)
    stage.hub.listening_changed.emit(True)
    ui = CorrectUi(stage, Random(seed))
    ui.run(1)
    for action, seconds in plan:
        ui.act(action)
        ui.run(seconds)
        (report,) = watch.reports()
        assert [each.text for each in report.attempts if each.attempt.verdict not in GOOD] == []
        assert report.verdict in GOOD, report.text
        if ui.due is not None and ui.listening:
            assert report.state in (ReconnectState.WAITING, ReconnectState.UNSEEN), report.text
            assert report.state is ReconnectState.WAITING or "stop" in [each for each, _ in plan], report.text
        assert (report.state is ReconnectState.CONNECTED) is (ui.client is not None)
