"""Run exported Playwright tests on the UI that was recorded, and on random mutants of it.

A mutant is the UI with one change of its source, such as a handler that is missing or a wrong name. The test has to
pass on the UI each time, and to fail on most mutants: a test that cannot fail would be worth nothing.
"""

import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from tests.e2e.processes import free_port
from tests.e2e.test_npm_package import UI, Project
from tests.e2e.tools import need
from tests.gates.gate import Outcome

RUNS, MUTANTS, LEAST_KILLED = 20, 20, 16
SEED = 24
KINDS = {"playwright": "exported.spec.ts", "playwright-routes": "exported-routes.spec.ts"}
TIMEOUT_S = 900.0

CONFIG = """\
import { defineConfig } from "@playwright/test";

const port = Number(process.env.UI_PORT);
const project = (name: string, repeatEach: number) => ({
  name,
  repeatEach,
  use: { baseURL: `http://127.0.0.1:${port}/${name}/` },
});

export default defineConfig({
  testDir: "e2e",
  testMatch: process.env.EXPORTED,
  timeout: 20_000,
  workers: 2,
  fullyParallel: true,
  use: { launchOptions: { executablePath: process.env.CHROMIUM } },
  projects: [
    project("original", RUNS),
    ...Array.from({ length: MUTANTS }, (_, number) => project(`mutant-${number}`, 1)),
  ],
  webServer: {
    command: `node node_modules/vite/bin/vite.js preview --bypass-lock --outDir built --port ${port}`,
    port,
  },
});
""".replace("RUNS", str(RUNS)).replace("MUTANTS", str(MUTANTS))
BUILD = """\
import { build } from "vite";

for (const name of process.argv.slice(2)) {
  await build({
    root: `variants/${name}`,
    base: `/${name}/`,
    logLevel: "error",
    build: { outDir: `../../built/${name}`, minify: false },
  });
}
"""


class Mutant(NamedTuple):
    """A change of one line of a file of the UI."""

    file: str
    line: int
    what: str
    text: str
    """The whole text of the changed file."""


REPLACED = (
    (r"===", "!=="), (r"!(?=answer\.ok)", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\?\?", "&&"),
    (r"\.at\(-1\)", ".at(-2)"), (r"\.at\(-1\)", ".at(0)"), (r"\.\.\.\(before\[peer\] \?\? \[\]\), ", ""),
    (r"(?<=, )message\]", "]"), (r"\.\.\.before, ", ""), (r"(?<=data\.)from", "to"),
    (r"(?<=\? )\"online\"", '"offline"'), (r"(?<=\[username\]: )typing", "!typing"), (r"(?<=to: )open", "text"),
    (r"(?<=, )text(?= \}\))", ""), (r"(?<=field\.value = )\"\"", '"x"'), (r"form\.preventDefault\(\);", ""),
    (r"\bset(Friends|Chats|Typing|Open)(?=\()", "void "), (r"(?<=event\.)data(?=\))", "event"),
    (r"\"POST\"", '"PUT"'), (r"\"GET\"", '"POST"'), (r"\"/(friends|messages)\"", '"/status"'),
    (r"(?<=each\.)text", "direction"), (r"(?<=rest \+ )path", '""'), (r"JSON\.parse\((.*?) as string\)", "JSON"),
    (r"socket\.send\(.*?\)\)", "undefined"), (r"(?<=socket\.)onmessage", "onerror"),
    (r"setOpen\(username\)", "setOpen(friends[0].username)"), (r"event: \"typing\"", 'event: "mark_read"'),
    (r"(?<=\{)error(?= &&)", "!error"), (r"(?<=key=\{each\.)msg_id", "direction"),
    (r"`Chat with \$\{open\}`", '""'),
)  # fmt: skip
"""Changes of one place: what is replaced, and by what."""
HANDLERS = re.compile(r"^ +(if \(event\.event === .*|onChange=.*|socket\.current = .*|setError\(.*)$")
"""Lines that can be left out."""


def mutants(folder: Path) -> Iterator[Mutant]:
    """Yield all mutants of the UI in a folder, the equal ones once."""
    seen = set()
    for name in ("App.tsx", "backend.ts"):
        text = (folder / "src" / name).read_text(encoding="utf-8")
        for start, end, new in _changes(text):
            changed = text[:start] + new + text[end:]
            if changed != text and changed not in seen:
                seen.add(changed)
                line = text[:start].count("\n")
                before, after = (each.split("\n")[line].strip() for each in (text, changed))
                yield Mutant(name, line + 1, f"{before} → {after}", changed)


def _changes(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a text is changed, and to what. Imports and types are not."""
    for pattern, new in REPLACED:
        for found in re.finditer(pattern, text):
            line = text[text.rfind("\n", 0, found.start()) + 1 : text.find("\n", found.end())]
            if not line.startswith(("import", "export interface", "type ", "//")):
                yield found.start(), found.end(), new
    start = 0
    for line in text.splitlines(keepends=True):
        if HANDLERS.match(line.rstrip("\n")) and not line.rstrip().endswith("{"):
            yield start, start + len(line), "\n"
        start += len(line)


def run(long: bool) -> Outcome:
    """Run the gate. It takes minutes, so it is only run in full size."""
    if not long:
        pytest.skip("only with --long")
    chromium = need("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium, or Chrome")
    with TemporaryDirectory(prefix="companion-gate-") as folder:
        project = Project(Path(folder), TIMEOUT_S)
        chosen = random.Random(SEED).sample(list(mutants(UI)), MUTANTS)
        _build(project, chosen)
        (project.folder / "mutants.config.ts").write_text(CONFIG)
        figures, passed = [], True
        for kind in KINDS:
            results = _results(project, kind, chromium)
            passes = sum(results["original"])
            survived = [number for number in range(MUTANTS) if results[f"mutant-{number}"] == [True]]
            killed = MUTANTS - len(survived)
            figures.append(f"{kind} passed {passes} of {RUNS}, failed on {killed} of {MUTANTS} mutants")
            print(f"  {figures[-1]}", flush=True)
            for number in survived:
                each = chosen[number]
                print(f"  survived {kind}: {each.file}:{each.line}: {each.what}", flush=True)
            passed &= passes == RUNS and killed >= LEAST_KILLED
        return Outcome("; ".join(figures), f"{RUNS} of {RUNS}, {LEAST_KILLED} of {MUTANTS}", passed)


def _build(project: Project, chosen: list[Mutant]) -> None:
    """Build the UI and its mutants, each for a path of its own."""
    names = ["original", *(f"mutant-{number}" for number in range(len(chosen)))]
    for name, mutant in zip(names, [None, *chosen], strict=True):
        variant = project.folder / "variants" / name
        shutil.copytree(UI / "src", variant / "src")
        (variant / "index.html").write_text((UI / "index.html").read_text().replace('"/src/', '"./src/'))
        if mutant:
            (variant / "src" / mutant.file).write_text(mutant.text, encoding="utf-8")
    (project.folder / "build-all.mjs").write_text(BUILD)
    done = project.node("build-all.mjs", *names)
    assert done.returncode == 0, done.stderr


def _results(project: Project, kind: str, chromium: str) -> dict[str, list[bool]]:
    """Run an exported test. Return whether it passed, for each run, by the name of the UI or its mutant."""
    report = project.folder / f"{kind}.json"
    done = project.node(
        "node_modules/@playwright/test/cli.js", "test", "--config", "mutants.config.ts", "--reporter", "json",
        CHROMIUM=chromium, UI_PORT=str(free_port()), EXPORTED=KINDS[kind],
        PLAYWRIGHT_JSON_OUTPUT_NAME=str(report),
    )  # fmt: skip
    assert report.exists(), done.stderr
    found: dict[str, list[bool]] = {}
    for test in _tests(json.loads(report.read_text(encoding="utf-8"))["suites"]):
        found.setdefault(test["projectName"], []).append(test["status"] == "expected")
    assert len(found) == MUTANTS + 1, done.stderr
    return found


def _tests(suites: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for suite in suites:
        for spec in suite.get("specs", ()):
            yield from spec["tests"]
        yield from _tests(suite.get("suites", []))
