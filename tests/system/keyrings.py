"""Keyrings that keep passwords in memory, or that fail."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from typing_extensions import override


class Keyring(KeyringBackend):
    """A keyring whose constructor has a type."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]


class MemoryKeyring(Keyring):
    """Keeps passwords in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}

    @override
    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    @override
    def delete_password(self, service: str, username: str) -> None:
        del self.passwords[service, username]


class LockedKeyring(Keyring):
    """Raises an error, as if the user had cancelled unlocking the keyring."""

    @override
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the secret of all secrets")

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("the secret of all secrets")


class ForgetfulKeyring(MemoryKeyring):
    """Accepts passwords and stores nothing, like keyring's null backend."""

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class ReadOnlyKeyring(MemoryKeyring):
    """Raises an error that is not a ``KeyringError`` when a password is stored."""

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError("no bus")


class HangingKeyring(MemoryKeyring):
    """Blocks until ``unlocked`` is set, as if it waited for the user: each call, or only those that ``change``."""

    def __init__(self, *, change: bool = False) -> None:
        super().__init__()
        self._only_changes = change
        self.requested = threading.Event()
        self.unlocked = threading.Event()
        self._first = self.unlocked

    def _wait(self) -> None:
        self.requested.set()
        self.unlocked.wait(30)

    @override
    def get_password(self, service: str, username: str) -> str | None:
        if not self._only_changes:
            self._wait()
        return super().get_password(service, username)

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        self._wait()
        super().set_password(service, username, password)

    @override
    def delete_password(self, service: str, username: str) -> None:
        self._wait()
        super().delete_password(service, username)

    def answer_later_calls(self) -> None:
        """Answer calls that are made from now on. Those that wait go on waiting."""
        self.unlocked = threading.Event()
        self.unlocked.set()

    def answer(self) -> None:
        """Answer all calls that wait, and wait until their threads have ended."""
        threads = [each for each in threading.enumerate() if each.name == "keyring"]
        self.unlocked.set()
        self._first.set()
        for each in threads:
            each.join(5)


@contextmanager
def using(backend: KeyringBackend) -> Iterator[None]:
    """Let ``keyring`` use ``backend`` within the block."""
    previous = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(previous)
