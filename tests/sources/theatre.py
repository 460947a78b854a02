"""A companion without servers and with a fake clock, on which sessions are played; the test plays the UI."""

import json
from collections.abc import Callable
from typing import Any

from app.companion import Companion
from app.hub.clients import Client
from app.hub.origin import REST, client_origin
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row
from app.hub.session_run import Options, SessionRun
from app.protocol.session.steps import Session
from app.protocol.session.transcript import parse_transcript
from app.system.settings import Settings
from tests.hub.doubles import FakeTime, RecordingTransport

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


class Theatre:
    """A companion with a fake clock and an open chat state."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.companion = Companion(Settings(), clock=self.time.clock)
        self.companion.services["rest"].started = True  # tests call ``post``

    def start(self, text: str, **options: Any) -> SessionRun:
        return self.start_session(parse_transcript(text), **options)

    def start_session(self, session: Session, **options: Any) -> SessionRun:
        return self.companion.sessions.start("morning", session, Options(**options))

    def join(self, username: str) -> Client:
        """Connect a client whose frames are recorded."""
        return self.companion.hub.join(RecordingTransport(), username)

    def frames(self, client: Client) -> list[bytes]:
        """Return the frames that a client received."""
        assert isinstance(client.transport, RecordingTransport)
        self.companion.hub.batcher.flush_client(client)
        return list(client.transport.frames)

    def post(self, body: Any, call: str = "POST /messages") -> Row:
        """Journal a REST call of the UI."""
        return self.companion.journal.append(
            Kind.FROM_UI, call, payload=json.dumps(body).encode(), client="rest", origin=REST
        )

    def respond(self, call: Row, response: object) -> None:
        """Report the response to a REST call of the UI: JSON, or text that is not JSON."""
        method, path = call.event.split()
        body = response if isinstance(response, str) else json.dumps(response)
        self.companion.hub.rest_exchanges.emit(
            RestExchange(method, path, "", call.payload, 201, body.encode(), "", "", call.mono, call.mono, call.seq)
        )

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

    def at_next_frame(self, action: Callable[[], object]) -> None:
        """Call ``action`` as soon as the UI gets a frame. A test that polls may be too late for a short wait."""

        def on_row(row: Row) -> None:
            if row.kind is Kind.TO_UI:
                disconnect()
                action()

        disconnect = self.companion.journal.appended.connect(on_row)

    def sent(self) -> list[Row]:
        """Return the frames to the UI."""
        return [row for row in self.companion.journal if row.kind is Kind.TO_UI]

    def events(self) -> list[tuple[str, float]]:
        """Return the names of the frames to the UI, and when they were sent."""
        return [(row.event, round(row.mono - 50.0, 6)) for row in self.sent()]
