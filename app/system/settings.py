"""The settings: their names, types, defaults and descriptions, and the JSON Schema of the settings file.

``settings_checks`` checks values, and ``settings_file`` reads and writes the file.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from app import usernames

MAX_ENTRIES = 100
"""Maximum number of saved filters, and of rules of the lint that are off."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"

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
        bool, Meta(description="Accept messages of peers that are not signed, encrypted or not, marked unverified")
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
FOLDERS = ("fixtures", "sessions", "faults", "events_folder")
"""The settings that are folders."""


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file. Unknown keys are allowed, because they are kept."""
    (_,), definitions = msgspec.json.schema_components([Settings], ref_template="#/$defs/{name}")
    own = definitions.pop("Settings")
    schema = {"$schema": DRAFT, **own, "title": "P2P Chat Companion settings"}
    return {**schema, "$defs": definitions} if definitions else schema


def settings_schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"


def recording_bytes(settings: Settings) -> int:
    """Return how many bytes the recording of a run may take; 0 if runs are not recorded."""
    return settings.recording_mb * 1024 * 1024 if settings.record_runs else 0
