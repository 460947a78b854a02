"""The findings of the lint in the control API, and its rules as a setting."""

from typing import Any

from tests.endpoints.control_api import Control


def rule_of(report: Any, rule: str) -> Any:
    return next(each for each in report["rules"] if each["rule"] == rule)


async def fire_online_twice(control: Control) -> list[int]:
    """Fire the same presence twice at a client, and return the numbers of the rows."""
    await control.connect()
    body = {"event": "friend_online", "data": {"username": "alice"}}
    return [(await control.post("/v1/events", body)).json["seq"] for _ in range(2)]


async def test_findings_are_listed_with_their_rows(control: Control) -> None:
    first, seq = await fire_online_twice(control)
    found = rule_of(await control.get_json("/v1/contract/lint"), "presence-repeated")
    assert (found["severity"], found["on"], found["count"]) == ("info", True, 1)
    assert (found["first_row"], found["last_row"]) == (seq, seq)
    assert found["findings"] == [{"row": seq, "text": f"alice is online since row #{first}"}]
    assert found["why"]
    assert found["advice"]
    page = await control.get_json("/v1/journal?filter=lint:presence")
    assert [(row["seq"], row["lint"]) for row in page["rows"]] == [(seq, ["presence-repeated"])]
    marked = await control.patch(f"/v1/journal/{seq}", {"pinned": True})
    assert (marked.json["pinned"], marked.json["lint"]) == (True, ["presence-repeated"])


async def test_rules_are_turned_off_and_on_and_saved(control: Control) -> None:
    await fire_online_twice(control)
    answer = await control.patch("/v1/contract/lint", {"off": ["presence-repeated", "clock-skew"]})
    assert rule_of(answer.json, "presence-repeated")["count"] == 0
    assert [each["rule"] for each in answer.json["rules"] if not each["on"]] == ["clock-skew", "presence-repeated"]
    assert control.companion.settings.lint_off == ["clock-skew", "presence-repeated"]
    assert (await control.get_json("/v1/journal?filter=is:lint"))["rows"] == []
    answer = await control.patch("/v1/contract/lint", {"on": ["presence-repeated"]})
    assert rule_of(answer.json, "presence-repeated")["count"] == 1
    assert control.companion.settings.lint_off == ["clock-skew"]


async def test_unknown_rules_get_a_suggestion(control: Control) -> None:
    for method, path, body in (
        ("patch", "/v1/contract/lint", {"off": ["clock-scew"]}),
        ("patch", "/v1/contract/lint", {"on": ["clock-scew"]}),
        ("patch", "/v1/settings", {"lint_off": ["clock-scew"]}),
    ):
        answer = await getattr(control, method)(path, body)
        assert answer.status == 422
        assert "did you mean clock-skew?" in answer.json["detail"]
        assert "?." not in answer.json["detail"]
    both = await control.patch("/v1/contract/lint", {"on": ["clock-skew"], "off": ["clock-skew"]})
    assert (both.status, both.json["detail"]) == (422, "clock-skew cannot be turned both off and on.")
    assert control.companion.settings.lint_off == []
