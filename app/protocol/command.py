"""Write the ``companion`` command for a row of the log, which the Events room copies to the clipboard.
``trigger`` fires an event to the UI again, or sends an invalid frame unchanged. ``expect`` waits for a client event
or a REST call like the logged one, with any id and time. A ``trigger`` command is written for a shell or as a line
of a Playwright test, an ``expect`` command only as such a line.
"""

import json
import re
import shlex
from typing import Any

from app.protocol.catalog import Catalog
from app.protocol.conditions import value_text
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, decode, parse_json
from app.protocol.templates import escaped
from app.protocol.wire_names import WireNames, own_text


def trigger_command(frame: str, catalog: Catalog, names: WireNames | None = None) -> str:
    """Return a ``companion trigger`` command that fires a frame's event again, with a new id and time.

    The text of the frame is that on the wire, where the envelope's keys have other ``names``, if any. It becomes
    ``trigger --frame`` if it is not a valid event, or has names without a path. The values are those that
    ``conditions.parse_value`` reads: text that is valid JSON becomes JSON.
    """
    return shlex.join(["companion", *trigger_arguments(frame, catalog, names)])


def trigger_arguments(frame: str, catalog: Catalog, names: WireNames | None = None) -> list[str]:
    """Return the arguments of ``trigger_command``, without ``companion``."""
    as_it_is = ["trigger", "--frame", frame]
    try:
        own = own_text(frame, names)
        event = decode(own)
        if catalog.problems(event) or len(parse_json(own)) > 2 or not all(map(_path, event.data)):
            return as_it_is
    except BadFrame:
        return as_it_is
    known = catalog.get(Direction.TO_UI, event.event)
    surplus = [_path(name) for name in known.template if name not in event.data] if known else []
    removed = [argument for path in surplus if path for argument in ("--remove", path)]
    return ["trigger", event.event, *_options("--set", escaped(event.data)), *removed]


def expect_arguments(event: str, data: Any) -> list[str]:
    """Return the arguments of a ``companion expect`` command for a client event, or a REST call with this body."""
    return ["expect", event, *(_options("--where", data) if isinstance(data, dict) else [])]


def playwright_line(arguments: list[str]) -> str:
    """Return a line of TypeScript that runs a command, using the helper from the manual's Playwright example."""
    return f"await companion({', '.join(json.dumps(each, ensure_ascii=False) for each in arguments)});"


def _options(option: str, data: dict[str, Any]) -> list[str]:
    """Return ``data`` as command line options, without the fields that are generated anew or have no path."""
    kept = [
        f"{path}={value_text(value)}"
        for name, value in data.items()
        if name not in ("msg_id", "timestamp") and (path := _path(name))
    ]
    return [argument for each in kept for argument in (option, each)]


def _path(name: str) -> str:
    """Return the path of a field of the data, as options take it; empty if there is none."""
    if not re.fullmatch(r"[^.\[\]=]+", name):
        return ""
    return f"data.{name}" if name in ("event", "data") else name
