"""A second start hands its arguments to the first: a local socket, one line of JSON, version 1."""

import hashlib
import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDeadlineTimer, QObject, QThread, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

VERSION = 1
ANSWER_MS = 2000
MAX_BYTES = 16 * 1024


def _name(folder: Path) -> str:
    """Return a name that is the same for the same folder and short enough for every system."""
    return "p2p-chat-companion-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def hand_over(folder: Path, arguments: dict[str, Any]) -> bool:
    """Give ``arguments`` to the companion that runs with ``folder``; False when none answers."""
    socket = QLocalSocket()
    # The first may hold the lock already, but not listen yet.
    deadline = QDeadlineTimer(ANSWER_MS)
    while not (socket.connectToServer(_name(folder)) or socket.waitForConnected(100)):
        if deadline.hasExpired():
            return False
        QThread.msleep(50)
    socket.write(json.dumps({"version": VERSION, "arguments": arguments}).encode() + b"\n")
    answered = socket.waitForBytesWritten(ANSWER_MS) and socket.waitForReadyRead(ANSWER_MS)
    return bool(answered) and bytes(socket.readAll().data()).strip() == b"ok"


class FirstInstance(QObject):
    """Listens for later starts. Hold the instance lock before you build it."""

    handed_over = Signal(dict)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._open: set[QLocalSocket] = set()
        self._server = QLocalServer()
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(_name(folder))  # one that a crash left behind
        self._server.newConnection.connect(self._accept)
        if not self._server.listen(_name(folder)):
            log.info("later starts cannot reach this one: %s", self._server.errorString())

    def close_down(self) -> None:
        """Stop listening, and end what is open before Qt's server deletes it behind Python's back."""
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
            said = json.loads(bytes(socket.readLine(MAX_BYTES).data()))
            if said["version"] != VERSION or not isinstance(said["arguments"], dict):
                raise ValueError("another version")
        except (ValueError, KeyError, TypeError, RecursionError):
            socket.write(b"not understood\n")
        else:
            socket.write(b"ok\n")
            self.handed_over.emit(said["arguments"])
        socket.flush()
        socket.disconnectFromServer()
