"""Whose rows a run leaves alone: the holds of the catalog as keys beside the rows, as a DELETE can look at them."""

import uuid
from pathlib import Path

import msgspec

from shared.catalog.client import Catalog
from shared.catalog.holds import held_people
from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.warehouse.client import Warehouse

# As many texts as one search looks for.
_MOST_IDS = 255
_MOST_BYTES = 6_000
_HERE = Path(__file__).parent


class Holding(msgspec.Struct, frozen=True):
    """What holds say of a project to one run: all of it, or the keys noted under `run`; None where nobody is held.

    `ids`: those of the people held, None where they are too many to look for in refused payloads.
    """

    project: bool = False
    run: uuid.UUID | None = None
    ids: list[str] | None = []


async def hold_for(warehouse: Warehouse, catalog: Catalog, project_id: uuid.UUID, run: uuid.UUID) -> Holding:
    """Note who is under hold now, with all keys of the same people, for one run. Ask after the run was noted."""
    held = await held_people(catalog, project_id)
    if held.project:
        return Holding(project=True)
    if not held.people:
        return Holding()
    rows = [{"project_id": str(project_id), "run_id": str(run), "user_key": key} for key in sorted(held.people)]
    await warehouse.insert_json_lines("held_keys", msgspec.json.Encoder().encode_lines(rows))
    parameters = Parameters()
    project, bound = parameters.bind("UUID", str(project_id)), parameters.bind("UUID", str(run))
    pairs = Identity(project_id).pairs(parameters)
    await warehouse.change(read_sql(_HERE, "held_linked", project=project, run=bound, pairs=pairs), parameters.values)
    return Holding(run=run, ids=await _ids(warehouse, project_id, run))


async def _ids(warehouse: Warehouse, project_id: uuid.UUID, run: uuid.UUID) -> list[str] | None:
    parameters = Parameters()
    sql = read_sql(
        _HERE,
        "held_ids",
        project=parameters.bind("UUID", str(project_id)),
        run=parameters.bind("UUID", str(run)),
        most=parameters.bind("UInt32", _MOST_IDS + 1),
    )
    ids = sorted(str(one) for (one,) in (await warehouse.query(sql, parameters.values)).rows)
    size = sum(len(one.encode()) for one in ids)
    return ids if len(ids) <= _MOST_IDS and size <= _MOST_BYTES else None


async def forget_stale(warehouse: Warehouse) -> None:
    """Remove keys that were noted for runs long over: what a run needed of people is not kept."""
    if (await warehouse.query(read_sql(_HERE, "held_stale"))).value:
        await warehouse.change(read_sql(_HERE, "forget_held"), {})
