"""Return the messages of an AsyncAPI document's operations, each with its direction: to the UI or from the UI.
The direction depends on which application the document describes, the backend or the client. A caller that does not
know it can guess it from the title with ``described_application``.
"""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from app.protocol.asyncapi_import.document import Document, InvalidAsyncApi, as_object
from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.event_files.problems import short

MAX_MESSAGES = 1_000
_CLIENT = re.compile(r"\b(client|front-?end|ui|browser|web ?app|mobile|widget|consumer)\b", re.IGNORECASE)
_BACKEND = re.compile(r"\b(server|back-?end|service|gateway|broker|api)\b", re.IGNORECASE)
_OTHER = {Direction.TO_UI: Direction.FROM_UI, Direction.FROM_UI: Direction.TO_UI}


class Message(Struct, frozen=True, kw_only=True):
    """A message of an operation. ``place`` is where it is in the document, ``name`` what the document calls it."""

    name: str
    place: str
    direction: Direction
    content: dict[str, Any]

    @property
    def payload_place(self) -> str:
        """Where the payload of the message is in the document."""
        return f"{self.place}/payload" if self.place.startswith("#") else f"{self.place}.payload"


def described_application(document: Document) -> Application:
    """Guess from the title which application a document describes: the client if it names one, and no server."""
    info = document.content.get("info")
    title = str(info.get("title", "")) if isinstance(info, dict) else ""
    if _CLIENT.search(title) and not _BACKEND.search(title):
        return Application.CLIENT
    return Application.BACKEND


def messages(document: Document, application: Application) -> list[Message]:
    """Return the messages of all operations, each once per direction and name. Raises ``InvalidAsyncApi``."""
    found: dict[tuple[Direction, str, int], Message] = {}
    for name, node in document.section("operations").items():
        operation, place = document.follow(node, f"operations.{name}")
        operation = as_object(operation, place)
        direction = _direction(operation.get("action"), application, f"operations.{name}")
        for each in _of_operation(document, operation, place, direction):
            found.setdefault((each.direction, each.name, id(each.content)), each)
            if len(found) > MAX_MESSAGES:
                raise InvalidAsyncApi(f"The document has more than {MAX_MESSAGES:,} messages.")
    if not found:
        raise InvalidAsyncApi(
            "The document has no operations with messages, so it does not say what is sent to the UI. "
            "Add operations with the action send or receive."
        )
    return list(found.values())


def _direction(action: Any, application: Application, place: str) -> Direction:
    if action not in ("send", "receive"):
        raise InvalidAsyncApi(f"{short(place)}.action must be send or receive.")
    sends = Direction.TO_UI if application is Application.BACKEND else Direction.FROM_UI
    return sends if action == "send" else _OTHER[sends]


def _of_operation(
    document: Document, operation: dict[str, Any], place: str, direction: Direction
) -> Iterator[Message]:
    yield from _listed(document, operation, place, direction)
    if "reply" in operation:
        reply, where = document.follow(operation["reply"], f"{place}.reply")
        yield from _listed(document, as_object(reply, where), where, _OTHER[direction])


def _listed(document: Document, node: dict[str, Any], place: str, direction: Direction) -> Iterator[Message]:
    """Yield the messages that an operation or a reply lists; without a list, all messages of its channel."""
    listed = node.get("messages")
    if isinstance(listed, list):
        for number, each in enumerate(listed):
            reference = each.get("$ref") if isinstance(each, dict) else None
            there = f"{place}.messages[{number}]"
            name = str(reference or there).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            yield _message(document, each, there, name, direction)
        return
    if "channel" not in node:
        return
    channel, where = document.follow(node["channel"], f"{place}.channel")
    for name, each in as_object(as_object(channel, where).get("messages", {}), f"{where}.messages").items():
        yield _message(document, each, f"{where}/messages/{name}", name, direction)


def _message(document: Document, node: Any, place: str, key: str, direction: Direction) -> Message:
    """Return a message. ``key`` is its name in the channel, for a message that has no name itself."""
    content, where = document.follow(node, place)
    content = as_object(content, where)
    name = content.get("name")
    return Message(
        name=name if isinstance(name, str) and name else key, place=where, direction=direction, content=content
    )
