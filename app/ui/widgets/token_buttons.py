"""Buttons in Settings for the control API's tokens: copy the main token, create and copy or revoke the agent token.
The agent token is a second token, which cannot, for example, change settings, allowed origins or tokens.
Copying it creates it if there is none. Neither token is shown.
"""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.system.agent_token import LIMITS, AgentToken
from app.system.control_token import Token
from app.ui.plain_text import set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named

AGENT_TIP = (
    "Copy a second token with fewer rights: it cannot, for example, change settings, peers or tokens. "
    "It is created if it does not exist."
)


class TokenButtons(QWidget):
    """The tokens are copied and never shown. ``status_message`` has the results."""

    status_message = Signal(str)

    def __init__(self, agent_token: Callable[[], AgentToken], run: RoomTasks) -> None:
        """``agent_token`` returns the companion's agent token: opening the control API replaces it."""
        super().__init__()
        self._agent_token = agent_token
        self._run = run
        self._token: Token | None = None
        self.copy_main = named(QPushButton("Copy token"), "Copy the control API's token", tip="For scripts")
        self.copy_agent = named(QPushButton("Copy agent token"), "Copy the agent token", tip=AGENT_TIP)
        self.revoke = named(
            QPushButton("Revoke agent token"), "Revoke the agent token", tip="Make the agent token invalid"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for button in (self.copy_main, self.copy_agent, self.revoke):
            row.addWidget(button)
        row.addStretch(1)
        self.copy_main.clicked.connect(self._copy_main)
        self.copy_agent.clicked.connect(lambda: self._run(self._agent_token().create(), self._copy_created))
        self.revoke.clicked.connect(lambda: self._run(self._agent_token().revoke(), self._show_revoked))
        self.show_token(None)

    def show_token(self, token: Token | None) -> None:
        """Enable the buttons, or disable them if ``token`` is None. A tooltip says where the token is stored."""
        self._token = token
        for button in (self.copy_main, self.copy_agent, self.revoke):
            button.setEnabled(token is not None)
        if token:
            set_tooltip(self.copy_main, f"For scripts. Stored in {token.place}")

    def _copy_main(self) -> None:
        if self._token:
            QGuiApplication.clipboard().setText(self._token.value)
            self.status_message.emit("Token copied. Anyone who has it can control this companion.")

    def _copy_created(self, token: Token) -> None:
        QGuiApplication.clipboard().setText(token.value)
        self.status_message.emit(f"Agent token copied. It {LIMITS}.")

    def _show_revoked(self, existed: bool) -> None:
        self.status_message.emit("The agent token is no longer valid" if existed else "There is no agent token")
