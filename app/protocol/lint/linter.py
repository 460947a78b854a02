"""Lint the traffic of a run: find the frames and REST calls that break a rule of ``rules.py``.
The methods of ``Linter`` are called with the frames, connections, REST calls and UI-state warnings in order; it
passes each finding to a callback.

All times are those of the traffic, so that a live run and its complete recording give the same findings.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.event_files.effects import EditMessage, SetPresence, StateEffect
from app.protocol.lint.findings import Finding
from app.protocol.lint.frames import MAX_PAYLOAD, MAX_TEXT, FrameReader, decode_delivered, readers, report_blank
from app.protocol.lint.from_ui import FromUiRules
from app.protocol.lint.pages import Browser, Pages
from app.protocol.lint.rest import Call, RestRules
from app.protocol.lint.rules import INVALID_FRAME, WRONG_UI_STATE, Rule
from app.protocol.lint.to_ui import SENT_FIELDS, Recipients, SentFields, ToUiRules
from app.protocol.ui_effects import changes_in
from app.protocol.ui_violations import NO_CONTACT, NOT_EXAMINED

_Apply = Callable[[int, float, float, Recipients, Any], None]
"""Applies rules to an event: called with row, monotonic time, time, recipients and data, which has its fields."""
SentCheck = Callable[[int, float, float, bytes, Recipients], None]
"""Checks a frame to the UI: called with row, monotonic time, time, payload and recipients."""


class Linter:
    """Checks the traffic that its methods are called with, in order. ``found`` is called with each finding.

    ``at`` is a time in monotonic seconds, ``seq`` the number of the row.
    """

    def __init__(self, catalog: Catalog, found: Callable[[Finding], object]) -> None:
        self._catalog = catalog
        self._found = found
        self._pages = Pages()
        self._to_ui = ToUiRules(self._pages, self._report)
        self._from_ui = FromUiRules(self._pages, self._to_ui, self._report)
        self._rest = RestRules(self._pages, self._to_ui, self._from_ui, self._report)
        self._readers: dict[tuple[Direction, str], FrameReader] = {}
        self._version = -1
        self._unknown = {each: FrameReader(None, each, self._report) for each in Direction}

    def reader(self, direction: Direction, event: str) -> FrameReader:
        """Return the reader of an event's frames, by the catalog as it is now."""
        if self._version != self._catalog.version:
            self._version = self._catalog.version
            self._readers = readers(self._catalog, self._report)
        return self._readers.get((direction, event)) or self._unknown[direction]

    def connected(self, seq: int, at: float, client: int, browser: Browser) -> None:
        """Process the connect of a client."""
        self._advance(at)
        self._pages.joined(seq, at, client, browser)
        self._to_ui.clients_changed()

    def disconnected(self, at: float, client: int, *, closed: bool, by_client: bool = True) -> None:
        """Process the disconnect of a client.

        ``closed``: its page was closed or reloaded. ``by_client``: not the companion ended the connection.
        """
        self._advance(at)
        self._from_ui.left(client, by_client)
        if page := self._pages.of_client(client):
            self._from_ui.page_left(page)
        self._pages.left(at, client, closed)
        self._to_ui.clients_changed()

    def sent_check(
        self, event: str, *, primed: bool = False, checked: bool = False, disrupted: bool = False
    ) -> SentCheck:
        """Return a function that checks the frames of an event to the UI, by the catalog as it is now.

        ``primed``: they prime a new browser. ``checked``: they were compared with the contract, and are valid.
        ``disrupted``: faults act on them for clients that are not among the recipients.
        """
        reader, from_ui = self.reader(Direction.TO_UI, event), self._from_ui
        apply, effects = self._rules_for(event, primed, disrupted), self._effects(Direction.TO_UI, event)
        if checked and apply is None and not effects:
            read_names = None if reader.valid_is_complete else reader.read_names

            def check_names(seq: int, at: float, _: float, payload: bytes, __: Recipients) -> None:
                if at >= from_ui.deadline:
                    from_ui.expire(at)
                if read_names:
                    read_names(seq, payload)

            return check_names
        decode = reader.decode_checked if checked else reader.decode

        def check(seq: int, at: float, wall: float, payload: bytes, recipients: Recipients) -> None:
            if at >= from_ui.deadline:
                from_ui.expire(at)
            try:
                data = decode(payload).data if decode else None
            except (ValueError, RecursionError):
                data = None
            if data is None:
                data = self._read_sent(reader, seq, payload, recipients)
            if data is not None and apply:
                apply(seq, at, wall, recipients, data)

        if not effects:
            return check

        def check_and_change(seq: int, at: float, wall: float, payload: bytes, recipients: Recipients) -> None:
            check(seq, at, wall, payload, recipients)
            for change in changes_in(event, payload, effects, ""):
                if isinstance(change, EditMessage):
                    self._to_ui.edited(at, change.msg_id, change.text)
                elif isinstance(change, SetPresence):
                    self._to_ui.presence_set(
                        seq, at, recipients, change.username, change.online, disrupted=disrupted
                    )

        return check_and_change

    def delivered_check(self, event: str) -> SentCheck | None:
        """Return a function that notes who received a frame that a fault has delayed, repeated or changed.

        The content is not checked. None if no rule needs the recipients.
        """
        to_ui, effects = self._to_ui, self._effects(Direction.TO_UI, event)
        if event != "new_message" and event not in _PRESENCE and not effects:
            return None

        def check(seq: int, at: float, wall: float, payload: bytes, recipients: Recipients) -> None:
            with suppress(ValueError, RecursionError):
                frame = decode_delivered(payload)
                if frame.event != event:
                    return
                username = frame.data.username
                if event == "new_message":
                    to_ui.primer(seq, at, wall, recipients, frame.data)
                elif event in _PRESENCE and type(username) is str and recipients:
                    to_ui.presence_set(seq, at, recipients, username, _PRESENCE[event])
                for change in changes_in(event, payload, effects, ""):
                    if isinstance(change, SetPresence) and recipients:
                        to_ui.presence_set(seq, at, recipients, change.username, change.online)

        return check

    def _read_sent(
        self, reader: FrameReader, seq: int, payload: bytes, recipients: Recipients
    ) -> SentFields | None:
        """Check a frame against the contract, and return what the rules use of its data; None if it has none."""
        fields = reader.read(seq, payload)
        if fields is None:
            return None
        if reader.event == "new_message" and any(self._pages.of_client(each) for each in recipients):
            report_blank(seq, fields, self._report)
        return SentFields(*map(fields.get, SENT_FIELDS))

    def _rules_for(self, event: str, primed: bool, disrupted: bool) -> _Apply | None:
        """Return the rules about an event to the UI, as a function of its data; None if there are none."""
        to_ui = self._to_ui
        if event == "new_message":
            return to_ui.primer if primed else to_ui.message
        if event == "typing":
            return lambda seq, at, wall, recipients, data: to_ui.about(seq, recipients, data.username)
        if event in _PRESENCE:
            online = _PRESENCE[event]
            return lambda seq, at, wall, recipients, data: to_ui.presence(
                seq, at, recipients, data.username, online, disrupted=disrupted
            )
        return None

    def received(self, seq: int, at: float, client: int, event: str, payload: bytes, *, rejected: bool) -> None:
        """Check a frame that a client has sent. ``rejected``: the backend could not apply it."""
        self._advance(at)
        reader = self.reader(Direction.FROM_UI, event)
        try:
            data = reader.decode(payload).data if reader.decode else None
        except (ValueError, RecursionError):
            data = None
        if data is None:
            fields = reader.read(seq, payload) or {}
        else:
            fields = {name: getattr(data, name) for name in data.__struct_fields__}
        to, typing = fields.get("to"), fields.get("typing")
        peer, msg_id = fields.get("peer"), fields.get("msg_id")
        if event == "typing" and isinstance(to, str) and isinstance(typing, bool):
            self._from_ui.typing(seq, at, client, to, typing)
        elif event == "mark_read" and isinstance(peer, str) and isinstance(msg_id, str):
            self._from_ui.mark_read(seq, at, client, peer, msg_id, rejected=rejected)

    def handled(self, at: float, user: str, event: str, payload: bytes) -> None:
        """Remember what an event that a client acting as ``user`` has sent changed in the backend."""
        for change in changes_in(event, payload, self._effects(Direction.FROM_UI, event), "", user):
            if isinstance(change, EditMessage):
                self._to_ui.edited(at, change.msg_id, change.text)
            elif isinstance(change, SetPresence):  # no client has received it yet
                self._to_ui.presence_set(0, at, (), change.username, change.online)

    def _effects(self, direction: Direction, event: str) -> tuple[StateEffect, ...]:
        known = self._catalog.get(direction, event)
        return known.details.effects if known else ()

    def undecoded(self, seq: int, at: float, payload: bytes, reason: str) -> None:
        """Report a frame that is not an event. ``reason`` names the keys that its sender or recipient uses."""
        self._advance(at)
        if len(payload) <= MAX_PAYLOAD:
            self._report(INVALID_FRAME, seq, reason[:MAX_TEXT])

    def called(self, call: Call) -> None:
        """Check a REST call with its response."""
        self._advance(call.ended)
        self._rest.called(call)

    def state_replaced(self, seq: int) -> None:
        """Forget what events have said about the chat state, which the companion replaced or changed by itself."""
        self._to_ui.presence_forgotten()
        self._rest.state_replaced(seq)

    def warned(self, seq: int, at: float, note: str) -> None:
        """Report a warning of the log about the released UI's state. ``note`` may begin with the row: ``#12: ``."""
        self._advance(at)
        number, colon, text = note.partition(": ")
        if not colon or not number.startswith("#") or not number[1:].isdecimal():
            number, text = f"#{seq}", note
        if not text.startswith(NO_CONTACT) and NOT_EXAMINED not in text:  # the first is the rule unknown-user
            self._report(WRONG_UI_STATE, int(number[1:]), text)

    def _advance(self, at: float) -> None:
        """Check the deadlines up to this time."""
        if at >= self._from_ui.deadline:
            self._from_ui.expire(at)

    def _report(self, rule: Rule, seq: int, text: str) -> None:
        self._found(Finding(rule, seq, text))


_PRESENCE = {"friend_online": True, "friend_offline": False}
