"""Pass the arguments of a second start to the companion that runs already, through a local socket.
``hand_over`` sends them, ``FirstInstance`` receives and emits them. ``desktop/tray_app.py`` then shows the window,
changes the event port, or quits: on Windows, ``companion quit`` can use this, too. The protocol (version 1) is one
line of JSON, ``{"version": 1, "arguments": {…}}``, answered by ``ok`` or ``not understood``.
"""

import hashlib
import json
import logging
import os
import stat
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDeadlineTimer, QObject, QThread, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.system.files import kind

log = logging.getLogger(__name__)

NAME = "p2p-chat-companion"
VERSION = 1
CONNECT_MS = 2000
ANSWER_MS = 10_000
"""Longer: when a connection stands, a first instance exists. It may be busy, as at login."""
MAX_BYTES = 16 * 1024
MAX_PATH_BYTES = 90
"""A socket path may have 103 bytes (macOS), and Qt first creates one with a longer name in the same folder."""


def _name(folder: Path) -> str:
    """Return the local socket's name: a path that no other user can create first. Raises ``OSError``.

    It is in ``folder``, which is private, or in a private folder below the temporary folder if that path is too
    long for a socket. On Windows it is a name, not a path.
    """
    short = hashlib.sha256(str(folder).encode(errors="replace")).hexdigest()[:16]
    if sys.platform == "win32":
        return f"{NAME}-{short}"
    path = folder / "window.socket"
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        path = _private_folder(Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid()}") / short
    return str(path)


def _private_folder(folder: Path) -> Path:
    """Create ``folder`` if it does not exist. Raises ``OSError`` if other users could write to it."""
    if sys.platform != "win32":
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{folder} is not a private folder of yours")
    return folder


def connect(folder: Path) -> QLocalSocket | None:
    """Connect to the companion that runs with ``folder``. Return None if none listens."""
    try:
        name = _name(folder)
    except OSError:
        return None
    socket = QLocalSocket()
    socket.connectToServer(name)
    return socket if socket.waitForConnected(100) else None


def hand_over(folder: Path, arguments: dict[str, Any]) -> bool:
    """Send ``arguments`` to the companion that runs with ``folder``. Return False if none answers in time."""
    deadline = QDeadlineTimer(CONNECT_MS)
    while not (socket := connect(folder)):  # it may be busy
        if deadline.hasExpired():
            return False
        QThread.msleep(50)
    return send(socket, arguments)


def send(socket: QLocalSocket, arguments: dict[str, Any]) -> bool:
    """Send ``arguments`` to a companion. Return whether it has accepted them in time."""
    socket.write(json.dumps({"version": VERSION, "arguments": arguments}).encode() + b"\n")
    answered = socket.waitForBytesWritten(ANSWER_MS) and socket.waitForReadyRead(ANSWER_MS)
    return bool(answered) and bytes(socket.readAll().data()).strip() == b"ok"


class FirstInstance(QObject):
    """Receive the arguments of later starts. Create it only while holding the instance lock."""

    arguments_received = Signal(dict)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._open: set[QLocalSocket] = set()
        self._server = QLocalServer()
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)
        try:
            name = _name(folder)
        except OSError as error:
            log.info("later starts cannot reach this one: %s", kind(error))
            return
        QLocalServer.removeServer(name)  # left behind by a crash
        if not self._server.listen(name):
            log.info("later starts cannot reach this one: %s", self._server.serverError().name)

    def close_down(self) -> None:
        """Stop listening and close open sockets, before Qt's server deletes sockets that Python still uses."""
        for socket in tuple(self._open):
            socket.abort()
            self._forget(socket)
        self._server.close()

    def _accept(self) -> None:
        socket = self._server.nextPendingConnection()
        socket.setParent(self)
        self._open.add(socket)
        socket.disconnected.connect(partial(self._forget, socket))
        socket.readyRead.connect(partial(self._read, socket))

    def _forget(self, socket: QLocalSocket) -> None:
        if socket in self._open:
            self._open.remove(socket)
            socket.deleteLater()

    def _read(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > MAX_BYTES:
                socket.abort()
            return
        try:
            request = json.loads(bytes(socket.readLine(MAX_BYTES).data()))
            if request["version"] != VERSION or not isinstance(request["arguments"], dict):
                raise ValueError("another version")
        except (ValueError, KeyError, TypeError, RecursionError):
            socket.write(b"not understood\n")
        else:
            socket.write(b"ok\n")
            self.arguments_received.emit(request["arguments"])
        socket.flush()
        socket.disconnectFromServer()
