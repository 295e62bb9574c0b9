"""Millions of rows made in the warehouse itself: 60 days, random ids, realistic properties, one in a hundred twice.

Everything of a row follows from its number and the salt, so that a repeat is the same event received later.
"""

import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tests.load.instance import STORED_SECONDS, Instance, InstanceError

DAYS = 60
USERS = 200_000
REPEATED = 100
_AT_ONCE = 500_000
_SECONDS = 3_600.0
_ROWS = """
INSERT INTO events (
    project_id, event, user_id, session_id, timestamp, event_id, received_at, url, country, properties_raw
)
SELECT
    '{project}',
    ['page_view', 'page_view', 'page_view', 'click', 'search', 'add_to_cart', 'signup', 'purchase'][1 + h % 8],
    concat('user-', leftPad(toString(sipHash64(number, {salt}, 1) % {users}), 6, '0')),
    lower(hex(sipHash64(number, {salt}, 2))),
    toDateTime64('{start}', 6, 'UTC') + toIntervalMicrosecond(sipHash64(number, {salt}, 3) % {span}),
    reinterpretAsUUID(sipHash128(number, {salt})),
    toDateTime64('{end}', 6, 'UTC') + toIntervalSecond({later}),
    concat('https://shop.example.com/products/', toString(sipHash64(number, {salt}, 4) % 5000)),
    ['DE', 'FR', 'US', 'RU', 'IN', 'BR'][1 + sipHash64(number, {salt}, 5) % 6],
    concat('{{"price":', toString(sipHash64(number, {salt}, 6) % 50000 / 100), ',"screen":"',
        ['1280x800', '1440x900', '1920x1080'][1 + sipHash64(number, {salt}, 7) % 3], '","title":"Example Shop - ',
        lower(hex(sipHash64(number, {salt}, 8))), '","load_ms":',
        toString(40 + sipHash64(number, {salt}, 9) % 4000), '}}')
FROM (SELECT number, sipHash64(number, {salt}, 0) AS h FROM numbers({first}, {count}) {where})
"""
_LEDGER = """
INSERT INTO hour_changes (project_id, hour, changes)
SELECT project_id, toStartOfHour(timestamp) AS hour, 1 FROM events WHERE project_id = '{project}' GROUP BY ALL
"""


class Rows:
    """The rows of the instance's project, and the warehouse itself for plain SQL beside our answers.

    They are of the `DAYS` before `end`, a whole hour that is over.
    """

    def __init__(self, instance: Instance) -> None:
        if not instance.warehouse_url:
            raise InstanceError("rows are made in the warehouse itself: give --data")
        address = urlsplit(instance.warehouse_url)
        self._warehouse = httpx.Client(
            base_url=address._replace(path="/").geturl(),
            params={"database": address.path.strip("/")},
            trust_env=False,
            timeout=_SECONDS,
        )
        self.end = datetime.now(tz=UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
        self.start = self.end - timedelta(days=DAYS)
        self.project = find_project(instance, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._warehouse.close()

    def fill(self, count: int) -> float:
        """Write so many events, one in REPEATED of them twice, and their hours to the ledger; rows a second."""
        salt, started = secrets.randbits(32), time.monotonic()
        for first in range(0, count, _AT_ONCE):
            many = min(_AT_ONCE, count - first)
            self._insert(salt, first, many)
            self._insert(salt, first, many, later=60, where=f"WHERE number % {REPEATED} = 0")
        self.sql(_LEDGER.format(project=self.project))
        return count / (time.monotonic() - started)

    def merge(self) -> None:
        """Bring every partition to one part, as background merges do within minutes."""
        self.sql("OPTIMIZE TABLE events FINAL")

    def sql(self, text: str) -> str:
        """The answer as text; raises InstanceError for a refusal."""
        answer = self._warehouse.post("", content=text)
        if answer.status_code != httpx.codes.OK:
            raise InstanceError(f"{answer.status_code} {answer.text[:300]}")
        return answer.text

    def _insert(self, salt: int, first: int, count: int, *, later: int = 0, where: str = "") -> None:
        values: dict[str, Any] = {"salt": salt, "first": first, "count": count, "later": later, "where": where}
        span = DAYS * 86_400 * 1_000_000
        moments = {"start": f"{self.start:%F %T}", "end": f"{self.end:%F %T}", "span": span, "users": USERS}
        self.sql(_ROWS.format(project=self.project, **moments, **values))


def find_project(instance: Instance, rows: Rows) -> str:
    """The project of our key: that of an event sent with it, a day before all others."""
    event_id = str(uuid.uuid4())
    body = {"event": "here", "id": event_id, "timestamp": (rows.start - timedelta(days=1)).isoformat()}
    headers = {"X-API-Key": instance.write.key}
    sent = httpx.post(f"{instance.write.url}/api/v1/events", json=body, headers=headers, trust_env=False, timeout=60)
    if sent.status_code != httpx.codes.ACCEPTED:
        raise InstanceError(f"{sent.status_code} {sent.text[:300]}")
    deadline = time.monotonic() + STORED_SECONDS
    while time.monotonic() < deadline:
        if found := rows.sql(f"SELECT project_id FROM events WHERE event_id = '{event_id}'").strip():
            return found
        time.sleep(0.1)
    raise InstanceError("an event was acknowledged and is not stored")
