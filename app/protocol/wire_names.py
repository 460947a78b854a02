"""Rename the keys of the envelope, if the settings say that clients use other names than ``event`` and ``data``.

Frames on the wire, contract documents and exports that stand in for the companion have the other names. Events, the
log and other files have the companion's, except invalid frames, which the log shows as they were sent. The text of
a raw frame has the names of the wire, and is sent as it is. So is a frame in which one of the other names would be
there twice. A client's frame is invalid if it lacks the other names, or also has a key ``event`` or ``data``.
"""

import json
from typing import NamedTuple

from app.protocol.envelope import BadFrame, parse_json, to_envelope
from app.protocol.json_spans import members

OWN = ("event", "data")


class WireNames(NamedTuple):
    """The names of the envelope's keys in the frames of clients."""

    event: str = "event"
    data: str = "data"

    def to_wire(self, payload: bytes) -> bytes:
        """Return a frame with the names of the wire.

        Anything but a JSON object is returned unchanged, and so is an object in which a name would be there twice.
        """
        try:
            text = payload.decode()
            value = parse_json(text)
        except (UnicodeDecodeError, BadFrame):
            return payload
        if isinstance(value, dict) and any(name in value for name in self if name not in OWN):
            return payload
        return _renamed(text, dict(zip(OWN, self, strict=True))).encode()

    def from_wire(self, frame: str) -> str:
        """Return a client's frame with the companion's names.

        Raises ``BadFrame`` if it is not an event with the names of the wire, or has a key that would be mistaken
        for one of the envelope. The exception has no event name, because the log has such a frame as it was sent.
        """
        value = parse_json(frame)
        try:
            to_envelope(value, *self)
        except BadFrame as bad:
            raise BadFrame(bad.reason, bad.where) from None
        for own in OWN:
            if own in value and own not in self:
                raise BadFrame(f"unknown key: the envelope has {self.event} and {self.data}", own)
        return _renamed(frame, dict(zip(self, OWN, strict=True)))


def own_text(frame: str, names: WireNames | None) -> str:
    """Return a frame of the wire with the companion's names, or unchanged without other ``names``.

    Raises ``BadFrame`` as ``WireNames.from_wire`` does.
    """
    return names.from_wire(frame) if names else frame


def other_names(event: str, data: str) -> WireNames | None:
    """Return these names, or None if they are the companion's own."""
    return None if (event, data) == OWN else WireNames(event, data)


def _renamed(text: str, names: dict[str, str]) -> str:
    """Return the text of a JSON object with other names of its fields. Nothing else is changed."""
    parts, end = [], 0
    for name, start, stop in members(text):
        if name in names:
            parts += [text[end:start], json.dumps(names[name], ensure_ascii=False)]
            end = stop
    return "".join([*parts, text[end:]])
