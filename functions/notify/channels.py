"""A delivery to a channel as its vendor wants it: one function a vendor, plain values in, a request out.

The shapes are those of the vendors' published references: Slack's incoming webhooks and Block Kit, Mattermost's message
attachments, Telegram's `sendMessage`, PagerDuty's Events API v2, the alerts of Jira Service Management (and Opsgenie),
Alertmanager's API v2. tests/unit/test_channels.py holds every message against them; no vendor was ever called.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from functions.notify.mails import filled
from shared.channels import Kind, Options
from shared.notifications import TYPES, WEBHOOKS_ONLY, Language, Template

_COLOURS = {"alarm": "#c2362b", "good": "#2e7d4f", "plain": "#4a5568"}
_PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
_MANY = 10
_TESTS: dict[Language, tuple[str, str]] = {
    "en": ("Test: this channel works", "Somebody asked for this test. Messages from Sluice arrive here."),
    "ru": ("Проверка: канал работает", "Это проверка по просьбе участника проекта. Сообщения Sluice приходят сюда."),
}
_OPEN: dict[Language, str] = {"en": "Open", "ru": "Открыть"}


class Told(NamedTuple):
    """What a channel is told, as people read it and as machines do.

    `link` is a label and an address, `incident` the same for all messages about one incident ('' for none).
    """

    title: str
    paragraphs: list[str]
    facts: list[tuple[str, str]]
    link: tuple[str, str] | None
    tone: str
    incident: str
    resolved: bool
    severity: str
    at: str
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """All of it but the title, as plain text."""
        lines = [*self.paragraphs, *(f"{name}: {value}" for name, value in self.facts)]
        return "\n".join(lines)


class Sent(NamedTuple):
    """A request to a vendor."""

    url: str
    body: bytes
    headers: dict[str, str]


def told(content: str, language: Language, public_url: str) -> Told:
    """What a webhook's body says, in words; raises jinja2.TemplateError where its template cannot be filled."""
    body = msgspec.json.decode(content)
    event_type, data = str(body["type"]), dict(body["data"])
    template = next((name for name, one in TYPES.items() if one == event_type), None)
    parts = _parts(template, event_type, data, language, public_url)
    return Told(
        title=str(parts["subject"]).strip(),
        paragraphs=list(parts["paragraphs"]),
        facts=[(str(name), str(value)) for name, value in parts["facts"] or parts.get("brief") or ()][:_MANY],
        link=parts["button"],
        tone=str(parts["tone"]),
        incident=str(data.get("incident_id") or ""),
        resolved=event_type in {"alert.resolved", "incident.resolved"},
        severity=str(data.get("severity") or "warning"),
        at=str(data.get("at") or body.get("timestamp") or ""),
        data=data,
    )


def _parts(
    template: Template | None, event_type: str, data: dict[str, Any], language: Language, public_url: str
) -> dict[str, Any]:
    if template == "test":
        subject, text = _TESTS[language]
        button = (_OPEN[language], public_url) if public_url else None
        return {"subject": subject, "paragraphs": [text], "facts": [], "button": button, "tone": "good"}
    if template is None or template in WEBHOOKS_ONLY:  # for machines: there are no words for it
        facts = [(name, value) for name, value in data.items() if isinstance(value, str | int | float)]
        return {"subject": event_type, "paragraphs": [], "facts": facts, "button": None, "tone": "plain"}
    return filled("txt", template, language, data, public_url)


def request(kind: Kind, url: str, secret: str, options: Options, message: Told) -> Sent:
    """The request that tells a channel of that kind; `url` is where it leads, `secret` the vendor's."""
    return _VENDORS[kind](url, secret, options, message)


def _slack(_url: str, secret: str, _options: Options, message: Told) -> Sent:
    said = "\n".join(
        [*map(_slack_text, message.paragraphs), *(f"*{_slack_text(n)}:* {_slack_text(v)}" for n, v in message.facts)]
    )
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": message.title[:150] or "Sluice"}}
    ]
    if said:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": said[:3_000]}})
    if message.link:
        label, address = message.link
        button = {"type": "button", "text": {"type": "plain_text", "text": label[:75]}, "url": address[:3_000]}
        blocks.append({"type": "actions", "elements": [button]})
    return _posted(secret, {"text": _slack_text(message.title)[:3_000], "blocks": blocks})


def _slack_text(text: str) -> str:
    """Slack's three control characters escaped; nothing else is markup it would follow."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mattermost(_url: str, secret: str, _options: Options, message: Told) -> Sent:
    attachment: dict[str, Any] = {
        "fallback": f"{message.title}\n{message.text}",
        "color": _COLOURS.get(message.tone, _COLOURS["plain"]),
        "title": message.title,
        "text": "\n\n".join(message.paragraphs),
        "fields": [{"short": True, "title": name, "value": value} for name, value in message.facts],
    }
    if message.link:
        attachment["title_link"] = message.link[1]
    return _posted(secret, {"username": "Sluice", "attachments": [attachment]})


def _telegram(url: str, secret: str, options: Options, message: Told) -> Sent:
    lines = [f"<b>{html.escape(message.title, quote=False)}</b>"]
    lines += [html.escape(part, quote=False) for part in message.paragraphs]
    lines += [f"{html.escape(name, quote=False)}: {html.escape(value, quote=False)}" for name, value in message.facts]
    text, rest = "", list(lines)
    while rest and len(text) + len(rest[0]) < _TELEGRAM_CHARACTERS:  # whole lines: half a tag would be refused
        text += rest.pop(0) + "\n"
    body: dict[str, Any] = {
        "chat_id": options.chat_id,
        "text": text.strip() or html.escape(message.title[:1_000], quote=False) or "Sluice",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if message.link:
        label, address = message.link
        body["reply_markup"] = {"inline_keyboard": [[{"text": label, "url": address}]]}
    return _posted(f"{url.rstrip('/')}/bot{secret}/sendMessage", body)


_TELEGRAM_CHARACTERS = 4_000


def _pagerduty(url: str, secret: str, _options: Options, message: Told) -> Sent:
    body: dict[str, Any] = {
        "routing_key": secret,
        "event_action": "resolve" if message.resolved else "trigger",
        "dedup_key": _dedup(message),
        "payload": {
            "summary": (message.title or "Sluice")[:1_024],
            "source": str(message.data.get("project") or "sluice"),
            "severity": message.severity if message.severity in _PRIORITIES else "warning",
            "timestamp": message.at,
            "component": "sluice",
            "custom_details": dict(message.facts),
        },
        "client": "Sluice",
    }
    if not message.at:
        del body["payload"]["timestamp"]
    if message.link:
        body["links"] = [{"href": message.link[1], "text": message.link[0]}]
        body["client_url"] = message.link[1]
    return _posted(url, body)


def _jira(url: str, secret: str, _options: Options, message: Told) -> Sent:
    headers = {"authorization": f"GenieKey {secret}"}
    alias, root = _dedup(message), url.rstrip("/")
    if message.resolved:
        closed = {"source": "Sluice", "note": message.title[:25_000]}
        return _posted(f"{root}/{quote(alias, safe='')}/close?identifierType=alias", closed, headers)
    body = {
        "message": (message.title or "Sluice")[:130],
        "alias": alias,
        "description": message.text[:15_000],
        "details": {name[:100]: value[:1_000] for name, value in message.facts},
        "source": "Sluice",
        "entity": str(message.data.get("project") or "")[:512],
        "tags": ["sluice"],
        "priority": _PRIORITIES.get(message.severity, "P3"),
    }
    return _posted(root, body, headers)


def _alertmanager(url: str, secret: str, _options: Options, message: Told) -> Sent:
    labels = {
        "alertname": str(message.data.get("name") or message.title or "Sluice"),
        "severity": message.severity,
        "project": str(message.data.get("project") or ""),
        "sluice_incident": _dedup(message),
        "source": "sluice",
    }
    alert: dict[str, Any] = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": message.title, "description": message.text},
    }
    if since := message.data.get("since"):
        alert["startsAt"] = since
    if message.resolved and message.at:
        alert["endsAt"] = message.at
    if message.link:
        alert["generatorURL"] = message.link[1]
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return _posted(f"{url.rstrip('/')}/api/v2/alerts", [alert], headers)


def _dedup(message: Told) -> str:
    """What makes trigger and resolve one incident; a test is an incident of its own."""
    return f"sluice-{message.incident}" if message.incident else "sluice-test"


def _posted(url: str, body: Any, headers: Mapping[str, str] | None = None) -> Sent:
    return Sent(url, msgspec.json.encode(body), {"content-type": "application/json", **(headers or {})})


_VENDORS: dict[Kind, Callable[[str, str, Options, Told], Sent]] = {
    "slack": _slack,
    "mattermost": _mattermost,
    "telegram": _telegram,
    "pagerduty": _pagerduty,
    "jira_service_management": _jira,
    "alertmanager": _alertmanager,
}


def retry_after(kind: Kind, answer: bytes) -> float:
    """Seconds that a vendor asks for in the body of its answer instead of a header; 0 for none."""
    if kind != "telegram":
        return 0.0
    try:
        seconds = msgspec.json.decode(answer)["parameters"]["retry_after"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return 0.0
    return float(seconds) if isinstance(seconds, int) else 0.0
