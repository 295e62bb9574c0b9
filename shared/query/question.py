"""A question about what people do: planned once, its statements asked one after the other."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from shared.query.acts import SUBJECTS, CountBy
from shared.query.ask import Asker, Version, Warehouse
from shared.query.contradictions import refuse_contradiction
from shared.query.filters import Filter
from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.planner import Plan, Source, Wanted, plan
from shared.query.scope import read_sql

_HERE = Path(__file__).parent


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
        self._besides: Version = ()
        self.asker = asker

    @property
    def subject(self) -> str:
        """SQL of whose events belong together."""
        return SUBJECTS[self._query.count_by]

    @property
    def identity(self) -> Identity:
        """Who is who; of a question that is about people."""
        if self._source.identity is None:
            raise ValueError("a question about sessions has nobody's identity")
        return self._source.identity

    async def heed_profiles(self) -> None:
        """Answer by profiles, too, which any of the project's events may change; raises UnavailableError."""
        project = {"project": str(self.identity.project_id)}
        answer = await self.asker.ask(read_sql(_HERE, "project_version"), project, small=True)
        self._besides = (int(answer.value),)

    def rows(self, parameters: Parameters) -> str:
        """What stands after FROM: the rows of those who are somebody."""
        return f"{self._source.rows(parameters)}\n    AND notEmpty({self.subject})"

    async def ask(self, name: str, parameters: Parameters, **parts: str) -> Sequence[Sequence[Any]]:
        """The rows that the file of that name gives; none where the question is only to be explained."""
        sql = read_sql(self._folder, name, subject=self.subject, **parts)
        if self._query.explain:
            self._planned = self._planned.explained(await self.asker.estimate(sql, parameters.values))
            return []
        version = self._source.version
        return (await self.asker.ask(sql, parameters.values, None if version is None else version + self._besides)).rows

    @property
    def plan(self) -> Plan:
        """How the answer was reached."""
        return self._planned.reached(self.asker)


async def plan_question(
    query: Asked,
    names: Sequence[str],
    period: Period,
    *,
    project_id: uuid.UUID,
    warehouse: Warehouse,
    folder: Path,
    groups: Sequence[str] = (),
) -> Question:
    """A question about events of these names (all, where there are none) in a range; `folder` is the function's.

    `groups` are the fields that its statements name besides filters. Refuses what filters refuse, raises
    UnavailableError where nobody answers.
    """
    refuse_contradiction(query.filters, "filters")
    wanted = Wanted(project_id, period, names, query.filters, query.count_by, groups)
    asker = Asker(warehouse, function=folder.name, project_id=project_id)
    source, how = await plan(wanted, asker)
    return Question(query, source, how, asker, folder)
