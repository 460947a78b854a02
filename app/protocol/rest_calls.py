"""The routes of the backend's REST API, and calls as text, such as ``POST /messages``.
The REST stand-in, which replaces that API, answers these routes; it answers any other path with 404.
"""

from collections.abc import Callable

from app.protocol.did_you_mean import suggestion

ROUTES = (
    "GET /status",
    "GET /friends",
    "POST /friends",
    "DELETE /friends/{username}",
    "GET /messages",
    "POST /messages",
    "DELETE /messages/{msg_id}",
)


def with_upper_method(call: str) -> str:
    """Return a call with its method in upper case; other texts, such as names of events, unchanged."""
    method, space, path = call.partition(" ")
    return f"{method.upper()} {path}" if space and path.startswith("/") else call


def why_impossible_call(call: str, is_answered: Callable[[str], bool]) -> str:
    """Return why a call cannot be expected; empty if the REST API has it, or if ``is_answered``: by a fault."""
    return "" if is_answered(call) else why_no_route(call)


def why_no_route(call: str) -> str:
    """Return why the REST API does not have a call; empty if it has."""
    if any(_fits(route, call) for route in ROUTES):
        return ""
    there = f"It has {', '.join(ROUTES)}"
    return f"The REST API has no {call[:80]!r}{suggestion(call, ROUTES) or '.'} {there}"


def _fits(route: str, call: str) -> bool:
    parts, given = route.split("/"), call.split("/")
    return len(parts) == len(given) and all(
        bool(text) if part.startswith("{") else part == text for part, text in zip(parts, given, strict=True)
    )
