"""Check the ``typing`` and ``mark_read`` events of the UI for the lint, which compares traffic with the contract.
The rules are those of the guide, the UI's specification (§3.1, §3.2).

Rules about missing events use deadlines. A deadline is checked when the next row or REST call arrives, because the
time is that of the traffic.
"""

from dataclasses import dataclass
from math import inf

from app.protocol.constants import TYPING_DEBOUNCE_MS, TYPING_TIMEOUT_MS
from app.protocol.lint.findings import Report
from app.protocol.lint.pages import Page, Pages
from app.protocol.lint.rules import (
    MARK_READ_MISSING,
    MARK_READ_UNKNOWN,
    TYPING_LEFT_ON,
    TYPING_NOT_STOPPED,
    TYPING_REPEATED,
)
from app.protocol.lint.to_ui import ToUiRules
from app.protocol.ui_violations import shown

COOLDOWN_S = 0.9 * TYPING_DEBOUNCE_MS / 1000
"""The cooldown of the guide, less a tolerance for early timers and different delays of frames."""
STOP_S = TYPING_DEBOUNCE_MS / 1000 + 1.0
"""How long after the chat was changed ``typing: false`` may arrive."""
AFTER_MESSAGE_S = TYPING_TIMEOUT_MS / 1000
"""How long after the message was sent ``typing: false`` may arrive."""
MAX_TYPING_S = 60.0
"""Timeout after the last ``typing: true``. Users hardly type longer without a pause of a second."""
MARK_READ_S = 5.0
"""How long after a chat was opened ``mark_read`` may arrive."""
MAX_CLIENTS = 10_000
_UNSTOPPED = "typing: true to {} is not followed by typing: false"
MAX_PEERS = 100
"""Maximum number of chats that are remembered per client. If there are more, all are removed."""


@dataclass
class _Typing:
    """A client that is typing to a peer: the row and the time of its last ``typing: true``, and the deadlines."""

    seq: int
    at: float
    left_by: float = inf
    sent_by: float = inf

    @property
    def deadline(self) -> float:
        """The time by which ``typing: false`` must have been sent."""
        return min(self.left_by, self.sent_by, self.at + MAX_TYPING_S)


class FromUiRules:
    """Checks the events from the UI. ``deadline`` is the earliest time at which ``expire`` has something to do."""

    def __init__(self, pages: Pages, to_ui: ToUiRules, report: Report) -> None:
        self._pages = pages
        self._to_ui = to_ui
        self._report = report
        self._typing: dict[int, dict[str, _Typing]] = {}
        self._due: dict[Page, None] = {}
        """Pages that must send ``mark_read``."""
        self.deadline = inf

    def typing(self, seq: int, at: float, client: int, to: str, typing: bool) -> None:
        """Check a ``typing`` of a client."""
        peers = self._typing.get(client)
        if peers is None:
            if len(self._typing) >= MAX_CLIENTS:
                self._typing.clear()
            peers = self._typing[client] = {}
        before = peers.get(to)
        if not typing:
            peers.pop(to, None)
            return
        if before:
            if at - before.at < COOLDOWN_S:
                passed = f"{(at - before.at) * 1000:,.0f} ms after row #{before.seq}"
                self._report(TYPING_REPEATED, seq, f"typing: true to {shown(to)} again {passed}")
        elif len(peers) >= MAX_PEERS:
            peers.clear()
        if len(peers) > (before is not None):
            self._chat_left(client, to, at)
        peers[to] = typed = _Typing(seq, at)
        self.deadline = min(self.deadline, typed.deadline)

    def mark_read(self, seq: int, at: float, client: int, peer: str, msg_id: str, *, rejected: bool) -> None:
        """Check a ``mark_read`` of a client. ``rejected``: the backend has no such message."""
        page = self._pages.of_client(client)
        if page:
            page.due.pop(peer, None)
            if len(page.marked) >= MAX_PEERS:
                page.marked.clear()
            page.marked[peer] = at
        if rejected and not self._to_ui.messages.is_known(msg_id):
            self._report(MARK_READ_UNKNOWN, seq, f"{shown(msg_id)} is not a message from {shown(peer)}")
        elif (sent := self._to_ui.messages.get(msg_id)) and peer not in (sent.sender, sent.to):
            text = f"the message of row #{sent.seq} is from {shown(sent.sender)}, not {shown(peer)}"
            self._report(MARK_READ_UNKNOWN, seq, text)

    def chat_opened(self, at: float, page: Page, peer: str) -> None:
        """Record that a page has opened a chat. Opening the open chat again changes nothing."""
        self._chat_left(page.client, peer, at)
        chat = self._to_ui.chat(peer)
        if chat is None or page.clients.isdisjoint(chat.received_by):
            return
        if chat.received_at <= page.marked.get(peer, -inf):
            return
        is_full = len(page.due) >= MAX_PEERS
        if peer not in page.due and MARK_READ_MISSING.id not in page.reported and not is_full:
            page.due[peer] = at + MARK_READ_S
            self._due[page] = None
            self.deadline = min(self.deadline, at + MARK_READ_S)

    def message_posted(self, at: float, page: Page, to: str) -> None:
        """Record that a page has sent a message, so the user has stopped typing it."""
        if typing := self._typing.get(page.client, {}).get(to):
            typing.sent_by = at + AFTER_MESSAGE_S
            self.deadline = min(self.deadline, typing.deadline)

    def left(self, client: int, by_client: bool) -> None:
        """Remove a client that has disconnected, and report to whom it was typing if it ended the connection."""
        for peer, typing in self._typing.pop(client, {}).items():
            if by_client:
                text = f"{_UNSTOPPED.format(shown(peer))} before the client disconnected"
                self._report(TYPING_NOT_STOPPED, typing.seq, text)

    def page_left(self, page: Page) -> None:
        """Cancel what a page must send, because it was closed or is not connected."""
        page.due.clear()
        self._due.pop(page, None)

    def expire(self, at: float) -> None:
        """Report the deadlines that are over, and compute the next one."""
        self.deadline = inf
        for peers in self._typing.values():
            for peer, typing in list(peers.items()):
                if at >= typing.deadline:
                    del peers[peer]
                    self._report_typing(peer, typing)
                else:
                    self.deadline = min(self.deadline, typing.deadline)
        for page in list(self._due):
            self._expire_page(page, at)

    def _expire_page(self, page: Page, at: float) -> None:
        over = [peer for peer, due in page.due.items() if at >= due]
        if over:
            page.reported.add(MARK_READ_MISSING.id)
            self.page_left(page)
            text = f"client {page.client} opened the chat with {shown(over[0])}, and sent no mark_read within 5 s"
            self._report(MARK_READ_MISSING, page.seq, text)
        elif page.due:
            self.deadline = min(self.deadline, *page.due.values())
        else:
            del self._due[page]

    def _report_typing(self, peer: str, typing: _Typing) -> None:
        text = _UNSTOPPED.format(shown(peer))
        if typing.deadline == typing.left_by:
            self._report(TYPING_LEFT_ON, typing.seq, f"{text}, although another chat was opened")
        elif typing.deadline == typing.sent_by:
            self._report(TYPING_NOT_STOPPED, typing.seq, f"{text} within 5 s after the message was sent")
        else:
            self._report(TYPING_NOT_STOPPED, typing.seq, f"{text} within {MAX_TYPING_S:.0f} s")

    def _chat_left(self, client: int, peer: str, at: float) -> None:
        """Record that a client has opened another chat than the ones that it is typing in."""
        for other, typing in self._typing.get(client, {}).items():
            if other == peer:
                typing.left_by = inf
            elif typing.left_by == inf:
                typing.left_by = at + STOP_S
                self.deadline = min(self.deadline, typing.left_by)
