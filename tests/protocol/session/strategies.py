"""Random steps and sessions, as JSON values."""

from typing import Any

from hypothesis import strategies as st

Fields = dict[str, Any]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORDS = st.sampled_from(["all", "wait", "note", "me", "with", "times", "to"])
NAMES = st.one_of(
    st.sampled_from(["alice", "bob", "Mary Ann", "o'brien", 'say "x"', "a:b", "all", "wait", "#x", "(x)", "ünï"]),
    TEXTS.filter(bool),
)
SECONDS = st.one_of(
    st.sampled_from([0, 0.2, 0.31, 0.5, 1, 1.5, 2, 60]), st.floats(0, 86_400, allow_subnormal=False)
)
TARGETS = st.one_of(
    st.sampled_from(["all", "client:3", "client:1,2", "user:all", "all except:3", "x"]), NAMES.map("user:{}".format)
)
VALUES = st.one_of(st.booleans(), st.integers(-5, 5), st.none(), TEXTS, st.lists(st.integers(), max_size=2))
PATHS = st.sampled_from(["text", "to", "data.text", "reactions[0].emoji", "a-b"])
WHERE = st.dictionaries(PATHS, VALUES, max_size=2)
FIXTURES = st.sampled_from(["nasty/markup", "plain", "a b/c"])
CAUSES = st.sampled_from(["typing", "mark_read", "POST /messages", "GET /friends", "x y", "GET"])


def _object(required: Fields, optional: Fields) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries(required, optional={"after": SECONDS, "x-unknown": VALUES, **optional})


FAULT_WORDS = st.sampled_from(["loss=0.5", "latency=200~50", "duplicate", "stall=10,for=2000"])
ROUTES = st.sampled_from(["POST /messages", "* /*"])
SEEDS = st.integers(0, 99)
REST_WORDS = st.sampled_from(["status=503", "offline", "delay=300", "no-cors"])

SIMPLE_STEPS = st.one_of(
    _object({"say": TEXTS, "as": NAMES}, {"typing": SECONDS, "to": TARGETS}),
    _object({"fire": NAMES}, {"data": st.dictionaries(TEXTS, VALUES, max_size=2), "to": TARGETS, "as": NAMES}),
    _object({"fixture": FIXTURES}, {"as": NAMES, "to": TARGETS, "set": WHERE}),
    _object({"frame": TEXTS}, {"to": TARGETS}),
    _object({"typing": st.booleans(), "as": NAMES}, {"for": SECONDS, "to": TARGETS}),
    _object({"presence": st.sampled_from(["online", "offline"]), "user": NAMES}, {}),
    _object({"expect": CAUSES}, {"from": NAMES, "where": WHERE, "within": SECONDS}),
    _object({"wait": SECONDS}, {}),
    _object({"wait": st.fixed_dictionaries({"client": TARGETS}, optional={"within": SECONDS})}, {}),
    _object({"close": TARGETS}, {"code": st.integers(1000, 4999), "reason": TEXTS}),
    _object({"abort": TARGETS}, {}),
    _object({"refuse": st.integers(1, 1000)}, {"mode": st.sampled_from(["503", "reset", "silence", "close:1013"])}),
    _object({"faults": TARGETS}, {}),
    _object({"faults": TARGETS, "set": st.lists(FAULT_WORDS, min_size=1, max_size=3)},
            {"direction": st.sampled_from(["from_ui", "both"]), "only": NAMES, "seed": SEEDS}),
    _object({"faults": TARGETS, "profile": NAMES}, {"seed": SEEDS}),
    _object({"rest_fault": ROUTES, "set": st.lists(REST_WORDS, min_size=1, max_size=3)}, {"seed": SEEDS}),
    _object({"state": st.sampled_from(["load", "save", "reset"])}, {"file": TEXTS}),
    _object({"mark": NAMES}, {}),
    _object({"note": TEXTS}, {}),
    _object({"s2c": NAMES}, {"payload": TEXTS, "recipients": st.lists(st.integers(1, 9), max_size=3)}),
    _object({"c2s": NAMES, "client": st.integers(1, 9)}, {"payload": TEXTS, "user": NAMES}),
    _object({"rest": CAUSES}, {"request": VALUES, "status": st.integers(200, 599), "response": VALUES}),
    _object({"server": NAMES}, {"comment": TEXTS}),
)  # fmt: skip


def _blocks(inner: st.SearchStrategy[Fields]) -> st.SearchStrategy[Fields]:
    steps = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _object({"repeat": st.integers(1, 9), "steps": steps}, {}),
        _object({"when": CAUSES, "do": steps}, {"from": NAMES, "where": WHERE, "times": st.integers(1, 9)}),
    )


STEPS = st.recursive(SIMPLE_STEPS, _blocks, max_leaves=6)
HEADERS = st.fixed_dictionaries(
    {"session": st.just(1)},
    optional={
        "title": TEXTS, "kind": st.sampled_from(["scenario", "recording"]), "seed": st.integers(0, 2**32 - 1),
        "me": NAMES, "started": st.just("2026-01-01T00:00:00Z"), "state": st.sampled_from(["x.json", {"a": 1}]),
        "companion": st.just("0.2.0"), "x-unknown": VALUES,
    },
)  # fmt: skip
