"""The manual (``resources/help``) is complete and correct: links, commands, options, keys, settings, exit codes.

A new command, option, shortcut, setting, exit code, template, filter key or operation needs a line in the manual,
and what the manual names must exist. ``tests/ui/test_shortcuts.py`` compares the list of shortcuts with the window.
"""

import functools
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from typer.main import get_command

from app.cli.main import app
from app.endpoints.control.api import OPERATIONS
from app.endpoints.health import PATH as HEALTH
from app.endpoints.rest import RestApi
from app.hub.filter import KEYS
from app.hub.journal import Verdict
from app.protocol import templates
from app.protocol.backend import Person
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.catalog import built_in
from app.protocol.event_files.effects import EFFECTS
from app.protocol.event_files.file_schema import DIRECTIONS
from app.protocol.fixture import Fixture
from app.protocol.lint.rules import BY_ID, RULES
from app.system.exit_codes import Exit
from app.system.settings import Settings
from app.ui.room_registry import ROOMS
from app.ui.shortcuts import SHORTCUTS, room_shortcuts
from tests.conftest import MakeCompanion

ROOT = Path(__file__).parents[1]
HELP = ROOT / "resources" / "help"
PAGES = {file.name: file.read_text(encoding="utf-8") for file in sorted(HELP.glob("*.md"))}
OTHER_DOCUMENTS = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for folder, pattern in (
        (".", "*.md"), (".github", "**/*.md"), ("app", "*.md"), ("packaging", "*.md"), ("tests", "**/*.md"),
    )
    for file in sorted((ROOT / folder).glob(pattern))
}  # fmt: skip
"""Other documents, whose links are checked too."""
FOR_USERS = {"README.md": OTHER_DOCUMENTS["README.md"], **PAGES}

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
KEY = re.compile(r"(?:(?:Ctrl|Alt|Shift)\+)+(?:[A-Z0-9]\b|Enter\b)|\bF[0-9]{1,2}\b")
COMMON_OPTIONS = {"--json", "--data-dir"}
"""Options of nearly all commands. The page of a group names them once."""


def without_code(text: str) -> str:
    return SPAN.sub("", FENCE.sub("", text))


def rows(text: str, heading: str = "") -> list[list[str]]:
    """Return the cells of the table below a heading, without its title."""
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] if heading else text
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)


def anchors(file: Path) -> set[str]:
    """Return the anchors that GitHub makes of a document's headings."""
    titles = headings(file.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# form


def test_a_page_has_one_title_and_no_html() -> None:
    for name, text in PAGES.items():
        assert text.startswith("# "), name
        assert len(re.findall(r"^# ", FENCE.sub("", text), re.MULTILINE)) == 1, name
        assert re.findall(r"<[a-zA-Z!/][^>]*>", without_code(text)) == [], name


def test_the_index_links_to_every_page_and_has_a_page_for_each_room() -> None:
    linked = {target for _, target in LINK.findall(PAGES["index.md"])}
    assert set(PAGES) - linked - {"index.md"} == set()
    assert {f"{room.name}.md" for room in ROOMS} - linked == set()


def test_links_lead_to_existing_files_and_headings() -> None:
    broken = []
    for name, text in {**PAGES, **OTHER_DOCUMENTS}.items():
        file = HELP / name if name in PAGES else ROOT / name
        for _, target in LINK.findall(SPAN.sub("", FENCE.sub("", text))):
            if name not in PAGES and re.match(r"https?://", target):
                continue  # the manual itself must not link to other sites
            path, _, fragment = target.partition("#")
            destination = (file.parent / path).resolve() if path else file
            if not destination.exists() or (fragment and fragment not in anchors(destination)):
                broken.append((name, target))
    assert broken == []


def test_every_picture_is_small_and_used() -> None:
    pictures = {*(HELP / "pictures").iterdir(), *(ROOT / ".github" / "pictures").iterdir()}
    documents = {HELP / name: text for name, text in PAGES.items()} | {
        ROOT / "README.md": OTHER_DOCUMENTS["README.md"]
    }
    used = {
        (file.parent / target).resolve()
        for file, text in documents.items()
        for picture_mark, target in LINK.findall(text)
        if picture_mark
    }
    assert pictures == used
    assert [file.name for file in pictures if file.stat().st_size > 200_000] == []


@pytest.mark.e2e
def test_the_manual_is_part_of_the_repository_and_the_packages() -> None:
    """``pyproject.toml`` packs the folder ``resources`` as it is, except for what Git ignores."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs Git and its repository")
    paths = [str(HELP / "index.md"), str(HELP / "pictures")]
    command = ["git", "-c", "safe.directory=*", "check-ignore", "--", *paths]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ignored.returncode, ignored.stdout) == (1, ""), ignored.stderr  # 0: ignored, 128: an error of Git


# the command line


class Command(NamedTuple):
    """A command, the words that call it, and its options."""

    words: tuple[str, ...]
    options: frozenset[str]
    commands: tuple[str, ...]

    @property
    def page(self) -> str:
        return f"cli-{self.words[0] if self.words else 'companion'}.md"

    @property
    def text(self) -> str:
        """Return the part of the manual that describes the command: a page, or a section of a group's page."""
        text = PAGES.get(self.page, "")
        if len(self.words) < 2:
            return text
        return text.partition(f"\n## companion {' '.join(self.words)}\n")[2].partition("\n## ")[0]


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[Command]:
    options = {each for option in command.params for each in (*option.opts, *option.secondary_opts)}
    inner = getattr(command, "commands", {})
    yield Command(words, frozenset(each for each in options if each.startswith("-")), tuple(inner))
    for name, each in inner.items():
        yield from walk(each, (*words, name))


COMMANDS = {command.words: command for command in walk(get_command(app))}
LEAVES = [command for command in COMMANDS.values() if not command.commands or not command.words]


def codes(text: str) -> Iterator[str]:
    """Yield the lines of all code in a page."""
    for info, block in FENCE.findall(text):
        if info.partition(" ")[0] in ("", "sh", "bash", "powershell"):
            yield from block.splitlines()
    yield from SPAN.findall(FENCE.sub("", text))


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words after each ``companion`` of the code in a page."""
    for line in codes(text):
        for found in re.finditer(r"(?<![\w./~-])companion(?: ((?:\"[^\"]*\"|'[^']*'|[^|;&)<>#\"'])*))?", line):
            if not line[: found.start()].endswith("`"):
                yield shlex.split(found[1] or "")


def wrong_call(words: list[str]) -> str:
    """Return the invalid part of a call of ``companion``; empty if the call is valid."""
    command = COMMANDS[()]
    while words and words[0] in command.commands:
        command = COMMANDS[(*command.words, words[0])]
        words = words[1:]
    if words and command.commands and not words[0].startswith("-"):
        return f"companion {' '.join([*command.words, words[0]])}"
    unknown = [
        word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in command.options
    ]
    return f"companion {' '.join([*command.words, *unknown])}" if set(unknown) - {"-h", "--help"} else ""


def test_called_commands_and_options_exist() -> None:
    wrong = [
        (name, found) for name, text in FOR_USERS.items() for words in calls(text) if (found := wrong_call(words))
    ]
    assert wrong == []


def test_the_check_finds_unknown_commands_and_options() -> None:
    text = "`companion dance`, `companion status --wait 3 --wrong`, `companion state jump x`, `companion quit`"
    assert [wrong_call(words) for words in calls(text)] == [
        "companion dance",
        "companion status --wrong",
        "companion state jump",
        "",
    ]


def test_every_command_is_described_with_all_its_options() -> None:
    missing = []
    for command in LEAVES:
        assert command.text, f"resources/help/{command.page} does not describe companion {' '.join(command.words)}"
        described = set(SPAN.findall(command.text)) | set(SPAN.findall(PAGES[command.page].partition("\n## ")[0]))
        named = {span.partition(" ")[0] for span in described}
        missing += [(command.words, option) for option in command.options - named]
    assert missing == []


def test_every_option_in_a_table_exists() -> None:
    unknown = []
    for command in LEAVES:
        spans = [span for row in rows(command.text) for span in SPAN.findall(row[0]) if span.startswith("-")]
        options = {span.partition(" ")[0] for span in spans}
        unknown += [(command.words, option) for option in options - command.options]
    assert unknown == []


def test_all_named_options_exist() -> None:
    all_options = {option for command in COMMANDS.values() for option in command.options}
    named = {
        (name, span.partition(" ")[0])
        for name, text in PAGES.items()
        for span in SPAN.findall(FENCE.sub("", text))
        if re.match(r"--[a-z]|-[a-z]$", span)
    } - {("command-line.md", "--help"), ("command-line.md", "-h")}
    assert sorted((name, option) for name, option in named if option not in all_options) == []


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    first = {command.words[0] for command in COMMANDS.values() if command.words} | {"companion"}
    assert {name.removeprefix("cli-").removesuffix(".md") for name in PAGES if name.startswith("cli-")} == first
    listed = {cells[0] for cells in rows(PAGES["command-line.md"])[: len(first)]}
    assert len(listed) == len(first)


def test_variables() -> None:
    used = {
        found
        for file in (*(ROOT / "app").rglob("*.py"), *(ROOT / "packaging" / "npm" / "src").glob("*.ts"))
        for found in re.findall(r"\"(COMPANION_[A-Z_]+)\"", file.read_text(encoding="utf-8"))
    }
    named = {cells[0].strip("`") for cells in rows(PAGES["command-line.md"], "Variables")}
    assert named == used
    everywhere = {found for text in PAGES.values() for found in re.findall(r"\bCOMPANION_[A-Z_]+", text)}
    script = (ROOT / ".github" / "actions" / "companion" / "start.sh").read_text(encoding="utf-8")
    set_by_action = set(re.findall(r'echo "(COMPANION_[A-Z_]+)=', script))
    assert everywhere - used - set_by_action == set()
    assert set_by_action <= everywhere | used


def test_exit_codes() -> None:
    described = {int(code): meaning for code, meaning in rows(PAGES["exit-codes.md"])}
    assert described == {int(each): f"{each.meaning[0].upper()}{each.meaning[1:]}" for each in Exit}


# the window


def keys_of(title: str) -> set[str]:
    """Return the keys of a cell: ``Ctrl+1 … Ctrl+6``, ``? or F1``."""
    if " … " in title:
        first, last = title.split(" … ")
        return {f"{first[:-1]}{number}" for number in range(int(first[-1]), int(last[-1]) + 1)}
    return set(title.split(" or "))


def test_shortcuts() -> None:
    listed = {
        key for cells in re.findall(r"^\| (.+?) \|", PAGES["shortcuts.md"], re.MULTILINE) for key in keys_of(cells)
    }
    existing = {key for title, _ in [room_shortcuts(ROOMS), *SHORTCUTS] for key in keys_of(title)}
    assert listed - {"Keys", "---"} == existing


def test_named_shortcuts_exist() -> None:
    existing = {key for title, _ in [room_shortcuts(ROOMS), *SHORTCUTS] for key in keys_of(title)}
    named = {(name, key) for name, text in FOR_USERS.items() for key in KEY.findall(without_code(text))}
    assert len(named) > 50
    assert [(name, key) for name, key in named if key not in existing] == []


def test_keys_of_a_row_of_the_log() -> None:
    named = {cells[0] for cells in rows(PAGES["events.md"], "Work with a row")}
    assert named
    assert named - {title for title, _ in SHORTCUTS} == set()


@functools.cache
def texts_of_the_program() -> str:
    """Return the source. String literals that continue on the next line are joined."""
    source = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "app").rglob("*.py")))
    return re.sub(r"\"\s*\n\s*f?\"", "", source)


def test_bold_texts_are_labels_of_the_window() -> None:
    program = texts_of_the_program()
    labels = {
        (name, label)
        for name, text in FOR_USERS.items()
        for bold in re.findall(r"\*\*([^*]+)\*\*", without_code(text))
        for label in re.split(r" › | · ", bold)
        if not label[0].isdecimal()
    }
    assert len(labels) > 100
    assert [(name, label) for name, label in labels if label not in program] == []


def test_messages_in_troubleshooting_exist() -> None:
    program = texts_of_the_program()
    messages = [
        text for cells in rows(PAGES["troubleshooting.md"]) for text in re.findall(r"\*([^*]+)\*", cells[0])
    ]
    assert len(messages) > 10
    # A port and the program that uses it are not part of the text.
    pieces = [piece.strip() for text in messages for piece in re.split(r"…|[0-9]+| node \(pid |\) ", text)]
    assert [piece for piece in pieces if piece not in program] == []


# names


def test_settings_with_their_defaults() -> None:
    table = rows(PAGES["settings.md"], "All keys")
    program = texts_of_the_program()
    assert [
        label for _, label, _, _ in table if label not in ("–", "Pin, in Fixtures") and label not in program
    ] == []
    described = {key.strip("`"): default for key, _, default, _ in table}
    assert set(described) == set(Settings.__struct_fields__)
    for name, value in msgspec.structs.asdict(Settings()).items():
        if not isinstance(value, list):
            assert described[name] == f"`{json.dumps(value)}`"


def test_templates() -> None:
    text = PAGES["templates.md"]
    named = {found for span in SPAN.findall(text) for found in re.findall(r"^{{([a-z]+)", span)}
    assert named - {"faker"} == set(templates.NAMES)
    sentence = text.partition("`{{faker.NAME}}` offers ")[2].partition(".")[0]
    assert set(SPAN.findall(sentence)) == set(templates.FAKER)


def test_filter() -> None:
    terms = [span for cells in rows(PAGES["filter.md"]) for span in SPAN.findall(cells[0])]
    assert {term.partition(":")[0] for term in terms if ":" in term} == set(KEYS)
    assert {term.partition(":")[2] for term in terms if term.startswith("is:")} == {
        *(each.value for each in Verdict),
        "injected",
        "priming",
        "pinned",
        "annotated",
        "raw",
        "ui-state",
        "lint",
    }


def test_rules_of_the_lint() -> None:
    described = PAGES["contract-lint.md"].partition("\n## Rules\n")[2].split("\n### ")[1:]
    texts = {each.partition("\n")[0]: each for each in described}
    assert list(texts) == list(BY_ID)
    for rule in RULES:
        assert f"**{rule.title}** ({rule.severity})." in texts[rule.id]
        assert rule.why in texts[rule.id]
        assert rule.advice in texts[rule.id]


def test_fixture_keys() -> None:
    named = {span for cells in rows(PAGES["fixtures.md"], "Fixture files") for span in SPAN.findall(cells[0])}
    assert named == set(Fixture.__struct_encode_fields__)


def test_operations_of_the_control_api() -> None:
    named = {span for cells in rows(PAGES["control-api.md"]) for span in SPAN.findall(cells[0])}
    assert named == {f"{each.method} {each.path}" for each in OPERATIONS} | {f"GET {HEALTH}"}


def rest_routes() -> set[str]:
    """Return the calls that the REST stand-in answers."""
    unused: Any = None
    application = RestApi(*[unused] * 7).application()
    return {f"{each.method} {each.resource.canonical}" for each in application.router.routes() if each.resource}


def test_calls_of_the_rest_stand_in() -> None:
    named = {span for cells in rows(PAGES["rest.md"], "Calls") for span in SPAN.findall(cells[0])}
    assert named == rest_routes() | {f"GET {HEALTH}"}


async def test_fields_of_the_rest_stand_in(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    assert await companion.start()
    fields = {"Status": await companion.chat.status(), "Friends": Person(username="alice").friend()}
    for heading, known in fields.items():
        named = {span for cells in rows(PAGES["rest.md"], heading) for span in SPAN.findall(cells[0])}
        assert named == known.keys(), heading


def test_names_with_an_underscore_exist() -> None:
    """Settings, events, fields and templates: a name that was removed or renamed must leave the manual too."""
    known = {*Settings.__struct_fields__, *Fixture.__struct_fields__, *templates.FAKER, *BreakpointDirection}
    for each in built_in():
        known |= {each.name, *each.schema.get("properties", {})}
    known |= {*EFFECTS, *DIRECTIONS}
    known |= Person(username="alice").friend().keys()
    known |= {"read_marks", "service_role"}  # a table and a role
    known |= {"node_id", "uptime_seconds", "friends_count", "peer_port", "supabase_connected"}  # of GET /status
    known |= {"journal_query", "ui_state_compare"}  # tools of companion mcp
    known |= {"companion_options"}  # a fixture of the pytest plugin
    known |= {"next_after"}  # of GET /v1/journal
    known |= {"access_token"}  # a parameter of addresses
    named = {
        span.partition(" = ")[0]
        for text in PAGES.values()
        for span in SPAN.findall(FENCE.sub("", text))
        if re.fullmatch(r"[a-z]+(_[a-z]+)+( = .+)?", span)
    }
    assert sorted(named - known) == []


# README


def test_readme_is_short() -> None:
    assert len(OTHER_DOCUMENTS["README.md"].splitlines()) <= 150


def test_readme_links_to_the_manual_and_the_other_documents() -> None:
    linked = {target.partition("#")[0] for _, target in LINK.findall(OTHER_DOCUMENTS["README.md"])}
    documents = {"resources/help/index.md", *OTHER_DOCUMENTS} - {"README.md"}
    assert {name for name in documents - linked if "ISSUE_TEMPLATE" not in name} == set()
