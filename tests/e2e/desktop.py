"""Start a virtual desktop: screen, session bus, panel with a system tray, mouse and keyboard."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

from PySide6.QtGui import QImage
from typing_extensions import override

from .processes import READY_S, Program, wait_until
from .tools import artifact, need

SCREEN = (1280, 860)
PANEL_HEIGHT = 40
THICK = 5
TITLE = "P2P Chat Companion"
INDENT_OF_TOP_LEVEL = 5
WATCHER = "org.kde.StatusNotifierWatcher"
TRAYS = ("trayer", "xfce4-panel")
"""The first supports only XEmbed, the second StatusNotifier over D-Bus."""

XFCE_PANEL = f"""<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=10;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="{PANEL_HEIGHT - 8}"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
"""


class Box(NamedTuple):
    """A rectangle on the screen."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def centre(self) -> tuple[int, int]:
        """The point in the middle."""
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2


PANEL = Box(0, SCREEN[1] - PANEL_HEIGHT, *SCREEN)


class Desktop:
    """A virtual desktop. A program that is started with the environment ``env`` appears on it."""

    def __init__(self, tray: str | None = None) -> None:
        self._xdotool = need("xdotool", install="apt-get install xdotool")
        self._xwininfo = need("xwininfo", install="apt-get install x11-utils")
        self._import = need("import", install="apt-get install imagemagick")
        self._programs = ExitStack()
        # Not pytest's folder, because the path of a socket may have at most 108 characters.
        self._home = Path(tempfile.mkdtemp(prefix="desktop-"))
        self._programs.callback(shutil.rmtree, self._home, ignore_errors=True)
        self.name = "desktop"
        self.started: list[Program] = []
        self.env = {
            **dict.fromkeys(("WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "QT_STYLE_OVERRIDE"), ""),
            "HOME": str(self._home),
            "XDG_RUNTIME_DIR": str(self._home),
            **{f"XDG_{kind}_HOME": str(self._home / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA", "STATE")},
            "QT_QPA_PLATFORM": "xcb",
            "NO_AT_BRIDGE": "1",
            "LC_ALL": "C.UTF-8",
        }
        try:
            self._open_screen()
            self._open_bus()
            if tray:
                self.start_tray(tray)
        except BaseException as error:
            self._programs.close()
            error.add_note(str(self))
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._programs.close()

    @override
    def __str__(self) -> str:
        return "\n".join(map(str, self.started))

    def start_tray(self, tray: str) -> None:
        """Start a panel with a system tray, and wait until it is visible."""
        if tray == "trayer":
            self._start("trayer", *["--edge", "bottom", "--align", "right", "--height", "24", "--tint", "0xdddddd"])
        else:
            channels = self._home / "config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
            channels.mkdir(parents=True)
            (channels / "xfce4-panel.xml").write_text(XFCE_PANEL)
            self._start("xfce4-panel", "--disable-wm-check")
            wait_until(
                lambda: WATCHER in self._call_bus("ListNames"), "the panel's StatusNotifier watcher", READY_S
            )
        wait_until(lambda: f'"{tray}"' in self._tree(), f"{tray}'s window", READY_S)

    def status_notifiers(self) -> int:
        """Return the number of icons that are registered over D-Bus (StatusNotifier)."""
        output = self._call_bus(
            "Get", f"string:{WATCHER}", "string:RegisteredStatusNotifierItems",
            to=WATCHER, path="/StatusNotifierWatcher", interface="org.freedesktop.DBus.Properties",
        )  # fmt: skip
        return output.count('string "')

    def embedded_icons(self) -> int:
        """Return how many of the companion's windows are embedded in another program's window (XEmbed)."""
        ours = re.findall(rf'^( +)0x[0-9a-f]+ "{TITLE}"', self._tree(), re.M)
        return sum(1 for indent in ours if len(indent) > INDENT_OF_TOP_LEVEL)

    # read the screen

    def screenshot(self, keep: str | None = None) -> QImage:
        """Take a screenshot of the whole screen. ``keep`` is a file name under which it is kept."""
        file = artifact(keep) if keep else self._home / "screenshot.png"
        self._run(self._import, "-window", "root", str(file))
        picture = QImage(str(file))
        assert not picture.isNull(), file
        return picture

    def windows(self) -> list[str]:
        """Return the numbers of the companion's visible main windows."""
        found = self._run(self._xdotool, "search", "--onlyvisible", "--name", f"^{TITLE}$", may_fail=True)
        return [each for each in found.split() if self.place(each).right - self.place(each).left > 400]

    def window(self) -> str:
        """Wait until a main window is visible, and return its number."""
        return str(wait_until(self.windows, "the window")[0])

    def named(self, title: str) -> list[str]:
        """Return the visible windows with this title."""
        return self._run(self._xdotool, "search", "--onlyvisible", "--name", f"^{title}$", may_fail=True).split()

    def focused(self) -> str:
        """Return the window with the keyboard focus."""
        return self._run(self._xdotool, "getwindowfocus", "-f").strip()

    def place(self, window: str) -> Box:
        """Return the position of a window."""
        output = self._run(self._xdotool, "getwindowgeometry", "--shell", window)
        known = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", output)}
        return Box(known["X"], known["Y"], known["X"] + known["WIDTH"], known["Y"] + known["HEIGHT"])

    # mouse and keyboard

    def click(self, point: tuple[int, int], button: int = 1) -> None:
        """Move the mouse to a point, and click."""
        x, y = map(str, point)
        self._run(self._xdotool, "mousemove", x, y, "sleep", "0.1", "click", str(button))

    def press(self, *keys: str) -> None:
        """Press keys. The window with the focus receives them."""
        self._run(self._xdotool, "key", "--delay", "60", *keys)

    def focus(self, window: str) -> None:
        """Give a window the keyboard focus, because this desktop has no window manager."""
        self._run(self._xdotool, "windowfocus", "--sync", window)

    def focus_nothing(self) -> None:
        """Take the keyboard focus from every window of the companion, as if another program had it."""
        found = re.search(r"Window id: (0x[0-9a-f]+)", self._run(self._xwininfo, "-root"))
        assert found
        self._run(self._xdotool, "windowfocus", str(int(found[1], 16)))

    # helpers

    def _open_screen(self) -> None:
        size = f"{SCREEN[0]}x{SCREEN[1]}x24"
        screen = self._start("Xvfb", "-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp", "-noreset")
        self.env["DISPLAY"] = ":" + screen.wait_for_line(r"^(\d+)$", timeout=READY_S)[1]

    def _open_bus(self) -> None:
        address = f"unix:path={self._home / 'bus'}"
        bus = self._start("dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address={address}")
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus.wait_for_line(r"^(unix:.+)$", timeout=READY_S)[1]

    def _start(self, command: str, *options: str) -> Program:
        package = {"Xvfb": "xvfb", "dbus-daemon": "dbus"}.get(command, command)
        path = need(command, install=f"apt-get install {package}")
        program = Program(command, path, *options, env=self.env)
        self.started.append(program)
        return self._programs.enter_context(program)

    def _tree(self) -> str:
        return self._run(self._xwininfo, "-root", "-tree")

    def _call_bus(
        self, method: str, *arguments: str, to: str = "org.freedesktop.DBus", path: str = "/org/freedesktop/DBus",
        interface: str = "org.freedesktop.DBus",
    ) -> str:  # fmt: skip
        send = need("dbus-send", install="apt-get install dbus")
        return self._run(
            send, "--session", "--print-reply", f"--dest={to}", path, f"{interface}.{method}", *arguments,
            may_fail=True,
        )  # fmt: skip

    def _run(self, *command: str, may_fail: bool = False) -> str:
        done = subprocess.run(
            command, env={**os.environ, **self.env}, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode and not may_fail:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout


def find(picture: QImage, colours: Collection[str], within: Box) -> Box | None:
    """Return the box around the areas in one of ``colours`` (``#rrggbb``), or None. Thin lines are ignored."""
    wanted = {int(colour[1:], 16) for colour in colours}

    def filled(x: int, y: int) -> bool:
        return all(
            picture.pixel(x + dx, y + dy) & 0xFFFFFF in wanted for dx, dy in ((0, 0), (THICK, 0), (0, THICK))
        )

    return _around(
        (x, y)
        for x in range(within.left, within.right - THICK)
        for y in range(within.top, within.bottom - THICK)
        if filled(x, y)
    )


def difference(before: QImage, after: QImage, within: Box) -> Box | None:
    """Return the box around the pixels that have changed, or None."""
    return _around(
        (x, y)
        for x in range(within.left, within.right)
        for y in range(within.top, within.bottom)
        if before.pixel(x, y) != after.pixel(x, y)
    )


def _around(points: Iterable[tuple[int, int]]) -> Box | None:
    found = list(points)
    if not found:
        return None
    xs, ys = zip(*found, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))
