"""Start, stop and restart the companion's servers as the settings say, and keep the reason if one cannot listen.
``Service`` is one server with its settings and texts; ``Services`` has all of them, from ``built_in_services``.

The tray application, ``companion serve``, the window's banner and the control API loop over ``Services``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from app.endpoints.listening import PortBusy
from app.hub.signals import Signal
from app.system.files import kind
from app.system.ports import OWN_PROCESS, holder
from app.system.settings import Settings

log = logging.getLogger(__name__)


class Server(Protocol):
    """A server that can be started and stopped repeatedly."""

    @property
    def listening(self) -> bool:
        """Whether it accepts connections."""

    @property
    def url(self) -> str:
        """The URL for clients."""

    async def start(self, port: int) -> None:
        """Listen. Raises ``PortBusy`` and ``OSError``."""

    async def stop(self) -> None:
        """Close the port and every connection."""


def _always_wanted(_: Settings) -> bool:
    return True


def _no_options(_: Settings) -> object:
    return None


def _can_start() -> bool:
    return True


@dataclass(kw_only=True)
class Service:
    """A server with its settings and the texts about it."""

    name: str
    """Unique name, used in the control API: ``events``, ``rest``, ``control``."""
    title: str
    """Subject of sentences about it: "The event server"."""
    announcement: str
    """The word before the URL in the output of ``serve``, such as ``listening``."""
    port_option: str = ""
    """The command-line option for its port; empty: ``--NAME-port``."""
    consequence: str
    """A sentence about what does not work while it does not listen."""
    server: Server
    port: Callable[[Settings], int]
    """Returns its port in the settings; 0 for any free port."""
    wanted: Callable[[Settings], bool] = _always_wanted
    """Returns whether the settings switch it on."""
    options: Callable[[Settings], object] = _no_options
    """Returns other settings that it reads when it starts; it restarts when they change."""
    can_start: Callable[[], bool] = _can_start
    """Returns whether all that it needs is available, such as a token."""
    error: str = ""
    """Why it could not start; empty if it listens, was stopped or is switched off."""
    bind_failed: bool = False
    """Whether it could not start because of its port."""
    started: bool = False
    """Whether it was started, and not stopped since. It may have lost its socket, which it opens again then."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def start_settings(self, settings: Settings) -> tuple[object, ...]:
        """Return the settings with which it starts."""
        return self.port(settings), self.wanted(settings), self.options(settings)

    async def start(self, settings: Settings) -> bool:
        """Listen if the settings switch it on; return False with the reason in ``error`` if that fails."""
        if not self.can_start():
            if not self.wanted(settings):
                self.error = ""
            return not self.error
        async with self._lock:
            self.error, self.bind_failed = "", False
            if self.wanted(settings):
                self.error = await self._start_error(self.port(settings))
            self.started = self.wanted(settings) and not self.error
        return not self.error

    async def stop(self) -> None:
        """Close the port and clear ``error``, after a start that has begun."""
        self.error, self.started = "", False
        await self.server.stop()
        self.started = False  # the start that had begun has set it

    def why_off(self, settings: Settings) -> str:
        """Return the end of a sentence, "The server is …", if clients cannot connect; empty if they can."""
        if self.server.listening or self.started:
            return ""
        if self.error:
            return f"off: {self.error.rstrip('.')}"
        return "stopped" if self.wanted(settings) else "switched off in Settings or by an option"

    async def _start_error(self, port: int) -> str:
        """Start the server; return why that failed, or an empty text."""
        try:
            await self.server.start(port)
        except PortBusy as busy:
            self.bind_failed = True
            log.info("Port %d is busy (%s)", busy.port, self.name)
            process = holder(busy.port)
            if process == OWN_PROCESS:
                return f"Port {busy.port} is busy: {OWN_PROCESS} listens on it. Choose different ports."
            return f"Port {busy.port} is busy" + (f": {process} listens on it." if process else ".")
        except OSError as error:
            self.bind_failed = error.errno is not None  # otherwise, something else was missing, such as keys
            log.info("the %s service could not start: %s", self.name, kind(error))
            return f"{self.title} could not start: {error.strerror or error}."
        return ""


class Services:
    """The services in the order in which they start."""

    def __init__(
        self, services: Iterable[Service] = (), prepare: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """``prepare`` is awaited before a service starts, for what its requests need."""
        self._services = {each.name: each for each in services}
        self._prepare = prepare
        self._attempted: set[str] = set()
        """Names of the services that have started, or failed to."""
        self.closing = False
        """Whether the program is quitting. Set it before anything is stopped."""
        self.failed: Signal[Service] = Signal()
        """Emitted with a service that does not listen although it should; ``error`` has the reason."""
        self.changed: Signal[None] = Signal()
        """Emitted when a service has started, failed to start, or stopped on request."""

    def __iter__(self) -> Iterator[Service]:
        return iter(tuple(self._services.values()))

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def add(self, service: Service) -> None:
        """Register a service behind the others. Raises ``ValueError`` if the name is taken."""
        if service.name in self._services:
            raise ValueError(f"the service {service.name!r} is registered already")
        self._services[service.name] = service

    async def start(self, name: str, settings: Settings) -> bool:
        """Start a service if the settings want it; return False with the reason in its ``error`` if that fails."""
        if self._prepare:
            await self._prepare()
        service = self._services[name]
        started = await service.start(settings)
        if service.can_start():
            self._attempted.add(name)
            if service.error:  # an error of what it needs, such as a token, is reported when that fails
                self.failed.emit(service)
        self.changed.emit(None)
        return started

    def ready(self, settings: Settings) -> bool:
        """Return whether every service that the settings want has started, or failed to, and none is closing.

        A service that the user stops later does not change this.
        """
        return not self.closing and all(
            each.name in self._attempted or each.error for each in self if each.wanted(settings)
        )

    async def stop(self, name: str) -> None:
        """Stop a service. May be called twice."""
        await self._services[name].stop()
        self.changed.emit(None)

    async def stop_all(self) -> None:
        """Stop all services at once, for good."""
        self.closing = True
        await asyncio.gather(*(each.stop() for each in reversed(tuple(self))))

    async def restart_changed(self, before: Settings, after: Settings) -> None:
        """Restart the services whose port or other start settings have changed, or that were switched on or off."""
        changed = [each for each in self if each.start_settings(before) != each.start_settings(after)]
        for each in changed:  # all of them first, because one may get the port of another
            await each.server.stop()  # an error stays until the new start succeeds
        for each in changed:
            await self.start(each.name, after)
