"""A REST request of the UI with its answer, for observers: every one of them, whether or not it is logged."""

from typing import NamedTuple


class RestExchange(NamedTuple):
    """``request`` and ``response`` are the bodies. ``origin`` and ``user_agent`` tell whose page called.

    ``started`` and ``ended`` are monotonic seconds.
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
