"""The HTTP client of the control API: ``Control.call`` sends any request, and returns the JSON of the response.
The operations that tests call are not here: they are methods of ``Companion`` (see ``client``) and of the classes
in ``parts``. Calls block. An error response or a missing one raises an exception of ``errors``.
"""

import http.client
import json
from string import punctuation
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pytest_p2p_companion.errors import CompanionError, RequestError

__tracebackhide__ = True  # the report of a failed test shows the line of the test, not those of this module

TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 256 * 1024 * 1024
NOT_UNICODE = "The request contains a lone surrogate, which is not valid Unicode."


class Control:
    """Sends requests to the control API at ``url``, which must be on the loopback address."""

    def __init__(self, url: str, token: str) -> None:
        try:
            address = urlsplit(url)
            host, port = address.hostname, address.port
        except ValueError:
            host, port = None, None
        if host != "127.0.0.1" or port is None:  # never send the token to another machine
            raise CompanionError(f"{url} is not the address of a control API. It looks like http://127.0.0.1:8082.")
        self.url = url
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}"}

    def call(
        self, method: str, path: str, body: Any = None, *, waits: float = 0.0, query: dict[str, Any] | None = None
    ) -> Any:
        """Send a request and return the JSON of the response; None if it is empty.

        Characters of the path that a URL cannot contain are quoted. ``body`` is sent as JSON, or as text if it is a
        ``str``. ``waits`` is added to the timeout, in seconds.
        Raises ``RequestError`` if the companion rejects it, and ``CompanionError`` if it does not answer, or not
        completely.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        words = {name: int(value) if isinstance(value, bool) else value for name, value in given.items()}
        headers = dict(self._headers)
        payload = None
        try:
            target = quote(path, safe=punctuation) + (f"?{urlencode(words)}" if words else "")
            if isinstance(body, str):
                payload, headers["Content-Type"] = body.encode(), "text/plain; charset=utf-8"
            elif body is not None:
                payload, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        except UnicodeEncodeError:
            raise RequestError(NOT_UNICODE, 400) from None
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S + waits)
        try:
            connection.request(method, target, payload, headers)
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER_BYTES)
            if answer.length:  # read(amount) does not report that the body is too short
                raise http.client.IncompleteRead(content, answer.length)
        except (OSError, http.client.HTTPException) as error:
            raise CompanionError(f"The companion at {self.url} does not answer: {error}.") from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise RequestError(_problem(answer.status, content), answer.status)
        try:
            return json.loads(content) if content else None
        except (ValueError, RecursionError):
            raise CompanionError(f"The program at {self.url} is not a companion: its answer is not JSON.") from None


def _problem(status: int, content: bytes) -> str:
    """Return the sentences of an error response."""
    try:
        problem = json.loads(content)
        parts = [f"{each['path']}: {each['message']}" for each in problem.get("problems", ())]
        return "\n".join(parts) or str(problem["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"Unexpected response (HTTP status {status}): the companion may have a different version."
