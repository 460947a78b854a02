"""Perform one step of a recording: fire a recorded event again, but leave its effects to the companion.
An exact replay instead sends all frames again that clients received, unchanged. A replay that is synchronized with
the UI also waits, up to a timeout, until the effects, and the connections, frames and REST calls of the UI, occur
again.

``replay`` decides which steps are played, and tells causes, which are fired, from effects.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from app.hub.row import Verdict
from app.hub.target import ALL, Target
from app.protocol.raw_frames import is_sent_only
from app.protocol.session import actions
from app.protocol.session.durations import MAX_SECONDS
from app.sources.sessions.in_step import POST_MESSAGE, InRecording, data_of, happening, message_id
from app.sources.sessions.outcome import Outcome, wait_for_client
from app.sources.sessions.replay import is_cause, payload_of
from app.sources.sessions.track import SCENARIO, Track

SYNC_S = 5.0
"""How long a replay in step with the UI waits for a frame or REST call."""
CONNECT_S = 30.0
"""How long it waits for a client."""


async def _sent(action: actions.Sent, track: Track) -> Outcome:
    """Fire a recorded cause again, or send the recorded bytes. An effect is left to the companion, and awaited.

    A raw or resent frame is sent, because it did not change the chat state.
    """
    replay, stage = track.replay, track.stage
    recorded = replay.renewal.target(action.to)
    to = track.to if recorded == ALL else recorded
    if replay.exact:
        await stage.send_raw(stage.hub.on_wire(action.s2c, payload_of(action)), to=to, origin=track.origin)
        return Outcome(1)
    if not is_cause(action):
        if await _again(action, SYNC_S, track):
            _follow_sent_id(action, track)
        else:
            note = f"the recorded {action.s2c} ({action.origin}) was not sent again within {SYNC_S:g} s"
            stage.hub.log_server_event(SCENARIO, note=note, origin=track.origin, verdict=Verdict.WARNING)
        return Outcome()
    event = replay.renewal.event(action)
    if event is None or is_sent_only(action.s2c, action.comment):
        frame = stage.hub.on_wire(action.s2c, replay.renewal.payload(action))
        await stage.send_raw(frame, to=to, origin=track.origin)
    else:
        await stage.fire(event, to=to, origin=track.origin, strict=False)
    return Outcome(1)


async def _from_ui(action: actions.Received | actions.RestCall, track: Track) -> Outcome:
    """Wait until the UI sends the same again."""
    began = track.timeline.step_begins()
    impossible = track.stage.why_no_rest(action.rest) if isinstance(action, actions.RestCall) else ""
    if not await _again(action, 0.0 if impossible else SYNC_S, track):
        return Outcome(met=False, detail=impossible or f"the UI did not send it within {SYNC_S:g} s")
    if isinstance(action, actions.RestCall) and action.rest == POST_MESSAGE:
        await _follow_posted_id(message_id(action.response), track)
    return Outcome(met=True, detail=f"after {max(track.stage.clock.mono() - began, 0.0):.2f} s")


def _follow_sent_id(action: actions.Sent, track: Track) -> None:
    """Use the ID of a message that was sent again, such as an auto-reply, in the events about it that follow."""
    in_step = track.replay.in_step
    if in_step and (found := in_step.sent_id(happening(action, track.local_user))):
        track.replay.renewal.use_id(message_id(data_of(payload_of(action))), found)


async def _follow_posted_id(recorded: str, track: Track) -> None:
    """Use the ID of the message that the UI has posted again in the events about it that follow."""
    in_step = track.replay.in_step
    if recorded and in_step and (found := await in_step.posted_id(SYNC_S)):
        track.replay.renewal.use_id(recorded, found)


async def _server_event(action: actions.ServerEvent, track: Track) -> Outcome:
    """Wait until a client has connected that had connected in the recording, and is ready."""
    if not await _again(action, CONNECT_S, track):
        user = track.local_user.name(action.user)
        return Outcome(met=False, detail=f"no client of {user} connected within {CONNECT_S:g} s")
    to = track.local_user.target(Target(user=action.user))
    outcome = await wait_for_client(to, CONNECT_S, track)
    if in_step := track.replay.in_step:
        in_step.ready(each.number for each in to.select(track.stage.hub.clients) if each.ready)
    return outcome


async def _again(step: InRecording, within_s: float, track: Track) -> bool:
    in_step = track.replay.in_step
    found = in_step is None or await in_step.next(happening(step, track.local_user), within_s)
    track.timeline.resynchronize()
    return found


async def wait_until_due(step: InRecording, track: Track) -> None:
    """Wait until a step is due that is awaited, or has happened again before that."""
    in_step, timeline = track.replay.in_step, track.timeline
    while in_step and (left := timeline.step_begins() - track.stage.clock.mono()) > 0:
        # In parts, because Qt's timers cannot wait for a month.
        if await in_step.has_happened(happening(step, track.local_user), min(left, MAX_SECONDS)):
            break


RECORDED: dict[type[actions.Action], Callable[[Any, Track], Awaitable[Outcome]]] = {
    actions.Sent: _sent,
    actions.Received: _from_ui,
    actions.RestCall: _from_ui,
    actions.ServerEvent: _server_event,
}
