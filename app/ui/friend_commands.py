"""Make the palette commands that fire events as a friend, such as "Switch bob online" or "Type as carol".
The command palette (Ctrl+K) lists them. A sentence that is typed there, such as "alice says hi there", becomes a
command that fires a message. The friends are personas (chat users that the program simulates), not peers (real
users with a companion of their own).
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.ui.palette import Command, Section

Run = Callable[[Coroutine[Any, Any, Delivery]], object]

_SAYS = re.compile(r"(?P<name>.+?)\s+says?:?\s+(?P<text>\S.*)", re.IGNORECASE | re.DOTALL)


def friend_commands(companion: Companion, run: Run) -> list[Command]:
    """Return the commands for every persona in the chat state. ``run`` gets what they fire."""
    played = sorted(companion.chat.played.items())
    return [each for name, online in played for each in _commands_for(name, online, companion, run)]


def _commands_for(name: str, online: bool, companion: Companion, run: Run) -> list[Command]:
    def fire(event: str, **data: Any) -> Callable[[], object]:
        envelope = Envelope(event, {"username": name, **data})
        return lambda: run(companion.fire_built_in(envelope, origin=PANEL))

    friend = partial(Command, section=Section.FRIENDS)
    on, off = ("already online", "") if online else ("", "already offline")
    return [
        friend(f"Switch {name} online", fire("friend_online"), on, browsable=not online),
        friend(f"Switch {name} offline", fire("friend_offline"), off, browsable=online),
        friend(f"Type as {name}", fire("typing", typing=True), "typing", keywords="types is typing",
               browsable=False),
        friend(f"Stop typing as {name}", fire("typing", typing=False), "typing", keywords="stops", browsable=False),
        friend(f"{name} says …", lambda: None, "new_message", keywords="say message", browsable=False,
               completion=f"{name} says "),
    ]  # fmt: skip


def parse_message(words: str, companion: Companion, run: Run) -> Command | None:
    """Return the command for a sentence such as "alice says hi there"; None if it is not one.

    The beginning of a name is enough if no other friend's name begins the same way.
    """
    said = _SAYS.fullmatch(words.strip())
    name = find_friend(said["name"], companion.personas) if said else ""
    if not said or not name:
        return None
    text = said["text"]
    return Command(
        f"{name} says {text}",
        lambda: run(companion.composer.fire_message(name, text, origin=PANEL)),
        "new_message",
        Section.FRIENDS,
    )


def find_friend(name: str, friends: Mapping[str, object] | Sequence[str]) -> str:
    """Return the friend with this name, or the only one whose name begins with it, regardless of case."""
    wanted = name.casefold()
    exact = [each for each in friends if each == name] or [each for each in friends if each.casefold() == wanted]
    begin = [each for each in friends if each.casefold().startswith(wanted)]
    return exact[0] if exact else begin[0] if len(begin) == 1 else ""
