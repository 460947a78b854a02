"""Start a private PostgreSQL in a temporary folder, as an unprivileged user if the tests run as root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

BINARIES = Path("/usr/lib/postgresql")
USER = "postgres"


def folder() -> Path | None:
    """Return the folder of ``initdb`` and ``postgres``, or None if PostgreSQL is not installed."""
    if sys.platform == "win32":
        return None
    found = sorted(BINARIES.glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


@contextmanager
def cluster(binaries: Path) -> Iterator[str]:
    """Run a server that listens only on a socket in a temporary folder. Yield its connection string."""
    home = Path(mkdtemp(prefix="companion-pg-"))
    drop: dict[str, Any] = {}
    if os.geteuid() == 0:
        import pwd

        user = pwd.getpwnam(USER)
        os.chown(home, user.pw_uid, user.pw_gid)
        drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def run(*command: str | Path) -> None:
        # Output goes to a file: the server would keep a pipe open.
        with (home / "output").open("ab") as output:
            result = subprocess.run(
                command, cwd=home, stdout=output, stderr=output, stdin=subprocess.DEVNULL, timeout=60, check=False,
                **drop,
            )  # fmt: skip
        assert result.returncode == 0, (home / "output").read_text("utf-8")

    data = home / "data"
    try:
        run(binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync=off"
        run(binaries / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
        try:
            yield f"host={home} user={USER} dbname=postgres"
        finally:
            run(binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
