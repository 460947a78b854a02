"""Every action of the window and the tray has an operation of the control API, or changes only what is shown.

A new button, menu entry, shortcut or command of the palette has to be added to one of the two lists below.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QTabBar, QWidget

from app.companion import Companion
from app.endpoints.control.api import OPERATIONS
from app.hub.held_items import BreakpointOptions
from app.hub.origin import PANEL
from app.hub.target import ALL
from app.manual.pages import installed
from app.protocol.envelope import Envelope
from app.protocol.faults.words import parse_fault
from app.protocol.lint.rules import BY_ID
from app.protocol.peers.keys import Identity
from app.protocol.refusals import parse_mode
from app.ui.document_export import DOCUMENTS
from app.ui.fire_bar_window import FireBarWindow
from app.ui.palette_commands import commands
from app.ui.room_registry import NUMBER_KEYS, ROOMS
from app.ui.setting_titles import SETTING_TITLES
from app.ui.tray import Tray
from app.ui.widgets.fault_form import EFFECTS, KINDS
from app.ui.widgets.navigation import RoomButton
from app.ui.window import MainWindow
from tests.conftest import until
from tests.ui.frames import wait_until_idle

pytestmark = pytest.mark.usefixtures("all_rooms")

ORIGIN = "http://localhost:5555"
UNKNOWN_USER = "zoe"

EVENT = "POST /v1/trigger"
RUN = "POST /v1/runs"
SESSION = "PUT /v1/sessions/{name}"
SETTING = "PATCH /v1/settings"
BREAKPOINT = "POST /v1/breakpoints"
REMOVE_BREAKPOINTS = "DELETE /v1/breakpoints"
LINT_RULES = "PATCH /v1/contract/lint"
SWITCH_SOURCE = "POST /v1/sources/{name}/on"
DECIDE_KEYS = "PUT /v1/peers/{name}/keys"
FORGET_PEER = "DELETE /v1/peers/{name}"
OWN_KEYS = "GET /v1/peers/key"
HELD = "POST /v1/breakpoints/held/{item}"
OPERATION = {
    "events: Break on this event": BREAKPOINT,
    "events: Break on everything": BREAKPOINT,
    "events: Remove all breakpoints": REMOVE_BREAKPOINTS,
    **{
        f"events: {title}": HELD
        for title in (
            "Continue held items",
            "Edit held items",
            "Drop held items",
            "Inject after held items",
            "Close held items",
            "Continue all",
            "Continue all held items",
            "Apply and continue",
            "Continue and fire",
            "E",
            "D",
            "I",
            "X",
        )
    },
    "window: F8": HELD,
    "window: Continue all": HELD,
    "window: Add breakpoint": BREAKPOINT,
    "window: Remove the selected breakpoints": "DELETE /v1/breakpoints/{breakpoint}",
    "window: Del": "DELETE /v1/breakpoints/{breakpoint}",
    "window: Remove all breakpoints": REMOVE_BREAKPOINTS,
    "palette: Break on …": BREAKPOINT,
    "palette: Continue next held item": HELD,
    "palette: Continue all held items": HELD,
    "palette: Remove all breakpoints": REMOVE_BREAKPOINTS,
    "events: Fire an event": EVENT,
    "events: Saved filters": "PUT /v1/filters/{name}",
    "events: Resend": "POST /v1/journal/{seq}/resend",
    "events: Save as fixture …": "PUT /v1/fixtures/{name}/frame",
    "events: Pin": "PATCH /v1/journal/{seq}",
    "events: Annotate …": "PATCH /v1/journal/{seq}",
    "events: Show UI state after this row": "GET /v1/ui-state",
    "events: Export …": "POST /v1/journal/export",
    "events: Export the shown rows": "POST /v1/journal/export",
    "clients: Send an event to this client": EVENT,
    "clients: Close the connection with this code": "DELETE /v1/clients/{id}",
    "clients: Abort the connection": "DELETE /v1/clients/{id}",
    "clients: Allow ORIGIN": "POST /v1/origins",
    **{
        f"ui-state: {title}": "GET /v1/ui-state/changes"
        for title in (
            "Previous change",
            "Next change",
            "Alt+Left",
            "Alt+Right",
            "Go live",
            "Alt+End",
            "Flavour: Guide",
            "Flavour: Shipped",
        )
    },
    "ui-state: Differences of the flavours": "GET /v1/ui-state",
    "ui-state: Show the row that made this": "GET /v1/ui-state/origin",
    "ui-state: Show the row that made this message": "GET /v1/ui-state/origin",
    "ui-state: Open chat": "PUT /v1/ui-state/active-chat",
    "ui-state: Set open chat": "PUT /v1/ui-state/active-chat",
    "ui-state: Show the differences": "POST /v1/ui-state/compare",
    "ui-state: Copy URL": "GET /v1/status",
    "inject: Send a frame from a file": "POST /v1/frames",
    "inject: Hold to make NAME type": EVENT,
    "inject: NAME is online": "PATCH /v1/personas/{name}",
    "inject: Fire when a client connects": EVENT,
    "inject: Switch the friend online and fire again": "PATCH /v1/personas/{name}",
    "inject: Fire in 3 seconds": EVENT,
    "inject: Fire": EVENT,
    "fixtures: Pin to the tray menu": "PUT /v1/fixtures/{name}/pin",
    "fixtures: Ctrl+S": "PUT /v1/fixtures/{name}",
    "fixtures: F2": "PATCH /v1/fixtures/{name}",
    "fixtures: Del": "DELETE /v1/fixtures/{name}",
    "fixtures: Save this fixture": "PUT /v1/fixtures/{name}",
    "fixtures: Save under another name": "PUT /v1/fixtures/{name}",
    "fixtures: Rename this fixture": "PATCH /v1/fixtures/{name}",
    "fixtures: Delete this fixture": "DELETE /v1/fixtures/{name}",
    "fixtures: Create a fixture from the clipboard": "PUT /v1/fixtures/{name}/frame",
    "fixtures: Send a frame from a file": "POST /v1/frames",
    "fixtures: Fire when a client connects": EVENT,
    "fixtures: Switch the friend online and fire again": "PATCH /v1/personas/{name}",
    "fixtures: Fire in 3 seconds": EVENT,
    "fixtures: Fire": EVENT,
    "scenarios: Run": RUN,
    "scenarios: Step": RUN,
    "scenarios: F10": "POST /v1/runs/{number}/step",
    "scenarios: Pause": "POST /v1/runs/{number}/pause",
    "scenarios: Stop this run": "POST /v1/runs/{number}/stop",
    "scenarios: Save this scenario": SESSION,
    "scenarios: Ctrl+S": SESSION,
    "scenarios: Save as …": SESSION,
    "scenarios: Duplicate …": SESSION,
    "scenarios: Record": "POST /v1/recordings",
    "scenarios: Stop recording": "POST /v1/recordings/stop",
    "contract: Turn the rule off or on": LINT_RULES,
    "contract: Del": LINT_RULES,
    "contract: Read the event files again": "POST /v1/contract/reload",
    "contract: Import an AsyncAPI document": "POST /v1/contract/import",
    "palette: Turn RULE off": LINT_RULES,
    "sources: SOURCE": SWITCH_SOURCE,
    "sources: Switch peers on": SWITCH_SOURCE,
    "sources: Test connection: SOURCE": "POST /v1/sources/{name}/test",
    "sources: Delete all data: SOURCE": "DELETE /v1/sources/{name}/data",
    "sources: Resolve names: SOURCE": "PATCH /v1/personas/{name}",
    "sources: Peers on other machines": SETTING,
    "sources: Save the address of the project": SETTING,
    "sources: Peek only": SETTING,
    "sources: Store the API key": "PUT /v1/sources/supabase/key",
    "sources: Remove the API key": "DELETE /v1/sources/supabase/key",
    "sources: Accept the new keys of NAME": DECIDE_KEYS,
    "sources: Reject the new keys of NAME": DECIDE_KEYS,
    "sources: Forget the selected peer": FORGET_PEER,
    "sources: Del": FORGET_PEER,
    "sources: Copy public keys": OWN_KEYS,
    "sources: Back up your keys": "POST /v1/peers/key/export",
    "sources: Restore your keys": "POST /v1/peers/key/import",
    "sources: Restore a backup of your keys": "POST /v1/peers/key/import",
    "sources: Replace your keys": "POST /v1/peers/key/rotate",
    "window: Add peer": "POST /v1/peers",
    "window: They match": "PUT /v1/peers/{name}/verified",
    "window: Rename the persona NAME": "PATCH /v1/personas/{name}",
    "window: Remove the persona NAME": "DELETE /v1/personas/{name}",
    "window: Accept …": DECIDE_KEYS,
    "window: Reject": DECIDE_KEYS,
    "palette: Sources: switch peers on": SWITCH_SOURCE,
    "palette: Sources: switch supabase on": SWITCH_SOURCE,
    "palette: Sources: test peers": "POST /v1/sources/{name}/test",
    "palette: Sources: test supabase": "POST /v1/sources/{name}/test",
    "palette: Peers: forget NAME …": FORGET_PEER,
    "palette: Peers: accept the new keys of NAME …": DECIDE_KEYS,
    "palette: Peers: reject the new keys of NAME": DECIDE_KEYS,
    "palette: Peers: copy your public keys": OWN_KEYS,
    "faults: Arm these faults": "PUT /v1/faults",
    "faults: Save these faults as a profile": "PUT /v1/faults/profiles/{name}",
    "faults: Rename …": "PATCH /v1/faults/profiles/{name}",
    "faults: Delete …": "DELETE /v1/faults/profiles/{name}",
    "faults: Clear the selected entry": "DELETE /v1/faults",
    "faults: Del": "DELETE /v1/faults",
    "faults: Reset everything": "DELETE /v1/faults",
    "palette: Refuse the next connection (503)": "POST /v1/server/refuse",
    "palette: Refuse the next 3 connections (503)": "POST /v1/server/refuse",
    "palette: Refuse the next 10 connections (503)": "POST /v1/server/refuse",
    "palette: Accept connections": "POST /v1/server/accept",
    "reconnect lab: Start": "POST /v1/reconnects/lab",
    "reconnect lab: Save picture …": "GET /v1/reconnects/lab/picture",
    "reconnect lab: Save JSON …": "GET /v1/reconnects/lab",
    "refuse: Refuse connections": "POST /v1/server/refuse",
    "refuse: Accept connections": "POST /v1/server/accept",
    "refuse: Close all clients": "POST /v1/clients/drop",
    "window: Reset faults": "DELETE /v1/faults",
    "palette: Reset faults": "DELETE /v1/faults",
    "palette: Arm PROFILE for all": "PUT /v1/faults",
    "palette: Run: SCENARIO": RUN,
    "tray: SCENARIO": RUN,
    "events: Save as scenario …": "POST /v1/journal/scenario",
    "scenarios: Insert selected rows": "POST /v1/journal/scenario",
    "scenarios: Rename …": "PATCH /v1/sessions/{name}",
    "scenarios: Delete …": "DELETE /v1/sessions/{name}",
    "chats: NAME is online": "PATCH /v1/personas/{name}",
    "chats: Stay online": "PATCH /v1/personas/{name}",
    "chats: Auto-reply": "PATCH /v1/personas/{name}",
    "chats: Mark delivered": "PATCH /v1/messages/{msg_id}",
    "chats: React …": "PUT /v1/messages/{msg_id}/reactions",
    "chats: Undo": "PUT /v1/state",
    "chats: Delete message": "DELETE /v1/messages/{msg_id}",
    "chats: Send as this friend": EVENT,
    "chats: Add persona": "POST /v1/personas",
    "chats: Add persona …": "POST /v1/personas",
    "chats: Rename this persona …": "PATCH /v1/personas/{name}",
    "chats: End this friendship": "PATCH /v1/personas/{name}",
    "chats: Remove this persona …": "DELETE /v1/personas/{name}",
    "chats: Save chat state …": "GET /v1/state",
    "chats: Load chat state …": "PUT /v1/state",
    "chats: Reset to the default personas …": "POST /v1/state/reset",
    "settings: REST stand-in": SETTING,
    "settings: Control API": SETTING,
    "settings: Allow coding agents": SETTING,
    "settings: Peers": SETTING,
    "settings: Peers on other machines": SETTING,
    "settings: Typing and receipts of peers": SETTING,
    "settings: Unverified messages": SETTING,
    "settings: Use Supabase": SETTING,
    "settings: Leave messages in the queue": SETTING,
    "settings: Synchronize read marks": SETTING,
    "settings: Require the token from clients": SETTING,
    "settings: Prime browsers": SETTING,
    "settings: Log GET requests": SETTING,
    "settings: Record runs": SETTING,
    "settings: Check the UI's state": SETTING,
    "settings: Presence timeout": SETTING,
    "settings: Close to tray": SETTING,
    "settings: Confirm quit": SETTING,
    "settings: Start hidden": SETTING,
    "settings: Start at login": "PUT /v1/start-at-login",
    "settings: Notify of messages": SETTING,
    "settings: Notify of refused pages": SETTING,
    "settings: Notify of disconnected clients": SETTING,
    "settings: Notify of failed expectations": SETTING,
    "settings: Check for updates": SETTING,
    "settings: Save settings": SETTING,
    "settings: Ctrl+S": SETTING,
    "settings: Copy the agent token": "POST /v1/tokens/agent",
    "settings: Revoke the agent token": "DELETE /v1/tokens/agent",
    "window: Pause or resume sending": "POST /v1/server/pause",
    "window: Stop or start the event server": "POST /v1/server/stop",
    "window: Allow the address of your UI": "POST /v1/origins",
    "window: Save your user name": SETTING,
    "window: Fire the first event": EVENT,
    "window: Retry": "POST /v1/server/start",
    "window: Start server": "POST /v1/server/start",
    "window: Accept connections": "POST /v1/server/accept",
    "window: Resume sending": "POST /v1/server/resume",
    "window: Allow this origin": "POST /v1/origins",
    "window: Add persona NAME": "POST /v1/personas",
    "window: Check for updates": "POST /v1/updates/check",
    "window: Ctrl+Return": EVENT,
    "window: Ctrl+Enter": EVENT,
    "window: Ctrl+R": EVENT,
    "window: Ctrl+Q": "POST /v1/quit",
    "palette: Fire: FIXTURE": EVENT,
    "palette: Repeat last": EVENT,
    "fire bar: Fire: FIXTURE": EVENT,
    "window: Ctrl+B": "POST /v1/fire-bar/open",
    "palette: Show fire bar": "POST /v1/fire-bar/open",
    "tray: Show fire bar": "POST /v1/fire-bar/open",
    "palette: Pause sending": "POST /v1/server/pause",
    "palette: Resume sending": "POST /v1/server/resume",
    "palette: Stop server": "POST /v1/server/stop",
    "palette: Start server": "POST /v1/server/start",
    "palette: Copy URL": "GET /v1/status",
    "palette: Quit": "POST /v1/quit",
    "palette: Switch NAME online": "PATCH /v1/personas/{name}",
    "palette: Switch NAME offline": "PATCH /v1/personas/{name}",
    "palette: Type as NAME": EVENT,
    "palette: Stop typing as NAME": EVENT,
    "palette: NAME says …": EVENT,
    "tray: Open": "POST /v1/window/open",
    "tray: FIXTURE": EVENT,
    "tray: Repeat last": EVENT,
    "tray: Pause sending": "POST /v1/server/pause",
    "tray: Resume sending": "POST /v1/server/resume",
    "tray: Start server": "POST /v1/server/start",
    "tray: Copy URL": "GET /v1/status",
    "tray: Quit": "POST /v1/quit",
    "clients: Copy URL": "GET /v1/status",
}
"""Each action with an operation that does the same."""

WORDS = [f"{word}\t{meaning.partition(';')[0]}" for word, meaning in (KINDS | EFFECTS).items()]
VIEW = "changes only what the window shows"
FORM = "fills a form, which another button fires or saves"
OPENS = "opens a room, a dialog, a folder or a page"
COPIES = "copies data of the journal, the packages or the manual in another format"
VISUAL = {
    "events: Breakpoints": OPENS,
    "events: Manage breakpoints …": OPENS,
    "events: Explain breakpoints": OPENS,
    "events: Allow invalid": FORM,
    "events: Format the content": FORM,
    "events: Cancel editing": FORM,
    "events: Cancel the event": FORM,
    "window: Remove after one item": FORM,
    "window: Open the manual about breakpoints": OPENS,
    "window: Close the breakpoints": VIEW,
    "window: Show": OPENS,
    "palette: Manage breakpoints": OPENS,
    "events: Freeze log": VIEW,
    "events: Clear the log view": VIEW,
    "events: Show earlier rows": VIEW,
    "events: Explain the filter": OPENS,
    "events: Open a recording": OPENS,
    "scenarios: Open recording": OPENS,
    **{f"events: Filter: {title}": VIEW for title in ("All", "To UI ↓", "From UI ↑", "Errors", "REST")},
    "events: Event": VIEW,
    "events: Client": VIEW,
    "events: Close the details": VIEW,
    "events: Esc": VIEW,
    "events: Jump to the newest row": VIEW,
    "events: Copy": OPENS,
    "events: Copy as JSON": COPIES,
    "events: Copy value": COPIES,
    "events: Copy path": COPIES,
    "events: Expand all": VIEW,
    "events: Collapse all": VIEW,
    "events: Copy as command": COPIES,
    "events: Copy as Playwright": COPIES,
    "events: Edit in Inject": FORM,
    "ui-state: Copy value": COPIES,
    "ui-state: Copy path": COPIES,
    "ui-state: Expand all": VIEW,
    "ui-state: Collapse all": VIEW,
    "ui-state: Cancel": VIEW,
    "ui-state: How to report the stores of your UI": OPENS,
    "ui-state: How to report the stores": OPENS,
    "ui-state: Show the row in Events": OPENS,
    "ui-state: Show the row after which the UI differed": OPENS,
    "inject: Repeat": FORM,
    "inject: Reset": FORM,
    "inject: Format": FORM,
    "inject: Details": VIEW,
    "inject: Write the event": VIEW,
    "inject: Show fire bar": "POST /v1/fire-bar/open",
    "fixtures: Show fire bar": "POST /v1/fire-bar/open",
    "window: Open the command palette": OPENS,
    "fixtures: Repeat": FORM,
    "inject: Show as Form": VIEW,
    "inject: Show as JSON": VIEW,
    "inject: typing": FORM,
    "inject: msg_id: generate on each send": FORM,
    "inject: timestamp: generate on each send": FORM,
    "inject: delivered": FORM,
    "inject: Add a reaction to reactions": FORM,
    "clients: Show the events of this client": OPENS,
    "clients: Show attempts": VIEW,
    "clients: Reconnect lab …": OPENS,
    "clients: Refuse connections …": OPENS,
    "palette: Reconnect lab …": OPENS,
    "palette: Refuse connections …": OPENS,
    "reconnect lab: Copy command": COPIES,
    "reconnect lab: Ctrl+W": VIEW,
    "reconnect lab: F1": OPENS,
    "refuse: Ctrl+W": VIEW,
    "refuse: F1": OPENS,
    "refuse: Refuse a number of connections": FORM,
    "refuse: Refuse all connections for some seconds": FORM,
    "fixtures: Clear search": VIEW,
    "fixtures: Revert to the saved version": FORM,
    "contract: Show all findings in Events": OPENS,
    "contract: Export the findings": COPIES,
    "contract: Show the first row in Events": OPENS,
    "contract: Show the last row in Events": OPENS,
    "contract: Filter Events by this rule": OPENS,
    "contract: Save documents about the contract": OPENS,
    **{f"contract: {each.title}": COPIES for each in DOCUMENTS},
    "contract: Open the event in Inject": OPENS,
    "contract: Open the folder of event files": OPENS,
    "palette: Show violations of the contract": OPENS,
    "sources: Open settings: SOURCE": OPENS,
    "sources: Add peer …": OPENS,
    "sources: Add peer": OPENS,
    "sources: Ctrl+N": OPENS,
    "sources: Verify the selected peer": OPENS,
    "sources: Edit the selected peer": OPENS,
    "window: Paste keys": FORM,
    "window: Cancel": VIEW,
    "window: Later": VIEW,
    "window: Rename or remove the persona": OPENS,
    "palette: Peers: add peer …": OPENS,
    "palette: Peers: verify NAME …": OPENS,
    "faults: Clear search": VIEW,
    "faults: Show the decisions in Events": OPENS,
    "faults: More actions on this profile": OPENS,
    "faults: Add fault": OPENS,
    "faults: Add effect": OPENS,
    **{f"faults: {each}": FORM for each in WORDS},
    "scenarios: Clear search": VIEW,
    "scenarios: Insert fixture …": FORM,
    "scenarios: New scenario": FORM,
    "scenarios: Ctrl+N": FORM,
    "scenarios: Revert to the saved version": FORM,
    "scenarios: More actions on this scenario": OPENS,
    "scenarios: New seed": FORM,
    "scenarios: Copy the seed": COPIES,
    "scenarios: Show this scenario": VIEW,
    "scenarios: Show the first line that failed": VIEW,
    "chats: Manage personas and the chat state": OPENS,
    "chats: Close this message": VIEW,
    "settings: Copy the control API's token": "`companion token` prints it; the API's caller knows it",
    "settings: Open settings folder": OPENS,
    "settings: Open logs folder": OPENS,
    "settings: Discard the changes": FORM,
    "window: Events": OPENS,
    "window: Clients": OPENS,
    "window: UI state": OPENS,
    "window: Inject": OPENS,
    "window: Fixtures": OPENS,
    "window: Scenarios": OPENS,
    "window: Chats": OPENS,
    "window: Sources": OPENS,
    "window: Contract": OPENS,
    "window: Faults": OPENS,
    "window: Settings": OPENS,
    "window: Help": OPENS,
    "help: First steps": OPENS,
    "fire bar: Close the fire bar": VIEW,
    "window: Skip the first steps": VIEW,
    "window: Step 1, Your UI's address: not done": VIEW,
    "window: Step 2, Your name: done": VIEW,
    "window: Step 3, The first event: not done": VIEW,
    "help: Back": OPENS,
    "help: Forward": OPENS,
    "help: Copy this code": COPIES,
    "help: Alt+Left": OPENS,
    "help: Alt+Right": OPENS,
    "window: About": OPENS,
    "window: Dismiss": VIEW,
    "window: Open Settings": OPENS,
    "window: Open the release page of the newer version": OPENS,
    "window: Copy versions": COPIES,
    "window: Open licence texts": OPENS,
    "window: Open Help": OPENS,
    "window: Open README in the web browser": OPENS,
    "window: Report an issue in the web browser": OPENS,
    "window: Close": VIEW,
    "window: Ctrl+K": OPENS,
    "window: Ctrl+L": VIEW,
    "window: Ctrl+F": VIEW,
    "window: ?": OPENS,
    "window: Ctrl+W": VIEW,
    **{f"window: {group} rooms, expanded": VIEW for group in ("Watch", "Fire", "World", "Prove")},
    **{f"window: {room.shortcut}": OPENS for room in ROOMS},
    **{f"window: Ctrl+{number}": OPENS for number in range(1, NUMBER_KEYS + 1)},
    **{f"palette: Open {room.title}": OPENS for room in ROOMS},
    **{f"palette: Help: {entry.title}": OPENS for entry in installed().entries},
    "palette: Help: Your events": OPENS,
    **{f"palette: Settings: {title}": OPENS for title in SETTING_TITLES.values()},
    "palette: Filter the log": VIEW,
    "palette: Open recording …": OPENS,
    "palette: Bug report of this run …": OPENS,
    "palette: Clear the log view": VIEW,
    "palette: Freeze log": VIEW,
    "palette: First steps": OPENS,
    "palette: Keyboard shortcuts": OPENS,
    "palette: About: versions and licences": OPENS,
    "tray: Fire": "a submenu",
    "tray: Show all fixtures": OPENS,
    "tray: Run": "a submenu",
    "tray: Show all scenarios": OPENS,
    "tray: Open logs folder": OPENS,
    "tray: Settings": OPENS,
}
"""Each action that needs no operation, with the reason."""


def generalized(name: str, companion: Companion) -> str:
    """Return the name of an action without the names of friends, origins and fixtures in it."""
    for source in companion.switchable_sources:
        name = name.replace(source.title, "SOURCE")
    for friend in (*companion.friends, UNKNOWN_USER):
        name = re.sub(rf"\b{friend}\b", "NAME", name)
    name = name.replace(ORIGIN, "ORIGIN")
    for saved in companion.fixtures.all:
        if name in (saved.title, f"Fire: {saved.title}"):
            return name.replace(saved.title, "FIXTURE")
    for profile in companion.profiles.all:
        if name == f"Arm {profile.name} for all":
            return "Arm PROFILE for all"
    for rule in BY_ID:
        if name in (f"Turn off lint rule {rule}", f"Turn on lint rule {rule}"):
            return "Turn RULE off"
    for each in companion.saved_sessions.all:
        if name in (each.title, f"Run: {each.title}"):
            return name.replace(each.title, "SCENARIO")
    return name


def names_in(widget: QWidget) -> Iterator[str]:
    """Yield the names of the buttons and actions in a widget, without those that belong to Qt's own widgets."""
    for button in widget.findChildren(QAbstractButton):
        if not isinstance(button.parent(), QLineEdit | QTabBar) and not (button.objectName().startswith("qt_")):
            yield button.accessibleName() or button.text()
    for action in widget.findChildren(QAction):
        if action.text() and not action.objectName().startswith("_q_"):
            yield action.text()
    for shortcut in widget.findChildren(QShortcut):
        yield shortcut.key().toString()


def palette(window: MainWindow) -> set[str]:
    return {f"palette: {command.title}" for command in commands(window)}


def strip(window: MainWindow) -> set[str]:
    return {f"window: {button.text()}" for button in window.strip.buttons}


def tray_menu(companion: Companion) -> set[str]:
    tray = Tray(companion)
    tray.menu.aboutToShow.emit()
    found = {f"tray: {action.text()}" for action in tray.menu.findChildren(QAction) if action.isEnabled()}
    found |= {f"tray: {action.text()}" for action in tray.menu.actions() if action.text() == "Repeat last"}
    tray.close_down()
    return found - {"tray: "}


async def add_peer_with_changed_keys(companion: Companion) -> None:
    """Add the peer ben, and offer other keys for it."""
    await companion.identity.obtain()
    for _ in range(2):
        await companion.peers.add("ben", Identity.generate().public)


async def actions(window: MainWindow, companion: Companion) -> set[str]:
    """Return all actions, including those that are shown only in some states."""
    companion.rejection_log.add("events", "not allowed", ORIGIN)
    companion.chat.unknown_friend_requested.emit(UNKNOWN_USER)
    companion.services["events"].error = "Port 8081 is busy."
    window.show_state()
    window.clients.refused.show_refused()
    assert window.events.held
    assert window.events.breakpoints
    window.events.held.build_forms()
    window.events.breakpoints.choices.aboutToShow.emit()
    breakpoints = window.open_breakpoints()
    pages = {room.name: window.rooms.page(room.name) for room in ROOMS}
    for room in ROOMS:
        window.open_room(room.name)
    window.show_first_steps()
    about = window.open_about()
    await add_peer_with_changed_keys(companion)
    await until(lambda: window.source_watch.changed_keys)
    window.sources.add_peer()
    window.sources.verify_peer(await companion.peers.get("ben"))
    window.sources.ask_for_names(["alice"], lambda: None)
    await wait_until_idle(companion)
    found = {f"{name}: {each}" for name, page in pages.items() for each in names_in(page)}
    in_rooms: list[Any] = [
        each for page in pages.values() for each in (*page.findChildren(QWidget), *page.findChildren(QShortcut))
    ]
    elsewhere: list[Any] = [*window.findChildren(QAbstractButton), *window.findChildren(QShortcut)]
    outside = {id(each) for each in elsewhere} - {id(each) for each in in_rooms}
    for each in elsewhere:
        if id(each) in outside and isinstance(each, QShortcut):
            found.add(f"window: {each.key().toString()}")
        elif isinstance(each.parent(), QLineEdit):
            continue
        elif id(each) in outside and not each.objectName().startswith("qt_"):
            name = each.text() if isinstance(each, RoomButton) else each.accessibleName() or each.text()
            found.add(f"window: {name}")
    found |= palette(window) | tray_menu(companion)
    companion.services["events"].error = ""
    companion.refusals.arm(parse_mode("503"), origin=PANEL)
    window.show_state()
    found |= strip(window)
    companion.refusals.disarm_all()
    companion.faults.arm(ALL, [parse_fault("loss=1")])
    window.show_conditions()
    found |= strip(window)
    companion.faults.clear_all()
    companion.breakpoints.add(BreakpointOptions())
    await companion.fire(Envelope("friend_online", {"username": "alice"}), origin=PANEL)
    window.show_state()
    found |= palette(window) | strip(window)
    companion.breakpoints.clear()
    companion.breakpoints.resume()
    companion.pause()
    found |= palette(window) | tray_menu(companion) | strip(window)
    await companion.stop()
    found |= palette(window) | tray_menu(companion) | strip(window)
    about.close()
    breakpoints.reject()
    windows = window.reconnect_windows
    for title, opened in (("reconnect lab", windows.lab), ("refuse", windows.refuse)):
        found |= {f"{title}: {each}" for each in names_in(opened)}
    bar = FireBarWindow(companion, window.memory, lambda _: None)
    bar.present()
    found |= {f"fire bar: {each}" for each in names_in(bar)}
    bar.close_down()
    bar.deleteLater()
    separated = (each.partition(": ") for each in found)
    return {f"{location}: {generalized(name, companion)}" for location, _, name in separated}


async def test_every_action_has_an_operation_or_changes_only_what_is_shown(
    window: MainWindow, companion: Companion
) -> None:
    unlisted = QAction("Do something new", window.clients)
    found = await actions(window, companion)
    unknown = found - OPERATION.keys() - VISUAL.keys()
    assert f"clients: {unlisted.text()}" in unknown, "an unlisted action is not found"
    unknown.remove(f"clients: {unlisted.text()}")
    assert not unknown, f"add them to OPERATION (and to the control API), or to VISUAL: {unknown}"
    missing = (OPERATION.keys() | VISUAL.keys()) - found
    assert not missing, f"the window no longer has these actions: {missing}"


def test_the_operations_exist() -> None:
    exist = {f"{each.method} {each.path}" for each in OPERATIONS}
    assert set(OPERATION.values()) <= exist
    assert not OPERATION.keys() & VISUAL.keys()
