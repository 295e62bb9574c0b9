"""Days of a project → what is wrong on one of them. Plain values; the thresholds are those of docs/quality.md.

A day is judged by itself and by the days before it, never by what came later: judged again it comes to the same, until
one of those days changes.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from functions.quality_check.kinds import Found, Kind, place_of
from functions.quality_check.profiles import Profile

DAY = timedelta(days=1)
# How far back is looked: four weeks of the same weekday, and what is new within the last of them.
LOOK_BACK = 36 * DAY
NEW_FOR = 7
_BASE_DAYS = 14
_FEWEST_ROWS = 20
_FEWEST_DAYS = 3
_FEWEST_WEEK = 7
_FROM_SHARE = 0.01
_NULL_RISE = 0.2
_NULL_SIGMAS = 4
_OF_NORMAL = 1.4826
_VOLUME_SPREADS = 5
_VOLUME_CHANGE = 0.3
_SEEN_SHARE = 0.8
_SAME_WEEKDAYS = 3
# Kinds that are a share of the events: from which share on they are found, and which takes the whole weight.
_SHARES: dict[Kind, tuple[float, float]] = {
    "repeats": (0.01, 0.05),
    "late": (0.05, 0.20),
    "future": (0.001, 0.01),
    "bots": (0.10, 0.30),
    "id_conflict": (0.0, 0.01),
}
_FULL_BROKEN = 0.10
_FULL_RISE = 0.5
_NEW_SHARE = 0.2

Days = Mapping[date, Mapping[str, Profile]]
_NOTHING = Profile()


class Judge:
    """Judges the days of one project.

    `planned` are the events with a schema, `hidden` those that people want to hear nothing of.
    """

    def __init__(self, days: Days, planned: frozenset[str] = frozenset(), hidden: frozenset[str] = frozenset()) -> None:
        self._days = days
        self._planned = planned
        self._hidden = hidden

    def day(self, day: date, *, over: bool) -> list[Found]:
        """All that is wrong on a day; `over`: nothing more of it is to come, so that what is missing is missing."""
        found: list[Found] = []
        today = {name: profile for name, profile in self._days.get(day, {}).items() if name not in self._hidden}
        for event, profile in today.items():
            if profile.volume or profile.refused:
                found += self._shares(event, profile)
            if profile.volume:
                found += self._properties(event, profile, day)
            if over and profile.volume:
                found += self._volume(event, profile.volume, day)
        if over:
            found += self._silent(day, {name for name, profile in today.items() if profile.volume})
        return found

    def now(self, today: date) -> list[Found]:
        """What is wrong now: by today where it has enough to say, else by yesterday, which is over."""
        yesterday = today - DAY
        at, profiles = self.day(today, over=False), self._days.get(today, {})
        told = {event for event, profile in profiles.items() if profile.volume + profile.refused >= _FEWEST_ROWS}
        found = {place_of(one): one for one in at}
        for one in self.day(yesterday, over=True):
            silent_no_more = one.kind == "silent" and any(
                profile.volume for event, profile in profiles.items() if one.event in {"", event}
            )
            if not silent_no_more and (one.kind in {"volume", "silent"} or one.event not in told):
                found.setdefault(place_of(one), one)
        return list(found.values())

    def _shares(self, event: str, profile: Profile) -> Iterator[Found]:
        counts: dict[Kind, int] = {
            "repeats": profile.repeats,
            "late": profile.late,
            "future": profile.future,
            "bots": profile.bots,
            "id_conflict": profile.id_conflicts,
        }
        for kind, count in counts.items():
            share = count / profile.volume if profile.volume else 0.0
            least, full = _SHARES[kind]
            if count and share >= least:
                yield _found(kind, event, share, f"{count} / {profile.volume}", share / full)
        yield from _refused(event, profile)
        if self._planned and event not in self._planned and profile.volume:
            yield _found("unplanned", event, profile.volume, str(profile.volume), 1)

    def _before(self, event: str, day: date, most: int = _BASE_DAYS) -> list[tuple[date, Profile]]:
        """The days before that had any of the event, the newest first."""
        found = []
        for back in range(1, LOOK_BACK.days + 1):
            profile = self._days.get(day - back * DAY, {}).get(event)
            if profile is not None and profile.volume:
                found.append((day - back * DAY, profile))
            if len(found) == most:
                break
        return found

    def _properties(self, event: str, profile: Profile, day: date) -> Iterator[Found]:
        before = self._before(event, day, LOOK_BACK.days)
        if profile.sampled < _FEWEST_ROWS or len(before) < _FEWEST_DAYS:
            return
        for name, seen in profile.properties.items():
            if seen.rows < profile.sampled * _FROM_SHARE:
                continue
            without = [at for at, past in before if name not in past.properties]
            with_it = [(at, past) for at, past in before if name in past.properties]
            if _is_new(day, [at for at, _ in with_it], without):
                types = ", ".join(sorted(seen.types))
                yield _found("new_property", event, seen.rows / profile.sampled, types, _NEW_SHARE, name=name)
            yield from _changed(event, name, profile, day, with_it)
        yield from _missing(event, profile, before[:_BASE_DAYS])

    def _volume(self, event: str, volume: int, day: date) -> Iterator[Found]:
        first = min((at for at, one in self._days.items() if event in one and one[event].volume), default=day)

        def of(at: date) -> int:
            return self._days.get(at, {}).get(event, _NOTHING).volume

        weekdays = [at for at in (day - week * 7 * DAY for week in range(1, 5)) if at > first]
        days = [at for at in (day - back * DAY for back in range(1, _BASE_DAYS + 1)) if at > first]
        base = list(map(of, weekdays if len(weekdays) >= _SAME_WEEKDAYS else days))
        if len(weekdays) < _SAME_WEEKDAYS and len(base) < _FEWEST_WEEK:
            return
        middle = statistics.median(base)
        spread = _OF_NORMAL * statistics.median([abs(one - middle) for one in base])
        spread = max(spread, middle**0.5, 0.1 * middle)
        away = abs(volume - middle)
        if middle >= _FEWEST_ROWS and away > _VOLUME_SPREADS * spread and away >= _VOLUME_CHANGE * middle:
            yield _found("volume", event, volume, f"{volume} / {middle:g}", 1, expected=middle)

    def _silent(self, day: date, there: set[str]) -> Iterator[Found]:
        names = {name for at, one in self._days.items() if at < day for name in one} - there - self._hidden
        missing: list[Found] = []
        for event in sorted(names):
            before = self._before(event, day)
            if not before or (day - before[0][0]).days > _BASE_DAYS:
                continue
            last = before[0][0]
            span = [last - back * DAY for back in range(_BASE_DAYS)]
            seen = {at for at, _ in before}
            began = before[-1][0]
            known = [at for at in span if at >= began]
            if len(known) >= _FEWEST_WEEK and len(seen & set(known)) >= _SEEN_SHARE * len(known):
                usual = statistics.median([profile.volume for _, profile in before])
                missing.append(_found("silent", event, 0, last.isoformat(), 1, expected=usual))
        if len(missing) > 1 and not there:  # one finding, not one an event: nothing arrives at all
            yield _found("silent", "", 0, missing[0].detail, 1, expected=sum(one.expected or 0 for one in missing))
        else:
            yield from missing


def _refused(event: str, profile: Profile) -> Iterator[Found]:
    sent = profile.volume + profile.refused
    stored_broken = profile.volume * profile.broken / profile.checked if profile.checked else 0.0
    share = (stored_broken + profile.mismatched) / sent
    if share > 0:
        rules = "; ".join(profile.rules)
        about = f"{round(stored_broken) + profile.mismatched} / {sent}" + (f" · {rules}" if rules else "")
        yield _found("schema_violation", event, share, about, share / _FULL_BROKEN)
    others = profile.refused - profile.mismatched
    if others and others / sent >= _FROM_SHARE:
        yield _found("rejected", event, others / sent, f"{others} / {sent}", others / sent / _FULL_BROKEN)


def _is_new(day: date, with_it: Sequence[date], without: Sequence[date]) -> bool:
    """Whether something was there for the first time within the last days, and was not on enough days before that."""
    first = min(with_it, default=day)
    return (day - first).days < NEW_FOR and sum(at < first for at in without) >= _FEWEST_DAYS


def _changed(
    event: str, name: str, profile: Profile, day: date, with_it: Sequence[tuple[date, Profile]]
) -> Iterator[Found]:
    """A type that a property has only had for some days."""
    now = _types(profile, name)
    for kind in sorted(now):
        had = [at for at, past in with_it if kind in _types(past, name)]
        others = [at for at, past in with_it if kind not in _types(past, name)]
        if _is_new(day, had, others):
            first = min(had, default=day)
            earlier = set().union(*(_types(past, name) for at, past in with_it if at < first))
            seen = profile.properties[name]
            detail = f"{', '.join(sorted(earlier))} → {', '.join(sorted(now))}"
            yield _found("type_change", event, seen.types[kind] / seen.rows, detail, 1, name=name)
            return


def _types(profile: Profile, name: str) -> set[str]:
    seen = profile.properties[name]
    return {kind for kind, rows in seen.types.items() if rows >= seen.rows * _FROM_SHARE}


def _missing(event: str, profile: Profile, before: Sequence[tuple[date, Profile]]) -> Iterator[Found]:
    """Properties that far fewer events have than on the days before: absent, null or an empty object."""
    base = [past for _, past in before if past.sampled >= _FEWEST_ROWS]
    if len(base) < _FEWEST_DAYS:
        return
    for name in sorted({name for past in base for name in past.properties}):
        usual = statistics.median([_share(past, name) for past in base])
        now = _share(profile, name)
        noise = _NULL_SIGMAS * (usual * (1 - usual) / profile.sampled) ** 0.5
        if usual - now >= max(_NULL_RISE, noise):
            detail = f"{1 - usual:.0%} → {1 - now:.0%}"
            yield _found("null_rate", event, 1 - now, detail, (usual - now) / _FULL_RISE, name=name, expected=1 - usual)


def _share(profile: Profile, name: str) -> float:
    seen = profile.properties.get(name)
    return seen.rows / profile.sampled if seen is not None and profile.sampled else 0.0


def _found(
    kind: Kind, event: str, value: float, detail: str, share: float, *, name: str = "", expected: float | None = None
) -> Found:
    return Found(kind, event, name, round(value, 6), expected, detail[:500], min(1.0, share))
