"""Checks of settings: of each value, and of values that exclude each other. They return sentences for the user.

The settings file, the window and the control API use the same checks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from typing_extensions import override

from app import usernames
from app.system import key_combination
from app.system.lint_rules import lint_rule_problem
from app.system.settings import ENVELOPE_KEYS, FOLDERS, PORTS, SHORTCUTS, Settings
from app.validation_messages import fault

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_URL_PATH = re.compile(r"/(?!/)(?!(?:.*/)?\.\.?(?:/|$))[A-Za-z0-9._~/-]*")
"""A path that browsers request as it is: they resolve the segments ``.`` and ``..``, and ``//x`` names a host."""
_DEFAULT_PORTS = {"http": 80, "https": 443}

SHOWN_PEERS = 3
"""At most this many peers are named in a warning."""


class InvalidSetting(NamedTuple):
    """A setting and what is wrong with its value."""

    name: str
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class InvalidSettings(ValueError):
    """Settings that cannot be used together; the text names each setting."""

    def __init__(self, errors: Sequence[InvalidSetting]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = tuple(errors)


def rename_warning(before: Settings, after: Settings, peers: Collection[str]) -> str:
    """Return what a change of the user name breaks, as a phrase. ``peers`` are the names of friends who are peers.

    Empty if nothing breaks.
    """
    if not peers or before.username == after.username:
        return ""
    names = ", ".join(sorted(peers)[:SHOWN_PEERS])
    if (more := len(peers) - SHOWN_PEERS) > 0:
        names = f"{names} and {more:,} more"
    return (
        f"Your peers ({names}) know you as {before.username}: messages between you are refused until they add you "
        f"as {after.username}"
    )


def validate(settings: Settings, friends: Collection[str] = ()) -> list[InvalidSetting]:
    """Return the errors of settings, of each value and of their combination. ``friends``: names in use."""
    errors = [
        InvalidSetting(name, wrong)
        for name, value in msgspec.structs.asdict(settings).items()
        if name != "allowed_origins" and (wrong := check(name, value))
    ]
    errors += [
        InvalidSetting("allowed_origins", wrong)
        for origin in settings.allowed_origins
        if (wrong := origin_problem(origin))
    ]
    if settings.username in friends:
        errors.append(
            InvalidSetting("username", f"{settings.username} is a friend in this chat state. Choose another name")
        )
    if key_combination.same(settings.repeat_shortcut, settings.fire_bar_shortcut):
        keys = key_combination.parse(settings.repeat_shortcut)
        errors.append(InvalidSetting("fire_bar_shortcut", f"{keys} already repeats the last event"))
    if settings.envelope_event_key == settings.envelope_data_key:
        errors.append(InvalidSetting("envelope_data_key", "must differ from envelope_event_key"))
    return errors + equal_ports(settings)


def change_problems(before: Settings, after: Settings, friends: Collection[str]) -> list[InvalidSetting]:
    """Return the errors of a change of settings. The window and the control API use this check."""
    from app.system.updates import built_in_address

    errors = validate(after, friends if after.username != before.username else ())
    asked = (after.check_updates, after.updates_url)
    if asked != (before.check_updates, before.updates_url) and asked == (True, "") and not built_in_address():
        errors.append(InvalidSetting("updates_url", "enter an address: this build has no default"))
    errors += [
        InvalidSetting(name, wrong)
        for name in FOLDERS
        if (folder := getattr(after, name)) != getattr(before, name) and (wrong := _folder_problem(folder))
    ]
    return errors


def _folder_problem(folder: str) -> str:
    """Return why a path is not the same folder at every start, or an empty text if it is, or is empty."""
    try:
        is_full = Path(folder).expanduser().is_absolute()
    except RuntimeError:
        return "the home folder of this user is unknown: enter the path without ~"
    return "" if is_full or not folder else "enter the full path: the companion may start in any folder"


def equal_ports(settings: Settings) -> list[InvalidSetting]:
    """Return the ports that two servers of these settings would use. 0 stands for any free port."""
    servers: dict[int, str] = {}
    errors = []
    for name, port, server in ports_in_use(settings):
        if port in servers:
            errors.append(InvalidSetting(name, f"{port} is already the port of {servers[port]}"))
        servers.setdefault(port, server)
    return errors


def ports_in_use(settings: Settings) -> list[tuple[str, int, str]]:
    """Return each fixed port of a server that is switched on: its setting, the port and the server's name."""
    return [
        (name, getattr(settings, name), server)
        for name, switch, server in PORTS
        if getattr(settings, name) != 0 and (not switch or getattr(settings, switch))
    ]


@cache
def _types() -> dict[str, Any]:
    """Return the type of each setting, cached because evaluating the annotations takes milliseconds."""
    return {each.name: each.type for each in msgspec.structs.fields(Settings)}


def check(name: str, value: object) -> str | None:
    """Return why a value is not valid for the setting ``name``, or None if it is."""
    expected = _types()[name]
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        return str(fault(error, get_args(expected) if get_origin(expected) is Literal else ()))
    if name == "allowed_origins" and isinstance(value, list):
        return next((wrong for origin in value if (wrong := origin_problem(origin))), None)
    if name == "lint_off" and isinstance(value, list):
        return next((wrong for each in value if (wrong := lint_rule_problem(each))), None)
    if name == "username":
        return usernames.problem(str(value)) or None
    if name in ENVELOPE_KEYS and not str(value).isprintable():
        return "must not contain control characters"
    if name == "events_path" and not _URL_PATH.fullmatch(str(value)):
        return "must begin with one slash, contain only letters, digits and - . _ ~ /, and have no part . or .."
    if name in SHORTCUTS:
        return key_combination.problem(str(value)) or None
    if name == "saved_filters" and isinstance(value, dict):
        unprintable = next((each for pair in value.items() for each in pair if not each.isprintable()), None)
        return None if unprintable is None else f"{unprintable[:60]!r} contains a control character. Remove it"
    if name == "supabase_url" and value:
        from app.supabase_project import url_problem

        return url_problem(str(value)) or None
    if name == "supabase_address" and (
        not str(value).isascii() or not str(value).isprintable() or " " in str(value)
    ):
        return "must be an address such as 192.168.1.20"
    if name == "updates_url" and value:
        from app.system.updates import address_problem

        return address_problem(str(value)) or None
    return None


def origin_problem(origin: str) -> str:
    """Return why no browser sends this as its Origin, or an empty text if one may."""
    match = _ORIGIN.fullmatch(origin)
    if not match:
        return f"{origin} is not an origin: write it as http://localhost:1420, lower case, without path or wildcard"
    scheme, port = match.groups()
    if port and not (0 < int(port) <= 65535 and str(int(port)) == port):
        return f"{origin} has no valid port: use 1 to 65535"
    if port and int(port) == _DEFAULT_PORTS.get(scheme):
        return f"{origin} must not name the port, because browsers leave {port} out for {scheme}"
    return ""
