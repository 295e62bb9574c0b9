"""Events kept under names that nobody can trace: written again without the person, before the originals go.

A name follows from a salt that only this job has and forgets at its end. Each id of a person gets a name of its own.
The same job makes the same names and the same event ids again, so whoever goes on after a crash replaces what was
written and doubles nothing.
"""

from pathlib import Path

from functions.gdpr_delete.asked import Policy
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Rows

_HERE = Path(__file__).parent


async def count_anonymous(warehouse: Warehouse, which: Rows) -> int:
    """How many events of a condition would be kept: not those whose whole sense is who somebody is."""
    sql = read_sql(_HERE, "anonymise_count", where=which.where, plain=_plain())
    return int((await warehouse.query(sql, which.values)).value)


async def keep_anonymous(warehouse: Warehouse, which: Rows, salt: str, policy: Policy) -> None:
    """Write the events of a condition again, each under a name made of the salt and its user key.

    `drop`: without properties, path and whatever else a client writes freely. Raises as `Warehouse.change`.
    """
    parameters = Parameters()
    parameters.values.update(which.values)  # what is bound from here on is numbered behind these
    sql = read_sql(
        _HERE,
        "anonymise",
        where=which.where,
        plain=_plain(),
        salt=parameters.bind("String", salt),
        drop=parameters.bind("UInt8", int(policy == "drop")),
    )
    await warehouse.change(sql, parameters.values)


def _plain() -> str:
    return read_sql(_HERE, "anonymise_plain").strip()
