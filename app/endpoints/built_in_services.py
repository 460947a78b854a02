"""The table of the built-in servers: the event server, the REST stand-in, the control API and the peer server.

An entry (``Service``) has a server, texts about it, and functions that read its settings, such as its port and
whether it starts. The settings cannot switch off the event server, but the user can stop it. The companion passes
the table to ``Services``, which starts, stops and restarts the servers.
"""

from operator import attrgetter

from app.endpoints.event_server import EventServer
from app.endpoints.http_server import HttpServer
from app.endpoints.peer_server import PeerServer
from app.endpoints.service import Service


def built_in_services(
    events: EventServer, rest: HttpServer, control: HttpServer, peers: PeerServer
) -> tuple[Service, ...]:
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
        Service(
            name="peers",
            title="The peer server",
            server=peers,
            port=attrgetter("peer_port"),
            wanted=attrgetter("peers"),
            options=attrgetter("peer_lan"),
            announcement="peers",
            port_option="--peer-port",
            consequence="Peers cannot send you messages.",
        ),
    )
