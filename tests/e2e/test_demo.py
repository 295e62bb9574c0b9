"""The demo shop on a whole instance: filled, the same again, gone with everything it had, and back."""

import json
import time
from datetime import UTC, datetime

import pytest

from shared.demo.shop import first_day, shop_events, today_in_shop
from tests.e2e.running import Project, Running

SECONDS = 60
TABLES = ("events", "batches", "rejected_events", "hour_changes")


def shop_of(instance: Running) -> Project:
    known = json.loads((instance.data / "demo-shop.json").read_text())
    return Project(known["project_id"], known["write_key"], known["secret_key"])


def filled(instance: Running) -> str:
    """What `demo` says once it has worked."""
    done = instance.cli("demo", timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(instance: Running, shop: Project, **query: object) -> float:
    span = {
        "from": str(first_day(today_in_shop(datetime.now(tz=UTC)))),
        "to": "2100-01-01",
        "timezone": "Europe/Berlin",
    }
    found: float = instance.count(shop, **{**span, **query})
    return found


def rows_left(instance: Running, shop: Project) -> dict[str, int]:
    """Stored rows of the project by table, repeats too."""
    return {name: int(instance.warehouse(f"SELECT count() FROM {name} WHERE {shop.rows}")[0][0]) for name in TABLES}


@pytest.fixture
def shop(instance: Running) -> Project:
    filled(instance)
    return shop_of(instance)


def test_the_demo_is_counted_as_it_was_made_and_the_same_when_filled_again(instance: Running) -> None:
    started = time.monotonic()
    said = filled(instance)
    assert time.monotonic() - started < SECONDS / 2
    shop = shop_of(instance)
    events = list(shop_events(today_in_shop(datetime.now(tz=UTC))))
    revenue = sum(event.properties.get("revenue", 0) for event in events)
    assert f"{len(events):,} events" in said
    for _ in range(2):
        assert count(instance, shop) == len(events)
        assert count(instance, shop, measure="sessions") == len({e.session_id for e in events if e.session_id})
        assert count(instance, shop, measure="sum:properties.revenue") == pytest.approx(revenue)
        assert filled(instance) == said
    assert (instance.data / "demo-shop.json").stat().st_mode & 0o777 == 0o600


def test_a_removed_demo_leaves_no_row_no_key_and_no_project_and_can_be_made_again(
    instance: Running, shop: Project
) -> None:
    others = int(instance.warehouse(f"SELECT count() FROM events WHERE NOT {shop.rows}")[0][0])
    assert min(rows_left(instance, shop)[name] for name in ("events", "batches", "hour_changes")) > 0
    done = instance.cli("demo-remove", timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert rows_left(instance, shop) == dict.fromkeys(TABLES, 0)
    assert int(instance.warehouse(f"SELECT count() FROM events WHERE NOT {shop.rows}")[0][0]) == others
    assert instance.post({"event": "late"}, shop).status_code == 401
    assert shop.id not in instance.cli("keys", "list", "--project", shop.id).stdout
    assert "no demo shop" in instance.cli("demo-remove", timeout=SECONDS).stdout
    filled(instance)
    again = shop_of(instance)
    assert again.id != shop.id
    assert count(instance, again) > 0
