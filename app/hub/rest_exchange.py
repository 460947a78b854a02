"""``RestExchange``: one REST request of the UI with its response, for observers. Every request yields one."""

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
