"""An event as a line for a terminal, and as one for a test in Playwright."""

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
    return shlex.join(["companion", *trigger_arguments(frame, catalog)])


def trigger_arguments(frame: str, catalog: Catalog) -> list[str]:
    """Return what follows ``companion`` in ``trigger_command``."""
    try:
        event = decode(frame)
        valid = not catalog.problems(event)
    except BadFrame:
        valid = False
    if not valid:
        return ["trigger", "--frame", frame]
    return ["trigger", event.event, *_options("--set", event.data)]


def expect_arguments(event: str, data: Any) -> list[str]:
    """Return what follows ``companion`` to wait for a client event with this data (of a REST call: its body)."""
    return ["expect", event, *(_options("--where", data) if isinstance(data, dict) else [])]


def playwright_line(words: list[str]) -> str:
    """Return a line of TypeScript that runs the command, with the helper of the manual's Playwright test."""
    return f"await companion({', '.join(json.dumps(word, ensure_ascii=False) for word in words)});"


def _options(option: str, data: dict[str, Any]) -> list[str]:
    """Return ``data`` as options, without what is another each time."""
    kept = [f"{name}={_value(value)}" for name, value in data.items() if name not in ("msg_id", "timestamp")]
    return [word for each in kept for word in (option, each)]


def _value(value: Any) -> str:
    if isinstance(value, str):
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            return value
    return json.dumps(value, ensure_ascii=False)
