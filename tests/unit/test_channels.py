"""What channels are sent has the shape that their vendors publish, in both languages."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from functions.notify.channels import Sent, request, retry_after, told
from shared.channels import JIRA, PAGERDUTY, TELEGRAM, Kind, Options
from shared.notifications import Language

TEXT = {"type": "string", "minLength": 1}
PLAIN: dict[str, Any] = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "plain_text"}, "text": TEXT},
}
# As the vendors' published references say, in the parts that are used, with their limits.
SHAPES: dict[Kind, dict[str, Any]] = {
    "slack": {
        "type": "object",
        "required": ["text", "blocks"],
        "properties": {
            "text": {**TEXT, "maxLength": 40_000},
            "blocks": {
                "type": "array",
                "maxItems": 50,
                "items": {
                    "oneOf": [
                        {
                            "properties": {
                                "type": {"const": "header"},
                                "text": {
                                    **PLAIN,
                                    "properties": {**PLAIN["properties"], "text": {**TEXT, "maxLength": 150}},
                                },
                            },
                            "required": ["text"],
                        },
                        {
                            "properties": {
                                "type": {"const": "section"},
                                "text": {
                                    "properties": {"type": {"const": "mrkdwn"}, "text": {**TEXT, "maxLength": 3_000}}
                                },
                            },
                            "required": ["text"],
                        },
                        {
                            "properties": {
                                "type": {"const": "actions"},
                                "elements": {
                                    "type": "array",
                                    "maxItems": 25,
                                    "items": {
                                        "properties": {
                                            "type": {"const": "button"},
                                            "text": PLAIN,
                                            "url": {"format": "uri", "maxLength": 3_000},
                                        },
                                        "required": ["type", "text", "url"],
                                    },
                                },
                            },
                            "required": ["elements"],
                        },
                    ]
                },
            },
        },
        "additionalProperties": False,
    },
    "mattermost": {
        "type": "object",
        "properties": {
            "username": TEXT,
            "attachments": {
                "type": "array",
                "items": {
                    "required": ["fallback"],
                    "properties": {
                        "fallback": TEXT,
                        "color": {"pattern": "^#[0-9a-f]{6}$"},
                        "title": TEXT,
                        "title_link": {"format": "uri"},
                        "text": {"type": "string"},
                        "fields": {
                            "items": {
                                "required": ["short", "title", "value"],
                                "properties": {
                                    "short": {"type": "boolean"},
                                    "title": TEXT,
                                    "value": {"type": "string"},
                                },
                                "additionalProperties": False,
                            }
                        },
                    },
                    "additionalProperties": False,
                },
            },
        },
        "required": ["attachments"],
        "additionalProperties": False,
    },
    "telegram": {
        "type": "object",
        "required": ["chat_id", "text"],
        "properties": {
            "chat_id": TEXT,
            "text": {**TEXT, "maxLength": 4_096},
            "parse_mode": {"enum": ["HTML", "MarkdownV2"]},
            "link_preview_options": {"properties": {"is_disabled": {"type": "boolean"}}, "additionalProperties": False},
            "reply_markup": {"properties": {"inline_keyboard": {"items": {"items": {"required": ["text", "url"]}}}}},
        },
        "additionalProperties": False,
    },
    "pagerduty": {
        "type": "object",
        "required": ["routing_key", "event_action", "dedup_key", "payload"],
        "properties": {
            "routing_key": TEXT,
            "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
            "dedup_key": {**TEXT, "maxLength": 255},
            "payload": {
                "required": ["summary", "source", "severity"],
                "properties": {
                    "summary": {**TEXT, "maxLength": 1_024},
                    "source": TEXT,
                    "severity": {"enum": ["critical", "error", "warning", "info"]},
                    "timestamp": {"format": "date-time"},
                    "component": TEXT,
                    "custom_details": {"type": "object"},
                },
                "additionalProperties": False,
            },
            "links": {"items": {"required": ["href"], "properties": {"href": {"format": "uri"}, "text": TEXT}}},
            "client": TEXT,
            "client_url": {"format": "uri"},
        },
        "additionalProperties": False,
    },
    "jira_service_management": {
        "type": "object",
        "properties": {
            "message": {**TEXT, "maxLength": 130},
            "alias": {**TEXT, "maxLength": 512},
            "description": {"type": "string", "maxLength": 15_000},
            "details": {"type": "object", "additionalProperties": {"type": "string"}},
            "source": {**TEXT, "maxLength": 100},
            "entity": {"type": "string", "maxLength": 512},
            "tags": {"items": {"type": "string", "maxLength": 50}},
            "priority": {"enum": ["P1", "P2", "P3", "P4", "P5"]},
            "note": {"type": "string", "maxLength": 25_000},
        },
        "required": ["source"],
        "additionalProperties": False,
    },
    "alertmanager": {
        "type": "array",
        "items": {
            "required": ["labels"],
            "properties": {
                "labels": {"required": ["alertname"], "additionalProperties": TEXT},
                "annotations": {"additionalProperties": {"type": "string"}},
                "startsAt": {"format": "date-time"},
                "endsAt": {"format": "date-time"},
                "generatorURL": {"format": "uri"},
            },
            "additionalProperties": False,
        },
    },
}
TARGETS: dict[Kind, tuple[str, str]] = {
    "slack": ("https://hooks.slack.example/…", "https://hooks.slack.example/services/T0/B0/x"),
    "mattermost": ("https://chat.example/…", "https://chat.example/hooks/x"),
    "telegram": (TELEGRAM, "123:abc"),
    "pagerduty": (PAGERDUTY, "R0UT1NG"),
    "jira_service_management": (JIRA, "k3y"),
    "alertmanager": ("https://am.example/", "t0ken"),
}
ALERT = {
    "alert_id": "a",
    "incident_id": "i-1",
    "name": "No <signups> & *more*",
    "severity": "critical",
    "condition": "count of signup over 1h = 0",
    "measure": "count",
    "value": 0.0,
    "threshold": None,
    "window": "1h",
    "at": "2026-01-31T12:00:00+00:00",
    "since": "2026-01-31T11:55:00+00:00",
    "until": None,
    "project": "Shop",
    "link": "https://sluice.example/app/alerts/a",
}


def content(event_type: str, data: dict[str, Any]) -> str:
    return msgspec.json.encode({"type": event_type, "timestamp": "2026-01-31T12:00:01Z", "data": data}).decode()


def sent(kind: Kind, event_type: str = "alert.firing", language: Language = "en", **changed: Any) -> Sent:
    message = told(content(event_type, {**ALERT, **changed}), language, "https://sluice.example")
    return request(kind, *TARGETS[kind], Options(language, "-100"), message)


def shaped(kind: Kind, body: bytes) -> Any:
    found = msgspec.json.decode(body)
    jsonschema_rs.validator_for(SHAPES[kind], validate_formats=True).validate(found)
    return found


LONG: dict[str, Any] = {"name": "n" * 5_000, "project": "p" * 3_000, "condition": "ж" * 9_000}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    "event_type",
    ["alert.firing", "alert.resolved", "incident.opened", "incident.resolved", "report.ready", "test", "ledger.gap"],
)
@pytest.mark.parametrize("kind", SHAPES)
def test_whatever_is_told_has_the_vendors_shape(kind: Kind, event_type: str, language: Language) -> None:
    for changed in ({}, LONG, {"link": "", "since": None, "project": "", "name": ""}):
        shaped(kind, sent(kind, event_type, language, **changed).body)


def test_a_chat_reads_what_happened_and_where_to_look() -> None:
    slack = shaped("slack", sent("slack").body)
    assert slack["blocks"][0]["text"]["text"] == "Firing: No <signups> & *more*"
    assert "No &lt;signups&gt; &amp; *more*" in slack["blocks"][1]["text"]["text"]
    assert slack["blocks"][2]["elements"][0]["url"] == ALERT["link"]
    telegram = shaped("telegram", sent("telegram", language="ru").body)
    assert telegram["text"].startswith("<b>Сработало оповещение: No &lt;signups&gt; &amp; *more*</b>")
    assert telegram["chat_id"] == "-100"
    mattermost = shaped("mattermost", sent("mattermost").body)
    assert {"short": True, "title": "Window", "value": "1h"} in mattermost["attachments"][0]["fields"]


def test_each_vendor_is_asked_where_it_listens_with_its_secret() -> None:
    assert sent("slack").url == "https://hooks.slack.example/services/T0/B0/x"
    assert sent("telegram").url == "https://api.telegram.org/bot123:abc/sendMessage"
    assert sent("pagerduty").url == PAGERDUTY
    assert sent("jira_service_management").headers["authorization"] == "GenieKey k3y"
    assert sent("jira_service_management", "alert.resolved").url == f"{JIRA}/sluice-i-1/close?identifierType=alias"
    assert sent("alertmanager").url == "https://am.example/api/v2/alerts"
    assert sent("alertmanager").headers["authorization"] == "Bearer t0ken"


def test_what_is_over_ends_the_incident_that_it_began() -> None:
    began, ended = (shaped("pagerduty", sent("pagerduty", one).body) for one in ("alert.firing", "alert.resolved"))
    assert (began["event_action"], ended["event_action"]) == ("trigger", "resolve")
    assert began["dedup_key"] == ended["dedup_key"] == "sluice-i-1"
    assert began["payload"]["severity"] == "critical"
    [firing] = shaped("alertmanager", sent("alertmanager").body)
    [over] = shaped("alertmanager", sent("alertmanager", "alert.resolved").body)
    assert firing["labels"] == over["labels"]
    assert "endsAt" not in firing
    assert over["endsAt"] == ALERT["at"]
    assert shaped("jira_service_management", sent("jira_service_management").body)["priority"] == "P1"


def test_an_incident_is_one_to_an_on_call_service_and_to_a_chat_a_link_that_acknowledges() -> None:
    kinds = ("incident.opened", "incident.escalated", "incident.resolved")
    bodies = [shaped("pagerduty", sent("pagerduty", one).body) for one in kinds]
    assert [body["event_action"] for body in bodies] == ["trigger", "trigger", "resolve"]
    assert {body["dedup_key"] for body in bodies} == {"sluice-i-1"}
    acknowledge = "https://sluice.example/api/v1/incidents/links/t0ken"
    slack = shaped("slack", sent("slack", "incident.opened", acknowledge=acknowledge).body)
    assert slack["blocks"][2]["elements"][0]["url"] == acknowledge
    assert ALERT["link"] in slack["blocks"][1]["text"]["text"]
    line = {"name": "n", "group": "DE", "severity": "error", "value": 2.0, "since": None}
    many = shaped("telegram", sent("telegram", "incident.opened", count=30, rules=2, incidents=[line], more=29).body)
    assert "30 incidents of 2 rules are open" in many["text"]


def test_a_long_message_is_cut_between_lines_so_that_no_markup_breaks() -> None:
    found = shaped("telegram", sent("telegram", **LONG).body)["text"]
    assert found.count("<b>") == found.count("</b>")


@pytest.mark.parametrize(
    ("kind", "answer", "seconds"),
    [
        ("telegram", b'{"ok":false,"error_code":429,"parameters":{"retry_after":7}}', 7.0),
        ("telegram", b"busy", 0.0),
        ("telegram", b'{"parameters":[]}', 0.0),
        ("slack", b'{"parameters":{"retry_after":7}}', 0.0),
    ],
)
def test_a_pause_that_stands_in_the_answer_is_kept(kind: Kind, answer: bytes, seconds: float) -> None:
    assert retry_after(kind, answer) == seconds
