"""``RestExchange``: a REST request of the UI with its response, as a value for observers.
``Hub.rest_exchanges`` emits one for each request that the REST stand-in has answered, also for those without a row
in the log. There is none for a preflight, a page's report of its state, a request that the access rules reject, or
a call without an answer: a fault left it unanswered, or a breakpoint dropped it together with its connection.
"""

from typing import NamedTuple


class RestExchange(NamedTuple):
    """``request`` and ``response`` are the bodies. ``origin`` and ``user_agent`` identify the page.

    ``started`` and ``ended`` are monotonic seconds. ``seq`` is the number of the log's row, 0 if it has none.
    """

    method: str
    path: str
    query: str
    request: bytes
    status: int
    response: bytes
    origin: str
    user_agent: str
    started: float
    ended: float
    seq: int = 0
