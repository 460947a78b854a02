"""A keyring in a file. The tests select it with ``PYTHON_KEYRING_BACKEND`` for programs that they start."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from typing_extensions import override

NAME = f"{__name__}.FileKeyring"
VARIABLE = "TEST_KEYRING_FILE"


class FileKeyring(KeyringBackend):
    """Store the passwords as JSON in the file ``TEST_KEYRING_FILE``."""

    priority = 1

    def _all(self) -> dict[str, str]:
        file = Path(os.environ[VARIABLE])
        return json.loads(file.read_text()) if file.exists() else {}

    @override
    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        Path(os.environ[VARIABLE]).write_text(json.dumps(self._all() | {f"{service} {username}": password}))

    @override
    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError
