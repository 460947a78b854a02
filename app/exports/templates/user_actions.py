"""Derive the user's actions from the frames and calls of the UI, because a recording does not contain clicks.
The actions are: open a chat, type a text, and send it. ``unknown_causes`` returns a sentence, for a comment in the
exported test, for each kind of frame or call that none of these actions causes.
"""

from collections.abc import Iterator

from app.exports.templates.steps import Act, Expect, Turn
from app.protocol.ui_stores import trimmed

LOADS_CHAT = "GET /messages"
"""The call with which the UI opens a chat."""
CAUSED = ("mark_read", "typing", "POST /messages", LOADS_CHAT)
"""What the UI sends because of the actions that can be derived."""


class UserActions:
    """Derives the actions turn by turn. It remembers which chat is open."""

    def __init__(self) -> None:
        self._open = ""
        self._typed = False

    def before(self, expects: list[Expect]) -> Iterator[Act]:
        """Yield the actions that cause these frames and calls."""
        texts = [each.data.get("text") for each in expects if each.event == "POST /messages"]
        text = next((each for each in texts if isinstance(each, str) and trimmed(each)), "…")
        for each in expects:
            if each.opens:
                yield from self._opened(each.opens)
            match each.event, each.data:
                case "mark_read", {"peer": str(friend)} if friend:
                    yield from self._opened(friend)
                case "typing", {"to": str(friend), "typing": True} if friend:
                    yield from self._opened(friend)
                    if not self._typed:
                        self._typed = True
                        yield Act("type", friend, text)
                case "POST /messages", {"to": str(friend), "text": str(sent)} if friend and trimmed(sent):
                    yield from self._opened(friend)
                    yield Act("send", friend, sent)
                    self._typed = False

    def _opened(self, friend: str) -> Iterator[Act]:
        if self._open != friend:
            self._open, self._typed = friend, False
            yield Act("open", friend)


def unknown_causes(turn: Turn) -> Iterator[str]:
    """Yield a sentence for each event and call of which the export does not know what the user did for it."""
    for name in dict.fromkeys(each.event for each in turn.expects if each.event not in CAUSED):
        yield f"The UI sent {name} then. If it does not do that by itself, add here what its user does for it."
