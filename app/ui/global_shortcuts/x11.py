"""System-wide shortcuts on X11: grabs keys on the root window, over a connection of its own to the X server.

libxcb instead of Xlib: a checked request returns its error. With Xlib, a key that another program has grabbed ends
the process unless a process-wide error handler is installed.
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from typing import NamedTuple

from PySide6.QtCore import QSocketNotifier

from app.system.key_combination import FUNCTION_KEYS, KeyCombination
from app.ui.global_shortcuts import TAKEN, Act

SHIFT, LOCK, CONTROL, MOD1, MOD4 = 1, 2, 4, 8, 64
MODIFIERS = {"Shift": SHIFT, "Ctrl": CONTROL, "Alt": MOD1, "Meta": MOD4}
USED = SHIFT | CONTROL | MOD1 | MOD4
NUM_LOCK = 0xFF7F
NAMED_KEYS = {
    "Space": 0x20, "Insert": 0xFF63, "Home": 0xFF50, "End": 0xFF57, "PageUp": 0xFF55, "PageDown": 0xFF56,
    "Pause": 0xFF13,
}  # fmt: skip
KEY_PRESS, KEY_RELEASE, MAPPING_NOTIFY = 2, 3, 34
ASYNC = 1
BAD_ACCESS = 10


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class _Iterator(ctypes.Structure):
    _fields_ = (("data", ctypes.POINTER(ctypes.c_uint32)), ("rem", ctypes.c_int), ("index", ctypes.c_int))


class _Reply(ctypes.Structure):
    """The beginning of the replies about keys; ``per_item`` is the number of entries per key or modifier."""

    _fields_ = (("type", ctypes.c_uint8), ("per_item", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 30))


class _Error(ctypes.Structure):
    _fields_ = (("type", ctypes.c_uint8), ("code", ctypes.c_uint8))


class _KeyEvent(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_uint8), ("keycode", ctypes.c_uint8), ("sequence", ctypes.c_uint16),
        ("time", ctypes.c_uint32), ("windows", ctypes.c_uint32 * 3), ("places", ctypes.c_int16 * 4),
        ("state", ctypes.c_uint16),
    )  # fmt: skip


class Grab(NamedTuple):
    """A grabbed key: code and modifiers."""

    keycode: int
    modifiers: int


def keysym(key: str) -> int:
    """Return the keysym of a key, without Shift."""
    if key in FUNCTION_KEYS:
        return 0xFFBE + FUNCTION_KEYS.index(key)
    return NAMED_KEYS.get(key) or ord(key.lower())


class X11Backend:
    """Grabs keys. A key counts regardless of CapsLock and NumLock, and once while it is held."""

    def __init__(self) -> None:
        """Raise ``OSError`` if libxcb is missing or there is no display."""
        self._xcb = _library()
        self._free = ctypes.CDLL(None).free
        self._free.argtypes = [ctypes.c_void_p]
        self._connection = self._xcb.xcb_connect(None, None)
        if self._xcb.xcb_connection_has_error(self._connection):
            self._xcb.xcb_disconnect(self._connection)
            raise OSError("no connection to the display")
        setup = self._xcb.xcb_get_setup(self._connection)
        self._first, self._last = ctypes.cast(setup, ctypes.POINTER(ctypes.c_uint8))[34:36]
        self._root = int(self._xcb.xcb_setup_roots_iterator(setup).data[0])
        self._wanted: list[tuple[KeyCombination, Act]] = []
        self._actions: dict[Grab, Act] = {}
        self._released = (0, 0)
        """Code and time of the key that was released last."""
        self._notifier = QSocketNotifier(
            self._xcb.xcb_get_file_descriptor(self._connection), QSocketNotifier.Type.Read
        )
        self._notifier.activated.connect(self._read)

    def register(self, keys: KeyCombination, act: Act) -> str:
        """Grab a key. See ``Backend``."""
        why = self._grab(keys, act)
        if not why:
            self._wanted.append((keys, act))
        self._read()  # checking the request may have read events, too
        return why

    def clear(self) -> None:
        """Release all keys."""
        self._ungrab()
        self._wanted.clear()

    def close(self) -> None:
        """Release all keys and disconnect."""
        self._notifier.setEnabled(False)
        self._xcb.xcb_disconnect(self._connection)  # this releases the keys
        self._actions.clear()

    def _grab(self, keys: KeyCombination, act: Act) -> str:
        keycode = self._keycode(keysym(keys.key))
        if not keycode:
            return f"the keyboard layout has no key {keys.key}"
        grab = Grab(keycode, sum(MODIFIERS[each] for each in keys.modifiers))
        for locks in self._locks():
            code = self._grab_key(keycode, grab.modifiers | locks)
            if code:
                self._release(grab)
                return TAKEN if code == BAD_ACCESS else f"X11 error {code}"
        self._actions[grab] = act
        return ""

    def _grab_key(self, keycode: int, modifiers: int) -> int:
        """Grab a key. Return the code of the error, or 0."""
        xcb = self._xcb
        cookie = xcb.xcb_grab_key_checked(self._connection, 0, self._root, modifiers, keycode, ASYNC, ASYNC)
        error = xcb.xcb_request_check(self._connection, cookie)
        if not error:
            return 0
        code = int(error.contents.code)
        self._free(ctypes.cast(error, ctypes.c_void_p))
        return code

    def _ungrab(self) -> None:
        for grab in self._actions:
            self._release(grab)
        self._actions.clear()
        self._xcb.xcb_flush(self._connection)

    def _release(self, grab: Grab) -> None:
        for locks in self._locks():
            self._xcb.xcb_ungrab_key(self._connection, grab.keycode, self._root, grab.modifiers | locks)

    def _locks(self) -> tuple[int, ...]:
        """Return the states of CapsLock and NumLock in which a key must work, as modifiers."""
        num = self._num_lock()
        return (0, LOCK, num, LOCK | num) if num else (0, LOCK)

    def _num_lock(self) -> int:
        """Return the modifier of NumLock, or 0 if there is none."""
        keycode = self._keycode(NUM_LOCK)
        xcb, mapping = self._xcb, 0
        reply = xcb.xcb_get_modifier_mapping_reply(
            self._connection, xcb.xcb_get_modifier_mapping(self._connection), None
        )
        if reply:
            size = int(reply.contents.per_item)
            codes = xcb.xcb_get_modifier_mapping_keycodes(reply)[: 8 * size]
            if keycode in codes and keycode:
                mapping = 1 << (codes.index(keycode) // size)
            self._free(ctypes.cast(reply, ctypes.c_void_p))
        return mapping if not mapping & USED else 0

    def _keycode(self, wanted: int) -> int:
        """Return the code of the key that produces a keysym, preferably without a modifier; 0 if none does."""
        xcb, count = self._xcb, self._last - self._first + 1
        reply = xcb.xcb_get_keyboard_mapping_reply(
            self._connection, xcb.xcb_get_keyboard_mapping(self._connection, self._first, count), None
        )
        if not reply:
            return 0
        size = int(reply.contents.per_item)
        keysyms = xcb.xcb_get_keyboard_mapping_keysyms(reply)[: count * size]
        self._free(ctypes.cast(reply, ctypes.c_void_p))
        places = [place for place, each in enumerate(keysyms) if each == wanted]
        return self._first + min(places, key=lambda place: place % size) // size if places else 0

    def _read(self) -> None:
        """Handle the events that have arrived, and those that grabbing the keys again has read."""
        while self._handle_events():
            self._ungrab()
            for keys, act in self._wanted:
                self._grab(keys, act)

    def _handle_events(self) -> bool:
        """Call the actions of pressed keys. Return whether the keyboard layout has changed."""
        new_layout = False
        for event in self._events():
            kind = event.type & 0x7F
            if kind == KEY_RELEASE:
                self._released = (event.keycode, event.time)
            elif kind == KEY_PRESS and self._released != (event.keycode, event.time):  # not an automatic repeat
                if act := self._actions.get(Grab(event.keycode, event.state & USED)):
                    act()
            elif kind == MAPPING_NOTIFY:  # comes many times for one change
                new_layout = True
        return new_layout

    def _events(self) -> Iterator[_KeyEvent]:
        while pointer := self._xcb.xcb_poll_for_event(self._connection):
            event = _KeyEvent.from_buffer_copy(pointer.contents)
            self._free(ctypes.cast(pointer, ctypes.c_void_p))
            yield event
        if self._xcb.xcb_connection_has_error(self._connection):  # the display has gone
            self._notifier.setEnabled(False)


def _library() -> ctypes.CDLL:
    """Load libxcb and declare the functions in use. Raise ``OSError`` if it is missing."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # BSD has other numbers; the search starts programs such as ldconfig, which takes long
        xcb = ctypes.CDLL(ctypes.util.find_library("xcb") or "libxcb.so")
    pointer, u8, u16, u32 = ctypes.c_void_p, ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32
    replies = ctypes.POINTER(_Reply)
    for name, result, arguments in (
        ("xcb_connect", pointer, (ctypes.c_char_p, ctypes.POINTER(ctypes.c_int))),
        ("xcb_connection_has_error", ctypes.c_int, (pointer,)),
        ("xcb_disconnect", None, (pointer,)),
        ("xcb_flush", ctypes.c_int, (pointer,)),
        ("xcb_get_file_descriptor", ctypes.c_int, (pointer,)),
        ("xcb_get_setup", pointer, (pointer,)),
        ("xcb_setup_roots_iterator", _Iterator, (pointer,)),
        ("xcb_poll_for_event", ctypes.POINTER(_KeyEvent), (pointer,)),
        ("xcb_request_check", ctypes.POINTER(_Error), (pointer, _Cookie)),
        ("xcb_grab_key_checked", _Cookie, (pointer, u8, u32, u16, u8, u8, u8)),
        ("xcb_ungrab_key", _Cookie, (pointer, u8, u32, u16)),
        ("xcb_get_keyboard_mapping", _Cookie, (pointer, u8, u8)),
        ("xcb_get_keyboard_mapping_reply", replies, (pointer, _Cookie, pointer)),
        ("xcb_get_keyboard_mapping_keysyms", ctypes.POINTER(u32), (replies,)),
        ("xcb_get_modifier_mapping", _Cookie, (pointer,)),
        ("xcb_get_modifier_mapping_reply", replies, (pointer, _Cookie, pointer)),
        ("xcb_get_modifier_mapping_keycodes", ctypes.POINTER(u8), (replies,)),
    ):
        function = getattr(xcb, name)
        function.restype, function.argtypes = result, arguments
    return xcb
