"""The command ``companion``: the tray program, and its verbs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import __version__
from app.cli import clients, fixtures, journal, manage, manual, quit_command, state, trigger, ui_state
from app.cli.options import DataDir, absolute_path
from app.cli.window import open_window
from app.system import exit_codes
from app.system.terminal import print_lines

if TYPE_CHECKING:
    from app.system.data_directory import Overrides

app = typer.Typer(
    help="A tray companion for event-driven chat UIs. Without a command it opens the window and its tray icon.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exit_codes.TABLE,
)

Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the event server; 0 picks a free one.", show_default="8081"),
]
RestPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the REST stand-in; 0 picks a free one.", show_default="8080"),
]
Rest = Annotated[
    bool | None,
    typer.Option("--rest/--no-rest", help="Stand in for the backend's REST API.", show_default="as in Settings"),
]
ControlPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the control API; 0 picks a free one.", show_default="8082"),
]
Control = Annotated[
    bool | None,
    typer.Option("--control/--no-control", help="Answer the control API.", show_default="as in Settings"),
]
Fixtures = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        callback=absolute_path,
        help="Keep your fixtures in this folder.",
        show_default="in the data folder",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        callback=absolute_path,
        help="Keep the control API's token in this file (made when missing, mode 0600).",
    ),
]


def _version(wanted: bool) -> None:
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
    fixtures: Fixtures = None,
    token_file: TokenFile = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Start in the tray, without the window.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the window and its tray icon."""
    if context.invoked_subcommand:
        options = (port, rest_port, rest, control_port, control, fixtures, token_file, _typed(context, data_dir))
        if hidden or any(option is not None for option in options):
            verb = context.invoked_subcommand
            raise typer.BadParameter(f"put options behind the command: companion {verb} …")
        return
    overrides = _overrides(port, rest_port, rest, control_port, control, fixtures)
    raise typer.Exit(open_window(overrides, data_dir, token_file, hidden=hidden))


def _typed(context: typer.Context, data_dir: Path | None) -> Path | None:
    """Return the option where it was typed, and not taken from the environment for every verb."""
    source = context.get_parameter_source("data_dir")
    return data_dir if source is not None and source.name == "COMMANDLINE" else None


def _overrides(
    port: int | None,
    rest_port: int | None,
    rest: bool | None,
    control_port: int | None,
    control: bool | None,
    fixtures: Path | None,
) -> "Overrides":
    from app.system.data_directory import Overrides

    folder = None if fixtures is None else str(fixtures)
    return Overrides(
        port=port, rest=rest, rest_port=rest_port, control=control, control_port=control_port, fixtures=folder
    )


@app.command(short_help="Run without a window.")
def serve(
    port: Port = None,
    data_dir: DataDir = None,
    rest_port: RestPort = None,
    rest: Rest = None,
    control_port: ControlPort = None,
    control: Control = None,
    fixtures: Fixtures = None,
    token_file: TokenFile = None,
) -> None:
    """Run event server, REST stand-in and control API without a window, until Ctrl+C or SIGTERM.

    Prints `listening ws://127.0.0.1:8081/events` when it is ready, then `answering http://127.0.0.1:8080` and
    `control http://127.0.0.1:8082`.
    """
    from app import headless

    overrides = _overrides(port, rest_port, rest, control_port, control, fixtures)
    raise typer.Exit(headless.serve(overrides, data_dir, token_file))


app.command(short_help="Fire an event, a fixture, or the last one again.")(trigger.trigger)
app.command(short_help="Wait until the UI sends something.")(journal.expect)
app.command(short_help="Print or follow the log.")(journal.journal)
app.command(short_help="Say what runs, what is off, and why.")(manage.status)
app.add_typer(clients.app, name="clients", short_help="List, close or identify clients.")
app.add_typer(fixtures.app, name="fixtures", short_help="The saved events.")
app.add_typer(state.app, name="state", short_help="Save, load or reset the chat state.")
app.add_typer(ui_state.app, name="ui-state", short_help="Show the state that the UI must be in, and compare it.")
app.add_typer(manage.server, name="server", short_help="Pause, resume, stop or start it.")
app.command("open", short_help="Raise the window.")(manage.open_)
app.command(short_help="Print the control API's token.")(manage.token)
app.command("quit", short_help="End the running companion.")(quit_command.quit_companion)
app.command("help", short_help="Print a page of the manual.")(manual.help_)


@app.command(short_help="A client like the UI: print what arrives.")
def listen(
    url: Annotated[str | None, typer.Option(help="Where to connect; overrides --port.", show_default=False)] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the event server.", show_default="the running companion's"),
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", help="Speak for this user.", metavar="NAME", show_default=False)
    ] = None,
    send: Annotated[
        list[str] | None,
        typer.Option(
            "--send", metavar="FRAME", help="Send this text after each connect; - sends standard input's lines."
        ),
    ] = None,
    for_: Annotated[
        float | None,
        typer.Option("--for", min=0, metavar="SECONDS", help="End after this time.", show_default="at Ctrl+C"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Connect like the UI does and print what arrives.

    Reconnects by the UI's rule: after 3 s, then 1.5 times longer each time, 10 attempts, counted anew after each
    success. What is no event goes to standard error. Exit code 1 when it gave up, or had no connection within the
    time of --for.
    """
    from app.cli import listen as room

    raise typer.Exit(room.run(url or room.find(port, data_dir), as_, as_json=json, send=send or (), for_s=for_))
