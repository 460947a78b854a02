"""Write the ``companion`` command for a row of the log, which the Events room copies to the clipboard.
``trigger`` fires an event to the UI again, or sends an invalid frame unchanged. ``expect`` waits for a client event
or a REST call like the logged one, with any id and time. A ``trigger`` command is written for a shell or as a line
of a Playwright test, an ``expect`` command only as such a line.
"""

import json
import shlex
from typing import Any

from app.protocol.catalog import Catalog
from app.protocol.conditions import value_text
from app.protocol.envelope import BadFrame, decode


def trigger_command(frame: str, catalog: Catalog) -> str:
    """Return a ``companion trigger`` command that fires a frame's event again, with a new id and time.

    A frame that is not a valid event becomes ``trigger --frame``. The values are those that
    ``conditions.parse_value`` reads: text that is valid JSON becomes JSON.
    """
    return shlex.join(["companion", *trigger_arguments(frame, catalog)])


def trigger_arguments(frame: str, catalog: Catalog) -> list[str]:
    """Return the arguments of ``trigger_command``, without ``companion``."""
    try:
        event = decode(frame)
        valid = not catalog.problems(event)
    except BadFrame:
        valid = False
    if not valid:
        return ["trigger", "--frame", frame]
    return ["trigger", event.event, *_options("--set", event.data)]


def expect_arguments(event: str, data: Any) -> list[str]:
    """Return the arguments of a ``companion expect`` command for a client event, or a REST call with this body."""
    return ["expect", event, *(_options("--where", data) if isinstance(data, dict) else [])]


def playwright_line(arguments: list[str]) -> str:
    """Return a line of TypeScript that runs a command, using the helper from the manual's Playwright example."""
    return f"await companion({', '.join(json.dumps(each, ensure_ascii=False) for each in arguments)});"


def _options(option: str, data: dict[str, Any]) -> list[str]:
    """Return ``data`` as command line options, without the fields that are generated anew."""
    kept = [f"{name}={value_text(value)}" for name, value in data.items() if name not in ("msg_id", "timestamp")]
    return [argument for each in kept for argument in (option, each)]
