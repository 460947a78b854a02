"""Give scripts access to a running companion: obtain the token, start the control API, write the instance file.

Commands find the companion by the instance file. It contains, for example, the process ID, the URLs of the control
API and the event server, and where the token is kept. It is rewritten when a URL or one of the two JSON keys of a
frame (usually ``event`` and ``data``) changes, and removed when the program quits.
"""

import asyncio
import logging
from pathlib import Path

from app.companion import Companion
from app.system import control_token, instance
from app.system.agent_token import AgentToken
from app.system.control_token import Token, TokenError
from app.system.files import kind
from app.system.paths import Folders

log = logging.getLogger(__name__)

RETRY_S = 5.0
"""Seconds until the instance file is written again after that failed, for example because the disk was full."""


class ControlAccess:
    """Obtains the token, starts the control API, and keeps the instance file up to date.

    The roots call ``open`` after the other servers have started, because a keyring may take long to answer.
    """

    def __init__(self, companion: Companion, folders: Folders, token_file: Path | None) -> None:
        self._companion = companion
        self._folders = folders
        self._token_file = token_file
        companion.data_dir = folders.data_dir
        self.token: Token | None = None
        self._obtaining = False
        self._opened = False
        self._announced: tuple[str, ...] | None = None
        """The URLs of the control API and the event server in the instance file, and the two keys of a frame."""
        self._retry: asyncio.TimerHandle | None = None
        self._disconnect = companion.changed.connect(lambda _: self._on_changed())

    async def open(self) -> bool:
        """Obtain the token and start the control API, unless it is switched off in the settings.

        Return False if that fails, with the reason in ``companion.services["control"].error``.
        """
        companion, self._opened = self._companion, True
        self._obtaining = True
        try:
            if companion.settings.control and self.token is None:
                self.token = await control_token.obtain(self._token_file, self._folders)
        except TokenError as error:
            service = companion.services["control"]
            service.error = str(error)
            companion.services.failed.emit(service)
            companion.services.changed.emit(None)
        finally:
            self._obtaining = False
        if self.token:
            companion.control.token = self.token.value
            in_keyring = self.token.kept_in == "keyring"
            companion.agent_token = AgentToken(
                self._folders, in_keyring=in_keyring, on_revoked=companion.stop_agents
            )
            await companion.agent_token.load()
            await companion.start_service("control")
        self._update_instance_file()
        return not companion.services["control"].error

    def close(self) -> None:
        """Remove the instance file. Call this before ``Companion.close``."""
        self._disconnect()
        if self._retry:
            self._retry.cancel()
        instance.remove(self._folders.instance_file)

    def _on_changed(self) -> None:
        """React to a change of the settings: the API may have been switched on, or its port may have changed."""
        companion = self._companion
        if not self._opened:
            return
        failed = bool(companion.services["control"].error)
        if companion.settings.control and not (self.token or self._obtaining or failed):
            self._obtaining = True  # the task has not begun when the next change comes
            companion.tasks.spawn(self.open(), "open the control API")
        else:
            self._update_instance_file()

    def _update_instance_file(self) -> None:
        """Write the instance file if URLs or keys have changed. A server that does not listen has an empty URL."""
        token, servers = self.token, (self._companion.control, self._companion.server, self._companion.rest)
        urls = tuple(each.url if each.listening else "" for each in servers)
        settings = self._companion.settings
        keys = (settings.envelope_event_key, settings.envelope_data_key)
        if (*urls, *keys) == self._announced:
            return
        try:
            kept_in, file = (token.kept_in, token.file) if token else ("", None)
            instance.write(
                self._folders.instance_file, urls[0], kept_in, file, urls[1],
                rest=urls[2], window=self._companion.raise_window is not None, keys=keys,
            )  # fmt: skip
        except OSError as error:
            if not self._retry:
                log.warning(
                    "the instance file cannot be written, so commands will not find this companion: %s", kind(error)
                )
            else:
                self._retry.cancel()
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._update_instance_file)
            return
        self._announced = (*urls, *keys)
        if self._retry:
            self._retry.cancel()
            self._retry = None
            log.info("the instance file is written again")
