"""The command ``companion``: the tray program, and its verbs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app import __version__

app = typer.Typer(
    help="A tray companion for event-driven chat UIs. Without a command it opens the window and its tray icon.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the port or the data folder is in use.",
)

Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the event server; 0 picks a free one.", show_default="8081"),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        file_okay=False, help="Keep settings, logs and data in this one folder.", show_default="the platform's"
    ),
]

RestPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the REST stand-in; 0 picks a free one.", show_default="8080"),
]
Rest = Annotated[
    bool | None,
    typer.Option("--rest/--no-rest", help="Stand in for the backend's REST API.", show_default="as in Settings"),
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"p2p-chat-companion {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def tray(
    context: typer.Context,
    port: Port = None,
    data_dir: DataDir = None,
    rest_port: RestPort = None,
    rest: Rest = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Start in the tray, without the window.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the window and its tray icon."""
    if context.invoked_subcommand:
        if hidden or any(option is not None for option in (port, data_dir, rest_port, rest)):
            verb = context.invoked_subcommand
            raise typer.BadParameter(f"put options behind the command: companion {verb} …")
        return
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        print("There is no display to open a window on. `companion serve` runs without one.", file=sys.stderr)
        raise typer.Exit(1)
    try:
        from app import desktop
    except ImportError as error:
        print(
            f"The window needs Qt, which this system cannot load: {error}\n"
            "On Debian and Ubuntu, README's apt-get line installs what is missing. "
            "`companion serve` runs without a window.",
            file=sys.stderr,
        )
        raise typer.Exit(1) from None
    from app.system.home import Overrides

    overrides = Overrides(port=port, rest=rest, rest_port=rest_port)
    raise typer.Exit(desktop.run(overrides, data_dir, hidden=hidden))


@app.command()
def serve(port: Port = None, data_dir: DataDir = None, rest_port: RestPort = None, rest: Rest = None) -> None:
    """Run the event server and the REST stand-in without a window, until Ctrl+C or SIGTERM.

    Prints `listening ws://127.0.0.1:8081/events` when it is ready, then `answering http://127.0.0.1:8080`.
    """
    from app import headless
    from app.system.home import Overrides

    raise typer.Exit(headless.serve(Overrides(port=port, rest=rest, rest_port=rest_port), data_dir))


state = typer.Typer(
    help="Save, load or reset the chat state (friends, messages, read marks).", no_args_is_help=True
)
app.add_typer(state, name="state")
File = Annotated[Path, typer.Argument(dir_okay=False, help="A JSON file.")]


@state.command("save")
def state_save(file: File, data_dir: DataDir = None) -> None:
    """Write the chat state to a file."""
    from app.cli import state as room

    raise typer.Exit(room.save(file, data_dir))


@state.command("load")
def state_load(file: File, data_dir: DataDir = None) -> None:
    """Replace the chat state by the one in a file: all of it, or nothing."""
    from app.cli import state as room

    raise typer.Exit(room.load(file, data_dir))


@state.command("reset")
def state_reset(data_dir: DataDir = None) -> None:
    """Go back to the cast and history of the first start."""
    from app.cli import state as room

    raise typer.Exit(room.reset(data_dir))


@app.command()
def listen(
    url: Annotated[str | None, typer.Option(help="Where to connect; overrides --port.", show_default=False)] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the event server.")] = 8081,
    as_: Annotated[
        str | None, typer.Option("--as", help="Speak for this user.", metavar="NAME", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
) -> None:
    """Connect like the UI does and print what arrives.

    Reconnects by the UI's rule: after 3 s, then 1.5 times longer each time, 10 attempts, counted anew after each
    success. What is no event goes to standard error. Exit code 1 when it gave up.
    """
    from app.cli import listen as room

    raise typer.Exit(room.run(url or room.url_of(port), as_, as_json=json))


def run() -> None:
    """Entry point."""
    # A terminal of another encoding shows a replacement instead of ending the program.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="companion")
