"""The HTTP client of the control API for commands: finds the running companion and its token, and sends requests.
If a request fails or its response is not complete, it prints an error and ends the command with an exit code.
``fail`` does that for any error of a command. ``companion mcp`` has its own client (``agents/connection.py``).
"""

import http.client
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

import typer

from app.protocol.counts import count_with
from app.system import agent_token, control_token, instance
from app.system.control_token import Token, TokenError
from app.system.exit_codes import Exit
from app.system.paths import Folders
from app.system.terminal import error_lines, say

HOST = "127.0.0.1"
TIMEOUT_S = 30.0
POLL_S = 0.05
NOT_RUNNING = (
    "No companion is running{where}. Start one with `companion` (with a window) or `companion serve` (without)."
)
UNEXPECTED_ADDRESS = "{} contains an invalid address for the {}. Quit the companion and start it again."
NO_TOKEN = "The token does not exist yet. Start the companion once to create it."
NOT_UNICODE = "A value contains a lone surrogate, which is not valid Unicode. Arguments must be UTF-8."
UNKNOWN_TOKEN = (
    "This command cannot read the running companion's token. Copy it in the window (Settings › "
    f"Copy token) and set it as {control_token.VARIABLE}, or start the companion with --token-file FILE."
)


class Control:
    """HTTP client of one running companion. Every failure prints an error and raises ``typer.Exit``."""

    def __init__(self, data_dir: Path | None, wait_s: float = 0.0, *, otherwise: str = "") -> None:
        """Find the companion of ``data_dir``. Wait up to ``wait_s`` seconds for it to start.

        ``otherwise`` is a sentence for the error that none is running: what to do instead.
        """
        folders = Folders.of(data_dir)
        deadline = time.monotonic() + wait_s
        while not ((found := instance.find(folders.instance_file)) and found.control):
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_S)
        if found is None:
            sentence = NOT_RUNNING.format(where=f" with {data_dir}" if data_dir else "")
            fail(f"{sentence} {otherwise}".rstrip(), Exit.NOT_RUNNING)
        if not found.control:
            fail(
                "The control API of the running companion is off, or its port is busy. "
                "Check its Settings, or start it without --no-control.",
                Exit.NOT_RUNNING,
            )
        port = instance.control_port(found)
        if port is None:  # never send the token to another address
            fail(UNEXPECTED_ADDRESS.format(folders.instance_file, "control API"), Exit.FAILED)
        self._port = port
        self._token_variable = agent_token.VARIABLE
        """The variable that contains the token; empty if it is kept elsewhere."""
        if not (value := _given_agent_token()):
            token = read_token(found, folders)
            value = token.value
            self._token_variable = control_token.VARIABLE if token.kept_in == "environment" else ""
        self._headers = {"Authorization": f"Bearer {value}"}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        text: str | None = None,
        timeout_s: float = TIMEOUT_S,
        more_s: float = 0.0,
        invalid: Exit = Exit.USAGE,
        conflict: Exit = Exit.FAILED,
        missing: Exit = Exit.USAGE,
        **query: Any,
    ) -> Any:
        """Send a request and return the JSON of the response.

        The timeout is ``timeout_s`` plus ``more_s``. ``invalid`` is the exit code if the companion rejects the
        request as invalid, ``conflict`` the one if the request conflicts with its state, ``missing`` the one if
        something that it names does not exist.
        """
        answer = self._send(method, path, body, text, timeout_s + more_s, query)
        with closing(answer):
            content = self._read(answer.read)
        if answer.status >= 400:
            self._fail(answer.status, content, invalid, conflict, missing)
        return self._json(content) if content else None

    def why_no_client(self) -> str:
        """Return that no client is connected, and whether a page was refused; empty if one is connected."""
        status = self.call("GET", "/v1/status")
        return "" if status["clients"] else f"No client is connected. {status.get('refused_page', '')}".rstrip()

    def follow(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield the JSON of each row of a server-sent event stream until the companion ends it.

        The companion cuts the connection if the rows are not taken for a while, for example because the output is
        paused. If at least one row has arrived, connect again, and continue after the last one. Rows that the log
        dropped before they were sent are reported on standard error.
        """
        last_id: str | None = ""
        while last_id is not None:
            last_id = yield from self._follow_once(path, query, last_id)

    def _follow_once(self, path: str, query: dict[str, Any], last_id: str) -> Generator[Any, None, str | None]:
        """Yield rows until the connection ends. Return the last row's id if it was cut, and None at the end."""
        answer = self._send("GET", path, None, None, None, query, {"Last-Event-ID": last_id} if last_id else {})
        if answer.status >= 400:
            with closing(answer):
                self._fail(answer.status, self._read(answer.read))
        rest, event_id, last_id = b"", "", ""
        with closing(answer):
            while True:
                try:
                    part = _complete(answer.read1(), answer)
                except (OSError, http.client.HTTPException) as error:
                    if last_id:
                        return last_id
                    self._fail_lost(error)
                if not part:
                    return None
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if line.startswith(b"id: "):
                        event_id = line[4:].decode(errors="replace").strip()
                    elif line.startswith(b'data: {"seq"'):
                        yield self._json(line[6:])
                        last_id = event_id
                    elif line.startswith(b'data: {"rows"'):
                        rows = self._json(line[6:])["rows"]
                        say(f"{count_with(rows, 'row', 'is', 'are')} missing: dropped from the log too early.")

    def download(self, path: str, timeout_s: float = TIMEOUT_S, **query: Any) -> Iterator[bytes]:
        """Yield the body of a response in parts."""
        answer = self._send("GET", path, None, None, timeout_s, query)
        if answer.status >= 400:
            with closing(answer):
                self._fail(answer.status, self._read(answer.read))
        with closing(answer):
            while part := self._read(lambda: _complete(answer.read(1024 * 1024), answer)):
                yield part

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        text: str | None,
        timeout: float | None,
        query: dict[str, Any],
        more_headers: Mapping[str, str] = MappingProxyType({}),
    ) -> http.client.HTTPResponse:
        given = {name: _query_text(value) for name, value in query.items() if value is not None}
        headers = {**self._headers, **more_headers, "Connection": "close"}
        payload = None
        try:
            query_text = urlencode(given)
            if text is not None:
                payload, headers["Content-Type"] = text.encode(), "text/plain; charset=utf-8"
            elif body is not None:
                payload, headers["Content-Type"] = encoded(body), "application/json"
        except UnicodeEncodeError:
            fail(NOT_UNICODE, Exit.USAGE)
        target = path + (f"?{query_text}" if query_text else "")
        if len(target) > instance.MAX_TARGET:
            fail(instance.TARGET_TOO_LONG, Exit.USAGE)
        connection = http.client.HTTPConnection(HOST, self._port, timeout=timeout)
        try:
            connection.request(method, target, payload, headers)
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._fail_unanswered(error)

    def _read(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (OSError, http.client.HTTPException) as error:
            self._fail_lost(error)

    def _json(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            fail(
                f"Another program answers at http://{HOST}:{self._port}: its response is not JSON. "
                "Quit the companion and start it again.",
                Exit.FAILED,
            )

    def _fail_lost(self, why: Exception) -> NoReturn:
        fail(f"The connection to the companion at http://{HOST}:{self._port} was lost: {why}.", Exit.NOT_RUNNING)

    def _fail_unanswered(self, error: Exception) -> NoReturn:
        fail(f"The companion at http://{HOST}:{self._port} does not answer: {error}.", Exit.NOT_RUNNING)

    def _fail(
        self,
        status: int,
        content: bytes,
        invalid: Exit = Exit.USAGE,
        conflict: Exit = Exit.FAILED,
        missing: Exit = Exit.USAGE,
    ) -> NoReturn:
        if status == HTTPStatus.UNAUTHORIZED:
            why = "it was changed while the companion was running"
            if self._token_variable:
                why = f"{self._token_variable} contains a different token"
            fail(f"The running companion rejected the token: {why}.", Exit.FAILED)
        try:
            problem = json.loads(content)
            lines = [f"{each['path']}: {each['message']}" for each in problem.get("problems", [])]
            if any("must be text, not" in line for line in lines):
                lines.append("Quote text that looks like JSON: --set 'text=\"123\"'")
            codes = {
                HTTPStatus.BAD_REQUEST: invalid,
                HTTPStatus.UNPROCESSABLE_ENTITY: invalid,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE: invalid,
                HTTPStatus.CONFLICT: conflict,
                HTTPStatus.NOT_FOUND: missing,
            }
            detail = problem["detail"].removeprefix("The body at ")  # the user wrote options, and no body
            fail(lines or [detail], next((codes[each] for each in codes if each == status), Exit.FAILED))
        except (ValueError, KeyError, TypeError, AttributeError):
            fail(
                f"Unexpected response (HTTP status {status}): the running companion may have a different version.",
                Exit.FAILED,
            )


def _complete(part: bytes, answer: http.client.HTTPResponse) -> bytes:
    """Return a part of a body. Raise ``IncompleteRead`` if it is empty before the end that its header names.

    ``http.client`` does not report that for a part.
    """
    if not part and answer.length:
        raise http.client.IncompleteRead(b"", answer.length)
    return part


def encoded(body: Any) -> bytes:
    """Return a body as JSON in UTF-8. Escapes, which are longer, are used only for lone surrogates."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def _query_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _given_agent_token() -> str:
    try:
        return agent_token.given()
    except TokenError as error:
        fail(str(error), Exit.FAILED)


def read_token(found: instance.Instance | None, folders: Folders) -> Token:
    """Return the token of the running companion, or the one at the default location if none is running."""
    try:
        if found is None:
            token = control_token.find(None, folders)
        else:
            file = Path(found.token_file) if found.token_file else None
            token = control_token.read(found.token_in, file, instance.folder_of(found, folders.runtime))
    except TokenError as error:
        fail(str(error), Exit.FAILED)
    if token is None:
        fail(NO_TOKEN if found is None else UNKNOWN_TOKEN, Exit.FAILED)
    return token


def segment(name: str) -> str:
    """Quote a name as one segment of a URL path, or as a value in a query."""
    try:
        return quote(name, safe="")
    except UnicodeEncodeError:
        fail(NOT_UNICODE, Exit.USAGE)


def note_without_rest(control: Control) -> None:
    """Print a note on standard error if the REST stand-in is not listening, so that there are no REST calls."""
    if not control.call("GET", "/v1/status")["rest"]["listening"]:
        say("The REST stand-in is not listening, so this acts on no call until it is switched on.")


class Failure(typer.Exit):
    """The command ends with an error, whose ``text`` was printed."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(code)
        self.text = text


def fail(text: str | Sequence[str], code: Exit) -> NoReturn:
    """Print one error, or several, to standard error, and exit with ``code``."""
    texts = [text] if isinstance(text, str) else text
    for each in texts:
        say(*error_lines(each))
    raise Failure("\n".join(texts), code)
