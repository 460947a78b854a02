"""Run the companion without a window (``companion serve``) until a signal, ``companion quit`` or, if asked to, the
end of standard input stops it.

It opens the data directory, starts the servers and prints their URLs. The event loop is uvloop's if it is
installed.
"""

import asyncio
import sys
from pathlib import Path

from app.companion import Companion
from app.control_access import ControlAccess
from app.endpoints.service import Service
from app.hub.clock import use_fine_clock
from app.system import instance
from app.system.control_token import TokenError, given
from app.system.crash import CrashReporter
from app.system.data_directory import DataDirectory, DataDirectoryError, Overrides
from app.system.descriptors import raise_descriptor_limit
from app.system.exit_codes import Exit
from app.system.ports import OWN_PROCESS
from app.system.process_signals import ignore_more, on_input_end, on_stop
from app.system.terminal import discard_output, print_lines, say


def serve(
    overrides: Overrides, data_dir: Path | None, token_file: Path | None, *, stop_with_stdin: bool = False
) -> int:
    """Run the servers until a signal stops them, or the end of standard input. Return the exit code."""
    raise_descriptor_limit()
    try:
        given(token_file)
    except TokenError as error:
        say(str(error))
        return Exit.USAGE
    try:
        data = DataDirectory.open_when_free(
            data_dir, lambda folders: instance.find(folders.instance_file) is not None
        )
    except DataDirectoryError as error:
        say(str(error))
        return error.exit
    try:
        settings = data.load(overrides)
        data.start_log(console=True)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            folders = data.folders
            companion = Companion(
                settings, chat_file=folders.chat_file, fixtures_folder=folders.fixtures,
                sessions_folder=folders.sessions, recordings_folder=folders.recordings,
                faults_folder=folders.faults, peer_keys_file=folders.peer_keys_file, events_folder=folders.events,
                supabase_key_file=folders.supabase_key_file,
                warnings=data.settings_file.warnings,
            )  # fmt: skip
            companion.current_settings.write = data.save
            access = ControlAccess(companion, folders, token_file)
            crashes = CrashReporter(folders.logs, _say)
            return runner.run(_serve(companion, access, crashes, stop_with_stdin=stop_with_stdin))
    except DataDirectoryError as error:
        say(str(error))
        return error.exit
    finally:
        data.lock.release()


async def _serve(
    companion: Companion, access: ControlAccess, crashes: CrashReporter, *, stop_with_stdin: bool
) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    use_fine_clock(loop)
    on_stop(loop, stopped.set)
    if stop_with_stdin:
        on_input_end(loop, stopped.set)
    companion.quit_program = stopped.set
    crashes.install(loop)
    await companion.open()
    if companion.newer_chat_file:
        _say(companion.newer_chat_file)
        await companion.close(keep_run=False)
        crashes.uninstall()
        return Exit.FAILED
    events, *others = companion.services
    started = await companion.start()
    _say(*companion.warnings, *companion.fixtures.warnings, *companion.event_files.warnings)
    if not started:
        advice = ""
        if OWN_PROCESS not in events.error:
            stop = "Stop it, or choose" if " listens on it." in events.error else "Choose"
            advice = f" {stop} another port with --port."
        _say(events.error + advice)
        access.close()
        await companion.close(keep_run=False)
        crashes.uninstall()
        return Exit.BUSY
    _print(f"{events.announcement} {events.server.url}")
    for service in others:
        if service.name == "control":
            continue  # it needs its token first: see _open_control
        if not await companion.start_service(service.name):
            _say(f"{service.error} {service.consequence} {remedy(service)}")
        elif service.server.listening:
            _print(f"{service.announcement} {service.server.url}")
    opening = companion.tasks.spawn(_open_control(access, companion), "open the control API")
    await stopped.wait()
    opening.cancel()
    access.close()
    await companion.close()
    crashes.uninstall()
    ignore_more(loop)
    return Exit.OK


def remedy(service: Service) -> str:
    """Return what to do about a service that does not start. Another port helps only if the port is the reason."""
    if not service.bind_failed:
        return f"To start without it, use --no-{service.name}."
    port = service.port_option or f"--{service.name}-port"
    return f"Choose another port with {port}, or turn it off with --no-{service.name}."


async def _open_control(access: ControlAccess, companion: Companion) -> None:
    """Start the control API and print its URL. Runs as a separate task, because a keyring can be slow."""
    control = companion.services["control"]
    if not await access.open():
        _say(f"{control.error} {control.consequence} See --control-port and --token-file.")
    elif control.server.listening:
        _print(f"{control.announcement} {control.server.url}")
        if access.token and access.token.notice:
            _say(access.token.notice)
        if access.token and access.token.kept_in == "memory":
            _say(f"Token: {access.token.value}")


def _print(*lines: str) -> None:
    """Print lines to standard output. The servers go on if its reader has ended, such as ``grep -m1``."""
    try:
        print_lines(*lines)
    except OSError:
        discard_output(sys.stdout)


def _say(*lines: str) -> None:
    """Print lines to standard error. The servers go on if its reader has ended."""
    try:
        say(*lines)
    except OSError:
        discard_output(sys.stderr)


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    if sys.platform == "win32":  # on a proactor loop, a reset connection closes the listening socket
        return asyncio.SelectorEventLoop
    try:
        from uvloop import Loop
    except ImportError:
        return None
    return Loop
