"""`bench alerts-10k`: ten thousand alert rules of twenty projects, and how long after the minute all are judged.

The instance's own timer judges them, as it would anybody's. Rules are of all kinds but decompositions; a part of them
is about an event that nobody sends, so it is known how many must fire.
"""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average

RULES = 10_000
PROJECTS = 20
BAR_SECONDS = 30.0
NAMES = 50
_NEVER = {"type": "absence"}
_ROWS = """
INSERT INTO events (project_id, event, user_id, timestamp, event_id, received_at, country, properties_raw)
SELECT
    '{project}',
    concat('e', toString(number % {names})),
    concat('u', toString(sipHash64(number) % 5000)),
    now64(6) - toIntervalSecond(if(number % 10 = 0, sipHash64(number, 2) % 7200, sipHash64(number, 3) % 2592000)) AS at,
    generateUUIDv4(),
    at,
    ['DE', 'FR', 'US', 'RU', 'IN', 'BR'][1 + number % 6],
    '{{"plan":"pro"}}'
FROM numbers({count})
"""
_PATIENCE_SECONDS = 600.0


def rule(number: int) -> dict[str, Any]:
    """One of a project's rules; every hundred are of the same kinds."""
    event = {"events": [f"e{number % NAMES}"]}
    above = {"type": "threshold", "op": "gte", "value": 1_000_000}
    kind = number % 100
    if kind < 20:
        return {"query": {"events": ["never"]}, "window": f"{1 + number % 5}m", "condition": _NEVER}
    if kind < 60:
        return {"query": event, "window": ("1m", "5m", "15m", "1h")[number % 4], "condition": above}
    if kind < 75:
        filters = [{"property": "country", "op": "in", "value": ["DE", "FR"][: 1 + number % 2]}]
        return {"query": {**event, "filters": filters}, "window": "5m", "condition": above}
    if kind < 85:
        return {
            "query": event,
            "window": "15m",
            "condition": {"type": "change", "value": 101, "direction": "down"},
        }
    if kind < 92:
        condition = {"type": "ratio", "of": {}, "op": "gt", "value": 2}
        return {"query": event, "window": "15m", "condition": condition}
    if kind < 96:
        return {"query": event, "window": "1h", "condition": {"type": "anomaly", "sensitivity": 50, "direction": "up"}}
    if kind < 98:
        return {"query": {**event, "measure": "users"}, "window": "15m", "condition": above}
    return {"query": {**event, "group_by": "country"}, "window": "15m", "condition": above}


def bench_alerts(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Seconds from the minute until every rule is judged for it, the slowest of so many minutes."""
    projects = [uuid.uuid4() for _ in range(PROJECTS)]
    with psycopg.connect(instance.environment["SLUICE_CATALOG_URL"], autocommit=True) as catalog:
        _make_projects(catalog, projects)
        rows = min(options.rows, 1_000_000)
        _fill(instance, projects, rows // PROJECTS)
        _make_rules(catalog, projects)
        load, took = load_average(), [_minute(catalog) for _ in range(options.rounds + 1)]
        firing, unknown, judged = _states(catalog)
    expected = sum(rule(number)["condition"] == _NEVER for number in range(RULES // PROJECTS)) * PROJECTS
    if (firing, unknown, judged) != (expected, 0, RULES):
        raise InstanceError(f"{firing} of {expected} rules fire, of {unknown} nobody knows, {judged} were judged")
    yield Measurement(
        "alerts_10k_judged",
        max(took[1:]),
        "s after the minute",
        bar=BAR_SECONDS,
        at_most=True,
        load_average=load,
        details={"rules": RULES, "projects": PROJECTS, "events": rows, "first_s": took[0], "least_s": min(took[1:])},
    )


def _make_projects(catalog: "psycopg.Connection[Any]", projects: list[uuid.UUID]) -> None:
    for project in projects:
        catalog.execute("INSERT INTO organisations (id, name) VALUES (%s, 'bench')", [project])
        catalog.execute("INSERT INTO projects (id, organisation_id, name) VALUES (%s, %s, 'b')", [project, project])


def _fill(instance: Instance, projects: list[uuid.UUID], count: int) -> None:
    address = urlsplit(instance.warehouse_url)
    database = {"database": address.path.strip("/")}
    with httpx.Client(
        base_url=address._replace(path="/").geturl(), params=database, trust_env=False, timeout=600
    ) as to:
        for project in projects:
            answer = to.post("", content=_ROWS.format(project=project, names=NAMES, count=count))
            if answer.status_code != httpx.codes.OK:
                raise InstanceError(f"{answer.status_code} {answer.text[:300]}")


def _make_rules(catalog: "psycopg.Connection[Any]", projects: list[uuid.UUID]) -> None:
    """As the API makes them, but without the ten thousand requests."""
    begun = datetime.now(tz=UTC)
    due = begun.replace(second=0, microsecond=0) + timedelta(minutes=1)
    with catalog.cursor() as cursor:
        rows = [
            (uuid.uuid4(), project, msgspec.json.encode({"name": "bench", **rule(number)}).decode())
            for project in projects
            for number in range(RULES // len(projects))
        ]
        with cursor.copy("COPY alerts (id, project_id, name, rule) FROM STDIN") as to:
            for alert, project, text in rows:
                to.write_row((alert, project, "bench", text))
        with cursor.copy("COPY timers (name, item, project_id, cron, timezone, watermark, due_at) FROM STDIN") as to:
            for alert, project, _ in rows:
                to.write_row(("alert_evaluate", str(alert), project, "* * * * *", "UTC", begun, due))


def _minute(catalog: "psycopg.Connection[Any]") -> float:
    """From the next minute until all rules are judged for it."""
    moment = datetime.now(tz=UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    deadline = moment + timedelta(seconds=_PATIENCE_SECONDS)
    time.sleep(max(0.0, (moment - datetime.now(tz=UTC)).total_seconds()))
    sql = "SELECT count(*) FROM timers WHERE name = 'alert_evaluate' AND watermark < %s"
    while (now := datetime.now(tz=UTC)) < deadline:
        [[behind]] = catalog.execute(sql, [moment]).fetchall()
        if not behind:
            return (now - moment).total_seconds()
        time.sleep(0.2)
    raise InstanceError(f"{behind} rules are not judged {_PATIENCE_SECONDS:g} s after the minute")


def _states(catalog: "psycopg.Connection[Any]") -> tuple[int, int, int]:
    [(firing, unknown, judged)] = catalog.execute(
        "SELECT count(*) FILTER (WHERE state = 'firing'), count(problem_code), count(evaluated_to) FROM alerts"
    ).fetchall()
    return firing, unknown, judged
