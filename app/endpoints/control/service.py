"""What the control API needs of the companion. Methods may raise ``RequestError`` and ``StorageError``."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from app.endpoints.service import Services
from app.hub.expectation import Expectation, ExpectationResult
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal, Row
from app.hub.origin import Origin
from app.hub.rejection_log import RejectionLog
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.protocol.backend import MessageData, Person
from app.protocol.catalog import Catalog
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture, SavedFixture
from app.protocol.ui_stores import ExpectedState, Flavour
from app.system.agent_token import AgentToken
from app.system.settings import Settings


class Server(Protocol):
    """One of the doors."""

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def listening(self) -> bool:
        """Whether it listens."""


class StoredState(Protocol):
    """What is read of the chat state. May raise ``RequestError`` and ``StorageError``."""

    async def snapshot(self) -> dict[str, Any]:
        """Return the whole state."""

    async def people(self) -> list[Person]:
        """Return all personas."""

    async def page(self, peer: str, limit: int, offset: int) -> tuple[list[MessageData], int]:
        """Return messages of a chat, oldest first, and their total number."""


class ChatState(Protocol):
    """The whole chat state. May raise ``RequestError`` and ``StorageError``."""

    @property
    def store(self) -> StoredState:
        """The stored state."""

    async def add_person(self, username: str, *, is_friend: bool) -> Person:
        """Add a persona."""

    async def change_person(self, username: str, **changes: bool) -> None:
        """Set ``auto_reply`` or ``pinned`` of a persona."""

    async def rename_person(self, old: str, new: str) -> None:
        """Rename a persona."""

    async def remove_person(self, username: str) -> None:
        """Remove a persona."""

    async def add_friend(self, username: str) -> Person:
        """Make a friendship."""

    async def remove_friend(self, username: str) -> None:
        """End a friendship."""

    async def set_delivered(self, msg_id: str) -> MessageData:
        """Mark a waiting message as delivered."""

    async def react(self, msg_id: str, emoji: str, by: str, *, present: bool | None = None) -> MessageData:
        """Add or remove a reaction."""

    async def delete_message(self, msg_id: str) -> None:
        """Delete a message."""

    async def restore(self, snapshot: Any) -> None:
        """Replace it."""

    async def reset(self) -> None:
        """Go back to the first start's."""


class Library(Protocol):
    """The fixtures. May raise ``RequestError`` and ``StorageError``."""

    @property
    def all(self) -> list[SavedFixture]:
        """The fixtures, in order."""

    @property
    def folder(self) -> Path | None:
        """Where one's own are."""

    @property
    def warnings(self) -> list[str]:
        """Files that are no fixtures, and why."""

    async def look_up(self, name: str) -> SavedFixture:
        """Return a fixture as it is on the disk now."""

    async def read(self) -> None:
        """Look anew at what is on the disk."""

    async def save(self, name: str, fixture: Fixture) -> SavedFixture:
        """Save one."""

    async def rename(self, name: str, new: str) -> SavedFixture:
        """Rename one."""

    async def delete(self, name: str) -> None:
        """Delete one."""


class Composer(Protocol):
    """Fires what is written as a template."""

    async def fire(
        self,
        fixture: Fixture,
        *,
        to: Target | None,
        origin: Origin,
        persona: str = "",
        seed: int | None = None,
        strict: bool = True,
    ) -> Delivery:
        """Make a fixture's values and fire it."""

    async def fire_text(self, text: str, *, to: Target, origin: Origin) -> Delivery:
        """Send any text."""

    async def fire_again(self, *, origin: Origin) -> Delivery:
        """Fire once more what was fired last."""

    def fixture_for_event(self, event: str) -> Fixture:
        """Return an event with sensible values."""

    async def problems(self, fixtures: Iterable[SavedFixture]) -> dict[str, list[str]]:
        """Return by name how each fixture breaks the contract."""


class UiStates(Protocol):
    """Computes what the UI's stores must hold; see ``app/observers/ui_state.py``."""

    def expected(self, client: int, flavour: Flavour, after: int | None = None) -> ExpectedState:
        """Return the state now, or just after a row. Raises ``NotFound``."""

    def select(self, client: int, peer: str | None) -> None:
        """State which chat is open."""

    def report(self, client: int, state: Any) -> None:
        """Keep the stores that the UI reports."""

    def reported(self, client: int) -> Any:
        """Return the stores that the UI reported last, or None."""

    async def wait_until(self, is_met: Callable[[], bool], within_s: float) -> bool:
        """Wait until ``is_met()`` is true."""


class Service(Protocol):
    """What the operations need of the companion. Its methods may raise ``RequestError`` and ``StorageError``."""

    hub: Hub
    journal: Journal
    catalog: Catalog
    services: Services
    raise_window: Callable[[], object] | None
    quit_program: Callable[[], object] | None
    agent_token: AgentToken
    refused: RejectionLog
    tasks: Tasks

    @property
    def fixtures(self) -> Library:
        """The fixtures."""

    @property
    def ui_states(self) -> UiStates:
        """The expected states of the clients' UIs."""

    @property
    def composer(self) -> Composer:
        """What fires them."""

    @property
    def settings(self) -> Settings:
        """The settings in use."""

    @property
    def state(self) -> str:
        """What the event server does."""

    @property
    def server(self) -> Server:
        """The event server."""

    @property
    def rest(self) -> Server:
        """The REST stand-in."""

    @property
    def control(self) -> Server:
        """The control API's own."""

    @property
    def chat(self) -> ChatState:
        """The chat state as a whole."""

    @property
    def in_memory(self) -> bool:
        """Whether the chat state is lost at the end."""

    @property
    def warnings(self) -> list[str]:
        """What a person should know."""

    async def start(self) -> bool:
        """Start the event server."""

    async def start_service(self, name: str) -> bool:
        """Start a service, unless it is switched off."""

    async def stop(self) -> None:
        """Stop the event server."""

    def pause(self, paused: bool = True) -> None:
        """Hold or resume sending."""

    async def fire(self, event: Envelope, *, to: Target, origin: Origin, strict: bool = True) -> Delivery:
        """Store and send an event. If ``strict`` is False, one that violates the contract is only sent."""

    async def resend(self, row: Row, *, origin: Origin) -> Delivery:
        """Send the frame of a row again. Raises ``ValueError`` unless it went to the UI."""

    def save_settings(self, settings: Settings) -> None:
        """Check changed settings and write them to the file. May raise ``InvalidSettings`` and ``OSError``."""

    async def apply(self, settings: Settings) -> None:
        """Use other settings from now on."""

    async def log_get_requests(self, on: bool) -> None:
        """Log the UI's GET requests from now on, or no longer."""

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready."""

    async def expect(self, expected: Expectation, within_s: float, after: int | None = None) -> ExpectationResult:
        """Wait for what a client must send."""
