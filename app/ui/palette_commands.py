"""Open the command palette (Ctrl+K) with the commands that are possible now, such as actions and fixtures.
The commands for friends, breakpoints, sources and peers are in modules of their own. It also stores which commands
were used last. ``palette`` is the dialog.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication

from app.manual.pages import ManualMissing
from app.protocol.lint.rules import RULES
from app.ui.breakpoint_commands import breakpoint_commands, parse_break
from app.ui.friend_commands import friend_commands, parse_message
from app.ui.models.scenarios import title_of
from app.ui.palette import Command, Palette, Section
from app.ui.room_registry import EVENTS
from app.ui.setting_titles import SETTING_TITLES
from app.ui.source_palette import source_commands

if TYPE_CHECKING:
    from app.ui.window import MainWindow

KEY = "palette/recent"
MAX_KEYS, MAX_CHARS = 20, 200
REFUSALS = {"connection": 1, "3 connections": 3, "10 connections": 10}


def open_palette(window: MainWindow) -> Palette:
    """Open the palette with the commands that are possible now. If it is open already, return it."""
    for opened in window.findChildren(Palette):
        if opened.isVisible():
            return opened
    recent = RecentCommands(window.memory)
    palette = Palette(
        window,
        commands(window),
        recent=recent.keys,
        used=recent.add,
        parse=lambda words: (
            parse_break(words, window) or parse_message(words, window.companion, window.firing.fire)
        ),
    )
    palette.present()
    return palette


def commands(window: MainWindow) -> list[Command]:
    """Return all commands, in the order in which a search without words lists them.

    A command does what its title says, also if the state has changed since it was listed.
    """
    return [
        *friend_commands(window.companion, window.firing.fire),
        *_actions(window),
        *breakpoint_commands(window),
        *_fixtures(window),
        *_scenarios(window),
        *_faults(window),
        *_contract(window),
        *source_commands(window),
        *_reconnects(window),
        *_recordings(window),
        *_settings(window),
        *_help(window),
    ]


def _actions(window: MainWindow) -> list[Command]:
    companion, freeze = window.companion, window.events.freeze
    listening, paused = companion.server.listening, companion.hub.paused
    url = companion.client_url
    return [
        Command("Repeat last", window.firing.repeat, "Ctrl+R"),
        Command("Show fire bar", window.fire_bar_requested.emit, "Ctrl+B"),
        *(
            [Command("Resume sending" if paused else "Pause sending", partial(companion.pause, not paused))]
            if listening or paused
            else []
        ),
        Command("Stop server" if listening else "Start server", partial(window.status.switch, not listening)),
        *(
            Command(f"Open {room.title}", partial(window.open_room, room.name), room.shortcut)
            for room in window.room_list
        ),
        Command("Filter the log", window.open_filter, "Ctrl+F"),
        Command("Clear the log view", window.events.clear, "Ctrl+L"),
        Command(freeze.text(), partial(freeze.setChecked, not freeze.isChecked()), "P"),
        Command("Copy URL", partial(QGuiApplication.clipboard().setText, url), companion.server.url),
        Command("Quit", window.quit_requested.emit, "Ctrl+Q"),
    ]


def _fixtures(window: MainWindow) -> list[Command]:
    return [
        Command(
            f"Fire: {each.title}",
            partial(window.firing.fire_fixture, each.fixture),
            each.name,
            Section.FIXTURES,
            name=each.name,
        )
        for each in window.companion.fixtures.all
    ]


def _scenarios(window: MainWindow) -> list[Command]:
    runs = window.scenario_runs
    stop = [Command("Stop all scenarios", runs.stop_all, "", Section.SCENARIOS)] if runs.running else []
    return stop + [
        Command(
            f"Run: {title_of(each)}", partial(runs.run, each.name), each.name, Section.SCENARIOS, name=each.name
        )
        for each in runs.scenarios
    ]


def _faults(window: MainWindow) -> list[Command]:
    do = window.fault_commands
    return [
        Command("Reset faults", do.reset, keywords="clear", browsable=False),
        *(
            Command(f"Arm {each.name} for all", partial(do.arm_profile, each.name), each.title, browsable=False)
            for each in window.companion.profiles.all
        ),
    ]


def _contract(window: MainWindow) -> list[Command]:
    off = window.companion.settings.lint_off
    return [
        Command(
            "Show violations of the contract", partial(_filter, window, "is:lint"), keywords="lint",
            browsable=False,
        ),
        *(
            Command(
                f"Turn {'on' if rule.id in off else 'off'} lint rule {rule.id}",
                partial(_switch_rule, window, rule.id, rule.id in off), rule.title, browsable=False,
            )
            for rule in RULES
        ),
    ]  # fmt: skip


def _filter(window: MainWindow, text: str) -> None:
    window.events.filter.replace_text(text)
    window.open_room(EVENTS)


def _switch_rule(window: MainWindow, rule: str, on: bool) -> None:
    window.contract.switch(rule, on)


def _reconnects(window: MainWindow) -> list[Command]:
    windows = window.reconnect_windows
    do = windows.commands
    return [
        Command("Reconnect lab …", windows.open_lab, keywords="attempts delays plot", browsable=False),
        Command("Refuse connections …", windows.open_refuse, keywords="flap close all clients", browsable=False),
        *(
            Command(f"Refuse the next {what} (503)", partial(do.refuse, number=number), browsable=False)
            for what, number in REFUSALS.items()
        ),
        Command("Accept connections", do.accept, keywords="refuse", browsable=False),
    ]


def _recordings(window: MainWindow) -> list[Command]:
    names = [each.name for each in window.companion.saved_sessions.all if each.kind == "recording"]
    runs = window.companion.recording_store.names_of_files()
    return [
        Command("Open recording …", lambda: window.recordings.ask_for_file(), "file"),
        Command("Bug report of this run …", lambda: window.recordings.report(), "bundle zip recording"),
        *(
            Command(f"Open recording: {name}", partial(window.open_recording, name), browsable=False)
            for name in [*runs, *names]
        ),
    ]


def _settings(window: MainWindow) -> list[Command]:
    return [
        Command(f"Settings: {title}", partial(window.open_setting, name), name, Section.SETTINGS, browsable=False)
        for name, title in SETTING_TITLES.items()
    ]


def _help(window: MainWindow) -> list[Command]:
    try:
        pages = window.manual.entries
    except ManualMissing:
        pages = ()
    return [
        Command("First steps", window.show_first_steps, "", Section.HELP, keywords="tour welcome"),
        Command("Keyboard shortcuts", window.show_shortcuts, "?", Section.HELP),
        Command("About: versions and licences", window.open_about, "", Section.HELP),
        *(Command(f"Help: {each.title}", partial(window.open_help, each.name), "", Section.HELP) for each in pages),
    ]


class RecentCommands:
    """The keys of the commands that were used last, in the window's state file."""

    def __init__(self, memory: QSettings) -> None:
        self._memory = memory

    @property
    def keys(self) -> list[str]:
        """The keys, the latest first."""
        try:
            found = json.loads(str(self._memory.value(KEY, "[]")))
        except ValueError:
            return []
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def add(self, key: str) -> None:
        """Put a key first. A long one, such as a message, is not remembered."""
        if len(key) <= MAX_CHARS:
            latest = [key, *(each for each in self.keys if each != key)]
            self._memory.setValue(KEY, json.dumps(latest[:MAX_KEYS]))
