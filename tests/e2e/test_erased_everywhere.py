"""Some of many people are erased from a whole instance: every answer agrees with our own count, no file names them."""

import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.events import EVENTS_TOPIC
from tests.e2e.asking import Asking
from tests.e2e.running import Running, running, wait_until
from tests.searching import holders

pytestmark = [pytest.mark.slow, pytest.mark.timeout(580)]

PEOPLE, GONE, EVENTS_EACH = 400, 25, 12
NAMES = ("visit", "search", "buy")
SECONDS = 60
TABLES = ("events", "identity_events", "user_sessions", "rejected_events", "segment_lists", "segment_members")
# What the engine replaced leaves the disk at once and not within minutes.
AT_ONCE = {
    "old_parts_lifetime": 1,
    "cleanup_delay_period": 1,
    "max_cleanup_delay_period": 1,
    "cleanup_delay_period_random_add": 0,
    "cleanup_thread_preferred_points_per_iteration": 0,
}
_NOT_FOUND = 404


@pytest.fixture(scope="module")
def private() -> Iterator[Running]:
    waits = {
        "SLUICE_ERASURE_SETTLE_SECONDS": "6",
        "SLUICE_ERASURE_DISK_SECONDS": "240",
        "SLUICE_LIMIT_READ_KEY": "none",
    }
    quick = {"SLUICE_ROLLUP_QUIET_SECONDS": "0", "SLUICE_ROLLUP_WAIT_SECONDS": "1", "SLUICE_ROLLUP_OVER_SECONDS": "0"}
    with running(**waits, **quick) as started:
        for table in TABLES:
            soon = ", ".join(f"{name} = {value}" for name, value in AT_ONCE.items())
            _command(started, f"ALTER TABLE {table} MODIFY SETTING {soon}")
        # A thread that cleans sleeps for minutes where it had nothing to do: it begins anew with the process.
        started.wait_restarted("warehouse", started.kill("warehouse"))
        yield started


def _command(instance: Running, sql: str) -> None:
    from urllib.parse import urlsplit

    import httpx

    url = urlsplit(instance.env["SLUICE_WAREHOUSE_URL"])
    reply = httpx.post(
        f"http://{url.hostname}:{url.port}/",
        params={"database": url.path[1:]},
        content=sql,
        auth=(url.username or "", url.password or ""),
        timeout=60,
        trust_env=False,
    )
    assert reply.status_code == 200, reply.text


class Person:
    """One of many: an id, a device, an e-mail, and what they did."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.id = f"person-{number}-{dice.getrandbits(64):016x}"
        self.device = f"device-{number}-{dice.getrandbits(64):016x}"
        self.email = f"{dice.getrandbits(64):016x}@mail{number}.example"
        begin = datetime.now(tz=UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
        self.events: list[dict[str, Any]] = [self._event("identify", begin, {"email": self.email})]
        for n in range(EVENTS_EACH):
            moment = begin + timedelta(hours=dice.randrange(28), seconds=dice.randrange(3_600))
            self.events.append(self._event(dice.choice(NAMES), moment, {"n": n, "contact": self.email}))
        for one in self.events[-3:]:
            del one["user_id"]

    @property
    def texts(self) -> list[str]:
        return [self.id, self.device, self.email]

    def _event(self, name: str, moment: datetime, properties: dict[str, Any]) -> dict[str, Any]:
        ids = {"user_id": self.id, "anonymous_id": self.device, "session_id": f"{self.id}-s"}
        return {
            "event": name,
            "id": str(uuid.uuid4()),
            "timestamp": moment.isoformat(),
            "properties": properties,
            **ids,
        }


def _send(asking: Asking, people: list[Person]) -> None:
    events = [one for person in people for one in person.events]
    for start in range(0, len(events), 1_000):
        reply = asking.instance.http.post(
            "/api/v1/events/batch",
            json={"events": events[start : start + 1_000]},
            headers={"X-API-Key": asking.project.write_key},
        )
        assert reply.status_code == 202, reply.text
    # And one that is refused, and kept with what it says.
    broken = {"event": "", "user_id": people[0].id, "properties": {"contact": people[0].email}}
    asking.instance.post({"events": [broken]}, asking.project)


def _check(asking: Asking, people: list[Person]) -> None:
    """Ask everything and count ourselves."""
    events = [one for person in people for one in person.events]
    now = datetime.now(tz=UTC)
    span = {"from": (now - timedelta(days=3)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    ask = asking.ask

    def count(**query: Any) -> Any:
        return ask("POST", "/api/v1/query/count", {**span, **query})["value"]

    assert count() == len(events)
    assert count(measure="users") == len(people)
    assert count(measure="unique:user_id") == len(people)
    assert count(measure="sessions") == len({one["session_id"] for one in events})
    for name, wanted in Counter(one["event"] for one in events).items():
        assert count(events=[name]) == wanted
    hours = Counter(one["timestamp"][:13] for one in events)
    series = ask("POST", "/api/v1/query/timeseries", {**span, "interval": "hour"})
    points = {str(point[0])[:13]: point[1] for point in series["series"][0]["points"] if point[1]}
    assert points == hours
    assert ask("POST", "/api/v1/query/breakdown", {**span, "by": ["event"]})["total"] == len(events)


def _exported(asking: Asking) -> set[str]:
    job = asking.ask("POST", "/api/v1/exports", {"format": "json"})
    address = f"/api/v1/exports/{job['id']}"
    wait_until(lambda: asking.ask("GET", address)["state"] in {"completed", "failed"}, SECONDS, "the export ends")
    found = set()
    for file in asking.ask("GET", address)["result"]["files"]:
        text = asking.instance.http.get(file["url"].partition(str(asking.instance.port))[2] or file["url"]).text
        found |= {json.loads(line)["event_id"] for line in text.splitlines()}
    return found


def test_people_are_gone_from_every_answer_every_file_and_stay_gone(private: Running, tmp_path: Path) -> None:
    dice = random.Random(20_261_121)
    people = [Person(number, dice) for number in range(PEOPLE)]
    gone, stay = people[:GONE], people[GONE:]
    asking = Asking(private)
    private.follow(EVENTS_TOPIC, "replay")
    _send(asking, people)
    total = sum(len(person.events) for person in people)
    wait_until(lambda: private.lag() == 0, SECONDS, "everything is stored")
    asking.tick("rollup")
    _check(asking, people)
    before = asking.ask("POST", "/api/v1/exports", {"format": "json"})
    address = f"/api/v1/exports/{before['id']}"
    wait_until(lambda: asking.ask("GET", address)["state"] == "completed", SECONDS, "the export ends")
    sent = [one.message for one in private.read(EVENTS_TOPIC, "replay")]
    assert holders(private.data, [people[-1].email])

    started = time.monotonic()
    job = asking.ask("POST", "/api/v1/erasures", {"people": [f"u:{person.id}" for person in gone]})
    address = f"/api/v1/erasures/{job['id']}"
    expected = total - sum(len(person.events) for person in gone)
    wait_until(lambda: private.count(asking.project, **{"from": "2020-01-01"}) == expected, SECONDS, "they are hidden")
    assert time.monotonic() - started < 60
    wait_until(lambda: asking.ask("GET", address)["state"] in {"completed", "failed"}, 280, "the erasure ends")
    shown = asking.ask("GET", address)
    assert (shown["state"], shown["error"]) == ("completed", None)
    certificate = shown["result"]["certificate"]
    assert certificate["events"] == total - expected
    assert certificate["disk"]["gone_at"] is not None, certificate["disk"]
    assert {one["store"]: one["left"] for one in certificate["stores"]}["events"] == 0
    assert [one["id"] for one in certificate["withdrawn"]] == [before["id"]]

    asking.tick("rollup")
    _check(asking, stay)
    assert _exported(asking) == {one["id"] for person in stay for one in person.events}
    person = f"/api/v1/people/u:{gone[0].id}"
    assert private.http.get(person, headers={"X-API-Key": asking.key}).status_code == _NOT_FOUND

    private.publish(EVENTS_TOPIC, sent)  # a replay from the beginning
    wait_until(lambda: private.lag() == 0, SECONDS, "everything is stored again")
    _check(asking, stay)

    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(certificate))
    url = f"http://127.0.0.1:{private.port}"
    verified = private.cli("erasure", "verify", str(file), "--url", url, "--key", asking.key)
    assert verified.returncode == 0, verified.stderr
    file.write_text(json.dumps({**certificate, "events": 1}))
    assert private.cli("erasure", "verify", str(file), "--url", url, "--key", asking.key).returncode == 4

    texts = [text for one in gone for text in one.texts]
    asking.instance.with_bus(lambda _: _rewritten(private))
    wait_until(lambda: not holders(private.data, texts), 60, "no file names them")


async def _rewritten(instance: Running) -> None:
    """The replay was on the bus once more: its log goes as it goes with the certificate of an erasure."""
    from shared.bus.forgetting import forget_stored
    from shared.config import BusSettings

    await forget_stored(BusSettings(bus_url=instance.env["SLUICE_BUS_URL"]))
