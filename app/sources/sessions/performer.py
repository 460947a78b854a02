"""Perform one simple step of a session: fire an event, close a connection, wait, expect a frame and so on. It
returns what the step did; ``player`` calls it, and plays the steps that contain others (``repeat``, ``when``).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec.structs import replace

from app.hub.expectation import Expectation, why_impossible
from app.hub.target import Target
from app.protocol.close_codes import why_not_sendable
from app.protocol.envelope import Envelope
from app.protocol.fixture import BadFixture, Fixture
from app.protocol.json_path import BadPath
from app.protocol.refusals import parse_mode
from app.protocol.session import actions
from app.sources.composer import expanded
from app.sources.sessions.local_user import LocalUser
from app.sources.sessions.outcome import CannotPlay, Outcome, wait_for_client
from app.sources.sessions.recorded_performer import RECORDED
from app.sources.sessions.stage import Stage
from app.sources.sessions.track import SCENARIO, Track

OBSERVING = (
    actions.Expect, actions.Wait, actions.Mark, actions.Note,
    actions.Received, actions.RestCall, actions.ServerEvent,
)  # fmt: skip
"""The steps that cause nothing. Expectations count from the start of the most recent other step."""
MAX_SHOWN = 3
"""At most this many rows are named that came instead of an expected one."""


async def perform(action: actions.Action, track: Track) -> Outcome:
    """Perform a step without steps inside. Raises ``CannotPlay``, ``ValueError`` and ``FIRE_ERRORS``."""
    performer = _PERFORMERS.get(type(action))
    if performer is None:
        raise CannotPlay(f"This version cannot play the step {actions.key_of(type(action))}.")
    if not isinstance(action, OBSERVING):
        track.begin_firing()
    return await performer(action, track)


def expectation(
    event: str, sender: str | None, where: Mapping[str, Any], local_user: LocalUser | None = None
) -> Expectation:
    """Return the expectation of a step ``expect`` or ``when``; if it is played, with the local user here."""
    if local_user is None:
        return Expectation(event, sender or "", where)
    return Expectation(event, local_user.name(sender or ""), local_user.where(where))


def fixture_of(
    action: actions.Fire | actions.UseFixture | actions.Say, stage: Stage, local_user: LocalUser | None = None
) -> Fixture:
    """Return what a step fires, with its templates; if it is played, with the local user here.

    Raises ``CannotPlay`` and ``FIRE_ERRORS``.
    """
    match action:
        case actions.Fire():
            return _changed(stage.composer.fixture_for_event(action.fire), action.data, local_user)
        case actions.UseFixture():
            return _changed(stage.fixtures.find(action.fixture).fixture, action.changes, local_user)
        case actions.Say():
            return stage.composer.fixture_for_event("new_message").with_changes({"text": action.say}, [])


async def _fire_fixture(fixture: Fixture, to: Target, persona: str | None, track: Track) -> Outcome:
    written = fixture.frame if fixture.raw else fixture.envelope().data
    content = await expanded(written, track.context(persona))
    for _ in range(fixture.times):
        if fixture.raw:
            await track.stage.send_raw(content, to=to, origin=track.origin)
        else:
            event = Envelope(fixture.event, content)
            await track.fire(event, to, strict=not fixture.malformed)
    return Outcome(fixture.times)


def _changed(fixture: Fixture, changes: Mapping[str, Any], local_user: LocalUser | None) -> Fixture:
    """Return a fixture of this companion with the changes that the session makes."""
    if local_user and not fixture.raw:
        fixture = replace(fixture, data=local_user.outside_session.value(fixture.envelope().data))
        changes = local_user.where(changes)
    try:
        return fixture.with_changes(dict(changes), [])
    except (BadFixture, BadPath) as error:
        raise CannotPlay(f"{error}.") from None


async def _fire(action: actions.Fire, track: Track) -> Outcome:
    fixture = fixture_of(action, track.stage, track.local_user)
    return await _fire_fixture(fixture, track.target(action.to), action.as_user, track)


async def _use_fixture(action: actions.UseFixture, track: Track) -> Outcome:
    fixture = fixture_of(action, track.stage, track.local_user)
    if action.to is None:
        to = track.target(fixture.to, track.local_user.outside_session)
    else:
        to = track.target(action.to)
    return await _fire_fixture(fixture, to, action.as_user, track)


async def _send_frame(action: actions.SendFrame, track: Track) -> Outcome:
    return await _fire_fixture(Fixture(frame=action.frame), track.target(action.to), None, track)


async def _say(action: actions.Say, track: Track) -> Outcome:
    to = track.target(action.to)
    events = 1
    if action.typing:
        await _send_typing(action.as_user, True, to, track)
        await track.timeline.pause(action.typing)
        await _send_typing(action.as_user, False, to, track)
        events = 3
    await _fire_fixture(fixture_of(action, track.stage, track.local_user), to, action.as_user, track)
    return Outcome(events)


async def _fire_built_in(event: Envelope, user: str, to: Target, track: Track) -> None:
    """Fire an event of built-in fields. A file may require others."""
    event = track.stage.composer.completed(event, lambda: track.context(user))
    await track.fire(event, to)


async def _send_typing(user: str, typing: bool, to: Target, track: Track) -> None:
    event = Envelope("typing", {"username": track.local_user.name(user), "typing": typing})
    await _fire_built_in(event, user, to, track)


async def _type(action: actions.Typing, track: Track) -> Outcome:
    to = track.target(action.to)
    await _send_typing(action.as_user, action.typing, to, track)
    if action.duration is None:
        return Outcome(1)
    await track.timeline.pause(action.duration)
    await _send_typing(action.as_user, False, to, track)
    return Outcome(2)


async def _switch_presence(action: actions.Presence, track: Track) -> Outcome:
    event = Envelope(f"friend_{action.presence}", {"username": track.local_user.name(action.user)})
    await _fire_built_in(event, action.user, track.to, track)
    return Outcome(1)


async def _expect(action: actions.Expect, track: Track) -> Outcome:
    expected = expectation(action.expect, action.sender, action.where, track.local_user)
    impossible = why_impossible(expected, track.stage.catalog) or track.stage.why_no_call(expected.event)
    within = 0.0 if impossible else action.within
    result = await track.stage.expect(expected, within, track.met.get(str(expected), track.since))
    track.timeline.resynchronize()
    if result.row:
        track.met[str(expected)] = track.stage.rest_log.position(result.row)
        return Outcome(met=True, detail=f"after {result.after_s:.2f} s")
    if impossible:
        return Outcome(met=False, detail=impossible)
    instead = [f"{row.event} from {row.user or 'the UI'}" for row in result.received_instead[-MAX_SHOWN:]]
    received = f"received instead: {', '.join(instead)}" if instead else "the UI sent nothing"
    return Outcome(met=False, detail=f"not met within {action.within:g} s; {received}")


async def _wait(action: actions.Wait, track: Track) -> Outcome:
    if not isinstance(action.wait, actions.ReadyClient):
        await track.timeline.pause(action.wait)
        return Outcome()
    return await wait_for_client(track.target(action.wait.client), action.wait.within, track)


async def _close(action: actions.Close, track: Track) -> Outcome:
    if reason := why_not_sendable(action.code):
        raise CannotPlay(reason)
    for client in track.target(action.close).select(track.stage.hub.clients):
        client.close(action.code, action.reason)
    return Outcome()


async def _abort(action: actions.Abort, track: Track) -> Outcome:
    for client in track.target(action.abort).select(track.stage.hub.clients):
        client.abort()
    return Outcome()


async def _refuse(action: actions.Refuse, track: Track) -> Outcome:
    armed = track.stage.refusals.arm(parse_mode(action.mode), action.refuse, origin=track.origin)
    track.refusals.append(armed)
    return Outcome()


async def _arm_faults(action: actions.Faults, track: Track) -> Outcome:
    track.faults.arm(action, track.target(action.faults))
    return Outcome()


async def _arm_rest_fault(action: actions.RestFault, track: Track) -> Outcome:
    track.faults.arm_rest(action)
    return Outcome()


async def _change_state(action: actions.ChangeState, track: Track) -> Outcome:
    chat = track.stage.chat
    match action.state:
        case "reset":
            await chat.reset()
        case "load":
            await chat.restore(await track.files.read(action.file))
        case "save":
            await track.files.write(action.file, await chat.snapshot())
    return Outcome()


async def _mark(action: actions.Mark, track: Track) -> Outcome:
    track.stage.hub.log_server_event("mark", note=action.mark, origin=track.origin)
    return Outcome()


async def _note(action: actions.Note, track: Track) -> Outcome:
    track.stage.hub.log_server_event(SCENARIO, note=action.note, origin=track.origin)
    return Outcome()


_PERFORMERS: dict[type[actions.Action], Callable[[Any, Track], Awaitable[Outcome]]] = {
    actions.Fire: _fire,
    actions.UseFixture: _use_fixture,
    actions.SendFrame: _send_frame,
    actions.Say: _say,
    actions.Typing: _type,
    actions.Presence: _switch_presence,
    actions.Expect: _expect,
    actions.Wait: _wait,
    actions.Close: _close,
    actions.Abort: _abort,
    actions.Refuse: _refuse,
    actions.Faults: _arm_faults,
    actions.RestFault: _arm_rest_fault,
    actions.ChangeState: _change_state,
    actions.Mark: _mark,
    actions.Note: _note,
    **RECORDED,
}


def performers() -> frozenset[type[actions.Action]]:
    """Return the kinds of steps that ``perform`` can perform."""
    return frozenset(_PERFORMERS)
