"""The command ``companion``: the tray program, and its verbs."""

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


def _version(wanted: bool) -> None:
    if wanted:
        print(f"p2p-chat-companion {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def tray(
    context: typer.Context,
    port: Port = None,
    data_dir: DataDir = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Start in the tray, without the window.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Open the window and its tray icon."""
    if context.invoked_subcommand:
        if port is not None or data_dir is not None or hidden:
            verb = context.invoked_subcommand
            raise typer.BadParameter(f"put options behind the command: companion {verb} …")
        return
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
    raise typer.Exit(desktop.run(port, data_dir, hidden=hidden))


@app.command()
def serve(port: Port = None, data_dir: DataDir = None) -> None:
    """Run the event server without a window, until Ctrl+C or SIGTERM.

    Prints `listening ws://127.0.0.1:8081/events` when it is ready.
    """
    from app import headless

    raise typer.Exit(headless.serve(port, data_dir))


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
