"""Check whether an endpoint may send a WebSocket close code (RFC 6455 §7.4), and say why not."""


def may_close_with(code: int) -> bool:
    """Return whether an endpoint may send this close code."""
    return code in (*range(1000, 1004), *range(1007, 1015)) or 3000 <= code <= 4999


def why_not_sendable(code: int) -> str:
    """Return a sentence that says why a close code cannot be sent; empty if it can."""
    if may_close_with(code):
        return ""
    return f"The close code {code} cannot be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999."
