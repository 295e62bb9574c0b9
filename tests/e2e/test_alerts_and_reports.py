"""Alerts and reports through a whole instance: rules by HTTP, ticks by the emulated timer, mails by notify."""

import psycopg
import pytest

from tests.e2e.asking import Asking
from tests.e2e.running import EVENTS, Running, wait_until

ALERTS, REPORTS = "/api/v1/alerts", "/api/v1/reports"
MINUTE = 61
STORED_SECONDS = 30

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def asking(instance: Running) -> Asking:
    return Asking(instance)


def test_a_rule_fires_once_and_resolves_once_by_the_timer_alone(asking: Asking) -> None:
    rule = {
        "name": "silence",
        "query": {"events": ["beat"]},
        "window": "1d",
        "condition": {"type": "absence"},
        "notify": {"emails": [asking.address]},
    }
    one = f"{ALERTS}/{asking.ask('POST', ALERTS, rule)['id']}"
    assert asking.ask("POST", one + "/test")["holds"] is True
    wait_until(lambda: asking.ask("GET", one)["state"] == "firing", MINUTE + STORED_SECONDS, "it fires")
    wait_until(lambda: len(asking.mails()) == 1, STORED_SECONDS, "the mail that it fires")
    asking.instance.http.post(EVENTS, json={"event": "beat"}, headers={"X-API-Key": asking.project.write_key})
    wait_until(lambda: asking.ask("GET", one)["state"] != "firing", 2 * MINUTE + STORED_SECONDS, "it resolves")
    wait_until(lambda: len(asking.mails()) == 2, STORED_SECONDS, "the mail that it is over")
    asking.tick("alert_evaluate")
    history = asking.ask("GET", one + "/history")["items"]
    assert [step["after"] for step in history][-2:] == ["resolved", "firing"]
    assert ["Firing" in str(mail["subject"]) for mail in asking.mails()] == [True, False]
    asking.ask("DELETE", one)


def test_a_report_comes_at_its_time_once_and_can_be_shown_again(asking: Asking) -> None:
    asked = {"name": "Вчера", "schedule": "daily", "emails": [asking.address], "language": "ru"}
    report = asking.ask("POST", REPORTS, asked)["id"]
    with psycopg.connect(asking.instance.env["SLUICE_CATALOG_URL"]) as connection:  # a day and a bit goes by
        connection.execute(
            "UPDATE timers SET watermark = now() - interval '25 hours', due_at = now() WHERE item = %s", [report]
        )
    for _ in range(3):
        asking.tick("report_run")
    runs = asking.ask("GET", f"{REPORTS}/{report}/runs")["items"]
    assert {run["state"] for run in runs} == {"completed"}
    assert len(runs) in {1, 2}  # eight o'clock comes twice in 25 hours between eight and nine
    wait_until(lambda: len(asking.mails()) == len(runs), STORED_SECONDS, "its mails")
    [mail, *_] = asking.mails()
    assert "Вчера" in str(mail["subject"])
    shown = asking.ask("GET", f"{REPORTS}/{report}/runs/{runs[0]['id']}")
    assert shown["values"]["total"] == shown["numbers"]["totals"]["events"] == 0
    asking.ask("DELETE", f"{REPORTS}/{report}")
