"""``companion help``: print a page of the manual as plain text, or list the pages. Needs no running companion."""

from typing import Annotated

import typer

from app.cli.options import Json, as_json
from app.manual.pages import Manual, ManualMissing, installed
from app.manual.plain import for_terminal
from app.system.exit_codes import Exit
from app.system.terminal import print_lines


def page_names(incomplete: str) -> list[str]:
    """Return the names of pages that begin with ``incomplete``, for the shell's completion."""
    try:
        return [each.name for each in installed().entries if each.name.startswith(incomplete)]
    except ManualMissing:
        return []


def help_(
    page: Annotated[
        str,
        typer.Argument(
            help="Name of a page, for example events, or of a command.",
            show_default=False,
            autocompletion=page_names,
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Print a page of the manual as plain text. Without PAGE, list all pages."""
    from app.cli.control import fail

    manual = installed()
    try:
        if page:
            _print_page(manual, page, json)
        else:
            _print_contents(manual, json)
    except ManualMissing as error:
        fail(str(error), Exit.FAILED)


def _print_page(manual: Manual, topic: str, json: bool) -> None:
    from app.cli.control import fail
    from app.protocol.did_you_mean import suggestion

    name = manual.name_about(topic)
    if not name:
        hint = suggestion(topic, manual.names) or ". `companion help` lists all pages."
        fail(f"The manual has no page {topic!r}{hint}", Exit.USAGE)
    found = manual.page(name)
    if json:
        print_lines(as_json({"name": name, "title": found.title, "text": found.text}))
    else:
        print_lines(*for_terminal(found.text))


def _print_contents(manual: Manual, json: bool) -> None:
    if json:
        pages = [
            {"name": entry.name, "title": entry.title, "group": group.title}
            for group in manual.groups
            for entry in group.entries
        ]
        print_lines(as_json(pages))
        return
    width = max(len(entry.name) for entry in manual.entries)
    for group in manual.groups:
        if group.title:
            print_lines("", group.title)
        print_lines(*(f"{entry.name:<{width}}  {entry.title}" for entry in group.entries))
