"""Export rows of the live log or of an opened recording: ask for the file and its kind, and write it.
The kinds are all those of ``export_kinds``, for example JSON lines, a test, a scenario or a HAR file.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from app.companion import Companion
from app.protocol.counts import count
from app.protocol.export_kinds import KIND_INFO, Kind
from app.ui.file_dialogs import FileActions

if TYPE_CHECKING:
    from app.exports.conversion import Exported
    from app.hub.row_store import RowStore
    from app.observers.opened_recording import OpenedRecording
    from app.ui.room_tasks import RoomTasks

KINDS = (Kind.NDJSON, *(kind for kind in KIND_INFO if kind is not Kind.NDJSON))
"""The kinds in the order of the dialog."""
FILTERS = {f"{KIND_INFO[kind].title} (*.{KIND_INFO[kind].suffix})": kind for kind in KINDS}
SUFFIXES = {title: f".{KIND_INFO[kind].suffix}" for title, kind in FILTERS.items()}


class RowExport(FileActions):
    """Exports rows. ``report`` is called with the result or the error."""

    def __init__(
        self,
        parent: QWidget,
        companion: Companion,
        do: RoomTasks,
        report: Callable[[str], object],
        recorded: OpenedRecording | None = None,
    ) -> None:
        """``recorded`` is the recording whose rows these are; None: the live log."""
        super().__init__(parent, companion, do, report)
        self._recorded = recorded

    def ask(self, rows: RowStore, seqs: Sequence[int]) -> None:
        """Ask for a file, and write the rows with these numbers to it. ``rows`` must be a copy."""

        def save(file: Path) -> None:
            self.save(rows, seqs, file, FILTERS[dialog.selectedNameFilter()])

        dialog = self._ask_where("Export rows", SUFFIXES, "log", save)

    def save(self, rows: RowStore, seqs: Sequence[int], file: Path, kind: Kind) -> None:
        """Write rows to a file of a kind."""
        from app.hub.scenario_from_rows import MAX_ROWS  # loads modules that the window does not need at start

        if kind is Kind.NDJSON:
            actions = self._companion.export_actions
            self._do(
                actions.write_rows(rows, seqs, file, self._recorded.seq if self._recorded else int),
                lambda number: self._report(f"Exported {count(number, 'row')} to {file}"),
            )
        elif len(seqs) > MAX_ROWS:
            self._report(
                f"At most {MAX_ROWS:,} rows can be exported as this kind of file. {len(seqs):,} are selected."
            )
        else:
            self._do(self._exported(rows, seqs, file, kind), lambda exported: self._note(len(seqs), file, exported))

    def _exported(
        self, rows: RowStore, seqs: Sequence[int], file: Path, kind: Kind
    ) -> Coroutine[Any, Any, Exported]:
        """Return a coroutine that writes the file."""
        actions = self._companion.export_actions
        if self._recorded:
            return actions.write(file, actions.recording(self._recorded, seqs, kind))
        chosen = [row for seq in seqs if (row := rows.row(seq))]
        return actions.write(file, actions.log(chosen, kind))

    def _note(self, number: int, file: Path, exported: Exported) -> None:
        self._report(" ".join((f"Exported {count(number, 'row')} to {file}", *exported.notes)))
