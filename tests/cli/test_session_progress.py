"""The progress of a run: a command that is asked to end stops its session first."""

import signal
from typing import Any, cast

import pytest

from app.cli.control import Control
from app.cli.session_progress import Progress

RUN = {
    "number": 3, "title": "morning", "seed": 1, "state": "running", "version": 1, "results": [], "steps": 0,
    "total_steps": 2, "events": 0, "met": 0, "unmet": 0, "elapsed": 0.5, "error": "",
}  # fmt: skip


class Interrupted:
    """A client of the control API during whose first request the process receives a signal."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number
        self.calls: list[tuple[str, str]] = []

    def call(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        self.calls.append((method, path))
        if method == "GET":
            signal.raise_signal(self.number)
        return {**RUN, "state": "stopped"}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_stops_the_session(name: str) -> None:
    """Regression: SIGTERM ended the command, and the session went on in the companion."""
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("not on this system")
    before = signal.getsignal(signal.SIGTERM)
    control = Interrupted(number)
    progress = Progress(cast(Control, control), "morning.chat", stepwise=False, quiet=True)
    assert progress.follow(dict(RUN))["state"] == "stopped"
    assert progress.interrupted
    assert control.calls == [("GET", "/v1/runs/3"), ("POST", "/v1/runs/3/stop")]
    assert signal.getsignal(signal.SIGTERM) is before
