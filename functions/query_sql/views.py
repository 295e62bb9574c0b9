"""The tables of the console that are no tables: people and sessions, computed when they are asked for."""

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.period import EARLIEST, LATEST, Period, zone_of
from shared.query.scope import read_sql
from shared.query.sessions import Sessions, WantedSessions
from shared.warehouse.project_sql import Allowed

OURS = "sluice_"
"""How the names of our bound values begin; a client's may not."""
PEOPLE: Mapping[str, str] = {
    "person": "String",
    "first_seen": "DateTime64(6, 'UTC')",
    "last_seen": "DateTime64(6, 'UTC')",
    "events": "UInt64",
}
SESSIONS: Mapping[str, str] = {
    "person": "String",
    "session_id": "String",
    "started": "DateTime64(6, 'UTC')",
    "ended": "DateTime64(6, 'UTC')",
    "seconds": "Float64",
    "events": "UInt64",
    "active_seconds": "UInt64",
    "entry_page": "String",
    "exit_page": "String",
}
_NAMED = re.compile(r"\b(?:person|people|sessions)\b", re.IGNORECASE)
_HERE = Path(__file__).parent


class Ours(Parameters):
    """Values of ours, under names of their own."""

    def bind(self, type_name: str, value: Any) -> str:
        name = f"{OURS}{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{type_name}}}"


class Views(NamedTuple):
    """What a statement may name beside the stored tables, and the values bound in it."""

    allowed: Allowed
    values: dict[str, Any]

    @property
    def statements(self) -> list[str]:
        """Each piece of SQL of ours, as a SELECT."""
        whole = [sql for sql in self.allowed.views.values() if sql]
        return [*whole, *(f"SELECT {sql}" for sql in self.allowed.computed.values())]


def names_people(sql: str) -> bool:
    """Whether a statement may be about people or sessions, for which more has to be known."""
    return _NAMED.search(sql) is not None


def views(project_id: uuid.UUID, identity: Identity | None, gap: int, database: str) -> Views:
    """The views of a project, whose sessions end after `gap` seconds of pause; empty without an `identity`."""
    if identity is None:
        # Known by name only: what is empty cannot be read.
        return Views(_allowed(database, {"people": "", "sessions": ""}, {}), {})
    parameters = Ours()
    person = identity.person(parameters)
    project = parameters.bind("UUID", str(project_id))
    wanted = WantedSessions(project_id, Period(EARLIEST, LATEST, zone_of("UTC")), gap)
    made = {
        "people": read_sql(_HERE, "people", person=person, project=project),
        "sessions": read_sql(_HERE, "sessions", sessions=Sessions(wanted, identity).sql(parameters)),
    }
    return Views(_allowed(database, made, {"person": person}), parameters.values)


def _allowed(database: str, made: Mapping[str, str], computed: Mapping[str, str]) -> Allowed:
    return Allowed(catalogue=False, formats=False, views=made, computed=computed, stored_in=database)
