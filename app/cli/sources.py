"""``companion sources``: list the sources or show one, switch it on or off, test its connection, delete its data.
These sources connect the companion to real users: ``peers`` (a direct link to friends with a companion of their
own), and ``supabase`` (a directory of users and a queue of messages in a Supabase project). ``key`` stores or
removes the API key of the project, or prints where it is stored.
"""

import sys
from typing import Annotated, Any

import typer

from app.cli.completion import source_names
from app.cli.options import DataDir, Json, as_json, print_result
from app.protocol.summary import summarize
from app.system.exit_codes import Exit
from app.system.terminal import is_terminal, print_lines

app = typer.Typer(
    help="Switch sources of real traffic on and off, such as directory and queue in Supabase, and test them.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the source: peers or supabase.", autocompletion=source_names)]
MAX_KEY_CHARS = 4096


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the sources with their state."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/sources")
    if json:
        print_lines(as_json(found))
        return
    width = max(len(each["name"]) for each in found)
    for each in found:
        print_lines(f"{each['name']:<{width}}  {each['state']:<8}  {summarize(each['text'])}")


@app.command()
def status(name: Name = "supabase", json: Json = False, data_dir: DataDir = None) -> None:
    """Print the state of a source: last success, next call, counts, latency and warnings."""
    from app.cli.control import Control, segment

    _print_source(Control(data_dir).call("GET", f"/v1/sources/{segment(name)}"), json)


@app.command("on")
def switch_on(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Switch a source on, and save that in the settings. One that is on and has failed tries again."""
    _switch(name, "on", json, data_dir)


@app.command("off")
def switch_off(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Switch a source off, and save that in the settings."""
    _switch(name, "off", json, data_dir)


@app.command("test")
def check(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Test the connection of a source, and say what is wrong. The exit code is 1 if it does not work.

    Nothing is changed, and the source may be off.
    """
    from app.cli.control import Control, segment

    result = Control(data_dir).call("POST", f"/v1/sources/{segment(name)}/test", timeout_s=90.0)
    print_result(result["text"], result, json)
    if not result["ok"]:
        raise typer.Exit(Exit.FAILED)


@app.command()
def key(
    where: Annotated[bool, typer.Option("--where", help="Only print where the key is stored.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Delete the stored key.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Store the API key of the Supabase project, which is read from standard input.

    It is kept in the system's keyring, or in a private file if there is none.
    """
    from app.cli.control import Control, fail

    if where and remove:
        fail("Use either --where or --remove.", Exit.USAGE)
    if where or remove:
        found = Control(data_dir).call("DELETE" if remove else "GET", "/v1/sources/supabase/key")
        kept = f"kept in {found['kept_in']}" if found["kept_in"] else "no key is stored"
        print_result(f"deleted; {kept}" if remove else kept, found, json)
        return
    if is_terminal(sys.stdin):
        given = typer.prompt("Publishable key", hide_input=True, err=True)
    else:
        given = sys.stdin.read(MAX_KEY_CHARS + 1)
    given = given.strip()
    if not given:
        fail("The key is empty. Pipe it in, or type it when asked.", Exit.USAGE)
    found = Control(data_dir).call("PUT", "/v1/sources/supabase/key", {"key": given})
    print_result(f"stored in {found['kept_in']}", found, json)


@app.command("delete")
def delete_data(
    name: Name,
    remote: Annotated[bool, typer.Option("--remote", help="Also delete your registration in the project.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Switch a source off, and delete its data: API key and address of the project, or all peers and your keys."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("DELETE", f"/v1/sources/{segment(name)}/data", timeout_s=90.0, remote=remote)
    print_result(found["text"], found, json)


def _switch(name: str, to: str, json: bool, data_dir: Any) -> None:
    from app.cli.control import Control, segment

    _print_source(Control(data_dir).call("POST", f"/v1/sources/{segment(name)}/{to}"), json)


def _print_source(source: dict[str, Any], json: bool) -> None:
    if json:
        print_lines(as_json(source))
        return
    print_lines(f"{source['name']}  {source['state']}  {summarize(source['text'])}")
    if source["last_success"] is not None:
        latency = "" if source["latency_ms"] is None else f" ({source['latency_ms']:g} ms)"
        print_lines(f"  last success: {_time(source['last_success'])}{latency}")
    if source["next_try"] is not None:
        print_lines(f"  next call: {_time(source['next_try'])}")
    if source["counts"]:
        print_lines("  " + ", ".join(f"{kind}: {number:,}" for kind, number in source["counts"].items()))
    print_lines(*(f"  {summarize(each)}" for each in source["warnings"]))


def _time(seconds: float) -> str:
    from app.protocol.times import local

    return local(seconds).strftime("%Y-%m-%d %H:%M:%S")
