"""A question about what people do: planned once, its statements asked one after the other."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from shared.query.acts import SUBJECTS, CountBy
from shared.query.ask import Asker, Warehouse
from shared.query.filters import Filter
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.planner import Plan, Source, Wanted, plan
from shared.query.scope import read_sql


class Asked(Protocol):
    """What a query must say to be planned here."""

    @property
    def filters(self) -> list[Filter]: ...
    @property
    def count_by(self) -> CountBy: ...
    @property
    def explain(self) -> bool: ...


class Question:
    """A planned question: what its SQL is made of, and who answers it."""

    def __init__(self, query: Asked, source: Source, planned: Plan, asker: Asker, folder: Path) -> None:
        """`folder`: where `sql/` is, with the files of the statements."""
        self._query = query
        self._source = source
        self._planned = planned
        self._folder = folder
        self.asker = asker

    @property
    def subject(self) -> str:
        """SQL of whose events belong together."""
        return SUBJECTS[self._query.count_by]

    def rows(self, parameters: Parameters) -> str:
        """What stands after FROM: the rows of those who are somebody."""
        return f"{self._source.rows(parameters)}\n    AND notEmpty({self.subject})"

    async def ask(self, name: str, parameters: Parameters, **parts: str) -> Sequence[Sequence[Any]]:
        """The rows that the file of that name gives; none where the question is only to be explained."""
        sql = read_sql(self._folder, name, subject=self.subject, **parts)
        if self._query.explain:
            self._planned = self._planned.explained(await self.asker.estimate(sql, parameters.values))
            return []
        return (await self.asker.ask(sql, parameters.values, self._source.version)).rows

    @property
    def plan(self) -> Plan:
        """How the answer was reached."""
        return self._planned.reached(self.asker)


async def plan_question(
    query: Asked, names: Sequence[str], period: Period, *, project_id: uuid.UUID, warehouse: Warehouse, folder: Path
) -> Question:
    """A question about events of these names (all, where there are none) in a range; `folder` is the function's.

    Refuses what filters refuse, raises UnavailableError where nobody answers.
    """
    wanted = Wanted(project_id, period, names, query.filters, query.count_by)
    asker = Asker(warehouse, function=folder.name)
    source, how = await plan(wanted, asker)
    return Question(query, source, how, asker, folder)
