"""Define the command ``companion``: its options and all its subcommands. ``app/__main__.py`` runs it.

Without a subcommand, it starts the companion with its window and tray icon, or shows the window of the running one;
its options apply only to that. ``serve`` (run without a window) and ``listen`` are defined here; ``Commands`` names
the modules of the other subcommands, which are imported when they are used.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import __version__
from app.cli.lazy_commands import LazyGroup, Subcommand
from app.cli.options import DataDir, GivenPath, finite, not_empty, unicode_path
from app.cli.window import open_window
from app.system import exit_codes
from app.system.terminal import print_lines

if TYPE_CHECKING:
    from app.system.data_directory import Overrides


class Commands(LazyGroup):
    """``companion``. ``serve`` and ``listen`` are defined below."""

    subcommands = (
        Subcommand("trigger", "app.cli.trigger", "trigger", "Fire an event, a fixture or a frame, or repeat one."),
        Subcommand("expect", "app.cli.journal", "expect", "Wait until the UI sends an event or a REST request."),
        Subcommand("journal", "app.cli.journal", "journal", "Print or follow the log."),
        Subcommand("status", "app.cli.manage", "status", "Print the state of the running companion."),
        Subcommand("clients", "app.cli.clients", "app", "List and close clients, or change their user."),
        Subcommand("reconnects", "app.cli.reconnects", "app", "Compare the delays of reconnects with the guide's."),
        Subcommand("fixtures", "app.cli.fixtures", "app", "List, edit and fire saved events."),
        Subcommand("session", "app.cli.session", "app", "Play scenarios and recordings."),
        Subcommand("faults", "app.cli.faults", "app", "Disrupt frames and REST calls on purpose."),
        Subcommand("contract", "app.cli.contract", "app", "Documents about the events, and what violates them."),
        Subcommand("sources", "app.cli.sources", "app", "Switch directory and queue in Supabase on and off."),
        Subcommand("filters", "app.cli.filters", "app", "List, save and delete filters of the log."),
        Subcommand("breakpoints", "app.cli.breakpoints", "app", "Hold events, frames and REST calls, and decide."),
        Subcommand("state", "app.cli.state", "app", "Save, load, reset or change the chat state."),
        Subcommand("peers", "app.cli.peers", "app", "Exchange keys with friends who have a companion."),
        Subcommand("ui-state", "app.cli.ui_state", "app", "Show the state that the UI must have, and compare it."),
        Subcommand("server", "app.cli.server", "app", "Control the event server; change settings."),
        Subcommand("open", "app.cli.manage", "open_window", "Open the window of the running companion."),
        Subcommand("token", "app.cli.manage", "token", "Print the control API's token."),
        Subcommand("quit", "app.cli.quit_command", "quit_companion", "Quit the running companion."),
        Subcommand("mcp", "app.cli.mcp_server", "mcp", "Serve tools for coding agents (MCP)."),
        Subcommand("help", "app.cli.manual", "help_", "Print a page of the manual."),
    )


app = typer.Typer(
    cls=Commands,
    help="Fake backend and event injector for event-driven chat UIs. Without a command, opens the window.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exit_codes.TABLE,
)

Port = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Use this port for the event server; 0 picks a free port.", show_default="8081"
    ),
]
RestPort = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Use this port for the REST stand-in; 0 picks a free port.", show_default="8080"
    ),
]
Rest = Annotated[
    bool | None,
    typer.Option("--rest/--no-rest", help="Serve the backend's REST API.", show_default="as in Settings"),
]
ControlPort = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Use this port for the control API; 0 picks a free port.", show_default="8082"
    ),
]
Control = Annotated[
    bool | None,
    typer.Option("--control/--no-control", help="Serve the control API.", show_default="as in Settings"),
]
Fixtures = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        path_type=GivenPath,
        callback=unicode_path,
        help="Load and save your fixtures in this folder.",
        show_default="in the data folder",
    ),
]
Sessions = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        path_type=GivenPath,
        callback=unicode_path,
        help="Load and save your sessions (scenarios and recordings) in this folder.",
        show_default="in the data folder",
    ),
]
FaultsFolder = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        path_type=GivenPath,
        callback=unicode_path,
        help="Load and save your profiles of faults in this folder.",
        show_default="in the data folder",
    ),
]
Peers = Annotated[
    bool | None,
    typer.Option("--peers/--no-peers", help="Exchange messages with peers.", show_default="as in Settings"),
]
PeerPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Use this port for peers; 0 picks a free port.", show_default="9100"),
]
EventsFolder = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        path_type=GivenPath,
        callback=unicode_path,
        help="Use the events that the files in this folder define.",
        show_default="in the data folder",
    ),
]
Supabase = Annotated[
    bool | None,
    typer.Option(
        "--supabase/--no-supabase",
        help="Use a Supabase project as directory of peers and as queue for messages.",
        show_default="as in Settings",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        path_type=GivenPath,
        callback=unicode_path,
        help="Read the control API's token from this file; create it (mode 0600) if it is missing.",
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print_lines(f"p2p-chat-companion {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def tray(
    context: typer.Context,
    port: Port = None,
    data_dir: DataDir = None,
    rest_port: RestPort = None,
    rest: Rest = None,
    control_port: ControlPort = None,
    control: Control = None,
    peers_: Peers = None,
    peer_port: PeerPort = None,
    fixtures: Fixtures = None,
    sessions: Sessions = None,
    faults: FaultsFolder = None,
    events: EventsFolder = None,
    supabase: Supabase = None,
    token_file: TokenFile = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Start with the tray icon only.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Open the window and the tray icon."""
    if context.invoked_subcommand:
        options = (
            port,
            rest_port,
            rest,
            control_port,
            control,
            peers_,
            peer_port,
            fixtures,
            sessions,
            faults,
            events,
            supabase,
            token_file,
            _data_dir_option(context, data_dir),
        )
        if hidden or any(option is not None for option in options):
            raise typer.BadParameter(f"options must follow the command: companion {context.invoked_subcommand} …")
        return
    overrides = _overrides(
        port, rest_port, rest, control_port, control, peers_, peer_port, fixtures, sessions, faults, events,
        supabase,
    )  # fmt: skip
    raise typer.Exit(open_window(overrides, data_dir, token_file, hidden=hidden))


def _data_dir_option(context: typer.Context, data_dir: Path | None) -> Path | None:
    """Return ``--data-dir`` if it was given on the command line, or None if it came from the environment."""
    source = context.get_parameter_source("data_dir")
    return data_dir if source is not None and source.name == "COMMANDLINE" else None


def _overrides(
    port: int | None,
    rest_port: int | None,
    rest: bool | None,
    control_port: int | None,
    control: bool | None,
    peers: bool | None,
    peer_port: int | None,
    fixtures: Path | None,
    sessions: Path | None,
    faults: Path | None,
    events: Path | None,
    supabase: bool | None,
) -> "Overrides":
    from app.system.data_directory import Overrides

    return Overrides(
        port=port, rest=rest, rest_port=rest_port, control=control, control_port=control_port,
        peers=peers, peer_port=peer_port,
        fixtures=None if fixtures is None else str(fixtures),
        sessions=None if sessions is None else str(sessions),
        faults=None if faults is None else str(faults),
        events_folder=None if events is None else str(events),
        supabase=supabase,
    )  # fmt: skip


@app.command(short_help="Run without a window.")
def serve(
    port: Port = None,
    data_dir: DataDir = None,
    rest_port: RestPort = None,
    rest: Rest = None,
    control_port: ControlPort = None,
    control: Control = None,
    peers_: Peers = None,
    peer_port: PeerPort = None,
    fixtures: Fixtures = None,
    sessions: Sessions = None,
    faults: FaultsFolder = None,
    events: EventsFolder = None,
    supabase: Supabase = None,
    token_file: TokenFile = None,
    stop_with_stdin: Annotated[
        bool,
        typer.Option(
            "--stop-with-stdin",
            help="Also stop when standard input closes, as it does when the program that started this one ends.",
        ),
    ] = False,
) -> None:
    """Run the event server, REST stand-in and control API without a window, until Ctrl+C or SIGTERM.

    When they are ready, print `listening ws://127.0.0.1:8081/events`, `answering http://127.0.0.1:8080` and
    `control http://127.0.0.1:8082`.
    """
    from app import headless

    overrides = _overrides(
        port, rest_port, rest, control_port, control, peers_, peer_port, fixtures, sessions, faults, events,
        supabase,
    )  # fmt: skip
    raise typer.Exit(headless.serve(overrides, data_dir, token_file, stop_with_stdin=stop_with_stdin))


@app.command(short_help="Connect as a client and print the events.")
def listen(
    url: Annotated[
        str | None,
        typer.Option(help="Connect to this address; overrides --port.", callback=not_empty, show_default=False),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Connect to the event server on this port.",
            show_default="the running companion's",
        ),
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option("--as", help="Connect as this user.", metavar="NAME", callback=not_empty, show_default=False),
    ] = None,
    send: Annotated[
        list[str] | None,
        typer.Option(
            "--send",
            metavar="FRAME",
            help="Send this text after each connect; - sends each line of standard input.",
        ),
    ] = None,
    for_: Annotated[
        float | None,
        typer.Option(
            "--for",
            min=0,
            metavar="SECONDS",
            callback=finite,
            help="Stop after this time.",
            show_default="until Ctrl+C",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Connect to the event server as the UI does, and print each event.

    Reconnect as the UI does: up to 10 attempts, the first after 3 s and each further one after 1.5 times the
    previous delay. Every successful connection resets the count. Status messages and frames that are not events go
    to standard error. Exit code 1 if all attempts fail, or if no connection is made within the time of --for.
    """
    from app.cli import listen as command

    address = url or command.find_server(port, data_dir)
    raise typer.Exit(
        command.run(
            address,
            as_,
            as_json=json,
            send=send or (),
            for_s=for_,
            keys=command.envelope_keys(address, data_dir),
        )
    )
