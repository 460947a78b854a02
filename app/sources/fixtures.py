"""Fixtures as the window and the scripts see them: kept on the disk, and fired with fresh values."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Protocol, TypeVar

from app.hub.clock import Clock
from app.hub.hub import Delivery
from app.hub.origin import Origin
from app.hub.signal import Signal
from app.hub.slices import Slices
from app.hub.target import ALL, Target
from app.protocol.backend import Refused
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import MAX_RAW_BYTES, Envelope
from app.protocol.event_type import InvalidEvent
from app.protocol.fixture import Fixture, Saved
from app.protocol.templates import Context, TemplateError, expand, left_over, load_faker, resolve, uses_faker
from app.storage.fixtures import FixtureLibrary
from app.system.files import read_file, reason

T = TypeVar("T")

MAX_FAULTS = 20
"""At most this many faults of one fixture are listed."""


class Disk(Protocol):
    """Runs work where the loop does not wait for it."""

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Run ``work``."""


class Fixtures:
    """The library of now. Methods that touch the disk raise ``Refused`` and ``StorageError``."""

    def __init__(self, library: FixtureLibrary, disk: Disk, pinned: Callable[[], list[str]]) -> None:
        self._library = library
        self._disk = disk
        self._pinned = pinned
        self.changed: Signal[None] = Signal()
        """Fixtures were saved, renamed or removed, or looked at anew."""

    @property
    def all(self) -> list[Saved]:
        """The fixtures: one's own folders first, each in its order."""
        return self._library.all

    @property
    def pinned(self) -> list[Saved]:
        """Those that a person wants at hand, in their order."""
        found = []
        for name in self._pinned():
            with suppress(Refused):  # it was renamed or removed since
                found.append(self._library.find(name))
        return found

    @property
    def folder(self) -> Path | None:
        """Where one's own are."""
        return self._library.folder

    @property
    def complaints(self) -> list[str]:
        """Files that are no fixtures, and why."""
        return self._library.complaints

    def find(self, name: str) -> Saved:
        """Return a fixture by its name, or its last part where that is unique. Raises ``Refused``."""
        return self._library.find(name)

    async def look_up(self, name: str) -> Saved:
        """Return a fixture as it is on the disk now. Raises ``Refused``."""
        return await self._disk.run_in_thread(lambda: self._library.look_up(name))

    async def use(self, library: FixtureLibrary) -> None:
        """Go on with other folders."""
        self._library = library
        await self._do(library.read)

    async def read(self) -> None:
        """Read the fixtures from the disk. Emit ``changed`` if they differ from those of the last time."""
        if await self._disk.run_in_thread(self._library.read):
            self.changed.emit(None)

    async def save(self, name: str, fixture: Fixture) -> Saved:
        """Save a fixture, over an older one of that name."""
        return await self._do(lambda: self._library.save(name, fixture))

    async def rename(self, name: str, new: str) -> Saved:
        """Give one's own fixture another name."""
        return await self._do(lambda: self._library.rename(name, new))

    async def delete(self, name: str) -> None:
        """Remove one's own fixture."""
        await self._do(lambda: self._library.delete(name))

    async def _do(self, work: Callable[[], T]) -> T:
        result = await self._disk.run_in_thread(work)
        self.changed.emit(None)
        return result


class Door(Protocol):
    """The companion's door for events, and what templates are made of."""

    clock: Clock
    catalog: Catalog

    @property
    def local_user(self) -> str:
        """``{{me}}``."""

    @property
    def personas(self) -> list[str]:
        """The first is ``{{persona}}``."""

    async def fire(self, event: Envelope, *, to: Target, origin: Origin, strict: bool = True) -> Delivery:
        """Store and send an event. If ``strict`` is False, one that violates the contract is only sent."""

    async def send_raw(self, text: str, *, to: Target, origin: Origin) -> Delivery:
        """Send any text."""


class FixturePlayer:
    """Fires what is written as a template: a fixture, or what a panel holds."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._again: Callable[[Origin], Awaitable[Delivery]] | None = None
        self._fired = 0
        self._faults: dict[str, tuple[Fixture, int, list[str]]] = {}
        """Fixture, version of the catalog and result, by the fixture's name."""

    async def fire(
        self,
        fixture: Fixture,
        *,
        to: Target | None = None,
        origin: Origin,
        persona: str = "",
        seed: int | None = None,
        loose: bool = False,
    ) -> Delivery:
        """Make the templates' values and fire it; ``to`` None means the fixture's own target.

        ``loose`` sends even what breaks the contract, with a warning; a fixture that is meant to needs neither.
        ``fire_again`` repeats it with fresh values. Raises what the door raises, and ``Refused``.
        """

        async def play(origin: Origin, random: Random | None = None) -> Delivery:
            self._fired += 1
            return await self._play(fixture, to, origin, self.context(persona, random), loose)

        delivery = await play(origin, None if seed is None else Random(seed))
        self._again = play
        return delivery

    async def fire_event(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Fire an event whose data may hold templates."""
        return await self.fire(Fixture(event=event.event, data=event.data), to=to, origin=origin)

    async def fire_text(self, text: str, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text exactly as it is; ``fire_again`` repeats that too."""

        async def send(origin: Origin) -> Delivery:
            return await self._door.send_raw(text, to=to, origin=origin)

        delivery = await send(origin)
        self._again = send
        return delivery

    async def fire_file(self, file: Path, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send the text of a file as a frame, exactly as it is. Raise ``Refused`` if it cannot be sent."""
        try:
            text = (await asyncio.to_thread(read_file, file, MAX_RAW_BYTES)).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{file} cannot be sent: {reason(error)}.") from None
        return await self.fire_text(text, to=to, origin=origin)

    @property
    def can_fire_again(self) -> bool:
        """Whether there is something to repeat."""
        return self._again is not None

    async def fire_again(self, *, origin: Origin) -> Delivery:
        """Fire once more, with fresh values, what was fired last."""
        if self._again is None:
            raise Refused(HTTPStatus.CONFLICT, "Nothing has been fired yet.")
        return await self._again(origin)

    def of_event(self, event: str) -> Fixture:
        """Return an event of the contract with sensible values. Raises ``InvalidEvent`` for any other name."""
        known = self._door.catalog.get(Direction.TO_UI, event)
        if known is None:
            raise InvalidEvent(self._door.catalog.problems(Envelope(event, {})))
        return Fixture(event=event, data=known.template)

    async def faults(self, fixtures: Iterable[Saved]) -> dict[str, list[str]]:
        """Return by name how each fixture breaks the contract without being marked as malformed.

        The result for a fixture is reused until its file or the catalog changes.
        """
        known, self._faults, slices = self._faults, {}, Slices()
        version = self._door.catalog.version
        for saved in fixtures:
            fixture, checked_with, faults = known.get(saved.name, (None, 0, []))
            if fixture is not saved.fixture or checked_with != version:
                faults = self._faults_of(saved.fixture)
            self._faults[saved.name] = saved.fixture, version, faults
            await slices.breathe()
        return {name: faults for name, (_, _, faults) in self._faults.items()}

    def _faults_of(self, fixture: Fixture) -> list[str]:
        if fixture.raw or fixture.malformed:
            return []
        event = self.preview(fixture.envelope())
        left = [f"{each} is no template" for each in left_over(event.data)]
        found = [*left, *map(str, self._door.catalog.problems(event))]
        more = len(found) - MAX_FAULTS
        return found if more <= 0 else [*found[:MAX_FAULTS], f"and {more:,} more"]

    def preview(self, event: Envelope) -> Envelope:
        """Return an event with values for its templates that are good enough to validate it.

        Raise ``TemplateError`` if it has too many.
        """
        return Envelope(event.event, resolve(event.data, replace(self.context(), preview=True)))

    def context(self, persona: str = "", random: Random | None = None) -> Context:
        """Return what templates are made of now."""
        return Context(
            wall=self._door.clock.wall(),
            me=self._door.local_user,
            persona=persona or next(iter(self._door.personas), "alice"),
            seq=self._fired,
            random=random or SystemRandom(),
        )

    async def _play(
        self, fixture: Fixture, to: Target | None, origin: Origin, context: Context, loose: bool
    ) -> Delivery:
        target = to if to is not None else _target(fixture)
        door = self._door
        send: Callable[..., Awaitable[Delivery]]
        what: Any
        if fixture.raw:
            send, what = door.send_raw, await _expanded(fixture.frame, context)
        else:
            send = partial(door.fire, strict=not (fixture.malformed or loose))
            what = Envelope(fixture.event, await _expanded(fixture.envelope().data, context))
        delivery = await send(what, to=target, origin=origin)
        for _ in range(fixture.times - 1):
            await asyncio.sleep(0)
            delivery = await send(what, to=target, origin=origin)
        return delivery._replace(warnings=()) if fixture.malformed else delivery


async def _expanded(data: Any, context: Context) -> Any:
    """Return ``data`` with its templates expanded, without blocking the event loop. Raise ``Refused``."""
    if uses_faker(data):
        await asyncio.to_thread(load_faker)
    slices = Slices()
    steps = expand(data, context)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        except TemplateError as error:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"The event has {error}.") from None
        await slices.breathe()


def _target(fixture: Fixture) -> Target:
    try:
        return Target.parse(fixture.to)
    except ValueError as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"The fixture has an {error}.") from None
