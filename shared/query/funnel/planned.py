"""One funnel, checked and planned; whoever answers it asks its statements one by one."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.clock import to_micros
from shared.query.acts import names_of
from shared.query.ask import Asker
from shared.query.durations import seconds
from shared.query.funnel.question import FunnelQuery
from shared.query.funnel.statements import MOST_SIGNATURES, Signature, Statements
from shared.query.period import LATEST, Period, parse_period
from shared.query.planner import Plan, Source, Wanted, plan
from shared.refusals import Refusal, Rejected


class Funnel:
    """One funnel that was asked for, planned: its statements are asked one by one."""

    def __init__(self, query: FunnelQuery, period: Period, source: Source, asker: Asker) -> None:
        self.query = query
        self.period = period
        self.asker = asker
        self.source = source
        self.statements = Statements(query, source, to_micros(period.end))

    async def look_at_ties(self) -> None:
        """Find out how events of one instant serve the steps, where that matters.

        Refuses (`bad_question`) steps in any order that one event can be both of, and (`query_too_expensive`) too many
        kinds of ties.
        """
        if self.query.order == "any":
            if await self.ask(self.statements.shared_steps()):
                raise Rejected(
                    Refusal.BAD_QUESTION, "`steps`: an event fits two of them; in any order each must fit one only"
                )
        elif self.query.ties == "at_or_after":
            rows = await self.ask(self.statements.signatures())
            if len(rows) > MOST_SIGNATURES:
                raise Rejected(
                    Refusal.QUERY_TOO_EXPENSIVE,
                    f"more than {MOST_SIGNATURES:,} kinds of events at one instant: take `ties` after or fewer steps",
                )
            found: list[Signature] = [[(mask, count) for mask, count in events] for (events,) in rows]
            self.statements = Statements(self.query, self.source, to_micros(self.period.end), found)

    async def ask(self, statement: tuple[str, dict[str, Any]]) -> Sequence[Sequence[Any]]:
        answer = await self.asker.ask(*statement, self.source.version)
        return answer.rows

    async def counts(self) -> list[int]:
        """How many people came to each step; refuses what `look_at_ties` does."""
        await self.look_at_ties()
        [row] = await self.ask(self.statements.totals())
        return [int(count) for count in row[: len(self.query.steps)]]


async def plan_funnel(query: FunnelQuery, project_id: uuid.UUID, asker: Asker) -> tuple[Funnel, Plan]:
    """Check and plan a funnel; refuses what is none (`bad_question`), and what parse_period and filters refuse."""
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    end = min(period.end + timedelta(seconds=seconds(query.window)), LATEST)
    events = [] if query.order == "strict" else names_of([*query.steps, *query.exclude])
    read = Period(period.start, end, period.zone)
    fields = [*query.hold, *([query.breakdown] if query.breakdown else [])]
    wanted = Wanted(project_id, read, events, query.filters, query.count_by, fields)
    source, planned = await plan(wanted, asker)
    return Funnel(query, period, source, asker), planned
