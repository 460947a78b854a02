"""Control API operations on settings, allowed origins, pinned fixtures, start at login, update check, agent token.

A pinned fixture is shown in the tray icon's *Fire* menu and in the fire bar, a small window. The list of origins
includes the latest rejections. The agent token is a second token of the control API, for operations with
``Scope.AGENT`` only.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict, replace

from app import __version__
from app.endpoints.control import settings_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.endpoints.control.service import Service
from app.protocol.errors import Conflict, NotFound, RequestError, StorageError, Unreachable
from app.system.autostart import of_this_system
from app.system.control_token import TokenError
from app.system.files import reason
from app.system.settings import AT_NEXT_START, Settings
from app.system.settings_checks import rename_warning
from app.system.updates import UpdateError, built_in_address, look


class SettingsOperations(Operations):
    """Read and change settings, allowed origins, pins, start at login and agent token; check for updates."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._change_lock = asyncio.Lock()

    @operation("GET", "/v1/settings", scope=Scope.AGENT, answer=shapes.SettingsState)
    async def show_settings(self, _: Call) -> shapes.SettingsState:
        """Return the settings in use."""
        return self._state(self._service.settings)

    @operation("PATCH", "/v1/settings", scope=Scope.FULL, body=shapes.SettingsChange, answer=shapes.SettingsState)
    async def change_settings(self, call: Call) -> shapes.SettingsState:
        """Change settings, save them to the settings file, and apply them."""
        given = {name: value for name, value in asdict(call.body).items() if value is not UNSET}
        changes = {name: _trimmed(value) for name, value in given.items()}
        return await self._change(lambda before: replace(before, **changes), whole=changes)

    async def _change(
        self, change: Callable[[Settings], Settings], whole: Collection[str] = ()
    ) -> shapes.SettingsState:
        """Change the settings with ``change``, check, save and apply them. Concurrent changes are serialized."""
        service = self._service
        async with self._change_lock:
            before = service.settings
            after = change(before)
            renamed = "" if after.username == before.username else await self._rename_warning(before, after)
            try:
                service.save_settings(after, whole)
            except OSError as error:
                raise StorageError(f"The settings could not be saved: {reason(error)}") from None
            applying = service.tasks.spawn(service.apply(after), "apply settings")
            if (after.control, after.control_port) == (before.control, before.control_port):
                await asyncio.shield(applying)
            else:  # applying closes this connection, so the response is sent first
                await asyncio.sleep(0)
        state = self._state(after)
        state.at_next_start = [each for each in AT_NEXT_START if getattr(after, each) != getattr(before, each)]
        if renamed:
            state.warnings.append(f"{renamed}.")
        return state

    async def _rename_warning(self, before: Settings, after: Settings) -> str:
        peers = [each.username for each in await self._service.peers.all() if each.is_friend]
        return rename_warning(before, after, peers)

    def _state(self, values: Settings) -> shapes.SettingsState:
        warnings = [each.error for each in self._service.services if each.error]
        return shapes.SettingsState(values=values, at_next_start=[], warnings=warnings)

    # origins

    @operation("GET", "/v1/origins", scope=Scope.AGENT, answer=shapes.OriginList)
    async def list_origins(self, _: Call) -> shapes.OriginList:
        """List the allowed origins, and the latest refused connections."""
        return self._origins()

    @operation("POST", "/v1/origins", scope=Scope.FULL, body=shapes.OriginBody, answer=shapes.OriginList)
    async def allow_origin(self, call: Call) -> shapes.OriginList:
        """Allow pages of an origin to connect."""
        origin: str = call.body.origin

        def allow(before: Settings) -> Settings:
            return replace(before, allowed_origins=list(dict.fromkeys([*before.allowed_origins, origin])))

        await self._change(allow)
        return self._origins()

    @operation("DELETE", "/v1/origins", scope=Scope.FULL, query=shapes.OriginQuery, answer=shapes.OriginList,
               errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def disallow_origin(self, call: Call) -> shapes.OriginList:
        """Stop allowing an origin. Its connected clients stay connected."""
        origin: str = call.query.origin

        def disallow(before: Settings) -> Settings:
            if origin not in before.allowed_origins:
                raise NotFound(f"{origin} is not an allowed origin.")
            return replace(before, allowed_origins=[each for each in before.allowed_origins if each != origin])

        await self._change(disallow)
        return self._origins()

    def _origins(self) -> shapes.OriginList:
        return shapes.OriginList(
            allowed=self._service.settings.allowed_origins,
            refused=[shapes.rejection_info(each) for each in self._service.rejection_log.latest],
        )

    # pins

    @operation("PUT", "/v1/fixtures/{name}/pin", scope=Scope.FULL, errors=(HTTPStatus.NOT_FOUND,))
    async def pin_fixture(self, call: Call) -> None:
        """Add a fixture to the *Fire* menu of the tray icon."""
        name = (await self._service.fixtures.look_up(call.path["name"])).name

        def pin(before: Settings) -> Settings:
            is_pinned = self._service.fixtures.pins_of(name)
            return before if is_pinned else replace(before, pinned=[*before.pinned, name])

        await self._change(pin)

    @operation("DELETE", "/v1/fixtures/{name}/pin", scope=Scope.FULL, errors=(HTTPStatus.NOT_FOUND,))
    async def unpin_fixture(self, call: Call) -> None:
        """Remove a fixture from the *Fire* menu of the tray icon."""
        fixtures, name = self._service.fixtures, call.path["name"]
        if not fixtures.pins_of(name):
            with suppress(RequestError):  # only the last part may be given, as for ``pin``
                name = (await fixtures.look_up(name)).name

        def unpin(before: Settings) -> Settings:
            pins = fixtures.pins_of(name)
            if not pins:
                raise NotFound(f"The fixture {name[:80]!r} is not pinned.")
            return replace(before, pinned=[each for each in before.pinned if each not in pins])

        await self._change(unpin)

    # the program

    @operation("GET", "/v1/start-at-login", scope=Scope.AGENT, answer=shapes.SwitchState)
    async def starts_at_login(self, _: Call) -> shapes.SwitchState:
        """Return whether the tray program starts when the user logs in."""
        return _start_at_login(self._service.data_dir)

    @operation("PUT", "/v1/start-at-login", scope=Scope.FULL, body=shapes.Switch, answer=shapes.SwitchState)
    async def start_at_login(self, call: Call) -> shapes.SwitchState:
        """Turn the start of the tray program at login on or off."""
        return _start_at_login(self._service.data_dir, call.body.on)

    @operation("POST", "/v1/updates/check", scope=Scope.FULL, answer=shapes.NewerVersion,
               errors=(HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY))  # fmt: skip
    async def check_for_updates(self, _: Call) -> shapes.NewerVersion:
        """Check for a newer version at the address in the settings. Nothing is downloaded."""
        address = self._service.settings.updates_url or built_in_address()
        if not address:
            raise Conflict("No address to check for updates is set. Set updates_url first.")
        try:
            found = await look(address)
        except UpdateError as error:
            raise Unreachable(f"The check for updates failed: {error}.") from None
        newer, page = (found.version, found.page) if found else (None, None)
        return shapes.NewerVersion(current=__version__, newer=newer, page=page)

    # tokens

    @operation("POST", "/v1/tokens/agent", scope=Scope.FULL, answer=shapes.TokenInfo)
    async def create_agent_token(self, _: Call) -> shapes.TokenInfo:
        """Return the agent token. It is created if it does not exist."""
        try:
            token = await self._service.agent_token.create()
        except TokenError as error:
            raise StorageError(str(error).removesuffix(".")) from None
        return shapes.TokenInfo(token=token.value, kept_in=token.kept_in, file=str(token.file or ""))

    @operation("DELETE", "/v1/tokens/agent", scope=Scope.FULL, errors=(HTTPStatus.NOT_FOUND,))
    async def revoke_agent_token(self, _: Call) -> None:
        """Revoke the agent token."""
        try:
            existed = await self._service.agent_token.revoke()
        except TokenError as error:
            raise StorageError(str(error).removesuffix(".")) from None
        if not existed:
            raise NotFound("The agent token does not exist.")


def _trimmed(value: Any) -> Any:
    """Strip a text. Strip the items of a list, and drop empty items and duplicates, as the window does."""
    if isinstance(value, list):
        return [each for each in dict.fromkeys(map(str.strip, value)) if each]
    return value.strip() if isinstance(value, str) else value


def _start_at_login(data_dir: Path | None, wanted: bool | None = None) -> shapes.SwitchState:
    try:
        switch = of_this_system(data_dir)
        if wanted is not None:
            (switch.turn_on if wanted else switch.turn_off)()
        return shapes.SwitchState(on=switch.is_on())
    except OSError as error:
        raise StorageError(f"Start at login could not be read or changed: {reason(error)}") from None
