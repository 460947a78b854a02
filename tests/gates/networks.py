"""Network namespaces of Linux: machines with an address each, on a bridge to which this process is attached too."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.e2e.processes import wait_until

TOOLS = ("unshare", "nsenter", "ip")
HOST = "10.99.0.1"
"""The address of the process that creates the machines."""
BRIDGE = "br0"
HOLDER = ("sleep", "3600")
"""A process that keeps a namespace; it is ended with the namespace of its creator."""


def own_network() -> list[str]:
    """Return the command that runs another one in a new network namespace; empty if that is not possible."""
    if not all(map(shutil.which, TOOLS)):
        return []
    for command in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        if subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0:
            return command
    return []


class Machine(NamedTuple):
    """A network namespace with the loopback interface and one address on the bridge."""

    name: str
    address: str
    holder: subprocess.Popen[bytes]

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """Return a command that runs in the namespace."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *arguments]


def create_bridge() -> None:
    """Create the bridge in the namespace of this process, which must be its own."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", BRIDGE, "type", "bridge")
    _run("ip", "addr", "add", f"{HOST}/24", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")


def create_machine(name: str, number: int) -> Machine:
    """Create a namespace whose interface is connected to the bridge. End its ``holder`` to remove it."""
    holder = subprocess.Popen(["unshare", "--net", *HOLDER])
    ours = Path("/proc/self/ns/net").readlink()
    wait_until(lambda: Path(f"/proc/{holder.pid}/ns/net").readlink() != ours, "the namespace")
    machine = Machine(name, f"10.99.0.{number}", holder)
    _run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
    _run("ip", "link", "set", name, "master", BRIDGE, "up")
    _run(*machine.command("ip", "link", "set", "lo", "up"))
    _run(*machine.command("ip", "addr", "add", f"{machine.address}/24", "dev", "eth0"))
    _run(*machine.command("ip", "link", "set", "eth0", "up"))
    return machine


def create_certificate(folder: Path) -> tuple[Path, Path]:
    """Create a certificate for ``HOST`` that is its own authority. Return the files of certificate and key."""
    certificate, key = folder / "project.pem", folder / "project.key"
    _run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=project", "-addext", f"subjectAltName=IP:{HOST}", "-keyout", key, "-out", certificate,
    )  # fmt: skip
    return certificate, key


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"
