"""Read and write fixture files, each a saved event or raw frame as JSON. See ``file_library`` for their folders.

The calls block. The rest of the program uses ``saved_fixtures.Fixtures``, which runs them in a thread.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from typing_extensions import override

from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.errors import Invalid, TooLarge
from app.protocol.fixture import MAX_FIXTURE_BYTES, SUFFIX, BadFixture, Fixture, SavedFixture, parse_fixture
from app.storage.file_library import FileLibrary, changed_meanwhile
from app.storage.schema_files import schema_reference
from app.system.files import read_text


class FixtureLibrary(FileLibrary[SavedFixture]):
    """Read, find, save, rename and delete fixtures."""

    noun = "fixture"
    suffixes = (SUFFIX,)
    kind = FileKind.FIXTURE

    @override
    def _parse(self, name: str, file: Path, size: int, own: bool) -> SavedFixture:
        if size > MAX_FIXTURE_BYTES:
            raise BadFixture(f"it is over {MAX_FIXTURE_BYTES // 1024} KiB")
        return SavedFixture(name, parse_fixture(read_text(file, MAX_FIXTURE_BYTES)), own)

    @override
    def _order(self, item: SavedFixture) -> Any:
        return not item.own, item.folder, item.fixture.order, item.name

    def save(self, name: str, fixture: Fixture, replaces: Collection[Fixture] = ()) -> SavedFixture:
        """Write a user's fixture, and replace an existing one with that name.

        ``replaces`` are the contents that the file may have; empty: any. Raises ``Conflict`` if it has another one.
        """
        saved = SavedFixture(self._checked(name), fixture, True)
        if replaces:
            self.read()
            now = self._saved.get(saved.name.casefold())
            if now and now.own and now.fixture not in (*replaces, fixture):
                raise changed_meanwhile(saved.name)
        self._write(saved, _text(replace(fixture, editor_schema=schema_reference(self.kind, saved.name))))
        return saved


def _text(fixture: Fixture) -> str:
    """Return the text of a fixture's file. Raises ``RequestError`` if the fixture is invalid or too large."""
    text = fixture.to_json()
    try:
        size = len(text.encode())
        parse_fixture(text)
    except (BadFixture, UnicodeEncodeError) as bad:
        reason = (
            "it contains a lone surrogate, which is not valid Unicode"
            if isinstance(bad, UnicodeEncodeError)
            else bad
        )
        raise Invalid(f"Not a valid fixture: {reason}.") from None
    if size > MAX_FIXTURE_BYTES:
        raise TooLarge(f"The fixture is too large: at most {MAX_FIXTURE_BYTES // 1024} KiB are allowed.")
    return text
