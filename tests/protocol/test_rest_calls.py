"""The routes of the REST API are those that the REST stand-in has."""

from typing import Any

import pytest

from app.endpoints.rest import RestApi
from app.protocol.rest_calls import ROUTES, why_no_route, with_upper_method


def test_the_routes_are_those_of_the_stand_in() -> None:
    unused: Any = None
    routes = RestApi(*[unused] * 7).application().router.routes()
    assert {f"{each.method} {each.resource.canonical}" for each in routes if each.resource} == set(ROUTES)


@pytest.mark.parametrize("call", ["GET /friends", "DELETE /friends/bob", "DELETE /messages/msg_1"])
def test_a_call_of_a_route_exists(call: str) -> None:
    assert why_no_route(call) == ""


@pytest.mark.parametrize("call", ["DELETE /friends", "DELETE /friends/", "GET /friends/bob", "PUT /messages"])
def test_another_call_does_not_exist(call: str) -> None:
    assert why_no_route(call).startswith(f"The REST API has no {call!r}")


@pytest.mark.parametrize(
    ("text", "found"), [("post /Messages", "POST /Messages"), ("* /*", "* /*"), ("mark_read", "mark_read")]
)
def test_only_the_method_of_a_call_becomes_upper_case(text: str, found: str) -> None:
    assert with_upper_method(text) == found
