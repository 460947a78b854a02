"""JSON types of two control API operations that return the contract: the response with all events and the names of
a frame's keys, and the query that chooses which application an AsyncAPI document describes, backend or chat UI.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.firing_shapes import EventInfo
from app.endpoints.control.shapes import Input
from app.protocol.contract_documents.applications import Application


class AsyncApiQuery(Input, rename={"as_": "as"}):
    """Which document to return."""

    as_: Annotated[
        Application, Meta(description="The application that the document describes: the backend, or the chat UI")
    ] = Application.BACKEND


class Contract(Struct, kw_only=True):
    """All events, and the names of the keys of a frame."""

    event_key: Annotated[str, Meta(description="Key of the event's name in a frame")]
    data_key: Annotated[str, Meta(description="Key of the event's data in a frame")]
    events: list[EventInfo]
