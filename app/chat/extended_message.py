"""Extra fields of messages: an event file can extend ``new_message``, and the UI may then post the added fields.

``POST /messages`` rejects invalid values of these fields, stores valid ones with the message, and ignores all other
extra fields. If the message violates the file in another way, for example because a required field is missing, it
is sent to clients with a warning in the log.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.chat.state_changes import NEW_MESSAGE
from app.protocol.backend import MessageData
from app.protocol.contract import Direction
from app.protocol.errors import Malformed
from app.protocol.event_type import EventType


class ExtendedMessage:
    """The extension of ``new_message`` that is in use, if any."""

    def __init__(self) -> None:
        self._event: EventType | None = None
        self._added: frozenset[str] = frozenset()

    def use(self, events: Iterable[EventType]) -> None:
        """Use the extension among these events, or none."""
        self._event = next(
            (each for each in events
             if each.extends and (each.direction, each.name) == (Direction.TO_UI, "new_message")),
            None,
        )  # fmt: skip
        own = NEW_MESSAGE.schema["properties"] if NEW_MESSAGE else {}
        self._added = frozenset(self._event.schema["properties"]) - own.keys() if self._event else frozenset()

    def fields(self, posted: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a posted message that the extension adds.

        Raises ``Malformed`` if one is invalid, or forbidden by the file.
        """
        found = {name: value for name, value in posted.items() if name in self._added}
        if found and self._event:
            for path, text in self._event.problems({**self._event.sample, **found}):
                if any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in found):
                    raise Malformed(f"{path}: {text}.")
        return found

    def problem(self, message: MessageData) -> str:
        """Return how the event of a posted message violates the extension, as a note; empty if it does not."""
        problems = self._event.problems(message) if self._event else []
        return f"violates the event file: {'; '.join(map(str, problems))}" if problems else ""
