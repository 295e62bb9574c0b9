"""`bench erasure`: a thousand of all people erased, and how long until no answer has them and until it is certified.

The rows are half of the other benchmarks' by default: five million of ten. Independent counts are the warehouse's own,
before and after.
"""

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from tests.load.instance import Instance, InstanceError
from tests.load.measurement import Measurement, Options, load_average
from tests.load.rows import Rows

ERASED = 1_000
BAR_HIDDEN = 60.0
_PATIENCE_SECONDS = 3_600.0
_POLL_SECONDS = 0.5


def bench_erasure(instance: Instance, options: Options) -> Iterator[Measurement]:
    """Seconds until a thousand people are hidden, and until the certificate; what is left is nobody, or it fails."""
    with Rows(instance) as rows, httpx.Client(base_url=instance.read.url, trust_env=False, timeout=120) as client:
        count = options.rows // 2
        yield Measurement("erasure_filled", rows.fill(count), "rows/s", details={"rows": count})
        rows.merge()
        users = _people(rows)
        theirs = f"project_id = '{rows.project}' AND user_id IN ({', '.join(repr(one) for one in users)})"
        whose, all_of = _count(rows, theirs), _count(rows, f"project_id = '{rows.project}'")
        headers, load, started = {"X-API-Key": _admin_key(instance, rows.project)}, load_average(), time.monotonic()
        job = _asked(client.post("/api/v1/erasures", json={"user_ids": users}, headers=headers))
        _until(lambda: _count(rows, theirs) == 0)
        hidden = time.monotonic() - started
        address = f"/api/v1/erasures/{job['id']}"
        _until(lambda: _asked(client.get(address, headers=headers))["state"] in {"completed", "failed"})
        took = time.monotonic() - started
        certificate = _asked(client.get(address, headers=headers))["result"]["certificate"]
        left = _count(rows, f"project_id = '{rows.project}'")
        if (certificate["events"], left) != (whose, all_of - whose):
            raise InstanceError(f"{certificate['events']} of {whose} erased, {left} of {all_of - whose} left")
        details = {"people": len(users), "events": whose, "rows": count, "disk": certificate["disk"]}
        name, unit = "erasure_hidden", "s for 1,000 people"
        yield Measurement(name, hidden, unit, bar=BAR_HIDDEN, at_most=True, load_average=load, details=details)
        yield Measurement("erasure_certified", took, unit, load_average=load, details=details)


def _people(rows: Rows) -> list[str]:
    text = rows.sql(
        f"SELECT DISTINCT user_id FROM events WHERE project_id = '{rows.project}' AND user_id != ''"
        f" ORDER BY cityHash64(user_id) LIMIT {ERASED}"
    )
    return text.split()


def _count(rows: Rows, where: str) -> int:
    return int(rows.sql(f"SELECT count() FROM events FINAL WHERE {where}"))


def _admin_key(instance: Instance, project: str) -> str:
    async def make() -> str:
        catalog = Catalog(instance.environment["SLUICE_CATALOG_URL"])
        key, _ = await create_key(catalog, uuid.UUID(project), "secret", "bench", scopes=["admin"])
        await catalog.close()
        return key

    return asyncio.run(make())


def _asked(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise InstanceError(f"{answer.status_code} {answer.text[:300]}")
    return answer.json()


def _until(holds: Any) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise InstanceError("the erasure does not end")
        time.sleep(_POLL_SECONDS)
