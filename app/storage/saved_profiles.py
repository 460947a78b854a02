"""The profiles of faults for the rest of the program: find, save, rename and delete them, in a thread.
A profile is a saved set of faults. The base class is in ``saved_files``; ``profile_library`` has the files.
"""

from app.protocol.faults.profiles import Profile, SavedProfile
from app.storage.profile_library import ProfileLibrary
from app.storage.saved_files import SavedFiles


class SavedProfiles(SavedFiles[SavedProfile, ProfileLibrary]):
    """The current library of profiles."""

    async def save(self, name: str, profile: Profile) -> SavedProfile:
        """Save one of the user's profiles, and replace an existing one with that name."""
        return await self._change(lambda: self._library.save(name, profile))
