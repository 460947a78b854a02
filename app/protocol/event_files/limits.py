"""The limits of the number and the size of event files, and the endings of their names."""

MAX_FILES = 500
"""The maximum number of event files in a folder."""
MAX_FILE_BYTES = 64 * 1024
"""The maximum size of an event file."""
SUFFIXES = (".json", ".yaml", ".yml")
"""The endings of the names of event files."""
