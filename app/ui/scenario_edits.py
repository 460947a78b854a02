"""The scenario in the editor of the Scenarios room, as saved and as edited, and unsaved changes of the others.
A scenario is a script of events and expectations. The unsaved changes can be converted to JSON, which the room
keeps across a restart.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.protocol.file_names import name_key
from app.protocol.session.saved import TRANSCRIPT, EditableText, SavedSession

NEW_TITLE = "New scenario"
NEW_TEXT = "# New scenario\n\nalice comes online\nalice (types 1s): hi\n"


@dataclass
class Scenario:
    """A scenario that is open. ``key`` is its name, or a text that is not a valid name if it was never saved.

    ``notation`` is that of the text: a scenario in lines of JSON is edited as a transcript if it can be.
    """

    key: str
    saved: SavedSession | None = None
    saved_text: str | None = ""
    """The text of the file as the editor returns it; None if it was not read yet."""
    text: str = ""
    notation: str = TRANSCRIPT
    is_editable: bool = True
    """False for recordings, and for scenarios that are too large."""
    file_name: str = ""
    """The name of the file that a kept text is a change of, if there is no such file, or it was not read yet."""
    file_hashes: tuple[str, ...] = ()
    """The hashes of the text of the file when it was read, and of what was saved since; empty if *Save* may replace
    any text.
    """

    @property
    def has_changes(self) -> bool:
        """Whether the text has unsaved changes. A new scenario has them until it is saved."""
        return self.saved is None or self.text != self.saved_text

    @property
    def own(self) -> bool:
        """Whether *Save* can write it."""
        return self.saved is None or self.saved.own

    @property
    def name(self) -> str:
        """The name in the log: that of the file, or a general one."""
        if self.saved:
            return self.saved.name
        number = self.key.rpartition(":")[2]
        return NEW_TITLE.lower() if number == "1" else f"{NEW_TITLE.lower()} {number}"

    @property
    def edited(self) -> EditableText:
        """The text with its notation."""
        return EditableText(self.text, self.notation)


@dataclass
class ScenarioEdits:
    """The scenario in the editor, and those with unsaved changes that are not in it."""

    current: Scenario | None = None
    drafts: dict[str, Scenario] = field(default_factory=dict)
    """Scenarios with unsaved changes that are not shown, by key."""
    loading: SavedSession | None = None
    """The file that is being read, to show it instead of the current scenario."""
    _created: int = 0

    @property
    def key(self) -> str:
        """The key of the current scenario, or an empty text."""
        return self.current.key if self.current else ""

    @property
    def chosen_key(self) -> str:
        """The key of the scenario that is shown, or that will be shown when it was read."""
        return self.loading.name if self.loading else self.key

    @property
    def changed_keys(self) -> set[str]:
        """The keys of all scenarios with unsaved changes."""
        current = {self.key} if self.current and self.current.has_changes else set()
        return {*self.drafts, *current}

    @property
    def unsaved(self) -> dict[str, str]:
        """The titles of the scenarios that were never saved, by key."""
        return {each.key: title_in(each.text) for each in self._open if each.saved is None}

    @property
    def _open(self) -> list[Scenario]:
        return [*self.drafts.values(), *([self.current] if self.current else [])]

    def create(self, text: str) -> Scenario:
        """Return a new scenario, which is kept until it is saved or discarded."""
        self._created += 1
        return Scenario(f"new:{self._created}", text=text)

    def show(self, scenario: Scenario | None) -> None:
        """Make a scenario the current one. Unsaved changes of the one before are kept."""
        before = self.current
        if before and before.has_changes and (scenario is None or before.key != scenario.key):
            self.drafts[before.key] = before
        self.current = scenario
        if scenario:
            self.drafts.pop(scenario.key, None)

    def to_json(self) -> str:
        """Return all unsaved changes as JSON, to keep them across a restart."""
        current = [self.current] if self.current and self.current.has_changes else []
        changed = [each for each in (*self.drafts.values(), *current) if each.is_editable]
        return json.dumps(
            [
                [each.saved.name if each.saved else each.file_name, each.text, each.notation, *each.file_hashes]
                for each in changed
            ]
        )

    def add_json(self, text: str, saved: Mapping[str, SavedSession]) -> None:
        """Take over the result of ``to_json``. Changes of files that no longer exist become new scenarios."""
        try:
            drafts = json.loads(text)
        except ValueError:
            return
        for each in drafts if isinstance(drafts, list) else ():
            match each:
                case [str(name), str(content), str(notation), *hashes]:
                    draft = self.create(content)
                    draft.notation, draft.file_name = notation, name
                    draft.file_hashes = tuple(map(str, hashes))  # earlier versions kept none
                    self.drafts[draft.key] = draft
        self.find_files(saved)

    def find_files(self, saved: Mapping[str, SavedSession]) -> dict[str, Scenario]:
        """Connect kept texts with their files, and return them by the keys that they had.

        The files may have been read only now.
        """
        shown = [self.current] if self.current else []
        found: dict[str, Scenario] = {}
        for each in [*shown, *self.drafts.values()]:
            if each.saved is None and (file := saved.get(each.file_name)) and file.name not in self._keys:
                self.drafts.pop(each.key, None)
                found[each.key] = each
                each.key, each.saved, each.saved_text = file.name, file, None
                if each is not self.current:
                    self.drafts[each.key] = each
        return found

    def lose_files(self, saved: Mapping[str, SavedSession]) -> dict[str, Scenario]:
        """Turn those with unsaved changes whose files no longer exist into new scenarios.

        Return them by the keys that they had.
        """
        lost: dict[str, Scenario] = {}
        for each in self._open:
            if each.saved and each.has_changes and each.saved.name not in saved:
                self.drafts.pop(each.key, None)
                lost[each.key] = each
                each.file_name = each.saved.name
                each.key, each.saved = self.create("").key, None
                if each is not self.current:
                    self.drafts[each.key] = each
        return lost

    def of_file(self, name: str) -> list[Scenario]:
        """Return the open scenarios of a file, also if it no longer exists."""
        key = name_key(name)
        return [each for each in self._open if name_key(each.saved.name if each.saved else each.file_name) == key]

    @property
    def _keys(self) -> set[str]:
        return {self.key, *self.drafts}

    def forget(self, key: str) -> None:
        """Forget a scenario with its unsaved changes."""
        self.drafts.pop(key, None)
        if self.key == key:
            self.current = None


def title_in(text: str) -> str:
    """Return the title in the first line of a transcript."""
    first = text.partition("\n")[0].strip()
    return (first.lstrip("#").strip() if first.startswith("#") else "") or NEW_TITLE
