"""Exports, erasures and retention through a whole instance: asked over HTTP, done by events, told by a webhook."""

import hashlib
import io
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.events import ACCEPTED, CONTROL_TOPIC, EVENTS_TOPIC, Row, encode_line, record
from tests.e2e.asking import Asking, Receiver, receiver
from tests.e2e.running import EVENTS, Running, wait_until

SECONDS = 30

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def asking(instance: Running) -> Asking:
    return Asking(instance)


@pytest.fixture
def hook(asking: Asking) -> Iterator[Receiver]:
    with receiver() as made:
        types = ["export.completed", "erasure.completed"]
        made.secret = asking.ask("POST", "/api/v1/webhooks", {"url": made.url, "types": types})["secret"]
        yield made


def send(asking: Asking, *users: str) -> None:
    events = [{"event": "visit", "user_id": user} for user in users]
    reply = asking.instance.http.post(
        f"{EVENTS}/batch", json={"events": events}, headers={"X-API-Key": asking.project.write_key}
    )
    assert reply.status_code == 202, reply.text


def wait_for_count(asking: Asking, wanted: int) -> None:
    wait_until(lambda: asking.instance.count(asking.project) == wanted, SECONDS, f"{wanted} events are counted")


def finished(asking: Asking, address: str) -> Any:
    """The job once it has completed."""
    wait_until(lambda: asking.ask("GET", address)["state"] in {"completed", "failed"}, SECONDS, f"{address} ends")
    job = asking.ask("GET", address)
    assert job["state"] == "completed", job
    return job


def told(hook: Receiver, event_type: str, most: int = 1) -> list[Any]:
    """What a receiver got of a type, once it got so many, and no more in the second after."""

    def of_type() -> list[Any]:
        return [one["data"] for one in hook.received if one["type"] == event_type]

    wait_until(lambda: len(of_type()) >= most, SECONDS, f"{most} deliveries of {event_type}")
    time.sleep(1)
    assert len(of_type()) == most
    return of_type()


def test_a_person_is_erased_and_stays_erased_and_the_receiver_is_told_without_a_name(
    asking: Asking, hook: Receiver
) -> None:
    send(asking, "ada", "ada", "ada", "grace")
    wait_for_count(asking, 4)
    job = asking.ask("POST", "/api/v1/gdpr/delete", {"user_id": "ada", "reason": "ticket 1"})
    done = finished(asking, f"/api/v1/erasures/{job['id']}")["result"]
    assert (done["found"], done["left"]) == ({"events": 3, "rows": 3}, {"events": 0, "rows": 0})
    wait_for_count(asking, 1)
    [data] = told(hook, "erasure.completed")
    assert (data["state"], data["events"], data["job_id"]) == ("completed", 3, job["id"])
    # Her browser sends on: that is refused before it is stored.
    send(asking, "ada", "grace")
    wait_for_count(asking, 2)
    wait_until(lambda: asking.instance.lag() == 0, SECONDS, "everything is stored")
    [[refused]] = asking.instance.warehouse(
        f"SELECT count() FROM rejected_events FINAL WHERE {asking.project.rows}"
        " AND reason = 'person_erased' AND raw = ''"
    )
    assert int(refused) == 1
    asking.tick("gdpr_delete")
    [only] = asking.ask("GET", "/api/v1/erasures")["items"]
    assert only["id"] == job["id"]
    assert "ada" not in str(hook.received)


def test_what_is_older_than_the_retention_goes_with_the_timer_and_is_told_of(asking: Asking) -> None:
    now = to_datetime(SYSTEM_CLOCK.micros())
    old = [stored_long_ago(now - timedelta(days=40, hours=hour)) for hour in range(5)]
    batch = record(
        project_id=asking.project.id,
        batch_id=uuid.uuid4(),
        lines=[encode_line(one) for one in old],
        micros=SYSTEM_CLOCK.micros(),
        event_type=ACCEPTED,
    )
    asking.instance.publish(EVENTS_TOPIC, [batch])
    send(asking, "grace", "linus")
    span = {"from": (now - timedelta(days=60)).isoformat(), "to": (now + timedelta(hours=2)).isoformat()}
    wait_until(lambda: asking.instance.count(asking.project, **span) == 7, SECONDS, "old and new are counted")
    assert asking.ask("POST", "/api/v1/retention/preview", {"days": 30})["events"] == 5
    asking.ask("PUT", "/api/v1/retention", {"days": 30})
    asking.instance.follow(CONTROL_TOPIC, "retention-told")
    asking.tick("retention_enforce")
    assert asking.instance.count(asking.project, **span) == 2
    [run] = asking.ask("GET", "/api/v1/retention")["runs"]
    assert (run["state"], run["events"], run["left_rows"], run["hour_count"]) == ("completed", 5, 0, 5)
    found = [one.message.attributes for one in asking.instance.read(CONTROL_TOPIC, "retention-told")]
    of_project = [one["type"] for one in found if one.get("project") == asking.project.id]
    assert "dev.sluice.retention.enforced.v1" in of_project
    asking.tick("retention_enforce")
    assert len(asking.ask("GET", "/api/v1/retention")["runs"]) == 1


def stored_long_ago(at: datetime) -> Row:
    text = f"{at.replace(tzinfo=None).isoformat(' ', 'microseconds')}"
    return Row(event="visit", event_id=str(uuid.uuid4()), timestamp=text, received_at=text, user_id="old")


def test_an_export_is_written_told_of_by_mail_and_webhook_and_read_back(asking: Asking, hook: Receiver) -> None:
    send(asking, *(f"user-{number % 7}" for number in range(300)))
    wait_for_count(asking, 300)
    asked = {"format": "parquet", "columns": ["event", "user_id", "timestamp"], "notify": [asking.address]}
    job = asking.ask("POST", "/api/v1/exports", asked)
    result = finished(asking, f"/api/v1/exports/{job['id']}")["result"]
    manifest = httpx.get(result["manifest"]["url"], trust_env=False).json()
    [file] = result["files"]
    body = httpx.get(file["url"], trust_env=False).content
    assert hashlib.sha256(body).hexdigest() == file["sha256"] == manifest["files"][0]["sha256"]
    table = pq.read_table(io.BytesIO(body))
    assert table.num_rows == result["rows"] == manifest["rows"] == asking.instance.count(asking.project) == 300
    assert len(set(table["user_id"].to_pylist())) == 7
    [data] = told(hook, "export.completed")
    assert (data["rows"], data["job_id"]) == (300, job["id"])
    wait_until(lambda: len(asking.mails()) == 1, SECONDS, "the mail")


def test_a_schedule_exports_each_hour_that_is_over_once_however_often_the_timer_comes(asking: Asking) -> None:
    begun = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    asked = {"name": "lake", "every": "hourly", "from": begun.isoformat(), "delay_minutes": 0, "format": "csv"}
    schedule = asking.ask("POST", "/api/v1/exports/schedules", asked)["id"]
    for _ in range(2):
        asking.tick("export")
    folder = asking.instance.data / "objects/projects" / asking.project.id / "schedules" / schedule
    hours = int((datetime.now(UTC) - begun) / timedelta(hours=1))
    wanted = sorted(f"{at:dt=%Y-%m-%d/hour=%H}" for at in (begun + timedelta(hours=n) for n in range(hours)))

    def complete() -> list[str]:
        return sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob("_manifest.json"))

    wait_until(lambda: complete() == wanted, SECONDS, f"the hours {wanted}")
    jobs = asking.ask("GET", "/api/v1/exports")["items"]
    assert [job["state"] for job in jobs] == ["completed"] * hours
    asking.ask("DELETE", f"/api/v1/exports/schedules/{schedule}")
