"""The fire bar and the system-wide shortcuts on a real X11 desktop, while another window has the focus."""

from pathlib import Path

import pytest

from .conftest import Run, RunJson, Start
from .desktop import Desktop
from .processes import Companion, Program, listen, tray, wait_until
from .tools import linux_only

pytestmark = [linux_only, pytest.mark.timeout(180)]

REPEAT, SHOW = "Ctrl+Alt+R", "Ctrl+Alt+B"


def bars(desktop: Desktop) -> list[str]:
    return desktop.named("Fire bar")


@pytest.fixture
def program(desktop: Desktop, running: Start, data_dir: Path) -> Companion:
    """Return a companion with both shortcuts. Its window has the focus."""
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text(f'repeat_shortcut = "{REPEAT}"\nfire_bar_shortcut = "{SHOW}"\n')
    program: Companion = running(tray(data_dir, env=desktop.env))
    desktop.focus(desktop.window())
    return program


@pytest.fixture
def client(program: Companion, running: Start) -> Program:
    client: Program = running(listen("--port", str(program.port), "--json"))
    client.wait_for_line("^connected", among="err")
    return client


def test_a_click_on_the_bar_fires_and_the_other_window_keeps_the_focus(
    desktop: Desktop, program: Companion, client: Program, run: Run
) -> None:
    focused = desktop.focused()
    run("trigger", "friend_online", "--set", "username=zoe")
    client.wait_for_line("friend_online")
    run("open", "--fire-bar")
    bar = str(wait_until(lambda: bars(desktop), "the fire bar")[0])
    assert desktop.focused() == focused
    position = desktop.place(bar)
    desktop.screenshot("fire-bar.png")
    desktop.click((position.left + 60, position.top + 76))
    wait_until(lambda: len(client.out) == 2, "the pinned event")
    assert "new_message" in client.out[1]
    assert desktop.focused() == focused
    assert program.err == []


@pytest.mark.parametrize(
    "lock",
    ["Num_Lock", pytest.param("", marks=pytest.mark.long), pytest.param("Caps_Lock", marks=pytest.mark.long)],
)
def test_the_shortcuts_work_without_focus_and_with_num_lock_or_caps_lock(
    desktop: Desktop, program: Companion, client: Program, run: Run, lock: str
) -> None:
    run("trigger", "friend_online", "--set", "username=zoe")
    desktop.focus_nothing()
    if lock:
        desktop.press(lock)
    desktop.press("ctrl+alt+r")
    wait_until(lambda: len(client.out) == 2, "the repeated event")
    desktop.press("ctrl+alt+b")
    wait_until(lambda: bars(desktop), "the fire bar")
    desktop.press("ctrl+alt+b")
    wait_until(lambda: desktop.focused() in bars(desktop), "the fire bar to get the focus")
    desktop.press("1")
    wait_until(lambda: len(client.out) == 3, "the event of the first button")
    desktop.press("Escape")
    wait_until(lambda: bars(desktop) and desktop.focused() not in bars(desktop), "the fire bar to lose the focus")
    desktop.press("ctrl+alt+b")
    wait_until(lambda: desktop.focused() in bars(desktop), "the fire bar to get the focus again")
    desktop.press("ctrl+alt+b")
    wait_until(lambda: not bars(desktop), "the fire bar to hide")
    assert len(client.out) == 3


@pytest.mark.long
def test_shortcuts_can_be_changed_and_one_in_use_is_reported(
    desktop: Desktop,
    program: Companion,
    client: Program,
    run: Run,
    run_json: RunJson,
    running: Start,
    tmp_path: Path,
) -> None:
    run("trigger", "friend_online", "--set", "username=zoe")
    other = tmp_path / "other"
    other.mkdir()
    (other / "settings.toml").write_text(f'repeat_shortcut = "{REPEAT}"\n')
    second = running(tray(other, env=desktop.env))  # the first companion has registered the key
    desktop.focus_nothing()
    desktop.press("ctrl+alt+r")
    wait_until(lambda: len(client.out) == 2, "the repeated event")
    assert second.process.poll() is None
    assert second.err == []
    run("server", "settings", "repeat_shortcut=F9")
    desktop.press("ctrl+alt+r", "F9")
    wait_until(lambda: len(client.out) == 3, "the event repeated with the new key")
    assert run_json("server", "settings", "repeat_shortcut") == {"repeat_shortcut": "F9"}
