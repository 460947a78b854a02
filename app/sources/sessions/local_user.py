"""``LocalUser``: replace the local user that a session names (``me``) by that of this companion when it is played.

A recording, for example in a bug report, can be from a companion with another local user. Its events are for that
user, and no client here acts as that user. The two names are exchanged: a friend in the recording can have the name
of the local user here. What the session only refers to, such as a fixture of this companion, already uses the names
here: ``outside_session`` does not exchange them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.hub.target import Target
from app.protocol.session.steps import Session

USER_KEYS = frozenset({"from", "to", "username", "user", "peer"})
"""The fields of events, and of the messages in a chat state, that contain users."""


class LocalUser(NamedTuple):
    """The name of the local user in a session, and here. Methods convert the names in the session to those here."""

    in_session: str
    here: str
    exchanged: bool = True
    """Whether a user who has the name here is a friend in the session, who gets the local user's name in it."""

    @classmethod
    def of(cls, session: Session, here: str) -> "LocalUser":
        """Return the local user of a session. A session that names none means the one here."""
        return cls(session.header.me or here, here)

    def name(self, user: str) -> str:
        """Return the name here of a user in the session."""
        if user == self.in_session:
            return self.here
        return self.in_session if self.exchanged and user == self.here else user

    @property
    def outside_session(self) -> "LocalUser":
        """The same names for what is not part of the session, such as fixtures: ``here`` is not exchanged."""
        return self._replace(exchanged=False)

    def target(self, target: Target) -> Target:
        """Return recipients with the name here."""
        return target if target.user is None else target._replace(user=self.name(target.user))

    def where(self, conditions: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return conditions of an expectation or changes of an event, whose keys are paths, with the name here."""
        return {path: self.value(value, _field(path)) for path, value in conditions.items()}

    def value(self, value: Any, key: str = "") -> Any:
        """Return JSON with the name here in fields that contain users. ``key`` is the field that contains it."""
        if self.in_session == self.here:
            return value
        if isinstance(value, dict):
            return {name: self.value(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, key) for each in value]
        return self.name(value) if isinstance(value, str) and key in USER_KEYS else value


def _field(path: str) -> str:
    """Return the last field of a path: ``to`` of ``calls[0].to[1]``."""
    return path.rpartition(".")[2].partition("[")[0]
