"""What is killed when the load is over: rollup between its steps, an export, an erasure, migrations."""

import contextlib
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from shared.ledger import CHANGED
from tests.chaos.clients import Told
from tests.chaos.compare import roll_up, stored_of
from tests.chaos.copies import backup_killed, restore_killed
from tests.chaos.product import BACK_SECONDS, ChaosError, Product, run_migrations
from tests.e2e.running import Project

ROLLUP_DUE = "dev.sluice.rollup.due.v1"
ERASED_USERS = 3
# Counts of older generations are kept for ten minutes.
_LATER_SECONDS = 900.0
_MIGRATIONS = 10
_RECENT = 3
_DAYS_AGO = 72
_KILLED = -9
_ACCEPTED = 202
_REFUSED_SECONDS = 30.0
_POLL_SECONDS = 0.2

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


def access_killed(product: Product, told: Told, points: Sequence[str], _: Late) -> list[str]:
    """Kill an access request at these places; what its archive has too much or not enough of."""
    where = told.project.rows
    rows = f"SELECT user_id, groupUniqArray(toString(event_id)) FROM events FINAL WHERE {where} AND user_id != ''"
    [[user, ids]] = product.instance.warehouse(f"{rows} GROUP BY user_id ORDER BY count() DESC, user_id LIMIT 1")
    with _killed(product, *points):
        result = _finished(product, told, "/api/v1/access-requests", {"person": f"u:{user}", "linked": False})["result"]
    with zipfile.ZipFile(io.BytesIO(_fetched(product, result["files"][0]["url"]))) as archive:
        found = [json.loads(line)["event_id"] for line in archive.read("events.ndjson").splitlines()]
    if sorted(found) != sorted(ids):
        return [f"the archive of a person has {len(found)} events, {len(ids)} are stored"]
    return []


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
    return [*_left_of(product, users, theirs), *_come_back(product, told, users, theirs)]


def _left_of(product: Product, users: Sequence[str], theirs: str) -> list[str]:
    """What is left of erased people, in any table."""
    keys = ", ".join(repr(f"u:{user}") for user in users)
    rows = {"events": theirs, "identity_events": f"user_key IN ({keys})", "user_sessions": f"user_key IN ({keys})"}
    wrong = []
    for table, where in rows.items():
        [[left]] = product.instance.warehouse(f"SELECT toUInt32(count()) FROM {table} WHERE {where}")
        if left:
            wrong.append(f"{left} rows of erased people are left in {table}")
    return wrong


def _come_back(product: Product, told: Told, users: Sequence[str], theirs: str) -> list[str]:
    """Erased people send again: that is acknowledged, and nothing of it is stored."""
    events = [{"event": "again", "user_id": user} for user in users]
    reply = product.instance.http.post(
        "/api/v1/events/batch", json={"events": events}, headers={"X-API-Key": told.project.write_key}
    )
    if reply.status_code != _ACCEPTED:
        raise ChaosError(f"events of erased people are answered {reply.status_code}: {reply.text[:300]}")
    asked = (
        f"SELECT toUInt32(count()) FROM rejected_events FINAL WHERE {told.project.rows} AND reason = 'person_erased'"
    )
    until = time.monotonic() + _REFUSED_SECONDS
    while product.instance.warehouse(asked)[0][0] < len(users):
        if time.monotonic() > until:
            return [f"events of {len(users)} erased people were not refused within {_REFUSED_SECONDS:g} s"]
        time.sleep(_POLL_SECONDS)
    [[left]] = product.instance.warehouse(f"SELECT toUInt32(count()) FROM events WHERE {theirs}")
    return [f"{left} rows of erased people came back"] if left else []


def retention_killed(product: Product, told: Told, points: Sequence[str], _: Late) -> list[str]:
    """Kill a run of retention at each place, in a project of its own; what is left that should not be, or gone."""
    project = product.new_project("retention")
    product.ask(project, "PUT", "/api/v1/retention", {"days": 365})
    product.ask(project, "POST", "/api/v1/retention/holds", {"user_id": "held", "reason": "chaos"})
    product.probe(project, {"event": "now", "user_id": "u"})
    wrong = []
    for place, point in enumerate(points, start=1):
        _long_ago(product, project)
        with _killed(product, point):
            _finished(product, Told(project), "/api/v1/retention/runs", {})
        sql = f"SELECT user_id, toUInt32(count()) FROM events FINAL WHERE {project.rows} GROUP BY user_id"
        left = {str(user): int(count) for user, count in product.instance.warehouse(sql)}
        if left != {"u": 1, "held": place}:
            wrong.append(f"after a run of retention killed at {point} there is {left}")
        counted = product.ask(project, "POST", "/api/v1/query/count", {"from": "2020-01-01", "to": "2100-01-01"})
        if counted["value"] != 1 + place:
            wrong.append(f"after a run of retention killed at {point} the count is {counted['value']}")
    return wrong


def _long_ago(product: Product, project: Project) -> None:
    """Thirty events of 2020, one of them of somebody under hold, with their hours in the ledger."""
    at = "toDateTime64('2020-01-06 00:00:00', 6, 'UTC') + number * 60"
    columns = "project_id, event, user_id, timestamp, event_id, received_at, batch_id"
    values = f"'{project.id}', 'then', if(number > 0, 'u', 'held'), {at}, generateUUIDv4(), {at}, generateUUIDv4()"
    _command(product, f"INSERT INTO events ({columns}) SELECT {values} FROM numbers(30)")
    hour = "INSERT INTO hour_changes (project_id, hour, changes)"
    _command(product, f"{hour} VALUES ('{project.id}', '2020-01-06 00:00:00', 1)")


def replay_killed(product: Product, told: Told, points: Sequence[str], _: Late) -> list[str]:
    """Kill a replay at each place, in a project of its own; what was not taken, or taken twice."""
    project = product.new_project("replay")
    wrong = []
    for place, point in enumerate(points, start=1):
        sent = [{"event": "e", "user_id": f"u{place}", "timestamp": "soon"} for _ in range(20)]
        good = {"event": "good", "user_id": f"u{place}"}
        accepted = product.ask(project, "POST", "/api/v1/events", [*sent, good])
        _stored_by(product, project, accepted["receipt"])
        with _killed(product, point):
            edits = [{"op": "drop", "field": "timestamp"}]
            result = _finished(product, Told(project), "/api/v1/rejected/replays", {"edits": edits})["result"]
        until = time.monotonic() + BACK_SECONDS
        sql = f"SELECT toUInt32(count()) FROM events FINAL WHERE {project.rows}"
        while (found := product.instance.warehouse(sql)[0][0]) < 21 * place and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        if found != 21 * place or result["refused"]:
            wrong.append(f"after a replay killed at {point} there are {found} events, and it says {result}")
    return wrong


def _stored_by(product: Product, project: Project, receipt: str) -> None:
    until = time.monotonic() + BACK_SECONDS
    while (shown := product.ask(project, "GET", f"/api/v1/receipts/{receipt}"))["state"] != "stored":
        if time.monotonic() > until:
            raise ChaosError(f"what was refused is not stored: {shown}")
        time.sleep(_POLL_SECONDS)


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
    "access": access_killed,
    "migration": migrations_killed,
    "backup": backup_killed,
    "restore": restore_killed,
    "retention": retention_killed,
    "replay": replay_killed,
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
