"""What is killed when the load is over: rollup between its steps, an export, an erasure, migrations."""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from shared.ledger import CHANGED
from tests.chaos.clients import Told
from tests.chaos.compare import roll_up, stored_of
from tests.chaos.product import BACK_SECONDS, ChaosError, Product, run_migrations

ROLLUP_DUE = "dev.sluice.rollup.due.v1"
ERASED_USERS = 3
# Counts of older generations are kept for ten minutes.
_LATER_SECONDS = 900.0
_MIGRATIONS = 10
_RECENT = 3
_DAYS_AGO = 72
_KILLED = -9

# Sends an event of an hour that is rolled up, so many hours ago, and looks at the very next answer.
Late = Callable[[int], None]


def rollup_killed(product: Product, told: Told, points: Sequence[str], late: Late) -> list[str]:
    """Kill rollup at these places while an hour is due, as a late event makes it; the caller compares afterwards."""
    for point in points:
        late(_RECENT)
        if point == "rollup.after_forget":
            roll_up(product, told.project, stored_of(product, told))
            with product.clock_moved(_LATER_SECONDS), _killed(product, point):
                product.post_to("rollup", ROLLUP_DUE)
        else:
            with _killed(product, point):
                product.post_to("rollup", CHANGED)
    return []


def sessions_killed(product: Product, told: Told, points: Sequence[str], late: Late) -> list[str]:
    """Kill rollup at these places while the sessions of a day that is over are due; the caller compares afterwards."""
    for point in points:
        late(_DAYS_AGO)
        with _killed(product, point):
            product.post_to("rollup", CHANGED)
    return []


def export_killed(product: Product, told: Told, points: Sequence[str], _: Late) -> list[str]:
    """Kill an export at these places; what is wrong with its files."""
    stored = stored_of(product, told)
    with _killed(product, *points):
        asked = {"format": "json", "columns": ["event_id"], "from": "2020-01-01", "to": "2100-01-01"}
        result = _finished(product, told, "/api/v1/exports", asked)["result"]
    lines = [line for file in result["files"] for line in _fetched(product, file["url"]).splitlines()]
    exported = [json.loads(line)["event_id"] for line in lines]
    wrong = []
    if len(set(exported)) != len(exported):
        wrong.append(f"the export has {len(exported) - len(set(exported))} events twice")
    if set(exported) != stored.keys():
        wrong.append(f"the export has {len(exported)} events, {len(stored)} are stored")
    if result["rows"] != len(stored):
        wrong.append(f"the manifest says {result['rows']} rows, {len(stored)} are stored")
    return wrong


def erasure_killed(product: Product, told: Told, points: Sequence[str], _: Late) -> list[str]:
    """Kill an erasure at these places; what is left of the erased. `told` forgets them."""
    rows = product.instance.warehouse(
        f"SELECT user_id FROM events WHERE {told.project.rows} AND user_id != ''"
        f" GROUP BY user_id ORDER BY count() DESC, user_id LIMIT {ERASED_USERS}"
    )
    users = [str(user) for [user] in rows]
    theirs = f"{told.project.rows} AND user_id IN ({', '.join(repr(user) for user in users)})"
    gone = {str(name) for [name] in product.instance.warehouse(f"SELECT toString(event_id) FROM events WHERE {theirs}")}
    with _killed(product, *points):
        _finished(product, told, "/api/v1/erasures", {"user_ids": users})
    for name in gone:
        told.acked.pop(name, None)
        told.unknown.pop(name, None)
    [[left]] = product.instance.warehouse(f"SELECT toUInt32(count()) FROM events WHERE {theirs}")
    return [f"{left} rows of erased people are left"] if left else []


def migrations_killed(product: Product, told: Told, points: Sequence[str], _: Late) -> list[str]:
    """Kill the migrators of an empty database at each place, until they come through; how its tables differ."""
    name = f"chaos_{uuid.uuid4().hex[:12]}"
    environ = {**product.instance.environ, **product.instance.env}
    warehouse, catalog = urlsplit(environ["SLUICE_WAREHOUSE_URL"]), environ["SLUICE_CATALOG_URL"]
    own = {
        **environ,
        "SLUICE_WAREHOUSE_URL": urlunsplit(warehouse._replace(path=f"/{name}")),
        "SLUICE_CATALOG_URL": f"{catalog}&options=-csearch_path%3D{name}",
    }
    _command(product, f"CREATE DATABASE {name}")
    with psycopg.connect(catalog, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
        for point in points:
            product.arm(point)
            if (status := run_migrations(own)) != _KILLED:
                raise ChaosError(f"the migrators were not killed at {point} but ended with {status}")
        for _try in range(_MIGRATIONS):
            if (status := run_migrations(own)) == 0:
                break
        else:
            raise ChaosError(f"the migrators do not come through: {status}")
        wrong = _differing_columns(product, warehouse.path[1:], name)
        wrong += _differing_catalog(connection, name)
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())
    _command(product, f"DROP DATABASE {name}")
    return wrong


AFTER: Mapping[str, Callable[[Product, Told, Sequence[str], Late], list[str]]] = {
    "rollup": rollup_killed,
    "sessions": sessions_killed,
    "export": export_killed,
    "erasure": erasure_killed,
    "migration": migrations_killed,
}


@contextlib.contextmanager
def _killed(product: Product, *points: str) -> Iterator[None]:
    """The block's work is killed at each of these places; raises ChaosError where one was not reached."""
    for point in points:
        product.arm(point)
    yield
    for point in points:
        product.wait_hit(point, 1.0)


def _finished(product: Product, told: Told, path: str, asked: Mapping[str, object]) -> Mapping[str, Any]:
    """A job asked for and waited for; raises ChaosError unless it is completed."""
    job = product.ask(told.project, "POST", path, asked)
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        shown: Mapping[str, Any] = product.ask(told.project, "GET", f"{path}/{job['id']}")
        if shown["state"] == "completed":
            return shown
        if shown["state"] in {"failed", "cancelled"} or time.monotonic() > deadline:
            raise ChaosError(f"a job of {path} ends as {shown}")
        time.sleep(0.1)


def _fetched(product: Product, url: str) -> bytes:
    parts = urlsplit(url)
    reply = product.instance.http.get(f"{parts.path}?{parts.query}")
    if reply.status_code != httpx.codes.OK:
        raise ChaosError(f"a file of an export cannot be fetched: {reply.status_code} {reply.text[:200]}")
    return reply.content


def _command(product: Product, sql: str) -> None:
    """A statement of the warehouse that answers nothing."""
    url = urlsplit(product.instance.env["SLUICE_WAREHOUSE_URL"])
    login = (url.username or "", url.password or "")
    reply = httpx.post(f"http://{url.hostname}:{url.port}/", content=sql, auth=login, timeout=60, trust_env=False)
    if reply.status_code != httpx.codes.OK:
        raise ChaosError(f"{sql}: {reply.status_code} {reply.text[:300]}")


def _differing_columns(product: Product, ours: str, fresh: str) -> list[str]:
    def columns(database: str) -> set[tuple[Any, ...]]:
        sql = f"SELECT table, name, type, default_expression FROM system.columns WHERE database = '{database}'"
        return {tuple(row) for row in product.instance.warehouse(sql)}

    different = columns(ours) ^ columns(fresh)
    return [f"column after killed migrations: {one}" for one in sorted(map(str, different))]


def _differing_catalog(connection: psycopg.Connection[Any], fresh: str) -> list[str]:
    def columns(schema: str) -> set[tuple[Any, ...]]:
        sql = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s"
        return set(connection.execute(sql, [schema]).fetchall())

    different = columns("public") ^ columns(fresh)
    return [f"catalog column after killed migrations: {one}" for one in sorted(map(str, different))]
