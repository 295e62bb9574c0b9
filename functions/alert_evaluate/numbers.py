"""The numbers that rules are judged by, of many rules at once: as few statements as their questions allow.

Plain counts of one project and range are one statement, whatever their events and filters. What is asked twice is
asked once. Where a statement for many fails, each of them is asked for itself: a bad rule is its own trouble.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from functions.alert_evaluate.conditions import Need, Value
from functions.alert_evaluate.rules import Rule, span
from functions.alert_evaluate.states import WHOLE
from shared.clock import to_micros
from shared.query.ask import Asker
from shared.query.counting import count_sql
from shared.query.fields import field
from shared.query.filters import condition
from shared.query.funnel.planned import plan_funnel
from shared.query.identity import Identity, look
from shared.query.measures import of_nothing
from shared.query.parameters import Parameters
from shared.query.planner import Source, Wanted
from shared.query.scope import MAX_EVENTS, read_sql, scope
from shared.refusals import Rejected
from shared.warehouse.client import WarehouseError

_FOLDER = Path(__file__).parent
# Of one statement for many rules: how many different filters, and bytes of their values, which travel in an address.
MOST_COLUMNS = 50
_MOST_BYTES = 30_000
_MICROS = 1_000_000
# Of a group's name; what is the same for so long is one group.
LONGEST_KEY = 200
# Groups of one rule that are looked after at a time.
MOST_GROUPS = 200


class Judging(NamedTuple):
    """A rule to be judged for the window that ends there; `kept` are the groups that were looked after before."""

    rule: Rule
    project_id: uuid.UUID
    end: datetime
    kept: Sequence[str] = ()


class Numbers(NamedTuple):
    """What a rule or one of its groups is judged by; `top`: it is one of the largest, `seen`: it has events."""

    values: list[Value]
    top: bool = True
    seen: bool = True


Found = dict[str, Numbers]


class _Question(NamedTuple):
    """What is asked of the warehouse, comparable: `kind` says how, `body` is all that its statement depends on."""

    kind: str
    project_id: uuid.UUID
    start: datetime
    end: datetime
    body: bytes


_Asked = dict[_Question, tuple[Judging, Need]]
_Answers = dict[_Question, list[Value] | BaseException]


class Finder:
    """Finds the numbers of rules; `asker` gives what a statement of a measure is asked by. Made for one round."""

    def __init__(self, asker: Callable[[str], Asker], at_once: int = 8) -> None:
        self._asker = asker
        self._turns = asyncio.Semaphore(at_once)
        self._identities: dict[uuid.UUID, asyncio.Task[Identity]] = {}

    async def find(self, judgings: Sequence[Judging]) -> list[Found | BaseException]:
        """The numbers of each, or why there are none (Rejected, UnavailableError, WarehouseError, or a bug of ours)."""
        plain = [one for one in judgings if one.rule.query.group_by is None]
        grouped = [one for one in judgings if one.rule.query.group_by is not None]
        needs = [[(_question(one, need), need) for need in one.rule.needs()] for one in plain]
        asked: _Asked = {}
        for one, its in zip(plain, needs, strict=True):
            asked.update({question: (one, need) for question, need in its})
        answers = await self._answers(asked)
        whole = iter([_assembled([answers[question] for question, _ in its]) for its in needs])
        by_group = iter(await asyncio.gather(*map(self._grouped, grouped), return_exceptions=True))
        return [next(whole if one.rule.query.group_by is None else by_group) for one in judgings]

    async def _answers(self, asked: _Asked) -> _Answers:
        """The numbers of each question, those that go together in one statement."""
        many = list(_together(asked))
        together = {question for group in many for question in group}
        alone = [question for question in asked if question not in together]
        work: list[Coroutine[Any, Any, Any]] = [self._many(group, asked) for group in many]
        work += [self._alone(*asked[question]) for question in alone]
        found = await asyncio.gather(*work, return_exceptions=True)
        answers: _Answers = {}
        for group, values in zip(many, found[: len(many)], strict=True):
            answers.update(dict.fromkeys(group, values) if isinstance(values, BaseException) else values)
        answers.update(zip(alone, found[len(many) :], strict=True))
        return answers

    async def _many(self, questions: Sequence[_Question], asked: _Asked) -> _Answers:
        """The counts of one project and range; where that is refused, each by itself."""
        wanted = [one.rule.wanted(need, one.project_id, one.end) for one, need in (asked[each] for each in questions)]
        try:
            async with self._turns:
                counts = await self._counts(wanted)
        except (Rejected, WarehouseError):
            alone = [self._alone(*asked[question]) for question in questions]
            return dict(zip(questions, await asyncio.gather(*alone, return_exceptions=True), strict=True))
        return {question: [count] for question, count in zip(questions, counts, strict=True)}

    async def _counts(self, wanted: Sequence[Wanted]) -> list[float]:
        columns = {msgspec.json.encode(one.filters): one.filters for one in wanted}
        parameters = Parameters()
        names = {name for one in wanted for name in one.events}
        named = all(one.events for one in wanted) and len(names) <= MAX_EVENTS
        counts = []
        for place, filters in enumerate(columns.values()):
            let = " AND ".join(f"({condition(one, parameters)})" for one in filters)
            counts.append(f"countIf({let or 'true'}) AS n_{place}")
        where = scope(wanted[0].project_id, wanted[0].period, parameters, events=sorted(names) if named else ())
        sql = read_sql(_FOLDER, "counts", counts=", ".join(counts), scope=where)
        rows = (await self._asker("count").ask(sql, parameters.values)).rows
        place_of = {filters: place for place, filters in enumerate(columns)}
        by_name = {row[0]: row[1:] for row in rows}
        all_names = [sum(column) for column in zip(*by_name.values(), strict=True)] or [0] * len(columns)
        found = []
        for one in wanted:
            place = place_of[msgspec.json.encode(one.filters)]
            named_here = sum(by_name[name][place] for name in set(one.events) if name in by_name)
            found.append(float(named_here if one.events else all_names[place]))
        return found

    async def _alone(self, judging: Judging, need: Need) -> list[Value]:
        rule, project_id = judging.rule, judging.project_id
        async with self._turns:
            if need.funnel is not None:
                query = rule.funnel(need.funnel, need, judging.end)
                funnel, _ = await plan_funnel(query, project_id, self._asker("users"))
                counts = await funnel.counts()
                return [float(counts[0]), float(counts[-1])]
            wanted = rule.wanted(need, project_id, judging.end)
            source = Source(wanted, identity=await self._identity(wanted))
            if need.windows > 1:
                return await self._series(wanted, source, need.windows, _micros(rule))
            value = (await self._asker(wanted.measure).ask(*count_sql(source))).value
            return [None if value is None else float(value)]

    async def _series(self, wanted: Wanted, source: Source, windows: int, window: int) -> list[Value]:
        parameters = Parameters()
        sql = read_sql(
            _FOLDER,
            "series",
            start=parameters.bind("Int64", to_micros(wanted.period.start)),
            window=parameters.bind("Int64", window),
            measure=source.measure,
            rows=source.rows(parameters),
        )
        values: list[Value] = [of_nothing(wanted.measure)] * windows
        for place, value in (await self._asker(wanted.measure).ask(sql, parameters.values)).rows:
            values[place] = None if value is None else float(value)
        return values

    async def _grouped(self, judging: Judging) -> Found:
        """The numbers of each group: of the largest ones by the first of them, and of those that were kept."""
        rule = judging.rule
        needs, top = rule.needs(), rule.query.top
        kept = list(judging.kept)[:MOST_GROUPS]
        first = await self._groups(judging, needs[0], first=kept, limit=top + len(kept))
        largest = sorted(first, key=lambda name: (-(first[name] or 0.0), name))[:top]
        names = [*largest, *(name for name in kept if name not in set(largest))]
        found = {name: [first.get(name, of_nothing(needs[0].query.measure))] for name in names}
        for need in needs[1:]:
            values = await self._groups(judging, need, only=names, limit=len(names)) if names else {}
            for name in names:
                found[name].append(values.get(name, of_nothing(need.query.measure)))
        return {name: Numbers(values, name in largest, name in first) for name, values in found.items()}

    async def _groups(
        self, judging: Judging, need: Need, *, first: Sequence[str] = (), only: Sequence[str] = (), limit: int
    ) -> dict[str, Value]:
        wanted = judging.rule.wanted(need, judging.project_id, judging.end)
        parameters = Parameters()
        async with self._turns:
            source = Source(wanted, identity=await self._identity(wanted))
            key = field(wanted.groups[0]).text
            sql = read_sql(
                _FOLDER,
                "groups",
                key=key,
                longest=str(LONGEST_KEY),
                measure=source.measure,
                rows=source.rows(parameters),
                only=f" AND group_key IN {parameters.bind('Array(String)', list(only))}" if only else "",
                first=f"has({parameters.bind('Array(String)', list(first))}, group_key) DESC, " if first else "",
                limit=parameters.bind("UInt32", limit),
            )
            rows = (await self._asker(wanted.measure).ask(sql, parameters.values)).rows
        return {name: None if value is None else float(value) for name, value in rows if "\0" not in name}

    async def _identity(self, wanted: Wanted) -> Identity | None:
        if not wanted.personal:
            return None
        if wanted.project_id not in self._identities:
            looking = look(wanted.project_id, self._asker(wanted.measure))
            self._identities[wanted.project_id] = asyncio.ensure_future(looking)
        return await self._identities[wanted.project_id]


def _micros(rule: Rule) -> int:
    """A rule's window."""
    return int(span(rule.window).total_seconds()) * _MICROS


def _question(judging: Judging, need: Need) -> _Question:
    wanted = judging.rule.wanted(need, judging.project_id, judging.end)
    plain = need.width == 1 and need.funnel is None and wanted.measure == "count" and not wanted.personal
    body = msgspec.json.encode((wanted.measure, sorted(wanted.events), wanted.filters, need.funnel, need.windows))
    kind = "count" if plain and len(body) <= _MOST_BYTES // 3 else "alone"
    return _Question(kind, judging.project_id, wanted.period.start, wanted.period.end, body)


def _together(asked: _Asked) -> Iterator[list[_Question]]:
    """Counts that one statement gives: of one project and range, more than one, within what a statement may bind."""
    ranges: dict[tuple[uuid.UUID, datetime, datetime], list[_Question]] = {}
    for question in asked:
        if question.kind == "count":
            ranges.setdefault((question.project_id, question.start, question.end), []).append(question)
    for questions in ranges.values():
        yield from (group for group in _parts(questions, asked) if len(group) > 1)


def _parts(questions: Iterable[_Question], asked: _Asked) -> Iterator[list[_Question]]:
    part, columns, size = list[_Question](), set[bytes](), 0
    for question in questions:
        filters = msgspec.json.encode(asked[question][1].query.filters)
        if part and (len(columns | {filters}) > MOST_COLUMNS or size + len(question.body) > _MOST_BYTES):
            yield part
            part, columns, size = [], set(), 0
        part.append(question)
        columns.add(filters)
        size += len(question.body)
    yield part


def _assembled(answers: Iterable[list[Value] | BaseException]) -> Found | BaseException:
    values: list[Value] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            return answer
        values += answer
    return {WHOLE: Numbers(values)}
