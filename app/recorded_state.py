"""Compute what the stores of a UI must contain, from a recording file: at its end, or after one of its rows.
The stores are where a chat UI keeps its state. ``companion ui-state show FILE`` calls this, without a running
companion, and the window calls it for an opened recording.
"""

import asyncio
from pathlib import Path
from typing import Any

from app.observers.recorded_run import RecordedRun
from app.observers.ui_state import UiStates
from app.protocol.catalog import Catalog
from app.protocol.errors import NotFound, RequestError
from app.protocol.event_files.effect_history import EffectHistory
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_effects import changes_of
from app.protocol.ui_stores import Flavour
from app.protocol.wire_names import WireNames
from app.recorded_input import read_run


def recorded_state(
    file: Path,
    catalog: Catalog,
    client: int | None,
    flavour: Flavour,
    after: int | None,
    names: WireNames | None = None,
) -> dict[str, Any]:
    """Return the state at the end of a recording, or just after the row ``after``, as ``GET /v1/ui-state`` does.

    ``client`` None is the only client whose page is in the recording. Events of ``catalog`` that a file defines may
    change the stores. ``names``: see ``recorded_input``.
    Raises ``RequestError``.
    """
    found_states: list[UiStates] = []

    def watch(run: RecordedRun) -> None:
        changes = changes_of(EffectHistory(catalog), lambda: run.local_user)
        found_states.append(UiStates(run, changes, keep_all=True))

    run = read_run(file, watch, names)
    (states,) = found_states
    known = [each.client for each in states.pages]
    if client is None:
        if not known:
            raise RequestError(f"{file.name} has no page of a client, so there is no UI state.")
        if len(known) > 1:
            clients = ", ".join(map(str, known))
            raise RequestError(f"{file.name} has the pages of several clients ({clients}). Choose one.")
        client = known[0]
    elif states.page_number(client) is None:
        raise NotFound(
            f"Client {client} is not in {file.name}. Its clients: {', '.join(map(str, known)) or 'none'}."
        )
    row = None
    if after is not None and (row := run.row_number(after)) is None:
        raise NotFound(f"Row {after} is not in {file.name}.")
    found = asyncio.run(states.expected(client, flavour, row))
    return {
        "client": found.client, "seq": run.seq(found.seq), "stores": as_plain(found.stores.to_json()),
        "complete": found.complete, "rest_is_guess": found.rest_is_guess,
    }  # fmt: skip
