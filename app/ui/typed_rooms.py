"""Mixin of the main window with one typed property per room, for code that calls a room's own methods.
Accessing a property builds the room if it is not built yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.ui.room_registry import (
    CHATS,
    CLIENTS,
    CONTRACT,
    EVENTS,
    FAULTS,
    FIXTURES,
    HELP,
    INJECT,
    SCENARIOS,
    SETTINGS,
    SOURCES,
    UI_STATE,
)

if TYPE_CHECKING:
    from app.ui.room_stack import RoomStack
    from app.ui.rooms.chats import ChatsRoom
    from app.ui.rooms.clients import ClientsRoom
    from app.ui.rooms.contract import ContractRoom
    from app.ui.rooms.events import EventsRoom
    from app.ui.rooms.faults import FaultsRoom
    from app.ui.rooms.fixtures import FixturesRoom
    from app.ui.rooms.help import HelpRoom
    from app.ui.rooms.inject import InjectRoom
    from app.ui.rooms.scenarios import ScenariosRoom
    from app.ui.rooms.settings import SettingsRoom
    from app.ui.rooms.sources import SourcesRoom
    from app.ui.rooms.ui_state import UiStateRoom


class TypedRooms:
    """A part of the main window. Accessing a room builds it if it is not built yet."""

    rooms: RoomStack

    @property
    def events(self) -> EventsRoom:
        """The room with the log."""
        return cast("EventsRoom", self.rooms.page(EVENTS))

    @property
    def clients(self) -> ClientsRoom:
        """The room with the connected clients."""
        return cast("ClientsRoom", self.rooms.page(CLIENTS))

    @property
    def ui_state(self) -> UiStateRoom:
        """The room with the state that a client's UI must have."""
        return cast("UiStateRoom", self.rooms.page(UI_STATE))

    @property
    def inject(self) -> InjectRoom:
        """The room with a form per event."""
        return cast("InjectRoom", self.rooms.page(INJECT))

    @property
    def fixtures(self) -> FixturesRoom:
        """The room with the saved events."""
        return cast("FixturesRoom", self.rooms.page(FIXTURES))

    @property
    def scenarios(self) -> ScenariosRoom:
        """The room with the scenarios."""
        return cast("ScenariosRoom", self.rooms.page(SCENARIOS))

    @property
    def chats(self) -> ChatsRoom:
        """The room with the conversations."""
        return cast("ChatsRoom", self.rooms.page(CHATS))

    @property
    def sources(self) -> SourcesRoom:
        """The room with the sources and the peers."""
        return cast("SourcesRoom", self.rooms.page(SOURCES))

    @property
    def contract(self) -> ContractRoom:
        """The room with the rules and the events of the contract."""
        return cast("ContractRoom", self.rooms.page(CONTRACT))

    @property
    def faults(self) -> FaultsRoom:
        """The room that arms faults."""
        return cast("FaultsRoom", self.rooms.page(FAULTS))

    @property
    def settings(self) -> SettingsRoom:
        """The room with the settings."""
        return cast("SettingsRoom", self.rooms.page(SETTINGS))

    @property
    def help(self) -> HelpRoom:
        """The room with the manual."""
        return cast("HelpRoom", self.rooms.page(HELP))
