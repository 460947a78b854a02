"""A companion without servers and with a fake clock, on which sessions are played; the test plays the UI."""

import json
from typing import Any

from app.companion import Companion
from app.hub.origin import client_origin
from app.hub.row import Kind, Row
from app.hub.session_run import Options, SessionRun
from app.protocol.session.transcript import parse_transcript
from app.system.settings import Settings
from tests.hub.doubles import FakeTime


class Theatre:
    """A companion with a fake clock and an open chat state."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.companion = Companion(Settings(), clock=self.time.clock)

    def start(self, text: str, **options: Any) -> SessionRun:
        return self.companion.sessions.start("morning", parse_transcript(text), Options(**options))

    async def play(self, text: str, **options: Any) -> SessionRun:
        run = self.start(text, **options)
        await self.companion.sessions.wait(run)
        return run

    def send(self, event: str, **data: Any) -> None:
        """Journal a client frame of the UI."""
        payload = json.dumps({"event": event, "data": data}).encode()
        self.companion.journal.append(
            Kind.FROM_UI, event, payload=payload, client="1", origin=client_origin(1), user="me"
        )

    def sent(self) -> list[Row]:
        """Return the frames to the UI."""
        return [row for row in self.companion.journal if row.kind is Kind.TO_UI]

    def events(self) -> list[tuple[str, float]]:
        """Return the names of the frames to the UI, and when they were sent."""
        return [(row.event, round(row.mono - 50.0, 6)) for row in self.sent()]
