"""`bench people-10M`: one person's pages and everybody's users, among ten million events of 200,000 linked people.

Each question is about another person, so that no answer is a cached one; beside it the same users without links.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx

from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average, percentile
from tests.load.rows import DAYS, Rows

TIMELINE_BAR_MS = 50.0
ASKED = 20
# Everybody was a device first, with one page seen and one `identify`.
_DEVICES = """
INSERT INTO events (project_id, event, user_id, anonymous_id, timestamp, event_id, received_at, properties_raw)
SELECT '{project}', name, if(name = 'identify', user, ''), lower(hex(MD5(user))), moment,
    reinterpretAsUUID(sipHash128(user, name)), now64(6), if(name = 'identify', '{{"plan":"pro"}}', '{{}}')
FROM
(
    SELECT user_id AS user, min(timestamp) AS moment
    FROM events
    WHERE project_id = '{project}' AND user_id != ''
    GROUP BY user_id
)
ARRAY JOIN ['page_view', 'identify'] AS name
"""
_LINKS = "INSERT INTO identity_changes (project_id, links, profiles) VALUES ('{project}', 1, 1)"
_HOURS = """
INSERT INTO hour_changes (project_id, hour, changes)
SELECT project_id, toStartOfHour(timestamp) AS hour, 1
FROM events
WHERE project_id = '{project}' AND anonymous_id != ''
GROUP BY ALL
"""


def bench_people(instance: Instance, options: Options) -> Iterator[Measurement]:
    """p95 of a person, a timeline and sessions, and of users with links; raises InstanceError for a wrong answer."""
    with Rows(instance) as rows, httpx.Client(base_url=instance.read.url, trust_env=False, timeout=120) as client:
        client.headers["x-api-key"] = instance.read.key
        rows.fill(options.rows)
        rows.merge()
        yield _users(client, rows, "plain", options.rounds * 3)
        for statement in (_DEVICES, _LINKS, _HOURS):
            rows.sql(statement.format(project=rows.project))
        rows.merge()
        rows.sql("OPTIMIZE TABLE identity_events FINAL")
        yield _users(client, rows, "linked", options.rounds * 3)
        count = options.rounds * ASKED
        people = rows.sql(
            f"SELECT DISTINCT anonymous_id FROM events WHERE project_id = '{rows.project}' AND event = 'identify'"
            f" ORDER BY cityHash64(anonymous_id) LIMIT {3 * count + 3}"
        ).split()
        for place, (name, bar) in enumerate({"timeline": TIMELINE_BAR_MS, "sessions": None, "": None}.items()):
            yield _person(client, name, bar, people[place * (count + 1) :][: count + 1])


def _person(client: httpx.Client, name: str, bar: float | None, people: Sequence[str]) -> Measurement:
    load, took = load_average(), list[float]()
    for person in people:
        answer, seconds = _timed(client, "GET", f"/api/v1/people/{quote(f'a:{person}')}/{name}".rstrip("/"))
        if not answer["person"].startswith("u:"):
            raise InstanceError(f"a:{person} is linked, and is nobody's")
        took.append(seconds * 1_000)
    return Measurement(
        f"people_{name or 'person'}",
        percentile(took[1:], 0.95),
        "ms p95",
        bar=bar,
        at_most=True,
        loop="closed",
        load_average=load,
        details={"p50_ms": percentile(took[1:], 0.5), "first_ms": took[0]},
    )


def _users(client: httpx.Client, rows: Rows, name: str, times: int) -> Measurement:
    """Users over nearly everything, each time of another range."""
    answer: dict[str, Any] = {}
    load, took = load_average(), list[float]()
    for number in range(times):
        start, end = rows.end - timedelta(days=DAYS) + timedelta(hours=number), rows.end
        body = {"from": start.isoformat(), "to": end.isoformat(), "measure": "users"}
        answer, seconds = _timed(client, "POST", "/api/v1/query/count", body)
        took.append(seconds * 1_000)
    return Measurement(
        f"people_users_{name}",
        percentile(took, 0.95),
        "ms p95",
        loop="closed",
        load_average=load,
        details={"p50_ms": percentile(took, 0.5), "users": answer.get("value")},
    )


def _timed(client: httpx.Client, method: str, address: str, body: Any = None) -> tuple[dict[str, Any], float]:
    started = time.perf_counter()
    answer = client.request(method, address, json=body)
    seconds = time.perf_counter() - started
    if answer.status_code != httpx.codes.OK:
        raise InstanceError(f"{address}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found, seconds
