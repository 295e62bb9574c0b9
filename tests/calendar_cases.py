"""Zones whose clocks do odd things, and a plain reading of them: what a clock on the wall shows, instant by instant."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

# Every change of clocks since 1970 happens at a multiple of this.
STEP = timedelta(seconds=30)
LOOK_AROUND = {"minute": 1, "hour": 2, "day": 3, "week": 10, "month": 34}


class Case(NamedTuple):
    """A range to cut; `buckets` is how many pieces that must be, by hand."""

    zone: str
    start: str
    end: str
    interval: str
    buckets: int


CASES = [
    Case("UTC", "2024-02-28", "2024-03-01", "day", 3),
    Case("UTC", "2024-02-28T10:30:15", "2024-02-28T10:33:15", "minute", 4),
    Case("UTC", "2024-01-31", "2024-03-01", "month", 3),
    Case("UTC", "2023-12-31", "2024-01-08", "week", 3),
    # 23 and 25 hours
    Case("Europe/Berlin", "2024-03-31", "2024-03-31", "hour", 23),
    Case("Europe/Berlin", "2024-10-27", "2024-10-27", "hour", 25),
    Case("Europe/Berlin", "2024-10-26", "2024-10-28", "day", 3),
    Case("Europe/Berlin", "2024-10-27T02:10:00", "2024-10-27T03:05:00", "minute", 60 + 55),
    Case("Europe/Berlin", "2024-10-21", "2024-11-03", "week", 2),
    Case("Europe/Berlin", "2024-03-15", "2024-04-15", "month", 2),
    Case("America/New_York", "2024-11-03", "2024-11-03", "hour", 25),
    # half an hour and three quarters beside UTC, and half an hour of summer
    Case("Asia/Kolkata", "2024-05-01", "2024-05-02", "hour", 48),
    Case("Asia/Kathmandu", "2024-05-01", "2024-05-01", "hour", 24),
    Case("Asia/Kathmandu", "1985-12-31", "1986-01-01", "hour", 48),
    Case("Pacific/Chatham", "2024-04-07", "2024-04-07", "hour", 26),
    Case("Australia/Lord_Howe", "2024-04-07", "2024-04-07", "hour", 25),
    Case("Australia/Lord_Howe", "2024-10-06", "2024-10-06", "hour", 24),
    Case("Australia/Lord_Howe", "2024-04-06", "2024-04-08", "day", 3),
    Case("America/Caracas", "2007-12-09", "2007-12-09", "hour", 25),
    Case("America/Caracas", "2016-05-01", "2016-05-01", "hour", 24),
    Case("Asia/Pyongyang", "2015-08-14", "2015-08-15", "day", 2),
    # days without a midnight, with two, and with a piece of the day before inside
    Case("America/Sao_Paulo", "2018-11-03", "2018-11-05", "day", 3),
    Case("America/Sao_Paulo", "2018-11-04", "2018-11-04", "hour", 23),
    Case("America/Sao_Paulo", "2018-02-17", "2018-02-18", "day", 2),
    Case("America/Havana", "2024-11-03", "2024-11-03", "day", 1),
    Case("America/Havana", "2024-11-03", "2024-11-03", "hour", 25),
    Case("Asia/Beirut", "2023-03-29", "2023-03-31", "day", 3),
    Case("Africa/Cairo", "2024-04-25", "2024-04-27", "day", 3),
    Case("America/St_Johns", "2010-11-06", "2010-11-08", "day", 3),
    Case("America/St_Johns", "2010-11-01", "2010-11-14", "week", 2),
    # a day that never was
    Case("Pacific/Apia", "2011-12-29", "2011-12-31", "day", 2),
    Case("Pacific/Apia", "2011-12-29", "2011-12-31", "hour", 48),
    Case("Pacific/Apia", "2011-12-26", "2012-01-01", "week", 1),
    Case("Pacific/Kiritimati", "1994-12-30", "1995-01-02", "day", 3),
    # seconds, from before zones were whole minutes
    Case("Africa/Monrovia", "1972-01-06", "1972-01-07", "day", 2),
    Case("Africa/Monrovia", "1972-01-06T23:00:00", "1972-01-07T01:30:00", "hour", 3),
    Case("Africa/Casablanca", "2024-03-09", "2024-03-11", "day", 3),
    Case("Antarctica/Troll", "2024-03-31", "2024-03-31", "hour", 22),
    Case("Europe/Dublin", "2040-10-28", "2040-10-28", "hour", 25),
]


def shown(moment: datetime, zone: ZoneInfo, interval: str) -> tuple[Any, ...]:
    """The minute, hour, day, week or month that a clock and a calendar on the wall show."""
    local = moment.astimezone(zone)
    match interval:
        case "minute" | "hour":
            return *local.timetuple()[: 5 if interval == "minute" else 4], local.utcoffset()
        case "day":
            return local.timetuple()[:3]
        case "week":
            return (local.date() - timedelta(days=local.weekday())).timetuple()[:3]
        case _:
            return local.timetuple()[:2]


def first_shown(start: datetime, end: datetime, zone: ZoneInfo, interval: str) -> dict[tuple[Any, ...], datetime]:
    """What is shown in the range, in order, each with the first instant it is ever shown; found by looking."""
    around = timedelta(days=LOOK_AROUND[interval])
    first: dict[tuple[Any, ...], datetime] = {}
    kept: dict[tuple[Any, ...], datetime] = {}
    moment = start - around
    moment -= (moment - datetime(1970, 1, 1, tzinfo=UTC)) % STEP
    while moment < end:
        key = shown(moment, zone, interval)
        first.setdefault(key, moment)
        if moment + STEP > start:
            kept.setdefault(key, first[key])
        moment += STEP
    return kept
