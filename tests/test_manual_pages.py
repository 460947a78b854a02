"""Find, read and search the pages of a manual. ``test_manual.py`` checks the content of the real one."""

import sys
from pathlib import Path

import pytest

from app.manual import pages
from app.manual.history import ReadingHistory, Visit
from app.manual.links import PageLink, WebLink, anchors, picture_file, resolve
from app.manual.pages import Entry, GeneratedPage, Group, Manual, ManualMissing, installed
from app.manual.plain import for_terminal, heading_of, inline_text
from app.manual.search import SNIPPET_CHARS, SearchIndex

INDEX = """\
# The manual

New? Read [Getting started](start.md). See [the web](https://example.org/x.md), [a file](../README.md).

## Rooms

| Page | What |
|---|---|
| [Events](events.md) | The log, its [filter](filter.md#terms) |
| [`Clients`](clients.md "who") | ![not a page](pictures/x.md) |

## Commands

- [Events again](events.md), [companion clients](cli-clients.md), [gone](gone.md)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    (folder / "pictures").mkdir(parents=True)
    for name, text in {
        "index": INDEX,
        "start": "# Getting **started**\n\nOne minute.\n",
        "events": "# Events\n\nThe live log.\n\n## Filter the log\n\nPress `Ctrl+F` and type `event:typing`.\n",
        "filter": "# Filter\n\nTerms of the [log](events.md).\n\n## Terms\n\n`event:typing` and more.\n",
        "clients": "# Clients\n\nWho is connected. Typing of a client comes from its user.\n",
        "cli-clients": "# companion clients\n\n```sh\ncompanion clients list # Typing\n```\n",
        "lost": "no title",
    }.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "notes.txt").write_text("no page")
    return folder


@pytest.fixture
def manual(folder: Path) -> Manual:
    return Manual(folder)


# pages


def test_the_index_groups_the_pages(manual: Manual) -> None:
    assert manual.groups == (
        Group("", (Entry("index", "The manual"), Entry("start", "Getting started"))),
        Group("Rooms", (Entry("events", "Events"), Entry("filter", "filter"), Entry("clients", "Clients"))),
        Group("Commands", (Entry("cli-clients", "companion clients"),)),
        Group("More", (Entry("lost", "lost"),)),
    )
    assert [each.name for each in manual.entries][:3] == ["index", "start", "events"]
    assert (manual.group_of("events"), manual.group_of("index"), manual.group_of("gone")) == ("Rooms", "", "")


def test_a_page_is_read_with_its_title(manual: Manual, folder: Path) -> None:
    assert manual.page("start").title == "Getting started"
    (folder / "events.md").write_bytes(b"\xef\xbb\xbf# Ev\xffents\n")
    assert manual.page("events").title == "Ev\ufffdents"
    with pytest.raises(KeyError):
        manual.page("../help/start")


def test_a_manual_without_an_index_is_missing(tmp_path: Path, folder: Path) -> None:
    (folder / "index.md").unlink()
    for path in (folder, tmp_path / "nowhere"):
        with pytest.raises(ManualMissing, match=r"^The manual is missing from .+\. Install the program again\.$"):
            _ = Manual(path).entries


def test_a_deleted_page_is_reported(manual: Manual, folder: Path) -> None:
    assert "lost" in manual.names
    (folder / "lost.md").unlink()
    with pytest.raises(ManualMissing, match=r"lost\.md cannot be read: No such file or directory\. Install"):
        manual.page("lost")


@pytest.mark.parametrize(
    ("topic", "page"),
    [("clients", "clients"), ("index", "index"), ("clients.md", "clients"), ("inject", ""), ("", ""), ("../x", "")],
)
def test_the_page_about_a_topic(manual: Manual, topic: str, page: str) -> None:
    assert manual.name_about(topic) == page


def test_the_page_about_a_command_is_found_without_its_prefix(manual: Manual, folder: Path) -> None:
    (folder / "clients.md").unlink()
    assert manual.name_about("clients") == "cli-clients"


def test_the_installed_manual_is_read() -> None:
    assert installed().page(pages.INDEX).title
    assert {"events", "help"} <= installed().names


# links


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("events.md", PageLink("events")),
        ("./cli-clients.md#list", PageLink("cli-clients", "list")),
        ("#terms", PageLink("here", "terms")),
        ("https://example.org/a?b=c#d", WebLink("https://example.org/a?b=c#d")),
        ("HTTP://example.org", WebLink("HTTP://example.org")),
        ("../README.md", None),
        ("/etc/passwd", None),
        ("//host/share/events.md", None),
        ("file:///etc/passwd", None),
        ("https:///x", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@example.org", None),
        ("sub/events.md", None),
        ("events.html", None),
        ("", None),
    ],
)
def test_links(target: str, found: object) -> None:
    assert resolve("here", target) == found


@pytest.mark.parametrize(
    "target",
    [
        "../outside.png", "pictures/../../outside.png", "pictures/link.png", "/tmp/a.png", "http://127.0.0.1/a.png",
        "file:pictures/a.png", "data:image/png;base64,AAAA", "pictures/missing.png", "pictures/a.svg",
        "pictures/folder.png", "pictures\\a.png", "a.png", "//host/pictures/a.png", "",
    ],
)  # fmt: skip
def test_only_pictures_of_the_manual_are_found(folder: Path, target: str) -> None:
    (folder.parent / "outside.png").touch()
    (folder / "a.png").touch()
    for name in ("a.png", "a.svg"):
        (folder / "pictures" / name).touch()
    (folder / "pictures" / "folder.png").mkdir()
    if sys.platform != "win32":
        (folder / "pictures" / "link.png").symlink_to(folder.parent / "outside.png")
    assert picture_file(folder, "pictures/a.png") == (folder / "pictures" / "a.png").resolve()
    assert picture_file(folder, target) is None


def test_a_picture_may_have_a_dark_variant(folder: Path) -> None:
    for name in ("a-light.png", "a-dark.png", "b-light.png"):
        (folder / "pictures" / name).touch()
    names = [
        found.name
        for name in ("a-light.png", "b-light.png")
        for dark in (False, True)
        if (found := picture_file(folder, f"pictures/{name}", dark=dark))
    ]
    assert names == ["a-light.png", "a-dark.png", "b-light.png", "b-light.png"]


def test_anchors_match_those_of_github() -> None:
    headings = [
        "Filter the log", "`companion state` & more", "Ready, clients?", "Ready clients", "Ready clients-1",
        "Großes Ü_x",
    ]  # fmt: skip
    assert anchors(headings) == [
        "filter-the-log", "companion-state--more", "ready-clients", "ready-clients-1", "ready-clients-1-1",
        "großes-ü_x",
    ]  # fmt: skip


# Markdown as text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("a **bold** and *slanted* _word_ of snake_case_name", "a bold and slanted word of snake_case_name"),
        ("[a `link`](x.md#y) ![picture](p.png) <https://a.example>", "a link picture https://a.example"),
        ("`**code** [x](y)`", "**code** [x](y)"),
        ("`` a ` b ``", "a ` b"),
        (r"2 \* 3 \| 4", "2 * 3 | 4"),
        ("2 * 3 * 4", "2 * 3 * 4"),
    ],
)
def test_inline_markup_is_removed(markdown: str, text: str) -> None:
    assert inline_text(markdown) == text


def test_headings() -> None:
    assert heading_of("## The `log` ##") == (2, "The log")
    assert heading_of("#hash") == (0, "")


def test_a_page_for_a_terminal() -> None:
    page = """\
# Title

See [events](events.md) and `companion`.

## Table

| Key | Action |
|:--|--:|
| `R` | Resend \\| again |
| Ctrl+C | |
| `NAME\\|FILE` | |

```sh
# no heading
companion | cat

~~~
```
- item
"""
    assert for_terminal(page) == [
        "Title", "=====", "",
        "See events and `companion`.", "",
        "Table", "-----", "",
        "Key          Action",
        "`R`          Resend | again",
        "Ctrl+C",
        "`NAME|FILE`", "",
        "    # no heading", "    companion | cat", "", "    ~~~",
        "- item",
    ]  # fmt: skip


# search


@pytest.fixture
def index(manual: Manual) -> SearchIndex:
    return SearchIndex(manual.page(entry.name) for entry in manual.entries)


def found(index: SearchIndex, query: str) -> list[tuple[str, str]]:
    return [(hit.page, hit.anchor) for hit in index.find(query)]


def test_pages_with_all_words_are_found(index: SearchIndex) -> None:
    assert found(index, "TYPING") == [
        ("events", "filter-the-log"), ("filter", "terms"), ("clients", ""), ("cli-clients", ""),
    ]  # fmt: skip
    assert found(index, "typing connected") == [("clients", "")]
    assert found(index, "typing nothing") == []
    assert found(index, "") == found(index, "  ") == []


def test_titles_come_before_headings_and_headings_before_text(index: SearchIndex) -> None:
    assert found(index, "filter") == [("filter", ""), ("events", "filter-the-log"), ("index", "rooms")]
    assert found(index, "lient")[:2] == [("clients", ""), ("cli-clients", "")]


def test_a_hit_shows_the_text_around_the_word(folder: Path) -> None:
    text = "before " * 30 + "needle " + "after " * 60
    (folder / "start.md").write_text(f"# Start\n\n{text}", encoding="utf-8")
    manual = Manual(folder)
    (hit,) = SearchIndex([manual.page("start")]).find("needle")
    assert hit.snippet.startswith("… before")
    assert hit.snippet.endswith("after …")
    assert " needle " in hit.snippet
    assert len(hit.snippet) <= SNIPPET_CHARS + 4
    (hit,) = SearchIndex([manual.page("clients")]).find("who")
    assert hit.snippet == "Who is connected. Typing of a client comes from its user."
    (hit,) = SearchIndex([manual.page("events")]).find("ctrl")
    assert (hit.title, hit.heading) == ("Events", "Filter the log")
    assert hit.snippet == "Press Ctrl+F and type event:typing."
    (hit,) = SearchIndex([manual.page("index")]).find("what")
    assert hit.snippet.startswith("Page · What Events · The log, its filter Clients · not a page")


# back and forward


def test_reading_history() -> None:
    history = ReadingHistory()
    assert history.current is None
    assert history.step(-1, 0) is None
    history.go(Visit("a"), 0)
    history.go(Visit("b"), 10)
    history.go(Visit("b"), 15)
    assert history.step(-1, 20) == Visit("a", scrolled=10)
    assert (history.can_go_back, history.can_go_forward) == (False, True)
    assert history.step(-1, 0) is None
    assert history.step(1, 30) == Visit("b", scrolled=20)
    history.go(Visit("b", "x"), 5)
    assert history.step(-1, 0) == Visit("b", scrolled=5)
    history.go(Visit("c"), 0)
    assert not history.can_go_forward
    assert history.current == Visit("c")


def test_a_generated_page_is_listed_after_another_and_made_each_time(folder: Path) -> None:
    texts = ["# Mine\n\nfirst", "# Mine\n\nsecond"]
    listed = [each.name for each in Manual(folder).entries]
    after = listed[1]
    manual = Manual(folder, [GeneratedPage("mine", "Mine", after, lambda: texts.pop(0))])
    assert [each.name for each in manual.entries] == [*listed[:2], "mine", *listed[2:]]
    assert manual.group_of("mine") == manual.group_of(after)
    assert (manual.page("mine").text, manual.page("mine").text) == ("# Mine\n\nfirst", "# Mine\n\nsecond")
    assert manual.is_generated("mine")
    assert not manual.is_generated(after)


def test_a_generated_page_that_the_index_links_earlier_is_listed_once(folder: Path) -> None:
    manual = Manual(folder, [GeneratedPage("clients", "Generated", "cli-clients", str)])
    assert [each.name for each in manual.entries].count("clients") == 1
    assert manual.group_of("clients") == "Rooms"
