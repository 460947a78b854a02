"""The short way for the frames that clients send by the thousand; whatever is unusual goes the long way.

The strict decoder (``envelope``) looks at every key, since JSON may name one twice. Here the same is shown by
counting: a frame without escapes, in which every known field is present, has room for no other key if it holds
just as many quotation marks as those fields need.
"""

from typing import Any, Union

import msgspec

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction, Event
from app.protocol.event_type import EventType, StructEvent

PLAIN = ("string", "boolean")


class FastDecoder:
    """Reads plain client events of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._marks: dict[type[Any], tuple[str, int]] = {}
        for each in catalog:
            if each.direction is Direction.FROM_UI and isinstance(each, StructEvent) and _is_plain(each):
                frame = msgspec.defstruct(
                    f"Frame_{each.name}", [("data", each.struct)],
                    tag_field="event", tag=each.name, forbid_unknown_fields=True, frozen=True,
                )  # fmt: skip
                self._marks[frame] = (each.name, _marks(each))
        self._decoder = msgspec.json.Decoder(Union[tuple(self._marks)] if self._marks else None)  # noqa: UP007

    def read(self, payload: bytes) -> tuple[str, Event] | None:
        """Return name and data of a client's event; None where only the strict decoder can tell.

        ``payload`` is UTF-8. What this returns, ``envelope.decode`` and ``EventType.typed`` return too.
        """
        if b"\\" in payload:
            return None
        try:
            frame = self._decoder.decode(payload)
        except msgspec.DecodeError:
            return None
        known = self._marks.get(type(frame))
        if known is None or payload.count(b'"') != known[1]:
            return None
        return known[0], frame.data


def _is_plain(event: EventType) -> bool:
    properties = event.schema["properties"]
    return set(event.schema["required"]) == set(properties) and all(
        each.get("type") in PLAIN for each in properties.values()
    )


def _marks(event: EventType) -> int:
    """Return how many quotation marks a frame of that event has."""
    kinds = [each["type"] for each in event.schema["properties"].values()]
    keys, texts = 2 + len(kinds), 1 + kinds.count("string")
    return 2 * (keys + texts)
