"""A session is checked against the contract, the fixtures and the friends before it is played."""

import pytest

from app.protocol.faults.rest import parse_rest_fault
from app.protocol.session.steps import Header, Session
from app.protocol.session.transcript import parse_transcript
from tests.sources.theatre import Theatre


async def test_a_step_that_will_not_work_is_named(theatre: Theatre, subtests: pytest.Subtests) -> None:
    for text, line, message, warning in [
        ("fire nonsense", 1, "There is no event 'nonsense'.", False),
        ("alice: hi\nfire new_mesage", 2, "There is no event 'new_mesage'; did you mean new_message?", False),
        ("fire friend_online with foo=3", 1, "data.foo: unknown field; known fields: username.", False),
        ("fire new_message with text=5", 1, "data.text: must be text, not a number.", False),
        ("when typing\n    fire typing with typing=3", 2, "data.typing: ", False),
        ('fire new_message with text="' + "{{seq}}" * 300 + '"', 1, "The event has 304 templates", False),
        ("fire basics/message with data.text=5", 1, "data.text: ", False),
        ("alice: " + "{{seq}}" * 300, 1, "The event has 304 templates", False),
        ("fire no/such", 1, "There is no fixture 'no/such'.", False),
        ("repeat 2\n    fire no/such", 2, "There is no fixture 'no/such'.", False),
        ("expect typng", 1, "There is no client event 'typng'; did you mean typing?", False),
        ("when typing where nope=1\n    alice: hi", 1, "typing has no field 'nope'.", False),
        ("close all 1005", 1, "The close code 1005 cannot be sent", False),
        ("state load", 1, "state load needs a file.", False),
        ("state load ../x.json", 1, "The file '../x.json' is outside of the session's folder.", False),
        ("state save a/../../x.json", 1, "The file 'a/../../x.json' is outside of the session's folder.", False),
        ("state save x.txt", 1, "The file 'x.txt' must end in .json.", False),
        ('! {"frame": "x", "to": "nobody"}', 1, "Invalid target 'nobody'", False),
        ("refuse 2 with close:1005", 1, "The close code 1005 cannot be sent", False),
        ("close User:Alice", 1, "Invalid target 'User:Alice': use ", False),
        ('! {"faults": "clear"}', 1, "Invalid target 'clear'", False),
        ("faults all loss=1 latency=5 only event:", 1, "The filter 'event:' is not complete", False),
        ("faults all loss=1 only is:pinned", 1, "The filter 'is:pinned' is not valid here", False),
        ("expect GET /frends", 1, "The REST API has no 'GET /frends'; did you mean GET /friends?", True),
        ("expect get /messages/1 within 2s", 1, "The REST API has no 'GET /messages/1'", True),
        (
            "when POST /mesages\n    note x",
            1,
            "The REST API has no 'POST /mesages'; did you mean POST /messages?",
            True,
        ),
        ("rest_fault POST /mesages status=503", 1, "The REST API has no 'POST /mesages'; did you mean", True),
        ("expect GET /frends?a=b", 1, "'GET /frends?a=b' has a query.", False),
        ("when PUT /friends\n    note x", 1, "There is no client event 'PUT /friends'", False),
        (
            "me: hi",
            1,
            "me is the user of the UI and not a friend, so the UI will not show this",
            True,
        ),
        ("zoe: hi", 1, "zoe is not a friend in this chat state, so the UI will not show this", True),
    ]:
        with subtests.test(text=text, line=line):
            (problem,) = await theatre.companion.sessions.check(parse_transcript(text))
            assert (problem.line, problem.warning) == (line, warning)
            assert problem.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        'fire new_message as bob with text="{{me}}, {{no_template}} {{faker.name}} {{now-1d}}"',
        "fire nasty/markup",
        'fire "nasty/unknown event"',
        '! {"frame": "no json"}',
    ],
)
async def test_templates_and_malformed_fixtures_are_not_reported(theatre: Theatre, text: str) -> None:
    assert await theatre.companion.sessions.check(parse_transcript(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "expect delete /friends/bob from me",
        "rest_fault get /profile* status=200\nexpect GET /profiles",
        "rest_fault GET /profile status=200\nexpect GET /profile",
        "faults all profile mine\nexpect GET /profiles",
    ],
)
async def test_calls_that_the_backend_or_a_fault_answers_can_be_expected(theatre: Theatre, text: str) -> None:
    found = await theatre.companion.sessions.check(parse_transcript(text))
    assert [each.message for each in found if "REST API" in each.message] == []


async def test_a_call_that_an_armed_fault_answers_can_be_expected(theatre: Theatre) -> None:
    """Regression: only the faults of the session's own steps counted, but ``session run`` waited for the call."""
    theatre.companion.faults.rest.arm(parse_rest_fault("GET /profile*", ["status=200"]))
    assert await theatre.companion.sessions.check(parse_transcript("expect GET /profiles")) == []


@pytest.mark.parametrize("state", [{"people": [{"username": "zoe", "is_friend": True}]}, "state.json"])
async def test_the_friends_are_those_of_the_sessions_own_chat_state(theatre: Theatre, state: object) -> None:
    """Regression: only the friends of the present chat state were known."""
    steps = parse_transcript("zoe: hi").entries
    assert await theatre.companion.sessions.check(Session(Header(state=state), steps)) == []


async def test_the_chat_state_of_the_header_is_in_the_folder(theatre: Theatre) -> None:
    session = Session(Header(state="../x.json"), parse_transcript("note a\nnote b").entries)
    (problem,) = await theatre.companion.sessions.check(session)
    assert (problem.line, problem.message) == (1, "The file '../x.json' is outside of the session's folder.")


async def test_at_most_fifty_problems_are_listed(theatre: Theatre) -> None:
    assert len(await theatre.companion.sessions.check(parse_transcript("fire nonsense\n" * 99))) == 50
