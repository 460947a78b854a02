"""Select rows of a recording as ``GET /v1/journal`` does, without a companion (``journal --recording``).
The recording is linted if the filter needs it. Its rows have no pins or annotations, so filters for these find
nothing.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.hub.filter import parse
from app.hub.row_codec import to_json
from app.protocol.catalog import Catalog
from app.protocol.errors import Invalid
from app.protocol.wire_names import WireNames
from app.recorded_input import read_run
from app.recorded_lint import linted_run


def recorded_rows(
    file: Path,
    wanted: str,
    saved: Mapping[str, str],
    after: int | None,
    limit: int,
    catalog: Catalog,
    names: WireNames | None = None,
) -> list[dict[str, Any]]:
    """Return the rows that match a filter, as JSON values: the newest ones, or the first ones after ``after``.

    ``saved`` has the texts of the saved filters, by name. Rows have the numbers that they had in the log. If the
    filter asks for the lint of rows, they are compared with ``catalog``. ``names``: see ``recorded_input``.
    Raises ``RequestError``.
    """
    found = parse(wanted, time.time, saved)
    if found.warnings:
        raise Invalid(f"{found.warnings[0]}.")
    run = linted_run(file, catalog, names) if found.depends_on_marks else read_run(file, names=names)
    rows = run.journal.rows
    numbers: Sequence[int] = [
        rows.first + index
        for index in found.matching(rows.columns(rows.first, rows.last))
        if after is None or run.seq(rows.first + index) > after
    ]
    numbers = numbers[-limit:] if after is None else numbers[:limit]
    return [
        msgspec.to_builtins(to_json(row._replace(seq=run.seq(number))))
        for number in numbers
        if (row := rows.row(number))
    ]
