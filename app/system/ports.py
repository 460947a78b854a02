"""Who holds a port, where the system tells."""


def holder(port: int) -> str | None:
    """Return ``node (pid 4711)`` for the process that listens on ``port``, or None when the system won't say."""
    import psutil

    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
                return f"{psutil.Process(each.pid).name()} (pid {each.pid})"
    except (psutil.Error, OSError):
        return None
    return None
