"""The filters in the context menu of a row."""

import pytest

from app.hub.filter import parse
from app.hub.journal import Journal, Kind
from app.hub.origin import Origin
from app.ui.models.row_filters import row_filters


@pytest.mark.parametrize(
    ("kind", "event", "client", "user", "origin", "titles"),
    [
        (Kind.TO_UI, "typing", "all", "", "panel", ["typing"]),
        (Kind.TO_UI, "typing", "user:bob", "", "panel", ["typing", "user bob"]),
        (Kind.TO_UI, "typing", "client:2", "bob", "priming", ["typing", "client 2 · bob", "priming"]),
        (Kind.TO_UI, "typing", "client:2,5", "", "panel", ["typing"]),
        (Kind.TO_UI, "typing", "user:x except:3 except:", "", "panel", ["typing", "user x except:3"]),
        (Kind.TO_UI, "typing", "user:x except:3 except:4", "", "panel", ["typing", "user x except:3"]),
        (Kind.TO_UI, "typing", "no target", "", "panel", ["typing"]),
        (Kind.FROM_UI, "typing", "2", "bob", "client 2", ["typing", "client 2 · bob"]),
        (Kind.FROM_UI, "", "2", "bob", "client 2", ["client 2 · bob"]),
        (Kind.FROM_UI, "POST /messages", "rest", "me", "rest", ["POST /messages", "REST calls"]),
        (Kind.SERVER, "connected", "2", "bob", "server", ["connected", "client 2 · bob", "server rows"]),
        (Kind.SERVER, "listening", "", "", "server", ["listening", "server rows"]),
        (Kind.FROM_UI, 'a"b', "2", "bob", "client 2", ["client 2 · bob"]),
    ],
)
def test_a_row_offers_filters_that_select_or_hide_it(
    kind: Kind, event: str, client: str, user: str, origin: str, titles: list[str]
) -> None:
    row = Journal().append(kind, event, client=client, user=user, origin=Origin(origin))
    filters = row_filters(row)
    assert [each.title for each in filters] == [
        f"{verb} {title}" for title in titles for verb in ("Show only", "Hide")
    ]
    for each in filters:
        parsed = parse(each.edit("-nothing"))
        assert parsed.warnings == ()
        assert parsed.matches(row) is each.title.startswith("Show only")


@pytest.mark.parametrize(
    ("kind", "event", "origin", "events", "other"),
    [
        (Kind.SERVER, "connected", "server", (), "disconnected"),
        (Kind.FROM_UI, "GET /friends", "rest", (), "GET /friends/alice"),
        (Kind.TO_UI, "typing", "panel", ("typing", "typing_stopped"), "typing_stopped"),
    ],
)
def test_an_event_is_distinguished_from_events_whose_name_contains_it(
    kind: Kind, event: str, origin: str, events: tuple[str, ...], other: str
) -> None:
    journal = Journal()
    row = journal.append(kind, event, origin=Origin(origin))
    only, hide = (each.edit("") for each in row_filters(row, events)[:2])
    similar = journal.append(kind, other, origin=Origin(origin))
    assert [parse(only).matches(row), parse(only).matches(similar)] == [True, False]
    assert [parse(hide).matches(row), parse(hide).matches(similar)] == [False, True]


def test_a_long_name_is_truncated_only_in_the_title() -> None:
    row = Journal().append(Kind.FROM_UI, "x" * 500, client="2", origin=Origin("client 2"))
    title, edit = row_filters(row)[0]
    assert len(title) < 60
    assert parse(edit("")).matches(row)
