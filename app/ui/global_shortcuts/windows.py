"""System-wide shortcuts on Windows: registers keys with ``RegisterHotKey`` and receives them in an event filter."""

import ctypes
from ctypes import wintypes
from typing import Any

from PySide6.QtCore import QAbstractNativeEventFilter, QByteArray, QCoreApplication
from typing_extensions import override

from app.system.key_combination import FUNCTION_KEYS, KeyCombination
from app.ui.global_shortcuts import TAKEN, Act

WM_HOTKEY = 0x0312
MOD_NOREPEAT = 0x4000
ERROR_HOTKEY_ALREADY_REGISTERED = 1409
MODIFIERS = {"Alt": 0x1, "Ctrl": 0x2, "Shift": 0x4, "Meta": 0x8}
NAMED_KEYS = {
    "Space": 0x20, "PageUp": 0x21, "PageDown": 0x22, "End": 0x23, "Home": 0x24, "Insert": 0x2D, "Pause": 0x13,
}  # fmt: skip


def virtual_key(key: str) -> int:
    """Return the virtual key code of a key."""
    if key in FUNCTION_KEYS:
        return 0x70 + FUNCTION_KEYS.index(key)
    return NAMED_KEYS.get(key) or ord(key)


class WindowsBackend(QAbstractNativeEventFilter):
    """Registers hot keys of the thread that Qt runs on."""

    def __init__(self, user32: Any = None) -> None:
        """``user32`` replaces the system's library in tests."""
        super().__init__()
        self._user32 = user32 or ctypes.WinDLL("user32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
        self._actions: dict[int, Act] = {}
        self._filtering = False

    def register(self, keys: KeyCombination, act: Act) -> str:
        """Register a hot key. See ``Backend``."""
        number = len(self._actions) + 1
        modifiers = MOD_NOREPEAT | sum(MODIFIERS[each] for each in keys.modifiers)
        if not self._user32.RegisterHotKey(None, number, modifiers, virtual_key(keys.key)):
            code = _last_error()
            return TAKEN if code == ERROR_HOTKEY_ALREADY_REGISTERED else f"Windows error {code}"
        self._actions[number] = act
        if not self._filtering:
            _application().installNativeEventFilter(self)
            self._filtering = True
        return ""

    def clear(self) -> None:
        """Unregister all hot keys, and stop filtering."""
        for number in self._actions:
            self._user32.UnregisterHotKey(None, number)
        self._actions.clear()
        if self._filtering:
            _application().removeNativeEventFilter(self)
            self._filtering = False

    def close(self) -> None:
        """Unregister all hot keys."""
        self.clear()

    @override
    def nativeEventFilter(self, kind: QByteArray | bytes | bytearray | memoryview, message: int) -> object:
        found = wintypes.MSG.from_address(int(message))
        if found.message == WM_HOTKEY and (act := self._actions.get(found.wParam)):
            act()
            return True, 0
        return False, 0


def _last_error() -> int:
    return int(ctypes.get_last_error()) if hasattr(ctypes, "get_last_error") else 0


def _application() -> QCoreApplication:
    app = QCoreApplication.instance()
    assert app
    return app
