"""The selected fixture as saved and as edited, what is wrong with it, and unsaved changes of the others.
A fixture is a saved event or raw frame. The Fixtures room updates this data after each change in the editor.
``fixture_actions`` saves the changes, and ``kept_drafts`` keeps them across a restart.
"""

import json
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from app.companion import Companion
from app.protocol.file_names import name_key
from app.protocol.fixture import Fixture, FixtureExpectation, SavedFixture, from_frame
from app.protocol.templates import TemplateError
from app.ui.widgets.expect_row import WrittenExpectation


class Draft(NamedTuple):
    """Unsaved changes of a fixture: its text and its expectation. ``saved`` is the fixture when they were made."""

    saved: SavedFixture
    text: str
    expect: FixtureExpectation | None
    known: tuple[Fixture, ...]
    """See ``FixtureEdits.known``."""
    unfinished: WrittenExpectation | None = None
    """See ``FixtureEdits.unfinished``."""

    def has_edits_of(self, other: "Draft | None") -> bool:
        """Return whether the text and the expectation are those of another draft."""
        return other is not None and (self.text, self.expect, self.unfinished) == (
            other.text, other.expect, other.unfinished,
        )  # fmt: skip


class FixtureEdits:
    """The selected fixture as it is saved and as it is edited. Call ``update`` after every change in the editor."""

    def __init__(self, companion: Companion) -> None:
        self._companion = companion
        self.saved: SavedFixture | None = None
        """The selected fixture as it is saved; None if no fixture is selected."""
        self.edited: Fixture | None = None
        """The selected fixture with the changes of the editor."""
        self.unfinished: WrittenExpectation | None = None
        """A changed expectation that is not valid yet. It cannot be saved; ``edited`` has the saved one."""
        self.known: tuple[Fixture, ...] = ()
        """What the file contained when it was opened, and what was saved since; empty if *Save* may replace any
        content.
        """
        self.text_as_shown = ""
        """The text that the editor returns for the unedited fixture; its line ends can differ from the file's."""
        self.drafts: dict[str, Draft] = {}
        """Unsaved changes of the fixtures that are not selected, by name."""
        self._text = ""

    @property
    def name(self) -> str:
        """The name of the selected fixture, or an empty text."""
        return self.saved.name if self.saved else ""

    @property
    def pinned(self) -> bool:
        """Whether the selected fixture is pinned to the tray menu."""
        return bool(self._companion.fixtures.pins_of(self.name))

    def deselect(self) -> None:
        """Forget the selected fixture and its changes."""
        self.saved = self.edited = self.unfinished = None

    def update(self, text: str, expect: FixtureExpectation | None, unfinished: WrittenExpectation | None) -> None:
        """Take over the text and the expectation that the user sees."""
        if self.saved is None:
            return
        self._text, self.unfinished = text, unfinished
        edited = self.saved.fixture
        if self._text_changed:
            fresh = from_frame(text, self._companion.catalog)
            kept = {name: getattr(edited, name) for name in ("title", "must", "to", "times", "order")}
            edited = replace(fresh, **kept)
        self.edited = replace(edited, expect=expect)

    @property
    def draft(self) -> Draft | None:
        """The selected fixture as it is edited."""
        if self.saved is None or self.edited is None:
            return None
        return Draft(self.saved, self._text, self.edited.expect, self.known, self.unfinished)

    def keep_draft(self, name: str) -> None:
        """Keep the changes of the selected fixture if ``name`` is another one, which will be selected next."""
        if (draft := self.draft) and self.has_changes and self.name != name:
            self.drafts[self.name] = draft

    def to_json(self) -> str:
        """Return all unsaved changes as JSON, to keep them across a restart."""
        current = [self.draft] if self.has_changes else []
        return json.dumps(msgspec.to_builtins([*self.drafts.values(), *current]))

    def add_json(self, text: str) -> None:
        """Take over the result of ``to_json``."""
        try:
            drafts = json.loads(text)
        except ValueError:
            return
        for each in drafts if isinstance(drafts, list) else ():
            with suppress(msgspec.ValidationError):  # written by another version, or by hand
                draft = msgspec.convert(each, Draft)
                self.drafts[draft.saved.name] = draft

    def allow_any_content(self, name: str) -> None:
        """Let *Save* replace any content of a fixture's file: the user was warned that it has changed."""
        if self.name == name:
            self.known = ()
        elif draft := self.drafts.get(name):
            self.drafts[name] = draft._replace(known=())

    def listed(self) -> list[SavedFixture]:
        """Return all fixtures, preceded by those with unsaved changes whose files no longer exist."""
        found = self._companion.fixtures.all
        names = {each.name for each in found}
        changed = [each.saved for each in self.drafts.values()]
        if self.saved and self.has_changes:
            changed.append(self.saved)
        return [*(each for each in changed if each.name not in names), *found]

    @property
    def has_changes(self) -> bool:
        """Whether the text or the expectation of the selected fixture has unsaved changes."""
        if self.saved is None or self.edited is None:
            return False
        changed = self._text_changed or self.edited.expect != self.saved.fixture.expect
        return changed or self.unfinished is not None

    @property
    def changed_names(self) -> set[str]:
        """The names of all fixtures with unsaved changes, selected or not."""
        return {*self.drafts, *([self.name] if self.has_changes else [])}

    def has_changes_of(self, name: str) -> bool:
        """Return whether a fixture has unsaved changes. The case of its name does not matter."""
        return name_key(name) in map(name_key, self.changed_names)

    @property
    def _text_changed(self) -> bool:
        return self._text != self.text_as_shown

    def problem(self) -> str:
        """Return what is wrong with the edited event; empty if it is valid or was saved as malformed on purpose."""
        saved, edited = self.saved, self.edited
        if saved is None or edited is None:
            return ""
        if edited.raw:
            broken = "Not a valid event. It will be saved and sent as a raw frame."
            return "" if saved.fixture.raw else broken
        if saved.fixture.malformed:
            return ""
        try:
            event = self._companion.composer.preview(edited.envelope())
        except TemplateError as error:
            return f"The event has {error}."
        problems = self._companion.catalog.problems(event)
        return f"Not valid: {'; '.join(map(str, problems))}" if problems else ""
