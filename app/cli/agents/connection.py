"""The HTTP client with which ``companion mcp`` calls the control API. A failed call raises ``AgentError``.

It uses the agent token, which has fewer rights than the main token: the one in the environment variable, or one
that the companion returns or creates at the first call, if the setting ``agents`` allows coding agents. The setting
is read before every call, so that switching it off takes effect at once.
"""

import http.client
import json
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app.system import agent_token, control_token, instance
from app.system.control_token import TokenError
from app.system.paths import Folders

HOST = "127.0.0.1"
TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 256 * 1024 * 1024
NOT_RUNNING = "No companion is running. Ask the user to start one with `companion` or `companion serve`."
NOT_ALLOWED = (
    "Coding agents may not use this companion. Ask the user to switch on Settings › Allow coding agents, or to run "
    "`companion server settings agents=true`."
)
NO_TOKEN = (
    f"The companion's token cannot be read. Ask the user to set {agent_token.VARIABLE} to the output of "
    "`companion token --agent`."
)
NOT_A_COMPANION = "Another program answered at the companion's address. Ask the user to restart the companion."
TOO_LARGE = f"The response has more than {MAX_ANSWER_BYTES // 1024 // 1024} MB. Ask for less at once."
REJECTED = "The companion rejected the token. Call again. If that fails too, ask the user to restart the companion."
REJECTED_GIVEN = (
    f"The companion rejected the token in {agent_token.VARIABLE}. Ask the user to set it to the output of "
    "`companion token --agent`, and to restart the MCP server."
)


class AgentError(Exception):
    """A call that failed. The text tells the agent the reason, and often what to ask the user for."""


class _Rejected(AgentError):
    """The token was rejected."""


class Connection:
    """Calls the control API of the running companion of a data folder. It is found again at every call."""

    def __init__(self, data_dir: Path | None) -> None:
        self._folders = Folders.of(data_dir)
        self._token = self._wrong_token = ""
        try:
            self._token = agent_token.given()
        except TokenError as error:
            self._wrong_token = str(error)
        self._token_is_given = bool(self._token)
        self._pid = 0

    def call(
        self, method: str, path: str, body: Any = None, *, more_s: float = 0.0, as_text: bool = False, **query: Any
    ) -> Any:
        """Send a request, and return the JSON or the text of the response. Blocks. Raises ``AgentError``."""
        if self._wrong_token:
            raise AgentError(f"{self._wrong_token} Ask the user to correct it, and to restart the MCP server.")
        found = instance.find(self._folders.instance_file)
        port = instance.control_port(found) if found and found.control else None
        if found is None or port is None:
            raise AgentError(NOT_RUNNING)
        if found.pid != self._pid and not self._token_is_given:
            self._token = ""
        try:
            if not self._token:
                self._token = self._obtained(port, found)
            elif not _is_allowed(port, self._token):
                raise AgentError(NOT_ALLOWED)
            self._pid = found.pid
            content = _send(port, self._token, method, path, body, query, TIMEOUT_S + more_s)
        except _Rejected:
            if self._token_is_given:
                raise AgentError(REJECTED_GIVEN) from None
            self._token = ""
            raise
        if as_text:
            return content.decode(errors="replace")
        return _json(content) if content else {}

    def _obtained(self, port: int, found: instance.Instance) -> str:
        """Return the agent token. The main token is used only for this."""
        try:
            file = Path(found.token_file) if found.token_file else None
            main = control_token.read(found.token_in, file, instance.folder_of(found, self._folders.runtime))
        except TokenError:
            main = None
        if main is None:
            raise AgentError(NO_TOKEN)
        if not _is_allowed(port, main.value):
            raise AgentError(NOT_ALLOWED)
        answer = _json(_send(port, main.value, "POST", "/v1/tokens/agent", None, {}, TIMEOUT_S))
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise AgentError(NO_TOKEN)
        return token


def _is_allowed(port: int, token: str) -> bool:
    settings = _json(_send(port, token, "GET", "/v1/settings", None, {}, TIMEOUT_S))
    values = settings.get("values") if isinstance(settings, dict) else None
    return isinstance(values, dict) and values.get("agents") is True


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise AgentError(NOT_A_COMPANION) from None


def _send(
    port: int, token: str, method: str, path: str, body: Any, query: dict[str, Any], timeout_s: float
) -> bytes:
    pairs = {
        name: str(int(each)) if isinstance(each, bool) else each for name, each in query.items() if each is not None
    }
    headers = {"Authorization": f"Bearer {token}"}
    payload = None
    if body is not None:
        payload, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    target = path + (f"?{urlencode(pairs)}" if pairs else "")
    if len(target) > instance.MAX_TARGET:
        raise AgentError(instance.TARGET_TOO_LONG)
    try:
        with closing(http.client.HTTPConnection(HOST, port, timeout=timeout_s)) as connection:
            connection.request(method, target, payload, headers)
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER_BYTES + 1)
            if answer.length and len(content) <= MAX_ANSWER_BYTES:  # read(amount) does not report a short body
                raise http.client.IncompleteRead(content, answer.length)
    except (OSError, http.client.HTTPException) as error:
        raise AgentError(f"The companion does not answer: {error}.") from None
    if len(content) > MAX_ANSWER_BYTES:
        raise AgentError(TOO_LARGE)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise _Rejected(REJECTED)
    if answer.status >= 400:
        raise AgentError(_reason(content, answer.status))
    return content


def _reason(content: bytes, status: int) -> str:
    try:
        problem = json.loads(content)
        wrong = [f"{each['path']}: {each['message']}." for each in problem.get("problems", [])]
        return " ".join(wrong) or str(problem["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"The companion answered with HTTP status {status}. It may have a different version."
