"""Return the palette's commands for breakpoints: break on a filter, manage or remove them, continue held items.
Also recognize a sentence such as "break on event:typing". A breakpoint holds events, client frames and REST calls
that match its filter, until the user decides or a timeout ends.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from app.protocol.counts import count
from app.ui.breakpoint_actions import EVERYTHING, BreakpointActions
from app.ui.palette import Command

if TYPE_CHECKING:
    from app.ui.window import MainWindow

_BREAK_ON = re.compile(r"break\s+on\s+(?P<filter>\S.*)", re.IGNORECASE | re.DOTALL)
KEYWORDS = "breakpoint hold pause debug"


def breakpoint_commands(window: MainWindow) -> list[Command]:
    """Return the commands that are possible now."""
    actions, companion = _actions(window), window.companion
    commands = [
        Command("Break on …", lambda: None, "filter", keywords=KEYWORDS, completion="break on "),
        Command("Manage breakpoints", window.open_breakpoints, keywords=KEYWORDS),
    ]
    if companion.has_breakpoints and companion.breakpoints.held and (strip := window.events.held):
        held = count(len(companion.breakpoints.held), "item")
        commands += [
            Command("Continue next held item", strip.continue_next, "F8", keywords=KEYWORDS),
            Command("Continue all held items", actions.resume, held, keywords=KEYWORDS),
        ]
    if companion.has_breakpoints and companion.breakpoints.all:
        commands.append(Command("Remove all breakpoints", actions.remove_all, keywords="breakpoint clear"))
    return commands


def parse_break(words: str, window: MainWindow) -> Command | None:
    """Return the command for a sentence such as "break on event:typing"; None if it is not one."""
    found = _BREAK_ON.fullmatch(words.strip())
    if not found:
        return None
    text = found["filter"]
    wanted = "" if text.casefold() == EVERYTHING else text
    return Command(f"Break on {text}", partial(_actions(window).break_on, wanted), "filter")


def _actions(window: MainWindow) -> BreakpointActions:
    return BreakpointActions(window.companion, window.status.show_message)
