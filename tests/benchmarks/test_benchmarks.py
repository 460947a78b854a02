"""Tests of the benchmark harness: its calculations, and its load client with real servers."""

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.benchmarks import readme
from tests.benchmarks.hotspots import rows
from tests.benchmarks.line import Goal, Line, failed, skipped
from tests.benchmarks.servers.load import Load, text
from tests.benchmarks.table import TITLES, as_json, cells, markdown


def test_a_goal_that_must_hold_fails_the_check_and_an_open_one_does_not() -> None:
    assert Line(1, "x", "", Goal(1.1), 1.2).missed
    assert not Line(1, "x", "", Goal(1.1), 1.1).missed
    assert Line(1, "x", "", Goal(8, at_least=True), 7.9).missed
    assert Line(1, "x", "", Goal(5, "ms"), 6).missed
    open_goal = Line(1, "x", "", Goal(5, "ms", reach=True), 6)
    assert open_goal.met is False
    assert not open_goal.missed


def test_the_table_and_the_json_say_which_goals_must_hold() -> None:
    lines = [Line(1, "x", "", Goal(1.1), 1.0), Line(2, "y", "", Goal(1.1, reach=True), 1.2)]
    column = TITLES.index("status")
    assert [cells(line)[column] for line in lines] == ["hold", "reach"]
    assert [each["status"] for each in json.loads(as_json(lines))] == ["hold", "reach"]


def test_a_skipped_measurement_is_listed_and_fails_no_check() -> None:
    line = skipped(4, "against node", "no node", Goal(1.0))
    assert (line.figure, line.met, line.missed, line.ratio) == ("skipped: no node", None, False, "–")


def test_a_failed_measurement_fails_the_check() -> None:
    line = failed(13, "posting", ConnectionResetError("reset by peer"))
    assert (line.missed, line.figure) == (True, "failed: ConnectionResetError: reset by peer")


def test_markdown_has_a_rule_below_its_titles() -> None:
    assert markdown([("a", "b"), ("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_report_replaces_only_the_text_between_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "README.md"
    monkeypatch.setattr(readme, "README", file)
    file.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter — ü\n", encoding="utf-8")
    readme.write("new")
    assert file.read_text(encoding="utf-8") == f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter — ü\n"
    file.write_text("no marks\n")
    with pytest.raises(ValueError, match="has no"):
        readme.write("new")


def test_the_benchmarks_readme_has_the_marks() -> None:
    assert readme.README.parent.name == "benchmarks"
    text = readme.README.read_text(encoding="utf-8")
    assert text.index(readme.BEGIN) < text.index(readme.END)


def test_hotspots_count_a_function_once_per_stack_whatever_its_lines() -> None:
    thread = "thread (0x1): MainThread"
    stacks = f"{thread};main (a.py:1);send (b.py:5) 3\n{thread};main (a.py:2);main (a.py:1);wait (c.py:9) 1\n"
    stacks += "thread (0x2): sqlite;wait (queue.py:3) 9\n"
    assert rows(stacks, 2) == [
        ("own", "with calls", "function"),
        ("75.0 %", "75.0 %", "send (b.py)"),
        ("25.0 %", "25.0 %", "wait (c.py)"),
    ]


async def test_a_rate_stamps_each_event_with_the_time_at_which_it_was_due() -> None:
    stamps: list[int] = []
    answer = await Load(lambda number, stamp: stamps.append(stamp)).run_command(["rate", "1000", "500"])
    assert answer == {"sent": len(stamps), "due": 500}  # on a busy machine, less is sent
    assert len(stamps) > 1
    assert {later - earlier for earlier, later in pairwise(stamps)} == {1_000_000}


def test_the_stamp_has_the_format_that_the_load_client_reads() -> None:
    assert text(7, 123) == "@0000000007:00000000000000000123 hello"


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="the load client needs epoll and cc")
def test_the_load_client_counts_every_frame_and_receives_every_echo() -> None:
    from tests.benchmarks.contenders import Pool

    with Pool() as pool, pool.server("asyncio").link(listeners=3, pairs=2, stalled=1) as link:
        paced = link.paced(100)
        assert paced.share == 1.0
        assert paced.delivered > 30
        assert paced.delivered % 3 == 0
        assert 0 < paced.p50 <= paced.p99 <= paced.worst < 5000
        assert 0 < paced.us < 10_000
        assert link.echo(100).delivered > 20
        assert link.flood(500).delivered == 1000


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["serve", "tray"])
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="the load client needs epoll and cc")
def test_the_load_client_measures_the_real_programs(name: str) -> None:
    from tests.benchmarks.contenders import Pool

    with Pool() as pool:
        server = pool.start(name, rows=100)
        try:
            with server.link(listeners=2) as link:
                paced = link.paced(100)
                assert paced.share == 1.0
                assert paced.delivered > 0
        finally:
            server.child.end()
