"""How scripts reach a running companion: its token, its control API, and the file that tells where both are."""

import logging
from pathlib import Path

from app.companion import Companion
from app.system import control_token, instance
from app.system.agent_token import AgentToken
from app.system.control_token import Token, TokenError
from app.system.paths import Folders

log = logging.getLogger(__name__)


class ControlAccess:
    """Opened when the other doors are open: asking a keyring takes a while."""

    def __init__(self, companion: Companion, folders: Folders, token_file: Path | None) -> None:
        self._companion = companion
        self._folders = folders
        self._token_file = token_file
        self.token: Token | None = None
        self._asking = False
        self._opened = False
        self._told: tuple[str, str] | None = None
        self._disconnect = companion.changed.connect(lambda _: self._follow())

    async def open(self) -> bool:
        """Obtain the token and answer the control API, unless that is switched off.

        False with the reason in ``companion.services["control"].error``.
        """
        companion, self._opened = self._companion, True
        if companion.settings.control and self.token is None:
            self._asking = True
            try:
                self.token = await control_token.obtain(self._token_file, self._folders)
            except TokenError as error:
                companion.services["control"].error = str(error)
            finally:
                self._asking = False
        if self.token:
            companion.control.token = self.token.value
            companion.agent_token = AgentToken(self._folders, in_keyring=self.token.kept_in == "keyring")
            await companion.start_service("control")
            await companion.agent_token.load()
        self._tell()
        return not companion.services["control"].error

    def close(self) -> None:
        """Be found no more: the first step of the end."""
        self._disconnect()
        instance.withdraw(self._folders.instance_file)

    def _follow(self) -> None:
        """Keep up with the settings: the API may be switched on later, or move."""
        companion = self._companion
        if not self._opened:
            return
        if companion.settings.control and not (self.token or self._asking or companion.services["control"].error):
            companion.tasks.spawn(self.open(), "open the control API")
        else:
            self._tell()

    def _tell(self) -> None:
        """Keep the instance file true; a companion that answers no scripts says so there."""
        control, server, token = self._companion.control, self._companion.server, self.token
        urls = (control.url if control.listening else "", server.url if server.listening else "")
        if urls == self._told:
            return
        try:
            kept_in, file = (token.kept_in, token.file) if token else ("", None)
            instance.announce(
                self._folders.instance_file, urls[0], kept_in, file, urls[1],
                window=self._companion.raise_window is not None,
            )  # fmt: skip
            self._told = urls
        except OSError as error:
            log.warning("the command line cannot find this companion: %s", error)
