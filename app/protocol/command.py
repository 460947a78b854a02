"""An event as a line for a terminal."""

import json
import shlex
from typing import Any

from app.protocol.catalog import Catalog
from app.protocol.envelope import BadFrame, decode


def trigger_command(frame: str, catalog: Catalog) -> str:
    """Return ``companion trigger …`` that fires this frame's event again, with a fresh id and the time of then.

    A frame that is no valid event is sent as it is. The way back is ``cli.options.pairs``: what parses as JSON
    is JSON.
    """
    try:
        event = decode(frame)
        valid = not catalog.problems(event)
    except BadFrame:
        valid = False
    if not valid:
        return shlex.join(["companion", "trigger", "--frame", frame])
    parts = ["companion", "trigger", event.event]
    for name, value in event.data.items():
        if name not in ("msg_id", "timestamp"):
            parts += ["--set", f"{name}={_value(value)}"]
    return shlex.join(parts)


def _value(value: Any) -> str:
    if isinstance(value, str):
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            return value
    return json.dumps(value, ensure_ascii=False)
