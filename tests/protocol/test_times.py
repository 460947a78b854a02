"""Times from year 1 to year 9999, also if the C library rejects times before 1970 and after 3000."""

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Self

import pytest
from typing_extensions import override

from app.protocol import times
from app.protocol.backend import is_valid_time, parse_timestamp
from app.protocol.templates import TemplateContext, iso, resolve

YEAR_1, YEAR_9999 = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


class WindowsTime(datetime):
    """A ``datetime`` with the limits of the C library of Windows: local times from 1970 to 3000."""

    def _check(self) -> None:
        if not 1970 <= self.year <= 3000:
            raise OSError(22, "Invalid argument")

    @classmethod
    @override
    def fromtimestamp(cls, timestamp: float, tz: tzinfo | None = None) -> Self:
        result = super().fromtimestamp(timestamp, tz)
        result._check()
        return result

    @override
    def timestamp(self) -> float:
        if self.tzinfo is None:
            self._check()
        return super().timestamp()

    @override
    def astimezone(self, tz: tzinfo | None = None) -> Self:
        if tz is None:
            self._check()
        return super().astimezone(tz)


@pytest.fixture(params=["this system", "Windows"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Windows":

        def localtime(seconds: float | None = None) -> Any:
            raise OSError(22, "Invalid argument")

        monkeypatch.setattr(time, "localtime", localtime)
        for user in ("backend", "templates"):
            monkeypatch.setattr(f"app.protocol.{user}.datetime", WindowsTime, raising=False)
        monkeypatch.setattr(times, "EPOCH", WindowsTime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("text", [YEAR_1, "1969-12-31T23:59:59Z", "3001-01-01T00:00:00Z", YEAR_9999])
def test_a_time_in_any_year_is_parsed_and_formatted(text: str) -> None:
    seconds = parse_timestamp(text)
    assert seconds
    assert iso(seconds) == text.replace("Z", ".000Z")
    assert is_valid_time(seconds)
    assert f"{times.local(seconds):%H:%M}"


@pytest.mark.usefixtures("system")
def test_times_before_1970_are_ordered() -> None:
    texts = ["0002-05-01T00:00:00", "0002-05-02T00:00:00", "1900-01-01T00:00:00", "1970-06-01T00:00:00Z"]
    assert [parse_timestamp(text) for text in texts] == sorted({parse_timestamp(text) for text in texts})


@pytest.mark.usefixtures("system")
def test_a_template_may_result_in_a_time_before_1970() -> None:
    assert resolve("{{now-20000d}}", TemplateContext(wall=0.0)) == "1915-03-31T00:00:00.000Z"


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
def test_a_time_outside_the_calendar_range_in_utc_can_be_formatted(text: str) -> None:
    seconds = parse_timestamp(text)
    assert not is_valid_time(seconds)
    assert times.local(seconds).year in (1, 9999)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), float("-inf"), 1e300, -1e12])
def test_a_time_outside_the_calendar_range_is_invalid(seconds: float) -> None:
    assert not is_valid_time(seconds)


def test_local_time_uses_the_time_zone_of_the_system() -> None:
    seconds = 1_705_314_600.0
    known = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert times.utc(seconds) == times.local(seconds) == known
    assert times.local(seconds).utcoffset() == known.astimezone().utcoffset()
    assert times.seconds_of(known.astimezone(timezone(timedelta(hours=5)))) == seconds
    assert times.seconds_of(known.astimezone().replace(tzinfo=None)) == seconds
