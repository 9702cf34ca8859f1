"""When an EventBridge Scheduler expression is due: rate(…), cron(…) and at(…), in UTC.

Source: EventBridge Scheduler user guide, "Schedule types". In cron fields, L, W and # are refused, not ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RATE = re.compile(r"rate\((?P<number>[1-9]\d*) (?P<unit>minute|hour|day)s?\)")
CRON = re.compile(r"cron\((?P<fields>[^)]+)\)")
AT = re.compile(r"at\((?P<when>[0-9T:-]+)\)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
YEARS_AHEAD = 5


def next_time(expression: str, after: datetime, created: datetime) -> datetime | None:
    """The first moment later than `after`; None when there is none. A rate counts from when the schedule was made."""
    if rate := RATE.fullmatch(expression):
        every = timedelta(**{f"{rate['unit']}s": int(rate["number"])})
        return created + every * ((after - created) // every + 1)
    if at := AT.fullmatch(expression):
        when = datetime.fromisoformat(at["when"]).replace(tzinfo=UTC)
        return when if when > after else None
    if cron := CRON.fullmatch(expression):
        return next(_Cron.parsed(cron["fields"]).times(after), None)
    raise ValueError(f"not a schedule expression: {expression}")


@dataclass(frozen=True)
class _Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    @classmethod
    def parsed(cls, text: str) -> "_Cron":
        fields = text.split()
        if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
            raise ValueError(f"cron has six fields, and a ? for the day of the month or of the week: {text}")
        minute, hour, day, month, weekday, year = fields
        return cls(
            _numbers(minute, 0, 59),
            _numbers(hour, 0, 23),
            _numbers(day, 1, 31),
            _numbers(month, 1, 12, MONTHS),
            _numbers(weekday, 1, 7, WEEKDAYS),
            _numbers(year, 1970, 2199),
        )

    def times(self, after: datetime) -> Iterator[datetime]:
        first = after.replace(hour=0, minute=0, second=0, microsecond=0)
        for day in (first + timedelta(days=number) for number in range(366 * YEARS_AHEAD)):
            if not self._on(day):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    time = day.replace(hour=hour, minute=minute)
                    if time > after:
                        yield time

    def _on(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7 + 1
        return day.day in self.days and day.month in self.months and weekday in self.weekdays and day.year in self.years


def _numbers(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    for number, name in enumerate(names, start=1):
        field = field.upper().replace(name, str(number))
    found: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(?:(?P<all>[*?])|(?P<first>\d+)(?:-(?P<last>\d+))?)(?:/(?P<step>\d+))?", part)
        if match is None:
            raise ValueError(f"the embedded cloud does not know this part of a cron field: {part}")
        first = least if match["all"] else int(match["first"])
        last = int(match["last"] or (most if match["all"] or match["step"] else first))
        if not least <= first <= last <= most:
            raise ValueError(f"{part} is not within {least} to {most}")
        found.update(range(first, last + 1, int(match["step"] or 1)))
    return frozenset(found)
