"""Channels: where people look anyway (a chat, an on-call service), as kinds of webhooks.

A channel is a webhook whose body has its vendor's shape and whose secret is the vendor's: deliveries, tries and the log
are the same. What a target shows of itself holds no secret; `secret` is sealed in the catalog.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from shared.notifications import Language
from shared.outgoing import MOST_URL

Kind = Literal["slack", "mattermost", "telegram", "pagerduty", "jira_service_management", "alertmanager"]
# Those that keep incidents: they are told of alerts and of nothing else.
ON_CALL: frozenset[Kind] = frozenset({"pagerduty", "jira_service_management", "alertmanager"})

TELEGRAM = "https://api.telegram.org"
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
JIRA = "https://api.atlassian.com/jsm/ops/integration/v2/alerts"

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_URL)]
_Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
_Optional = Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"^[!-~]*$")]
_Chat = Annotated[
    str, msgspec.Meta(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32})$", examples=["-1001234567890", "@ops"])
]


class _Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a channel leads. `secret` is sealed; `options` and what is `shown` of the url hold none."""

    url: Url

    @property
    def kind(self) -> str:
        return str(type(self).__struct_config__.tag)

    @property
    def shown(self) -> str:
        return self.url

    @property
    def secret(self) -> str:
        raise NotImplementedError

    @property
    def options(self) -> dict[str, Any]:
        return {}


class _Incoming(_Target, frozen=True, kw_only=True):
    """An incoming webhook, whose whole address is the secret."""

    @property
    def shown(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"

    @property
    def secret(self) -> str:
        return self.url


class Slack(_Incoming, frozen=True, kw_only=True, tag="slack"):
    """A Slack app's incoming webhook."""


class Mattermost(_Incoming, frozen=True, kw_only=True, tag="mattermost"):
    """A Mattermost incoming webhook."""


class Telegram(_Target, frozen=True, kw_only=True, tag="telegram"):
    """A bot's messages to a chat, a group or a channel; `url` is another server of the Bot API."""

    token: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}:[A-Za-z0-9_-]{1,100}$")]
    chat_id: _Chat
    url: Url = TELEGRAM

    @property
    def secret(self) -> str:
        return self.token

    @property
    def options(self) -> dict[str, Any]:
        return {"chat_id": self.chat_id}


class PagerDuty(_Target, frozen=True, kw_only=True, tag="pagerduty"):
    """The Events API v2 of a PagerDuty service."""

    routing_key: _Secret
    url: Url = PAGERDUTY

    @property
    def secret(self) -> str:
        return self.routing_key


class JiraServiceManagement(_Target, frozen=True, kw_only=True, tag="jira_service_management"):
    """The alerts of an API integration of Jira Service Management, or of Opsgenie, which has the same."""

    api_key: _Secret
    url: Url = JIRA

    @property
    def secret(self) -> str:
        return self.api_key


class Alertmanager(_Target, frozen=True, kw_only=True, tag="alertmanager"):
    """A Prometheus Alertmanager, or what takes the same; `url` is its root, `token` goes as Bearer."""

    token: _Optional = ""

    @property
    def secret(self) -> str:
        return self.token


Target = Slack | Mattermost | Telegram | PagerDuty | JiraServiceManagement | Alertmanager


class Options(msgspec.Struct, frozen=True):
    """What a channel keeps beside its secret."""

    language: Language = "en"
    chat_id: str = ""


def read_options(text: str | None) -> Options:
    """The options of a row of `webhooks`."""
    return msgspec.json.decode(text or "{}", type=Options)
