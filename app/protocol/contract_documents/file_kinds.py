"""The kinds of files that have a JSON Schema for editors, and the name of the file with the schema of each kind.
``file_schemas`` makes the schemas except that of the settings, and takes longer to load.
"""

from enum import StrEnum

SCHEMA_SUFFIX = ".schema.json"
"""The ending of the names of schema files, which are beside the files that they describe."""


class FileKind(StrEnum):
    """A kind of file."""

    EVENT = "event"
    FIXTURE = "fixture"
    SESSION = "session"
    PROFILE = "profile"
    SETTINGS = "settings"
    STATE = "state"

    @property
    def schema_file(self) -> str:
        """The name of the file that contains the schema."""
        return f"{self.value}{SCHEMA_SUFFIX}"
