"""The addresses of webhooks: made, changed, tested, their deliveries looked at and sent again."""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import psycopg
import pytest
from standardwebhooks import Webhook as Reference

from functions.webhooks.main import main
from functions.webhooks.ports import Ports
from functions.webhooks.subscriptions import Subscriptions
from shared.addresses import TrustedProxies
from shared.bus.memory import MemoryBus
from shared.catalog.keys import create_key
from shared.clock import SYSTEM_CLOCK
from shared.events import ACCEPTED, CONTROL_TOPIC, Row, encode_line, record
from shared.function import Service
from shared.ids import uuid7
from shared.outgoing import Outgoing
from shared.security.access import Access
from tests.integration.notifying import LOOPBACK, Here, asked, notifying, posted, until

HOOKS = "/api/v1/webhooks"


class Api:
    """The function with a key of the project, and notify behind its bus."""

    def __init__(self, here: Here, allow: str) -> None:
        self.here = here
        self.bus = MemoryBus()
        self.outgoing = Outgoing(allow)
        self.access = Access(here.catalog)
        self.ports = Ports(
            catalog=here.catalog,
            webhooks=here.webhooks,
            deliveries=here.deliveries,
            bus=self.bus,
            outgoing=self.outgoing,
            access=self.access,
            box=here.box,
            proxies=TrustedProxies(),
            subscriptions=Subscriptions(here.webhooks, SYSTEM_CLOCK),
        )
        self.service: Service[Any] = Service("webhooks", main.service._handler, None, main.service._methods)  # type: ignore[arg-type]  # opened here
        self.service._ports, self.service._opened = self.ports, True
        self.key = ""

    async def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, Any]:
        headers = [(b"x-api-key", (key or self.key).encode())]
        sent = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        reply = await self.service.answer(asked(method, path, sent, headers))
        return reply.status, msgspec.json.decode(reply.body) if reply.body else None

    async def make(self, **wanted: Any) -> Any:
        body = {"url": self.here.receiver.url, "types": ["alert.firing"], **wanted}
        status, made = await self.ask("POST", HOOKS, body)
        assert status == 201, made
        return made

    async def carry(self) -> int:
        """What is on the bus to notify, as a source does; how many events that were."""
        subscription = await self.bus.subscribe(CONTROL_TOPIC, "notify")
        found = await subscription.take(1_000, 0.01)
        for delivery in found:
            await self.here.take(delivery.message)
        await subscription.ack([delivery.position for delivery in found])
        await subscription.close()
        return len(found)

    async def stream(self, *rows: Row, batch_id: uuid.UUID | None = None) -> int:
        lines = [encode_line(row) for row in rows]
        project = str(self.here.project)
        message = record(project_id=project, batch_id=batch_id or uuid7(), lines=lines, micros=SYSTEM_CLOCK.micros())
        assert message.attributes["type"] == ACCEPTED
        return (await self.service.answer(posted(message))).status


@pytest.fixture
async def api(catalog_url: str) -> AsyncIterator[Api]:
    async with notifying(catalog_url) as here:
        api = Api(here, LOOPBACK)
        api.key, _ = await create_key(here.catalog, here.project, "secret", "admin", scopes=["admin"])
        yield api
        await api.access.close()
        await api.outgoing.close()


def event(name: str, **more: Any) -> Row:
    properties = msgspec.Raw(msgspec.json.encode(more.pop("properties", {})))
    return Row(
        event=name,
        event_id=str(uuid7()),
        timestamp="2026-01-31 12:00:00.000000",
        received_at="2026-01-31 12:00:01.000000",
        properties_raw=properties,
        **more,
    )


async def test_a_secret_is_shown_once(api: Api) -> None:
    made = await api.make(description="Ops", types=["alert.firing", "alert.firing", "report.ready"])
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    assert made["types"] == ["alert.firing", "report.ready"]
    _, found = await api.ask("GET", f"{HOOKS}/{made['id']}")
    assert found == {**made, "secret": "whsec_********"}
    assert (await api.ask("GET", HOOKS))[1] == {"items": [found]}


async def test_a_webhook_is_changed_in_part(api: Api) -> None:
    made = await api.make(types=["event.matched"], filter={"events": ["purchase"]})
    status, changed = await api.ask("PATCH", f"{HOOKS}/{made['id']}", {"description": "later"})
    assert status == 200
    assert changed["filter"] == {"events": ["purchase"], "filters": []}
    assert (changed["description"], changed["url"]) == ("later", made["url"])
    _, off = await api.ask("POST", f"{HOOKS}/{made['id']}/disable")
    _, on = await api.ask("PATCH", f"{HOOKS}/{made['id']}", {"enabled": True})
    assert (off["enabled"], on["enabled"]) == (False, True)
    assert (await api.ask("DELETE", f"{HOOKS}/{made['id']}"))[0] == 204
    assert (await api.ask("GET", f"{HOOKS}/{made['id']}"))[0] == 404


async def test_every_change_is_in_the_audit_log_without_the_secret(api: Api) -> None:
    made = await api.make()
    for word in ("rotate", "disable", "enable"):
        await api.ask("POST", f"{HOOKS}/{made['id']}/{word}")
    await api.ask("PATCH", f"{HOOKS}/{made['id']}", {"description": "x"})
    await api.ask("DELETE", f"{HOOKS}/{made['id']}")
    with psycopg.connect(api.here.catalog_url) as connection:
        sql = "SELECT action, actor_kind, target, before, after FROM audit_log WHERE target = %s ORDER BY seq"
        found = connection.execute(sql, [f"webhook:{made['id']}"]).fetchall()
    words = ["created", "rotated", "disabled", "enabled", "changed", "removed"]
    assert [row[:3] for row in found] == [(f"webhook.{word}", "key", f"webhook:{made['id']}") for word in words]
    assert (found[0][3], found[-1][4]) == (None, None)
    assert "whsec_" not in str(found).replace("whsec_********", "")


async def test_the_test_button_delivers_a_signed_test(api: Api) -> None:
    made = await api.make()
    _, rotated = await api.ask("POST", f"{HOOKS}/{made['id']}/rotate")
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"]
    status, queued = await api.ask("POST", f"{HOOKS}/{made['id']}/test")
    assert status == 202
    await api.carry()
    await until(lambda: api.here.receiver.got)
    [got] = api.here.receiver.got
    for secret in (made["secret"], rotated["secret"]):
        Reference(secret).verify(got.body.decode(), got.headers)
    await until(lambda: api.here.rows("state") == [("delivered",)])
    _, delivery = await api.ask("GET", f"{HOOKS}/deliveries/{queued['id']}")
    assert (delivery["state"], delivery["event_type"], delivery["attempts"]) == ("delivered", "test", 1)
    assert [one["status"] for one in delivery["log"]] == [204]
    assert got.id == queued["id"]


async def test_a_delivery_that_failed_is_sent_again(api: Api) -> None:
    made = await api.make(url="http://127.0.0.1:1/nobody")
    await api.here.tell(subscribers="alert.firing")
    await until(lambda: api.here.rows("state") == [("failed",)])
    _, failed = await api.ask("GET", f"{HOOKS}/{made['id']}/deliveries?state=failed")
    [delivery] = failed["items"]
    await api.ask("PATCH", f"{HOOKS}/{made['id']}", {"url": api.here.receiver.url})
    status, _ = await api.ask("POST", f"{HOOKS}/deliveries/{delivery['id']}/resend")
    assert status == 202
    await api.carry()
    await until(lambda: api.here.rows("state") == [("delivered",)])
    assert [got.id for got in api.here.receiver.got] == [delivery["id"]]
    await api.ask("POST", f"{HOOKS}/{made['id']}/disable")
    status, refused = await api.ask("POST", f"{HOOKS}/deliveries/{delivery['id']}/resend")
    assert (status, refused["code"]) == (409, "conflict")


async def test_deliveries_come_in_pages_with_mails_among_them(api: Api) -> None:
    made = await api.make()
    for number in range(5):
        await api.here.tell(key=str(number), webhooks=[made["id"]], emails=["a@example.com"])
    await until(lambda: len(api.here.rows(where="state = 'delivered'")) == 10)
    seen: list[str] = []
    cursor: str | None = ""
    for _ in range(4):
        _, page = await api.ask("GET", f"{HOOKS}/deliveries?limit=3&cursor={cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == sorted(str(row[0]) for row in api.here.rows("id"))
    _, of_webhook = await api.ask("GET", f"{HOOKS}/{made['id']}/deliveries")
    assert len(of_webhook["items"]) == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "malformed_json"),
        (b"{}", "bad_request"),
        (b'{"url":"https://x.example/"}', "bad_request"),
        ({"types": []}, "bad_request"),
        ({"types": ["everything"]}, "bad_request"),
        ({"secret": "mine"}, "unknown_field"),
        ({"url": "ftp://x.example/"}, "bad_destination"),
        ({"url": "https://user:word@x.example/"}, "bad_destination"),
        ({"url": "http://10.0.0.1/"}, "bad_destination"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "bad_destination"),
        ({"url": "http://127.1/"}, "bad_destination"),
        ({"filter": {"events": ["a"]}}, "bad_filter"),
        ({"types": ["event.matched"], "filter": {"filters": [{"property": "x"}]}}, "unknown_field"),
        (
            {
                "types": ["event.matched"],
                "filter": {"filters": [{"property": "url", "op": "regex", "value": "(a+)+$"}]},
            },
            "bad_filter",
        ),
        (
            {"types": ["event.matched"], "filter": {"filters": [{"property": "url", "op": "gt", "value": True}]}},
            "bad_filter",
        ),
        ({"description": "a\u0000b"}, "bad_request"),
    ],
)
async def test_what_cannot_work_is_refused(api: Api, body: Any, code: str) -> None:
    full = {"url": api.here.receiver.url, "types": ["alert.firing"]}
    sent = {**full, **body} if isinstance(body, dict) else body
    status, refused = await api.ask("POST", HOOKS, sent)
    assert (status >= 400, refused["code"]) == (True, code)
    assert (await api.ask("GET", HOOKS))[1] == {"items": []}


@pytest.mark.parametrize("word", ["", "/rotate", "/test", "/enable", "/disable", "/deliveries"])
async def test_another_projects_webhook_is_unknown(api: Api, catalog_url: str, word: str) -> None:
    async with notifying(catalog_url) as other:
        foreign = await other.webhook()
        for wanted in (foreign.id, uuid.uuid4(), "none"):
            method = "GET" if word in {"", "/deliveries"} else "POST"
            status, refused = await api.ask(method, f"{HOOKS}/{wanted}{word}")
            assert (status, refused["code"]) == (404, "not_found")


@pytest.mark.parametrize("scope", ["ingest", "read", "export"])
async def test_a_key_without_the_scope_admin_sees_nothing(api: Api, scope: Any) -> None:
    key, _ = await create_key(api.here.catalog, api.here.project, "secret", scope, scopes=[scope])
    for method, path in (("GET", HOOKS), ("POST", HOOKS), ("GET", f"{HOOKS}/deliveries")):
        status, refused = await api.ask(method, path, key=key)
        assert (status, refused["code"]) == (403, "scope_missing")


async def test_there_is_an_end_to_webhooks(api: Api) -> None:
    # The last place is asked for by several at once.
    for _ in range(49):
        await api.make()
    wanted = {"url": api.here.receiver.url, "types": ["report.ready"]}
    found = await asyncio.gather(*(api.ask("POST", HOOKS, wanted) for _ in range(8)))
    assert sorted(status for status, _ in found) == [201] + [409] * 7
    status, refused = await api.ask("POST", HOOKS, {"url": api.here.receiver.url, "types": ["report.ready"]})
    assert (status, refused["code"]) == (409, "conflict")


async def test_events_that_match_are_sent_and_others_are_not(api: Api) -> None:
    wanted = [{"property": "properties.price", "op": "gte", "value": 10}]
    made = await api.make(types=["event.matched"], filter={"events": ["purchase"], "filters": wanted})
    cheap, dear = event("purchase", properties={"price": 9.5}), event("purchase", properties={"price": 10}, user_id="u")
    assert await api.stream(cheap, dear, event("view", properties={"price": 99})) == 204
    assert await api.carry() == 1
    await until(lambda: api.here.receiver.got)
    [got] = api.here.receiver.got
    Reference(made["secret"]).verify(got.body.decode(), got.headers)
    assert got.json["type"] == "event.matched"
    assert got.json["data"] == {
        "count": 1,
        "events": [
            {
                "event": "purchase",
                "event_id": dear.event_id,
                "user_id": "u",
                "timestamp": "2026-01-31T12:00:00.000000Z",
                "received_at": "2026-01-31T12:00:01.000000Z",
                "properties": {"price": 10},
                "context": {},
            }
        ],
    }


async def test_a_record_that_comes_again_makes_the_same_deliveries(api: Api) -> None:
    await api.make(types=["event.matched"])
    rows, batch_id = [event("a") for _ in range(250)], uuid7()
    for _ in range(3):
        await api.stream(*rows, batch_id=batch_id)
    await api.carry()
    await until(lambda: len(api.here.rows(where="state = 'delivered'")) == 3)
    assert sorted(got.json["data"]["count"] for got in api.here.receiver.got) == [50, 100, 100]
    sent = [one["event_id"] for got in api.here.receiver.got for one in got.json["data"]["events"]]
    assert sorted(sent) == sorted(row.event_id for row in rows)


async def test_large_events_are_sent_in_parts_that_a_message_holds(api: Api) -> None:
    await api.make(types=["event.matched"])
    await api.stream(*[event("a", properties={"text": "x" * 60_000}) for _ in range(12)])
    assert await api.carry() == 3


async def test_a_record_of_a_project_without_such_webhooks_is_passed_over(api: Api) -> None:
    await api.make(types=["alert.firing"])
    assert await api.stream(event("a")) == 204
    assert await api.carry() == 0


async def test_a_record_that_is_broken_is_passed_over(api: Api) -> None:
    await api.make(types=["event.matched"])
    good = record(
        project_id=str(api.here.project),
        batch_id=uuid7(),
        lines=[encode_line(event("a"))],
        micros=SYSTEM_CLOCK.micros(),
    )
    broken = msgspec.structs.replace(good, data=b"{\n[1]\n\xff\n" + good.data + b"null\n")
    assert (await api.service.answer(posted(broken))).status == 204
    assert await api.carry() == 1
