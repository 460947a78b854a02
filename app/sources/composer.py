"""Fire fixtures, events and chat messages, after expanding their templates (placeholders such as ``{{uuid}}``).
``fire_text`` sends a text as a raw frame; ``fire_literal_message`` fires a message with that text. Neither expands
templates in the text. The last few things that were fired can be fired again; their templates then get new values.
``problems`` returns how fixtures violate the contract.

A fixture is a saved event or raw frame.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from app.hub.hub import Delivery
from app.hub.origin import Origin
from app.hub.signals import Signal
from app.hub.slices import Slices
from app.hub.target import ALL, Target
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, Invalid
from app.protocol.event_type import InvalidEvent
from app.protocol.fixture import Fixture, SavedFixture
from app.protocol.summary import summarize
from app.protocol.templates import (
    TemplateContext,
    TemplateError,
    expand,
    invalid_templates,
    load_faker,
    resolve,
    uses_faker,
)
from app.sources.source import Publisher

MAX_PROBLEMS = 20
"""At most this many problems are listed per fixture."""
MAX_RECENT = 5
"""Maximum number of recently fired events, each different, that can be fired again."""
MAX_TITLE = 100


class Sender(Publisher, Protocol):
    """A publisher that also sends raw frames."""

    async def send_raw(self, text: str, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text as a frame. See ``EventPipeline.send_raw``."""


class Sent(NamedTuple):
    """The result of sending something: its delivery, its title, and the friend that it comes from (or empty)."""

    delivery: Delivery
    title: str
    friend: str = ""


SendAgain = Callable[[Origin], Awaitable[Sent]]


class FiredEvent(NamedTuple):
    """An event, a fixture or a text that was fired. ``send`` fires it again, with new values."""

    title: str
    to: str
    send: SendAgain
    what: object
    """What was fired, with its templates: equal if it is fired again."""
    friend: str = ""
    """The friend that it came from; empty if none."""


class EventComposer:
    """Fire fixtures and other templates with new values each time. The last ones can be fired again."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.recent: tuple[FiredEvent, ...] = ()
        """What was fired last, the latest first: at most ``MAX_RECENT``.

        Those with the same recipients differ in title and content.
        """
        self.recent_changed: Signal[None] = Signal()
        self._fired = 0
        self._problems: dict[str, tuple[Fixture, int, list[str]]] = {}
        """Cache of ``problems``: the fixture, the version of the catalog and the result, by the fixture's name."""

    async def fire(
        self,
        fixture: Fixture,
        *,
        to: Target | None = None,
        origin: Origin,
        persona: str = "",
        seed: int | None = None,
        strict: bool = True,
    ) -> Delivery:
        """Expand the templates, and fire the fixture.

        ``to`` None selects the fixture's own target. An event that violates the contract is rejected, unless
        ``strict`` is False (it is then sent with a warning) or the fixture is marked as malformed (without one).
        ``fire_again`` repeats the call with new values. Raises ``FIRE_ERRORS``.
        """

        async def send(origin: Origin, random: Random | None = None) -> Sent:
            self._fired += 1
            return await self._send(fixture, to, origin, self.context(persona, random), strict)

        return await self._fire_first(
            lambda origin: send(origin, None if seed is None else Random(seed)),
            send,
            origin,
            fixture.to if to is None else str(to),
            (fixture, persona),
        )

    async def fire_event(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Fire an event whose data may contain templates."""
        return await self.fire(Fixture(event=event.event, data=event.data), to=to, origin=origin)

    async def fire_message(self, persona: str, text: str, *, origin: Origin) -> Delivery:
        """Fire a ``new_message`` of a persona. ``text`` may contain templates."""
        message = self.fixture_for_event("new_message").with_changes({"text": text}, [])
        return await self.fire(message, origin=origin, persona=persona)

    async def fire_literal_message(self, persona: str, text: str, *, origin: Origin) -> Delivery:
        """Fire a ``new_message`` of a persona, in whose text nothing is expanded."""

        async def send(origin: Origin) -> Sent:
            message = self.message_from(persona, text)
            delivery = await self._sender.fire(message, to=ALL, origin=origin)
            return Sent(delivery, _title_of(message), persona)

        return await self._fire_first(send, send, origin, str(ALL), (persona, text))

    async def fire_text(self, text: str, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text unchanged as a frame. ``fire_again`` can repeat it."""

        async def send(origin: Origin) -> Sent:
            delivery = await self._sender.send_raw(text, to=to, origin=origin)
            return Sent(delivery, f"Frame: {summarize(text)}")

        return await self._fire_first(send, send, origin, str(to), text)

    @property
    def can_fire_again(self) -> bool:
        """Whether anything was fired that can be repeated."""
        return bool(self.recent)

    def last_target(self) -> str:
        """Return the target of the event that was fired last. Raises ``Conflict`` if there is none."""
        if not self.recent:
            raise Conflict("Nothing has been fired yet.")
        return self.recent[0].to

    async def fire_again(self, event: FiredEvent | None = None, *, origin: Origin) -> Delivery:
        """Fire an event of ``recent`` again, with new values; None: the last one. Raises ``FIRE_ERRORS``."""
        if event is None:
            if not self.recent:
                raise Conflict("Nothing has been fired yet.")
            event = self.recent[0]
        return await self._fire_first(event.send, event.send, origin, event.to, event.what)

    async def _fire_first(
        self, first: SendAgain, again: SendAgain, origin: Origin, to: str, what: object
    ) -> Delivery:
        """Call ``first``, and remember ``again`` as what was fired last."""
        delivery, title, friend = await first(origin)
        title = title[:MAX_TITLE]
        others = [each for each in self.recent if each.to != to or (each.title != title and each.what != what)]
        fired = FiredEvent(title, to, again, what, friend)
        self.recent = (fired, *others)[:MAX_RECENT]
        self.recent_changed.emit(None)
        return delivery

    def fixture_for_event(self, event: str) -> Fixture:
        """Return a fixture with the template of an event. Raises ``InvalidEvent`` for an unknown event."""
        known = self._sender.catalog.get(Direction.TO_UI, event)
        if known is None:
            raise InvalidEvent(self._sender.catalog.problems(Envelope(event, {})))
        return Fixture(event=event, data=known.template)

    async def event_of(self, fixture: Fixture) -> Envelope:
        """Return the event of a fixture with its templates expanded, without firing it. Raises ``RequestError``."""
        return Envelope(fixture.event, await expanded(fixture.envelope().data, self.context()))

    def message_from(self, persona: str, text: str) -> Envelope:
        """Return a ``new_message`` event from a persona to the local user, with a new id and time."""
        template = self.fixture_for_event("new_message").envelope()
        return Envelope(template.event, {**resolve(template.data, self.context(persona)), "text": text})

    def completed(self, event: Envelope, context: Callable[[], TemplateContext] | None = None) -> Envelope:
        """Return an event that the companion makes of built-in fields, with the other fields that a file requires.

        They get new values, as in forms. ``context`` is called if there are any.
        """
        known = self._sender.catalog.get(Direction.TO_UI, event.event)
        if known is None or not known.extends:
            return event
        missing = {
            name: value for name, value in known.template.items()
            if name in known.schema["required"] and name not in event.data
        }  # fmt: skip
        if not missing:
            return event
        values = resolve(missing, context() if context else self.context(_friend_in(event.data)))
        return Envelope(event.event, {**event.data, **values})

    async def problems(self, fixtures: Iterable[SavedFixture]) -> dict[str, list[str]]:
        """Return by name how each fixture violates the contract. Those marked as malformed are not checked.

        Results are cached until the fixture's file or the catalog changes.
        """
        known, slices = self._problems, Slices()
        checked: dict[str, tuple[Fixture, int, list[str]]] = {}
        version = self._sender.catalog.version
        for saved in fixtures:
            fixture, checked_with, problems = known.get(saved.name, (None, 0, []))
            if fixture is not saved.fixture or checked_with != version:
                problems = self._problems_of(saved.fixture)
            checked[saved.name] = saved.fixture, version, problems
            await slices.yield_if_due()
        self._problems = checked
        return {name: problems for name, (_, _, problems) in checked.items()}

    def _problems_of(self, fixture: Fixture) -> list[str]:
        if fixture.raw or fixture.malformed:
            return []
        event = self.preview(fixture.envelope())
        context = replace(self.context(), preview=True)
        left = [f"{each} is not a template" for each in invalid_templates(fixture.envelope().data, context)]
        found = [*left, *map(str, self._sender.catalog.problems(event))]
        more = len(found) - MAX_PROBLEMS
        return found if more <= 0 else [*found[:MAX_PROBLEMS], f"and {more:,} more"]

    def preview(self, event: Envelope) -> Envelope:
        """Return an event with its templates expanded, for validation only.

        Raises ``TemplateError`` if it has too many templates.
        """
        return Envelope(event.event, resolve(event.data, replace(self.context(), preview=True)))

    def friend_of(self, fixture: Fixture) -> str:
        """Return the friend that a fixture's event will come from; empty if it is not known before it is fired."""
        name = "" if fixture.raw else _friend_in(fixture.envelope().data)
        if name == "{{persona}}":
            return self.context().persona
        return "" if "{{" in name else name

    def context(self, persona: str = "", random: Random | None = None) -> TemplateContext:
        """Return the values that templates use now. ``persona`` defaults to the first one."""
        return TemplateContext(
            wall=self._sender.values.wall(),
            me=self._sender.local_user,
            persona=persona or next(iter(self._sender.personas), "alice"),
            seq=self._fired,
            random=random or self._sender.values.random("templates"),
        )

    async def _send(
        self, fixture: Fixture, to: Target | None, origin: Origin, context: TemplateContext, strict: bool
    ) -> Sent:
        target = to if to is not None else _target(fixture)
        sender = self._sender
        send: Callable[..., Awaitable[Delivery]]
        content: Any
        if fixture.raw:
            send, content = sender.send_raw, await expanded(fixture.frame, context)
        else:
            send = partial(sender.fire, strict=strict and not fixture.malformed)
            content = Envelope(fixture.event, await expanded(fixture.envelope().data, context))
        delivery = await send(content, to=target, origin=origin)
        for _ in range(fixture.times - 1):
            await asyncio.sleep(0)
            delivery = await send(content, to=target, origin=origin)
        title = fixture.title or (f"Frame: {summarize(content)}" if fixture.raw else _title_of(content))
        friend = "" if fixture.raw else _friend_in(content.data)
        return Sent(delivery._replace(warnings=()) if fixture.malformed else delivery, title, friend)


FRIEND_KEYS = ("from", "username")
"""The fields of an event to the UI that name the friend that it comes from."""


def _friend_in(data: Any) -> str:
    """Return the friend that an event with this data comes from; empty if it names none."""
    names = [data.get(key) for key in FRIEND_KEYS] if isinstance(data, dict) else []
    return next((name for name in names if isinstance(name, str)), "")[:MAX_TITLE]


def _title_of(event: Envelope) -> str:
    return f"{event.event} · {summarize(event.data)}"


async def expanded(data: Any, context: TemplateContext) -> Any:
    """Expand the templates in ``data`` without blocking the event loop. Raises ``RequestError``."""
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
            raise Invalid(f"The event has {error}.") from None
        await slices.yield_if_due()


def _target(fixture: Fixture) -> Target:
    try:
        return Target.parse(fixture.to)
    except ValueError as error:
        raise Invalid(f"The fixture has an {error}.") from None
