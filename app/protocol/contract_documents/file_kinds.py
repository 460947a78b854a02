"""The kinds of files that have a JSON Schema, and the names of the files that contain the schemas.
``file_schemas`` makes the schemas; it takes longer to load.
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
