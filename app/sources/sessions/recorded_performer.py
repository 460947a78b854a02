"""Perform one step of a recording: fire a recorded event again, or send its bytes. If the replay is synchronized
with the UI, wait at a recorded client frame or REST call until the UI sends it again.

A cause (see ``replay``) is fired again; its effects are left to the companion. An exact replay sends every recorded
frame instead.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from app.hub.expectation import Expectation
from app.hub.target import Target
from app.protocol.session import actions
from app.sources.sessions.outcome import Outcome, wait_for_client
from app.sources.sessions.replay import awaited, is_cause, is_poll, payload_of
from app.sources.sessions.track import Track

SYNC_S = 5.0
"""How long a replay in step with the UI waits for a frame or REST call."""
CONNECT_S = 30.0
"""How long it waits for a client."""


async def _sent(action: actions.Sent, track: Track) -> Outcome:
    """Fire a recorded cause again, or send the recorded bytes. Effects are left to the companion."""
    replay, stage = track.replay, track.stage
    text = payload_of(action).decode(errors="replace")
    to = replay.renewal.target(action.to)
    if replay.exact:
        await stage.send_raw(text, to=to, origin=track.origin)
        return Outcome(1)
    if not is_cause(action):
        return Outcome()
    event = replay.renewal.event(action)
    if event is None:
        await stage.send_raw(text, to=to, origin=track.origin)
    else:
        await stage.fire(event, to=to, origin=track.origin, strict=False)
    return Outcome(1)


async def _from_ui(action: actions.Received | actions.RestCall, track: Track) -> Outcome:
    """Wait until the UI sends the same again, if the replay is in step with it."""
    event, sender = awaited(action)
    if not track.replay.sync or is_poll(event) or action.verdict == "invalid":
        return Outcome()
    result = await track.stage.expect(Expectation(event, sender), SYNC_S, track.replay.heard)
    track.timeline.resynchronize()
    if result.row is None:
        return Outcome(met=False, detail=f"the UI did not send it within {SYNC_S:g} s")
    track.replay.heard = max(track.replay.heard, result.row.seq)
    return Outcome(met=True, detail=f"after {result.after_s:.2f} s")


async def _server_event(action: actions.ServerEvent, track: Track) -> Outcome:
    """Wait for a client that had connected, if the replay is in step with the UI."""
    if not track.replay.sync or action.server != "connected":
        return Outcome()
    return await wait_for_client(Target(user=action.user), CONNECT_S, track)


RECORDED: dict[type[actions.Action], Callable[[Any, Track], Awaitable[Outcome]]] = {
    actions.Sent: _sent,
    actions.Received: _from_ui,
    actions.RestCall: _from_ui,
    actions.ServerEvent: _server_event,
}
