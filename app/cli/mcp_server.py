"""``companion mcp``: let coding agents use the running companion, for example to fire events and read the log.
It serves tools on standard input and output (Model Context Protocol). ``agents/server.py`` registers the tools, and
needs the optional package ``mcp``.
"""

import typer

from app.cli.options import DataDir
from app.system.exit_codes import Exit

MISSING = (
    "companion mcp needs the package mcp, which is not installed, or too old. "
    "Install it in a clone of the companion's repository: pip install '.[mcp]' (or pipx install --force '.[mcp]')"
)


def mcp(data_dir: DataDir = None) -> None:
    """Serve tools for coding agents on standard input and output (MCP).

    Coding agents start it. They may use a companion only if its setting `agents` allows that.
    """
    from app.cli.agents.connection import Connection
    from app.cli.control import fail

    try:
        from app.cli.agents.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "pydantic"):
            raise
        fail(MISSING, Exit.FAILED)
    from app.cli.agents.threads import wait_for_last_calls

    server = make_server(Connection(data_dir))
    try:
        try:
            server.run("stdio")
        finally:
            wait_for_last_calls()
    except KeyboardInterrupt:  # a second Ctrl+C
        raise typer.Exit(Exit.INTERRUPTED) from None
    if server.interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
