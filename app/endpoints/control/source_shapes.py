"""JSON types of the control API operations on sources, and a function that converts a source to its response.
A source fires events by itself. These are the two that the user can switch on and off: ``peers`` (messages over TCP
from friends with a companion of their own) and ``supabase`` (a web service with a directory and a queue).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.hub.switchable import Switchable

Seconds = Annotated[float | None, Meta(description="Seconds since the epoch; null: never")]


class SourceInfo(Struct, kw_only=True):
    """A source and its state."""

    name: Annotated[str, Meta(description="supabase, …")]
    title: str
    on: Annotated[bool, Meta(description="Whether the settings switch it on")]
    state: Literal["off", "starting", "ok", "waiting", "failed"]
    text: Annotated[str, Meta(description="The state in one sentence")]
    last_success: Seconds
    next_try: Annotated[float | None, Meta(description="When the next call is due, in seconds since the epoch")]
    latency_ms: Annotated[float | None, Meta(description="Duration of the latest call that was answered")]
    counts: Annotated[dict[str, int], Meta(description="What it has done since it was switched on, by kind")]
    warnings: list[str]


class SourceTest(Struct, kw_only=True):
    """The result of a connection test."""

    ok: bool
    text: Annotated[str, Meta(description="What was found out, or what is wrong, in one sentence")]


class KeyBody(Input):
    """An API key."""

    key: Annotated[str, Meta(min_length=1, max_length=4096, description="The project's publishable or anon key")]


class KeyStored(Struct, kw_only=True):
    """Where the API key is kept. The key itself is never returned."""

    kept_in: Annotated[str, Meta(description="Empty if there is none")]


class DeleteQuery(Input):
    """What to delete."""

    remote: Annotated[bool, Meta(description="Also delete the registration in the project")] = False


class DataDeleted(Struct, kw_only=True):
    """What was deleted."""

    text: str


def source_info(source: Switchable) -> SourceInfo:
    """Convert a source for a response."""
    status = source.status
    return SourceInfo(
        name=source.name, title=source.title, on=source.is_on, state=status.condition.value, text=status.text,
        last_success=status.last_success, next_try=status.next_try,
        latency_ms=None if status.latency_s is None else round(status.latency_s * 1000, 1),
        counts=dict(status.counts), warnings=list(status.warnings),
    )  # fmt: skip
