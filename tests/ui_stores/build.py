"""Check the types of the page in ``ui/`` with ``tsc --strict``, and bundle it for Node and for a browser."""

import shutil
import subprocess
from pathlib import Path

from tests.e2e.tools import need, node_modules

HERE = Path(__file__).parent
RESOURCES = HERE.parents[1] / "resources" / "ui-state"
DEVELOPMENT, PRODUCTION = ("--define:import.meta.env.DEV=true",), ("--define:import.meta.env.DEV=false", "--minify")
PACKAGES = ("typescript", "esbuild", "zustand", "@types/node")


class Build:
    """A copy of the page with the code that the manual offers, as a developer would add it to a project."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "ui"
        self.out = folder / "out"
        self._modules = node_modules(*PACKAGES)
        shutil.copytree(HERE / "ui", self.source)
        shutil.copy(RESOURCES / "reporter.ts", self.source / "companion-reporter.ts")
        shutil.copy(RESOURCES / "playwright.ts", self.source / "ui-state.ts")
        (folder / "node_modules").symlink_to(self._modules)

    def check_types(self) -> subprocess.CompletedProcess[str]:
        """Run the type checker."""
        return self._run("typescript/bin/tsc", "-p", str(self.source))

    def bundle(self, entry: str, *options: str, suffix: str = ".js") -> Path:
        """Bundle a module with all that it imports, and return the file."""
        file = self.out / Path(entry).with_suffix(suffix).name
        esbuild = self._modules / ".bin" / "esbuild"
        command = [str(esbuild), str(self.source / entry), "--bundle", f"--outfile={file}", "--log-level=error"]
        done = subprocess.run([*command, *options], capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return file

    def _run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        node = need("node", install="Node.js")
        command = [node, str(self._modules / script), *arguments]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
