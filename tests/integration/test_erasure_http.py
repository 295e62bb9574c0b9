"""Erasures over HTTP, by the function as it is served."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from functions.batch_write.logic import store
from functions.batch_write.records import read_record
from shared.bus import Message
from shared.catalog.client import Catalog
from shared.catalog.holds import hold
from shared.events import Row
from shared.security.certificates import CertificateError, verify
from shared.security.signing_keys import key_set
from shared.tombstones import Tombstones
from tests.integration.asking import audited, client, serve_with
from tests.integration.reading import Stored, batch, row, stored

HOUR = timedelta(hours=1)
JOBS = "/api/v1/erasures"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("erasures-http")) as found:
        yield found


@pytest.fixture
def environment(engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    waits = {"SLUICE_ERASURE_SETTLE_SECONDS": "0", "SLUICE_ERASURE_DISK_SECONDS": "0"}
    more = {"JWT_SECRET_KEY": "8f2c17d09be34a65" * 4, "SLUICE_OBJECTS_URL": tmp_path.as_uri()}
    return serve_with(monkeypatch, engine, catalog_url, **waits, **more)


def people(engine: Stored, project: uuid.UUID, *names: str) -> None:
    engine.put(batch(project, *[row("e", HOUR * n, user_id=name) for name in names for n in range(1, 4)]))


def count(engine: Stored, project: uuid.UUID) -> int:
    sql = "SELECT count() FROM events FINAL WHERE project_id = {p:UUID}"
    return int(engine.run(engine.warehouse.query(sql, {"p": str(project)})).value)


@pytest.mark.parametrize("path", [JOBS, "/api/v1/gdpr/delete"])
def test_an_erasure_is_asked_for_looked_at_and_proven(engine: Stored, environment: str, path: str) -> None:
    project = uuid.uuid4()
    people(engine, project, "ann", "bob", "eve")

    async def go() -> None:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            asked = {"user_ids": ["ann", "bob"], "reason": "ticket 7"}
            reply = await asking.ask("POST", path, asked, idempotency_key="k")
            accepted = json.loads(reply.body)
            assert (reply.status, accepted["state"]) == (202, "queued")
            assert reply.headers["location"] == f"{JOBS}/{accepted['id']}"
            again = await asking.json("POST", path, asked, status=202, idempotency_key="k")
            assert again["id"] == accepted["id"]
            await asking.deliver()
            shown = await asking.json("GET", f"{path}/{accepted['id']}")
            assert (shown["state"], shown["error"]) == ("completed", None)
            assert (shown["request"]["people"], shown["request"]["reason"]) == (2, "ticket 7")
            result = shown["result"]
            assert (result["found"], result["left"]) == ({"events": 6, "rows": 6}, {"events": 0, "rows": 0})
            assert "ann" not in json.dumps(shown)
            # The same key is the same job after its people were forgotten, and no other's.
            again = await asking.json("POST", path, asked, status=202, idempotency_key="k")
            assert (again["id"], again["state"]) == (accepted["id"], "completed")
            other = await asking.json("POST", path, {"user_id": "eve"}, status=422, idempotency_key="k")
            assert other["code"] == "idempotency_key_reused"
            assert [item["id"] for item in (await asking.json("GET", path))["items"]] == [accepted["id"]]
            [told] = asking.notified
            assert (told["template"], told["subscribers"]) == ("erasure_completed", "erasure.completed")
            assert told["values"]["events"] == 6

    asyncio.run(go())
    assert count(engine, project) == 3


def test_the_older_address_of_one_user_erases_that_user(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    odd = "a b@ü'%"
    people(engine, project, odd, "stays")

    async def go() -> None:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            path = f"/api/v1/users/{odd}/data"
            accepted = await asking.json("DELETE", f"{path}?reason={quote('they asked')}", status=202)
            await asking.deliver()
            shown = await asking.json("GET", f"{JOBS}/{accepted['id']}")
            assert (shown["result"]["found"]["events"], shown["request"]["reason"]) == (3, "they asked")
            assert (await asking.ask("GET", path)).status == 405

    asyncio.run(go())
    assert count(engine, project) == 3


def test_an_erasure_is_cancelled_before_it_starts_and_not_after(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    people(engine, project, "ann")

    async def go() -> None:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            job = await asking.json("POST", JOBS, {"user_id": "ann"}, status=202)
            cancelled = await asking.json("DELETE", f"{JOBS}/{job['id']}")
            assert cancelled["state"] == "cancelled"
            await asking.deliver()
            assert asking.told == []
            assert await asyncio.to_thread(count, engine, project) == 3
            job = await asking.json("POST", JOBS, {"user_id": "ann"}, status=202)
            jobs: Any = asking.service._ports.jobs  # type: ignore[union-attr]  # the service is open
            lease = uuid.uuid4()
            taken = await jobs.claim(uuid.UUID(job["id"]), 0, lease)
            refused = await asking.json("POST", f"{JOBS}/{job['id']}/cancel", status=409)
            assert refused["code"] == "conflict"
            await jobs.release(taken, lease, step=0)
            await asking.deliver()
            assert (await asking.json("DELETE", f"{JOBS}/{job['id']}"))["state"] == "completed"

    asyncio.run(go())
    assert count(engine, project) == 0


def test_who_was_erased_is_readmitted(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("gdpr_delete", environment, uuid.uuid4(), "admin") as asking:
            await asking.json("POST", JOBS, {"user_id": "ann"}, status=202)
            await asking.deliver()
            lift = f"{JOBS}/lift"
            assert await asking.json("POST", lift, {"user_ids": ["ann", "bob"]}) == {"readmitted": 1}
            assert await asking.json("POST", lift, {"user_ids": ["ann"]}) == {"readmitted": 0}
            assert (await asking.ask("GET", lift)).status == 405

    asyncio.run(go())


BAD: dict[str, tuple[Any, int, str]] = {
    "nobody": ({}, 400, "bad_request"),
    "an empty id": ({"user_ids": [""]}, 400, "bad_request"),
    "a list": ([], 400, "bad_request"),
    "no text": ({"user_id": {"$ne": ""}}, 400, "bad_request"),
    "a flag": ({"user_id": True}, 400, "bad_request"),
    "an unknown field": ({"user_id": "a", "email": "a@b"}, 422, "unknown_field"),
    "too long": ({"user_id": "x" * 513}, 400, "bad_request"),
    "a null character": ({"user_id": "a\0"}, 422, "bad_text"),
    "too many": ({"user_ids": [str(n) for n in range(10_001)]}, 400, "bad_request"),
    "a kind that is none": ({"people": ["x:a"]}, 422, "bad_value"),
    "another mode": ({"user_id": "a", "mode": "hide"}, 400, "bad_request"),
    "a long reason": ({"user_id": "a", "reason": "x" * 1_001}, 400, "bad_request"),
}


def test_what_names_nobody_is_refused_with_what_to_change(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("gdpr_delete", environment, uuid.uuid4(), "admin") as asking:
            for name, (body, status, code) in BAD.items():
                for path in (JOBS, "/api/v1/gdpr/delete", f"{JOBS}/lift"):
                    reply = await asking.ask("POST", path, body)
                    assert (name, reply.status, json.loads(reply.body)["code"]) == (name, status, code)
            assert (await asking.json("GET", JOBS))["items"] == []
            for wrong in (str(uuid.uuid4()), "x"):
                for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel")):
                    assert (await asking.ask(method, f"{JOBS}/{wrong}{path}")).status == 404

    asyncio.run(go())


@pytest.mark.parametrize("scope", ["ingest", "read", "export"])
def test_only_a_key_with_the_scope_admin_may_erase(engine: Stored, environment: str, scope: str) -> None:
    async def go() -> None:
        async with client("gdpr_delete", environment, uuid.uuid4(), scope) as asking:
            for method, path in (
                ("POST", JOBS),
                ("GET", JOBS),
                ("POST", f"{JOBS}/lift"),
                ("DELETE", "/api/v1/users/u/data"),
            ):
                assert (await asking.json(method, path, {"user_id": "a"}, status=403))["code"] == "scope_missing"

    asyncio.run(go())


def test_another_projects_erasure_is_unknown_and_erases_nothing_here(engine: Stored, environment: str) -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()
    people(engine, mine, "ann")
    people(engine, other, "ann")

    async def go() -> None:
        async with client("gdpr_delete", environment, mine, "admin") as asking:
            job = await asking.json("POST", JOBS, {"user_id": "ann"}, status=202)
            await asking.deliver()
        async with client("gdpr_delete", environment, other, "admin") as asking:
            assert (await asking.ask("GET", f"{JOBS}/{job['id']}")).status == 404
            assert (await asking.json("POST", f"{JOBS}/lift", {"user_id": "ann"})) == {"readmitted": 0}

    asyncio.run(go())
    assert (count(engine, mine), count(engine, other)) == (0, 3)


def test_the_timer_and_events_of_others_are_answered(engine: Stored, environment: str) -> None:
    async def go() -> None:
        async with client("gdpr_delete", environment, uuid.uuid4(), "admin") as asking:
            attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.erasure.due.v1"}
            for wanted in (attributes, {**attributes, "type": "dev.sluice.export.requested.v1"}):
                assert (await asking.post(Message(wanted, b"{}"))).status == 204

    asyncio.run(go())


def late(engine: Stored, project: uuid.UUID, *rows: Row) -> None:
    """Store records as a batch_write does that has just read whom to refuse."""
    records = [read_record(batch(project, *rows))]
    known = Tombstones(engine.warehouse, engine.clock)
    engine.run(store(records, engine.warehouse, engine.clock, tombstones=known))


def test_a_person_is_erased_with_all_ids_and_the_certificate_proves_it(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    said = row("identify", HOUR, {"email": "ann@example.com"}, user_id="ann", anonymous_id="phone")
    merged = row("alias", HOUR, {"previous_id": "ann-of-old"}, user_id="ann")
    old = [row("e", HOUR, user_id="ann-of-old"), row("e", HOUR, anonymous_id="phone"), row("e", HOUR, user_id="bob")]
    engine.put(batch(project, said, merged, *old))
    again = [row("e", HOUR, user_id=one) for one in ("ann", "ann-of-old", "bob")]

    async def go() -> tuple[Any, Any]:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            job = await asking.json("POST", "/api/v1/people/a:phone/erasure", {"reason": "ticket 9"}, status=202)
            await asking.deliver()
            shown = (await asking.json("GET", f"{JOBS}/{job['id']}"))["result"]["certificate"]
            await asyncio.to_thread(late, engine, project, *again, row("e", HOUR, anonymous_id="phone"))
            assert await asyncio.to_thread(count, engine, project) == 2
            assert await asking.json("POST", f"{JOBS}/lift", {"people": ["u:ann"]}) == {"readmitted": 4}
            await asyncio.to_thread(late, engine, project, *again)
            assert await asyncio.to_thread(count, engine, project) == 4
            catalog = Catalog(environment)
            keys = await key_set(catalog)
            await catalog.close()
            return shown, keys

    certificate, keys = asyncio.run(go())
    assert (certificate["people"], certificate["tombstones"], certificate["events"]) == (1, 4, 4)
    stores = {one["store"]: (one["erased"], one["left"]) for one in certificate["stores"]}
    assert (stores["events"], stores["identity_events"]) == ((4, 0), (2, 0))
    assert verify(certificate, keys) == certificate["key_id"]
    for name, value in (
        ("events", 5),
        ("backups", [{}]),
        ("project_id", str(uuid.uuid4())),
        ("key_id", "x"),
        ("more", 1),
    ):
        with pytest.raises(CertificateError):
            verify({**certificate, name: value}, keys)
    with pytest.raises(CertificateError):
        verify(certificate, {"keys": []})
    assert "ann" not in json.dumps(certificate)
    actions = [action for action, *_ in audited(environment, project, "erasure")]
    assert actions == ["erasure.requested"]


def test_who_withdrew_consent_is_not_stored_until_they_grant_it_again(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, row("identify", HOUR, {}, user_id="ann", anonymous_id="phone")))
    here = "/api/v1/people/u:ann/consent"
    sent = [row("e", HOUR, user_id="ann"), row("e", HOUR, anonymous_id="phone"), row("e", HOUR, user_id="bob")]

    async def go() -> None:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            assert (await asking.json("GET", here))["state"] == "unknown"
            withdrawn = await asking.json("PUT", here, {"state": "withdrawn", "source": "banner"})
            assert (withdrawn["state"], withdrawn["ids"]) == ("withdrawn", 2)
            assert (await asking.json("GET", "/api/v1/people/a:phone/consent"))["source"] == "banner"
            await asyncio.to_thread(late, engine, project, *sent)
            assert await asyncio.to_thread(count, engine, project) == 2
            await asking.json("PUT", here, {"state": "granted"})
            await asyncio.to_thread(late, engine, project, *sent)
            assert await asyncio.to_thread(count, engine, project) == 4
            assert (await asking.refused("PUT", here, {"state": "perhaps"}))[0] == 400
            assert await asking.refused("PUT", "/api/v1/people/ann/consent", {"state": "granted"}) == (422, "bad_value")

    asyncio.run(go())
    found = [action for action, *_ in audited(environment, project, "consent")]
    assert found == ["consent.withdrawn", "consent.granted"]


def test_what_batch_write_has_forgotten_is_published_again(engine: Stored, environment: str) -> None:
    """A warehouse that was put back to an earlier state knows of nobody."""
    project = uuid.uuid4()

    async def go() -> None:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            await asking.json("POST", JOBS, {"people": ["u:ann"]}, status=202)
            await asking.deliver()
            await engine.warehouse.command("TRUNCATE TABLE refused_people")
            attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.erasure.due.v1"}
            assert (await asking.post(Message(attributes, b"{}"))).status == 204
            await asyncio.to_thread(late, engine, project, row("e", HOUR, user_id="ann"), row("e", HOUR, user_id="bob"))
            assert await asyncio.to_thread(count, engine, project) == 1

    asyncio.run(go())


def test_events_stay_under_names_that_nobody_can_trace(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    here = [
        row("buy", HOUR * n, {"plan": "gold", "email": "zoe@x.org"}, user_id="zoe", url="/u/zoe") for n in (1, 2, 3)
    ]
    engine.put(batch(project, *here, row("identify", HOUR, {"email": "zoe@x.org"}, user_id="zoe")))

    async def go() -> Any:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            asked = {"people": ["u:zoe"], "mode": "anonymise"}
            job = await asking.json("POST", JOBS, asked, status=202)
            await asking.deliver()
            return (await asking.json("GET", f"{JOBS}/{job['id']}"))["result"]["certificate"]

    certificate = asyncio.run(go())
    assert (certificate["mode"], certificate["events"], certificate["anonymised"]) == ("anonymise", 4, 3)
    sql = "SELECT * FROM events FINAL WHERE project_id = {p:UUID}"
    answer = engine.run(engine.warehouse.query(sql, {"p": str(project)}))
    rows = [dict(zip(answer.columns, one, strict=True)) for one in answer.rows]
    assert [one["event"] for one in rows] == ["buy"] * 3
    [name] = {one["user_id"] for one in rows}
    assert name.startswith("anon-")
    assert len({one["event_id"] for one in rows}) == 3
    assert "zoe" not in str(rows).replace(name, "")
    assert "gold" not in str(rows)


def test_whoever_is_under_a_legal_hold_is_not_erased(engine: Stored, environment: str) -> None:
    project = uuid.uuid4()
    people(engine, project, "ann", "bob")

    async def go() -> None:
        async with client("gdpr_delete", environment, project, "admin") as asking:
            catalog = Catalog(environment)
            await hold(catalog, project, "u:ann", "lawsuit")
            await catalog.close()
            job = await asking.json("POST", JOBS, {"people": ["u:ann", "u:bob"]}, status=202)
            await asking.deliver()
            shown = await asking.json("GET", f"{JOBS}/{job['id']}")
            assert (shown["state"], shown["error"]["code"]) == ("failed", "conflict")

    asyncio.run(go())
    assert count(engine, project) == 6


async def test_a_letter_with_a_null_character_keeps_nobody_from_being_erased(catalog_url: str) -> None:
    project, letter = uuid.uuid4(), uuid.uuid4()
    with psycopg.connect(catalog_url) as connection:
        connection.execute(
            "INSERT INTO dead_letters"
            " (id, event_type, sink, dest, code, reason, detail, resent, since, attributes, data, size)"
            " VALUES (%s, 't', 's', 'd', 422, 'r', 'd', 0, now(), %s, '', 0)",
            [letter, json.dumps({"project": str(project), "odd": "a\0b", "odder": "\\u0000"})],
        )
    catalog = Catalog(catalog_url)
    try:
        values = {"project_id": project, "after": uuid.UUID(int=0), "most": 10}
        assert [row["id"] for row in await catalog.rows("list_letters_of_project", values)] == [letter]
    finally:
        await catalog.close()
