"""Create the handlers of the client events that event files (the user's definitions of events) define or extend.
A handler changes the chat state, and returns an event that the router forwards, each only if the file says so. The
forwarded event may have another name and other data. It goes to the clients of one user, or to all, but not to the
sender. For an extended built-in event, the built-in handler runs first; if both have an event to forward, only that
of the file is sent.
"""

import inspect
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.outgoing import CauseNote, Effect
from app.hub.router import FileHandler, Handler, Outcome
from app.hub.target import Target
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.counts import count
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError
from app.protocol.event_files.effects import Forward
from app.protocol.event_type import EventType


class ChangesState(Protocol):
    """The part of the chat state that the handlers use. ``ChatService`` implements it."""

    async def carry_out(self, event: EventType, data: dict[str, Any], sender: str) -> list[Effect]:
        """Store the changes that a file attaches to an event. Return the effects after the commit."""


def file_handlers(
    catalog: Catalog, state: ChangesState, hub: Hub, built_in: Mapping[str, Handler]
) -> dict[str, FileHandler]:
    """Return a handler for each client event that a file defines or extends.

    ``built_in`` are the handlers of built-in events.
    """
    return {
        each.name: _handler(each, catalog, state, hub, built_in.get(each.name))
        for each in catalog
        if each.direction is Direction.FROM_UI and each.details.file
    }


def _handler(
    event: EventType, catalog: Catalog, state: ChangesState, hub: Hub, built_in: Handler | None
) -> FileHandler:
    effects, forward = event.details.effects, event.details.forward

    def finish(client: Client, data: dict[str, Any], outcome: Outcome) -> Outcome:
        if forward is None:
            return outcome
        return _combined(outcome, _forwarded(forward, catalog, hub, client, data))

    def replaced(outcome: Outcome) -> Outcome:
        """Drop what the built-in handler forwards if the file forwards the event itself."""
        return outcome._replace(note="", follow_up=None) if forward and outcome.follow_up else outcome

    async def change(client: Client, data: dict[str, Any], pending: Outcome | Awaitable[Outcome]) -> Outcome:
        outcome = replaced(await pending if inspect.isawaitable(pending) else pending)
        if effects:
            try:
                found = await state.carry_out(event, data, client.username)
            except StorageError as error:
                return _combined(outcome, Outcome(f"not stored: {error}", Verdict.WARNING))
            note = "; ".join(each.note for each in found if isinstance(each, CauseNote))
            outcome = _combined(outcome, Outcome(note, Verdict.WARNING if note else Verdict.OK))
            outcome = outcome._replace(effects=found)
        return finish(client, data, outcome)

    def handle(client: Client, typed: Any, data: dict[str, Any]) -> Outcome | Awaitable[Outcome]:
        outcome = built_in(client, typed) if built_in else Outcome()
        if effects or not isinstance(outcome, Outcome):
            return change(client, data, outcome)
        return finish(client, data, replaced(outcome))

    return handle


def _forwarded(forward: Forward, catalog: Catalog, hub: Hub, client: Client, data: dict[str, Any]) -> Outcome:
    user = forward.recipient(data, client.username)
    if user == "":
        return Outcome("not forwarded: the data names no recipient", Verdict.WARNING)
    event = Envelope(forward.event, forward.data(data, client.username))
    if problems := catalog.problems(event):
        return Outcome(f"{forward.event} not forwarded: {problems[0]}", Verdict.WARNING)
    to = Target(user=user, excluded=client.id)
    recipients = len(hub.recipients(to).ids)
    if user is None:
        what = f"forwarded to {count(recipients, 'other client')}" if recipients else "no other client is connected"
    else:
        what = (
            f"forwarded to {count(recipients, 'client')} of {user}" if recipients else f"no client acts as {user}"
        )
    return Outcome(what, Verdict.OK, (event, to) if recipients else None)


def _combined(first: Outcome, second: Outcome) -> Outcome:
    """Return both results as one. The event of the second is sent instead of the first one's."""
    verdict = first.verdict if second.verdict is Verdict.OK else second.verdict
    notes = "; ".join(filter(None, (first.note, second.note)))
    return first._replace(note=notes, verdict=verdict, follow_up=second.follow_up or first.follow_up)
