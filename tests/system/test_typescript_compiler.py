"""Find and run a project's TypeScript compiler."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import EnvelopeKeys, described
from app.protocol.contract_documents.drift_check import DriftCheck
from app.protocol.contract_documents.drift_result import differences
from app.system.typescript_compiler import (
    MODULE,
    CompilerError,
    Project,
    check_folder,
    find_project,
    import_path,
    run_compiler,
)
from tests.e2e.tools import need, node_modules, posix_only
from tests.protocol.contract_documents.guide_mutations import GUIDE

APP_CONFIG = """{
  // Options as in a project made by Vite, and stricter ones
  "compilerOptions": {
    "composite": true, "tsBuildInfoFile": "./build/info", "target": "ES2022", "module": "ESNext",
    "moduleResolution": "bundler", "allowImportingTsExtensions": true, "verbatimModuleSyntax": true,
    "noEmit": true, "rootDir": "./src", "strict": false, "noUnusedLocals": true, "noUnusedParameters": true,
    "exactOptionalPropertyTypes": true, "types": ["vite/client"], /* from node_modules */
    "paths": { "@/*": ["./src/*"] },
  },
  "include": ["src"],
}"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the module with the events of a UI's project, whose options are in a referenced file."""
    types = tmp_path / "ui" / "src" / "types"
    types.mkdir(parents=True)
    (tmp_path / "ui" / "tsconfig.json").write_text('{"files": [], "references": [{"path": "./tsconfig.app.json"}]}')
    (tmp_path / "ui" / "tsconfig.app.json").write_text(APP_CONFIG)
    (types / "events.ts").write_text((GUIDE / "events.ts").read_text().replace("./message", "@/types/message"))
    (types / "message.ts").write_text((GUIDE / "message.ts").read_text() + "const unused = import.meta.env.DEV;\n")
    vite = tmp_path / "ui" / "node_modules" / "vite"
    vite.mkdir(parents=True)
    (vite / "package.json").write_text('{"name": "vite", "version": "1.0.0"}')
    (vite / "client.d.ts").write_text("interface ImportMeta { env: { DEV: boolean } }")
    bin_ = tmp_path / "ui" / "node_modules" / ".bin"
    bin_.mkdir()
    (bin_ / "tsc").touch()
    (bin_ / "tsc.cmd").touch()
    return types / "events.ts"


def compare(file: Path, compiler: Path) -> list[str]:
    names = {Direction.TO_UI: "WSEvent", Direction.FROM_UI: "WSClientEvent"}
    with check_folder(file) as folder:
        check = DriftCheck(import_path(file, folder), names, EnvelopeKeys()).build(described(built_in()))
        output = run_compiler(find_project(file, compiler), folder, check.text, 60)
    assert not folder.exists()
    return [each.sentence for each in differences(check, output, MODULE)]


@pytest.mark.e2e
@posix_only
def test_a_strict_project_with_aliases_and_references_is_compared(project: Path) -> None:
    compiler = node_modules("typescript") / ".bin" / "tsc"
    need("node", install="Node.js")
    before = sorted(project.parents[2].rglob("*"))
    assert compare(project, compiler) == []
    project.with_name("message.ts").write_text(
        (GUIDE / "message.ts").read_text().replace("text: string", "text: 1")
    )
    assert compare(project, compiler) == ["new_message.text: the UI says 1, the contract says string."]
    assert sorted(project.parents[2].rglob("*")) == before, "nothing is left behind"


@pytest.mark.e2e
@posix_only
@pytest.mark.parametrize("target", ["other/project/node_modules", "store/deep/below/modules"])
def test_node_modules_may_be_a_link(project: Path, target: str) -> None:
    """The compiler resolves the link before it looks for the imported module and the packages."""
    need("node", install="Node.js")
    root, modules = project.parents[3], project.parents[2] / "node_modules"
    (root / target).parent.mkdir(parents=True)
    modules.rename(root / target)
    modules.symlink_to(root / target)
    before = sorted(root.rglob("*"))
    assert compare(project, node_modules("typescript") / ".bin" / "tsc") == []
    assert sorted(root.rglob("*")) == before, "nothing is left behind"


@pytest.mark.e2e
@posix_only
def test_a_module_of_a_linked_package_is_compared(project: Path) -> None:
    """A package manager links the packages of a workspace."""
    need("node", install="Node.js")
    ui = project.parents[2]
    app = ui.with_name("app")
    (app / "node_modules" / "@team").mkdir(parents=True)
    (app / "node_modules" / "@team" / "ui").symlink_to(ui)
    linked = app / "node_modules" / "@team" / "ui" / "src" / "types" / "events.ts"
    assert compare(linked, node_modules("typescript") / ".bin" / "tsc") == []
    assert [each.name for each in (app / "node_modules").iterdir()] == ["@team"]


@pytest.mark.e2e
@posix_only
def test_a_module_with_jsx_is_compared(project: Path) -> None:
    """The module of the same name without JSX is another one."""
    need("node", install="Node.js")
    text = project.read_text()
    project.with_suffix(".tsx").write_text(text + "export const hello = <p>Hello</p>;\n")
    project.write_text("export type WSEvent = never; export type WSClientEvent = never;")
    assert compare(project.with_suffix(".tsx"), node_modules("typescript") / ".bin" / "tsc") == []


def test_the_nearest_compiler_and_the_options_of_the_application_are_found(project: Path) -> None:
    ui = project.parents[2]
    name = "tsc.cmd" if sys.platform == "win32" else "tsc"
    assert find_project(project) == Project(ui / "node_modules" / ".bin" / name, ui / "tsconfig.app.json")
    (ui / "tsconfig.app.json").write_text('{"extends": "@vue/tsconfig/tsconfig.dom.json", "include": ["src"]}')
    assert find_project(project).config == ui / "tsconfig.app.json"
    (ui / "tsconfig.json").write_text('{"compilerOptions": {}, "references": [{"path": "./tsconfig.app.json"}]}')
    assert find_project(project).config == ui / "tsconfig.json"
    (ui / "tsconfig.json").write_text("{")
    assert find_project(project).config == ui / "tsconfig.json", "the compiler says what is wrong with it"


def test_npms_command_file_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: on Windows, its path was cut at an ``&``, and the rest was run as a command."""
    monkeypatch.setattr(shutil, "which", lambda name: f"C:\\{name}.exe")
    modules = tmp_path / "a&b" / "node_modules"
    compiler, script = modules / ".bin" / "tsc.cmd", modules / "typescript" / "bin" / "tsc"
    assert Project(compiler, None).command == [str(compiler)], "the compiler is elsewhere"
    script.parent.mkdir(parents=True)
    script.touch()
    assert Project(compiler, None).command == ["C:\\node.exe", str(script)]
    assert Project(compiler.with_name("tsc"), None).command == [str(compiler.with_name("tsc"))]
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert Project(compiler, None).command == [str(compiler)]


def test_without_a_compiler_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(
        CompilerError,
        match=r"No TypeScript compiler .* \(npm install --save-dev typescript\), or name one with --tsc\.$",
    ):
        find_project(tmp_path / "events.ts")


@pytest.mark.parametrize(
    ("name", "imported"),
    [
        ("events.ts", "../../src/events.js"),
        ("events.tsx", "../../src/events.jsx"),
        ("events.d.ts", "../../src/events.js"),
        ("events.mts", "../../src/events.mjs"),
        ("events.d.cts", "../../src/events.cjs"),
    ],
)
def test_a_module_is_imported_as_what_it_compiles_to(tmp_path: Path, name: str, imported: str) -> None:
    assert import_path(tmp_path / "src" / name, tmp_path / "node_modules" / "check") == imported


def test_the_folder_is_removed_after_an_error(project: Path) -> None:
    def check() -> None:
        with check_folder(project) as folder:
            folders.append(folder)
            raise KeyboardInterrupt

    folders: list[Path] = []
    with pytest.raises(KeyboardInterrupt):
        check()
    assert folders[0].parent == project.parents[2] / "node_modules"
    assert not folders[0].exists()


@pytest.mark.e2e
@posix_only
def test_a_compiler_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    compiler = tmp_path / "tsc"
    compiler.write_text("#!/bin/sh\nsleep 600\n")
    compiler.chmod(0o700)
    with pytest.raises(CompilerError, match=r"did not finish within 0.1 s. Give it more time with --timeout"):
        run_compiler(Project(compiler, None), tmp_path, "", 0.1)


@pytest.mark.e2e
def test_a_file_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    compiler = tmp_path / "tsc"
    compiler.write_text("nothing")
    with pytest.raises(CompilerError, match="could not be started"):
        run_compiler(Project(compiler, None), tmp_path, "", 1)


@pytest.mark.e2e
def test_the_options_of_the_project_are_extended(tmp_path: Path, project: Path) -> None:
    with pytest.raises(CompilerError):
        run_compiler(Project(tmp_path / "missing", project.parents[2] / "tsconfig.json"), tmp_path, "", 1)
    config = json.loads((tmp_path / "tsconfig.json").read_text())
    assert Path(config["extends"]) == project.parents[2] / "tsconfig.json"
    assert config["compilerOptions"]["noEmit"] is True


@pytest.mark.e2e
@posix_only
def test_the_compiler_gets_no_secret_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPANION_TOKEN", "COMPANION_SUPABASE_KEY", "COMPANION_DATA_DIR"):
        monkeypatch.setenv(name, "a secret")
    monkeypatch.setenv("OTHER", "no secret")
    compiler = tmp_path / "tsc"
    compiler.write_text("#!/bin/sh\nenv\n")
    compiler.chmod(0o755)
    printed = run_compiler(Project(compiler, None), tmp_path, "", 60)
    assert "no secret" in printed
    assert "a secret" not in printed


@pytest.mark.e2e
@posix_only
def test_a_compiler_that_prints_without_end_is_stopped(tmp_path: Path) -> None:
    compiler = tmp_path / "tsc"
    compiler.write_text("#!/bin/sh\nexec yes error\n")
    compiler.chmod(0o755)
    with pytest.raises(CompilerError, match=r"printed more than 1 MB, so it was stopped\. Correct the errors"):
        run_compiler(Project(compiler, None), tmp_path, "", 60)


@pytest.mark.e2e
@posix_only
def test_a_compiler_that_closes_its_output_and_does_not_end_is_stopped(tmp_path: Path) -> None:
    compiler = tmp_path / "tsc"
    compiler.write_text("#!/bin/sh\nexec sleep 100 >/dev/null 2>&1\n")
    compiler.chmod(0o755)
    with pytest.raises(CompilerError, match=r"did not finish within 0.2 s"):
        run_compiler(Project(compiler, None), tmp_path, "", 0.2)


@pytest.mark.e2e
@posix_only
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_the_compiler_is_started_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "tsc"
    compiler.write_text("#!/bin/sh\nexec sleep 600\n")
    compiler.chmod(0o700)
    started = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_compiler(Project(compiler, None), tmp_path, "", 30)
    assert started[0].returncode == -signal.SIGKILL
