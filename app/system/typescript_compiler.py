"""Find a project's TypeScript compiler (or use a given one), and check the types of a module with it, in a
temporary folder of ``node_modules``. ``companion contract check`` uses it to compare the types of a UI with the
contract. Nothing is compiled to a file. If ``node_modules`` is missing or read-only, the folder is among the
system's temporary files.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psutil

CONFIG = "tsconfig.json"
MODULE = "companion-check.ts"
_MODULES = "node_modules"
MAX_CONFIG_BYTES = 1024 * 1024
MAX_OUTPUT_BYTES = 1_000_000
"""A compiler that prints more than this is stopped."""
READER_S = 5.0
"""Seconds to wait for the end of the output of a compiler that was stopped."""
_COMMANDS = ("tsc.cmd", "tsc.exe", "tsc") if sys.platform == "win32" else ("tsc",)
_NOT_JSON = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
"""Comments, and commas before a closing bracket, which ``tsconfig.json`` may contain. Strings are matched first."""
_OPTIONS: dict[str, Any] = {
    "noEmit": True, "strict": True, "noErrorTruncation": True, "skipLibCheck": True, "pretty": False,
    "composite": False, "incremental": False, "tsBuildInfoFile": None, "declaration": False,
    "declarationMap": False, "emitDeclarationOnly": False, "isolatedDeclarations": False,
    "noUnusedLocals": False, "noUnusedParameters": False, "exactOptionalPropertyTypes": False,
    "noPropertyAccessFromIndexSignature": False, "jsx": "preserve", "rootDir": None, "outDir": None,
    "outFile": None, "plugins": [],
}  # fmt: skip
"""Options that replace those of the project: nothing is written, and the checks that are needed are on.

``jsx``: without it, a module whose name ends in ``.tsx`` cannot be imported.
"""


class CompilerError(Exception):
    """The compiler is missing, or it did not end properly. The message says what to do."""


class Project(NamedTuple):
    """What a comparison with the types in a file uses: the compiler, and the project's options if it has any."""

    compiler: Path
    config: Path | None

    @property
    def command(self) -> list[str]:
        """How the compiler is started.

        On Windows, that is not npm's ``tsc.cmd`` but what it starts: cmd.exe acts on ``&`` and ``%`` in paths.
        """
        script = self.compiler.parent.parent / "typescript" / "bin" / "tsc"
        if self.compiler.suffix.lower() == ".cmd" and script.is_file() and (node := shutil.which("node")):
            return [node, str(script)]
        return [str(self.compiler)]


def find_project(file: Path, compiler: Path | None = None) -> Project:
    """Return the project of a file: the compiler in ``node_modules`` of the nearest folder that has one.

    Raises ``CompilerError`` if there is none.
    """
    return Project(compiler or _find_compiler(file), _find_config(file))


def _find_compiler(file: Path) -> Path:
    for folder in file.parents:
        for name in _COMMANDS:
            found = folder / _MODULES / ".bin" / name
            if found.is_file():
                return found
    raise CompilerError(
        f"No TypeScript compiler was found in node_modules above {file}. Install the UI's packages (npm install) "
        "or the compiler (npm install --save-dev typescript), or name one with --tsc."
    )


def _find_config(file: Path) -> Path | None:
    """Return the nearest ``tsconfig.json``; if it only refers to others, the first of these that has options."""
    config = next((each / CONFIG for each in file.parents if (each / CONFIG).is_file()), None)
    if config is None:
        return None
    content = _read_config(config)
    if "compilerOptions" in content or "extends" in content:
        return config
    references = content.get("references")
    for each in references if isinstance(references, list) else ():
        path = each.get("path") if isinstance(each, dict) else None
        if not isinstance(path, str):
            continue
        referenced = config.parent / path
        referenced = referenced / CONFIG if referenced.is_dir() else referenced
        options = _read_config(referenced)
        if "compilerOptions" in options or "extends" in options:
            return referenced
    return config


def _read_config(file: Path) -> dict[str, Any]:
    """Return the content of a configuration, or nothing if it cannot be read: the compiler reports the reason."""
    try:
        text = file.read_bytes()[:MAX_CONFIG_BYTES].decode("utf-8-sig")
        content = json.loads(_NOT_JSON.sub(lambda found: found[1] or "", text))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


@contextlib.contextmanager
def check_folder(file: Path) -> Iterator[Path]:
    """Make a folder for a module that imports ``file``, and remove it at the end.

    It is in the nearest ``node_modules``, so that packages are found from it, and the project's tools ignore it.
    If that is a link to a folder with another name, from which no packages would be found, it is beside the link.
    Without one, it is in the system's folder for temporary files. The path contains no links, because the compiler
    resolves them before it looks for what the module imports.
    """
    modules = next((each / _MODULES for each in file.parents if (each / _MODULES).is_dir()), None)
    if modules:
        real = Path(os.path.realpath(modules))
        modules = real if real.name == _MODULES else modules.parent
    try:
        made = tempfile.mkdtemp(prefix=".companion-contract-", dir=modules)
    except OSError:  # the project is read-only
        made = tempfile.mkdtemp(prefix="companion-contract-")
    folder = Path(os.path.realpath(made))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def import_path(file: Path, folder: Path) -> str:
    """Return how a module in ``folder`` imports a TypeScript file: with the extension that the file compiles to.

    The path to the file may contain links, that to ``folder`` must not.
    """
    name = file.name
    for ending, compiled in ((".mts", ".mjs"), (".cts", ".cjs"), (".tsx", ".jsx"), (".ts", ".js")):
        if name.endswith(ending):
            name = name.removesuffix(ending).removesuffix(".d") + compiled
            break
    target = file.with_name(name)
    try:
        path = Path(os.path.relpath(target, folder)).as_posix()
    except ValueError:  # another drive
        return target.as_posix()
    return path if path.startswith(".") else f"./{path}"


def run_compiler(project: Project, folder: Path, module: str, timeout_s: float) -> str:
    """Check the types of a module in ``folder``, and return what the compiler prints. Nothing is emitted.

    Raises ``CompilerError`` if it cannot be started or takes too long.
    """
    config: dict[str, Any] = {"compilerOptions": dict(_OPTIONS), "files": [MODULE], "include": [], "references": []}
    if project.config:
        config["extends"] = project.config.as_posix()
    else:
        config["compilerOptions"] |= {"target": "es2022", "module": "nodenext", "types": []}
    (folder / MODULE).write_text(module, encoding="utf-8")
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    command = [*project.command, "-p", CONFIG, "--pretty", "false"]
    # This program's variables contain secrets and addresses, and a compiler may load plug-ins.
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("COMPANION_")}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        started.append(
            subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )  # fmt: skip

    try:
        with ThreadPoolExecutor(1) as thread:  # Ctrl+C in ``Popen`` would leave a process that nothing ends
            thread.submit(start).result()
        output = _output(started[0], timeout_s)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CompilerError(f"{project.compiler} could not be started: {reason}.") from None
    finally:
        for process in started:
            _end(process)
    return output.decode(errors="replace")


def _output(process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    """Return what a process prints. Raises ``CompilerError`` if it takes too long or prints too much."""
    output = bytearray()
    assert process.stdout
    stream = process.stdout

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):  # the stream was closed
            while len(output) <= MAX_OUTPUT_BYTES and (part := os.read(stream.fileno(), 65_536)):
                output.extend(part)

    reader = threading.Thread(target=read, name="compiler output", daemon=True)
    deadline = time.monotonic() + timeout_s
    reader.start()
    reader.join(timeout_s)
    if len(output) > MAX_OUTPUT_BYTES:
        _end(process, reader)
        raise CompilerError(
            f"The TypeScript compiler printed more than {MAX_OUTPUT_BYTES // 1_000_000} MB, so it was stopped. "
            "Correct the errors that it reports when it is run in the project, or check --tsc."
        )
    try:
        if not reader.is_alive():
            process.wait(max(deadline - time.monotonic(), 0))
            return bytes(output)
    except subprocess.TimeoutExpired:
        pass
    _end(process, reader)
    raise CompilerError(
        f"The TypeScript compiler did not finish within {timeout_s:g} s. Give it more time with --timeout."
    )


def _end(process: subprocess.Popen[bytes], reader: threading.Thread | None = None) -> None:
    """End a process that has not ended, with its children: on Windows, the compiler is a child of its script.

    ``reader`` reads its output, and ends with it.
    """
    if process.poll() is None:
        _kill(process)
    if reader:
        reader.join(READER_S)
    if process.stdout and not (reader and reader.is_alive()):  # closing it while it is read would block
        process.stdout.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    process.kill()
    process.wait()
