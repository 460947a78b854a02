"""``companion filters``: list, save, rename and delete saved filters of the log.
A typed filter can contain a saved one as ``@NAME``; a saved filter cannot contain another. They are saved in the
settings of the running companion.
"""

from typing import Annotated

import typer

from app.cli.completion import filter_names
from app.cli.options import DataDir, Json, as_json, print_result
from app.system.terminal import print_lines

app = typer.Typer(
    help="List, save, rename and delete filters of the log. Use one with `journal --filter @NAME`.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the saved filter.", autocompletion=filter_names)]


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the saved filters: name and filter."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/filters")
    if json:
        print_lines(as_json(found))
        return
    width = max((len(each["name"]) for each in found), default=0)
    print_lines(*(f"{each['name']:<{width}}  {each['filter']}" for each in found))


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="Name of the filter.")],
    filter_: Annotated[str, typer.Argument(metavar="FILTER", help='The filter, for example "is:invalid dir:c2s".')],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save a filter under a name. A filter with the same name is replaced."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("PUT", f"/v1/filters/{segment(name)}", {"filter": filter_})
    print_result(f"saved @{found['name']}", found, json)


@app.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="New name of the filter.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Rename a saved filter."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("PATCH", f"/v1/filters/{segment(name)}", {"name": new})
    print_result(f"{name} is now {found['name']}", found, json)


@app.command()
def delete(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a saved filter."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/filters/{segment(name)}")
    print_result(f"deleted {name}", {"deleted": name}, json)
