"""Do a task in the window through AT-SPI only, like a user with a screen reader: ``assistive.py TASK``.

The script uses neither the mouse nor shortcuts. It runs in a separate process with the system's Python, which has
pyatspi. It prints the result as JSON, and exits with 1 if it does not find a control.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyatspi  # type: ignore[import-not-found]

APPLICATION = "p2p-chat-companion"
LOG = "Event log"
PATIENCE_S = 20.0
PRESSES = ("ShowMenu", "Press", "Toggle")


class NotFound(Exception):
    """A control or a text was not found within the timeout."""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Call ``condition`` until it returns a true value, and return that value."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if value := condition():
                return value
        except Exception as error:  # the accessible object was removed
            what = f"{what} ({error})"
        if time.monotonic() > deadline:
            raise NotFound(what)
        time.sleep(0.1)


def descendants(node: Any) -> Iterator[Any]:
    """Yield a node and its descendants."""
    yield node
    for number in range(min(node.childCount, 400)):
        child = node.getChildAtIndex(number)
        if child is not None:
            yield from descendants(child)


class Reader:
    """Finds and uses controls by role and name."""

    def __init__(self) -> None:
        desktop = pyatspi.Registry.getDesktop(0)
        self.application = until(
            lambda: next((each for each in desktop if each and each.name == APPLICATION), None), APPLICATION
        )

    def visible(self, role: str) -> Iterator[Any]:
        """Yield the visible nodes of a role."""
        for node in descendants(self.application):
            if node.getRoleName() == role and node.getState().contains(pyatspi.STATE_SHOWING):
                yield node

    def find(self, role: str, name: str) -> Any:
        """Return the visible node with this role and the shortest name that starts with ``name``."""

        def found() -> Any:
            nodes = [node for node in self.visible(role) if node.name.startswith(name)]
            return min(nodes, key=lambda node: len(node.name), default=None)

        return until(found, f"{role} {name!r}")

    def press(self, role: str, name: str) -> None:
        """Do the default action of a control: press a button, choose an entry, or open a menu."""
        node = self.find(role, name)
        action = node.queryAction()
        names = [action.getName(number) for number in range(action.nActions)]
        chosen = next((each for each in PRESSES if each in names), None)
        if chosen is None:
            raise NotFound(f"{role} {name!r} has only the actions {names}")
        action.doAction(names.index(chosen))

    def write(self, name: str, text: str) -> None:
        """Replace the text of a text field."""
        self.find("text", name).queryEditableText().setTextContents(text)

    def text(self, name: str) -> str:
        """Return the text of the label whose accessible name starts with ``name``."""
        return str(self.find("label", name).name).partition(": ")[2]

    def rows(self, table_name: str = LOG) -> list[dict[str, str]]:
        """Return the rows of a table as a screen reader speaks them."""
        table = self.find("table", table_name).queryTable()
        cells = [
            [table.getAccessibleAt(row, column).name for column in range(table.nColumns)]
            for row in range(table.nRows)
        ]
        return [dict(cell.partition(": ")[::2] for cell in row) for row in cells]

    def select_row(self, number: int, table_name: str = LOG) -> None:
        """Select a row of a table."""
        self.find("table", table_name).queryTable().addRowSelection(number)


def rows_of_client(reader: Reader) -> object:
    """Show the events of client 2 and return their rows."""
    reader.press("radio button", "Clients")
    clients = until(lambda: reader.rows("Clients"), "the clients")
    reader.select_row([row["Client"][:1] for row in clients].index("2"), "Clients")
    reader.press("push button", "Show the events of this client")
    return until(
        lambda: (rows := reader.rows()) and all("2 · " in row["Client"] for row in rows) and rows,
        "rows of client 2",
    )


def resend(reader: Reader) -> object:
    """Resend the newest message."""
    reader.press("radio button", "Events")
    rows = until(
        lambda: [row for row in reader.rows() if row["Direction"].startswith("To UI")] and reader.rows(), "rows"
    )
    number = max(index for index, row in enumerate(rows) if row["Event"] == "new_message")
    reader.select_row(number)
    reader.press("push button", "Resend")
    return until(lambda: (text := reader.text("Last message")).startswith("Resent") and text, "the result")


def make_fixture(reader: Reader) -> object:
    """Save the newest message as a fixture."""
    reader.press("radio button", "Events")
    rows = until(reader.rows, "rows")
    reader.select_row(max(index for index, row in enumerate(rows) if row["Event"] == "new_message"))
    reader.press("push button", "Save as fixture")
    reader.write("Name of the fixture", "mine/by screen reader")
    reader.press("push button", "Save")
    return until(lambda: (text := reader.text("Last message")).startswith("Saved") and text, "the result")


def why_nothing_arrives(reader: Reader) -> object:
    """Stop the server, fire an event, and return the texts that explain why it is not delivered."""
    reader.press("push button", "Stop or start the event server")
    reader.press("radio button", "Inject")
    reader.press("push button", "Fire")
    return {
        "strip": until(lambda: reader.text("Why frames or REST calls are not handled normally"), "the strip"),
        "result": until(lambda: reader.text("Last message"), "the result"),
    }


def make_a_friend_type(reader: Reader) -> object:
    """Fire a typing event."""
    reader.press("radio button", "Inject")
    reader.press("page tab", "Typing")
    reader.press("push button", "Fire")
    return until(lambda: (text := reader.text("Last message")).startswith("Delivered") and text, "the result")


TASKS = {
    task.__name__: task for task in (rows_of_client, resend, make_fixture, why_nothing_arrives, make_a_friend_type)
}


if __name__ == "__main__":
    try:
        print(json.dumps(TASKS[sys.argv[1]](Reader()), ensure_ascii=False))
    except NotFound as error:
        sys.exit(f"not found: {error}")
