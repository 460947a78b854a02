"""Run TypeScript's compiler on modules of a test."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.tools import need, node_modules


def compile_types(folder: Path, *modules: str, **options: Any) -> str:
    """Check the types of modules in ``folder`` with ``--strict``, and return what the compiler prints."""
    tsc = node_modules("typescript") / "typescript" / "bin" / "tsc"
    strict = {"strict": True, "noEmit": True, "module": "esnext", "moduleResolution": "bundler", "types": []}
    config = {"compilerOptions": {**strict, "noErrorTruncation": True, **options}, "files": modules}
    (folder / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = [need("node", install="Node.js"), str(tsc), "-p", str(folder), "--pretty", "false"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=folder).stdout
