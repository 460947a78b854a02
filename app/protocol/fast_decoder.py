"""Decode common client frames fast: valid built-in events whose fields are all required, and strings or booleans.
For any other frame, also of an event that a file defines or extends, ``read`` returns None, and the caller uses the
strict decoder (``envelope``).

The strict decoder checks every key, because JSON allows duplicates. This decoder counts quotation marks instead: if
a frame has no escapes, contains every known field, and has exactly as many quotation marks as these fields need,
there is no further or duplicate key.
"""

from typing import Any, Union

import msgspec

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction, Event
from app.protocol.event_type import EventType, StructEvent

PLAIN_TYPES = ("string", "boolean")
"""JSON types with a fixed number of quotation marks."""


class FastDecoder:
    """Decode the built-in client events of a catalog whose fields are all required, and strings or booleans."""

    def __init__(self, catalog: Catalog) -> None:
        self._known: dict[type[Any], tuple[str, int]] = {}
        """Event name and number of quotation marks, by the struct of the whole frame."""
        for each in catalog:
            if each.direction is Direction.FROM_UI and isinstance(each, StructEvent) and _is_plain(each):
                frame = msgspec.defstruct(
                    f"Frame_{each.name}", [("data", each.struct)],
                    tag_field="event", tag=each.name, forbid_unknown_fields=True, frozen=True,
                )  # fmt: skip
                self._known[frame] = (each.name, _quote_count(each))
        self._decoder = msgspec.json.Decoder(Union[tuple(self._known)] if self._known else None)  # noqa: UP007

    def read(self, payload: bytes) -> tuple[str, Event] | None:
        """Return the name and data of a client event, or None if the strict decoder has to decode it.

        ``payload`` is UTF-8. The result equals that of ``envelope.decode`` and ``EventType.typed``.
        """
        if b"\\" in payload:
            return None
        try:
            frame = self._decoder.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            return None
        known = self._known.get(type(frame))
        if known is None or payload.count(b'"') != known[1]:
            return None
        return known[0], frame.data


def _is_plain(event: EventType) -> bool:
    properties = event.schema["properties"]
    return set(event.schema["required"]) == set(properties) and all(
        each.get("type") in PLAIN_TYPES for each in properties.values()
    )


def _quote_count(event: EventType) -> int:
    """Return the number of quotation marks in a frame of the event."""
    kinds = [each["type"] for each in event.schema["properties"].values()]
    keys, texts = 2 + len(kinds), 1 + kinds.count("string")
    return 2 * (keys + texts)
