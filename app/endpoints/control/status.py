"""The control API's ``GET /v1/status``: version, servers and their errors, client count, journal size and more.

Armed refusals and warnings are part of it; the friends, messages and read marks of the chat state are not. The
operations that pause, resume, start and stop the event server return the same answer.
"""

import os

from app import __version__
from app.endpoints.control import status_shapes as shapes
from app.endpoints.control.journal import journal_state
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.endpoints.control.refusal_shapes import refusals_info
from app.endpoints.control.service import Service


class StatusOperations(Operations):
    """The operation ``GET /v1/status``. It changes nothing."""

    @operation("GET", "/v1/status", scope=Scope.AGENT, answer=shapes.Status)
    async def status(self, _: Call) -> shapes.Status:
        """Return the state of all servers, with the reasons of failures."""
        return current_status(self._service)


def current_status(service: Service) -> shapes.Status:
    """Return the answer of ``GET /v1/status``."""
    refused = service.refused_page()
    warnings = [*service.warnings, *service.fixtures.warnings, *([refused] if refused else [])]
    return shapes.Status(
        version=__version__,
        pid=os.getpid(),
        window=service.raise_window is not None,
        username=service.settings.username,
        state=service.state,  # type: ignore[arg-type]
        clients=service.hub.connection_count,
        events=_summary(service, "events"),
        rest=_summary(service, "rest"),
        control=_summary(service, "control"),
        services=[
            shapes.ServiceInfo(
                name=each.name,
                title=each.title,
                url=each.server.url,
                wanted=each.wanted(service.settings),
                listening=each.server.listening,
                error=each.error,
            )
            for each in service.services
        ],
        journal=journal_state(service),
        refusals=refusals_info(service.refusals, service.hub.clock.mono()),
        in_memory=service.in_memory,
        warnings=warnings,
        complaints=warnings,
        refused_page=refused,
    )


def _summary(service: Service, name: str) -> shapes.ServerSummary:
    each = service.services[name]
    return shapes.ServerSummary(
        url=each.server.url, wanted=each.wanted(service.settings), listening=each.server.listening,
        error=each.error, trouble=each.error,
    )  # fmt: skip
