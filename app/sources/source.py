"""Sources, the components that run in the background and fire events or send messages: their interface, their list,
and ``Publisher``, the part of the companion that they use. The sources are auto-reply, Supabase, and the outbox
of messages to peers. The list (``Sources``) starts and stops their tasks, and logs when one fails. Sessions are not
among them: ``sessions`` plays these. The Sources room shows something else under this name: the direct link to
peers, and Supabase.
"""

import asyncio
import logging
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from app.hub.clock import Clock
from app.hub.generated_values import GeneratedValues
from app.hub.hub import Delivery, Hub
from app.hub.journal import Verdict
from app.hub.origin import Origin
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.protocol.catalog import Catalog
from app.protocol.envelope import Envelope

log = logging.getLogger(__name__)


class Publisher(Protocol):
    """The part of the companion that sources use."""

    clock: Clock
    """The current time and ``sleep``. A fake clock makes the timing of sources exact in tests."""
    catalog: Catalog
    values: GeneratedValues
    """The ids, times and random numbers of events."""

    @property
    def local_user(self) -> str:
        """The user of the chat UI."""

    @property
    def personas(self) -> list[str]:
        """The names of the friends that the user plays."""

    @property
    def friends(self) -> list[str]:
        """The names of all friends: personas and peers."""

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        """Store and send an event. See ``EventPipeline.fire``."""

    async def fire_built_in(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Fire an event of built-in fields, with the other fields that a file requires."""

    def message_from(self, persona: str, text: str) -> Envelope:
        """Return a new ``new_message`` of a persona to the local user."""


class Source(Protocol):
    """A component that works in the background, such as auto-reply or a poller of a remote service."""

    name: str
    """Unique; shown in the log and in the control API."""

    async def run(self, publisher: Publisher) -> None:
        """Work until everything is done or the task is cancelled. An exception stops only this source."""


class SourceState(StrEnum):
    """The state of a registered source."""

    STOPPED = "stopped"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Sources:
    """The registered sources and their tasks. ``start`` and ``stop`` may be called repeatedly."""

    def __init__(self, publisher: Publisher, hub: Hub) -> None:
        self._publisher = publisher
        self._hub = hub
        self._sources: dict[str, Source] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._states: dict[str, SourceState] = {}
        self._tasks = Tasks()

    def __iter__(self) -> Iterator[Source]:
        return iter(self._sources.values())

    def add(self, source: Source) -> None:
        """Register a source. Raises ``ValueError`` if the name is taken."""
        if source.name in self._sources:
            raise ValueError(f"a source named {source.name!r} is already registered")
        self._sources[source.name] = source

    def state(self, name: str) -> SourceState:
        """Return the state of a source. Raises ``KeyError`` for an unknown name."""
        return self._states.get(self._sources[name].name, SourceState.STOPPED)

    def start(self, name: str) -> None:
        """Run a source, unless it runs already. Raises ``KeyError`` for an unknown name."""
        source = self._sources[name]
        if self.state(name) is not SourceState.RUNNING:
            self._states[name] = SourceState.RUNNING
            self._running[name] = self._tasks.spawn(self._run(source), f"source {name}")

    def start_all(self) -> None:
        """Run every registered source."""
        for name in self._sources:
            self.start(name)

    async def stop(self, name: str) -> None:
        """Cancel a source and wait until it has ended. Raises ``KeyError`` for an unknown name."""
        self._states[self._sources[name].name] = SourceState.STOPPED
        if task := self._running.pop(name, None):
            task.cancel()
            await asyncio.wait([task])

    async def stop_all(self) -> None:
        """Cancel all sources, the newest first, and wait until they have ended."""
        for name in reversed(tuple(self._running)):
            await self.stop(name)

    async def _run(self, source: Source) -> None:
        try:
            await source.run(self._publisher)
        except Exception as error:
            self._states[source.name] = SourceState.FAILED
            log.exception("the source %s failed", source.name)
            self._hub.log_server_event("source failed", note=f"{source.name}: {error}", verdict=Verdict.WARNING)
        else:
            self._states[source.name] = SourceState.DONE
