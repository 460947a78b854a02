"""The dialogs that ask for the name of a fixture: to save a frame, to save a copy, to rename it.
A fixture is a saved event or raw frame. Saving warns if a fixture will be replaced. The dialog for a frame says
what is wrong with it, and offers to generate a new ID and time on each send. ``ui/fixture_actions.py`` opens the
dialogs, and saves or renames.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QWidget

from app.companion import Companion
from app.protocol.file_names import name_key
from app.protocol.fixture import BadFixture, Fixture, from_frame, why_no_event, with_fresh_values
from app.protocol.wire_names import WireNames
from app.ui.widgets.name_dialog import NameDialog, overwrite_warning

OWN_FOLDER = "mine/"
RENEW = "Generate a new ID and time on each send"

Named = Callable[[str], None]


class FixtureDialogs:
    """Open a dialog over a widget, and call ``then`` with the name that the user has chosen. They do not block."""

    def __init__(self, parent: QWidget, companion: Companion, has_changes: Callable[[str], bool]) -> None:
        """``has_changes`` returns whether a fixture has unsaved changes, which saving under its name would drop."""
        self._parent = parent
        self._companion = companion
        self._has_changes = has_changes

    def save_frame(
        self,
        text: str,
        then: Callable[[Fixture, str], None],
        names: WireNames | None = None,
        *,
        literal: bool = False,
    ) -> None:
        """Ask under which name to save a frame, and say what is wrong with one that is not a valid event.

        ``names`` and ``literal``: see ``fixture.from_frame``.
        """
        catalog = self._companion.catalog
        unchanged = from_frame(text, catalog, names, literal=literal)
        with_templates = with_fresh_values(unchanged, catalog)
        wrong = why_no_event(text, catalog, names)
        as_what = "a raw frame, which is sent as it is" if unchanged.raw else "a malformed event"
        dialog = NameDialog(
            self._parent.window(),
            "Save as fixture",
            f"{OWN_FOLDER}{unchanged.event or 'frame'}",
            self._overwrite_warning,
            RENEW if with_templates != unchanged else "",
            note=f"This is not a valid event: {wrong}. It will be saved as {as_what}." if wrong else "",
        )
        dialog.chosen.connect(lambda name: then(with_templates if dialog.option.isChecked() else unchanged, name))
        dialog.open()

    def save_as(self, name: str, then: Named) -> None:
        """Ask under which name to save a copy; ``name`` is offered, in a folder of the user's own."""
        own = name if self._companion.fixtures.has_own(name) else OWN_FOLDER + name.rpartition("/")[2]
        self._ask("Save as", own, partial(self._overwrite_warning, saved=name), then)

    def rename(self, old: str, then: Named) -> None:
        """Ask for a new name, which no other fixture may have."""
        self._ask("Rename", old, partial(self._check_new_name, old), then)

    def _ask(self, title: str, name: str, check: Callable[[str], str], then: Named) -> None:
        dialog = NameDialog(self._parent.window(), title, name, check)
        dialog.chosen.connect(then)
        dialog.open()

    def _overwrite_warning(self, name: str, saved: str = "") -> str:
        """Return what is replaced under a name. ``saved`` is the fixture whose unsaved changes are saved."""
        is_other = name_key(name) != name_key(saved)
        return overwrite_warning(
            name, exists=self._companion.fixtures.has_own(name), changed=is_other and self._has_changes(name)
        )

    def _check_new_name(self, old: str, name: str) -> str:
        if name_key(name) != name_key(old) and (self._companion.fixtures.has_own(name) or self._has_changes(name)):
            raise BadFixture(f"the name {name} is in use")
        return ""
