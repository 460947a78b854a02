"""Paths of the program's files: in the platform's folders, or all in one folder (``--data-dir``).
They are four folders (settings, data, logs, and state such as the instance file) and most files in them.
``Folders.create`` creates these folders; ``data_directory`` calls it at start. Other modules read and write the
files.
"""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from platformdirs import PlatformDirs

NAME = "p2p-chat-companion"


class HomeFolderError(Exception):
    """The home folder is unknown. The text says what to do."""

    def __init__(self) -> None:
        super().__init__("The home folder of this user is unknown. Set HOME, or use --data-dir.")


def absolute(path: Path) -> Path:
    """Return ``path`` without ``~``, links and relative parts. Raise ``ValueError`` if its home folder is unknown.

    ``Path.resolve`` is not used because some Python versions raise ``RuntimeError`` if links form a loop.
    """
    try:
        return Path(os.path.realpath(path.expanduser()))
    except RuntimeError:
        raise ValueError(f"The home folder in {str(path)!r} is unknown. Write the path without '~'.") from None


def unicode_problem(path: Path) -> str:
    """Return why a path cannot be written as JSON, as a sentence; empty if it can, as nearly always."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return f"The path {str(path)!r} is not valid Unicode."
    return ""


class Folders(Struct, frozen=True):
    """The folders of one companion. ``create()`` creates them."""

    config: Path
    data: Path
    logs: Path
    runtime: Path

    @classmethod
    def of(cls, data_dir: Path | None = None) -> "Folders":
        """Return the platform's folders, or everything below ``data_dir``. Raise ``HomeFolderError``."""
        if data_dir is not None:
            root = absolute(data_dir)
            return cls(root, root, root / "logs", root)
        own = PlatformDirs(NAME, appauthor=False)
        try:
            # Not XDG_RUNTIME_DIR: without a login session there is none.
            return cls(own.user_config_path, own.user_data_path, own.user_log_path, own.user_state_path)
        except RuntimeError:  # neither HOME is set nor has the user an entry in passwd, as in a container
            raise HomeFolderError from None

    @property
    def data_dir(self) -> Path | None:
        """The folder of ``--data-dir``; None if these are the platform's folders."""
        with suppress(HomeFolderError):
            if self == Folders.of():
                return None
        return self.data

    @property
    def settings_file(self) -> Path:
        """The settings (TOML), which users may edit."""
        return self.config / "settings.toml"

    @property
    def chat_file(self) -> Path:
        """The chat state (SQLite). Its backups are in the same folder."""
        return self.data / "chat.db"

    @property
    def fixtures(self) -> Path:
        """The user's own fixtures, one JSON file each."""
        return self.data / "fixtures"

    @property
    def sessions(self) -> Path:
        """The user's own scenarios and recordings."""
        return self.data / "sessions"

    @property
    def recordings(self) -> Path:
        """The recordings of this run and the one before."""
        return self.data / "recordings"

    @property
    def faults(self) -> Path:
        """The user's own profiles of faults."""
        return self.data / "faults"

    @property
    def events(self) -> Path:
        """The user's own event files."""
        return self.data / "events"

    @property
    def instance_file(self) -> Path:
        """The instance file: addresses and process of the running companion."""
        return self.runtime / "instance.json"

    @property
    def token_file(self) -> Path:
        """The control API's token, on a system without a keyring."""
        return self.data / "control-token"

    @property
    def agent_token_file(self) -> Path:
        """The control API's agent token, or a note that it is in the system's keyring."""
        return self.data / "agent-token"

    @property
    def peer_keys_file(self) -> Path:
        """The secret keys for peers, or a note that they are in the system's keyring."""
        return self.data / "peer-keys.json"

    @property
    def supabase_key_file(self) -> Path:
        """The API key of the Supabase project, or a note that it is in the system's keyring."""
        return self.data / "supabase-key"

    @property
    def window_file(self) -> Path:
        """Size and position of the window."""
        return self.runtime / "window.ini"

    def create(self) -> None:
        """Create the folders with mode 0700. Raise ``OSError``."""
        for folder in (self.config, self.data, self.logs, self.runtime):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
