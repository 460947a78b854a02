"""Import rules: the headless part works without Qt, and slow modules are loaded after the first window."""

import ast
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import app
from app.cli.main import Commands

ROOT = Path(__file__).parents[1]
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*(name for name in sys.modules if name.split(".")[0] in ("PySide6", "shiboken6", "qasync")))
"""


WITH_QT = ("app.ui", "app.loop", "app.desktop")


def headless_modules() -> list[str]:
    names = [each.name for each in pkgutil.walk_packages(app.__path__, "app.")]
    return [name for name in names if not name.startswith(WITH_QT)]


@pytest.mark.e2e
def test_headless_modules_do_not_import_qt() -> None:
    names = headless_modules()
    assert {"app.companion", "app.headless", "app.cli.main", "app.endpoints.events"} <= set(names)
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *names], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "", "")


@pytest.mark.e2e
def test_the_import_check_detects_qt() -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, "PySide6.QtCore"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "PySide6.QtCore" in result.stdout


LOADED_LATER = (
    "app.companion",
    "app.desktop.tray_app",
    "app.endpoints",
    "app.ui.rooms",
    "asyncio",
    "websockets",
    "psutil",
    "typer",
    "tomlkit",
    "logging.handlers",
)


@pytest.mark.e2e
def test_slow_modules_are_not_loaded_before_the_first_window() -> None:
    names = (
        "print(*sys.modules); print(*(name for name in sys.modules if name.startswith(" + repr(LOADED_LATER) + ")))"
    )
    command = [sys.executable, "-c", f"import sys, app.__main__, app.cli.window, app.desktop; {names}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    loaded, too_early = result.stdout.split("\n")[:2]
    assert "app.ui.main_window_shell" in loaded.split(), result.stderr
    assert too_early == ""


SLOW = (
    "PySide6", "aiohttp", "asyncio", "faker", "hashlib", "http.client", "jsonschema_rs", "mcp", "nacl", "pydantic",
    "sqlite3", "ssl", "tomlkit", "urllib.request", "websockets", "xml.sax", "yaml",
)  # fmt: skip


@pytest.mark.e2e
def test_the_command_line_loads_no_slow_modules() -> None:
    """Regression: ``--junit`` made each command load the HTTP client and an XML library."""
    code = "import sys, app.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "typer" in loaded
    assert sorted(set(loaded) & set(SLOW)) == []


@pytest.mark.e2e
def test_a_command_imports_no_modules_of_other_commands() -> None:
    """Importing and building all of them took half of the time of a short command."""
    code = "import sys; from app.cli.main import app; app(['help', 'nothing'], standalone_mode=False)"
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    loaded = {each for each in done.stdout.split() if each.startswith("app.cli.")}
    assert "app.cli.manual" in loaded
    others = {each.module for each in Commands.subcommands} - {"app.cli.manual"}
    assert loaded & others == set()


def test_the_companion_has_no_control_flow() -> None:
    """companion.py only connects and delegates: code with branches or loops belongs in another module."""
    tree = ast.parse((ROOT / "app" / "companion.py").read_text("utf-8"))
    methods = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {"start", "apply", "_open"} <= {each.name for each in methods}
    control_flow = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match, ast.With, ast.AsyncWith)
    found = {
        each.name for each in methods for node in ast.walk(each)
        if isinstance(node, control_flow) and each.name != "__init__"
    }  # fmt: skip
    assert found == set()


def named_modules(text: str) -> set[str]:
    return {name.rpartition("/")[2] for name in re.findall(r"`([\w/]+\.py)`", text)}


def test_the_lines_about_the_window_are_the_first_sentences_of_the_modules() -> None:
    text = (ROOT / "app" / "README.md").read_text("utf-8")
    lines = re.findall(r"^- `([\w/]+\.py)`: (.*)$", text, re.MULTILINE)
    assert len(lines) > 100
    for path, line in lines:
        docstring = ast.get_docstring(ast.parse((ROOT / "app" / "ui" / path).read_text("utf-8")))
        assert docstring, path
        sentence = re.split(r"\.(?:\s|$)", " ".join(docstring.split()), maxsplit=1)[0]
        assert (path, sentence.replace("``", "`").casefold()) == (path, line.casefold())


def test_the_architecture_document_names_every_module() -> None:
    text = (ROOT / "app" / "README.md").read_text("utf-8")
    folders = (ROOT / "app", ROOT / "packaging" / "pytest-plugin")
    files = {file.name for folder in folders for file in folder.rglob("*.py")}
    modules = files - {"__init__.py", "__main__.py"}
    assert sorted(modules - named_modules(text)) == []


def test_the_architecture_document_names_only_existing_modules() -> None:
    text = (ROOT / "app" / "README.md").read_text("utf-8")
    folders = (ROOT / "app", ROOT / "tests", ROOT / "packaging" / "pytest-plugin")
    modules = {file.name for folder in folders for file in folder.rglob("*.py")}
    assert sorted(named_modules(text) - modules) == []
