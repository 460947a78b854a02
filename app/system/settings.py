"""The settings: names, types, defaults and checks; reading and writing the settings file (TOML); its JSON Schema.

Users may edit the file: saving keeps comments and unknown keys, but renames a file that is not valid TOML and
writes a new one. Reading replaces a value that is not valid, usually by its default, but by a strict value if it
controls access. Warnings report this. The schema is written beside the file, for editors.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field
from typing_extensions import override

from app import usernames
from app.system import key_combination
from app.system.files import read_text, reason, replace, write_file
from app.system.lint_rules import lint_rule_problem
from app.validation_messages import fault

MAX_BYTES = 256 * 1024
MAX_ENTRIES = 100
"""Maximum number of saved filters, and of rules of the lint that are off."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE = "settings.schema.json"
"""The schema of the settings file, which is written beside it for editors."""

PARSE_ERRORS = (ValueError, RecursionError)
"""Exceptions of the TOML parsers."""

Port = Annotated[int, Meta(ge=0, le=65535, description="Port of the event server; UIs expect 8081")]
Name = Annotated[str, Meta(min_length=1, max_length=usernames.MAX_LENGTH)]
FilterName = Annotated[str, Meta(max_length=40, pattern=r'^[^\s@"-][^"\n]*$')]
"""Name of a saved filter: ``@name`` stands for it in a filter."""
FilterText = Annotated[str, Meta(min_length=1, max_length=500)]

EnvelopeKey = Annotated[str, Meta(min_length=1, max_length=40)]

TAURI_ORIGINS = (
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
    "http://localhost:1420",
    "http://127.0.0.1:1420",
)
PINNED = ("basics/message", "basics/online", "basics/offline", "basics/typing", "basics/stopped typing")


class Settings(Struct, kw_only=True):
    """All settings. The field names are the keys of the file."""

    username: Annotated[Name, Meta(description="The local user: clients act as this user by default")] = "me"
    port: Port = 8081
    allowed_origins: Annotated[
        list[str], Meta(description="Origins of web pages that may connect, exactly as browsers send them")
    ] = field(default_factory=lambda: list(TAURI_ORIGINS))
    rest: Annotated[
        bool, Meta(description="Serve the backend's REST API; switch it off while the real backend runs")
    ] = True
    rest_port: Annotated[int, Meta(ge=0, le=65535, description="Port of the REST stand-in; UIs expect 8080")] = 8080
    control: Annotated[bool, Meta(description="Serve the control API, for scripts and the command line")] = True
    control_port: Annotated[int, Meta(ge=0, le=65535, description="Port of the control API")] = 8082
    agents: Annotated[bool, Meta(description="Let coding agents use the companion, with companion mcp")] = False
    peers: Annotated[bool, Meta(description="Exchange encrypted messages with peers over TCP")] = False
    peer_port: Annotated[int, Meta(ge=0, le=65535, description="Port for peers; their programs expect 9100")] = 9100
    peer_lan: Annotated[
        bool,
        Meta(description="Let peers on other machines of your network connect; otherwise only this machine can"),
    ] = False
    peer_notices: Annotated[
        bool, Meta(description="Exchange typing, read receipts and reactions with the companions of peers")
    ] = True
    peer_unverified: Annotated[
        bool, Meta(description="Accept messages of peers that are neither encrypted nor signed, marked unverified")
    ] = False
    fixtures: Annotated[str, Meta(description="Folder of your fixtures; empty for the default folder")] = ""
    sessions: Annotated[str, Meta(description="Folder of your sessions; empty for the default folder")] = ""
    faults: Annotated[str, Meta(description="Folder of your fault profiles; empty for the default folder")] = ""
    events_path: Annotated[
        str, Meta(description="Path of the event server's URL; UIs expect /events", max_length=100)
    ] = "/events"
    envelope_event_key: Annotated[
        EnvelopeKey, Meta(description="Key of the event's name in frames; UIs expect event")
    ] = "event"
    envelope_data_key: Annotated[
        EnvelopeKey, Meta(description="Key of the event's data in frames; UIs expect data")
    ] = "data"
    events_folder: Annotated[
        str, Meta(description="Folder of files that define events; empty for the default folder")
    ] = ""
    pinned: Annotated[list[str], Meta(description="Fixtures in the tray icon's Fire menu, in this order")] = field(
        default_factory=lambda: list(PINNED)
    )
    prime_browsers: Annotated[
        bool,
        Meta(description="Send a browser that connects one message per friend: some UIs go blank on an empty chat"),
    ] = True
    presence_decays: Annotated[bool, Meta(description="Friends go offline after 5 minutes without activity")] = True
    log_get_requests: Annotated[
        bool, Meta(description="Log the UI's successful GET requests; repeated ones share a row")
    ] = False
    check_ui_state: Annotated[
        bool, Meta(description="Warn in the log of frames that leave the released UI in a wrong state")
    ] = True
    lint_off: Annotated[
        list[str], Meta(max_length=MAX_ENTRIES, description="Rules of the lint that are turned off, by their ids")
    ] = field(default_factory=list)
    record_runs: Annotated[
        bool, Meta(description="Record every run in the data folder, so that it can be examined afterwards")
    ] = True
    recording_mb: Annotated[
        int, Meta(ge=1, le=10_000, description="Megabytes that the recording of a run may take")
    ] = 100
    require_token: Annotated[
        bool, Meta(description="Require the token to connect to the event server (?token=…)")
    ] = False
    max_clients: Annotated[int, Meta(ge=1, le=10_000, description="Maximum number of connected clients")] = 64
    max_connections: Annotated[
        int, Meta(ge=1, le=20_000, description="Maximum number of TCP connections to the event server")
    ] = 256
    client_frames_per_s: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Maximum number of frames per second from one client; bursts of twice as many are allowed",
        ),
    ] = 500
    journal_rows: Annotated[int, Meta(ge=100, le=1_000_000, description="Maximum number of rows in the log")] = (
        100_000
    )
    saved_filters: Annotated[
        dict[FilterName, FilterText],
        Meta(
            max_length=MAX_ENTRIES,
            description="Filters of the log; @NAME in a filter stands for the one of that name",
        ),
    ] = field(default_factory=dict)
    theme: Literal["system", "light", "dark"] = "system"
    close_to_tray: bool = True
    confirm_quit: bool = True
    start_hidden: bool = False
    notify_messages: Annotated[
        bool, Meta(description="Show a desktop notification for each message to the UI: its sender and text")
    ] = False
    notify_refused: Annotated[
        bool, Meta(description="Show a desktop notification when a web page may not connect")
    ] = False
    notify_disconnects: Annotated[
        bool, Meta(description="Show a desktop notification when a client disconnects by itself")
    ] = False
    notify_expectations: Annotated[
        bool, Meta(description="Show a desktop notification when an expectation is not met in time")
    ] = False
    repeat_shortcut: Annotated[
        str, Meta(description="System-wide shortcut that repeats the last event, such as Ctrl+Alt+R; empty: none")
    ] = ""
    fire_bar_shortcut: Annotated[
        str, Meta(description="System-wide shortcut that shows, focuses or hides the fire bar; empty: none")
    ] = ""
    supabase: Annotated[
        bool,
        Meta(
            description="Use a Supabase project as directory of peers and as queue for messages; off: no connection"
        ),
    ] = False
    supabase_url: Annotated[
        str, Meta(max_length=500, description="Address of the Supabase project: https://PROJECT.supabase.co")
    ] = ""
    supabase_address: Annotated[
        str,
        Meta(
            max_length=100,
            description="Address under which peers reach this computer; empty: the one in the local network",
        ),
    ] = ""
    supabase_peek_only: Annotated[
        bool, Meta(description="Read messages in the queue, but never delete them there")
    ] = False
    supabase_read_marks: Annotated[
        bool, Meta(description="Synchronize read marks with the project's table read_marks, if it exists")
    ] = False
    check_updates: Annotated[bool, Meta(description="Check for a newer version once a day")] = False
    updates_url: Annotated[
        str, Meta(description="Address of the update feed; empty for the default of this build")
    ] = ""


RESTRICTIVE: dict[str, Any] = {"require_token": True, "allowed_origins": []}
"""Values of the access settings that reject the most, used if the value in the file cannot be read."""


SHORTCUTS = ("repeat_shortcut", "fire_bar_shortcut")
"""Settings that are key combinations."""


ENVELOPE_KEYS = ("envelope_event_key", "envelope_data_key")
"""Settings that are keys of the envelope."""


AT_NEXT_START = ("journal_rows",)
"""Settings that take effect at the next start of the companion, not at once."""


PORTS = (
    ("port", "", "the event server"),
    ("rest_port", "rest", "the REST stand-in"),
    ("control_port", "control", "the control API"),
    ("peer_port", "peers", "the peer server"),
)
"""For each port: its setting, the setting that switches its server on, and the name of the server."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_URL_PATH = re.compile(r"/(?!/)(?!(?:.*/)?\.\.?(?:/|$))[A-Za-z0-9._~/-]*")
"""A path that browsers request as it is: they resolve the segments ``.`` and ``..``, and ``//x`` names a host."""
_PORT_NAMES = {name for name, _, _ in PORTS}
_DEFAULT_PORTS = {"http": 80, "https": 443}


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


class SettingsFile:
    """The settings file. ``load`` never fails: ``warnings`` says which values could not be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._known: Settings | None = None
        """The settings that were loaded or saved last."""

    def load(self) -> Settings:
        """Read the settings. Use defaults, or ``RESTRICTIVE``, if the file or a value is missing or not valid."""
        settings = self._load()
        self._known = deepcopy(settings)
        return settings

    def _load(self) -> Settings:
        text = None
        try:
            text = read_text(self.path, MAX_BYTES)
            import tomllib

            document = tomllib.loads(text)
        except FileNotFoundError:
            return self._from_document({})
        except (OSError, *PARSE_ERRORS) as error:
            restrictive = {name: value for name, value in RESTRICTIVE.items() if text is None or name in text}
            until = "".join(
                f"; {name} = {_as_toml(value)} until the file is corrected" for name, value in restrictive.items()
            )
            self.warnings = [f"{self.path} could not be read, so defaults are used: {reason(error)}{until}"]
            return Settings(**restrictive)
        return self._from_document(document)

    def _from_document(self, document: dict[str, Any]) -> Settings:
        self.warnings = []
        settings = Settings()
        names = Settings.__struct_fields__
        for known in msgspec.structs.fields(Settings):
            if known.name not in document:
                continue
            wrong = check(known.name, document[known.name])
            if wrong:
                setattr(settings, known.name, _fallback(known.name, document[known.name], settings))
                used = _as_toml(getattr(settings, known.name))
                self.warnings.append(f"{self.path}: {known.name}: {wrong}; using {used}")
            else:
                setattr(settings, known.name, msgspec.convert(document[known.name], known.type))
        if equal := equal_ports(settings):
            for name, _, _ in PORTS:
                setattr(settings, name, getattr(Settings(), name))
            used = ", ".join(f"{name} = {getattr(settings, name)}" for name, _, _ in PORTS)
            self.warnings.append(f"{self.path}: {'; '.join(map(str, equal))}; using {used}")
        if key_combination.same(settings.repeat_shortcut, settings.fire_bar_shortcut):
            settings.fire_bar_shortcut = ""
            self.warnings.append(f"{self.path}: {' and '.join(SHORTCUTS)} are equal; the fire bar has no shortcut")
        if settings.envelope_event_key == settings.envelope_data_key:
            for name in ENVELOPE_KEYS:
                setattr(settings, name, getattr(Settings(), name))
            self.warnings.append(f"{self.path}: {' and '.join(ENVELOPE_KEYS)} are equal; using the usual keys")
        self.warnings += [_unknown_key(self.path, key) for key in document if key not in names]
        return settings

    def save(self, settings: Settings) -> None:
        """Write the values that differ from the file, and keep its comments. Raise ``OSError``.

        A value that someone has edited in the file meanwhile stays, unless it was changed here too. A file that is
        not valid TOML is renamed first, so that it is not lost.
        """
        import tomllib

        import tomlkit  # slow to load; reading needs only tomllib

        known = self._known
        try:
            text = read_text(self.path, MAX_BYTES)
            tomllib.loads(text)  # stricter than tomlkit: the file counts as broken if `load` could not read it
            document = tomlkit.parse(text)
        except FileNotFoundError:
            document, known = _new_document(), None
        except PARSE_ERRORS:
            replace(self.path, self.path.with_name(f"{self.path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}"))
            document, known = _new_document(), None
        as_read = self._from_document(document.unwrap())
        for name, value in msgspec.structs.asdict(settings).items():
            read = getattr(as_read, name)
            replaced = name in document and document[name] != read
            edited = known is not None and value == getattr(known, name) and not replaced
            # Write all values that exclude each other, or the next start would reject them again.
            if (value != read and not edited) or (replaced and name in (*_PORT_NAMES, *ENVELOPE_KEYS)):
                document[name] = value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_file(self.path, tomlkit.dumps(document))
        self._known = deepcopy(settings)
        self._write_schema()

    def _write_schema(self) -> None:
        """Write the schema that a new file refers to, unless it is there. The settings are valid without it."""
        file, text = self.path.with_name(SCHEMA_FILE), settings_schema_text()
        with suppress(OSError, UnicodeDecodeError):
            if not file.exists() or read_text(file, MAX_BYTES) != text:
                write_file(file, text)


def _new_document() -> Any:
    """Return an empty file that refers to its schema, in the way that editors of TOML understand."""
    import tomlkit

    return tomlkit.parse(f"#:schema ./{SCHEMA_FILE}\n")


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file. Unknown keys are allowed, because they are kept."""
    (_,), definitions = msgspec.json.schema_components([Settings], ref_template="#/$defs/{name}")
    own = definitions.pop("Settings")
    schema = {"$schema": DRAFT, **own, "title": "P2P Chat Companion settings"}
    return {**schema, "$defs": definitions} if definitions else schema


def settings_schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"


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
    return errors


def equal_ports(settings: Settings) -> list[InvalidSetting]:
    """Return the ports that two servers of these settings would use. 0 stands for any free port."""
    servers: dict[int, str] = {}
    errors = []
    for name, switch, server in PORTS:
        port = getattr(settings, name)
        if port == 0 or (switch and not getattr(settings, switch)):
            continue
        if port in servers:
            errors.append(InvalidSetting(name, f"{port} is already the port of {servers[port]}"))
        servers.setdefault(port, server)
    return errors


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


def _fallback(name: str, value: object, settings: Settings) -> Any:
    """Return the replacement of a value that is not valid. Lists and saved filters keep their valid entries."""
    if name == "allowed_origins" and isinstance(value, list):
        return [each for each in value if isinstance(each, str) and not origin_problem(each)]
    if name == "lint_off" and isinstance(value, list):
        valid = [each for each in value if isinstance(each, str) and not lint_rule_problem(each)]
        return list(dict.fromkeys(valid))[:MAX_ENTRIES]
    if name == "saved_filters" and isinstance(value, dict):
        valid_items = ((key, text) for key, text in value.items() if not check(name, {key: text}))
        return dict(islice(valid_items, MAX_ENTRIES))
    return RESTRICTIVE.get(name, getattr(settings, name))


def _as_toml(value: Any) -> str:
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        value = table
    return str(tomlkit.item(value).as_string())


def _unknown_key(file: Path, key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, Settings.__struct_fields__, 1)
    return f"{file}: {key} is not a setting" + (f"; did you mean {near[0]}?" if near else "")


def recording_bytes(settings: Settings) -> int:
    """Return how many bytes the recording of a run may take; 0 if runs are not recorded."""
    return settings.recording_mb * 1024 * 1024 if settings.record_runs else 0
