"""Find the process that listens on a port, if the system reports it."""

import os

OWN_PROCESS = "this companion itself"


def holder(port: int) -> str | None:
    """Return the process that listens on ``port``: ``node (pid 4711)`` or ``OWN_PROCESS``; None if unknown."""
    import psutil

    def listens(connection: "psutil._ntuples.sconn | psutil._ntuples.pconn") -> bool:
        return bool(connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port)

    try:
        # On macOS, only root may list the connections of all processes.
        if any(map(listens, psutil.Process().net_connections("tcp"))):
            return OWN_PROCESS
        for each in filter(listens, psutil.net_connections("tcp")):
            if each.pid and each.pid != os.getpid():
                return f"{psutil.Process(each.pid).name()} (pid {each.pid})"
    except (psutil.Error, OSError):
        return None
    return None
