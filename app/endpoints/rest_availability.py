"""Why no client can make a REST call now, so that a command that waits for one can end at once with the reason."""

from collections.abc import Callable

from app.endpoints.service import Services
from app.hub.expectation import is_rest_call
from app.protocol.rest_calls import why_impossible_call
from app.system.settings import Settings


def why_no_rest(call: str, services: Services, settings: Settings) -> str:
    """Return why no client can make a REST call now, whichever it is; empty if clients can make calls."""
    off = services["rest"].why_off(settings)
    return f"No client can make the call {call}: the REST stand-in is {off}" if off else ""


def why_no_call(event: str, services: Services, settings: Settings, is_answered: Callable[[str], bool]) -> str:
    """Return why no client can make an expected REST call now; empty if one can, and for a client event.

    A call that the backend does not have is possible only if ``is_answered`` returns true: a fault answers it.
    """
    if not is_rest_call(event):
        return ""
    return why_no_rest(event, services, settings) or why_impossible_call(event, is_answered)
