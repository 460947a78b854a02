"""Fill in the texts with which event files summarize events in the log, such as ``{peer} received {msg_id}``.
The window, ``companion journal`` and rows as JSON contain the result; ``companion listen`` does not. For other
events, the window and the command line use ``summary`` instead; in rows as JSON, the summary is empty.

The texts are kept once per process, because the functions that format a row for the log know only the row.
"""

import re
from collections.abc import Iterable
from typing import Any

from app.protocol.envelope import BadFrame, decode
from app.protocol.event_type import EventType
from app.protocol.summary import field_text, one_line

_FIELD = re.compile(r"\{([^{}]*)\}")
_templates: dict[tuple[str, str], str] = {}


def use_summaries(events: Iterable[EventType]) -> None:
    """Use the summaries of these events instead of the previous ones."""
    _templates.clear()
    _templates.update(
        {(each.direction.value, each.name): each.details.summary for each in events if each.details.summary}
    )


def file_summary(direction: str, event: str, data: Any) -> str:
    """Return the text of an event with this data; empty if no file has one, or the data is not an object."""
    template = _templates.get((direction, event)) if _templates else None
    if template is None or not isinstance(data, dict):
        return ""
    return one_line(_FIELD.sub(lambda found: one_line(field_text(data.get(found[1], ""))), template))


def payload_summary(direction: str, event: str, frame: str) -> str:
    """Return the text of the event in a frame; empty if no file has one, or the frame is not valid."""
    if (direction, event) not in _templates:
        return ""
    try:
        return file_summary(direction, event, decode(frame).data)
    except BadFrame:
        return ""
