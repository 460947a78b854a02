"""What the process tells its caller when it ends."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; ``companion --help`` lists them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BUSY = 3
    NOT_RUNNING = 4
