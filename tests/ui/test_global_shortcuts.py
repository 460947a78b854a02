"""System-wide shortcuts: registering keys, and errors if a key cannot be registered."""

import ctypes
import sys
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from app.system.key_combination import FUNCTION_KEYS, KeyCombination, parse
from app.ui.global_shortcuts import Act, Backend, GlobalShortcuts, advice, system_backend
from app.ui.global_shortcuts.windows import WM_HOTKEY, WindowsBackend, virtual_key
from app.ui.global_shortcuts.x11 import keysym


class FakeBackend:
    """A backend that records the registered keys. It rejects the keys in ``taken``."""

    def __init__(self) -> None:
        self.keys: dict[str, Act] = {}
        self.taken: set[str] = set()
        self.opened = self.closed = 0

    def open(self) -> Backend:
        self.opened += 1
        return self

    def register(self, keys: KeyCombination, act: Act) -> str:
        if str(keys) in self.taken:
            return "another program uses it"
        self.keys[str(keys)] = act
        return ""

    def clear(self) -> None:
        self.keys.clear()

    def close(self) -> None:
        self.clear()
        self.closed += 1


class ShortcutRecorder:
    """The shortcuts of a program, with the actions that they ran and the reported failures."""

    def __init__(self, backend: FakeBackend) -> None:
        self.done: list[str] = []
        self.failures: list[tuple[str, str]] = []
        actions = {name: lambda name=name: self.done.append(name) for name in ("repeat", "bar")}
        self.shortcuts = GlobalShortcuts(actions, lambda name, why: self.failures.append((name, why)), backend.open)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def recorder(backend: FakeBackend) -> ShortcutRecorder:
    return ShortcutRecorder(backend)


def test_without_keys_the_backend_is_not_opened(backend: FakeBackend, recorder: ShortcutRecorder) -> None:
    recorder.shortcuts.use({"repeat": "", "bar": " "})
    recorder.shortcuts.close()
    assert backend.opened == backend.closed == 0


def test_keys_are_registered_changed_and_unregistered(backend: FakeBackend, recorder: ShortcutRecorder) -> None:
    recorder.shortcuts.use({"repeat": "ctrl+alt+r", "bar": ""})
    backend.keys["Ctrl+Alt+R"]()
    assert recorder.done == ["repeat"]
    recorder.shortcuts.use({"repeat": "", "bar": "F9"})
    assert list(backend.keys) == ["F9"]
    backend.keys["F9"]()
    assert recorder.done == ["repeat", "bar"]
    recorder.shortcuts.use({"repeat": "", "bar": " "})
    assert backend.keys == {}
    recorder.shortcuts.close()
    assert (backend.opened, backend.closed, recorder.failures) == (1, 1, [])


def test_a_key_of_another_program_is_reported_and_other_keys_work(
    backend: FakeBackend, recorder: ShortcutRecorder
) -> None:
    backend.taken.add("Ctrl+Alt+R")
    recorder.shortcuts.use({"repeat": "Ctrl+Alt+R", "bar": "F9"})
    assert list(backend.keys) == ["F9"]
    assert recorder.failures == [
        ("repeat", "The system-wide shortcut Ctrl+Alt+R does not work: another program uses it.")
    ]


def test_a_system_without_support_is_reported() -> None:
    failures: list[str] = []
    shortcuts = GlobalShortcuts({"repeat": print}, lambda _, why: failures.append(why), lambda: None)
    shortcuts.use({"repeat": "F9"})
    assert failures == [
        "The system-wide shortcut F9 does not work: this system does not let programs register shortcuts."
    ]
    shortcuts.close()


def test_the_advice_depends_on_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {}
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for platform in ("xcb", "windows", "wayland", "cocoa"):
        monkeypatch.setattr(QGuiApplication, "platformName", lambda platform=platform: platform)
        texts[platform] = advice("companion trigger --last")
    assert texts["xcb"] == texts["windows"]
    assert "Ctrl+Alt+R" in texts["xcb"]
    assert texts["wayland"] == texts["cocoa"]
    assert texts["wayland"].endswith("to the command: companion trigger --last")
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert advice("companion trigger --last") == texts["wayland"]
    assert system_backend() is None


# Windows


class User32:
    """A replacement for the functions of user32.dll."""

    def __init__(self) -> None:
        self.registered: dict[int, tuple[int, int]] = {}
        self.accepts = True

    def RegisterHotKey(self, window: None, number: int, modifiers: int, key: int) -> int:
        if self.accepts:
            self.registered[number] = (modifiers, key)
        return int(self.accepts)

    def UnregisterHotKey(self, window: None, number: int) -> int:
        del self.registered[number]
        return 1


class Message(ctypes.Structure):
    """The structure MSG of the Windows API."""

    _fields_ = (
        ("window", ctypes.c_void_p), ("message", ctypes.c_uint), ("wParam", ctypes.c_size_t),
        ("lParam", ctypes.c_ssize_t), ("time", ctypes.c_uint32), ("x", ctypes.c_int32), ("y", ctypes.c_int32),
    )  # fmt: skip


def test_windows_hot_keys_are_registered_without_repeat_and_run_their_action(qapp: object) -> None:
    library, done = User32(), []
    backend = WindowsBackend(library)
    assert backend.register(parse("Ctrl+Alt+R"), lambda: done.append("R")) == ""
    assert backend.register(parse("Meta+Shift+F5"), lambda: done.append("F5")) == ""
    assert library.registered == {1: (0x4000 | 0x2 | 0x1, ord("R")), 2: (0x4000 | 0x8 | 0x4, 0x74)}
    for number, handled in ((2, True), (7, False)):
        message = Message(None, WM_HOTKEY, number)
        assert backend.nativeEventFilter(b"windows_dispatcher_MSG", ctypes.addressof(message)) == (handled, 0)
    other = Message(None, 0x100, 1)
    assert backend.nativeEventFilter(b"windows_generic_MSG", ctypes.addressof(other)) == (False, 0)
    assert done == ["F5"]
    backend.close()
    assert library.registered == {}


def test_an_error_of_registerhotkey_is_reported(qapp: object, monkeypatch: pytest.MonkeyPatch) -> None:
    library = User32()
    library.accepts = False
    for code, reason in ((1409, "another program uses it"), (5, "Windows error 5")):
        monkeypatch.setattr(ctypes, "get_last_error", lambda code=code: code, raising=False)
        assert WindowsBackend(library).register(parse("F9"), print) == reason


@pytest.mark.skipif(sys.platform != "win32", reason="registers a key with Windows")
def test_windows_delivers_a_hot_key_and_rejects_it_for_a_second_backend(qapp: QCoreApplication) -> None:
    if sys.platform != "win32":  # mypy knows these functions only on Windows
        raise NotImplementedError
    done: list[str] = []
    user32 = ctypes.WinDLL("user32")
    backend, other = WindowsBackend(), WindowsBackend()
    keys = parse("Ctrl+Alt+Shift+F11")
    assert backend.register(keys, lambda: done.append("F11")) == ""
    assert other.register(keys, print) == "another program uses it"
    user32.PostThreadMessageW(ctypes.WinDLL("kernel32").GetCurrentThreadId(), WM_HOTKEY, 1, 0)
    for _ in range(100):
        qapp.processEvents()
    assert done == ["F11"]
    backend.close()
    assert other.register(keys, print) == ""
    other.close()


# key codes


@pytest.mark.parametrize(
    ("key", "x11", "windows"),
    [
        ("A", 0x61, 0x41), ("Z", 0x7A, 0x5A), ("0", 0x30, 0x30), ("F1", 0xFFBE, 0x70), ("F24", 0xFFD5, 0x87),
        ("Space", 0x20, 0x20), ("PageUp", 0xFF55, 0x21), ("Pause", 0xFF13, 0x13),
    ],
)  # fmt: skip
def test_codes_of_keys(key: str, x11: int, windows: int) -> None:
    assert (keysym(key), virtual_key(key)) == (x11, windows)


def test_every_key_has_a_code_on_both_systems() -> None:
    from app.system.key_combination import _KEYS

    keys: Any = _KEYS.values()
    assert len({keysym(key) for key in keys}) == len({virtual_key(key) for key in keys}) == len(keys)
    assert set(FUNCTION_KEYS) <= set(keys)
