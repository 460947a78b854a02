"""The option ``--events DIR`` of ``contract show``, ``asyncapi``, ``typescript`` and ``check``.
With it, these commands need no running companion: ``events_in`` returns the built-in events and those of the event
files in DIR, and ``keys_in`` the names of a frame's keys in the settings file. Commands that read recordings have
the ``--events`` of ``options``; ``companion`` and ``companion serve`` define one of their own.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import GivenPath, absolute_path
from app.system.exit_codes import Exit

if TYPE_CHECKING:
    from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys

OTHERWISE = "Or name the folder of your event files with --events DIR, for which none has to run."

EventsFolder = Annotated[
    Path | None,
    typer.Option(
        "--events", metavar="DIR", file_okay=False, path_type=GivenPath, callback=absolute_path,
        help="Use the built-in events and the event files in this folder. Needs no running companion.",
        show_default="the events of the running companion",
    ),
]  # fmt: skip


def events_in(folder: Path) -> "list[DescribedEvent]":
    """Return the built-in events and those of a folder. A file that is not valid ends the command."""
    from app.cli.control import fail
    from app.contract_folder import contract_of
    from app.protocol.errors import Invalid

    try:
        return contract_of(folder)
    except Invalid as error:
        fail(error.reason, Exit.USAGE)


def keys_in(data_dir: Path | None) -> "EnvelopeKeys":
    """Return the names of the envelope's keys in the settings of a data folder."""
    from app.protocol.contract_documents.described_event import EnvelopeKeys
    from app.system.paths import Folders
    from app.system.settings_file import SettingsFile

    settings = SettingsFile(Folders.of(data_dir).settings_file).load()
    return EnvelopeKeys(event=settings.envelope_event_key, data=settings.envelope_data_key)
