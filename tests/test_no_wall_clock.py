"""No test depends on the speed of the machine. Gates and benchmarks measure durations."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MEASURING_FOLDERS = {"gates", "benchmarks", "artifacts"}
"""Folders of tests that measure durations."""
CLOCKS = {
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "process_time",
    "thread_time",
}
"""Functions of the module ``time``; ``time`` is also the method of an event loop."""
SHORTEST_LIMIT_S = 10.0
"""A wait for something that must happen has a limit of at least this many seconds."""
LIMITED = {"timeout", "until", "wait_until", "wait_for", "wait_for_line", "recv", "receive"}
"""Calls whose ``timeout`` fails the test, or whose last argument is such a limit."""
LIMIT_IS_LAST = {"timeout", "wait_for"}
EXPECTS_TIMEOUT = {"raises", "suppress"}
"""``with pytest.raises(TimeoutError)`` shows that something does not happen: its limit may be short."""


def python_files() -> list[Path]:
    return [
        file for file in sorted(TESTS.rglob("*.py")) if not MEASURING_FOLDERS & set(file.relative_to(TESTS).parts)
    ]


def name_of(function: ast.expr) -> str:
    """Return the last name of ``a.b.c`` or ``c``."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


CLOCK_CALL = re.compile(rf"\b(?:{'|'.join(CLOCKS)})\(\)")


LIMIT = re.compile(rf"\btimeout\s*=\s*[\d.]|\b(?:{'|'.join(LIMIT_IS_LAST)})\(")


def may_read_clock(source: str) -> bool:
    """Return whether a file calls a clock. This check is fast; the search for dependent values is slow."""
    return bool(CLOCK_CALL.search(source))


def may_have_short_limit(source: str) -> bool:
    """Return whether a file has a call that ``short_limits`` can find."""
    return bool(LIMIT.search(source))


def reads_clock(node: ast.AST, clock_variables: set[str]) -> bool:
    """Return whether an expression calls a clock or uses a variable that was computed from one."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in clock_variables:
            return True
        if isinstance(each, ast.Call) and name_of(each.func) in CLOCKS and not each.args and not each.keywords:
            return True
    return False


def clock_assertions(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of ``assert`` statements whose condition depends on a clock, function by function."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or not reads_clock(function, set()):
            continue
        clock_variables: set[str] = set()
        for _ in range(3):  # several passes, because a variable may depend on one that is assigned further down
            for node in ast.walk(function):
                if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and node.value:
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    if reads_clock(node.value, clock_variables):
                        clock_variables |= {
                            each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
                        }
                elif isinstance(node, ast.Call) and name_of(node.func) in {"append", "add", "extend"}:
                    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                    if isinstance(owner, ast.Name) and any(
                        reads_clock(each, clock_variables) for each in node.args
                    ):
                        clock_variables.add(owner.id)
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and reads_clock(node.test, clock_variables):
                yield node.lineno


def short_limits(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of waits whose literal limit is below ``SHORTEST_LIMIT_S``."""
    exempt: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With | ast.AsyncWith):
            calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
            if any(name_of(call.func) in EXPECTS_TIMEOUT and "TimeoutError" in ast.unparse(call) for call in calls):
                exempt.update(ast.walk(node))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or node in exempt or name_of(node.func) not in LIMITED:
            continue
        limits = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
        if name_of(node.func) in LIMIT_IS_LAST and node.args:
            limits.append(node.args[-1])
        for limit in limits:
            if (
                isinstance(limit, ast.Constant)
                and isinstance(limit.value, int | float)
                and limit.value < SHORTEST_LIMIT_S
            ):
                yield node.lineno


def lines_that_depend_on_speed(source: str) -> list[int]:
    clock, limit = may_read_clock(source), may_have_short_limit(source)
    if not (clock or limit):
        return []
    tree = ast.parse(source)
    return sorted({*(short_limits(tree) if limit else ()), *(clock_assertions(tree) if clock else ())})


def test_no_test_depends_on_the_speed_of_the_machine() -> None:
    sources = {file: file.read_text(encoding="utf-8") for file in python_files()}
    assert 10 < sum(map(may_read_clock, sources.values())) < len(sources)
    found = [
        f"{file.relative_to(TESTS)}:{line}"
        for file, source in sources.items()
        for line in lines_that_depend_on_speed(source)
    ]
    assert found == [], "use a fake clock, count turns or wait for an event; measure durations in tests/gates"


@pytest.mark.parametrize(
    "body",
    [
        "assert time.monotonic() < 2",
        "began = time.perf_counter()\n    took = time.perf_counter() - began\n    assert took <= LIMIT",
        "loop = get_running_loop()\n    begin = loop.time()\n    assert loop.time() - begin < 2",
        "came = []\n    came.append(time.monotonic())\n    assert came[-1] - came[0] <= 2",
    ],
)
def test_an_assertion_on_a_clock_is_found(body: str) -> None:
    assert list(clock_assertions(ast.parse(f"def test():\n    {body}\n")))


@pytest.mark.parametrize(
    ("body", "short"),
    [
        ("await wait_for(x, 5)", True),
        ("await until(x, timeout=2)", True),
        ("async with asyncio.timeout(1): pass", True),
        ("await wait_for(x, PATIENCE_S)", False),
        ("with pytest.raises(TimeoutError):\n        await wait_for(x, 0.1)", False),
        ("with pytest.raises(ValueError):\n        await wait_for(x, 0.1)", True),
    ],
)
def test_a_limit_that_a_busy_machine_exceeds_is_found(body: str, short: bool) -> None:
    source = f"async def test():\n    {body}\n"
    assert bool(list(short_limits(ast.parse(source)))) is short
    assert may_have_short_limit(source)


def test_a_fake_clock_and_a_deadline_that_raises_are_allowed() -> None:
    source = """
def test(clock):
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError
    assert clock.now == 3
"""
    assert not list(clock_assertions(ast.parse(source)))
