"""Values that are made at fire time: ``{{uuid}}`` and ``{{now}}`` inside an event's data."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

UUID = "{{uuid}}"
NOW = "{{now}}"

BY_FORMAT = {"uuid": UUID, "date-time": NOW}
"""JSON Schema format → the template that makes a fresh value of it."""


def iso(wall: float) -> str:
    """Return seconds since the epoch as the guide writes time: ``2024-01-15T10:30:00Z``, with milliseconds."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _new_uuid() -> str:
    return str(uuid.uuid4())


def resolve(data: Any, wall: float, new_uuid: Callable[[], str] = _new_uuid) -> Any:
    """Return ``data`` with every template replaced; ``wall`` is now, in seconds since the epoch."""
    match data:
        case dict():
            return {key: resolve(value, wall, new_uuid) for key, value in data.items()}
        case list():
            return [resolve(value, wall, new_uuid) for value in data]
        case str() if "{{" in data:
            return data.replace(UUID, new_uuid()).replace(NOW, iso(wall))
    return data
