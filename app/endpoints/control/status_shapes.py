"""Output of the operations that return the state of the companion."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.endpoints.control.journal_shapes import JournalState


class ServiceInfo(Struct, kw_only=True):
    """One of the servers. ``error`` says why it does not listen although it should."""

    name: Annotated[str, Meta(description="events, rest, control, …")]
    title: str
    url: str
    wanted: bool
    listening: bool
    error: str


class Door(Struct, kw_only=True):
    """One of the servers. ``trouble`` says why it does not listen although it should."""

    url: str
    wanted: bool
    listening: bool
    trouble: str


class Status(Struct, kw_only=True):
    """What the companion does now."""

    version: str
    pid: int
    window: Annotated[bool, Meta(description="Whether it has a window (false: serve)")]
    username: str
    state: Literal["stopped", "listening", "paused", "port busy"]
    clients: int
    events: Door
    rest: Door
    control: Door
    services: Annotated[list[ServiceInfo], Meta(description="All servers, in the order in which they start")]
    journal: JournalState
    in_memory: Annotated[bool, Meta(description="Whether the chat state is lost at the end")]
    warnings: Annotated[list[str], Meta(description="What the user should know: a damaged file, for example")]
    complaints: Annotated[list[str], Meta(description="Deprecated: the same as warnings")]
