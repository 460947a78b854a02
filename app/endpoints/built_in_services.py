"""The table of the built-in servers: the event server, the REST stand-in and the control API.

An entry has the server, its texts, and functions that read its port and its on/off switch from the settings. The
companion passes the table to ``Services``, which starts and stops the servers.
"""

from operator import attrgetter

from app.endpoints.event_server import EventServer
from app.endpoints.http_server import HttpServer
from app.endpoints.service import Service


def built_in_services(events: EventServer, rest: HttpServer, control: HttpServer) -> tuple[Service, ...]:
    """Return the services in the order in which they start. To add a server, add an entry."""
    return (
        Service(
            name="events",
            title="The event server",
            server=events,
            port=attrgetter("port"),
            announcement="listening",
            consequence="No client can connect.",
        ),
        Service(
            name="rest",
            title="The REST stand-in",
            server=rest,
            port=attrgetter("rest_port"),
            wanted=attrgetter("rest"),
            announcement="answering",
            consequence="Events work; the UI's REST calls are not answered here.",
        ),
        Service(
            name="control",
            title="The control API",
            server=control,
            port=attrgetter("control_port"),
            wanted=attrgetter("control"),
            announcement="control",
            consequence="Scripts cannot reach this companion.",
            can_start=lambda: bool(control.token),
        ),
    )
