"""Convert between seconds since the epoch and ``datetime``, for the years 1 to 9999 on every system.

The C library's conversions fail for some times in messages: on Windows, ``time.localtime`` and
``datetime.fromtimestamp`` reject times before 1970 and after 3000. A time that the system cannot
convert to local time stays in UTC.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC, microsecond=0)
LAST_S = (_LAST - EPOCH).total_seconds()
"""The last second of the year 9999, in seconds since the epoch."""


def utc(seconds: float) -> datetime:
    """Return seconds since the epoch as a time in UTC.

    Raises ``OverflowError`` for a time before the year 1 or after the year 9999, and ``ValueError`` for NaN.
    """
    return EPOCH + timedelta(seconds=seconds)


def local(seconds: float) -> datetime:
    """Return seconds since the epoch as local time, or as UTC if the system cannot convert that time.

    A time before the year 1 or after the year 9999 becomes the first or last time that a ``datetime`` can hold. An
    ISO time close to either limit can be outside because of its offset.
    """
    try:
        moment = utc(seconds)
    except OverflowError:
        moment = _FIRST if seconds < 0 else _LAST
    try:
        return moment.astimezone()
    except (OSError, OverflowError, ValueError):
        return moment


def seconds_of(moment: datetime) -> float:
    """Return a time as seconds since the epoch. A naive time is local, or UTC if the system cannot convert it."""
    if moment.utcoffset() is None:
        try:
            return moment.timestamp()
        except (OSError, OverflowError, ValueError):
            moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH).total_seconds()
