"""notify on the real catalog with a real mail server and a real receiver of webhooks."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook as Reference

from shared.bus import Message
from shared.catalog.deliveries import MOST_WAITING
from shared.catalog.webhooks import new_secret, place
from shared.notifications import REQUESTED
from shared.refusals import Refusal, Rejected
from tests.integration.notifying import NONE, Got, notifying, until


async def hanging(request: web.Request, body: bytes) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


def verified(got: Got, secret: str) -> None:
    """Raises unless the reference library takes the signature."""
    Reference(secret).verify(got.body.decode(), got.headers)


async def test_a_mail_arrives_with_both_parts_and_a_stable_id(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        await here.tell(emails=["anna@example.com"], values={"name": "No purchases", "value": 0})
        await until(lambda: here.rows() == [("delivered", 1, "")])
        [mail] = here.mailbox.mails
        [(delivery,)] = here.rows("id")
    assert mail["Subject"] == "Firing: No purchases"
    assert mail["To"] == "anna@example.com"
    assert mail["From"] == "Sluice <sluice@example.com>"
    assert mail["Message-ID"] == f"<{delivery}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


async def test_a_russian_mail_is_readable(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        await here.tell(emails=["anna@example.com"], values={"name": "Нет покупок"}, language="ru")
        await until(lambda: here.mailbox.mails)
        [mail] = here.mailbox.mails
    assert mail["Subject"] == "Сработало оповещение: Нет покупок"
    body = mail.get_body(["plain"])
    assert body is not None
    assert "Условие оповещения «Нет покупок» выполняется." in body.get_content()


async def test_each_recipient_is_told_once_however_often_the_event_comes(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        webhook = await here.webhook()
        told = {
            "key": "incident-1",
            "emails": ["a@example.com", "b@example.com", "a@example.com"],
            "webhooks": [webhook.id],
            "subscribers": "alert.firing",
        }
        for _ in range(3):
            await here.tell(**told)
        await until(lambda: len(here.rows(where="state = 'delivered'")) == 3)
        await here.tell(**told)
        await asyncio.sleep(0.2)
        assert sorted(here.mailbox.recipients) == ["a@example.com", "b@example.com"]
        assert len(here.receiver.got) == 1


async def test_a_webhook_is_signed_as_the_reference_library_checks(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        webhook = await here.webhook()
        await here.tell(values={"name": "Ёлки"}, subscribers="alert.firing")
        await until(lambda: here.rows() == [("delivered", 1, "")])
        [got] = here.receiver.got
    verified(got, here.secret(webhook))
    assert got.json["type"] == "alert.firing"
    assert got.json["data"] == {"name": "Ёлки"}
    assert datetime.fromisoformat(got.json["timestamp"]).tzinfo is not None
    got.body += b" "
    with pytest.raises(Exception, match="No matching signature"):
        verified(got, here.secret(webhook))


async def test_both_secrets_sign_while_a_rotated_one_overlaps(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        before = await here.webhook()
        fresh = here.box.seal(new_secret(), place(here.project, before.id))
        after = await here.webhooks.rotate(before.id, here.project, fresh)
        assert after is not None
        await here.tell(subscribers="alert.firing")
        await until(lambda: len(here.receiver.got) == 1)
        here.run("UPDATE webhooks SET previous_until = now() - interval '1 second'")
        await here.tell(subscribers="alert.firing")
        await until(lambda: len(here.receiver.got) == 2)
        both, one = here.receiver.got
    verified(both, here.secret(before))
    verified(both, here.secret(after))
    verified(one, here.secret(after))
    assert len(one.headers["webhook-signature"].split()) == 1


async def test_a_secret_that_does_not_open_is_a_failure_that_says_so(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        webhook = await here.webhook()
        moved = here.box.seal(here.secret(webhook), place(here.project, uuid.uuid4()))
        here.run("UPDATE webhooks SET secret = %s WHERE id = %s", moved, webhook.id)
        await here.tell(subscribers="alert.firing")
        await until(lambda: here.rows("state") == [("failed",)])
        assert "secret does not open" in here.rows("error")[0][0]
        assert here.receiver.got == []


async def test_only_subscribers_of_the_type_and_the_project_are_told(catalog_url: str) -> None:
    async with notifying(catalog_url) as other, notifying(catalog_url) as here:
        wanted = await here.webhook(["alert.firing", "export.completed"])
        named = await here.webhook(["export.failed"])
        disabled = await here.webhook()
        await here.webhooks.disable(disabled.id, "")
        await here.webhook(["alert.resolved"])
        foreign = await other.webhook()
        await here.tell(subscribers="alert.firing", webhooks=[named.id, foreign.id, uuid.uuid4()])
        await until(lambda: len(here.rows(where="state = 'delivered'")) == 2)
        assert {row[0] for row in here.rows("webhook_id")} == {wanted.id, named.id}
        assert other.rows() == []


async def test_a_mail_server_that_is_away_costs_time_and_no_mail(catalog_url: str) -> None:
    async with notifying(catalog_url, delays=[0.1] * 50) as here:
        await here.mailbox.stop()
        await here.tell(emails=["anna@example.com"])
        await until(lambda: here.rows("attempts")[0][0] >= 3)
        assert here.rows()[0][0] == "queued"
        await here.mailbox.start()
        await until(lambda: here.rows("state") == [("delivered",)])
        await asyncio.sleep(0.3)
        assert len(here.mailbox.mails) == 1


@pytest.mark.parametrize(("answer", "attempts"), [("550 no such user", 1), ("451 later", 4)])
async def test_a_refused_mail_is_tried_again_unless_it_was_refused_for_good(
    catalog_url: str, answer: str, attempts: int
) -> None:
    async with notifying(catalog_url) as here:
        here.mailbox.recipient_answer = answer
        await here.tell(emails=["nobody@example.com"])
        await until(lambda: here.rows("state") == [("failed",)])
        [(_, tried, error)] = here.rows()
    assert tried == attempts
    assert answer in error.replace(" with", "").replace(": ", " ").replace(f"{answer[:3]} {answer[:3]}", answer[:3])


async def test_without_a_mail_server_the_log_says_what_is_missing(catalog_url: str) -> None:
    async with notifying(catalog_url, smtp_url=NONE) as here:
        await here.tell(emails=["anna@example.com"])
        await until(lambda: here.rows("state") == [("failed",)])
        assert "SLUICE_SMTP_URL" in here.rows("error")[0][0]


@pytest.mark.parametrize("address", ["nobody", "a@b@c", "a b@example.com", "a@example.com\r\nBcc: x@example.com", ""])
async def test_what_is_no_address_fails_and_hurts_nobody_else(catalog_url: str, address: str) -> None:
    async with notifying(catalog_url) as here:
        await here.tell(emails=[address, "anna@example.com"])
        await until(lambda: not here.rows(where="state = 'queued'"))
        assert here.mailbox.recipients == ["anna@example.com"]
        assert [state for (state,) in here.rows("state", "address <> 'anna@example.com'")] == ["failed"]


async def test_a_receiver_that_hangs_blocks_nobody_else(catalog_url: str) -> None:
    async with notifying(catalog_url, seconds=1.0) as here, notifying(catalog_url) as well:
        here.receiver.answers = hanging
        slow, quick = await here.webhook(), await here.webhook(url=well.receiver.url)
        for _ in range(40):
            await here.tell(webhooks=[slow.id])
        await here.tell(webhooks=[quick.id], emails=["anna@example.com"])
        await until(lambda: here.mailbox.mails and well.receiver.got, seconds=0.9)
        assert len(here.receiver.got) <= 4
        await until(lambda: here.rows(where="error LIKE 'no answer within%%'"))


@pytest.mark.parametrize(
    ("status", "says"),
    [(500, "it answered 500"), (404, "it answered 404"), (302, "redirect to http://127.0.0.1:1/elsewhere")],
)
async def test_an_answer_that_is_no_success_is_tried_again_and_then_given_up(
    catalog_url: str, status: int, says: str
) -> None:
    async def bad(request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}
        return web.Response(status=status, text="what went wrong", headers=headers)

    async with notifying(catalog_url) as here:
        here.receiver.answers = bad
        await here.webhook()
        await here.tell(subscribers="alert.firing")
        await until(lambda: here.rows("state") == [("failed",)])
        [(state, attempts, error)] = here.rows()
        [(delivery,)] = here.rows("id")
        log = await here.deliveries.attempts(delivery)
        assert (state, attempts) == ("failed", 4)
        assert says in error
        assert len({got.id for got in here.receiver.got}) == 1
        assert len({got.body for got in here.receiver.got}) == 1
        assert [(one.number, one.status, one.answer) for one in log] == [
            (number, status, "what went wrong") for number in range(1, 5)
        ]
        here.receiver.answers = here.receiver.well
        assert await here.deliveries.resend(delivery, here.project)
        await here.tick()
        await until(lambda: here.rows("state") == [("delivered",)])
        assert len(await here.deliveries.attempts(delivery)) == 5


async def test_a_receiver_that_is_gone_is_disabled_at_once_and_its_admins_are_told(catalog_url: str) -> None:
    async def gone(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=410)

    async with notifying(catalog_url) as here:
        admin, viewer = uuid.uuid4(), uuid.uuid4()
        for user, role in ((admin, "admin"), (viewer, "viewer")):
            here.run("INSERT INTO users (id, email) VALUES (%s, %s)", user, f"{user}@example.com")
            sql = "INSERT INTO memberships (organisation_id, user_id, role) VALUES (%s, %s, %s)"
            here.run(sql, here.project, user, role)
        here.receiver.answers = gone
        webhook = await here.webhook()
        await here.tell(subscribers="alert.firing")
        await until(lambda: here.mailbox.mails)
        found = await here.webhooks.find(webhook.id, here.project)
        assert found is not None
        assert (found.enabled, found.disabled_reason) == (False, "it answered 410 Gone")
        assert here.mailbox.recipients == [f"{admin}@example.com"]
        assert here.mailbox.mails[0]["Subject"] == "A webhook was disabled"
        await here.tell(subscribers="alert.firing")
        assert len(here.rows(where="webhook_id IS NOT NULL")) == 1


async def test_a_receiver_that_failed_for_too_long_is_disabled(catalog_url: str) -> None:
    async with notifying(catalog_url, disable_seconds=3_600.0, delays=[30.0]) as here:
        webhook = await here.webhook(url="http://127.0.0.1:1/nobody")
        await here.tell(subscribers="alert.firing")
        await until(lambda: here.rows("attempts, state") == [(1, "queued")])
        here.run("UPDATE webhooks SET failing_since = now() - interval '2 hours'")
        here.run("UPDATE deliveries SET next_at = now()")
        await here.tell(subscribers="alert.firing", key="another")
        await until(lambda: [state for (state,) in here.rows("state")] == ["failed", "failed"])
        found = await here.webhooks.find(webhook.id, here.project)
        assert found is not None
        assert found.disabled_reason == "it failed for 2 hours"


async def test_a_receiver_that_lets_too_much_pile_up_is_disabled(catalog_url: str) -> None:
    async with notifying(catalog_url, delays=[3_600.0]) as here:
        webhook = await here.webhook(url="http://127.0.0.1:1/nobody")
        here.run(
            "INSERT INTO deliveries (id, project_id, webhook_id, key, event_type, content, next_at)"
            " SELECT gen_random_uuid(), %s, %s, 'k' || n, 't', '{}', now() + interval '1 day'"
            " FROM generate_series(1, %s) AS n",
            here.project,
            webhook.id,
            MOST_WAITING + 1,
        )
        await here.tell(subscribers="alert.firing")
        await until(lambda: not here.rows("id", "state = 'queued'"))
        found = await here.webhooks.find(webhook.id, here.project)
        assert found is not None
        assert not found.enabled


async def test_a_success_ends_the_failing(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        webhook = await here.webhook()
        here.run("UPDATE webhooks SET failing_since = now() - interval '2 days'")
        await here.tell(subscribers="alert.firing")
        await until(lambda: here.rows("state") == [("delivered",)])
        found = await here.webhooks.find(webhook.id, here.project)
        assert found is not None
        assert found.failing_since is None
        assert found.last_delivered_at is not None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "①②⑦.⓪.⓪.①"],
)
async def test_a_private_address_is_reached_in_no_spelling(catalog_url: str, host: str) -> None:
    async with notifying(catalog_url, allow="", delays=[]) as here:
        url = here.receiver.url.replace("127.0.0.1", host)
        await here.webhook(url=url)
        await here.tell(subscribers="alert.firing")
        await until(lambda: here.rows("state") == [("failed",)])
        assert "no public address" in here.rows("error")[0][0]
        assert here.receiver.got == []


async def test_what_is_queued_survives_and_a_dead_couriers_lease_runs_out(catalog_url: str) -> None:
    async with notifying(catalog_url, lease_seconds=0.5) as here:
        await here.webhook()
        lease = uuid.uuid4()
        here.courier.wake = lambda: None  # type: ignore[method-assign]  # the event comes to one that dies
        await here.tell(subscribers="alert.firing")
        [taken] = await here.deliveries.claim(lease, seconds=0.5, each=4, most=10)
        del here.courier.wake
        here.courier.wake()
        await until(lambda: here.rows() == [("delivered", 2, "")])
        assert [got.id for got in here.receiver.got] == [str(taken.id)]


async def test_two_couriers_send_nothing_twice(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        await here.webhook()
        others = [here.another() for _ in range(2)]
        for number in range(60):
            await here.tell(subscribers="alert.firing", key=str(number))
            for other in others:
                other.wake()
        await until(lambda: len(here.rows(where="state = 'delivered'")) == 60)
        for other in others:
            await other.close()
        assert len({got.id for got in here.receiver.got}) == len(here.receiver.got) == 60


async def test_an_account_mail_is_forgotten_once_it_was_sent(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        link = "https://sluice.example/reset/secretword"
        await here.tell(
            project_id=None, template="password_reset", values={"link": link}, emails=["a@example.com"], key=link
        )
        await until(lambda: here.mailbox.mails)
        body = here.mailbox.mails[0].get_body(["plain"])
        assert body is not None
        assert link in body.get_content()
        find = "SELECT content FROM deliveries WHERE project_id IS NULL AND key = %s"

        def content() -> str:
            import psycopg

            with psycopg.connect(catalog_url) as connection:
                found = connection.execute(find, [link]).fetchone()
            return found[0] if found else ""

        await until(lambda: content() == "{}")
        here.run("DELETE FROM deliveries WHERE project_id IS NULL")


async def test_old_deliveries_are_forgotten(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        await here.tell(emails=["a@example.com"])
        await until(lambda: here.rows("state") == [("delivered",)])
        await here.tick()
        assert len(here.rows()) == 1
        here.run("UPDATE deliveries SET finished_at = %s", datetime.now(UTC) - timedelta(days=31))
        await here.tick()
        assert here.rows() == []


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"key":"","project_id":null,"template":"test","values":{}}'])
async def test_an_event_that_says_nothing_is_refused_for_good(catalog_url: str, data: bytes) -> None:
    async with notifying(catalog_url) as here:
        message = Message({"specversion": "1.0", "id": "x", "source": "/x", "type": REQUESTED}, data)
        with pytest.raises(Rejected) as refused:
            await here.take(message)
        assert refused.value.refusal is Refusal.BAD_REQUEST
        with pytest.raises(Rejected) as refused:
            await here.take(Message({**message.attributes, "type": "dev.sluice.other.v1"}, b"{}"))
        assert refused.value.refusal is Refusal.UNEXPECTED_EVENT_TYPE


async def test_a_project_that_is_gone_is_no_fault(catalog_url: str) -> None:
    async with notifying(catalog_url) as here:
        assert (await here.tell(project_id=uuid.uuid4(), emails=["a@example.com"])).status == 204
        assert here.rows() == []
