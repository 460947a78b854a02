"""Read and write profiles, which are saved sets of faults, each as a JSON file.
``file_library`` describes their folders.

The calls block. The rest of the program uses ``saved_profiles.SavedProfiles``, which runs them in a thread.
"""

from pathlib import Path
from typing import Any

from msgspec.structs import replace
from typing_extensions import override

from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.errors import Invalid, TooLarge
from app.protocol.faults.profiles import MAX_PROFILE_BYTES, Profile, SavedProfile, parse_profile
from app.protocol.faults.words import InvalidFault
from app.storage.file_library import FileLibrary
from app.storage.schema_files import schema_reference
from app.system.files import read_text


class ProfileLibrary(FileLibrary[SavedProfile]):
    """Read, find, save, rename and delete profiles."""

    noun = "profile"
    suffixes = (".json",)
    kind = FileKind.PROFILE

    @override
    def _parse(self, name: str, file: Path, size: int, own: bool) -> SavedProfile:
        if size > MAX_PROFILE_BYTES:
            raise InvalidFault(f"it is over {MAX_PROFILE_BYTES // 1024} KiB")
        return SavedProfile(name, parse_profile(read_text(file, MAX_PROFILE_BYTES)), own)

    @override
    def _order(self, item: SavedProfile) -> Any:
        return not item.own, item.name

    def save(self, name: str, profile: Profile) -> SavedProfile:
        """Write one of the user's profiles, and replace an existing one with that name."""
        saved = SavedProfile(self._checked(name), replace(profile, editor_schema=""), True)
        text = replace(profile, editor_schema=schema_reference(self.kind, saved.name)).to_json()
        if len(text.encode(errors="replace")) > MAX_PROFILE_BYTES:
            raise TooLarge(f"The profile is too large: at most {MAX_PROFILE_BYTES // 1024} KiB are allowed.")
        try:
            parse_profile(text)
        except InvalidFault as error:
            raise Invalid(f"Not a valid profile: {error}.") from None
        self._write(saved, text)
        return saved
