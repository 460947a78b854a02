"""``RestExchange``: a REST request of the UI with its response, for observers and recordings.
``Hub.rest_exchanges`` emits one for each request that the REST stand-in handles, also for those without a row in
the log. Exceptions are preflights, ``GET /health``, the pages' reports of their state, and requests that the access
rules reject.
"""

from typing import NamedTuple


class RestExchange(NamedTuple):
    """``request`` and ``response`` are the bodies as the page knows them: a breakpoint may have changed the request
    for the companion, whose row then has the changed one. ``origin`` and ``user_agent`` identify the page.

    ``status`` is 0 if a fault or a breakpoint left the request without a response, or with one that the page cannot
    read. ``started`` and ``ended`` are monotonic seconds; ``ended`` is infinite while the request is handled, which
    ``Hub.rest_begun`` reports for some. ``seq`` is the number of the log's row, 0 if it has none.
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
