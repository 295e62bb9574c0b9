"""Channels over HTTP, and their deliveries over a real socket to a server that answers as vendors do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from shared.catalog.keys import create_key
from tests.integration.notifying import LOOPBACK, notifying, until
from tests.integration.test_webhooks_http import Api

CHANNELS = "/api/v1/channels"


@pytest.fixture
async def api(catalog_url: str) -> AsyncIterator[Api]:
    async with notifying(catalog_url, seconds=0.5) as here:
        api = Api(here, LOOPBACK)
        api.key, _ = await create_key(here.catalog, here.project, "secret", "admin", scopes=["admin"])
        yield api
        await api.access.close()
        await api.outgoing.close()


def targets(url: str) -> dict[str, dict[str, Any]]:
    root = url.removesuffix("/hook")
    return {
        "slack": {"type": "slack", "url": f"{root}/services/T0/B0/s3cret"},
        "mattermost": {"type": "mattermost", "url": f"{root}/hooks/s3cret"},
        "telegram": {"type": "telegram", "url": root, "token": "123:s3cret", "chat_id": "-100"},
        "pagerduty": {"type": "pagerduty", "url": f"{root}/v2/enqueue", "routing_key": "s3cret"},
        "jira_service_management": {"type": "jira_service_management", "url": f"{root}/alerts", "api_key": "s3cret"},
        "alertmanager": {"type": "alertmanager", "url": root, "token": "s3cret"},
    }


async def made(api: Api, kind: str, **more: Any) -> Any:
    body = {"name": kind, "target": targets(api.here.receiver.url)[kind], **more}
    status, found = await api.ask("POST", CHANNELS, body)
    assert status == 201, found
    return found


async def test_every_kind_is_told_of_an_alert_and_no_answer_holds_its_secret(api: Api) -> None:
    for kind in targets(""):
        shown = await made(api, kind, language="ru")
        assert (shown["type"], shown["name"], shown["types"]) == (kind, kind, ["alert.firing", "alert.resolved"])
        assert "s3cret" not in msgspec.json.encode(shown).decode()
    _, listed = await api.ask("GET", CHANNELS)
    assert [one["type"] for one in listed["items"]] == list(targets(""))
    assert "s3cret" not in msgspec.json.encode(listed).decode()
    assert (await api.ask("GET", "/api/v1/webhooks"))[1]["items"] == []
    await api.here.tell(subscribers="alert.firing", values={"name": "Ёлки", "incident_id": "i"})
    await until(lambda: len(api.here.rows(where="state = 'delivered'")) == 6)
    bodies = [got.body.decode() for got in api.here.receiver.got]
    assert all("Ёлки" in body for body in bodies)
    log = (await api.ask("GET", "/api/v1/webhooks/deliveries"))[1]
    assert "s3cret" not in msgspec.json.encode(log).decode()


async def test_a_channel_that_is_busy_away_or_hangs_is_tried_again(api: Api) -> None:
    answers = iter([429, 500, 0])

    async def unwell(_request: web.Request, _body: bytes) -> web.StreamResponse:
        status = next(answers, 200)
        if not status:
            await asyncio.sleep(2)
        return web.json_response({"ok": False, "parameters": {"retry_after": 0}}, status=status)

    api.here.receiver.answers = unwell
    channel = await made(api, "telegram")
    await api.here.tell(subscribers="alert.firing", values={"name": "x"})
    await until(lambda: api.here.rows() == [("delivered", 4, "")])
    _, log = await api.ask("GET", f"{CHANNELS}/{channel['id']}/deliveries")
    _, one = await api.ask("GET", f"/api/v1/webhooks/deliveries/{log['items'][0]['id']}")
    assert [(row["status"], row["error"][:13]) for row in one["log"]] == [
        (429, "it answered 4"),
        (500, "it answered 5"),
        (None, "no answer wit"),
        (200, ""),
    ]


async def test_a_test_message_arrives_in_the_channels_language(api: Api) -> None:
    channel = await made(api, "mattermost", language="ru")
    assert (await api.ask("POST", f"{CHANNELS}/{channel['id']}/test"))[0] == 202
    await api.carry()
    await until(lambda: api.here.receiver.got)
    assert "Проверка: канал работает" in api.here.receiver.got[0].body.decode()


async def test_a_target_given_anew_is_used_from_then_on(api: Api) -> None:
    channel = await made(api, "pagerduty")
    target = targets(api.here.receiver.url)["pagerduty"] | {"routing_key": "other"}
    changed = {"name": "On call", "target": target, "language": "ru"}
    status, shown = await api.ask("PATCH", f"{CHANNELS}/{channel['id']}", changed)
    assert (status, shown["name"], shown["language"]) == (200, "On call", "ru")
    await api.here.tell(subscribers="alert.firing", values={"name": "x"})
    await until(lambda: api.here.receiver.got)
    assert api.here.receiver.got[0].json["routing_key"] == "other"


async def test_a_channel_can_be_switched_off_and_removed(api: Api) -> None:
    one = f"{CHANNELS}/{(await made(api, 'slack'))['id']}"
    assert (await api.ask("PATCH", one, {"enabled": False}))[1]["enabled"] is False
    await api.here.tell(subscribers="alert.firing")
    assert api.here.rows() == []
    assert (await api.ask("POST", f"{one}/test"))[0] == 409
    assert (await api.ask("PATCH", one, {"enabled": True}))[1]["enabled"] is True
    assert (await api.ask("DELETE", one))[0] == 204
    assert (await api.ask("GET", one))[0] == 404


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": ""}, "bad_request"),
        ({"target": {"type": "icq"}}, "bad_request"),
        ({"target": {"type": "slack"}}, "bad_request"),
        ({"target": {"type": "slack", "url": "ftp://x"}}, "bad_destination"),
        ({"target": {"type": "slack", "url": "http://10.0.0.1/x"}}, "bad_destination"),
        ({"target": {"type": "telegram", "token": "x", "chat_id": "1"}}, "bad_request"),
        ({"target": {"type": "pagerduty", "routing_key": "a b"}}, "bad_request"),
        ({"types": ["event.matched"]}, "bad_destination"),
        ({"types": []}, "bad_request"),
        ({"language": "de"}, "bad_request"),
        ({"colour": "red"}, "unknown_field"),
    ],
)
async def test_a_channel_that_could_not_work_is_refused(api: Api, wanted: dict[str, Any], code: str) -> None:
    body = {"name": "c", "target": targets(api.here.receiver.url)["slack"], **wanted}
    status, found = await api.ask("POST", CHANNELS, body)
    assert (status // 100, found["code"]) == (4, code)


async def test_an_on_call_service_takes_alerts_only_and_a_kind_stays(api: Api) -> None:
    body = {"name": "c", "target": targets(api.here.receiver.url)["pagerduty"], "types": ["report.ready"]}
    assert (await api.ask("POST", CHANNELS, body))[1]["code"] == "bad_destination"
    channel = await made(api, "pagerduty")
    changed = {"target": targets(api.here.receiver.url)["slack"]}
    assert (await api.ask("PATCH", f"{CHANNELS}/{channel['id']}", changed))[1]["code"] == "bad_destination"
    for method, path in (("GET", f"/api/v1/webhooks/{channel['id']}"), ("PUT", CHANNELS), ("GET", f"{CHANNELS}/x")):
        assert (await api.ask(method, path))[0] in {404, 405}
