"""JSON types of the response of ``GET /v1/status`` and of the operations that pause, resume, start and stop the
event server: the state of the companion and of each server.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.endpoints.control.journal_shapes import JournalState
from app.endpoints.control.refusal_shapes import RefusalInfo


class ServiceInfo(Struct, kw_only=True):
    """A server. ``error`` is the reason if it could not start, else empty."""

    name: Annotated[str, Meta(description="events, rest, control, …")]
    title: str
    url: str
    wanted: bool
    listening: bool
    error: str


class ServerSummary(Struct, kw_only=True):
    """A server. ``error`` is the reason if it could not start, else empty."""

    url: str
    wanted: bool
    listening: bool
    error: str
    trouble: Annotated[str, Meta(description="Deprecated: the same as error")]


class Status(Struct, kw_only=True):
    """The state of the companion."""

    version: str
    pid: int
    window: Annotated[bool, Meta(description="Whether the companion has a window; false for companion serve")]
    username: str
    state: Literal["stopped", "listening", "paused", "port busy"]
    clients: int
    events: ServerSummary
    rest: ServerSummary
    control: ServerSummary
    services: Annotated[list[ServiceInfo], Meta(description="All servers, in the order in which they start")]
    journal: JournalState
    refusals: Annotated[list[RefusalInfo], Meta(description="Connections that are refused on purpose")]
    in_memory: Annotated[bool, Meta(description="Whether the chat state is lost when the companion ends")]
    warnings: Annotated[list[str], Meta(description="Problems the user should know about, such as a damaged file")]
    complaints: Annotated[list[str], Meta(description="Deprecated: the same as warnings")]
    refused_page: Annotated[str, Meta(description="The warning about a page whose origin is not allowed, or empty")]
