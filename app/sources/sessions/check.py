"""Check the steps of a session (scenario or recording) without playing it, for the editor of scenarios and the
control API. For example, events and fixtures must exist and satisfy the contract, targets and faults must be valid,
and chat states must be in the session's folder. A user who is not a friend, and a REST call that the backend does
not have, are warnings. Return the first problems (``MAX_PROBLEMS``) with their lines. A session with problems can
still be played: ``player`` does not call this.
"""

from collections.abc import Collection, Iterator

from app.hub.expectation import is_rest_call, why_impossible
from app.hub.session_run import SessionProblem
from app.hub.target import Target
from app.protocol.close_codes import why_not_sendable
from app.protocol.contract import Direction
from app.protocol.did_you_mean import suggestion
from app.protocol.envelope import Envelope
from app.protocol.errors import Invalid, RequestError
from app.protocol.event_type import InvalidEvent
from app.protocol.faults.rest import matches_route, parse_rest_fault, why_no_calls
from app.protocol.faults.words import InvalidFault, parse_fault
from app.protocol.refusals import parse_mode
from app.protocol.rest_calls import why_impossible_call, with_upper_method
from app.protocol.session import actions
from app.protocol.session.saved import check_loaded_file, check_saved_file
from app.protocol.session.steps import Header, Session, Step
from app.protocol.templates import TemplateContext, TemplateError, resolve
from app.sources.sessions.outcome import CannotPlay
from app.sources.sessions.performer import expectation, fixture_of, performers
from app.sources.sessions.stage import Stage

MAX_PROBLEMS = 50
"""At most this many problems are listed."""


def check_header(header: Header) -> list[SessionProblem]:
    """Return the problems of the header of a session, which is in its first line."""
    try:
        if isinstance(header.state, str):
            check_loaded_file(header.state)
    except Invalid as error:
        return [SessionProblem(1, error.reason)]
    return []


def check_session(session: Session, stage: Stage, answers: Collection[str] = ()) -> list[SessionProblem]:
    """Return the problems of the steps of a session.

    ``answers`` are routes of REST calls that faults of earlier steps may answer, besides those that are armed now.
    It can be played until it reaches the first one that is not a warning.
    """
    found: list[SessionProblem] = []
    friends = _friends(session, stage)
    for step in session.steps:
        for each in step.walk():
            found += [SessionProblem(each.line, message) for message in _problems(each, stage)]
            if reason := _why_no_call(each.action, stage, answers):
                found.append(SessionProblem(each.line, f"{reason}.", warning=True))
            if (user := _friend(each.action)) and friends is not None and user not in friends:
                if user == stage.local_user:
                    who, hint = "the user of the UI and not a friend", ": choose a friend."
                else:
                    who = "not a friend in this chat state"
                    hint = suggestion(user, stage.personas) or ": add the persona in Chats."
                message = f"{user} is {who}, so the UI will not show this{hint}"
                found.append(SessionProblem(each.line, message, warning=True))
            if len(found) >= MAX_PROBLEMS:
                return found[:MAX_PROBLEMS]
    return found


def answering_faults(step: Step) -> list[str]:
    """Return the routes that faults of a step may answer: any, if it arms a profile."""
    steps = [each.action for each in step.walk()]
    routes = [with_upper_method(each.rest_fault) for each in steps if isinstance(each, actions.RestFault)]
    return [*routes, *("*" for each in steps if isinstance(each, actions.Faults) and each.profile)]


def _why_no_call(action: actions.Action, stage: Stage, answers: Collection[str]) -> str:
    """Return why the REST API does not have the call that a step waits for, or on which its fault acts.

    The text is empty if it has, if a fault answers the call, and for other steps.
    """

    def is_answered(call: str) -> bool:
        return any(matches_route(each, call) for each in answers) or stage.faults.rest.answers(call)

    if isinstance(action, actions.RestFault) and action.set:
        try:
            return why_no_calls(parse_rest_fault(action.rest_fault, action.set))
        except InvalidFault:
            return ""  # it is a problem
    if not isinstance(action, actions.Expect | actions.When):
        return ""
    event = action.expect if isinstance(action, actions.Expect) else action.when
    expected = expectation(event, action.sender, action.where)
    if not is_rest_call(expected.event) or why_impossible(expected, stage.catalog):
        return ""
    return why_impossible_call(expected.event, is_answered)


def _problems(step: Step, stage: Stage) -> Iterator[str]:
    action = step.action
    if not step.steps and type(action) not in performers():
        yield f"This version cannot play the step {step.key}."
    for target in _targets(action):
        try:
            Target.parse(target)
        except ValueError as error:
            text = str(error)
            yield f"{text[:1].upper()}{text[1:]}."
    match action:
        case actions.Fire() if action.fire not in (names := stage.catalog.names(Direction.TO_UI)):
            yield f"There is no event {action.fire[:80]!r}{suggestion(action.fire, names) or '.'}"
        case actions.Fire() | actions.UseFixture() | actions.Say():
            if reason := _why_not_fired(action, stage):
                yield reason
        case actions.Expect() | actions.When():
            event = action.expect if isinstance(action, actions.Expect) else action.when
            if reason := why_impossible(expectation(event, action.sender, action.where), stage.catalog):
                yield f"{reason}."
        case actions.Close() if reason := why_not_sendable(action.code):
            yield reason
        case actions.Refuse():
            try:
                parse_mode(action.mode)
            except ValueError as error:
                yield str(error)
        case actions.Faults():
            yield from _why_no_faults(action, stage)
        case actions.RestFault() if action.set:
            try:
                parse_rest_fault(action.rest_fault, action.set)
            except InvalidFault as error:
                yield str(error)
        case actions.ChangeState() if action.state != "reset":
            yield from _why_no_file(action)


def _why_not_fired(action: actions.Fire | actions.UseFixture | actions.Say, stage: Stage) -> str:
    """Return how the event of a step violates the contract; empty if it does not, or is meant to."""
    try:
        fixture = fixture_of(action, stage)
        if fixture.raw or fixture.malformed:
            return ""
        event = fixture.envelope()
        context = TemplateContext(wall=0.0, persona=action.as_user or "alice", preview=True)
        problems = stage.catalog.problems(Envelope(event.event, resolve(event.data, context)))
    except (CannotPlay, InvalidEvent, RequestError) as error:
        return str(error)
    except TemplateError as error:
        return f"The event has {error}."
    return f"{'; '.join(map(str, problems))}." if problems else ""


def _why_no_file(action: actions.ChangeState) -> Iterator[str]:
    if not action.file:
        yield f"state {action.state} needs a file."
        return
    try:
        check = check_saved_file if action.state == "save" else check_loaded_file
        check(action.file)
    except Invalid as error:
        yield error.reason


def _why_no_faults(action: actions.Faults, stage: Stage) -> Iterator[str]:
    try:
        if action.profile:
            stage.profiles.find(action.profile)
    except RequestError as error:
        yield error.reason
    found = []
    for each in action.set:
        try:
            found.append(parse_fault(each, action.direction, action.only))
        except InvalidFault as error:
            yield str(error)
    try:
        stage.faults.check(found)
    except RequestError as error:
        yield error.reason


def _targets(action: actions.Action) -> Iterator[str]:
    match action:
        case actions.Close():
            yield action.close
        case actions.Faults():
            yield action.faults
        case actions.Abort():
            yield action.abort
        case actions.Wait() if isinstance(action.wait, actions.ReadyClient):
            yield action.wait.client
        case _:
            if isinstance(to := getattr(action, "to", None), str):
                yield to


def _friends(session: Session, stage: Stage) -> Collection[str] | None:
    """Return the friends in the chat state with which a session begins; None if that is in a file."""
    state = session.header.state
    if state is None:
        return stage.friends
    people = state.get("people") if isinstance(state, dict) else None
    if not isinstance(people, list):
        return None
    return [str(each.get("username")) for each in people if isinstance(each, dict) and each.get("is_friend")]


def _friend(action: actions.Action) -> str:
    """Return the user that a step acts as, who must be a friend so that the UI shows what happens."""
    match action:
        case actions.Presence():
            return action.user
        case actions.Say() | actions.Typing():
            return action.as_user
    return ""
