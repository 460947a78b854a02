"""The profiles (saved sets of faults) for the rest of the program: find, save, rename and delete them.
Disk access runs in a thread; ``profile_library`` reads and writes the files. The base class is in ``saved_files``.
"""

from app.protocol.faults.profiles import Profile, SavedProfile
from app.storage.profile_library import ProfileLibrary
from app.storage.saved_files import SavedFiles


class SavedProfiles(SavedFiles[SavedProfile, ProfileLibrary]):
    """The current library of profiles."""

    async def save(self, name: str, profile: Profile) -> SavedProfile:
        """Save one of the user's profiles, and replace an existing one with that name."""
        return await self._change(lambda: self._library.save(name, profile))
